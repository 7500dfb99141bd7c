import numpy as np
import pytest

from genelight import nodes
from genelight.errors import InputError, UnknownNameError


def test_codes_are_the_models_own(cohort, relu):
    h = nodes.encode(cohort.adata, relu, layer="L2")
    np.testing.assert_array_equal(h, relu.encode(relu.prepare(cohort.adata), "L2"))


def test_key_added_writes_obsm(cohort, linear):
    adata = cohort.adata.copy()
    h = nodes.encode(adata, linear, layer="L1", key_added="X_L1")
    np.testing.assert_array_equal(adata.obsm["X_L1"], h)
    assert "X_L1" not in cohort.adata.obsm


def test_unknown_layer_says_what_there_is(cohort, linear):
    with pytest.raises(UnknownNameError, match=r"unknown layer 'L9' in model toy; there are 3: L1, L2, L3"):
        nodes.encode(cohort.adata, linear, layer="L9")


def test_model_without_hidden_layers(cohort, toy_of):
    shallow = toy_of(cohort.adata, [np.eye(cohort.adata.n_vars)])
    with pytest.raises(InputError, match="no hidden layers"):
        nodes.light_up(shallow, "L1")
