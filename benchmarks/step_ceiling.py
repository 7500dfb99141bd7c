"""A training step in gene space and in the subspace, against the machine's matrix products of the same shapes.

Network: the paper's, 20,848 genes, 512-512-512 sigmoid nodes, sigmoid output, squared error, Adam, batch 256. The
ceiling is the matrix products of one step alone (four forward, four for the weights' gradients, three for the
layers'), written into memory that is there already; everything else of a step (activations, loss, Adam's memory
traffic, allocation) is overhead. Step and ceiling are timed in turn, in one process. The ratio is ceiling over step in
float32: 1 would be a step that costs nothing but its products. For bfloat16 both are in bfloat16.

Keras runs ``train_on_batch`` in a process of its own between rounds, in float32. The aim of 2.5 times its throughput is
out of reach on this kind of machine, whatever the step: in processor seconds of one idle thread Keras 3.15 with oneDNN
takes 0.375, the products alone 0.308 in float32 and 0.145 in bfloat16 (1.2 and 2.6 times), the whole step 0.377 and
0.219 (1.0 and 1.7 times). The column "Keras over it" has both, and the products with nothing but PyTorch's fused Adam
on the same weights after them, which is the most that any step could reach that updates its weights: 1.2 times Keras
in float32 and 2.4 times in bfloat16 on two cores, with no activation, loss or output counted.

On the AMD processor of the rows below, PyTorch's own products are the slower part: they take 0.17 s alone in float32,
where Keras's whole step takes 0.12, so that a step in gene space is behind Keras there whatever is around its products.
The default trains in the subspace, where a step is twenty times shorter.

The last rows are the default's step in the subspace: 256 axes, 512-64-2,048 SiLU nodes in four decoders, batch 128,
against its own products. Its ratio stands in the table and is not the value.

What was tried and kept: PyTorch's fused Adam (one pass over weights, gradient and both moments instead of several);
the loss as one operation instead of three. What was tried and not kept: gradients' memory reused instead of mapped anew
in every step (0.377 to 0.357 processor seconds in float32, 0.219 to 0.200 in bfloat16): glibc's settings are the whole
process's, and do not hold in a process that has run for a while.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch

from benchmarks._harness import Result
from benchmarks._keras import keras
from benchmarks._measure import Figure, paired
from genelight.models import PRESETS, DeepRecipe
from genelight.models.recipe import Recipe
from genelight.models.subspace.exact import GeneSpace
from genelight.models.training.adam import Adam
from genelight.models.training.deep_net import DeepLoss, DeepNet, deep_step
from genelight.models.training.loop import Stepper
from genelight.models.training.starts import STARTS

GENES, WIDTHS, BATCH, DEEP = 20_848, (512, 512, 512), 256, (512, 64, 2048)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def run(*, quick: bool) -> Result:
    genes, runs = (2_000, 3) if quick else (GENES, 9)
    rows: list[dict[str, object]] = []
    ratios = {}
    for precision, dtype in DTYPES.items():
        pairs = paired(_step(genes, precision), _products(genes, dtype), runs=runs)
        ratios[precision] = pairs.ratio
        rows += [
            row | {"ceiling over step": pairs.ratio.value if "step" in str(row["what"]) else None}
            for row in pairs.rows(f"genelight step, {precision}", f"products alone, {precision}")
        ]
        bare = paired(_products_and_update(genes, dtype), _products(genes, dtype), runs=runs)
        rows += bare.rows(f"products and Adam, {precision}", "")[:1]
    deep = paired(_deep_step(), _deep_products(), runs=20 * runs)
    rows += [
        row | {"ceiling over step": deep.ratio.value if "step" in str(row["what"]) else None}
        for row in deep.rows("genelight step, subspace", "products alone, subspace")
    ]
    peer = keras("step", genes=genes, widths=WIDTHS, batch=BATCH, steps=runs)
    times = peer["times"]
    median = statistics.median(times)
    rows = [row if "subspace" in str(row["what"]) else row | {"Keras over it": median / row["seconds"]} for row in rows]
    what = f"Keras {peer['version']} train_on_batch"
    rows.append({"what": what, "seconds": median, "fastest": min(times), "slowest": max(times)})
    data = f"{genes} genes, {'-'.join(map(str, WIDTHS))}, batch {BATCH}; bfloat16 {ratios['bfloat16'].value:.2f}"
    figure: Figure = ratios["float32"]
    return Result("ratio", figure, data, rows, "matrix products alone", torch.__version__)


def _step(genes: int, precision: str) -> Callable[[], object]:
    net = PRESETS["paper"].network(genes, WIDTHS)
    x = torch.rand(BATCH, genes, generator=torch.Generator().manual_seed(0))
    STARTS["glorot"](net, GeneSpace.plain(genes), x, seed=0)
    stepper = Stepper(net, x, Recipe(1e-3, epochs=1, batch=BATCH, precision=precision), genes=None, seed=0)
    return lambda: stepper.step(x, rate=1e-3)


def _products(genes: int, dtype: torch.dtype) -> Callable[[], object]:
    """The products of one step: what goes in and where it goes to, made once."""
    sizes = [genes, *WIDTHS, genes]
    weights = [torch.randn(b, a).to(dtype) for a, b in pairwise(sizes)]
    values, slopes, given = ([torch.randn(BATCH, s).to(dtype) for s in sizes] for _ in range(3))
    gradients = [torch.empty_like(w) for w in weights]

    def products() -> None:
        for i, weight in enumerate(weights):
            torch.mm(values[i], weight.T, out=given[i + 1])
        for i, weight in reversed(list(enumerate(weights))):
            torch.mm(slopes[i + 1].T, values[i], out=gradients[i])
            if i:
                torch.mm(slopes[i + 1], weight, out=given[i])

    return products


def _deep_step() -> Callable[[], object]:
    recipe = DeepRecipe()
    rank, batch = recipe.rank, recipe.batch
    net = DeepNet(np.ones(rank), DEEP, dropout=recipe.dropout, seed=0, decoders=recipe.decoders)
    x = torch.randn(batch, rank, generator=torch.Generator().manual_seed(0))
    optimizer, loss = Adam(net.parameters()), DeepLoss(net)
    return lambda: deep_step(loss, x, optimizer, recipe=recipe, rate=1e-3, momentum=0.9)


def _deep_products() -> Callable[[], object]:
    """The products of that step, decoder by decoder, into memory that is there already."""
    recipe, (first, narrow, last) = DeepRecipe(), DEEP
    rank, part = recipe.rank, last // recipe.decoders
    sizes = [(rank, first), (first, narrow), (narrow, last), *[(part, rank)] * recipe.decoders]
    parts = [(torch.randn(b, a), torch.randn(recipe.batch, a), torch.randn(recipe.batch, b)) for a, b in sizes]
    given = [(torch.empty_like(out), torch.empty_like(w), torch.empty_like(put)) for w, put, out in parts]

    def products() -> None:
        for i, ((weight, put, out), (there, gradient, back)) in enumerate(zip(parts, given, strict=True)):
            torch.mm(put, weight.T, out=there)
            torch.mm(out.T, put, out=gradient)
            if i:
                torch.mm(out, weight, out=back)

    return products


def _products_and_update(genes: int, dtype: torch.dtype) -> Callable[[], object]:
    """The same, and Adam's pass over weights, gradients and moments, in single precision as training keeps them."""
    sizes = [genes, *WIDTHS, genes]
    weights = [torch.randn(b, a, requires_grad=True) for a, b in pairwise(sizes)]
    for weight in weights:
        weight.grad = torch.randn_like(weight)
    products, adam = _products(genes, dtype), torch.optim.Adam(weights, lr=1e-3, fused=True)

    def both() -> None:
        products()
        adam.step()

    return both
