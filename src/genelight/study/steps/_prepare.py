"""Preparation: which genes are kept, and how they are scaled."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ..._core.tables import write_plain
from ._step import Bench, Step

__all__ = ["Prepare"]


class Prepare(Step):
    """Genes kept, their mean and standard deviation."""

    name = "prepare"
    says = "preparing"

    def depends(self, bench: Bench) -> Sequence[object]:
        """Expression, sample table and preparation."""
        return [bench.inputs.digest, bench.inputs.preparation.digest]

    def outputs(self, bench: Bench) -> Sequence[str]:
        """A table of genes, and all that is needed to prepare other samples alike."""
        return ["01_genes.tsv", "02_prepare.json"]

    def work(self, bench: Bench) -> None:
        """Write both."""
        preparation = bench.inputs.preparation
        preparation.save(bench.folder / "02_prepare.json")
        columns = {"gene": preparation.genes.ids, "mean": preparation.mean_g, "sd": preparation.sd_g}
        write_plain(bench.folder / "01_genes.tsv", pd.DataFrame(columns))
