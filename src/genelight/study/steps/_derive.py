"""The disease module, its baselines, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from ... import modules
from ...nouns import Model, Module
from ...stats.intervals import auc_differences, auc_interval
from ._step import BASELINE, CONTROLS, MODULES, Bench, Step

__all__ = ["Derive"]

STABLE = 0.9


class Derive(Step):
    """The module of the study's derivation, and those of the baselines."""

    name = "derive"
    says = "deriving the disease module"
    after = ("fit", "hold_out")

    def depends(self, bench: Bench) -> Sequence[object]:
        """Contrast and settings."""
        return [bench.contrast_digest, bench.study.module.model_dump(mode="json")]

    def outputs(self, bench: Bench) -> Sequence[str]:
        """Four modules."""
        return MODULES

    def work(self, bench: Bench) -> None:
        """Derive, bootstrap, permute."""
        settings = bench.study.module
        trained, pca, _ = bench.models()
        module = _module(bench, trained, settings.method, layer=settings.layer)
        certain = _certainty(bench, trained, module)
        replace(module, about={**module.about, **certain}).save(bench.folder / "05_module.tsv")
        # Two modules of one derivation differ by the model that they were read from.
        baseline = replace(_module(bench, pca, settings.method), method=BASELINE)
        for control in [baseline, *(_module(bench, trained, name) for name in CONTROLS)]:
            control.save(bench.folder / f"05_module_{control.method}.tsv")


def _module(bench: Bench, model: Model, method: str, *, layer: str | None = None) -> Module:
    settings = bench.study.module
    return modules.disease_module(
        bench.inputs.adata,
        model,
        contrast=bench.inputs.contrast,
        method=method,
        layer=layer,
        size=settings.size,
        bootstraps=settings.bootstraps,
        seed=bench.seed,
    )


def _certainty(bench: Bench, model: Model, module: Module) -> dict[str, Any]:
    """Held-out AUC of this and the other derivations, p under shuffled labels, stable genes, the size they support."""
    settings = bench.study.module
    scores = pd.read_csv(bench.folder / "05_scores.tsv", sep="\t")
    label = f"{module.method} {settings.layer}" if settings.layer else module.method
    alone, apart = auc_interval(scores, seed=bench.seed), auc_differences(scores, label, seed=bench.seed)
    auc = alone.merge(apart, on="method").set_index("method").to_dict("index")
    shuffled = modules.permutation_test(
        bench.inputs.adata,
        model,
        contrast=bench.inputs.contrast,
        layer=settings.layer,
        permutations=settings.permutations,
        seed=bench.seed,
    )
    supported = modules.stability(
        bench.inputs.adata,
        model,
        contrast=bench.inputs.contrast,
        method=settings.method,
        layer=settings.layer,
        seed=bench.seed,
    )
    return {
        "supported": {
            "size": supported.size,
            "interval": list(supported.interval),
            "stable": supported.stable,
            "seen": dict(supported.seen),
            "says": str(supported),
            "sizes": supported.sizes.to_dict("records"),
        },
        "auc": auc[label]["auc"],
        "auc_interval": [auc[label]["low"], auc[label]["high"]],
        "auc_by_method": auc,
        "auc_permutation_p": shuffled.p,
        "permutations": settings.permutations,
        "stable": int((module.table["selected"] & (module.table["frequency"] >= STABLE)).sum()),
    }
