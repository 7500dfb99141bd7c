"""Which gene sets the genes of a node or module fall into more often than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from .._core.errors import InputError
from .._core.types import Edges, Evidence, Module, NodeGenes
from ._collections import Collection, collect
from ._registry import TESTS, Against, Findings, run_tests
from ._subjects import LEAST_GENES, Subjects
from .nulls import adjust

__all__ = [
    "hypergeometric",
    "hypergeometric_down",
    "hypergeometric_tail",
    "hypergeometric_up",
    "over_representation",
]

KEEP_Q = 0.25
KEEP_BEST = 5


def over_representation(
    subject: NodeGenes | Module | Sequence[NodeGenes | Module],
    sets: Sequence[Edges],
    *,
    n_top: int = 150,
    min_size: int = 5,
    max_size: int = 500,
) -> Evidence:
    """Test whether the genes of each node or module are over-represented in gene sets.

    Runs every registered test on gene sets. The universe is always the measured genes; its size is in
    ``about``.

    Parameters
    ----------
    subject
        Layers and modules over the same measured genes. Of a node, the `n_top` genes of largest absolute
        value are tested (``hypergeometric``), and apart from one another the `n_top` highest above zero
        (``hypergeometric_up``) and lowest below zero (``hypergeometric_down``); of a module its selected
        genes, and apart those with a score above and below zero.
    sets
        Collections of gene sets.
    n_top
        Genes of a node. Lists of fewer than ten genes are not tested.
    min_size, max_size
        Measured genes that a set must have to be tested.

    Returns
    -------
    Evidence with ``statistic`` the overlap, ``effect`` its fold of the expected overlap ``null_mean``, and
    an exact one-sided p. q is adjusted over every pair of node (of one layer; a module by itself) and set (of
    one collection), overlaps of zero included; the table then keeps the pairs with q of at most 0.25 and the
    five best of each subject, and ``about`` the number that q was adjusted over.

    Raises
    ------
    GeneMismatchError
        If data and sets share fewer than ten genes.
    InputError
        If a setting is out of range or no set is of a size that can be tested.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from genelight._core.genes import Genes
    >>> from genelight._core.types import Edges, NodeGenes
    >>> from genelight.evidence import over_representation
    >>> names = tuple(f"G{i}" for i in range(100))
    >>> node = NodeGenes(np.linspace(1, 0, 100)[None], ("L1.1",), Genes(names), "L1", "toy", "toy")
    >>> pathway = pd.DataFrame({"source": "P", "target": names[2:14], "weight": 1.0})
    >>> found = over_representation(node, [Edges("toy sets", pathway)], n_top=10)
    >>> found.table[["test", "reference", "n", "statistic", "null_mean", "q"]].round(6)
                    test    reference   n  statistic  null_mean    q
    0     hypergeometric  toy sets: P  10        8.0        1.2  0.0
    1  hypergeometric_up  toy sets: P  10        8.0        1.2  0.0
    """
    subjects = Subjects.of(subject, n_top=n_top)
    return run_tests(subjects, Against(sets=collect_all(sets, subjects, min_size=min_size, max_size=max_size)))


def collect_all(
    sets: Sequence[Edges], subjects: Subjects, *, min_size: int = 5, max_size: int = 500
) -> tuple[Collection, ...]:
    """Restrict each collection to the measured genes.

    Raises
    ------
    InputError
        If the sizes are out of range.
    """
    if not 1 <= min_size <= max_size:
        msg = f"min_size = {min_size} and max_size = {max_size}: 1 <= min_size <= max_size is needed"
        raise InputError(msg)
    return tuple(collect(edges, subjects.genes, min_size=min_size, max_size=max_size) for edges in sets)


@TESTS.register("hypergeometric", doi="10.1038/s41467-020-14666-6")
def hypergeometric(subjects: Subjects, against: Against) -> Findings | None:
    """Overlap with a gene set, larger than that of as many genes drawn from the universe.

    q: over every (node of a layer, set of a collection); a module is a family of its own. Draws are taken as
    independent, which co-expressed genes are not: p is too small where a set is co-expressed.
    """
    return _over_represented(subjects, against, sign=0)


@TESTS.register("hypergeometric_up", doi="10.1038/s41467-020-14666-6")
def hypergeometric_up(subjects: Subjects, against: Against) -> Findings | None:
    """The hypergeometric test on the genes above zero alone; a family of its own."""
    return _over_represented(subjects, against, sign=1)


@TESTS.register("hypergeometric_down", doi="10.1038/s41467-020-14666-6")
def hypergeometric_down(subjects: Subjects, against: Against) -> Findings | None:
    """The hypergeometric test on the genes below zero alone; a family of its own."""
    return _over_represented(subjects, against, sign=-1)


def hypergeometric_tail(universe: int, drawn: int, size_m: np.ndarray) -> np.ndarray:
    """P(overlap >= k) for every k, exact to the far tail.

    Probabilities follow from one another by their ratios and are scaled to sum to one, so that no large
    factorials are subtracted; sums run from the smallest term up.

    Parameters
    ----------
    universe
        Measured genes.
    drawn
        Genes of the subject.
    size_m
        Measured genes of each set, shape ``(m,)``.

    Returns
    -------
    Shape ``(m, drawn + 1)``, column k.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight.evidence import hypergeometric_tail
    >>> hypergeometric_tail(10, 2, np.array([3])).round(4)
    array([[1.    , 0.5333, 0.0667]])
    """
    size = np.asarray(size_m, dtype=np.float64)[:, None]
    k = np.arange(drawn, dtype=np.float64)
    outside = universe - size - drawn + k + 1
    possible = (outside > 0) & (k < size)
    step = np.where(possible, (size - k) * (drawn - k), 1.0) / np.where(possible, (k + 1) * outside, 1.0)
    log_p = np.concatenate([np.zeros_like(size), np.cumsum(np.log(step), axis=1)], axis=1)
    overlap = np.arange(drawn + 1)
    log_p[(overlap > size) | (overlap < size + drawn - universe)] = -np.inf
    p = np.exp(log_p - log_p.max(1, keepdims=True))
    tail = np.cumsum(p[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(tail / tail[:, :1])


def _over_represented(subjects: Subjects, against: Against, *, sign: int) -> Findings | None:
    if not against.sets:
        return None
    size_k = np.array([len(genes) for genes in subjects.chosen[sign]])
    tables, families = [], {}
    for of_family in subjects.families:
        tested = of_family[size_k[of_family] >= LEAST_GENES]
        for collection in against.sets if len(tested) else ():
            scored = _score(subjects, tested, collection, sign=sign)
            tables.append(_rows(subjects, collection, scored))
            families[f"{subjects.family_k[tested[0]]} against {collection.name}"] = scored.overlap_ks.size
    if not tables:
        return None
    about = {
        "universe": len(subjects.genes),
        "collections": {c.name: dict(c.account) for c in against.sets},
        "subjects": len(subjects),
        "too few genes": int((size_k < LEAST_GENES).sum()),
        "tests adjusted over": families,
        "rows kept": f"q <= {KEEP_Q}, and the {KEEP_BEST} smallest p of each subject in each collection",
    }
    return Findings(pd.concat(tables, ignore_index=True), about)


@dataclass(frozen=True)
class _Scored:
    """One family against one collection: subjects, sizes, overlaps, p and q of every pair."""

    subject_k: np.ndarray
    size_k: np.ndarray
    overlap_ks: np.ndarray
    p_ks: np.ndarray
    q_ks: np.ndarray


def _score(subjects: Subjects, subject_k: np.ndarray, collection: Collection, *, sign: int) -> _Scored:
    chosen = [subjects.chosen[sign][k] for k in subject_k]
    size_k = np.array([len(genes) for genes in chosen])
    start_k = np.concatenate([[0], np.cumsum(size_k)])
    taken = sparse.csr_matrix(
        (np.ones(start_k[-1]), np.concatenate(chosen), start_k), shape=(len(chosen), len(subjects.genes))
    )
    overlap_ks = (taken @ collection.member_gs).toarray().astype(np.int32)
    p_ks, q_ks = _tail_and_adjusted(len(subjects.genes), size_k=size_k, size_s=collection.size_s, overlap_ks=overlap_ks)
    return _Scored(subject_k, size_k, overlap_ks, p_ks, q_ks)


def _tail_and_adjusted(
    universe: int, *, size_k: np.ndarray, size_s: np.ndarray, overlap_ks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The p and q of every pair, each computed once for each (list size, set size, overlap) that occurs."""
    size_m, m_of_s = np.unique(size_s, return_inverse=True)
    p_ks, q_ks = np.empty(overlap_ks.shape), np.empty(overlap_ks.shape)
    cells, values, counts = [], [], []
    for drawn in np.unique(size_k):
        rows = size_k == drawn
        cell_ks = overlap_ks[rows] + (m_of_s * (drawn + 1)).astype(np.int32)
        count = np.bincount(cell_ks.ravel(), minlength=len(size_m) * (drawn + 1))
        tail = hypergeometric_tail(universe, int(drawn), size_m).ravel()
        p_ks[rows] = tail[cell_ks]
        cells.append((rows, cell_ks, count > 0))
        values.append(tail[count > 0])
        counts.append(count[count > 0])
    adjusted = adjust(np.concatenate(values), count=np.concatenate(counts))
    ends = np.cumsum([len(v) for v in values])[:-1]
    for (rows, cell_ks, occurs), q in zip(cells, np.split(adjusted, ends), strict=True):
        q_cell = np.ones(len(occurs))
        q_cell[occurs] = q
        q_ks[rows] = q_cell[cell_ks]
    return p_ks, q_ks


def _rows(subjects: Subjects, collection: Collection, scored: _Scored) -> pd.DataFrame:
    """The pairs worth keeping, as rows of Evidence."""
    keep_ks = scored.q_ks <= KEEP_Q
    best = min(KEEP_BEST, len(collection.sets))
    np.put_along_axis(keep_ks, np.argpartition(scored.p_ks, best - 1, axis=1)[:, :best], values=True, axis=1)
    k, s = np.nonzero(keep_ks & (scored.overlap_ks > 0))
    universe = len(subjects.genes)
    drawn, size, overlap = scored.size_k[k], collection.size_s[s], scored.overlap_ks[k, s]
    share = size / universe
    expected = drawn * share
    spread = np.sqrt(expected * (1 - share) * (universe - drawn) / (universe - 1))
    return pd.DataFrame(
        {
            "subject": np.asarray(subjects.names, dtype=object)[scored.subject_k[k]],
            "reference": [f"{collection.name}: {name}" for name in collection.sets[s]],
            "n": drawn,
            "statistic": overlap,
            "effect": overlap / expected,
            "null_mean": expected,
            "null_sd": spread,
            "p": scored.p_ks[k, s],
            "q": scored.q_ks[k, s],
            "draws": 0,
            "seed": 0,
        }
    )
