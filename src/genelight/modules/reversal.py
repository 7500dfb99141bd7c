"""Which drugs or other perturbations move genes against a disease, and which along with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import stats

from .._core.checks import check_positive
from .._core.progress import progress
from ..errors import InputError, first_three
from ..nouns import Contrast, Model
from ..nouns.changes import Changes, ranked
from ..stats.intervals import TAILS
from ..stats.subjects import Labels, bootstrap_counts
from ._registry import DERIVATIONS, Question, ask

__all__ = ["HYPOTHESIS", "reversal"]

HYPOTHESIS = (
    "A perturbation that moves genes against the disease in the table's cells is a hypothesis for experiments; it says "
    "nothing of what the drug does to a patient."
)
LEAST_GENES, LEAST_TABLE = 100, 20
BOOTSTRAPS = 200


def reversal(
    adata: AnnData,
    model: Model,
    *,
    perturbations: pd.DataFrame,
    contrast: Contrast,
    method: str = "de",
    layer: str | None = None,
    draws: int = 199,
    seed: int = 0,
) -> Changes:
    """Hold a disease's signature against what perturbations do to genes.

    The connectivity of a perturbation is the rank correlation of its genes' values with the disease's gene scores, over
    the genes that both have: below zero it reverses the disease. Three things could make it large by chance, and p is
    the largest of theirs. *Which genes*: the rank correlation itself. *Who was sampled*: the sum of ranks times scores
    against the same with labels shuffled over subjects, in standard deviations, pooled over perturbations; genes keep
    their correlations, but a strong disease beats any shuffle, whatever the perturbation. *What the table holds*: genes
    that go together in the disease do so under many perturbations, so a connectivity is held against the
    table's others, as a normal deviate by their median size; in a table of fewer than 20 this is left out, and
    ``about["compared"]`` says so.

    Parameters
    ----------
    adata, model
        Samples x genes, and a trained model.
    perturbations
        Genes in rows, perturbations in columns (:func:`genelight.io.read_perturbations`): log fold changes, z scores.
    contrast
        Cases against controls.
    method, layer
        How genes are scored (``DERIVATIONS``), by default by moderated t of differential expression; and the layer that
        a method which reads codes takes, by default the one it chooses, once for all shuffles.
    draws
        Shuffles of the labels.
    seed
        Of shuffles and bootstraps.

    Returns
    -------
    One row per perturbation: ``effect`` is its connectivity with the 95% interval over bootstraps of subjects.
    ``about`` has the number of shared genes, and the warning that belongs to such a table.

    Raises
    ------
    UnknownNameError
        If there is no such method or layer.
    InputError
        If fewer than 100 genes are shared, no perturbation varies, or the contrast is of another table.

    References
    ----------
    Lamb et al. 2006, doi 10.1126/science.1132939; Subramanian et al. 2017, doi 10.1016/j.cell.2017.10.049, for the
    comparison within the table.

    Notes
    -----
    Costs a derivation per shuffle and bootstrap, some 0.05 s for 200 subjects of 11,000 genes.

    Examples
    --------
    >>> import genelight as gl, numpy as np, pandas as pd
    >>> adata = gl.demo.cohort()
    >>> ill = gl.Contrast.of(
    ...     adata.obs, case='condition == "symptomatic" and hours >= 45', control="hours == 0", subject="subject"
    ... )
    >>> model = gl.models.PCA(8).fit(adata)
    >>> noise = np.random.default_rng(0).normal(size=(adata.n_vars, 2))
    >>> drugs = pd.DataFrame(noise, index=adata.var_names, columns=["a", "b"])
    >>> found = gl.modules.reversal(adata, model, perturbations=drugs, contrast=ill, draws=19)
    >>> bool(found.table["q"].min() > 0.05)
    True
    """
    check_positive(draws=draws)
    table_gp, at_g = _shared(perturbations, model)
    question = ask(adata, model, contrast=contrast, layer=layer, seed=seed)
    derive = DERIVATIONS[method]
    first = derive(question)
    if derive.reads_codes and layer is None:
        question = replace(question, layer=first.about.get("layer"))
    subjects = int(question.contrast.subject_n.max()) + 1
    own_bg = first.score(
        np.vstack([np.ones(subjects), bootstrap_counts(question.contrast, draws=BOOTSTRAPS, seed=seed)])
    )
    connect = _Connectivity(table_gp)
    own_bp = connect.to(own_bg[:, at_g])
    null_bg = _shuffled(question, derive, draws=draws, seed=seed)[:, at_g]
    # Shuffled labels have no signal, so beside a strong one any perturbation stands out; one that has nothing to do
    # with the disease does not pass as a rank correlation.
    p_p = np.maximum(_pooled_p(connect.along(own_bg[0, at_g]), connect.along(null_bg)), connect.rank_p(own_bp[0]))
    compared = table_gp.shape[1] >= LEAST_TABLE
    if compared:
        # Against the normal distribution around zero that has the table's median size.
        spread = max(float(np.median(np.abs(own_bp[0])) / stats.norm.ppf(0.75)), 1e-12)
        p_p = np.maximum(p_p, 2 * stats.norm.sf(np.abs(own_bp[0]) / spread))
    low_p, high_p = np.quantile(own_bp[1:], TAILS, axis=0)
    columns = (table_gp.columns.astype(str), own_bp[0], low_p, high_p, p_p)
    rows = [dict(zip(("name", "effect", "low", "high", "p"), row, strict=True)) for row in zip(*columns, strict=True)]
    about = {
        "question": contrast.name,
        "method": method,
        "genes": len(at_g),
        "warning": HYPOTHESIS,
        "compared": compared,
        "perturbations": len(rows),
        "permutations": draws,
        "model_digest": model.digest,
        "seed": seed,
    }
    return Changes(ranked(rows), about)


def _shared(perturbations: pd.DataFrame, model: Model) -> tuple[pd.DataFrame, np.ndarray]:
    """Perturbations on the genes that the model has too, those that vary there, and where these genes stand in it.

    Raises
    ------
    InputError
        If there is too little of either.
    """
    position = {gene: g for g, gene in enumerate(model.genes.ids)}
    table = perturbations.loc[perturbations.index.isin(position) & ~perturbations.index.duplicated()]
    if len(table) < LEAST_GENES:
        msg = (
            f"the perturbations share {len(table)} of their {len(perturbations)} genes "
            f"(first {first_three(map(str, perturbations.index))}) with the model's {len(position)} "
            f"({first_three(model.genes.ids)}), at least {LEAST_GENES} are needed; bring them to "
            f"{model.genes.namespace} ids, genes in rows"
        )
        raise InputError(msg)
    known = table.loc[:, (table.notna().sum() >= LEAST_GENES) & (table.max() > table.min())]
    if known.shape[1] == 0:
        msg = (
            f"none of {table.shape[1]} perturbations has {LEAST_GENES} genes with different values; nothing to compare"
        )
        raise InputError(msg)
    return known, np.array([position[str(gene)] for gene in known.index])


class _Connectivity:
    """Rank correlations of gene scores with every perturbation, over the genes that each has."""

    def __init__(self, table_gp: pd.DataFrame) -> None:
        rank_gp = table_gp.rank().to_numpy(np.float64)
        rank_gp -= np.nanmean(rank_gp, axis=0)
        rank_gp /= np.sqrt(np.nansum(rank_gp**2, axis=0))
        # Of mean zero and length one, and zero where a perturbation has no value.
        self.rank_gp, self.there_gp = np.nan_to_num(rank_gp), np.isfinite(rank_gp).astype(np.float64)

    def along(self, score_bg: np.ndarray) -> np.ndarray:
        """Sum of ranks times scores, in the scores' own size, shape ``(b, p)``."""
        return np.asarray(score_bg @ self.rank_gp)

    def to(self, score_bg: np.ndarray) -> np.ndarray:
        """Shape ``(b, p)``. Scores are ranked among all shared genes, then read where a perturbation has a value."""
        rank_bg = stats.rankdata(score_bg, axis=1) / score_bg.shape[1]
        count_p = self.there_gp.sum(0)
        square_bp = rank_bg**2 @ self.there_gp - (rank_bg @ self.there_gp) ** 2 / count_p
        return np.asarray(rank_bg @ self.rank_gp / np.sqrt(np.maximum(square_bp, 1e-12)))

    def rank_p(self, own_p: np.ndarray) -> np.ndarray:
        """Two-sided p of rank correlations if genes were independent."""
        return np.asarray(2 * stats.norm.sf(np.abs(own_p) * np.sqrt(self.there_gp.sum(0) - 1)))


def _shuffled(question: Question, derive: Any, *, draws: int, seed: int) -> np.ndarray:
    """Gene scores with labels shuffled over subjects, shape ``(draws, g)``."""
    rng = np.random.default_rng((seed, 5))
    labels = Labels.of(question.contrast, rng)
    everyone = np.ones((1, int(question.contrast.subject_n.max()) + 1))
    rows = []
    with progress("shuffling labels", draws) as step:
        for _ in range(draws):
            rows.append(derive(replace(question, contrast=labels.draw(rng))).score(everyone)[0])
            step()
    return np.stack(rows)


def _pooled_p(own_p: np.ndarray, null_bp: np.ndarray) -> np.ndarray:
    """Two-sided: how many of all perturbations' shuffles lie as far out, each in its own standard deviations."""
    # Around zero, which is where a swap of the labels mirrors them.
    sd_p = np.maximum(np.sqrt((null_bp**2).mean(0)), 1e-12)
    pool = np.sort(np.abs(null_bp / sd_p).ravel())
    beyond_p = len(pool) - np.searchsorted(pool, np.abs(own_p / sd_p) - 1e-12)
    return (1.0 + beyond_p) / (1.0 + len(pool))
