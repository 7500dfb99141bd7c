"""The default's training step on a GPU, as a share of what the card does, and the same model as the processor makes.

What one command prints: the card's own ceiling, the largest matrix product it was seen to do (8,192 squared, in
float32, with TF32 and in bfloat16); the step of the default network in the subspace (256 axes, 512-64-2,048 SiLU nodes
in four decoders) at batches of 128 and 4,096, in floating-point operations of its products a second, as a share of that
ceiling in the same precision, also compiled by ``torch.compile``, and replayed as a CUDA graph; the seconds from
coordinates to the within-study R² that the processor reaches, on the compendium where it is there and else on a
simulated one; and how far the two models are apart. A network at its batch of 128 is small: most of a card waits.

The value is the step's share of the ceiling at a batch of 4,096 in float32. Without a GPU the benchmark says so and
measures nothing. It was written without one: no figure of a card is logged, and what compiling and graphs are worth is
not known; the product uses neither. Whether it is right was tried on the processor alone (``tests/models/
test_device.py``), where every step also runs on the device that holds shapes and no numbers.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks._harness import Result
from benchmarks._measure import Figure, PeerMissingError
from benchmarks.fit_vs_keras import COMPENDIUM, simulated
from genelight import models
from genelight.errors import InputError
from genelight.models.reconstruct import reconstruct
from genelight.models.training.adam import Adam
from genelight.models.training.deep_net import DeepLoss, DeepNet, DeepRecipe, deep_step
from genelight.models.training.device import asked_for, check_device

WIDTHS, RANK, BATCHES, SIDE = (512, 64, 2048), 256, (128, 4096), 8192
TOLERANCE = 0.01
"""Within-study R² of the same model trained on two devices may differ by as much: dropout draws differ."""


def run(*, quick: bool) -> Result:
    try:
        card = check_device("cuda")
    except InputError as error:
        raise PeerMissingError(str(error)) from error
    rows = measured(card, quick=quick)
    share = next(row["share of ceiling"] for row in rows if row["what"] == "step" and row["batch"] == BATCHES[-1])
    name = torch.cuda.get_device_name(card)
    data = f"{name}, CUDA {torch.version.cuda}; 256 axes, {'-'.join(map(str, WIDTHS))}"
    return Result("ratio", Figure(share), data, rows, f"matrix products on {name}", torch.__version__)


def measured(where: torch.device, *, quick: bool) -> list[dict[str, Any]]:
    """Every row of the table, on a device; on the processor with sizes that it can do."""
    small = where.type == "cpu"
    side, runs = (512 if small else SIDE), (2 if small else 10 if quick else 50)
    rows: list[dict[str, Any]] = []
    ceilings = {}
    for precision in ("float32", "tf32", "bfloat16"):
        seconds = _ceiling(where, precision, side=side, runs=runs)
        ceilings[precision] = 2 * side**3 / seconds
        rows.append({"what": "ceiling", "precision": precision, "TFLOP/s": ceilings[precision] / 1e12})
    batches = BATCHES[:1] if small else BATCHES
    for batch in batches:
        for precision, ceiling in ceilings.items():
            seconds = _timed(_step(where, batch, precision), where, runs=runs)
            rows.append(_share("step", batch, precision, seconds, ceiling))
        for way, made in () if small else (("compiled", _compiled), ("graph", _graph)):
            seconds = _timed(made(where, batch), where, runs=runs)
            rows.append(_share(f"step, {way}", batch, "float32", seconds, ceilings["float32"]))
    return rows + _agreement(where, quick=quick)


def _share(what: str, batch: int, precision: str, seconds: float, ceiling: float) -> dict[str, Any]:  # noqa: PLR0917
    first, narrow, last = WIDTHS
    # Forward, and twice as much back: of weights, and of what came in.
    operations = 6 * batch * (RANK * first + first * narrow + narrow * last + last * RANK)
    share = operations / seconds / ceiling
    found = {"what": what, "batch": batch, "precision": precision, "seconds": seconds, "share of ceiling": share}
    return found | {"samples/s": batch / seconds}


def _timed(work: Callable[[], object], where: torch.device, *, runs: int) -> float:
    """Median seconds of a call, what it started on a card included."""
    for _ in range(3):
        work()
    times = []
    for _ in range(runs):
        _wait(where)
        began = time.perf_counter()
        work()
        _wait(where)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _wait(where: torch.device) -> None:
    if where.type == "cuda":
        torch.cuda.synchronize(where)


def _ceiling(where: torch.device, precision: str, *, side: int, runs: int) -> float:
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    a, b = (torch.randn(side, side, device=where, dtype=dtype) for _ in range(2))
    out = torch.empty_like(a)
    return _timed(_with(precision, where, lambda: torch.mm(a, b, out=out)), where, runs=runs)


def _with(precision: str, where: torch.device, work: Callable[[], object]) -> Callable[[], object]:
    """Work with TF32 or bfloat16 allowed where that is asked for."""

    def done() -> object:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        try:
            with torch.autocast(where.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
                return work()
        finally:
            torch.set_float32_matmul_precision(before)

    return done


def _network(where: torch.device, batch: int) -> tuple[DeepNet, torch.Tensor]:
    net = DeepNet(np.ones(RANK), WIDTHS, dropout=DeepRecipe().dropout, seed=0, decoders=4).to(where)
    return net, torch.randn(batch, RANK, device=where)


def _step(where: torch.device, batch: int, precision: str) -> Callable[[], object]:
    net, x = _network(where, batch)
    loss, optimizer = DeepLoss(net), Adam(net.parameters())
    return _with(precision, where, lambda: deep_step(loss, x, optimizer, recipe=DeepRecipe(), rate=1e-3, momentum=0.9))


def _compiled(where: torch.device, batch: int) -> Callable[[], object]:
    net, x = _network(where, batch)
    loss, optimizer = torch.compile(DeepLoss(net)), Adam(net.parameters())
    return lambda: deep_step(loss, x, optimizer, recipe=DeepRecipe(), rate=1e-3, momentum=0.9)


def _graph(where: torch.device, batch: int) -> Callable[[], object]:
    """Forward and back as one CUDA graph, then the optimizer."""
    net, x = _network(where, batch)
    loss, optimizer = DeepLoss(net), Adam(net.parameters())
    aside = torch.cuda.Stream()
    with torch.cuda.stream(aside):
        for _ in range(3):
            loss(x).backward()
            for parameter in net.parameters():
                parameter.grad = None
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss(x).backward()
    kept = [parameter.grad for parameter in net.parameters()]

    def step() -> None:
        graph.replay()
        for parameter, gradient in zip(net.parameters(), kept, strict=True):
            parameter.grad = gradient
        torch.nn.utils.clip_grad_norm_(net.parameters(), DeepRecipe().clip)
        optimizer.step(1e-3, momentum=0.9, decay=DeepRecipe().decay)

    return step


def _agreement(where: torch.device, *, quick: bool) -> list[dict[str, Any]]:
    """The same model trained on the processor and on the card: seconds, and R² within studies left out."""
    import anndata

    small = quick or not COMPENDIUM.is_file()
    adata = simulated() if small else anndata.read_h5ad(COMPENDIUM)
    column = "study"
    names = np.unique(adata.obs[column].astype(str))
    out_n = adata.obs[column].astype(str).isin(names[::5]).to_numpy()
    recipe = DeepRecipe(rank=32, epochs=4) if small else DeepRecipe()
    spec = models.Deep((64, 16, 64) if small else WIDTHS, group=column, recipe=recipe)
    learners, unseen = adata[~out_n].copy(), adata[out_n].copy()
    rows, within = [], {}
    for name in dict.fromkeys(("cpu", str(where))):
        with asked_for(name):
            began = time.perf_counter()
            model = spec.fit(learners)
            seconds = time.perf_counter() - began
        x_ng = model.prepare(unseen)
        within[name] = _within(model, x_ng, unseen.obs[column].astype(str).to_numpy())
        rows.append({"what": f"fit, {name}", "seconds": seconds, "R² within studies left out": within[name]})
    apart = abs(within["cpu"] - within[str(where)])
    return [*rows, {"what": "agreement", "apart": apart, "tolerance": TOLERANCE, "within it": apart <= TOLERANCE}]


def _within(model: Any, x_ng: np.ndarray, study_n: np.ndarray) -> float:
    """R² with each study's mean taken out of both sides."""
    back_ng = reconstruct(model, x_ng)
    left, size = 0.0, 0.0
    for study in np.unique(study_n):
        rows = study_n == study
        error_ng = x_ng[rows] - back_ng[rows]
        left += float(((error_ng - error_ng.mean(0)) ** 2).sum())
        size += float(((x_ng[rows] - x_ng[rows].mean(0)) ** 2).sum())
    return 1.0 - left / size
