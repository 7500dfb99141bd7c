"""Whether a layer's codes tell cases from controls at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from anndata import AnnData

from .._core.checks import check_positive
from .._core.printed import Card, Printed, spread
from .._core.workers import each
from ..nouns import Contrast, Model
from ..stats.discriminant import cross_validate
from ..stats.pvalues import empirical_p
from ..stats.subjects import Labels
from ._registry import ask
from .methods._direction import best_layer, layer_codes

__all__ = ["Permutation", "permutation_test"]


@dataclass(frozen=True, repr=False)
class Permutation(Printed):
    """A statistic, its values under shuffled labels (shape ``(draws,)``), and the share that reaches it."""

    statistic: float
    null: np.ndarray
    p: float

    def _card(self) -> Card:
        return f"AUC of a module on subjects held out, {len(self.null):,} shuffles of the labels", [
            ("statistic", f"{self.statistic:.3f}"),
            ("shuffled", spread(self.null)),
            ("p", f"{self.p:.2g}"),
        ]


def permutation_test(
    adata: AnnData,
    model: Model,
    *,
    contrast: Contrast,
    layer: str | None = None,
    draws: int = 200,
    seed: int = 0,
) -> Permutation:
    """Test a module as a whole: AUC of its head on held-out subjects against shuffled labels.

    Labels are shuffled over subjects, never over samples. A subject with one kind of sample exchanges its
    label with others of that sort; a subject in both groups (before and after, say) swaps its two groups with
    probability one half. With covariates, labels go where these make them as likely (within the batch, within the age:
    :class:`genelight.stats.subjects.Labels`), so that what the covariates explain cannot pass for the disease.
    Folds, penalty and choice of layer are made anew for every shuffle.

    Parameters
    ----------
    adata, model, contrast, layer, seed
        As in :func:`disease_module`.
    draws
        How many shuffles; the smallest p is ``1 / (draws + 1)``. With few subjects in a paired design
        only ``2**subjects`` shuffles differ.

    Returns
    -------
    Statistic, null and one-sided p, ``(1 + shuffles that reach it) / (1 + draws)``.

    Raises
    ------
    UnknownNameError
        If there is no such layer.
    InputError
        If the contrast does not belong to `adata`, or `draws` is not above zero.

    References
    ----------
    Winkler et al. 2014, doi 10.1016/j.neuroimage.2014.01.060; Berrett et al. 2020, doi 10.1111/rssb.12340.

    Notes
    -----
    Cost: draws x folds x layers decompositions of nodes x nodes.

    Examples
    --------
    >>> import genelight as gl
    >>> from genelight import Contrast
    >>> adata = gl.demo.cohort()
    >>> ill = Contrast.of(
    ...     adata.obs, case='condition == "symptomatic" and hours >= 45', control="hours == 0", subject="subject"
    ... )
    >>> model = gl.models.PCA(8).fit(adata)
    >>> gl.modules.permutation_test(adata, model, contrast=ill, draws=49).p <= 0.1
    True
    """
    check_positive(draws=draws)
    question = ask(adata, model, contrast=contrast, layer=layer, seed=seed)
    codes = layer_codes(question)
    statistic = _statistic(question.contrast, codes, seed)
    rng = np.random.default_rng(seed)
    labels = Labels.of(question.contrast, rng)
    drawn = [labels.draw(rng) for _ in range(draws)]
    null = np.array(each(_statistic, drawn, shared=(codes, seed), says="shuffling labels"))
    p = empirical_p(np.array([statistic]), null[:, None], sign=1)[0]
    return Permutation(statistic, null, float(p))


def _statistic(contrast: Contrast, codes: dict[str, np.ndarray], seed: int) -> float:
    figures = {layer: cross_validate(h_nk, contrast, seed=seed) for layer, h_nk in codes.items()}
    return figures[best_layer(figures)].auc
