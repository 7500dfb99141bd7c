"""All nodes of a 512-512-512 autoencoder over 11,000 genes: light-up, against captum node by node.

The work is one signed value per gene for every hidden node of all three layers. Ours is ``gl.nodes.light_up`` once per
layer. The peer is ``NeuronIntegratedGradients`` (50 steps, its default) from the training mean to one sample, called
for one node after the other, as its interface is. It is given the encoder in gene space, the samples' subspace
folded into the first weights, and only the layers up to the node's own, so that it does no work that it does not
need; that encoder gives the model's codes to rounding, which is checked first. Every node of a layer costs it the
same, so it is timed on some nodes of each layer and its total is extrapolated to all: the ratio is peer's
extrapolated time over ours. The same for ``NeuronGradient`` stands in the rows.

The two read a node from opposite ends, what it writes to genes and what in genes switches it on, so their values are
not compared here. Training plays no part in the time and is kept short.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks._harness import Result
from benchmarks._measure import Pairs, paired, require

if TYPE_CHECKING:
    import torch

from genelight.models.fitted_autoencoder import FittedAutoencoder


def run(*, quick: bool) -> Result:
    version = require("captum")
    from captum.attr import NeuronGradient, NeuronIntegratedGradients

    import genelight as gl
    from genelight import models, simulate

    width, n_genes, subjects, sampled = (64, 1000, 120, 4) if quick else (512, 11_000, 340, 16)
    adata = simulate.cohort(subjects, n_genes=n_genes)
    model = models.fit(adata, preset="plain", widths=(width,) * 3, subject="subject", epochs=2)
    x_ng = model.prepare(adata)
    picked = np.linspace(0, width - 1, sampled).astype(int)
    encoders = _encoders(model, x_ng)

    def ours() -> None:
        for layer in model.widths:
            gl.nodes.light_up(model, layer)

    def against(method: type) -> Pairs:
        pairs = paired(ours, _peer(method, encoders, x_1g=x_ng[:1], nodes=picked), runs=3 if quick else 5)
        return Pairs(pairs.ours, tuple(seconds * width / sampled for seconds in pairs.peer))

    pairs, gradient = against(NeuronIntegratedGradients), against(NeuronGradient)
    rows = [
        *pairs.rows("gl.nodes.light_up", f"captum {version} NeuronIntegratedGradients, extrapolated"),
        gradient.rows("", f"captum {version} NeuronGradient, extrapolated")[1],
    ]
    data = f"simulated {adata.n_obs} x {n_genes}, {3 * width} nodes; captum timed on {3 * sampled} of them"
    return Result("ratio", pairs.ratio, data, rows, peer="captum", peer_version=version)


def _encoders(model: FittedAutoencoder, x_ng: np.ndarray) -> dict[str, torch.nn.Sequential]:
    """The encoder up to each layer as a plain network on genes."""
    import torch

    first = torch.nn.Linear(len(model.genes), model.net.widths[0])
    with torch.no_grad():
        first.weight.copy_(model.net.hidden[0].weight @ torch.from_numpy(model.subspace.basis_gk.T))
        first.bias.copy_(model.net.hidden[0].bias)
    steps: list[Any] = []
    encoders = {}
    for layer, linear, activation in zip(
        model.widths, [first, *model.net.hidden[1:]], model.net.activations, strict=True
    ):
        steps += [linear, activation]
        encoders[layer] = torch.nn.Sequential(*steps)
        codes = encoders[layer](torch.from_numpy(x_ng[:8])).detach().numpy()
        np.testing.assert_allclose(codes, model.encode(x_ng[:8], layer), rtol=1e-3, atol=1e-3)
    return encoders


def _peer(
    method: type, encoders: dict[str, torch.nn.Sequential], *, x_1g: np.ndarray, nodes: np.ndarray
) -> Callable[[], None]:
    """A function that has captum attribute the chosen nodes of every layer, one at a time."""
    import torch

    x = torch.from_numpy(x_1g).requires_grad_()
    explain = [method(encoder, encoder[-1]) for encoder in encoders.values()]

    def attribute() -> None:
        for layer in explain:
            for node in nodes:
                layer.attribute(x, int(node))

    return attribute
