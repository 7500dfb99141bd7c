"""A store in the making: shards written one after another, each noted when it is whole, so that a kill costs one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..._core.disk import exchange, flush, writing
from ..._core.progress import progress
from ..._core.provenance import check_seal, digest, read_json, sealed, write_json
from ...errors import FormatError, InputError, ResourceError
from ._bucket import Bucket, Url
from ._group import (
    FORMAT,
    checksum,
    contents,
    create_group,
    metadata,
    read_stamp,
    shard_digest,
    shard_rows,
    write_tables,
)
from ._open import is_store
from ._plan import Plan
from ._shards import Shards
from ._sources import Source, input_stamp


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
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        # The last line may have been cut by the kill; what is whole ends in a line break.
        lines: list[dict[str, Any]] = []
        for line in text[: text.rfind("\n") + 1].splitlines():
            try:
                lines.append(check_seal(json.loads(line), where=path))
            except (FormatError, ValueError):
                break
        return cls(path, lines)

    def cut(self, lines: int) -> None:
        self.lines = self.lines[:lines]
        with writing(self.path) as draft:
            draft.write_text("".join(json.dumps(line) + "\n" for line in self.lines), encoding="utf-8")

    def add(self, line: dict[str, Any]) -> None:
        line = sealed(line)
        self.lines.append(line)
        with self.path.open("a", encoding="utf-8") as handle:
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
    bucket = Bucket(out) if isinstance(out, Url) else None
    try:
        for left in (part / "store").rglob("*.partial"):
            left.unlink()
        x = create_group(part / "store", plan.shape, compress=plan.compress)
        journal = _Journal.open(part / "journal.jsonl")
        if not journal.lines:
            _take_over(plan, part / "store", journal)
        rows, plain = shard_rows(plan.shape[1]), Shards.of(x, part / "store" / "X")
        # What is in a bucket was whole before it was noted.
        done = len(journal.lines) if bucket else _whole_shards(part, x, journal)
        with progress("packing", plan.shape[0]) as step:
            step("", done * rows)
            for shard_ng, counts in _shards(plan, first=done, rows=rows):
                start = len(journal.lines) * rows
                if any(count["missing"] for count in counts.values()):
                    # One way to say missing: what is left out on disk comes back as this.
                    shard_ng[np.isnan(shard_ng)] = np.nan
                if plain:
                    plain.write(len(journal.lines), shard_ng)
                else:
                    x[start : start + len(shard_ng)] = shard_ng
                name = f"X/c/{len(journal.lines)}/0"
                # One whose values are all missing has no file; its place in the bucket is new.
                if bucket and (part / "store" / name).exists():
                    bucket.upload(part / "store" / name, name)
                    (part / "store" / name).unlink()
                sums = [checksum(shard_ng[i : i + x.chunks[0]]) for i in range(0, len(shard_ng), x.chunks[0])]
                journal.add({"digest": shard_digest(shard_ng), "chunks": sums, "counts": counts})
                step("", len(shard_ng))
        write_tables(part / "store", obs=plan.obs, var=plan.var, about=_about(plan, journal))
        flush(part / "store")
        _put_in_place(part, out)
    except OSError as error:
        if isinstance(error, ResourceError):
            raise
        msg = f"cannot write {out}: {error.strerror or error}; free the disk and run the same pack again, it goes on"
        raise ResourceError(msg) from error


def goes_on(paths: Sequence[Path], part: Path, out: Url) -> bool:
    """Finish what was broken off while its tables were put; whether it was of these very inputs, so that all is done.

    Raises
    ------
    InputError
        If nothing can be put there.
    ResourceError
        If the bucket cannot be reached, or the store was changed by another.
    """
    if out.on_web:
        msg = f"{out} is on the web, which is only read; pack to a disk, or to s3://BUCKET/NAME or gs://BUCKET/NAME"
        raise InputError(msg)
    if not is_store(part / "store"):
        return False
    _publish(part, out)
    same = read_json(part / "plan.json")["inputs"] == [[path.name, *input_stamp(path)] for path in paths]
    shutil.rmtree(part)
    return bool(same)


def _put_in_place(part: Path, out: Path) -> None:
    if isinstance(out, Url):
        _publish(part, out)
    elif not out.exists():
        (part / "store").rename(out)
    elif not exchange(part / "store", out):
        out.rename(part / "replaced")
        (part / "store").rename(out)


def _publish(part: Path, out: Url) -> None:
    """Put the tables of a store whose shards are there, the stamp last."""
    bucket, base = Bucket(out), read_json(part / "plan.json")["base"]
    stamp, now = read_stamp(part / "store")["seal"], read_stamp(out)["seal"] if is_store(out) else None
    if now not in (base, stamp):
        msg = f"{out} was changed by another while this was packed; remove {part} and type the same again"
        raise ResourceError(msg)
    bucket.write(contents(part / "store", metadata(part / "store")))
    bucket.write(contents(part / "store", ["zarr.json"]))


def _take_over(plan: Plan, store: Path, journal: _Journal) -> None:
    """Of a store that is appended to, the whole shards: the same files under a second name."""
    base = plan.sources[0].kept
    if base is None:
        return
    rows = shard_rows(plan.shape[1])
    chunks = rows // int(base.x.chunks[0])
    for shard in range(base.x.shape[0] // rows):
        if not base.remote:
            name = f"X/c/{shard}/0"
            file = store / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink(missing_ok=True)
            try:
                os.link(base.path / name, file)
            except OSError:
                shutil.copyfile(base.path / name, file)
        sums = base.about["chunks"][shard * chunks : (shard + 1) * chunks]
        journal.add({"digest": base.about["shards"][shard], "chunks": sums, "counts": {}})


def _check_begun(plan: Plan, part: Path) -> None:
    note = part / "plan.json"
    if not note.exists():
        inputs = [[source.name, *source.stamp] for source in plan.sources if source.kept is None]
        base = next((source.kept.about["seal"] for source in plan.sources if source.kept), None)
        write_json(note, {"plan": plan.digest, "inputs": inputs, "base": base})
    elif read_json(note)["plan"] != plan.digest:
        msg = f"{part} was begun with other inputs or options; repeat those, or remove that folder to begin anew"
        raise InputError(msg)


def _whole_shards(part: Path, x: Any, journal: _Journal) -> int:
    """How many shards are on disk as the journal says; a torn one and all that follow are removed."""
    whole, rows = 0, x.shards[0]
    with suppress(OSError, ValueError, RuntimeError):
        for line in journal.lines:
            if shard_digest(x[whole * rows : (whole + 1) * rows]) != line["digest"]:
                break
            whole += 1
    journal.cut(whole)
    for shard in (part / "store" / "X").glob("c/*/0"):
        if int(shard.parent.name) >= whole:
            shard.unlink()
    return whole


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
        if "values_missing" in entry:
            continue
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
        "genes": plan.genes.digest,
        "shape": list(plan.shape),
        "shards": digests,
        "chunks": [sum_ for line in journal.lines for sum_ in line["chunks"]],
    }
