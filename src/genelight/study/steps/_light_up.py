"""What every hidden node stands for."""

from __future__ import annotations

from collections.abc import Sequence

from ._step import Bench, Step

__all__ = ["LightUp"]


class LightUp(Step):
    """The genes that each node raises and lowers, and each component of PCA and ICA."""

    name = "light_up"
    says = "lighting up every hidden node"
    after = ("fit",)

    def outputs(self, bench: Bench) -> Sequence[str]:
        """One table a layer."""
        return [bench.node_file(layer).name for layer in [*bench.layers, *bench.baseline_layers]]

    def work(self, bench: Bench) -> None:
        """Decode every node of every model."""
        for model in bench.models():
            for layer in model.widths:
                bench.light_up(model, layer).save(bench.node_file(layer))
