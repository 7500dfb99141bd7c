"""A matrix of samples x genes freed of what is neither: annotations, sums of reads, names that say nothing."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError, InputError, first_three
from ._axis import DOUBTFUL, NO_ID, SURE, SYMBOLS, WORD, gene_kin, is_sum, sample_kin, uncorrelated, unlike
from ._missing import NO_ID as EMPTY
from ._text import InMemory

__all__ = ["Sides"]

_FEW, _SHARE = 5, 0.01
# Rows of genes from which a row that stands between two of them is a gene too, unless its values are not like theirs.
_MANY = 1000
# Names of which some may be genes that no table has; in a small panel of genes a lone word in capitals is a measure.
_ENOUGH = 50
_LOG2_CEILING = 50.0
_CAPITALS = re.compile(r"[A-Z0-9][A-Z0-9._/-]*$")
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
    beside_samples, beside_genes
        Positions before which a column of text stood.
    in_columns
        Whether samples stand in columns of the file.
    said
        What was done, a line for each kind.
    """

    path: Path | InMemory
    x_ng: np.ndarray
    samples: list[str]
    genes: list[str]
    of_samples: Mapping[str, Any]
    of_genes: Mapping[str, Any]
    beside_samples: frozenset[int] = frozenset()
    beside_genes: frozenset[int] = frozenset()
    in_columns: bool = True
    said: tuple[str, ...] = field(default=())

    def parted(self, annotations: Sequence[str] | None) -> Sides:
        """The same with annotations beside the matrix, and without what is no gene and no sample.

        Raises
        ------
        FormatError
            If a sample has no name, or nothing is left.
        InputError
            If a name may be a gene's or describe samples.
        """
        if annotations is not None:
            named = self._moved_genes([i for i, g in enumerate(self.genes) if g in set(annotations)])
            parted = named._moved_samples([i for i, s in enumerate(named.samples) if s in set(annotations)])
        else:
            parted = self._moved_genes(self._no_genes())
            parted = parted._moved_samples(parted._no_samples())
        parted = parted._with_plain_ids()._without_sums()._without_names()
        told = [
            f"{len(notes)} {'describes' if len(notes) == 1 else 'describe'} {what}: {_listed(list(notes))}"
            for notes, what in ((parted.of_samples, "samples, no gene"), (parted.of_genes, "genes, no sample"))
            if notes
        ]
        return replace(parted, said=(*told, *parted.said))

    def _with_plain_ids(self) -> Sides:
        """With Entrez ids that a program took for numbers, 7157.0, as they are."""
        odd = [bool(_FLOAT.match(g)) for g in self.genes]
        if sum(odd) < 0.5 * len(odd) or not any(odd):
            return self
        return replace(self, genes=[g.partition(".")[0] if o else g for g, o in zip(self.genes, odd, strict=True)])

    def _no_genes(self) -> list[int]:
        """Positions along the genes of what describes samples."""
        kin = gene_kin(self.genes)
        if kin is None:
            return []
        level = np.where([g in EMPTY for g in self.genes], SURE, kin.level)
        sure = np.flatnonzero(level == SURE)
        doubtful = np.flatnonzero(level < SURE)
        odd = set(doubtful[level[doubtful] == NO_ID].tolist())
        doubtful = np.array([i for i in doubtful if i not in odd], int)
        apart = set(doubtful[unlike(self.x_ng, doubtful, sure)].tolist()) if len(doubtful) and len(sure) else set()
        words = [int(i) for i in doubtful if level[i] == WORD and i not in apart]
        if len(words) <= max(_FEW, _SHARE * len(self.genes)):
            apart |= set(words)
        found = (odd | apart) - self._among_genes(level, odd | apart, sure, kind=kin.kind)
        self._check_doubt(level, found, [int(i) for i in doubtful if i not in found])
        self._check_beyond(sure, found)
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

    def _check_doubt(self, level: np.ndarray, found: set[int], doubtful: list[int]) -> None:
        """Ask where old names of genes stand in a row with what describes samples."""
        asked = []
        for i in (i for i in doubtful if level[i] == DOUBTFUL):
            first = i
            while first > 0 and level[first - 1] < SURE and first not in self.beside_genes:
                first -= 1
            last = i
            while last + 1 < len(level) and level[last + 1] < SURE and last + 1 not in self.beside_genes:
                last += 1
            if found.intersection(range(first, last + 1)) or first in self.beside_genes:
                asked.append(i)
        if asked:
            self._ask(asked, "stand among columns that describe samples", found)

    def _check_beyond(self, sure: np.ndarray, found: set[int]) -> None:
        """Ask where a name is a gene's and its values are on another scale than those of nearly all others."""
        if len(sure) < 10 or len(self.x_ng) < 3:
            return
        # No copy of the matrix: infinite values are looked at apart, and there are hardly any.
        high = np.fmax.reduce(self.x_ng, axis=0)[sure]
        endless = np.flatnonzero(np.isinf(high))
        part = self.x_ng[:, sure[endless]]
        high[endless] = np.max(part, axis=0, where=np.isfinite(part), initial=-np.inf)
        above = sure[high > _LOG2_CEILING]
        if len(above) and len(above) <= 0.02 * len(sure):
            x = self.x_ng[:, above]
            # More than one sample: a single value may be damaged.
            asked = above[(x > _LOG2_CEILING).sum(0) > max(1, 0.1 * len(x))]
            asked = [int(i) for i in asked if self.genes[i] not in EMPTY and not is_sum(self.genes[i])]
            if asked:
                self._ask(asked, f"hold values above {_LOG2_CEILING:g} where those of the other genes lie below", found)

    def _ask(self, places: list[int], why: str, found: set[int]) -> None:
        names = [self.genes[i] for i in places]
        file = shlex.quote(str(self.path))
        numbers = [name for name, cells in self.of_samples.items() if isinstance(cells, np.ndarray)]
        told = [*numbers, *(self.genes[i] for i in sorted(found))]
        chosen, without = shlex.quote(",".join([*told, *names])), shlex.quote(",".join(told) or "none")
        msg = (
            f"{self.path}: {first_three(names)} may be genes or describe samples: they {why}. If they describe "
            f"samples, type: genelight read {file} --annotations {chosen} --out cohort.h5ad; if they are genes: "
            f"genelight read {file} --annotations {without} --out cohort.h5ad"
        )
        raise InputError(msg)

    def _no_samples(self) -> list[int]:
        """Positions along the samples of what describes genes."""
        kin = sample_kin(self.samples)
        if kin is None:
            return []
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
        return sorted(odd)

    def _moved_genes(self, places: Sequence[int]) -> Sides:
        if not len(places) or len(places) == len(self.genes):
            return self
        notes = dict(self.of_samples)
        for i in places:
            notes[_free(self.genes[i], notes)] = np.array(self.x_ng[:, i])
        keep = np.setdiff1d(np.arange(len(self.genes)), places)
        genes = [self.genes[i] for i in keep]
        of_genes = {name: _at(cells, keep) for name, cells in self.of_genes.items()}
        return replace(self, x_ng=self.x_ng[:, keep], genes=genes, of_samples=notes, of_genes=of_genes)

    def _moved_samples(self, places: Sequence[int]) -> Sides:
        if not len(places) or len(places) == len(self.samples):
            return self
        notes = dict(self.of_genes)
        for i in places:
            notes[_free(self.samples[i], notes)] = np.array(self.x_ng[i])
        return replace(self._kept_samples(np.setdiff1d(np.arange(len(self.samples)), places)), of_genes=notes)

    def _kept_samples(self, keep: np.ndarray) -> Sides:
        of_samples = {name: _at(cells, keep) for name, cells in self.of_samples.items()}
        return replace(self, x_ng=self.x_ng[keep], samples=[self.samples[i] for i in keep], of_samples=of_samples)

    def _kept_genes(self, keep: np.ndarray, said: str) -> Sides:
        of_genes = {name: _at(cells, keep) for name, cells in self.of_genes.items()}
        genes = [self.genes[i] for i in keep]
        return replace(self, x_ng=self.x_ng[:, keep], genes=genes, of_genes=of_genes, said=(*self.said, said))

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


def _free(name: str, notes: Mapping[str, Any]) -> str:
    return next(n for n in (name, *(f"{name}.{i}" for i in range(2, 10_000))) if n not in notes)


def _listed(names: Sequence[str]) -> str:
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
