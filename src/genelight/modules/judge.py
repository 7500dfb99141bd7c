"""Modules and models judged on subjects that neither has seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import stats

from .._core.checks import check_positive
from .._core.printed import Card, Printed, leading
from .._core.progress import progress
from ..errors import InputError, first_three
from ..models import Folds
from ..models.reconstruct import squared_errors
from ..nouns import Contrast, Model
from ..nouns.contrast import check_contrast
from ..nouns.module import DERIVATION
from ..stats.intervals import weighted_auc
from ..stats.moderated import Design
from ..stats.subjects import indexed, numbered
from ._registry import DERIVATIONS, Question
from .derive import derive

__all__ = ["HeldOut", "hold_out"]

METHODS = (DERIVATION, "de", "variance", "random")


@dataclass(frozen=True, repr=False)
class HeldOut(Printed):
    """Figures on held-out subjects, fold by fold.

    Attributes
    ----------
    table
        Tidy: ``method``, ``fold`` (from 1), ``metric``, ``value``. Metric ``"r2"`` has the model's name as its method;
        ``"auc"``, ``"replication"`` and ``"overlap"`` have the derivation, the model where it reads one, and the
        layer where one was asked for: ``"auto autoencoder"``, ``"auto autoencoder.L2"``, ``"de"``.
    scores
        Module score of every sample of the contrast when its subject was held out: ``sample``, ``subject``,
        ``group``, ``fold``, ``method``, ``score``.
    r2_by_subject
        ``subject``, ``fold``, ``model``, ``sse``, ``sst``: squared error and squared distance from the training mean,
        summed over samples and genes.
    about
        Settings.
    """

    table: pd.DataFrame
    scores: pd.DataFrame
    r2_by_subject: pd.DataFrame
    about: Mapping[str, Any] = field(default_factory=dict)

    def _card(self) -> Card:
        metrics = self.table.groupby("metric", sort=False)
        told = [(str(metric), rows.groupby("method")["value"].mean().sort_values()[::-1]) for metric, rows in metrics]
        return f"figures on subjects held out, {self.table['fold'].nunique()} folds", [
            ("samples", f"{self.scores['sample'].nunique():,} of {self.scores['subject'].nunique():,} subjects"),
            *(
                (metric, leading([f"{method} {mean:.3f}" for method, mean in means.items()], n=4))
                for metric, means in told
            ),
        ]


@dataclass(frozen=True)
class _Fold:
    """One model trained without some subjects, and what it makes of them; contrasts have subjects as positions."""

    name: str
    model: Model
    x_train_ng: np.ndarray
    x_test_ng: np.ndarray
    adata: AnnData
    contrast: Contrast
    test_n: np.ndarray


def hold_out(
    adata: AnnData,
    *,
    contrast: Contrast,
    folds: Mapping[str, Folds],
    beside: Mapping[str, Folds] | None = None,
    methods: Sequence[str] = METHODS,
    size: int = 200,
    seed: int = 0,
) -> HeldOut:
    """Derive and judge by folds of subjects; nothing sees the held-out subjects before it is judged.

    Each fold's models are trained on all samples of the training subjects (not the contrast's alone). A fold derives a
    module by every method, and asks of the held-out subjects: how much of their variance the model explains (``"r2"``);
    whether the module's score, the signed mean of its `size` genes' prepared values, tells cases from controls
    (``"auc"``, subjects with equal weight); whether gene scores agree with these subjects' own mean differences
    (``"replication"``, Spearman); how many of the `size` genes are among the first `size` by these subjects' own
    moderated t (``"overlap"``, a fraction; NaN in a fold of fewer than three subjects).

    Parameters
    ----------
    adata
        Samples x genes, every sample that the models may be trained on.
    contrast
        Cases and controls among them, and whose every sample is.
    folds
        Name of each model, and its fold models; all of the same folds (``folds.beside(spec)``) of this table, made
        with this contrast.
    beside
        Further models, of which reconstruction alone is judged: PCA of samples weighed as the first model's
        (``folds.beside_each(gl.models.PCA.weighed_as)``), say.
    methods
        Derivations. Those that read codes are run on every model of `folds`, with the layer chosen on the training
        subjects, and on each layer where there are several; the others once, on the first model's prepared values.
    size
        Genes in a module.
    seed
        Seed of penalties and random genes.

    Returns
    -------
    Figures by fold, out-of-fold scores and squared errors by subject; :func:`genelight.stats.intervals.auc_interval`
    and :func:`genelight.stats.intervals.r2_interval` turn the latter two into intervals.

    Raises
    ------
    InputError
        If the folds are none, not the same for all models, or not of these samples and subjects, a fold lacks a
        group, or the contrast does not belong to `adata`.
    UnknownNameError
        If there is no such method.

    Notes
    -----
    Costs folds x time of all derivations without bootstraps, and the folds' own fits where none were made yet.

    Examples
    --------
    >>> import genelight as gl
    >>> from genelight import Contrast
    >>> adata = gl.demo.cohort()
    >>> ill = Contrast.of(
    ...     adata.obs, case='condition == "symptomatic" and hours >= 45', control="hours == 0", subject="subject"
    ... )
    >>> folds = gl.Folds.by_subject(adata, gl.models.PCA(8, subject="subject"), k=3, contrast=ill)
    >>> held_out = gl.modules.hold_out(adata, contrast=ill, folds={"pca": folds})
    >>> sorted(held_out.table["metric"].unique())
    ['auc', 'overlap', 'r2', 'replication']
    """
    check_contrast(adata, contrast)
    check_positive(size=size)
    for method in methods:
        DERIVATIONS.entry(method)
    subjects, position_n = numbered(contrast.subject_n)
    whole = replace(contrast, subject_n=position_n)
    beside = beside or {}
    fold_n = _fold_n(adata, contrast, {**folds, **beside})
    k = int(fold_n.max()) + 1
    tables: dict[str, list[pd.DataFrame]] = {"table": [], "scores": [], "r2": []}
    with progress("holding out subjects", k) as step:
        for fold in range(k):
            trained, others = (
                _trained(adata, whole, folds={n: f.model(fold) for n, f in some.items()}, test_n=fold_n == fold)
                for some in (folds, beside)
            )
            for name, part in _judge(trained, others, methods=methods, size=size, seed=seed + fold).items():
                tables[name].append(part.assign(fold=fold + 1))
            step()
    joined = {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}
    for name in ("scores", "r2"):
        joined[name]["subject"] = subjects[joined[name]["subject"].to_numpy()]
    return HeldOut(
        joined["table"][["method", "fold", "metric", "value"]],
        joined["scores"][["sample", "subject", "group", "fold", "method", "score"]],
        joined["r2"][["subject", "fold", "model", "sse", "sst"]],
        {"contrast": contrast.name, "folds": k, "size": size, "seed": seed, "methods": list(methods)},
    )


def _fold_n(adata: AnnData, contrast: Contrast, folds: Mapping[str, Folds]) -> np.ndarray:
    """The fold of each sample, the same for every model.

    Raises
    ------
    InputError
        If there is no model, folds differ, or a fold has no case or no control.
    """
    if not folds:
        msg = "hold_out needs the folds of at least one model: folds={'pca': gl.Folds.by_subject(adata, spec)}"
        raise InputError(msg)
    (name, fold_n), *others = [(name, each.of(adata, contrast.subject_n)) for name, each in folds.items()]
    for other, other_n in others:
        if not np.array_equal(fold_n, other_n):
            msg = f"the folds of {name} and of {other} are not the same; make one of the other: folds.beside(spec)"
            raise InputError(msg)
    for role, mask in (("case", contrast.case_n), ("control", contrast.control_n)):
        without = np.setdiff1d(fold_n, fold_n[mask]) + 1
        if len(without):
            msg = (
                f"{len(without)} folds have no {role} ({first_three(without)}); make them with "
                "Folds.by_subject(..., contrast=contrast), which spreads cases and controls evenly"
            )
            raise InputError(msg)
    return fold_n


def _trained(adata: AnnData, contrast: Contrast, *, folds: Mapping[str, Model], test_n: np.ndarray) -> list[_Fold]:
    """Both sides of a fold, prepared by each of its models."""
    train, test = adata[~test_n].copy(), adata[test_n]
    return [
        _Fold(name, model, model.prepare(train), model.prepare(test), adata, contrast, test_n)
        for name, model in folds.items()
    ]


def _judge(
    trained: Sequence[_Fold], others: Sequence[_Fold], *, methods: Sequence[str], size: int, seed: int
) -> dict[str, pd.DataFrame]:
    """Tidy figures, scores and squared errors of one fold."""
    every = [*trained, *others]
    errors = [_squared_errors(part) for part in every]
    figures = [(part.name, "r2", 1 - e["sse"].sum() / e["sst"].sum()) for part, e in zip(every, errors, strict=True)]
    scores = []
    for label, method, part, layer in _tasks(trained, methods):
        module = derive(_question(part, layer, seed), method=method, size=size, bootstraps=0)
        metrics, score_n = _evaluate(part, module.score_g(), size=size)
        figures += [(label, metric, value) for metric, value in metrics.items()]
        scores.append(_score_table(part, score_n).assign(method=label))
    return {
        "table": pd.DataFrame(figures, columns=["method", "metric", "value"]),
        "scores": pd.concat(scores) if scores else _score_table(trained[0], np.empty(0)).assign(method=""),
        "r2": pd.concat(errors),
    }


def _tasks(trained: Sequence[_Fold], methods: Sequence[str]) -> Iterator[tuple[str, str, _Fold, str | None]]:
    """Label, derivation, model and layer (None to choose) of everything to derive in a fold."""
    for method in methods:
        if not DERIVATIONS[method].reads_codes:
            yield method, method, trained[0], None
            continue
        for part in trained:
            label = f"{method} {part.name}"
            yield label, method, part, None
            if len(part.model.widths) > 1:
                yield from ((f"{label}.{layer}", method, part, layer) for layer in part.model.widths)


def _question(part: _Fold, layer: str | None, seed: int) -> Question:
    contrast = part.contrast.take(~part.test_n)
    samples = part.adata[~part.test_n & part.contrast.used_n]
    return Question(part.x_train_ng[contrast.used_n], samples, indexed(contrast), part.model, layer, seed)


def _evaluate(part: _Fold, score_g: np.ndarray, *, size: int) -> tuple[dict[str, float], np.ndarray]:
    """Metrics of gene scores on the held-out subjects, and the module score of their samples."""
    test = part.contrast.take(part.test_n)
    x_ng, contrast = part.x_test_ng[test.used_n], indexed(test)
    top = _top(score_g, size)
    score_n = x_ng[:, top] @ np.sign(score_g[top]) / len(top)
    weight_n = contrast.weight_n()
    difference_g = np.where(contrast.case_n, weight_n, -weight_n) @ x_ng
    design = Design.of(part.model.preparation.restore(x_ng), contrast)
    strongest = _top(design.moderated().t_bg[0], size) if design.df >= 1 else None
    metrics = {
        "auc": weighted_auc(score_n, contrast, weight_n),
        "replication": float(stats.spearmanr(score_g, difference_g).statistic),
        "overlap": float("nan") if strongest is None else len(np.intersect1d(top, strongest)) / len(top),
    }
    return metrics, score_n


def _top(score_g: np.ndarray, size: int) -> np.ndarray:
    return np.argsort(-np.abs(score_g), kind="stable")[:size]


def _score_table(part: _Fold, score_n: np.ndarray) -> pd.DataFrame:
    (used,) = np.nonzero(part.test_n & part.contrast.used_n)
    columns = {
        "sample": part.adata.obs_names[used],
        "subject": part.contrast.subject_n[used],
        "group": np.where(part.contrast.case_n[used], "case", "control"),
        "score": score_n,
    }
    return pd.DataFrame(columns)


def _squared_errors(part: _Fold) -> pd.DataFrame:
    """Sums over the samples and genes of each held-out subject, through the model's last layer."""
    sse_n, sst_n = squared_errors(part.model, part.x_test_ng)
    errors = pd.DataFrame({"subject": part.contrast.subject_n[part.test_n], "sse": sse_n, "sst": sst_n})
    return errors.groupby("subject", as_index=False).sum().assign(model=part.name)
