"""Speed and memory, side by side with named peers; ``_harness.py`` says how to add one."""
