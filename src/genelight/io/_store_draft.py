"""A store in the making: shards written one after another, each noted when it is whole, so that a kill costs one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .._core.progress import progress
from .._core.provenance import digest, read_json, write_json
from ..errors import InputError, ResourceError
from ._store_group import FORMAT, create_group, shard_rows, write_tables
from ._store_plan import Plan
from ._store_sources import Source

__all__ = ["write_store"]


@dataclass
class _Counts:
    """What the values of one input turned out to be."""

    missing: int = 0
    lowest: float = float("inf")
    highest: float = float("-inf")

    def add(self, x_ng: np.ndarray) -> None:
        low, high = float(np.fmin.reduce(x_ng, axis=None)), float(np.fmax.reduce(x_ng, axis=None))
        # NaN where all is missing; comparing keeps what was there.
        self.lowest, self.highest = min(self.lowest, low), max(self.highest, high)
        if np.isnan(x_ng.sum(dtype=np.float64)):
            self.missing += int(np.isnan(x_ng).sum())


@dataclass
class _Journal:
    """Digest and counts of each whole shard, one JSON line each, on disk before the next is begun."""

    path: Path
    lines: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path) -> _Journal:
        text = path.read_text() if path.exists() else ""
        # The last line may have been cut by the kill; what is whole ends in a line break.
        whole = text[: text.rfind("\n") + 1]
        return cls(path, [json.loads(line) for line in whole.splitlines()])

    def cut(self, lines: int) -> None:
        self.lines = self.lines[:lines]
        self.path.write_text("".join(json.dumps(line) + "\n" for line in self.lines))

    def add(self, line: dict[str, Any]) -> None:
        self.lines.append(line)
        with self.path.open("a") as handle:
            handle.write(json.dumps(line) + "\n")
            handle.flush()
            os.fsync(handle.fileno())


def write_store(plan: Plan, part: Path, out: Path) -> None:
    """Write all shards that are not there yet, then the tables, and move the whole to `out`.

    Raises
    ------
    InputError
        If `part` was begun with other inputs.
    ResourceError
        If the disk is full.
    """
    _check_begun(plan, part)
    try:
        x = create_group(part / "store", plan.shape, compress=plan.compress)
        journal = _Journal.open(part / "journal.jsonl")
        rows = shard_rows(plan.shape[1])
        done = _whole_shards(part, x, journal)
        with progress("packing", plan.shape[0]) as step:
            step("", done * rows)
            for shard_ng, counts in _shards(plan, first=done, rows=rows):
                start = len(journal.lines) * rows
                x[start : start + len(shard_ng)] = shard_ng
                journal.add({"digest": _digest(shard_ng), "counts": counts})
                step("", len(shard_ng))
        write_tables(part / "store", obs=plan.obs, var=plan.var, about=_about(plan, journal))
        (part / "store").replace(out)
    except OSError as error:
        if isinstance(error, ResourceError):
            raise
        msg = f"cannot write {out}: {error.strerror or error}; free the disk and run the same pack again, it goes on"
        raise ResourceError(msg) from error


def _check_begun(plan: Plan, part: Path) -> None:
    note = part / "plan.json"
    if not note.exists():
        write_json(note, {"plan": plan.digest})
    elif read_json(note)["plan"] != plan.digest:
        msg = f"{part} was begun with other inputs or options; repeat those, or remove that folder to begin anew"
        raise InputError(msg)


def _whole_shards(part: Path, x: Any, journal: _Journal) -> int:
    """How many shards are on disk as the journal says; a torn one and all that follow are removed."""
    noted = [line["digest"] for line in journal.lines]
    torn = (i for i, digest_noted in enumerate(noted) if not _is_whole(x, i, digest_noted))
    whole = next(torn, len(noted))
    journal.cut(whole)
    for shard in (part / "store" / "X").glob("c/*/0"):
        if int(shard.parent.name) >= whole:
            shard.unlink()
    return whole


def _is_whole(x: Any, shard: int, noted: str) -> bool:
    rows = x.shards[0]
    try:
        return _digest(x[shard * rows : (shard + 1) * rows]) == noted
    except (OSError, ValueError, RuntimeError):
        return False


def _shards(plan: Plan, *, first: int, rows: int) -> Iterator[tuple[np.ndarray, dict[str, Any]]]:
    """Shard after shard, from the `first` on, with the counts of each input in it."""
    shard_ng = np.empty((rows, plan.shape[1]), np.float32)
    counts: dict[str, _Counts] = {}
    filled = 0
    for name, block_ng in _blocks(plan, start=first * rows, rows=max(1, rows // 4)):
        rest_ng = block_ng
        while len(rest_ng):
            taken, rest_ng = rest_ng[: rows - filled], rest_ng[rows - filled :]
            shard_ng[filled : filled + len(taken)] = taken
            counts.setdefault(name, _Counts()).add(taken)
            filled += len(taken)
            if filled == rows:
                yield shard_ng, {n: vars(c) for n, c in counts.items()}
                filled, counts = 0, {}
    if filled:
        yield shard_ng[:filled], {n: vars(c) for n, c in counts.items()}


def _blocks(plan: Plan, *, start: int, rows: int) -> Iterator[tuple[str, np.ndarray]]:
    """Values of the store from sample `start` on: name of the input, and at most `rows` samples of it."""
    for source, taken in zip(plan.sources, plan.rows, strict=True):
        wanted = np.flatnonzero(taken)
        if start >= len(wanted):
            start -= len(wanted)
            continue
        yield from ((source.name, x_ng) for x_ng in _aligned(plan, source, taken, first=int(wanted[start]), rows=rows))
        start = 0


def _aligned(plan: Plan, source: Source, taken: np.ndarray, *, first: int, rows: int) -> Iterator[np.ndarray]:
    """Values of one input in the genes of the store; genes that it lacks are NaN."""
    index = plan.genes.align(source.genes).index
    as_is = len(index) == len(source.genes) and bool((index == np.arange(len(index))).all())
    for block_ng in source.blocks(first, rows):
        kept = taken[first : first + len(block_ng)]
        first += len(block_ng)
        x_ng = block_ng if kept.all() else block_ng[kept]
        if not as_is:
            x_ng = x_ng[:, index]
            x_ng[:, index < 0] = np.nan
        yield x_ng


def _about(plan: Plan, journal: _Journal) -> dict[str, Any]:
    """The stamp: format, identity, and what became of each input."""
    digests = [line["digest"] for line in journal.lines]
    inputs = plan.account()
    for entry in inputs:
        parts = [line["counts"][entry["input"]] for line in journal.lines if entry["input"] in line["counts"]]
        lowest = min((part["lowest"] for part in parts), default=np.inf)
        entry["values_missing"] = sum(part["missing"] for part in parts)
        entry["lowest"] = lowest if np.isfinite(lowest) else None
        entry["highest"] = max(part["highest"] for part in parts) if np.isfinite(lowest) else None
    return {
        "format": FORMAT,
        "namespace": plan.genes.namespace,
        "digest": digest(plan.genes.digest, list(plan.obs.index), digests),
        "inputs": inputs,
        "values_missing": sum(int(str(entry["values_missing"])) for entry in inputs),
        "shards": digests,
    }


def _digest(x_ng: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(x_ng).data).hexdigest()[:16]
