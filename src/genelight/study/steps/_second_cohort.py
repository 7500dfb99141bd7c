"""Whether a second cohort has the module too."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

from ... import modules
from ...errors import InputError
from ...nouns import Module
from .._inputs import Inputs
from .._second import SecondCohort as Second
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
        """The verdict, and every gene over both cohorts where these can be combined."""
        return ["05_second_cohort.tsv", "05_cohorts.tsv"]

    def work(self, bench: Bench) -> None:
        """Ask and write."""
        second = bench.inputs.second
        if second is None:
            return
        module = Module.load(bench.folder / "05_module.tsv", genes=bench.inputs.preparation.genes)
        found = modules.preservation(
            second.adata, module, contrast=second.contrast, prepared=second.preparation, seed=bench.seed
        )
        (bench.folder / "05_cohorts.tsv").unlink(missing_ok=True)
        try:
            _over_both(bench.inputs, second).save(bench.folder / "05_cohorts.tsv")
        except InputError as error:
            found = replace(found, about={**found.about, "apart": str(error)})
        found.save(bench.folder / "05_second_cohort.tsv")


def _over_both(inputs: Inputs, second: Second) -> Module:
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
