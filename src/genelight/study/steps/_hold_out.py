"""Held-out subjects: what the model and the derivations are worth on people they never saw."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ... import models, modules
from ..._core.tables import write_plain
from ._step import BASELINE, CONTROLS, WEIGHED, Bench, Step

__all__ = ["HoldOut"]


class HoldOut(Step):
    """Cross-validation over subjects."""

    name = "hold_out"
    says = "training and deriving without held-out subjects"
    after = ("prepare",)

    def wanted(self, bench: Bench) -> bool:
        """Where there are people enough to hold some out; a model that was given can be read by fewer."""
        return bench.inputs.judged

    def depends(self, bench: Bench) -> Sequence[object]:
        """Model, contrast, and how modules are derived."""
        module = bench.study.module
        return [bench.model_settings, bench.contrast_digest, module.folds, module.size, module.method]

    def outputs(self, bench: Bench) -> Sequence[str]:
        """Figures by fold, scores of samples, errors of reconstruction by subject."""
        return ["05_held_out.tsv", "05_scores.tsv", "05_r2_by_subject.tsv"]

    def work(self, bench: Bench) -> None:
        """Judge the folds' models, and on the same folds PCA, and PCA of samples weighed as theirs."""
        settings, inputs = bench.study.module, bench.inputs
        folds = {"autoencoder": bench.folds}
        if inputs.baselined:
            folds[BASELINE] = bench.folds.beside(inputs.baselines[0])
        beside = {WEIGHED: bench.folds.beside_each(models.PCA.weighed_as)} if inputs.reference is None else {}
        held_out = modules.hold_out(
            inputs.adata,
            contrast=inputs.contrast,
            # What reads no codes reads the first model's values, which are on log2 where the model is the study's.
            folds=folds if inputs.reference is None else dict(reversed(folds.items())),
            beside=beside,
            methods=list(dict.fromkeys([bench.method, *CONTROLS, "random"])),
            size=settings.size,
            seed=bench.seed,
        )
        write_plain(bench.folder / "05_held_out.tsv", _short(held_out.table))
        write_plain(bench.folder / "05_scores.tsv", _short(held_out.scores))
        write_plain(bench.folder / "05_r2_by_subject.tsv", held_out.r2_by_subject)


def _short(table: pd.DataFrame) -> pd.DataFrame:
    """Method names as a reader says them: ``direction``, ``direction L2``, ``pca``, ``de``."""
    method = table["method"].str.replace(r"^\w+ pca$", BASELINE, regex=True)
    method = method.str.replace(" autoencoder.", " ", regex=False).str.replace(" autoencoder", "", regex=False)
    return table.assign(method=method)
