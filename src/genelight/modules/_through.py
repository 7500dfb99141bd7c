"""What a model of other samples makes of a cohort's genes, beside what the genes say by themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from anndata import AnnData
from scipy import stats

from ..nouns import Contrast, Model
from ._question import ask
from .methods._reference import Reference

__all__ = ["through_reference"]

LEAD = 25  # genes by either ranking
AXES = 3  # that move a gene
NAMED = 8  # genes that say what an axis is


def through_reference(adata: AnnData, model: Model, *, contrast: Contrast) -> dict[str, Any]:
    """The leading genes by moderated t and through the model, with the axes that move them.

    Parameters
    ----------
    adata, model, contrast
        As in :func:`genelight.modules.disease_module`; every gene of the model is measured.

    Returns
    -------
    Plain values: ``concordance``, rank correlation of both rankings; ``genes``, one record for each that leads either,
    with the part of its score that each of three axes, the others together and the gene by itself give; ``axes``, one
    record for each of those three, with the genes that it raises and lowers in this contrast.

    Raises
    ------
    InputError
        If the contrast does not belong to `adata`, or too few people are left to tell how much they vary.
    """
    question = ask(adata, model, contrast=contrast)
    reference = Reference(question)
    ids = np.asarray(model.genes.ids, dtype=object)
    count_bs = np.ones((1, int(question.contrast.subject_n.max()) + 1), dtype=np.int64)
    score_g, t_g, lfsr_g = reference.score(count_bs)[0], reference.columns["t"], reference.columns["lfsr"]
    rank_g, rank_t_g = (stats.rankdata(-np.abs(each), method="ordinal").astype(int) for each in (score_g, t_g))
    leading = np.flatnonzero((rank_g <= LEAD) | (rank_t_g <= LEAD))
    leading = leading[np.argsort(rank_g[leading])]
    basis_gk = reference.axes.basis_gk
    along_k, weight_k = reference.along()
    part_gk = reference.by_axis()[leading]
    most_gk = np.argsort(-np.abs(part_gk), axis=1)[:, :AXES]
    genes = [
        {
            "gene": str(ids[g]),
            "rank": int(rank_g[g]),
            "rank_t": int(rank_t_g[g]),
            "score": float(score_g[g]),
            "t": float(t_g[g]),
            "lfsr": float(lfsr_g[g]),
            "axes": [{"axis": int(k) + 1, "part": float(part_gk[i, k])} for k in most_gk[i]],
            "others": float(part_gk[i].sum() - part_gk[i, most_gk[i]].sum()),
            "own": float(score_g[g] - part_gk[i].sum()),
        }
        for i, g in enumerate(leading)
    ]
    concordance = float(stats.spearmanr(score_g, t_g).statistic)
    named = np.unique(most_gk)
    total = float((along_k**2).sum())
    axes = [_axis(ids, basis_gk[:, k] * along_k[k], k) | {
        "weight": float(weight_k[k]), "share": float(along_k[k] ** 2 / total) if total > 0 else 0.0
    } for k in named]  # fmt: skip
    return {"concordance": concordance, "genes": genes, "axes": axes}


def _axis(ids: np.ndarray, change_g: np.ndarray, k: int) -> dict[str, Any]:
    """Which genes an axis raises and lowers most in this contrast."""
    order = np.argsort(-change_g)
    up, down = (
        ids[[g for g in way[:NAMED] if change_g[g] * sign > 0]] for way, sign in ((order, 1), (order[::-1], -1))
    )
    return {"axis": int(k) + 1, "up": [str(g) for g in up], "down": [str(g) for g in down]}
