"""The model that is opened, trained on all samples, and its baselines."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..._core.disk import writing
from ...stats.intervals import r2_interval
from .._reference import folder_of
from ._step import BASELINE, WEIGHED, Bench, Step

__all__ = ["Fit"]


class Fit(Step):
    """Autoencoder, PCA and ICA over all samples; none sees a label."""

    name = "fit"
    says = "training on all samples, without labels"
    after = ("prepare", "hold_out")

    def depends(self, bench: Bench) -> Sequence[object]:
        """How the model is built and trained."""
        return [bench.model_settings]

    def outputs(self, bench: Bench) -> Sequence[str]:
        """Model folders."""
        return ["03_model", *bench.baselines]

    def work(self, bench: Bench) -> None:
        """Train, and note beside the model what it was worth on held-out subjects; a given model is copied."""
        inputs = bench.inputs
        adata, preparation = inputs.adata, inputs.preparation
        if inputs.reference is None:
            model = inputs.spec.fit(adata, preparation=preparation)
            model.about["held_out"] = _reconstruction(bench)
            model.save(bench.folder / "03_model")
        else:
            with writing(bench.folder / "03_model") as draft:
                shutil.copytree(folder_of(bench.study), draft)
        for spec in inputs.baselines if inputs.baselined else ():
            spec.fit(adata, preparation=preparation).save(bench.folder / f"03_{spec.kind}")


def _reconstruction(bench: Bench) -> dict[str, Any]:
    """Held-out R² of the model, PCA of the same bottleneck and PCA weighed alike, with intervals over subjects."""
    by_subject = pd.read_csv(bench.folder / "05_r2_by_subject.tsv", sep="\t")
    table = r2_interval(by_subject, seed=bench.seed)
    figures = table.set_index(["model", "versus"])[["r2", "low", "high"]].T.to_dict("list")
    r2, *ends = figures["autoencoder", ""]
    pca_r2, *pca_interval = figures[BASELINE, ""]
    difference, *difference_interval = figures["autoencoder", BASELINE]
    weighed_r2, *weighed_interval = figures[WEIGHED, ""]
    over_weighed, *over_weighed_interval = figures["autoencoder", WEIGHED]
    return {
        "r2": r2,
        "r2_interval": ends,
        "pca_r2": pca_r2,
        "pca_r2_interval": pca_interval,
        "difference": difference,
        "difference_interval": difference_interval,
        "weighed_pca_r2": weighed_r2,
        "weighed_pca_r2_interval": weighed_interval,
        "weighed_difference": over_weighed,
        "weighed_difference_interval": over_weighed_interval,
        "pca_width": min(bench.inputs.widths),
        "subjects": int(by_subject["subject"].nunique()),
        "folds": bench.study.module.folds,
    }
