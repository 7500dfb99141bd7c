"""The page, and the study as it was resolved."""

from __future__ import annotations

from collections.abc import Sequence

from ... import report
from ..._core.disk import writing
from .._inputs import Inputs
from .._settings import Study
from .._template import to_toml
from ._step import Bench, Step

__all__ = ["Report"]


class Report(Step):
    """One page over everything that the run folder holds."""

    name = "report"
    says = "writing the report"
    after = None

    def depends(self, bench: Bench) -> Sequence[object]:
        """The whole study file."""
        return [bench.study.model_dump(mode="json")]

    def outputs(self, bench: Bench) -> Sequence[str]:
        """The page, its numbers, and the settings behind them."""
        return ["study.toml", "report.html", "report.json"]

    def work(self, bench: Bench) -> None:
        """Write settings first; the page shows them."""
        with writing(bench.folder / "study.toml") as draft:
            draft.write_text(to_toml(_resolved(bench.study, bench.inputs).seen_from(bench.folder)), encoding="utf-8")
        report.report(bench.folder)


def _resolved(study: Study, inputs: Inputs) -> Study:
    """The study with what was decided for the user written in."""
    network = study.network and study.network.model_copy(
        update={"name": inputs.network.name if inputs.network else None}
    )
    sets = [s.model_copy(update={"name": edges.name}) for s, edges in zip(study.sets, inputs.sets, strict=False)]
    widths = inputs.widths if inputs.reference is None else None
    model = study.model.model_copy(update={"widths": widths})
    contrast = study.contrast.model_copy(update={"name": inputs.contrast.name})
    return study.model_copy(update={"network": network, "sets": sets, "model": model, "contrast": contrast})
