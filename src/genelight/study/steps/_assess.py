"""Tests of nodes and modules against the network, gene sets and chance."""

from __future__ import annotations

from collections.abc import Sequence

from ... import evidence
from ...evidence.tests.enrichment import over_representation
from ...nouns import Evidence
from ._step import Bench, Step

__all__ = ["Assess"]


class Assess(Step):
    """Every calibrated test over nodes, components and modules; of modules the other overlaps too, for the tables."""

    name = "assess"
    says = "testing nodes and modules"
    after = ("light_up", "derive")

    def wanted(self, bench: Bench) -> bool:
        """Where the study has something that knows genes."""
        return bench.inputs.network is not None or bool(bench.inputs.sets)

    def depends(self, bench: Bench) -> Sequence[object]:
        """Network, sets and settings of the tests."""
        return [bench.inputs.priors, bench.contrast_digest, bench.study.tests.model_dump(mode="json"), bench.seed]

    def outputs(self, bench: Bench) -> Sequence[str]:
        """One table of evidence."""
        return ["06_evidence.parquet"]

    def work(self, bench: Bench) -> None:
        """Test; overlaps are matched on mean and variance of log2 expression."""
        settings, log2_ng = bench.study.tests, bench.known_ng()
        found_modules = bench.carried(bench.modules())
        found = evidence.assess(
            [*bench.carried(bench.node_genes([*bench.layers, *bench.baseline_layers])), *found_modules],
            network=bench.interactome,
            sets=bench.inputs.sets,
            n_top=settings.n_top,
            draws=settings.draws,
            x_ng=evidence.Compared(log2_ng, bench.inputs.contrast),
            seed=bench.seed,
        )
        if bench.inputs.sets:
            others = [name for name in evidence.TESTS if not evidence.TESTS.entry(name).calibrated]
            counted = over_representation(
                found_modules, bench.inputs.sets, n_top=settings.n_top, x_ng=log2_ng, tests=others
            )
            found = Evidence.join([found, counted])
        found.save(bench.folder / "06_evidence.parquet")
