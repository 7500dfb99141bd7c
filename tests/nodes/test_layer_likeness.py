"""A layer that copies another is named, and one that does not is not."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy.optimize import linear_sum_assignment

import genelight as gl
from genelight.errors import InputError


class Model:
    """Layers that are given."""

    def __init__(self, **codes):
        self.codes, self.widths = codes, {name: h.shape[1] for name, h in codes.items()}

    def prepare(self, adata):
        return adata.X

    def encode(self, x_ng, layer):
        return self.codes[layer]


@pytest.fixture
def codes():
    return np.random.default_rng(0).normal(size=(200, 6))


def table(n: int = 200) -> AnnData:
    return AnnData(np.zeros((n, 3)), obs=pd.DataFrame(index=[f"s{i}" for i in range(n)]))


def test_a_turned_sign_and_order_is_a_copy_and_fresh_nodes_are_none(codes):
    rng = np.random.default_rng(1)
    model = Model(
        L1=codes,
        L2=-3 * codes[:, [2, 0, 1, 5]] + 0.01 * rng.normal(size=(200, 4)),
        L3=np.hstack([rng.normal(size=(200, 9)), np.zeros((200, 2))]),
    )
    found = gl.nodes.layer_likeness(table(), model).set_index(["layer", "other"])
    assert found["copy"].tolist() == [True, False, False]
    assert found["matched"].tolist() == [4, 6, 4]
    assert found.loc[("L1", "L2"), "median_r"] > 0.999
    assert found.loc[("L1", "L3"), "median_r"] < 0.4


def test_it_agrees_with_scipys_matching_of_numpys_correlations(codes):
    other = codes @ np.random.default_rng(2).normal(size=(6, 8))
    found = gl.nodes.layer_likeness(table(), Model(L1=codes, L2=other))
    r = np.abs(np.corrcoef(codes.T, other.T)[:6, 6:])
    assert found["median_r"].item() == pytest.approx(np.median(r[linear_sum_assignment(-r)]))


def test_one_layer_has_no_other(codes):
    with pytest.raises(InputError, match="1 hidden layers over 200 samples"):
        gl.nodes.layer_likeness(table(), Model(L1=codes))
