"""A second cohort: how much of the module is there, and a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..._core.tables import read_tsv
from ._section import Section

if TYPE_CHECKING:
    import pandas as pd

    from .._read import Run

__all__ = ["SecondCohort"]

COLUMNS = ["measure", "null", "value", "low", "high", "null_mean", "p", "q"]
ABOUT = ("samples", "case_subjects", "control_subjects", "module_genes", "module_genes_shared", "genes_shared")


class SecondCohort(Section):
    """Preservation of the module."""

    name = "second_cohort"
    anchor = "second-cohort"
    label = "Second cohort"
    optional = True

    def gather(self, run: Run, evidence: pd.DataFrame) -> dict[str, Any] | None:
        """The verdict, counts, and one record per measure."""
        path = run.folder / "05_second_cohort.tsv"
        if not path.exists():
            return None
        table, about = read_tsv(path, kind="preservation", newest=1, text=("measure", "null"))
        shown = {name: about["about"].get(name) for name in ABOUT}
        together = run.several is not None
        return {
            "verdict": about["verdict"],
            **shown,
            "measures": table[COLUMNS].to_dict("records"),
            "together": together,
            "apart": about["about"].get("apart", ""),
        }
