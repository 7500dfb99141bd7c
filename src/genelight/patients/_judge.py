"""A score learned fold by fold, judged beside its baselines, learned once more on everyone and frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from .._core.progress import progress
from ..errors import InputError
from ..models import Folds
from ..nouns import Model, Severity
from ..nouns.severity import GENES
from ..stats.conformal import NO_RESIDUALS, calibration, coverage, coverage_by, inside, residuals
from ..stats.folds import subject_folds
from ..stats.intervals import TAILS
from ..stats.subjects import count_subjects, redrawn, rows_of_subjects
from ._applicability import applicability, held_out_distances
from ._measures import Measure
from ._parts import PCA_PART, SIGNATURE, Part, parts_of, rows_of

INTERFERON = ("IFI27", "IFI44", "IFI44L", "IFI6", "IFIT1", "IFIT3", "ISG15", "MX1", "OAS1", "RSAD2")
"""Ten genes that type I interferon induces in blood, the usual one-number score of lupus and viral infection."""

METHOD = "severity"
DRAWS = 500


@dataclass(frozen=True)
class Protocol:
    """How a score is judged.

    Attributes
    ----------
    folds
        Folds of subjects where no fold models are given; each is scored by what was learned without it.
    draws
        How often the measure is handed to other subjects, for p; 0 for none.
    coverage
        Of the intervals in ``held_out`` and of the figure that checks them.
    signature
        Genes whose mean is one of the baselines: by default ten interferon genes; a module's are ``module.selected``.
    judge
        Samples that figures, residuals and calibration are of, a query on ``obs`` columns; the others are learned from
        only. So healthy people may stand in the measure with a zero without making the figures easier.
    time
        Column of ``obs`` that orders a subject's visits. With it a number is learned from as half its own value and
        half the mean of the visits before and after, which takes off noise; figures stay with the value itself.
    beside
        Columns of ``obs`` with numbers that training samples may have: laboratory values, clinical findings, treatment.
        A number is then learned with them: half its score is its own ridge regression, half a ridge regression of it on
        what expression tells of it and of each column. They are read of training subjects only; a sample is scored by
        its expression alone. Missing values stand at the column's mean; with `time` they are smoothed too.
    """

    folds: int = 10
    draws: int = 99
    coverage: float = 0.9
    signature: Sequence[str] = INTERFERON
    judge: str | None = None
    time: str | None = None
    beside: Sequence[str] = ()


@dataclass(frozen=True)
class Plan:
    """What to learn from what, and how it is judged: layers to prepare, parts that the score reads."""

    task: Measure
    subject_n: np.ndarray
    layers: Sequence[str]
    reads: Sequence[str]
    protocol: Protocol
    seed: int
    judged_n: np.ndarray
    """Boolean: samples that figures are of, where they have a measure."""

    @property
    def judged(self) -> np.ndarray:
        """Positions of the samples that figures are of."""
        return np.flatnonzero(np.isfinite(self.task.y_nt[:, 0]) & self.judged_n)

    @property
    def rows(self) -> np.ndarray:
        """Positions of the samples with a measure."""
        return np.flatnonzero(np.isfinite(self.task.y_nt[:, 0]))

    def methods(self, parts: Mapping[str, Part]) -> dict[str, Sequence[str]]:
        """The score and its baselines, with the parts that each reads."""
        return {METHOD: self.reads, **{name: [name] for name in (SIGNATURE, PCA_PART, GENES) if name in parts}}

    def parts(self, model: Model, x_ng: np.ndarray, train_n: np.ndarray) -> dict[str, Part]:
        """Every part, learned from the training samples."""
        return parts_of(model, x_ng, train_n, layers=self.layers, signature=self.protocol.signature)


def freeze(plan: Plan, adata: AnnData, model: Model, *, folds: Folds | None) -> Severity:
    """Judge and learn; see :func:`genelight.patients.severity`.

    Raises
    ------
    InputError
        If there are fewer than two folds.
    """
    fold_n, scores, distance_n2 = _out_of_fold(plan, adata, model, folds=folds)
    rows, task = plan.judged, plan.task
    y_n, subject_n, score_n = task.y_nt[rows, 0], plan.subject_n[rows], scores[METHOD][rows, 0]
    made = residuals(y_n, score_n, subject_n) if task.estimates else NO_RESIDUALS
    x_ng = model.prepare(adata)
    heads, intercept = _heads(plan, model, x_ng)
    seen = applicability(model, x_ng, distance_n2, subject_n=plan.subject_n, seed=plan.seed)
    frozen = Severity(
        heads=heads,
        intercept=intercept,
        held_out=pd.DataFrame(
            {"sample": adata.obs_names[rows], "subject": subject_n, "fold": fold_n[rows] + 1, "measure": y_n}
        ).assign(score=score_n),
        figures=pd.DataFrame([_figure(plan, name, scores[name][rows], fold_n=fold_n[rows]) for name in scores]),
        residuals=made.table,
        calibration=calibration(y_n, score_n, subject_n),
        about=_about(plan, model, folds=len(np.unique(fold_n)), refitted=folds is not None)
        | task.remarks(score_n, rows)
        | (_by_part(plan, y_n, score_n, fold_n=fold_n[rows]) if task.estimates else {})
        | {
            "spread": list(made.spread),
            "edges": list(made.edges),
            "range": [float(y_n.min()), float(y_n.max())],
            "applicability": seen.plain(),
        },
    )
    return frozen.with_intervals(coverage=plan.protocol.coverage)


def _by_part(plan: Plan, y_n: np.ndarray, score_n: np.ndarray, *, fold_n: np.ndarray) -> dict[str, Any]:
    """Coverage by parts of the score and of the measure, and in words where the most severe are called too low."""
    subject_n, level = plan.subject_n[plan.judged], plan.protocol.coverage
    inside_n, above_n = inside(y_n, score_n, subject_n, fold_n=fold_n, level=level)
    by_score = coverage_by(score_n, inside_n, above_n, subject_n=subject_n)
    by_measure = coverage_by(y_n, inside_n, above_n, subject_n=subject_n)
    found: dict[str, Any] = {"coverage_by_score": by_score, "coverage_by_measure": by_measure}
    most = by_measure[-1]
    if most["coverage"] < level and most["above"] > (1 - level) / 2:
        found["under_called"] = (
            f"of samples with a measure of {most['from']:.3g} and more, {most['above']:.0%} lie above their interval "
            f"and {most['coverage']:.0%} inside it ({level:.0%} of all do): the most severe are called too low"
        )
    return found


def _out_of_fold(
    plan: Plan, adata: AnnData, model: Model, *, folds: Folds | None
) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Of each sample: fold, every method's scores ``(n, t)`` with its subject held out, and how far off it lay then."""
    if folds is None:
        count = min(plan.protocol.folds, count_subjects(plan.subject_n[plan.rows]))
        if count < 2:
            msg = f"folds = {plan.protocol.folds} leaves no subjects held out; use at least 2"
            raise InputError(msg)
        fold_n = subject_folds(plan.subject_n, folds=count, seed=plan.seed)
    else:
        fold_n = folds.of(adata, plan.subject_n, model=model)
    scores: dict[str, np.ndarray] = {}
    distance_n2 = np.full((adata.n_obs, 2), np.nan)
    x_ng = model.prepare(adata) if folds is None else None
    present = np.unique(fold_n)
    with progress("holding out subjects", len(present)) as step:
        for fold in present.tolist():
            rows, test = (plan.rows[fold_n[plan.rows] != fold], plan.rows[fold_n[plan.rows] == fold])
            trained = model if folds is None else folds.model(fold)
            values_ng = trained.prepare(adata) if x_ng is None else x_ng
            distance_n2[fold_n == fold] = held_out_distances(trained, values_ng, fold_n != fold, test=fold_n == fold)
            parts = plan.parts(trained, values_ng, fold_n != fold)
            learned = plan.task.learn(rows_of(parts, rows), rows, plan.methods(parts))
            for name, method in learned.items():
                found_nt = method.predict(rows_of(parts, test))
                scores.setdefault(name, np.full((adata.n_obs, found_nt.shape[1]), np.nan))[test] = found_nt
            step()
    return fold_n, scores, distance_n2


def _figure(plan: Plan, name: str, score_nt: np.ndarray, *, fold_n: np.ndarray) -> dict[str, Any]:
    """One method's row of figures."""
    task, rows, subject_n = plan.task, plan.judged, plan.subject_n[plan.judged]
    score_n, y_n = score_nt[:, 0], task.y_nt[rows, 0]
    low, high = _interval(plan, score_n)
    value_t = np.array([task.value(score_nt[:, t], rows, target=t) for t in range(score_nt.shape[1])])
    found = {"method": name, "metric": task.metric, "value": float(value_t[0]), "low": low, "high": high}
    # How often a permuted measure is followed as closely, this one counted in.
    found["p"] = float(np.mean(value_t >= value_t[0])) if len(value_t) > 1 else np.nan
    if not task.estimates:
        return found | {"r2": np.nan, "coverage": np.nan}
    r2 = 1 - float(((y_n - score_n) ** 2).sum() / ((y_n - y_n.mean()) ** 2).sum())
    inside = coverage(y_n, score_n, subject_n, fold_n=fold_n, level=plan.protocol.coverage)
    return found | {"r2": r2, "coverage": inside}


def _interval(plan: Plan, score_n: np.ndarray) -> tuple[float, float]:
    """95% interval over bootstraps of subjects, each with all its samples."""
    rng = np.random.default_rng((plan.seed, 2))
    rows_s = rows_of_subjects(plan.subject_n[plan.judged])
    draws = (redrawn(rows_s, rng) for _ in range(DRAWS))
    low, high = np.nanquantile([plan.task.value(score_n[d], plan.judged[d]) for d in draws], TAILS)
    return float(low), float(high)


def _heads(plan: Plan, model: Model, x_ng: np.ndarray) -> tuple[pd.DataFrame, float]:
    """Weights and intercept of the score learned on everyone."""
    parts = plan.parts(model, x_ng, np.ones(len(x_ng), dtype=bool))
    learned = plan.task.learn(rows_of(parts, plan.rows), plan.rows, {METHOD: plan.reads})[METHOD]
    tables, intercept = [], 0.0
    for name, line in learned.lines().items():
        weighed = parts[name].on_features(line)
        columns = {"feature": parts[name].features, "centre": weighed.centre_f, "weight": weighed.weight_f}
        tables.append(pd.DataFrame(columns).assign(part=parts[name].source))
        intercept += weighed.intercept
    return pd.concat(tables, ignore_index=True)[list(Severity.COLUMNS)], intercept


def _about(plan: Plan, model: Model, *, folds: int, refitted: bool) -> dict[str, Any]:
    subject_n = plan.subject_n[plan.judged]
    return {
        "measure": plan.task.name,
        "shown": plan.task.shown or plan.task.name,
        "metric": plan.task.metric,
        "model": model.name,
        "model_digest": model.digest,
        "genes": model.genes.digest,
        "reads": list(plan.reads),
        "refitted": refitted,
        "samples": len(subject_n),
        "subjects": count_subjects(subject_n),
        "folds": folds,
        "coverage": plan.protocol.coverage,
        "permutations": plan.protocol.draws,
        "signature": list(plan.protocol.signature),
        "judge": plan.protocol.judge,
        "time": plan.protocol.time,
        "beside": list(plan.protocol.beside),
        "seed": plan.seed,
    }
