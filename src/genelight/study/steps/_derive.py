"""The disease module, its baselines, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from ... import modules
from ...nouns import Model, Module
from ...stats.intervals import auc_differences, auc_interval
from .._reference import Measured
from ._step import BASELINE, CONTROLS, MODULE_GENES, Bench, Step

__all__ = ["Derive"]

STABLE = 0.9
LEAST_TO_HALVE = 4  # subjects of a group


class Derive(Step):
    """The module of the study's derivation, and those of the baselines."""

    name = "derive"
    says = "deriving the disease module"
    after = ("fit", "hold_out")

    def depends(self, bench: Bench) -> Sequence[object]:
        """Contrast and settings, and the way from features to genes."""
        through = [] if bench.inputs.through is None else [bench.inputs.through.digest]
        return [bench.contrast_digest, bench.study.module.model_dump(mode="json"), *through]

    def outputs(self, bench: Bench) -> Sequence[str]:
        """The module and its baselines; of features that are no genes, the module over genes too."""
        return [*bench.module_files, *([MODULE_GENES] if bench.inputs.through else [])]

    def work(self, bench: Bench) -> None:
        """Derive, bootstrap, permute."""
        settings = bench.study.module
        trained, *others = bench.models()
        module = _module(bench, trained, bench.method, layer=settings.layer)
        certain = _certainty(bench, trained, module)
        replace(module, about={**module.about, **certain}).save(bench.folder / "05_module.tsv")
        if bench.inputs.through is not None:
            bench.inputs.through.carry(module).save(bench.folder / MODULE_GENES)
        # Two modules of one derivation differ by the model that they were read from.
        controls = [replace(_module(bench, pca, settings.method), method=BASELINE) for pca in others[:1]]
        measured = trained if bench.inputs.reference is None else Measured(bench.inputs.preparation)
        for control in [*controls, *(_module(bench, measured, name) for name in CONTROLS)]:
            control.save(bench.folder / f"05_module_{control.method}.tsv")


def _module(bench: Bench, model: Model | Measured, method: str, *, layer: str | None = None) -> Module:
    settings = bench.study.module
    return modules.disease_module(
        bench.inputs.adata,
        model,  # type: ignore[arg-type]
        contrast=bench.inputs.contrast,
        method=method,
        layer=layer,
        size=settings.size,
        bootstraps=settings.bootstraps,
        seed=bench.seed,
    )


def _certainty(bench: Bench, model: Model, module: Module) -> dict[str, Any]:
    """Held-out AUC, p under shuffled labels, stable genes, the size they support, and what will replicate."""
    stable = int((module.table["selected"] & (module.table["frequency"] >= STABLE)).sum())
    return {
        **_judged(bench, model, module),
        **_supported(bench, model),
        "stable": stable,
        "forecast": _forecast(bench, model),
    }


def _judged(bench: Bench, model: Model, module: Module) -> dict[str, Any]:
    """Held-out AUC of this and the other derivations, p under shuffled labels; nothing where none were held out."""
    if not bench.inputs.judged:
        return {}
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
    return {
        "auc": auc[label]["auc"],
        "auc_interval": [auc[label]["low"], auc[label]["high"]],
        "auc_by_method": auc,
        "auc_permutation_p": shuffled.p,
        "permutations": settings.permutations,
    }


def _supported(bench: Bench, model: Model) -> dict[str, Any]:
    """The size that halves of the subjects support; nothing where there are too few to halve."""
    if bench.inputs.fewest < LEAST_TO_HALVE:
        return {}
    supported = modules.stability(
        bench.inputs.adata,
        model,
        contrast=bench.inputs.contrast,
        method=bench.method,
        layer=bench.study.module.layer,
        seed=bench.seed,
    )
    told = {
        "size": supported.size,
        "interval": list(supported.interval),
        "stable": supported.stable,
        "seen": dict(supported.seen),
        "says": str(supported),
        "sizes": supported.sizes.to_dict("records"),
    }
    return {"supported": told}


def _forecast(bench: Bench, model: Model) -> dict[str, Any]:
    """How much of the module other cohorts are expected to find again."""
    return modules.replication(
        bench.inputs.adata,
        model,
        contrast=bench.inputs.contrast,
        method=bench.method,
        layer=bench.study.module.layer,
        seed=bench.seed,
    ).to_dict()
