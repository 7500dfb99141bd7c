"""Patterns that come back and hang together, and that no annotation explains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...errors import InputError, first_three
from ...nouns import Edges, Evidence, Genes, NodeGenes
from ...stats.matched import matched_orders
from ...stats.pvalues import adjust, empirical_p
from ..nulls import expression_bins

__all__ = ["coherence", "novelty"]

BEST = 10
RELATED = 3


def coherence(nodes: NodeGenes, x_ng: np.ndarray, *, n_top: int = 50, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
    """How strongly each node's genes go together in a cohort, beside genes of like mean and variance.

    Parameters
    ----------
    nodes
        Node profiles.
    x_ng
        Expression of a cohort that the nodes were not trained on, columns as the nodes' genes, before z-scoring;
        NaN in all samples for a gene it has not measured.
    n_top
        Genes of a node.
    draws
        Matched draws.
    seed
        Of the draws.

    Returns
    -------
    One row per node: ``node``, ``n`` genes measured there, ``correlation`` (mean over pairs, signs as in the profile),
    ``expected``, ``p`` and ``q``.

    Raises
    ------
    InputError
        If `x_ng` does not have one column for each gene, or fewer than ten genes are measured.
    """
    if x_ng.ndim != 2 or x_ng.shape[1] != len(nodes.genes):
        msg = f"x_ng has shape {x_ng.shape}, but the nodes have {len(nodes.genes)} genes; pass one column for each"
        raise InputError(msg)
    with np.errstate(invalid="ignore"):
        known_g = np.isfinite(x_ng).all(0) & (x_ng.std(0) > 0)
    if known_g.sum() < 10:
        msg = f"{int(known_g.sum())} of {len(known_g)} genes vary in the second cohort, at least 10 are needed"
        raise InputError(msg)
    known = np.flatnonzero(known_g)
    x_nu = np.asarray(x_ng[:, known], dtype=np.float64)
    genes = Genes(tuple(nodes.genes.ids[i] for i in known), nodes.genes.namespace)
    bin_u = expression_bins(x_nu, genes)
    unit_nu = (x_nu - x_nu.mean(0)) / (x_nu.std(0) * np.sqrt(len(x_nu)))
    rows = []
    for node, value_u in zip(nodes.nodes, nodes.values_kg[:, known], strict=True):
        top = np.argsort(-np.abs(value_u), kind="stable")[:n_top]
        top = top[value_u[top] != 0]
        found = _together(unit_nu, top, sign=np.sign(value_u[top]), bin_u=bin_u, draws=draws, seed=seed)
        rows.append({"node": node, **found})
    table = pd.DataFrame(rows)
    tested = table["p"].notna()
    table["q"] = np.nan
    table.loc[tested, "q"] = adjust(table.loc[tested, "p"].to_numpy())
    return table


def _together(
    unit_nu: np.ndarray, top: np.ndarray, *, sign: np.ndarray, bin_u: np.ndarray | None, draws: int, seed: int
) -> dict[str, object]:
    """Mean correlation of signed genes from the length of their sum, and that of matched genes with free signs."""
    size = len(top)
    if size < 2 or bin_u is None:
        return {"n": size, "correlation": np.nan, "expected": np.nan, "p": np.nan}

    def mean(genes_n: np.ndarray, signs_n: np.ndarray) -> float:
        return float((((unit_nu[:, genes_n] * signs_n).sum(1) ** 2).sum() - size) / (size * (size - 1)))

    count_b = np.bincount(bin_u[top], minlength=int(bin_u.max()) + 1)
    members_b = [np.flatnonzero(bin_u == b) for b in range(len(count_b))]
    drawn_ru = matched_orders(members_b, count_b, draws=draws, seed=seed)
    null_r = np.array([mean(genes, _leading(unit_nu[:, genes])) for genes in drawn_ru])
    observed = mean(top, sign)
    p = float(empirical_p(np.array([observed]), null_r[:, None], sign=1)[0])
    return {"n": size, "correlation": observed, "expected": float(null_r.mean()), "p": p}


def _leading(unit_nu: np.ndarray) -> np.ndarray:
    """Signs that a first component would give: those of the correlation with the most typical gene."""
    r_uu = unit_nu.T @ unit_nu
    return np.where(r_uu[np.argmax((r_uu**2).sum(0))] < 0, -1.0, 1.0)


def novelty(
    nodes: NodeGenes,
    evidence: Evidence,
    *,
    x_ng: np.ndarray,
    reproducible: pd.DataFrame,
    references: Sequence[Edges] = (),
    fdr: float = 0.1,
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """List the nodes that are real but unknown, with what is known of their best genes.

    A node is real if it comes back over trainings, and if its 50 strongest genes go together in a cohort that the model
    was not trained on, more than genes of like mean and variance do.

    Parameters
    ----------
    nodes
        Node profiles, or consensus programmes.
    evidence
        Results of every test of these nodes against networks, sets and marker lists.
    x_ng
        Expression of that cohort, columns as the nodes' genes, before z-scoring; NaN in all samples for a gene it has
        not measured.
    reproducible
        Columns ``node`` and ``q``: whether each comes back over trainings, as ``nodes.consensus`` and
        ``nodes.reproducibility`` have it.
    references
        Sets and marker lists to look the best genes up in.
    fdr
        Level of false discovery for all of it.
    draws, seed
        Of the genes of like mean and variance.

    Returns
    -------
    One row per node: ``reproducible_q``, ``coherence_q``, ``annotation_q`` (the smallest of any test) with the
    ``annotation``, ``unknown`` (the first two at most `fdr`, the third above), ``best_genes`` and ``known_of_genes``:
    the references' sets that hold most of them, and how many are in none. Unknown patterns first, most coherent first.

    Raises
    ------
    InputError
        If nodes are missing from the table, `fdr` is not between 0 and 1, `x_ng` does not have one column for each
        gene, or fewer than ten genes are measured.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> halves = [gl.light_up(gl.models.PCA(2).fit(half), "PC") for half in (adata[:126], adata[126:])]
    >>> back = gl.nodes.reproducibility(halves[0], halves[1:], draws=19)
    >>> found = gl.assess(halves[0], sets=[gl.demo.sets()], x_ng=adata.X[:126], n_top=30, draws=19)
    >>> table = gl.evidence.novelty(halves[0], found, x_ng=adata.X[126:], reproducible=back, draws=19)
    >>> table["node"].tolist(), table["unknown"].tolist()
    (['PC.0', 'PC.1'], [False, False])
    """
    if not 0 < fdr < 1:
        msg = f"fdr = {fdr} must be between 0 and 1"
        raise InputError(msg)
    scored = set(reproducible["node"])
    absent = [node for node in nodes.nodes if node not in scored]
    if absent:
        msg = f"{len(absent)} nodes have no reproducible figure ({first_three(absent)})"
        raise InputError(msg)
    coherent = coherence(nodes, x_ng, draws=draws, seed=seed)
    q = {"reproducible_q": reproducible.set_index("node")["q"], "coherence_q": coherent.set_index("node")["q"]}
    table = pd.DataFrame({"node": nodes.nodes, **{name: q[name].reindex(nodes.nodes).to_numpy() for name in q}})
    best = evidence.table.sort_values("q", kind="stable").drop_duplicates("tested").set_index("tested")
    table["annotation_q"] = best["q"].reindex(nodes.nodes).fillna(1.0).to_numpy()
    table["annotation"] = best["reference"].reindex(nodes.nodes).fillna("").to_numpy()
    real = (table["reproducible_q"] <= fdr) & (table["coherence_q"] <= fdr)
    table["unknown"] = real & (table["annotation_q"] > fdr)
    top_kn = nodes.top_kn(BEST)
    ids = np.asarray(nodes.genes.ids, dtype=object)
    table["best_genes"] = [", ".join(ids[top]) for top in top_kn]
    table["known_of_genes"] = [_known(list(ids[top]), references) for top in top_kn]
    table["correlation"] = coherent.set_index("node")["correlation"].reindex(nodes.nodes).to_numpy()
    return table.sort_values(["unknown", "correlation"], ascending=False, kind="stable").reset_index(drop=True)


def _known(genes: list[str], references: Sequence[Edges]) -> str:
    """Sets that hold the most of a few genes, and how many of the genes no set holds."""
    if not references:
        return ""
    rows = pd.concat([r.table.loc[r.table["target"].isin(genes), ["source", "target"]] for r in references])
    count = rows.drop_duplicates()["source"].value_counts(sort=True).head(RELATED)
    held = [f"{name} ({n})" for name, n in count.items()]
    return "; ".join([*held, f"{len(set(genes) - set(rows['target']))} of {len(genes)} in none"])
