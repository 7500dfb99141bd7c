"""Whether a second cohort has the module too."""

from __future__ import annotations

from collections.abc import Sequence

from ... import modules
from ...nouns import Module
from ._step import Bench, Step

__all__ = ["SecondCohort"]


class SecondCohort(Step):
    """Preservation of the module, with a verdict."""

    name = "second_cohort"
    says = "asking the second cohort"
    after = ("derive",)

    def wanted(self, bench: Bench) -> bool:
        """Where the study has a section [second]."""
        return bench.inputs.second is not None

    def depends(self, bench: Bench) -> Sequence[object]:
        """The cohort."""
        return [bench.inputs.second.digest if bench.inputs.second else "", bench.seed]

    def outputs(self, bench: Bench) -> Sequence[str]:
        """One table."""
        return ["05_second_cohort.tsv"]

    def work(self, bench: Bench) -> None:
        """Ask and write."""
        second = bench.inputs.second
        if second is None:
            return
        module = Module.load(bench.folder / "05_module.tsv", genes=bench.inputs.preparation.genes)
        modules.preservation(
            second.adata, module, contrast=second.contrast, prepared=second.preparation, seed=bench.seed
        ).save(bench.folder / "05_second_cohort.tsv")
