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
    for name, make in blocks.items():
        path = folder / f"{name}.json"
        if keep and path.is_file():
            rows += json.loads(path.read_text())
            continue
        began = time.perf_counter()
        try:
            made = [{key: _plain(value) for key, value in row.items()} for row in make()]
        except Exception:  # noqa: BLE001 - the traceback is shown, the others still run, and the study fails below
            traceback.print_exc()
            failed.append(name)
            continue
        print(f"{name}: {len(made)} rows, {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        rows += made
        if keep:
            folder.mkdir(parents=True, exist_ok=True)
            with writing(path) as draft:
                draft.write_text(json.dumps(made, indent=1) + "\n")
    if failed:
        msg = f"{len(failed)} of {len(blocks)} blocks failed: {', '.join(failed)}; the others lie in {folder}"
        raise RuntimeError(msg)
    return rows


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
