"""A long study in blocks of rows, each kept when it is done: one that stops or fails costs that block alone."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from genelight._core.disk import writing
from genelight._core.workers import done

__all__ = ["Rows", "in_blocks"]

Rows = Iterable[Mapping[str, Any]]
KEPT = Path(__file__).parent / "records"


def in_blocks(study: str, blocks: Mapping[str, Callable[[], Rows]], *, keep: bool) -> list[dict[str, Any]]:
    """Rows of all blocks; with `keep`, those that an earlier run of this version finished are not made again.

    Raises
    ------
    RuntimeError
        If a block failed, after all others have run; it names the blocks and where the rest is kept.
    """
    folder, rows, failed = KEPT / f"{study}.unfinished", [], []
    done_before = {name for name in blocks if keep and (folder / f"{name}.json").is_file()}
    left = [name for name in blocks if name not in done_before]
    made_of: dict[str, list[dict[str, Any]]] = {}
    for i, (made, seconds, wrong) in done(_made, [blocks[name] for name in left]):
        if wrong:
            print(wrong, file=sys.stderr)
            failed.append(left[i])
            continue
        print(f"{left[i]}: {len(made)} rows, {seconds:.0f} s", file=sys.stderr, flush=True)
        made_of[left[i]] = made
        if keep:
            folder.mkdir(parents=True, exist_ok=True)
            with writing(folder / f"{left[i]}.json") as draft:
                draft.write_text(json.dumps(made, indent=1) + "\n")
    for name in blocks:
        rows += json.loads((folder / f"{name}.json").read_text()) if name in done_before else made_of.get(name, [])
    if failed:
        msg = f"{len(failed)} of {len(blocks)} blocks failed: {', '.join(failed)}; the others lie in {folder}"
        raise RuntimeError(msg)
    return rows


def _made(make: Callable[[], Rows]) -> tuple[list[dict[str, Any]], float, str]:
    """Rows of a block, how long it took, and the trace of what went wrong."""
    began = time.perf_counter()
    try:
        rows = [{key: _plain(value) for key, value in row.items()} for row in make()]
    except Exception:  # noqa: BLE001 - the trace is shown, the others still run, and the study fails in the end
        return [], 0.0, traceback.format_exc()
    return rows, time.perf_counter() - began, ""


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
