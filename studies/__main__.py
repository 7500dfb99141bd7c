"""``python -m studies [NAME ... | all] [--quick] [--json]``."""

from pathlib import Path

from benchmarks._harness import Collection, main

if __name__ == "__main__":
    raise SystemExit(main(Collection("studies", Path(__file__).parent, "LOG.md")))
