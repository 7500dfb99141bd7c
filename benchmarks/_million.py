"""What a compendium of a million samples would take, by laws that were measured and assumptions that were not.

A core is taken to be as fast as the one that was measured. Whatever is written in capitals here is assumed: put in
your own. Prices are round numbers of the order of public lists, and of no day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks._fit_parts import EPOCHS, LEARNERS, STEPS

__all__ = ["Measured", "calculation"]

SAMPLES = 1_000_000
"""About ARCHS4's human samples; a round number, for its file was not at hand to be counted."""
GENES = (20_000, 60_000)
"""Genes with proteins, and all that Ensembl names."""
NODES, CORES, KEPT = 16, 16, 0.5
"""CPU nodes, cores of each (and of the GPU's), and the share of their speed that threads keep in products."""
DISK, NETWORK, ANSWER = 1e9, 1.25e9, 50e-6
"""Bytes a second from a node's store and between nodes (10 Gbit/s), and seconds of one message."""
CPU_HOUR, GPU_HOUR = 0.80, 4.00
"""Dollars of one hour of a node of 16 cores, and of one with a card."""
CARD, SHARE, LAUNCH = 19.5e12, 0.43, 5e-6
"""Float32 operations a second by the datasheet of an A100; the share of its products' ceiling that a step reaches on
processors (``step_ceiling``), best case on a card; and seconds that the card's driver takes to start one operation."""

AXES, WIDER, BATCH, WEIGHTS = 256, 352, 128, 822_080
SKETCHES, PASSES = 2, 5
REFINED = 2 * SAMPLES


@dataclass(frozen=True)
class Measured:
    """What the calculation rests on.

    Attributes
    ----------
    parts
        Seconds of each part of a fit on one thread, of a number of samples and of genes.
    peak
        Bytes of memory of the process, of the same.
    step, small_step
        Seconds of a training step of 128 samples, and of one node's share of them.
    operations
        That a step starts.
    """

    parts: Callable[[int, int], Mapping[str, float]]
    peak: Callable[[int, int], float]
    step: float
    small_step: float
    operations: int


def calculation(measured: Measured) -> list[dict[str, object]]:
    """A row for every number of genes and way of doing it."""
    return [row for genes in GENES for row in _ways(measured, genes)]


@dataclass(frozen=True)
class _Way:
    """How it is done: nodes, dollars of an hour of one, seconds of training and codes, bytes that a process sends."""

    name: str
    nodes: int
    price: float
    training: float
    codes: float
    sent: float = 0.0


def _ways(measured: Measured, genes: int) -> list[dict[str, object]]:
    part = measured.parts(SAMPLES, genes)
    steps = EPOCHS * (1 + LEARNERS) * SAMPLES / BATCH
    trained, refined = EPOCHS * (1 + LEARNERS) * part["epoch"], 2 * STEPS * part["refine"]
    message = 2 * WEIGHTS * 4 * (NODES - 1) / NODES
    exchanged = message / NETWORK + 2 * (NODES - 1) * ANSWER
    shared = trained * measured.small_step / measured.step + steps * exchanged
    sent = _sent(genes)
    at_best = 6.0 * BATCH * WEIGHTS / (CARD * SHARE)  # products forward, and twice as many back
    on_card = refined * at_best / measured.step
    ways = (
        _Way("1 CPU node", 1, CPU_HOUR, trained, refined / (CORES * KEPT)),
        _Way(
            f"{NODES} CPU nodes",
            NODES,
            CPU_HOUR,
            shared,
            refined / (CORES * KEPT * NODES) + sent / NETWORK,
            sent + steps * message,
        ),
        _Way("1 GPU node, card busy", 1, GPU_HOUR, steps * at_best, on_card),
        _Way("1 GPU node, card waits", 1, GPU_HOUR, steps * measured.operations * LAUNCH, on_card),
    )
    return [_row(way, part, peak=measured.peak(SAMPLES, genes), genes=genes) for way in ways]


def _row(way: _Way, part: Mapping[str, float], *, peak: float, genes: int) -> dict[str, object]:
    read = 4.0 * SAMPLES * genes
    preparing = max(part["prepare"], read / DISK) / way.nodes
    passes = max(part["passes"] / (CORES * KEPT), 2 * read / DISK) / way.nodes
    axes = SKETCHES * (part["pilot"] + passes)
    hours = (preparing + axes + way.training + way.codes + part["rest"]) / 3600
    return {
        "what": f"{SAMPLES:,} x {genes:,} on {way.name}, in hours",
        "prepare": preparing / 3600,
        "passes": axes / 3600,
        "epoch": way.training / 3600,
        "refine": way.codes / 3600,
        "rest": part["rest"] / 3600,
        "fit": hours,
        "peak GB": peak / 1e9,
        "GB read": PASSES * read / 1e9,
        "GB sent": way.sent / 1e9,
        "$ assumed": hours * way.nodes * way.price,
    }


def _sent(genes: int) -> float:
    """Bytes that a process sends, gradients aside: matrices of the axes, everyone's coordinates, and refined codes."""
    # A start and axes are sent on; a sum goes round twice.
    matrices = SKETCHES * (1 + 2 + 1) * genes * WIDER
    coordinates = SKETCHES * SAMPLES * AXES
    refined = 2 * REFINED * (AXES + 64)
    return 4.0 * (matrices + coordinates + refined)
