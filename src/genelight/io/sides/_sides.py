"""A matrix of samples x genes freed of what is neither: annotations, sums of reads, names that say nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import FormatError, InputError, first_three
from .._asked import NOTHING, Asked
from ..id_kinds import looks_like
from ..scales import LOG2_CEILING
from ..text._lines import InMemory
from ..text._signs import NO_ID as EMPTY
from ._axis import DOUBTFUL, NO_ID, SURE, SYMBOLS, WORD, gene_kin, is_sum, sample_kin, uncorrelated, unlike
from ._notes import free
from ._odd_values import apart, beyond, whole

_FEW, _SHARE = 5, 0.01
# Rows of genes from which a row that stands between two of them is a gene too, unless its values are not like theirs.
_MANY = 1000
# Names of which some may be genes that no table has; in a small panel of genes a lone word in capitals is a measure.
_ENOUGH = 50
_CAPITALS = re.compile(r"[A-Z0-9][A-Z0-9._/-]*$")
_NO_NAME = re.compile(r"(\.\d+)?$")
_OF_NO_KIND = frozenset(("symbol", "entrez", "unknown"))
_FLOAT = re.compile(r"\d+\.0*$")


@dataclass(frozen=True)
class Sides:
    """Samples x genes with what is known of each.

    Attributes
    ----------
    path
        The file, for messages.
    x_ng
        Values.
    samples, genes
        Names.
    of_samples, of_genes
        What stands beside them.
    beside_genes
        Positions before which a column of text stood.
    in_columns
        Whether samples stand in columns of the file.
    said
        What was done, a line for each kind.
    asked
        What the user said, and how it is typed.
    """

    path: Path | InMemory
    x_ng: np.ndarray
    samples: list[str]
    genes: list[str]
    of_samples: Mapping[str, Any]
    of_genes: Mapping[str, Any]
    beside_genes: frozenset[int] = frozenset()
    in_columns: bool = True
    said: tuple[str, ...] = field(default=())
    asked: Asked = NOTHING

    def parted(self) -> Sides:
        """The same with annotations beside the matrix, and without what is no gene and no sample.

        Raises
        ------
        FormatError
            If a sample has no name, or nothing is left.
        InputError
            If a name may be a gene's or describe samples.
        """
        parted = self._moved_genes(self.no_genes())
        parted = parted.moved_samples(parted.no_samples())
        parted._check_unnamed()
        parted = parted._with_plain_ids()._without_sums()._without_names()
        return replace(parted, said=(*apart_of(parted.of_samples, parted.of_genes), *parted.said))

    def _check_unnamed(self) -> None:
        """Columns without a name may be samples whose name a merged cell of a sheet holds."""
        notes = [c for n, c in self.of_genes.items() if _NO_NAME.match(n) and isinstance(c, np.ndarray)]
        if not notes or not self.in_columns or not self.samples:
            return
        x = np.column_stack([*self.x_ng, *notes])
        here, there = range(len(self.samples), x.shape[1]), range(len(self.samples))
        alike = ~(unlike(x, here, there) | uncorrelated(x, here, there))
        if alike.any():
            msg = (
                f"{self.path}: {int(alike.sum())} columns have no name, and hold values as the {len(self.samples)} "
                f"samples do ({first_three(self.samples)}); write a name above each column, in one line: of merged "
                "cells only the first holds it"
            )
            raise FormatError(msg)

    def _with_plain_ids(self) -> Sides:
        """With Entrez ids that a program took for numbers, 7157.0, as they are."""
        odd = [bool(_FLOAT.match(g)) for g in self.genes]
        if sum(odd) < 0.5 * len(odd) or not any(odd):
            return self
        return replace(self, genes=[g.partition(".")[0] if o else g for g, o in zip(self.genes, odd, strict=True)])

    def no_genes(self) -> list[int]:
        """Positions along the genes of what describes samples: what the user names, and what names and values tell.

        Raises
        ------
        InputError
            If a name may be a gene's or describe samples, and was not said to do so.
        """
        named = [i for i, g in enumerate(self.genes) if g in self.asked.named]
        kin = None if self.asked.closed else gene_kin(self.genes)
        if kin is None:
            return named
        level = np.where([g in EMPTY for g in self.genes], SURE, kin.level)
        level[self._with_ids(np.flatnonzero(level < SURE))] = SURE
        level[named] = NO_ID
        sure = np.flatnonzero(level == SURE)
        doubtful = np.flatnonzero(level < SURE)
        odd = set(doubtful[level[doubtful] == NO_ID].tolist())
        doubtful = np.array([i for i in doubtful if i not in odd], int)
        apart = set(doubtful[unlike(self.x_ng, doubtful, sure)].tolist()) if len(doubtful) and len(sure) else set()
        words = [int(i) for i in doubtful if level[i] == WORD and i not in apart]
        if len(words) <= max(_FEW, _SHARE * len(self.genes)):
            apart |= set(words)
        found = (odd | apart) - self._among_genes(level, odd | apart, sure, kind=kin.kind) | set(named)
        above, of_whole = self._named(beyond(self.x_ng, sure)), self._named(whole(self.x_ng, sure))
        among, beside = self._near_notes(level, found.union(above, of_whole), np.setdiff1d(sure, above + of_whole))
        asked = {
            "among columns that describe samples": among,
            "beside columns that describe samples, with values unlike the genes'": beside,
            f"with values above {LOG2_CEILING:g} where those of the other genes lie below": above,
            "whole numbers where other genes have fractions": of_whole,
        }
        if any(asked.values()):
            self._ask(asked, found)
        return sorted(found)

    def _among_genes(self, level: np.ndarray, found: set[int], sure: np.ndarray, *, kind: str) -> set[int]:
        """Of unknown names, those in capitals that stand among genes and have values like theirs.

        What describes samples stands together, or at an end of the table; clusters and withdrawn symbols do not. Nobody
        writes what describes samples into the midst of thousands of rows.
        """
        if self.in_columns and len(sure) >= _MANY:
            inside = [i for i in sorted(found) if sure[0] < i < sure[-1]]
            return set(inside) - self._odd_rows(inside, sure)
        if kind != SYMBOLS or len(self.genes) < _ENOUGH:
            return set()
        capital = [i for i in sorted(found) if level[i] < SURE and _CAPITALS.match(self.genes[i])]
        if not capital or not len(sure):
            return set()
        odd = set(np.array(capital)[unlike(self.x_ng, capital, sure)].tolist())
        capital = [i for i in capital if i not in odd]
        told, ends = found - set(capital), (sure[0], sure[-1])
        kept: set[int] = set()
        for run in _runs(capital, level):
            outside = run[-1] < ends[0] or run[0] > ends[1]
            shapes = Counter(re.sub(r"\d+", "9", self.genes[i]) for i in run)
            alone = len(run) < 3 and not outside
            series = max(shapes.values()) > max(_FEW, len(run) / 2)
            if (alone or series) and not told.intersection(range(run[0] - 1, run[-1] + 2)):
                kept |= set(run)
        return kept

    def _odd_rows(self, places: list[int], sure: np.ndarray) -> set[int]:
        """Of rows among genes, those whose values are of another sort; one value far above may be damaged."""
        if not places:
            return set()
        x = self.x_ng[:, places].astype(float)
        high = np.where(np.isfinite(x), x, -np.inf).argmax(0)
        x[high, np.arange(len(places))] = np.nan
        some = sure[:: max(1, len(sure) // _MANY)]
        both = np.hstack([x, self.x_ng[:, some]])
        return set(np.array(places)[unlike(both, range(len(places)), range(len(places), both.shape[1]))].tolist())

    def _near_notes(self, level: np.ndarray, found: set[int], sure: np.ndarray) -> tuple[list[int], list[int]]:
        """Names of genes, old ones and current ones, that may describe samples since what does stands beside them."""
        among: list[int] = []
        beside: list[int] = []
        while True:
            level = level.copy()
            level[beside] = DOUBTFUL
            told = found.union(beside)
            among = self._among_notes(level, told)
            more = self._beside_notes(np.setdiff1d(sure, beside), told.union(among))
            if not more:
                return among, beside
            beside += more

    def _among_notes(self, level: np.ndarray, found: set[int]) -> list[int]:
        """Old names of genes that stand in a row with what describes samples."""
        asked = []
        for i in (int(i) for i in np.flatnonzero(level == DOUBTFUL) if i not in found):
            first = i
            while first > 0 and level[first - 1] < SURE and first not in self.beside_genes:
                first -= 1
            last = i
            while last + 1 < len(level) and level[last + 1] < SURE and last + 1 not in self.beside_genes:
                last += 1
            if found.intersection(range(first, last + 1)) or first in self.beside_genes:
                asked.append(i)
        return asked

    def _beside_notes(self, sure: np.ndarray, found: set[int]) -> list[int]:
        """Names of genes beside what describes samples, whose values are not as the genes' are.

        Clinical measures have the names of genes: CRP, ALB, TNF.
        """
        near = {j for i in found for j in (i - 1, i + 1)} | {j for i in self.beside_genes for j in (i - 1, i)}
        places = self._named(np.array(sorted(near & set(sure.tolist())), int))
        others = np.setdiff1d(sure, places)
        if not places or len(others) < _FEW or len(self.x_ng) < 3:
            return []
        odd = apart(self.x_ng[:, places], self.x_ng[:, others[:: max(1, len(others) // _MANY)]])
        return [i for i, o in zip(places, odd, strict=True) if o]

    def _named(self, places: np.ndarray) -> list[int]:
        """Those whose names are genes' and may be another thing's: no sums of reads, no ids of a database."""
        kinds = looks_like([self.genes[i] for i in places])
        may = [int(i) for i, kind in zip(places, kinds, strict=True) if kind in _OF_NO_KIND]
        return [i for i in may if self.genes[i] not in EMPTY and not is_sum(self.genes[i])]

    def _ask(self, asked: Mapping[str, list[int]], found: set[int]) -> None:
        """Ask about all that may be either, at once."""
        names = [self.genes[i] for i in sorted({i for places in asked.values() for i in places})]
        why = [
            what if len(places) == len(names) else f"{first_three(self.genes[i] for i in places)}: {what}"
            for what, places in asked.items()
            if places
        ]
        numbers = [name for name, cells in self.of_samples.items() if isinstance(cells, np.ndarray)]
        told = [*numbers, *(self.genes[i] for i in sorted(found))]
        chosen = self.asked.typed(self.path, annotations=[*told, *names])
        without = self.asked.typed(self.path, annotations=told, closed=True)
        msg = (
            f"{self.path}: {first_three(names)} may be genes or describe samples ({'; '.join(why)}). If they "
            f"describe samples, type: genelight read {chosen}; if they are genes: genelight read {without}"
        )
        raise InputError(msg)

    def no_samples(self) -> list[int]:
        """Positions along the samples of what describes genes."""
        named = [i for i, s in enumerate(self.samples) if s in self.asked.named]
        kin = None if self.asked.closed else sample_kin(self.samples)
        if kin is None:
            return named
        sure = np.flatnonzero(kin.level == SURE)
        doubtful = np.flatnonzero(kin.level == DOUBTFUL)
        odd = set(np.flatnonzero(kin.level == NO_ID).tolist())
        odd -= {i for i in odd if self.samples[i] in EMPTY}
        if not self.in_columns:
            # A row is seldom about genes: its name and its values must say so.
            doubtful, odd = np.array(sorted(odd), int), set()
        if len(doubtful) and len(sure):
            apart = unlike(self.x_ng.T, doubtful, sure) | uncorrelated(self.x_ng.T, doubtful, sure)
            odd |= set(doubtful[apart].tolist())
        return sorted(odd.union(named))

    def _with_ids(self, places: np.ndarray) -> list[int]:
        """Those of the genes that have an id of a database beside their name."""
        texts = [cells for cells in self.of_genes.values() if not isinstance(cells, np.ndarray)]
        return [int(i) for i in places if not _OF_NO_KIND.issuperset(looks_like(cells[i] for cells in texts))]

    def _moved_genes(self, places: Sequence[int]) -> Sides:
        if not len(places) or len(places) == len(self.genes):
            return self
        notes = dict(self.of_samples)
        for i in places:
            notes[free(self.genes[i], notes)] = np.array(self.x_ng[:, i])
        return replace(self._kept_genes(np.setdiff1d(np.arange(len(self.genes)), places)), of_samples=notes)

    def moved_samples(self, places: Sequence[int]) -> Sides:
        """The same with some of the samples beside the genes, for they describe those."""
        if not len(places) or len(places) == len(self.samples):
            return self
        notes = dict(self.of_genes)
        for i in places:
            notes[free(self.samples[i], notes)] = np.array(self.x_ng[i])
        return replace(self._kept_samples(np.setdiff1d(np.arange(len(self.samples)), places)), of_genes=notes)

    def _kept_samples(self, keep: np.ndarray) -> Sides:
        of_samples = {name: _at(cells, keep) for name, cells in self.of_samples.items()}
        return replace(self, x_ng=self.x_ng[keep], samples=[self.samples[i] for i in keep], of_samples=of_samples)

    def _kept_genes(self, keep: np.ndarray, *said: str) -> Sides:
        of_genes = {name: _at(cells, keep) for name, cells in self.of_genes.items()}
        genes = [self.genes[i] for i in keep]
        return replace(self, x_ng=self.x_ng[:, keep], genes=genes, of_genes=of_genes, said=(*self.said, *said))

    def _without_sums(self) -> Sides:
        """Without sums of reads that no gene got, and spike-ins."""
        odd = np.array([is_sum(g) for g in self.genes], bool)
        if not odd.any() or odd.mean() > 0.5:
            return self
        told = first_three(g for g, o in zip(self.genes, odd, strict=True) if o)
        return self._kept_genes(np.flatnonzero(~odd), f"{int(odd.sum())} that are no genes set aside ({told})")

    def _without_names(self) -> Sides:
        """Without genes that have no id and samples that have neither name nor values."""
        empty = np.array([g in EMPTY for g in self.genes], bool)
        kept: Sides = self
        if empty.any():
            if empty.all():
                msg = f"{self.path}: none of {len(empty)} genes has an id ({first_three(self.genes)}); nothing is left"
                raise FormatError(msg)
            holds = np.isfinite(self.x_ng[:, empty]).any(0)
            said = f"{int(holds.sum())} without a gene id left out" if holds.any() else "empty columns left out"
            kept = self._kept_genes(np.flatnonzero(~empty), said)
        unnamed = np.array([s in EMPTY for s in kept.samples], bool)
        if not unnamed.any():
            return kept
        holds = np.isfinite(kept.x_ng).any(1)
        if (unnamed & holds).any():
            first = int(np.flatnonzero(unnamed & holds)[0])
            msg = (
                f"{self.path}: {int((unnamed & holds).sum())} samples have no name, the first is number {first + 1} "
                f"({first_three(kept.samples)}); name them"
            )
            raise FormatError(msg)
        empty_ones = f"{int(unnamed.sum())} empty ones left out among the samples"
        return replace(kept._kept_samples(np.flatnonzero(~unnamed)), said=(*kept.said, empty_ones))


def _at(cells: Any, keep: np.ndarray) -> Any:
    return cells[keep] if isinstance(cells, np.ndarray) else [cells[i] for i in keep]


def apart_of(of_samples: Collection[str], of_genes: Collection[str]) -> list[str]:
    """What is said of names that describe samples, and of those that describe genes."""
    return [
        f"{len(names)} {'describes' if len(names) == 1 else 'describe'} {what}: {_listed(list(names))}"
        for names, what in ((of_samples, "samples, no gene"), (of_genes, "genes, no sample"))
        if names
    ]


def _listed(names: Sequence[str]) -> str:
    """Names for a person, thirty at most."""
    return ", ".join(names[:30]) + (f" and {len(names) - 30} more" if len(names) > 30 else "")


def _runs(places: Sequence[int], level: np.ndarray) -> list[list[int]]:
    """Places that nothing certain stands between, together."""
    runs: list[list[int]] = []
    for i in places:
        if runs and (level[runs[-1][-1] : i + 1] < SURE).all():
            runs[-1].append(i)
        else:
            runs.append([i])
    return runs
