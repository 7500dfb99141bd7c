"""The disease module: derived, judged, placed on the network, and asked of a reference model and a second cohort."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from ... import modules
from ..._core.provenance import write_json
from ..._core.tables import write_plain
from ...errors import InputError
from ...models.reference.domain import fit_of
from ...modules.methods._reference import through_reference
from ...nouns import Model, Module
from ...stats.intervals import auc_differences, auc_interval
from .._inputs import Inputs
from .._reference import Measured
from .._second import SecondCohort
from ._step import BASELINE, CONTROLS, MODULE, MODULE_GENES, Bench, step

STABLE = 0.9
LEAST_TO_HALVE = 4  # subjects of a group
REFERENCE = "05_reference.json"
TOLD = ("on_axes", "axes_weight", "own_weight", "sure", "axes", "because", "df", "paired")
NETWORK = "05_module_network"
LEAST_PLACED = 10  # genes of the module in the network


def _derived_by(bench: Bench) -> Sequence[object]:
    """Contrast and settings, and the way from features to genes."""
    through = [] if bench.inputs.through is None else [bench.inputs.through.digest]
    return [bench.contrast_digest, bench.study.module.model_dump(mode="json"), *through]


@step(
    "derive",
    "deriving the disease module",
    after=("fit", "hold_out"),
    depends=_derived_by,
    # Of features that are no genes, the module over genes too.
    outputs=lambda bench: [*bench.module_files, *([MODULE_GENES] if bench.inputs.through else [])],
)
def derive(bench: Bench) -> None:
    """The module of the study's derivation, bootstrapped and permuted, and those of the baselines."""
    settings = bench.study.module
    trained, *others = bench.models()
    module = _module(bench, trained, bench.method, layer=settings.layer)
    certain = _certainty(bench, trained, module)
    replace(module, about={**module.about, **certain}).save(bench.folder / MODULE)
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
        draws=settings.permutations,
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


@step(
    "reference",
    "asking what the reference model adds",
    after=("fit", "derive"),
    wanted=lambda bench: bench.inputs.reference is not None,
    depends=lambda bench: [bench.contrast_digest],
    outputs=lambda _: [REFERENCE],
)
def reference(bench: Bench) -> None:
    """How well it holds for these samples, and which genes it moves up, along which of its axes."""
    panel, inputs = bench.inputs.reference, bench.inputs
    if panel is None:
        return
    about = Module.load(bench.folder / MODULE).about
    found = {
        "format": 1,
        "model": _about_model(bench),
        "fit": fit_of(panel, inputs.adata).to_dict(),
        "seen": _seen(bench),
        "verdict": {key: about.get(key) for key in TOLD},
        **through_reference(inputs.adata, panel, contrast=inputs.contrast),
    }
    write_json(bench.folder / REFERENCE, found)


def _about_model(bench: Bench) -> dict[str, Any]:
    """Name, size and what its card says of studies that were left out."""
    panel = bench.inputs.reference
    whole = panel.whole if panel else None
    about = getattr(whole, "about", {})
    studies = about.get("studies") or []
    parts = [part.strip() for study in studies for part in str(study.get("tissue", "")).split("/")]
    return {
        "name": Path(bench.study.model.reference or "").name,
        "digest": getattr(whole, "digest", None),
        "samples": sum(int(study["samples"]) for study in studies) or None,
        "studies": len(studies) or None,
        "genes": len(whole.genes) if whole is not None else None,
        "measured": len(panel.genes) if panel else None,
        "tissues": sorted({part.lower() for part in parts if part}),
        "limits": about.get("limits"),
        "held_out": about.get("held_out"),
    }


def _seen(bench: Bench) -> dict[str, Any]:
    """How many of the samples were in its training, and of which studies."""
    find = getattr(bench.inputs.reference.whole if bench.inputs.reference else None, "seen_in_training", None)
    found = None if find is None else find(bench.inputs.adata)
    return {
        "samples": 0 if found is None else len(found),
        "studies": [] if found is None else sorted(set(map(str, found))),
    }


def _over_genes(bench: Bench) -> Module:
    return Module.load(bench.folder / (MODULE_GENES if bench.inputs.through else MODULE))


def _placed(bench: Bench) -> bool:
    """Whether the study has a network, and ten genes of the module are in it."""
    network = bench.inputs.network
    if network is None:
        return False
    known = set(network.table["source"]) | set(network.table["target"])
    return len(known.intersection(_over_genes(bench).selected)) >= LEAST_PLACED


@step(
    "module_network",
    "placing the module on the network",
    after=("derive",),
    wanted=_placed,
    depends=lambda bench: [bench.inputs.priors, bench.seed],
    outputs=lambda _: [f"{NETWORK}{end}" for end in (".graphml", ".cx2", ".gmt", ".tsv", "_edges.tsv")],
)
def module_network(bench: Bench) -> None:
    """Core, connectors and parts of the module, for Cytoscape and others: one network in four formats, its edges."""
    network = bench.inputs.network
    if network is None:
        return
    placed = modules.module_network(_over_genes(bench), network, seed=bench.seed)
    *formats, edges = (bench.folder / name for name in module_network.outputs(bench))
    for path in formats:
        placed.save(path)
    write_plain(edges, placed.edges)


@step(
    "second_cohort",
    "asking the second cohort",
    after=("derive",),
    wanted=lambda bench: bench.inputs.second is not None,
    depends=lambda bench: [bench.inputs.second.digest if bench.inputs.second else "", bench.seed],
    outputs=lambda _: ["05_second_cohort.tsv", "05_cohorts.tsv"],
)
def second_cohort(bench: Bench) -> None:
    """Preservation of the module, with a verdict, and every gene over both cohorts where these can be combined."""
    second = bench.inputs.second
    if second is None:
        return
    module = Module.load(bench.folder / MODULE, genes=bench.inputs.preparation.genes)
    found = modules.preservation(
        second.adata, module, contrast=second.contrast, prepared=second.preparation, seed=bench.seed
    )
    (bench.folder / "05_cohorts.tsv").unlink(missing_ok=True)
    try:
        _over_both(bench.inputs, second).save(bench.folder / "05_cohorts.tsv")
    except InputError as error:
        found = replace(found, about={**found.about, "apart": str(error)})
    found.save(bench.folder / "05_second_cohort.tsv")


def _over_both(inputs: Inputs, second: SecondCohort) -> Module:
    """Each gene in both cohorts.

    Raises
    ------
    InputError
        If they share people, one is too small for an effect of its own, or the columns are no genes.
    """
    if not inputs.of_genes:
        msg = "features that are no genes are not combined over cohorts, for their effects have no common unit"
        raise InputError(msg)
    cohorts = {"this cohort": (inputs.adata, inputs.contrast), "second cohort": (second.adata, second.contrast)}
    scales = {inputs.preparation.scale, second.preparation.scale}
    with warnings.catch_warnings():
        # That the cohorts disagree is what the verdict says, from tests of its own.
        warnings.simplefilter("ignore", UserWarning)
        return modules.meta_module(
            cohorts, scale=scales.pop() if len(scales) == 1 else "auto", ids=inputs.preparation.genes.namespace
        )
