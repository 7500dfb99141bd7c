"""Run the trials and write ``docs/reliability.md``: ``python -m reliability [NAME ...] [--seconds 50]``."""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from genelight._core.disk import writing
from genelight._core.provenance import read_json, versions, write_json

# What each takes of --seconds, where it goes on as long as it may; the whole is to be over in half an hour.
TRIALS = {
    "kills": 2.5, "readers": 0.5, "studies": 5.0, "viewer": 0.5, "tables": 2.0, "faults": 1.0,
    "fuzz": 1.5, "guided": 1.5, "clock": 1.0, "threads": 1.0, "mutations": 5.0,
}  # fmt: skip
MOST_MINUTES = 30
RECORDS = Path(__file__).parent / "records"
WHOLE = RECORDS / "whole.json"
PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
HEAD = Path(__file__).parent / "head.md"


def main() -> None:
    """Run what is asked for, keep what came of it, and write the page anew from all that is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(TRIALS)}; all by default")
    parser.add_argument("--seconds", type=float, default=50.0, help="of a trial of weight one that goes on as it may")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    asked = parser.parse_args()
    began = time.monotonic()
    for name in asked.names or TRIALS:
        _try(name, seconds=asked.seconds * TRIALS[name], seed=asked.seed)
    if not asked.names:
        write_json(WHOLE, {"finished": _now(), "seconds": round(time.monotonic() - began)})
    with writing(PAGE) as draft:
        draft.write_text(page(), encoding="utf-8")


def _try(name: str, *, seconds: float, seed: int) -> None:
    trial = import_module(f"reliability.{name}").trial
    began, computed = time.monotonic(), _computed()
    with tempfile.TemporaryDirectory() as folder:
        rows = trial(Path(folder), seconds=seconds, seed=seed)
    for row in rows:
        sys.stdout.write(f"{row.fault}: {row.tried} tried, {row.wrong} wrong; {row.outcome}\n")
    sys.stdout.flush()
    record = {
        "name": name,
        "finished": _now(),
        "seconds": round(time.monotonic() - began),
        "cpu_seconds": round(_computed() - computed),
        "seed": seed,
        "versions": versions(),
        "rows": [asdict(row) for row in rows],
    }
    write_json(RECORDS / f"{name}.json", record)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _computed() -> float:
    """Seconds of computing of this process and of those that it waited for: what a busy machine does not stretch."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def page() -> str:
    """The page, from what is kept: the head, everything in one table, then trial by trial."""
    kept = {name: read_json(RECORDS / f"{name}.json") for name in TRIALS if (RECORDS / f"{name}.json").is_file()}
    text = [HEAD.read_text(encoding="utf-8"), "\n## All in one\n\n", _summary(kept)]
    for name in TRIALS:
        if name not in kept:
            text.append(f"\n## {name}\n\nNot run yet: `python -m reliability {name}`.\n")
            continue
        record = kept[name]
        about = (import_module(f"reliability.{name}").__doc__ or "").strip()
        text.append(f"\n## {name}\n\n{about}\n\n| fault | tried | went wrong | outcome |\n|---|---|---|---|\n")
        for row in record["rows"]:
            said = row["outcome"].replace("|", "\\|").replace("\n", " ")
            text.append(f"| {row['fault']} | {row['tried']:,} | {row['wrong']} | {said} |\n")
        computed = f" ({record['cpu_seconds']} s of computing)" if "cpu_seconds" in record else ""
        day, seconds = record["finished"][:10], record["seconds"]
        text.append(f"\nRun on {day} in {seconds} s{computed}, seed {record['seed']}.\n")
    return "".join(text)


def _summary(kept: Mapping[str, Any]) -> str:
    """One row for each trial, their sum, and how long all took when they were last run in one go."""
    lines = ["| trial | tried | went wrong | seconds |\n|---|---|---|---|\n"]
    tried, wrong = (sum(row[key] for each in kept.values() for row in each["rows"]) for key in ("tried", "wrong"))
    for name, record in kept.items():
        own = [sum(row[key] for row in record["rows"]) for key in ("tried", "wrong")]
        lines.append(f"| {name} | {own[0]:,} | {own[1]} | {record['seconds']} |\n")
    lines.append(f"| all | {tried:,} | {wrong} | {sum(each['seconds'] for each in kept.values())} |\n")
    if WHOLE.is_file():
        whole = read_json(WHOLE)
        minutes = whole["seconds"] / 60
        over = f", more than the {MOST_MINUTES} that it may take" if minutes > MOST_MINUTES else ""
        lines.append(
            f"\nLast run as a whole (`make reliability`) on {whole['finished'][:10]}: {minutes:.0f} minutes{over}.\n"
        )
    return "".join(lines)


if __name__ == "__main__":
    main()
