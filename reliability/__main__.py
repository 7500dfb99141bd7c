"""Run the trials and write ``docs/reliability.md``: ``python -m reliability [NAME ...] [--seconds 120]``."""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from genelight._core.disk import writing
from genelight._core.provenance import read_json, versions, write_json

TRIALS = (
    *("kills", "readers", "studies", "viewer", "tables", "faults"),
    *("fuzz", "guided", "clock", "threads", "mutations"),
)
RECORDS = Path(__file__).parent / "records"
PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
HEAD = Path(__file__).parent / "head.md"


def main() -> None:
    """Run what is asked for, keep what came of it, and write the page anew from all that is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(TRIALS)}; all by default")
    parser.add_argument("--seconds", type=float, default=90.0, help="for each trial that goes on as long as it may")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    asked = parser.parse_args()
    for name in asked.names or TRIALS:
        trial = import_module(f"reliability.{name}").trial
        began, computed = time.monotonic(), _computed()
        with tempfile.TemporaryDirectory() as folder:
            rows = trial(Path(folder), seconds=asked.seconds, seed=asked.seed)
        for row in rows:
            sys.stdout.write(f"{row.fault}: {row.tried} tried, {row.wrong} wrong; {row.outcome}\n")
        sys.stdout.flush()
        record = {
            "name": name,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - began),
            "cpu_seconds": round(_computed() - computed),
            "seed": asked.seed,
            "versions": versions(),
            "rows": [asdict(row) for row in rows],
        }
        write_json(RECORDS / f"{name}.json", record)
    _write_page()


def _computed() -> float:
    """Seconds of computing of this process and of those that it waited for: what a busy machine does not stretch."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _write_page() -> None:
    text = [HEAD.read_text(encoding="utf-8")]
    for name in TRIALS:
        if not (RECORDS / f"{name}.json").is_file():
            text.append(f"\n## {name}\n\nNot run yet: `python -m reliability {name}`.\n")
            continue
        record = read_json(RECORDS / f"{name}.json")
        about = (import_module(f"reliability.{name}").__doc__ or "").strip()
        text.append(f"\n## {name}\n\n{about}\n\n| fault | tried | went wrong | outcome |\n|---|---|---|---|\n")
        for row in record["rows"]:
            said = row["outcome"].replace("|", "\\|").replace("\n", " ")
            text.append(f"| {row['fault']} | {row['tried']} | {row['wrong']} | {said} |\n")
        computed = f" ({record['cpu_seconds']} s of computing)" if "cpu_seconds" in record else ""
        day, seconds = record["finished"][:10], record["seconds"]
        text.append(f"\nRun on {day} in {seconds} s{computed}, seed {record['seed']}.\n")
    with writing(PAGE) as draft:
        draft.write_text("".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
