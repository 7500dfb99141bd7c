"""What the model of other samples adds, where the study was given one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..._core.provenance import write_json
from ...models.domain import fit_of
from ...modules.methods._reference import through_reference
from ...nouns import Module
from ._step import Bench, Step

__all__ = ["Reference"]

FILE = "05_reference.json"
FORMAT = 1
TOLD = ("on_axes", "axes_weight", "own_weight", "sure", "axes", "because", "df", "paired")


class Reference(Step):
    """How well it holds for these samples, and which genes it moves up, along which of its axes."""

    name = "reference"
    says = "asking what the reference model adds"
    after = ("fit", "derive")

    def wanted(self, bench: Bench) -> bool:
        """Where the study was given a model."""
        return bench.inputs.reference is not None

    def depends(self, bench: Bench) -> Sequence[object]:
        """The contrast."""
        return [bench.contrast_digest]

    def outputs(self, bench: Bench) -> Sequence[str]:
        """One JSON object."""
        return [FILE]

    def work(self, bench: Bench) -> None:
        """Ask and write."""
        panel, inputs = bench.inputs.reference, bench.inputs
        if panel is None:
            return
        about = Module.load(bench.folder / "05_module.tsv").about
        found = {
            "format": FORMAT,
            "model": _model(bench),
            "fit": fit_of(panel, inputs.adata).to_dict(),
            "seen": _seen(bench),
            "verdict": {key: about.get(key) for key in TOLD},
            **through_reference(inputs.adata, panel, contrast=inputs.contrast),
        }
        write_json(bench.folder / FILE, found)


def _model(bench: Bench) -> dict[str, Any]:
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
