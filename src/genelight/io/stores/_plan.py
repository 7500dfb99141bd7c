"""What a store will hold, decided before the first value is written: one gene list and one sample table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from ..._core.provenance import digest
from ...errors import InputError, UnknownNameError, first_three
from ...nouns import Genes
from ...nouns.genes import check_coverage
from ..scales import LOG2_CEILING
from ._sources import Source, plain_columns

ORIGIN = "packed_from"
# Two platforms of one species share far more than this; two kinds of gene id share next to nothing.
LEAST_SHARED = 0.5


@dataclass(frozen=True)
class Plan:
    """Genes, samples and where each sample comes from.

    Attributes
    ----------
    rows
        For each source, which of its samples are taken, in order.
    """

    sources: tuple[Source, ...]
    genes: Genes
    obs: pd.DataFrame
    rows: tuple[np.ndarray, ...]
    compress: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Samples and genes."""
        return len(self.obs), len(self.genes)

    @cached_property
    def digest(self) -> str:
        """Identity of the whole plan and of the state of its inputs."""
        inputs = [[s.name, *s.stamp, s.genes.digest, len(s.obs)] for s in self.sources]
        taken = [int(rows.sum()) for rows in self.rows]
        return digest(inputs, taken, self.genes.digest, list(self.obs.index), self.compress)

    @cached_property
    def var(self) -> pd.DataFrame:
        """One row per gene: in how many of the inputs it was measured."""
        found = sum(self._measured(source) for source in self.sources)
        return pd.DataFrame({"measured_in": found}, index=list(self.genes.ids))

    def _measured(self, source: Source) -> np.ndarray:
        if source.kept is not None:
            return source.kept.var["measured_in"].to_numpy(np.int64)
        return (self.genes.align(source.genes).index >= 0).astype(np.int64)

    def account(self) -> list[dict[str, object]]:
        """For each input: samples, samples left out, genes found, missing and not used."""
        lines: list[dict[str, object]] = []
        for source, rows in zip(self.sources, self.rows, strict=True):
            aligned = self.genes.align(source.genes)
            if source.kept is not None:
                lines += [dict(entry) for entry in source.kept.about["inputs"]]
                continue
            counts = {"genes_found": aligned.found, "genes_missing": aligned.missing, "genes_not_used": aligned.extra}
            lines.append({"input": source.name, "samples": int(rows.sum()), "repeats": int((~rows).sum()), **counts})
        return lines


def make_plan(sources: Sequence[Source], *, genes: str | Sequence[str], repeats: str, compress: bool) -> Plan:
    """Decide genes and samples.

    Raises
    ------
    InputError
        If inputs share too few genes, are on different scales, or sample names repeat and `repeats` is ``"stop"``.
    UnknownNameError
        If `genes` or `repeats` names no way to do it.
    """
    _check_scales(sources)
    kept = _genes(sources, genes)
    names, rows = _samples(sources, repeats)
    tables = [s.obs[mask] for s, mask in zip(sources, rows, strict=True)]
    origin = np.concatenate([_origin(s, len(t)) for s, t in zip(sources, tables, strict=True)])
    obs = pd.concat([_text_categories(t) for t in tables]) if len(tables) > 1 else tables[0]
    obs = obs.copy()  # in one piece: pandas warns of a column put to a table of many
    obs.index = pd.Index(names, dtype=object)
    obs[ORIGIN] = pd.Categorical(origin)
    return Plan(tuple(sources), kept, plain_columns(obs), rows, compress)


def _origin(source: Source, samples: int) -> np.ndarray:
    """Which input each sample comes from; those of a store that is appended to know it."""
    if source.kept is not None:
        return source.obs[ORIGIN].astype(object).to_numpy()
    return np.full(samples, source.name, dtype=object)


def _intersection(lists: Sequence[Genes]) -> list[str]:
    """Genes that every input measures, in the order of the first."""
    common = set.intersection(*(set(genes.ids) for genes in lists))
    return [gene for gene in lists[0].ids if gene in common]


def _union(lists: Sequence[Genes]) -> list[str]:
    """Genes that any input measures; what an input lacks is missing (NaN), never zero."""
    return list(dict.fromkeys(gene for genes in lists for gene in genes.ids))


JOINS: dict[str, Callable[[Sequence[Genes]], list[str]]] = {"intersection": _intersection, "union": _union}
REPEATS = ("stop", "first", "prefix")


def _genes(sources: Sequence[Source], genes: str | Sequence[str]) -> Genes:
    lists = [source.genes for source in sources]
    if not isinstance(genes, str):
        wanted = Genes(tuple(genes), lists[0].namespace)
        _check_shared(sources, wanted, "the genes asked for")
        return wanted
    if genes not in JOINS:
        raise UnknownNameError("way to join genes", genes, JOINS)
    largest = max(sources, key=lambda source: len(source.genes))
    _check_shared(sources, largest.genes, largest.name)
    kept = JOINS[genes](lists)
    smallest = min(map(len, lists))
    if len(kept) < LEAST_SHARED * smallest:
        msg = (
            f"the {len(sources)} inputs have only {len(kept)} genes in common, fewer than half of the {smallest} of "
            "the smallest; leave one out, or keep all genes with genes = 'union'"
        )
        raise InputError(msg)
    return Genes(tuple(kept), lists[0].namespace)


def _check_shared(sources: Sequence[Source], reference: Genes, name: str) -> None:
    """Stop when an input shares less than half of its genes, or of the reference's if those are fewer."""
    for source in sources:
        least = max(1, int(LEAST_SHARED * min(len(source.genes), len(reference))))
        check_coverage(reference.align(source.genes), least=least, what=source.name, reference=name)


def _samples(sources: Sequence[Source], repeats: str) -> tuple[list[str], tuple[np.ndarray, ...]]:
    """Names of all samples, and for each source which of its samples are taken."""
    if repeats not in REPEATS:
        raise UnknownNameError("treatment of repeated samples", repeats, REPEATS)
    names = [list(source.obs.index) for source in sources]
    if repeats == "prefix":
        stems = [Path(source.name).name.split(".")[0] for source in sources]
        names = [
            own if source.kept is not None else [f"{stem}:{name}" for name in own]
            for source, stem, own in zip(sources, stems, names, strict=True)
        ]
    flat = pd.Index([name for own in names for name in own])
    repeated = flat.duplicated()
    if repeated.any() and repeats != "first":
        shown = first_three(flat[repeated].unique())
        msg = (
            f"{int(repeated.sum())} sample names occur in more than one input ({shown}); keep the first of each with "
            "repeats = 'first', or put the file's name before each with repeats = 'prefix'"
        )
        raise InputError(msg)
    ends = np.cumsum([len(own) for own in names])[:-1]
    return list(flat[~repeated]), tuple(np.split(~repeated, ends))


def _text_categories(table: pd.DataFrame) -> pd.DataFrame:
    """Categories as text, since joining two sets of categories gives neither."""
    text = [name for name, column in table.items() if isinstance(column.dtype, pd.CategoricalDtype)]
    return table.astype(dict.fromkeys(text, object))


def _check_scales(sources: Sequence[Source]) -> None:
    """Stop when some inputs are logged and others are not, judged on the first samples of each."""
    highest = {s.name: float(np.nanmax(next(s.blocks(0, 32)), initial=-np.inf)) for s in sources}
    logged = [name for name, high in highest.items() if high <= LOG2_CEILING]
    if logged and len(logged) < len(highest):
        other = next(name for name in highest if name not in logged)
        msg = (
            f"the inputs are on different scales: {logged[0]} goes up to {highest[logged[0]]:g}, as logged values do, "
            f"{other} up to {highest[other]:g}; bring them to one scale first"
        )
        raise InputError(msg)
