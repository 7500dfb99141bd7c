"""How severely a sample is affected, learned from a measure and judged on subjects not seen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from anndata import AnnData

from .._core.checks import select_samples
from ..errors import InputError, first_three
from ..models import Folds
from ..nodes.layers import check_layer
from ..nouns import Contrast, Model, Severity
from ..nouns.contrast import Until, check_contrast, measure_of, persons
from ._judge import INTERFERON, Plan, Protocol, freeze
from ._measures import Direction, Measure, number
from ._parts import WEIGHTED
from ._until import waiting

__all__ = ["INTERFERON", "Protocol", "check_measure", "severity"]


def severity(
    adata: AnnData,
    model: Model,
    *,
    measure: str | Contrast,
    subject: str | None = None,
    layer: str | None = None,
    folds: Folds | None = None,
    protocol: Protocol = Protocol(),  # noqa: B008 - frozen
    seed: int = 0,
) -> Severity:
    """Learn a severity score and how far to trust it.

    From a number, ridge regressions on the codes of the first layer and on the genes, each weighted by how much of its
    variance the model gives back, are mixed; penalties and shares are chosen by subject-grouped cross-validation on
    the training subjects of a fold. From a contrast, nothing is learned but the means of cases and controls: the score
    is the distance along the way between them. From the time to an event, the same ridge regressions learn whom it
    comes to sooner than to others (lifelines judges them: concordance, and ``about["hazard"]``, a Cox regression on the
    held-out scores). Every figure is of held-out subjects, with three baselines learned on
    the same folds: the mean of the signature's genes, PCA of width 64 with ridge, and ridge on all genes.

    Parameters
    ----------
    adata
        Samples x genes. Samples without the measure are not learned from.
    model
        A trained model; the frozen score reads it.
    measure
        Column of ``obs`` with numbers, higher for more severe; ``"TIME until EVENT"``, of two columns; a
        :class:`genelight.Contrast`, or ``"QUERY against QUERY"``.
    subject
        Column that says whose sample it is; with a contrast, the contrast says so.
    layer
        Read this layer alone. By default a number is read from the first layer and the weighted genes (the log of the
        study ``severity`` says why), a contrast from the last layer.
    folds
        Fold models of the model's spec, of a table that has all of these samples. With them each subject is scored by a
        model and a preparation that have not seen it, and nothing leaks. Without them `model` has seen the held-out
        subjects' expression, though not their measure; ``about["refitted"]`` says which.
    protocol
        Folds, draws, coverage, the genes of the signature, the column that orders a subject's visits, columns to
        learn beside the measure.
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
        If the measure is text, constant, missing for most samples or known for fewer than five subjects, a column
        beside it is text, constant, the measure, or beside what is no number, or lifelines is not installed
        (``pip install 'genelight[survival]'``) and the measure is a time.

    Notes
    -----
    Intervals are conformal over subjects (doi 10.1214/20-AOS1965): a new subject's measure lies inside with the stated
    chance if it is exchangeable with these subjects. Costs folds x six decompositions per part, and the folds' fits.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> ill = adata[adata.obs["condition"] == "symptomatic"].copy()
    >>> model = gl.models.PCA(8).fit(adata)
    >>> plan = gl.patients.Protocol(folds=3, draws=0)
    >>> hours = gl.patients.severity(
    ...     adata, model, measure="hours", subject="subject", protocol=plan
    ... )
    >>> hours.figures["method"].tolist()
    ['severity', 'signature', 'pca', 'genes']
    """
    asked = measure_of(adata.obs, measure, subject=subject) if isinstance(measure, str) else measure
    task, subject_n = _task(adata, asked, subject=subject, protocol=protocol, seed=seed)
    layers = list(model.widths) if layer is None else [check_layer(model, layer)]
    reads = layers[-1:] if layer is not None or isinstance(asked, Contrast) else [layers[0], WEIGHTED]
    judged_n = np.ones(adata.n_obs, dtype=bool)
    if protocol.judge is not None:
        judged_n = select_samples(adata.obs, protocol.judge, role="judge")
    return freeze(Plan(task, subject_n, layers, reads, protocol, seed, judged_n), adata, model, folds=folds)


def check_measure(
    adata: AnnData,
    measure: str | Contrast,
    *,
    subject: str | None = None,
    time: str | None = None,
    beside: Sequence[str] = (),
) -> None:
    """Whether a severity score can be learned from a measure, before anything is computed.

    Raises
    ------
    UnknownNameError
        If a column does not exist.
    InputError
        If the measure is text, constant, missing for most samples or known for fewer than five subjects, or a column
        beside it is text, constant, the measure, or beside what is no number.

    Examples
    --------
    >>> import genelight as gl
    >>> from genelight.patients.severity import check_measure
    >>> check_measure(gl.demo.cohort(), "hours", subject="subject")
    """
    asked = measure_of(adata.obs, measure, subject=subject) if isinstance(measure, str) else measure
    _task(adata, asked, subject=subject, protocol=Protocol(draws=0, time=time, beside=beside), seed=0)


def _task(
    adata: AnnData, measure: str | Contrast | Until, *, subject: str | None, protocol: Protocol, seed: int
) -> tuple[Measure, np.ndarray]:
    """What is learned, and whose each sample is."""
    if protocol.beside and not isinstance(measure, str):
        msg = (
            f"beside {first_three(map(repr, protocol.beside))} is learned with a number, and {measure.name!r} is none; "
            "give measure one column, or leave beside off"
        )
        raise InputError(msg)
    if isinstance(measure, Contrast):
        check_contrast(adata, measure)
        return Direction(measure), measure.subject_n
    subject_n = persons(adata.obs, subject)
    if isinstance(measure, Until):
        return waiting(adata.obs, measure, subject_n, draws=protocol.draws, seed=seed), subject_n
    as_number = partial(number, time=protocol.time, beside=protocol.beside, draws=protocol.draws)
    return as_number(adata.obs, measure, subject_n, seed=seed), subject_n
