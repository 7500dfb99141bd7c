"""``python -m benchmarks [NAME ... | all] [--quick] [--json]``."""

from pathlib import Path

from ._harness import Collection, main

if __name__ == "__main__":
    raise SystemExit(main(Collection("benchmarks", Path(__file__).parent, "RESULTS.md")))
