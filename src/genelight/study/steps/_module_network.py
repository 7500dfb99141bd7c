"""The disease module on the study's network."""

from __future__ import annotations

from collections.abc import Sequence

from ... import modules
from ..._core.tables import write_plain
from ...nouns import Module
from ._step import MODULE_GENES, MODULES, Bench, Step

__all__ = ["ModuleNetwork"]

NAME = "05_module_network"
LEAST_GENES = 10


class ModuleNetwork(Step):
    """Core, connectors and parts of the module, for Cytoscape and others."""

    name = "module_network"
    says = "placing the module on the network"
    after = ("derive",)

    def wanted(self, bench: Bench) -> bool:
        """Where the study has a network, and ten genes of the module are in it."""
        network = bench.inputs.network
        if network is None:
            return False
        known = set(network.table["source"]) | set(network.table["target"])
        return len(known.intersection(_module(bench).selected)) >= LEAST_GENES

    def depends(self, bench: Bench) -> Sequence[object]:
        """The network."""
        return [bench.inputs.priors, bench.seed]

    def outputs(self, bench: Bench) -> Sequence[str]:
        """One network in four formats, and its edges."""
        return [*(f"{NAME}{suffix}" for suffix in (".graphml", ".cx2", ".gmt", ".tsv")), f"{NAME}_edges.tsv"]

    def work(self, bench: Bench) -> None:
        """Place and write."""
        network = bench.inputs.network
        if network is None:
            return
        placed = modules.module_network(_module(bench), network, seed=bench.seed)
        *formats, edges = (bench.folder / name for name in self.outputs(bench))
        for path in formats:
            placed.save(path)
        write_plain(edges, placed.edges)


def _module(bench: Bench) -> Module:
    """The module, over genes."""
    name = MODULE_GENES if bench.inputs.through else MODULES[0]
    return Module.load(bench.folder / name)
