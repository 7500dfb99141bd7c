"""Which genes of a profile are tested."""

from __future__ import annotations

import numpy as np
import pytest

from genelight.errors import InputError
from genelight.evidence._tested import Items, knees
from genelight.nouns import Genes, NodeGenes


def layer(values_kg: np.ndarray) -> NodeGenes:
    genes = Genes(tuple(f"G{i}" for i in range(values_kg.shape[1])))
    return NodeGenes(values_kg, tuple(f"L1.{k}" for k in range(len(values_kg))), genes, "L1", "toy", "toy")


@pytest.mark.parametrize("n_top", [10, 40, 70])
def test_top_genes_are_those_of_a_plain_sort(n_top: int) -> None:
    """Also where the two ends of a profile overlap."""
    values_kg = np.random.default_rng(0).normal(size=(9, 100))
    chosen = Items.of(layer(values_kg), n_top=n_top).chosen
    for k, value_g in enumerate(values_kg):
        assert chosen[0][k].tolist() == np.argsort(-np.abs(value_g))[:n_top].tolist()
        falling = np.argsort(-value_g)
        assert chosen[1][k].tolist() == [g for g in falling[:n_top] if value_g[g] > 0]
        assert chosen[-1][k].tolist() == [g for g in falling[::-1][:n_top] if value_g[g] < 0]


def test_a_knee_is_where_values_fall_off() -> None:
    rng = np.random.default_rng(1)
    values_kg = 0.1 * rng.normal(size=(3, 2000))
    for k, size in enumerate((20, 60, 200)):
        values_kg[k, :size] = 5 * rng.choice([-1, 1], size) * rng.uniform(0.9, 1.1, size)
    found = [len(c) for c in Items.of(layer(values_kg), n_top="knee").chosen[0]]
    assert all(size <= n <= size + 15 for n, size in zip(found, (20, 60, 200), strict=True))


def test_knees_stay_in_range() -> None:
    noise = np.random.default_rng(2).normal(size=(4, 20_000))
    assert (knees(noise) == 500).all()
    flat = np.zeros((1, 200))
    assert knees(flat).tolist() == [10]
    assert [len(c) for c in Items.of(layer(flat), n_top="knee").chosen[0]] == [0]


def test_a_size_that_is_none_is_named() -> None:
    with pytest.raises(InputError, match="n_top = 'elbow' is no size; pass a number of genes, or 'knee'"):
        Items.of(layer(np.ones((1, 50))), n_top="elbow")
