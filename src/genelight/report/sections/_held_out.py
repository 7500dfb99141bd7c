"""Held-out subjects: every method's figures on people it never saw, reconstruction beside PCA, scores of samples."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...nouns.labels import method_label
from ...pl._samples import held_out, history, scores
from .._words import known, number
from ._section import Figure, Section, figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from .._read import Run

SHOWN = 3
"""Decimals of R² that the page shows; what is zero to them counts as no difference."""
CAPTIONS = {
    "auc": "How well each method's score tells cases from controls among subjects it never saw. Dashed: chance.",
    "replication": "How well each method's {one} scores agree with the held-out subjects' own mean differences. "
    "Dashed: no agreement.",
    "r2": "Share of held-out {level} that the model and PCA of the same width reconstruct.",
}

LARGE = {"auc": "all of them together", "r2": "all of them together", "replication": "their mean"}


class HeldOut(Section):
    """Figures by method, and a verdict on reconstruction."""

    name = "held_out"
    anchor = "held-out"
    label = "Held-out subjects"
    empty: ClassVar[Any] = {"reconstruction": None, "methods": [], "given": False}

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any]:
        """Means over folds."""
        given = bool(run.section("model").get("reference"))
        # What a given model gives back is told of the studies that it was trained without, not of these subjects.
        return {"reconstruction": None if given else _reconstruction(run), "methods": _methods(run), "given": given}

    def missing(self, found: Any) -> dict[str, str]:
        """The comparison, or reconstruction."""
        texts = {}
        if not found["methods"]:
            texts["held_out"] = "Methods were not compared on held-out subjects (05_held_out.tsv)."
        if found["reconstruction"] is None and not found.get("given"):
            texts["reconstruction"] = "Reconstruction was not measured on held-out subjects (03_model/config.json)."
        return texts

    def figures(self, run: Run, found: Any) -> dict[str, Figure]:
        """One picture a metric, and the course of training."""
        return _metrics(run, found) | ({} if found["given"] else _history(run))


def _methods(run: Run) -> list[dict[str, Any]]:
    if run.held_out is None:
        return []
    rows = [
        {
            "metric": metric,
            "method": method,
            "label": method_label(str(method)),
            "own": method == run.method,
            "mean": part["value"].mean(),
            "lowest": part["value"].min(),
            "highest": part["value"].max(),
            "folds": len(part),
        }
        for (metric, method), part in run.held_out.dropna(subset="value").groupby(["metric", "method"], sort=False)
    ]
    whole = _over_all(run)
    rows = [row | {"mean": whole.get((row["metric"], row["method"]), row["mean"])} for row in rows]
    return sorted(rows, key=lambda r: (str(r["metric"]), -r["mean"]))


def _over_all(run: Run) -> dict[tuple[str, str], float]:
    """Figures over all held-out subjects together, where they are known: one value of each on the whole page."""
    pooled = {("auc", m): f["auc"] for m, f in run.about.get("auc_by_method", {}).items() if known(f.get("auc"))}
    together = run.model.get("held_out") or {}
    names = {run.about.get("model", "autoencoder"): "r2", "pca": "pca_r2", "pca weighed": "weighed_pca_r2"}
    return pooled | {("r2", m): together[key] for m, key in names.items() if known(together.get(key))}


def _reconstruction(run: Run) -> dict[str, Any] | None:
    """R² of the model and of PCA with a verdict; from the model's own figures, or the mean over folds."""
    found = run.model.get("held_out") or {"r2": run.mean("autoencoder", "r2"), "pca_r2": run.mean("pca", "r2")}
    r2, pca_r2 = found.get("r2"), found.get("pca_r2")
    if not (known(r2) and known(pca_r2)):
        return None
    ends, weighed = found.get("difference_interval"), found.get("weighed_difference_interval")
    return {
        "r2": r2,
        "r2_interval": found.get("r2_interval"),
        "pca_r2": pca_r2,
        "pca_r2_interval": found.get("pca_r2_interval"),
        "pca_width": found.get("pca_width"),
        "weighed": _weighed(run.model.get("settings", {})),
        "difference": r2 - pca_r2,
        "difference_interval": ends,
        "verdict": _verdict(ends),
        "weighed_pca_r2": found.get("weighed_pca_r2"),
        "weighed_difference": found.get("weighed_difference"),
        "weighed_difference_interval": weighed,
        "weighed_verdict": _verdict(weighed),
    }


def _verdict(ends: Sequence[float] | None) -> str:
    """Better or worse only where the paired interval of the difference lies off zero."""
    if not ends:
        return "untested"
    low, high = (round(end, SHOWN) for end in ends)
    return "better" if low > 0 else "worse" if high < 0 else "equal"


def _weighed(settings: Mapping[str, Any]) -> bool:
    """Whether samples were weighed before the model's first axes were sought, as PCA's are not."""
    shrinkage, power = settings.get("between_subject_shrinkage", 1.0), settings.get("sphering", 0.0)
    return (known(shrinkage) and shrinkage != 1) or (known(power) and power != 0)


def _metrics(run: Run, found: Any) -> dict[str, Figure]:
    drawn: dict[str, Figure] = {}
    for metric, caption in CAPTIONS.items():
        if metric == "r2" and found["given"]:
            continue
        rows = [r for r in found["methods"] if r["metric"] == metric]
        if run.held_out is None or not rows:
            continue
        best = max(rows, key=lambda r: r["mean"])
        own = run.about.get("model", "autoencoder") if metric == "r2" else run.method
        drawn |= figure(
            partial(
                held_out,
                run.held_out,
                metric=metric,
                highlight=own,
                whole={r["method"]: r["mean"] for r in rows},
            ),
            name=metric,
            caption=f"{caption.format(**run.words)} Small dots are folds, large dots {LARGE[metric]}.",
            alt=f"Dots for {len(rows)} methods; the best is {number(best['mean'])} by {best['label']}.",
            height=0.7 + 0.27 * len(rows),
            table=run.held_out.loc[run.held_out["metric"] == metric, ["method", "fold", "metric", "value"]],
        )
    return drawn


def _history(run: Run) -> dict[str, Figure]:
    table = run.history
    if table is None or len(table) < 2 or len(table.columns) < 2:
        return {}
    return figure(
        lambda ax: history(table, ax),
        name="history",
        caption="The course of training, epoch by epoch.",
        alt=f"Lines over {len(table)} epochs.",
        height=2.6,
        table=table,
    )


class Scores(Section):
    """Quartiles of scores; no sample or subject is named."""

    name = "scores"
    anchor = "samples"
    label = "Samples"

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any] | None:
        """One record per group."""
        if run.scores is None or run.scores.empty:
            return None
        method = run.method if run.method in set(run.scores["method"]) else run.scores["method"].iloc[0]
        rows = run.scores[run.scores["method"] == method]
        return {
            "method": method,
            "groups": [_group(group, part, units=run.units) for group, part in rows.groupby("group")],
        }

    def missing(self, found: Any) -> dict[str, str]:
        """Scores."""
        return {} if found else {"scores": "The run has no scores of samples (05_scores.tsv)."}

    def figures(self, run: Run, found: Any) -> dict[str, Figure]:
        """Dots and boxes by group."""
        table = run.scores
        if found is None or table is None:
            return {}
        rows = table[table["method"] == found["method"]]
        medians = " and ".join(f"{number(g['median'])} in {g['group']}" for g in found["groups"])
        return figure(
            lambda ax: scores(rows, ax),
            name="scores",
            caption="Score of every sample from models that never saw its subject, over boxes of quartiles.",
            alt=f"Dots and boxes by group; the median score is {medians}.",
            height=3.2,
            # Whose score it is stays in the run folder.
            table=rows[["group", "score"]],
        )


def _group(group: object, part: pd.DataFrame, *, units: str) -> dict[str, Any]:
    low, median, high = np.nanquantile(part["score"], [0.25, 0.5, 0.75])
    return {
        "group": group,
        "samples": len(part),
        "subjects": part["subject"].nunique() if "subject" in part and units == "subjects" else None,
        "median": median,
        "low_quartile": low,
        "high_quartile": high,
    }
