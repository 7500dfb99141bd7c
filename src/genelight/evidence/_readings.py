"""What is put on a scorecard: one layer of one model, or of a control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..nouns import NodeGenes

__all__ = ["PERMUTED", "Reading", "check_readings", "permuted", "renamed"]

PERMUTED = "permuted genes"


@dataclass(frozen=True)
class Reading:
    """One layer of one trained model: what its nodes stand for, and what they say of each sample.

    Attributes
    ----------
    nodes
        The layer's node profiles.
    h_nk
        Its codes, samples in rows; None to leave out what is asked of samples.
    model
        Name of the model, or of the control.
    depth
        Place of the layer, 1 next to the input. Of a control with one layer the place of the model's layer that it
        is as wide as.
    control
        Whether this is what the model is compared with.
    seed
        Which training of several.
    """

    nodes: NodeGenes
    h_nk: np.ndarray | None
    model: str
    depth: int
    control: bool = False
    seed: int = 0

    @property
    def key(self) -> str:
        """Names it among others: ``"autoencoder L2, seed 3"``."""
        return f"{self.model} L{self.depth}, seed {self.seed}"

    @property
    def width(self) -> int:
        """Number of nodes."""
        return len(self.nodes.nodes)


def check_readings(readings: Sequence[Reading]) -> None:
    """Stop when readings do not make a scorecard.

    Raises
    ------
    InputError
        If none is of a model, two have the same model, layer and seed, genes differ, or codes do not fit the nodes.
    """
    if not any(not r.control for r in readings):
        msg = "a scorecard needs the layers of a model; pass readings with control=False"
        raise InputError(msg)
    if len({r.model for r in readings if not r.control}) > 1:
        msg = f"one model at a time, found {', '.join(sorted({r.model for r in readings if not r.control}))}"
        raise InputError(msg)
    keys = [r.key for r in readings]
    repeated = sorted({k for k in keys if keys.count(k) > 1})
    if repeated:
        msg = f"{len(repeated)} readings come twice ({repeated[0]}); give each training its own seed"
        raise InputError(msg)
    for r in readings:
        if r.nodes.genes.digest != readings[0].nodes.genes.digest:
            msg = f"{r.key} has other genes than {keys[0]}; fit all on one table with one preparation"
            raise InputError(msg)
        if r.h_nk is not None and r.h_nk.shape[1] != r.width:
            msg = f"{r.key} has {r.width} nodes, but its codes {r.h_nk.shape[1]} columns"
            raise InputError(msg)


def permuted(readings: Sequence[Reading], *, seed: int) -> list[Reading]:
    """The model's readings with the names of the genes shuffled: profiles as they are, meaning none."""
    rng = np.random.default_rng(seed)
    return [
        replace(
            r,
            nodes=replace(r.nodes, values_kg=rng.permuted(r.nodes.values_kg, axis=1)),
            h_nk=None,
            model=PERMUTED,
            control=True,
        )
        for r in readings
        if not r.control
    ]


def renamed(reading: Reading) -> NodeGenes:
    """Its nodes, with names and layer that no other reading has."""
    nodes = tuple(f"{reading.key}, {i}" for i in range(reading.width))
    return replace(reading.nodes, nodes=nodes, layer=f"L{reading.depth}", source=f"{reading.model}, {reading.seed}")
