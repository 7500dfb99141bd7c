"""Whether samples of a table were among those that a model was trained on, told without any of their values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy.sparse as sp

from ...nouns import Genes

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Known"]

BITS = 128
LEAST_BITS = 64
MOST_UNLIKE = 0.03
AT_ONCE = 1024  # samples
_TRIED, _DIGITS = 200_000, 5
_PARTS = ("pairs", "marks", "names", "study", "studies")


@dataclass(frozen=True)
class Known:
    """Marks of training samples: which gene of each of 128 pairs is the higher one, and a digest of the name.

    A mark stays what it is under any scale that keeps the order of a sample's genes. Two samples of one person and
    tissue may share it, so a match says "this sample or its like".

    Attributes
    ----------
    pairs
        Positions of the genes, shape ``(b, 2)``.
    marks
        Shape ``(n, b)``, boolean: whether the first gene of a pair is higher.
    names
        First eight bytes of the SHA-256 of each sample's name, shape ``(n,)``, unsigned.
    study_n
        Which study each sample is of, a position in `studies`.
    studies
        Names of the studies.
    """

    pairs: np.ndarray
    marks: np.ndarray
    names: np.ndarray
    study_n: np.ndarray
    studies: tuple[str, ...]

    @classmethod
    def of(
        cls,
        some_ng: np.ndarray,
        blocks: Iterable[np.ndarray],
        *,
        names: Sequence[str],
        studies: Sequence[str] | np.ndarray,
        seed: int = 0,
    ) -> Known:
        """Marks of samples.

        Parameters
        ----------
        some_ng
            A few hundred of the samples to choose pairs by, on any scale, shape ``(m, g)``; NaN where one is missing.
        blocks
            All samples in turn, each block of shape ``(r, g)``.
        names
            Of the samples, without what was put before them.
        studies
            The study of each.
        seed
            For the choice of pairs.
        """
        rng = np.random.default_rng(seed)
        pairs = _distinct(rng.integers(some_ng.shape[1], size=(_TRIED, 2)))
        parts = [_higher(some_ng, part) for part in np.array_split(pairs, 50)]
        higher_b, there_b = (np.concatenate([p[i].mean(0) for p in parts]) for i in (0, 1))
        # Pairs that part the samples into halves, and that all but a few samples have.
        pairs = pairs[np.argsort(np.abs(higher_b - 0.5) + 10 * np.maximum(0.98 - there_b, 0), kind="stable")[:BITS]]
        found, study_n = np.unique(np.asarray(studies, dtype=str), return_inverse=True)
        marks = np.concatenate([_higher(block_ng, pairs)[0] for block_ng in blocks])
        return cls(pairs.astype(np.int32), marks, _digests(names), study_n.astype(np.int16), tuple(map(str, found)))

    def find(self, adata: AnnData, genes: Genes) -> pd.Series:
        """The training study of each sample of a table that was seen in training, by sample name.

        Parameters
        ----------
        adata
            Samples x genes, on any scale that keeps the order of genes within a sample.
        genes
            The model's, which `pairs` are positions in.
        """
        index_g = genes.align(Genes(tuple(map(str, adata.var_names)), genes.namespace)).index
        at = index_g[self.pairs]
        there_b = (at >= 0).all(1)
        x = adata.X[:, at[there_b].ravel()]
        x_nb = np.asarray(x.toarray() if sp.issparse(x) else x, dtype=np.float64)
        higher_nb, seen_nb = x_nb[:, ::2] > x_nb[:, 1::2], ~np.isnan(x_nb[:, ::2] + x_nb[:, 1::2])
        marks_mb = self.marks[:, there_b]
        size_n, theirs = seen_nb.sum(1), marks_mb.astype(np.float32)
        nearest_n, unlike_n = np.zeros(len(x_nb), dtype=int), np.zeros(len(x_nb))
        for start in range(0, len(x_nb), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            ours, seen = higher_nb[rows].astype(np.float32), seen_nb[rows].astype(np.float32)
            # Disagreements by two matrix products, not by a table of samples x samples x pairs.
            unlike_nm = (ours * seen) @ (1 - theirs).T + ((1 - ours) * seen) @ theirs.T
            nearest_n[rows], unlike_n[rows] = unlike_nm.argmin(1), unlike_nm.min(1)
        alike_n = (size_n >= LEAST_BITS) & (unlike_n <= MOST_UNLIKE * size_n)
        by_name = dict(zip(self.names.tolist(), self.study_n.tolist(), strict=True)) | {0: -1}
        named_n = np.array([by_name.get(mark, -1) for mark in _digests(adata.obs_names).tolist()])
        study_n = np.where(alike_n, self.study_n[nearest_n], named_n)
        seen_n = study_n >= 0
        found = np.array(self.studies, dtype=object)[study_n[seen_n]]
        return pd.Series(found, index=adata.obs_names[seen_n], name="study")

    def to_weights(self) -> dict[str, np.ndarray]:
        """As named arrays, for the weights file."""
        return {
            "known.pairs": self.pairs,
            "known.marks": np.packbits(self.marks, axis=1),
            "known.names": self.names,
            "known.study": self.study_n,
            "known.studies": np.frombuffer("\n".join(self.studies).encode(), dtype=np.uint8).copy(),
        }

    @classmethod
    def from_weights(cls, weights: Mapping[str, np.ndarray], *, genes: int) -> Known | None:
        """What :meth:`to_weights` gave, of a model of so many genes; None where there is nothing of it.

        Raises
        ------
        ValueError
            If the arrays do not go together.
        """
        if "known.pairs" not in weights:
            return None
        pairs, packed, names, study_n, text = (weights.get(f"known.{part}", np.zeros(0)) for part in _PARTS)
        studies = tuple(text.tobytes().decode().split("\n"))
        shapes = (pairs.shape[1:], packed.shape, names.shape, study_n.shape)
        wanted = ((2,), (len(study_n), -(-len(pairs) // 8)), study_n.shape, (len(study_n),))
        kinds = "".join(part.dtype.kind for part in (pairs, packed, names, study_n))
        if shapes != wanted or kinds != "iuui" or packed.itemsize != 1 or pairs.size == 0:
            msg = "what it knows of its training samples is damaged"
            raise ValueError(msg)
        if (
            not 0 <= pairs.min() <= pairs.max() < genes
            or not len(study_n)
            or not 0 <= study_n.min() <= study_n.max() < len(studies)
        ):
            msg = "what it knows of its training samples names studies or genes that are not there"
            raise ValueError(msg)
        marks = np.unpackbits(packed, axis=1, count=len(pairs)).astype(bool)
        return cls(pairs, marks, names, study_n, studies)


def _distinct(pairs: np.ndarray) -> np.ndarray:
    """Each pair of two genes once, where it comes first: a pair that stands twice tells nothing more."""
    low, high = np.sort(pairs, axis=1).T
    _, first = np.unique(low * (high.max() + 1) + high, return_index=True)
    pairs = pairs[np.sort(first)]
    return pairs[pairs[:, 0] != pairs[:, 1]]


def _higher(x_ng: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the first gene of each pair is higher, and whether both are there."""
    first, second = x_ng[:, pairs[:, 0]], x_ng[:, pairs[:, 1]]
    return first > second, ~np.isnan(first + second)


def _digests(names: Sequence[str] | pd.Index) -> np.ndarray:
    """Digests of names; 0 for those of few digits, such as S01, which tables of other samples have too."""
    digests = []
    for name in map(str, names):
        told = sum(letter.isdigit() for letter in name) >= _DIGITS
        digests.append(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") if told else 0)
    return np.array(digests, dtype=np.uint64)
