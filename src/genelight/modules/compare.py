"""How far modules agree: of derivations, layers, seeds or diseases."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from ..errors import GeneMismatchError, InputError
from ..nouns import Module

__all__ = ["compare"]

LEAST_GENES = 10


def compare(modules: Mapping[str, Module]) -> pd.DataFrame:
    """Compare every two modules, over the genes that both have measured.

    Parameters
    ----------
    modules
        Modules by what tells them apart: ``{"direction": ..., "de": ...}``, or one per layer, seed or disease.

    Returns
    -------
    One row per pair: ``one``, ``other``; ``measured`` (genes that both have); ``rank`` (Spearman correlation of their
    scores); ``shared`` (selected in both), ``expected`` (by chance, given the sizes), ``fold``; ``opposed`` (shared
    genes of opposite sign); ``p`` (hypergeometric, of the genes shared with the same sign, among all genes up and all
    genes down) and ``q`` (Benjamini-Hochberg over all pairs).

    Raises
    ------
    InputError
        If there are fewer than two modules.
    GeneMismatchError
        If two share fewer than ten measured genes.

    Notes
    -----
    Genes are taken as drawn independently. Co-expressed ones are not, so p is too small where programmes are large;
    as a description of how alike two lists are it stands.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight.modules.compare import compare
    >>> from genelight.nouns import Genes, Module
    >>> genes, score = Genes(tuple(f"G{i}" for i in range(40))), np.linspace(1, -0.5, 40)
    >>> one = Module.from_scores(score, genes, size=10, name="one", method="de")
    >>> compare({"one": one, "again": one})[["shared", "expected", "rank"]].to_numpy().tolist()
    [[10.0, 2.5, 1.0]]
    """
    if len(modules) < 2:
        msg = f"{len(modules)} module to compare; give two or more"
        raise InputError(msg)
    first, *others = modules.values()
    for other in others:
        # Kinds of id must agree before ids may be joined by name.
        first.genes.align(other.genes)
    frames = {name: module.table.set_index("gene") for name, module in modules.items()}
    score_gm = pd.DataFrame({name: frame["score"] for name, frame in frames.items()})
    member_gm = np.column_stack([score_gm.index.isin(module.selected) for module in modules.values()])
    rows = [_pair((i, j), score_gm.to_numpy(), member_gm) for i, j in combinations(range(len(modules)), 2)]
    names = pd.DataFrame(list(combinations(modules, 2)), columns=["one", "other"])
    table = pd.concat((names, pd.DataFrame(rows)), axis=1)
    few = table[table["measured"] < LEAST_GENES]
    if len(few):
        one, other, measured = few.iloc[0][["one", "other", "measured"]]
        msg = f"modules {one!r} and {other!r} share {measured} measured genes, fewer than {LEAST_GENES}; leave one out"
        raise GeneMismatchError(msg)
    return table.assign(q=stats.false_discovery_control(table["p"]))


def _pair(pair: tuple[int, int], score_gm: np.ndarray, member_gm: np.ndarray) -> dict[str, object]:
    both = np.isfinite(score_gm[:, pair]).all(1)
    score_g2, member_g2 = score_gm[np.ix_(both, pair)], member_gm[np.ix_(both, pair)]
    shared = member_g2.all(1)
    same = int((np.sign(score_g2[shared, 0]) == np.sign(score_g2[shared, 1])).sum())
    total, (n_a, n_b) = len(score_g2), (int(n) for n in member_g2.sum(0))
    expected = n_a * n_b / max(1, total)
    rank = stats.spearmanr(score_g2[:, 0], score_g2[:, 1]).statistic if total >= LEAST_GENES else np.nan
    return {
        "measured": total,
        "rank": float(rank),
        "shared": int(shared.sum()),
        "expected": expected,
        "fold": float(shared.sum() / expected) if expected else float("nan"),
        "opposed": int(shared.sum()) - same,
        # Every gene can be drawn in two ways, up or down.
        "p": float(stats.hypergeom.sf(same - 1, 2 * total, n_a, n_b)),
    }
