"""Scientific comparisons with their log, negatives included; ``benchmarks/_harness.py`` says how to add one."""
