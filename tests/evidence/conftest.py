"""Small networks and node profiles for the proving room."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from genelight.evidence import distances
from genelight.evidence.distances import Interactome
from genelight.nouns import Edges, Genes, NodeGenes


def _edges_of(pairs: np.ndarray) -> Edges:
    """A network from pairs of whole numbers; gene 7 is called G7."""
    labels = np.char.add("G", np.asarray(pairs).astype(str))
    return Edges("net", pd.DataFrame({"source": labels[:, 0], "target": labels[:, 1], "weight": 1.0}))


def _chung_lu(genes: int, *, mean_degree: float, seed: int) -> np.ndarray:
    """Pairs of a random graph with heavy-tailed expected degrees and no other structure."""
    rng = np.random.default_rng(seed)
    weight = (1 - rng.random(genes)) ** -0.4
    weight *= mean_degree / weight.mean()
    one, other = np.triu_indices(genes, 1)
    joined = rng.random(len(one)) < np.minimum(1, weight[one] * weight[other] / weight.sum())
    return np.column_stack([one[joined], other[joined]])


@pytest.fixture(scope="session")
def edges_of() -> Callable[[np.ndarray], Edges]:
    return _edges_of


@pytest.fixture(scope="session")
def chung_lu() -> Callable[..., np.ndarray]:
    return _chung_lu


@pytest.fixture(scope="session")
def random_pairs() -> np.ndarray:
    return _chung_lu(1500, mean_degree=8, seed=0)


@pytest.fixture(scope="session")
def random_net(random_pairs: np.ndarray) -> Interactome:
    return distances(_edges_of(random_pairs))


@pytest.fixture(scope="session")
def nodes_of() -> Callable[..., NodeGenes]:
    """Build node profiles from lists of genes: 1 for a listed gene, 0 for the others."""

    def build(lists: list[list[str]], genes: tuple[str, ...], *, layer: str = "L1") -> NodeGenes:
        position = {g: i for i, g in enumerate(genes)}
        values = np.zeros((len(lists), len(genes)))
        for k, members in enumerate(lists):
            values[k, [position[g] for g in members]] = np.linspace(2, 1, len(members))
        return NodeGenes(values, tuple(f"{layer}.{k}" for k in range(len(lists))), Genes(genes), layer, "toy", "toy")

    return build
