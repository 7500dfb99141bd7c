"""How severely a sample is affected, learned from a measure and judged on subjects not seen."""

from __future__ import annotations

import numpy as np
from anndata import AnnData

from .._core.checks import select_samples
from .._core.contrast import Contrast
from .._core.severity import Severity
from .._core.types import Model
from ._judge import INTERFERON, Fit, Plan, Protocol, freeze
from ._layers import check_layer
from ._measures import Direction, Measure, number, subjects_of
from ._parts import WEIGHTED
from ._question import check_contrast

__all__ = ["INTERFERON", "Protocol", "check_measure", "severity"]


def severity(
    adata: AnnData,
    model: Model,
    *,
    measure: str | Contrast,
    subject: str | None = None,
    layer: str | None = None,
    fit: Fit | None = None,
    protocol: Protocol = Protocol(),  # noqa: B008 - frozen
    seed: int = 0,
) -> Severity:
    """Learn a severity score and how far to trust it.

    From a number, ridge regressions on the codes of the first layer and on the genes, each weighted by how much of its
    variance the model gives back, are mixed; penalties and shares are chosen by subject-grouped cross-validation on
    the training subjects of a fold. From a contrast, nothing is learned but the means of cases and controls: the score
    is the distance along the way between them. Every figure is of held-out subjects, with three baselines learned on
    the same folds: the mean of the signature's genes, PCA of width 64 with ridge, and ridge on all genes.

    Parameters
    ----------
    adata
        Samples x genes. Samples without the measure are not learned from.
    model
        A trained model; the frozen score reads it.
    measure
        Column of ``obs`` with numbers, higher for more severe, or a :class:`genelight.Contrast`.
    subject
        Column that says whose sample it is; with a contrast, the contrast says so.
    layer
        Read this layer alone. By default a number is read from the first layer and the weighted genes (the log of the
        study ``severity`` says why), a contrast from the last layer.
    fit
        How to train a model on a table of samples. With it, model and preparation are trained anew without each
        fold's subjects, and nothing leaks. Without it `model` has seen the held-out subjects' expression, though not
        their measure; ``about["refitted"]`` says which.
    protocol
        Folds, permutations, coverage and the genes of the signature.
    seed
        Seed of folds, permutations and bootstraps.

    Returns
    -------
    The frozen score with out-of-fold scores, figures beside baselines, residuals for its intervals, calibration.

    Raises
    ------
    UnknownNameError
        If a column or layer does not exist.
    InputError
        If the measure is text, constant, missing for most samples or known for fewer than five subjects.

    Notes
    -----
    Intervals are conformal over subjects (doi 10.1214/20-AOS1965): a new subject's measure lies inside with the stated
    chance if it is exchangeable with these subjects. Costs folds x (time of `fit` + six decompositions per part).

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> ill = adata[adata.obs["condition"] == "symptomatic"].copy()
    >>> model = gl.models.fit_pca(adata, width=8)
    >>> plan = gl.tl.Protocol(folds=3, permutations=0)
    >>> hours = gl.tl.severity(
    ...     adata, model, measure="hours", subject="subject", protocol=plan
    ... )
    >>> hours.figures["method"].tolist()
    ['severity', 'signature', 'pca', 'genes']
    """
    task, subject_n = _task(adata, measure, subject=subject, permutations=protocol.permutations, seed=seed)
    layers = list(model.widths) if layer is None else [check_layer(model, layer)]
    reads = [layers[0], WEIGHTED] if layer is None and task.estimates else layers[-1:]
    judged_n = np.ones(adata.n_obs, dtype=bool)
    if protocol.judge is not None:
        judged_n = select_samples(adata.obs, protocol.judge, role="judge")
    return freeze(Plan(task, subject_n, layers, reads, protocol, seed, judged_n), adata, model, fit=fit)


def check_measure(adata: AnnData, measure: str | Contrast, *, subject: str | None = None) -> None:
    """Whether a severity score can be learned from a measure, before anything is computed.

    Raises
    ------
    UnknownNameError
        If a column does not exist.
    InputError
        If the measure is text, constant, missing for most samples or known for fewer than five subjects.

    Examples
    --------
    >>> import genelight as gl
    >>> gl.tl.check_measure(gl.demo.cohort(), "hours", subject="subject")
    """
    _task(adata, measure, subject=subject, permutations=0, seed=0)


def _task(
    adata: AnnData, measure: str | Contrast, *, subject: str | None, permutations: int, seed: int
) -> tuple[Measure, np.ndarray]:
    """What is learned, and whose each sample is."""
    if isinstance(measure, Contrast):
        check_contrast(adata, measure)
        return Direction(measure), measure.subject_n
    subject_n = subjects_of(adata.obs, subject)
    return number(adata.obs, measure, subject_n, permutations=permutations, seed=seed), subject_n
