"""Which gene sets the genes of a node or module fall into more often than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from ..._core.threads import pieces, thread_map
from ...errors import InputError
from ...nouns import Contrast, Edges, Evidence, Module, NodeGenes
from ...stats.pvalues import adjust
from .._collections import Collection, collect
from .._matched import matched_moments, matched_tail, overlaps
from .._registry import TESTS, Against, Compared, Findings, run_tests
from .._tested import LEAST_GENES, Items
from ..nulls import expression_bins

__all__ = [
    "Pairs",
    "hypergeometric",
    "hypergeometric_down",
    "hypergeometric_matched",
    "hypergeometric_tail",
    "hypergeometric_up",
    "over_representation",
    "overlap_rows",
    "read_expression",
    "rows_of",
]

KEEP_Q = 0.25
KEEP_BEST = 5
KEPT = f"q <= {KEEP_Q}, and the {KEEP_BEST} smallest p of each item in each collection"


def over_representation(
    tested: NodeGenes | Module | Sequence[NodeGenes | Module],
    sets: Sequence[Edges],
    *,
    n_top: int | str = 150,
    min_size: int = 5,
    max_size: int = 500,
    x_ng: np.ndarray | Compared | None = None,
    tests: Sequence[str] | None = None,
) -> Evidence:
    """Test whether the genes of each node or module are over-represented in gene sets.

    Runs every calibrated test on gene sets, or those named. The universe is always the measured genes; its size is in
    ``about``.

    Parameters
    ----------
    tested
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
    x_ng
        Expression, shape ``(n, g)``, columns in the order of the first item's genes. The calibrated tests of gene
        sets need it, for co-expression; without it, name others in `tests`. With the contrast that a module was
        derived from, ``Compared(x_ng, contrast)``, modules are held against labels without meaning too.
    tests
        Names of the tests to run, by default all that are calibrated.

    Returns
    -------
    Evidence. Of the overlap tests, ``statistic`` is the overlap, ``effect`` its fold of the expected overlap
    ``null_mean``, and p exact and one-sided. q is adjusted over every pair of node (of one layer; a module by itself)
    and set (of one collection), overlaps of zero included; the table then keeps the pairs with q of at most 0.25 and
    the five best of each item, and ``about`` the number that q was adjusted over. Overlaps of zero are kept only
    of collections of five sets and fewer.

    Raises
    ------
    GeneMismatchError
        If data and sets share fewer than ten genes.
    InputError
        If a setting is out of range, no set is of a size that can be tested, `x_ng` does not fit, or there is none and
        no test is named.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from genelight.nouns import Genes
    >>> from genelight.nouns import Edges, NodeGenes
    >>> from genelight.evidence.tests.enrichment import over_representation
    >>> names = tuple(f"G{i}" for i in range(100))
    >>> node = NodeGenes(np.linspace(1, 0, 100)[None], ("L1.1",), Genes(names), "L1", "toy", "toy")
    >>> pathway = pd.DataFrame({"source": "P", "target": names[2:14], "weight": 1.0})
    >>> found = over_representation(node, [Edges("toy sets", pathway)], n_top=10, tests=["hypergeometric"])
    >>> found.table[["test", "reference", "n", "statistic", "null_mean", "q"]].round(6)
                 test    reference   n  statistic  null_mean    q
    0  hypergeometric  toy sets: P  10        8.0        1.2  0.0
    """
    x_ng, contrast = read_expression(sets, x_ng, tests=tests)
    items = Items.of(tested, n_top=n_top)
    collections = collect_all(sets, items, min_size=min_size, max_size=max_size)
    bin_g = expression_bins(x_ng, items.genes)
    return run_tests(items, Against(sets=collections, bin_g=bin_g, x_ng=x_ng, contrast=contrast), tests=tests)


def read_expression(
    sets: Sequence[Edges], x_ng: np.ndarray | Compared | None, *, tests: Sequence[str] | None
) -> tuple[np.ndarray | None, Contrast | None]:
    """Expression, and its contrast where there is one.

    Raises
    ------
    InputError
        If there is none and gene sets would silently go untested.
    """
    if len(sets) and x_ng is None and tests is None:
        others = [name for name in TESTS if not TESTS.entry(name).calibrated]
        msg = (
            "the calibrated tests of gene sets need expression, for co-expression: pass x_ng=; tests that count genes "
            f"as independent are run when named, tests=[...] of {', '.join(others)}"
        )
        raise InputError(msg)
    return (x_ng.x_ng, x_ng.contrast) if isinstance(x_ng, Compared) else (x_ng, None)


def collect_all(
    sets: Sequence[Edges], tested: Items, *, min_size: int = 5, max_size: int = 500
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
    return tuple(collect(edges, tested.genes, min_size=min_size, max_size=max_size) for edges in sets)


@TESTS.register("hypergeometric", doi="10.1038/s41467-020-14666-6", calibrated=False)
def hypergeometric(tested: Items, against: Against) -> Findings | None:
    """Overlap with a gene set, larger than that of as many genes drawn from the universe.

    q: over every (node of a layer, set of a collection); a module is a family of its own. Draws are taken as
    independent, which co-expressed genes are not: not calibrated, about every fourth module of permuted labels has a
    set with q up to 0.05.
    """
    return _over_represented(tested, against, sign=0)


@TESTS.register("hypergeometric_up", doi="10.1038/s41467-020-14666-6", calibrated=False)
def hypergeometric_up(tested: Items, against: Against) -> Findings | None:
    """The hypergeometric test on the genes above zero alone; a family of its own."""
    return _over_represented(tested, against, sign=1)


@TESTS.register("hypergeometric_down", doi="10.1038/s41467-020-14666-6", calibrated=False)
def hypergeometric_down(tested: Items, against: Against) -> Findings | None:
    """The hypergeometric test on the genes below zero alone; a family of its own."""
    return _over_represented(tested, against, sign=-1)


@TESTS.register("hypergeometric_matched", doi="10.1186/gb-2010-11-2-r14", calibrated=False)
def hypergeometric_matched(tested: Items, against: Against) -> Findings | None:
    """Overlap with a gene set, larger than that of as many genes of like mean and variance of expression.

    Known genes, of a disease or a pathway, vary more than others, and so do the genes of any list taken from
    expression: such lists overlap more than the hypergeometric test expects, whatever they were made for. Here
    as many genes as the list has are drawn within each of up to 100 bins of mean by variance, and the null is
    exact. Still draws are independent, and lists and sets co-expressed: not calibrated. q: as for ``hypergeometric``.
    """
    if against.bin_g is None:
        return None
    found = _over_represented(tested, against, sign=0, bin_g=against.bin_g)
    facts = {"matched on": "mean and variance of expression", "bins": int(against.bin_g.max()) + 1}
    return found and Findings(found.table, {**found.about, **facts})


def hypergeometric_tail(universe: int, drawn: int, size_m: np.ndarray) -> np.ndarray:
    """P(overlap >= k) for every k, exact to the far tail.

    Probabilities follow from one another by their ratios and are scaled to sum to one, so that no large
    factorials are subtracted; sums run from the smallest term up.

    Parameters
    ----------
    universe
        Measured genes.
    drawn
        Genes of the item.
    size_m
        Measured genes of each set, shape ``(m,)``.

    Returns
    -------
    Shape ``(m, drawn + 1)``, column k.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight.evidence.tests.enrichment import hypergeometric_tail
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


def _over_represented(
    tested: Items, against: Against, *, sign: int, bin_g: np.ndarray | None = None
) -> Findings | None:
    if not against.sets:
        return None
    size_k = np.array([len(genes) for genes in tested.chosen[sign]])
    tables, families = [], {}
    for of_family in tested.families:
        own_k = of_family[size_k[of_family] >= LEAST_GENES]
        for collection in against.sets if len(own_k) else ():
            pairs = Pairs.of([tested.chosen[sign][k] for k in own_k], collection, bin_g=bin_g)
            names = np.asarray(tested.names, dtype=object)[own_k]
            tables.append(overlap_rows(names, collection, pairs, tails=pairs.tails()))
            families[f"{tested.family_k[own_k[0]]} against {collection.name}"] = pairs.overlap_ks.size
    if not tables:
        return None
    about = {
        "universe": len(tested.genes),
        "collections": {c.name: dict(c.account) for c in against.sets},
        "tested": len(tested),
        "too few genes": int((size_k < LEAST_GENES).sum()),
        "tests adjusted over": families,
        "rows kept": KEPT,
    }
    return Findings(pd.concat(tables, ignore_index=True), about)


@dataclass(frozen=True)
class Pairs:
    """One family against one collection: how many genes each list and set has in each bin, and what they share."""

    size_b: np.ndarray
    drawn_kb: np.ndarray
    member_sb: sparse.csr_matrix
    overlap_ks: np.ndarray

    @classmethod
    def of(cls, lists: Sequence[np.ndarray], collection: Collection, *, bin_g: np.ndarray | None) -> Pairs:
        """Count; without bins, the universe is one."""
        genes = collection.member_gs.shape[0]
        bin_g = np.zeros(genes, dtype=np.int64) if bin_g is None else bin_g
        inside_gb = sparse.csr_matrix((np.ones(genes), bin_g, np.arange(genes + 1)))
        overlap_ks = overlaps(lists, collection.member_gs)
        bins = inside_gb.shape[1]
        drawn_kb = np.stack([np.bincount(bin_g[chosen], minlength=bins) for chosen in lists])
        member_sb = (collection.member_gs.T @ inside_gb).tocsr()
        return cls(np.bincount(bin_g), drawn_kb, member_sb, overlap_ks)

    def tails(self) -> tuple[np.ndarray, np.ndarray]:
        """The p and q of every pair, shapes ``(k, s)``."""
        if len(self.size_b) > 1:
            p_ks = matched_tail(self.size_b, self.drawn_kb, self.member_sb, self.overlap_ks)
            return p_ks, adjust(p_ks.ravel()).reshape(p_ks.shape)
        size_k, size_s = self.drawn_kb[:, 0].astype(np.int64), self.member_sb.toarray()[:, 0].astype(np.int64)
        return _tail_and_adjusted(int(self.size_b[0]), size_k=size_k, size_s=size_s, overlap_ks=self.overlap_ks)

    def moments(self, k: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the overlaps of some pairs of list and set."""
        if len(self.size_b) > 1:
            mean_ks, sd_ks = matched_moments(self.size_b, self.drawn_kb, self.member_sb)
            return mean_ks[k, s], sd_ks[k, s]
        genes, drawn, size = float(self.size_b[0]), self.drawn_kb[k, 0], self.member_sb.toarray()[s, 0]
        mean = drawn * size / genes
        return mean, np.sqrt(mean * (genes - drawn) * (genes - size) / (genes * max(genes - 1, 1)))


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


def _worth_keeping(p_ks: np.ndarray, q_ks: np.ndarray) -> np.ndarray:
    """Pairs that a table keeps: see :data:`KEPT`."""
    keep_ks = q_ks <= KEEP_Q
    best = min(KEEP_BEST, p_ks.shape[1])

    def keep_best(piece: slice) -> None:
        first_kb = np.argpartition(p_ks[piece], best - 1, axis=1)[:, :best]
        np.put_along_axis(keep_ks[piece], first_kb, values=True, axis=1)

    thread_map(keep_best, pieces(len(p_ks)))
    return keep_ks


def rows_of(names: np.ndarray, collection: Collection, columns: Mapping[str, np.ndarray | float]) -> pd.DataFrame:
    """The pairs of item and set worth keeping, as rows of Evidence; columns are of shape ``(k, s)``, or one broadcast.

    q is of all pairs.
    """
    p_ks = np.asarray(columns["p"])
    q_ks = adjust(p_ks.ravel()).reshape(p_ks.shape)
    k, s = np.nonzero(_worth_keeping(p_ks, q_ks))
    reference = [f"{collection.name}: {name}" for name in collection.sets[s]]
    kept = {name: np.broadcast_to(value, p_ks.shape)[k, s] for name, value in {**columns, "q": q_ks}.items()}
    return pd.DataFrame({"tested": names[k], "reference": reference, **kept, "draws": 0, "seed": 0})


def overlap_rows(
    names: np.ndarray, collection: Collection, pairs: Pairs, *, tails: tuple[np.ndarray, np.ndarray]
) -> pd.DataFrame:
    """The pairs worth keeping, as rows of Evidence."""
    p_ks, q_ks = tails
    keep_ks = _worth_keeping(p_ks, q_ks)
    # Of a handful of sets, such as one disease, that nothing is shared is a result too.
    k, s = np.nonzero(keep_ks & ((pairs.overlap_ks > 0) | (len(collection.sets) <= KEEP_BEST)))
    overlap, (expected, sd) = pairs.overlap_ks[k, s], pairs.moments(k, s)
    # No chance of sharing a gene: no bin holds genes of both.
    effect = np.divide(overlap, expected, out=np.full(len(k), np.nan), where=expected > 0)
    return pd.DataFrame(
        {
            "tested": names[k],
            "reference": [f"{collection.name}: {name}" for name in collection.sets[s]],
            "n": pairs.drawn_kb.sum(1)[k],
            "statistic": overlap,
            "effect": effect,
            "null_mean": expected,
            "null_sd": sd,
            "p": p_ks[k, s],
            "q": q_ks[k, s],
            "draws": 0,
            "seed": 0,
        }
    )
