"""Weights at eight bits: close, stable, and the same model when read again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save_file

import genelight as gl
from genelight.errors import FormatError
from genelight.models.packing import LEAST_PACKED, pack, rounded, unpack


@given(hnp.arrays(np.float32, (70, 64), elements=st.floats(-1e3, 1e3, width=32)), st.booleans())
def test_a_matrix_is_off_by_half_a_unit_at_most(weight, turned):
    weight = weight.T if turned else weight
    packed = pack({"w": weight, "bias": weight[0]})
    assert sorted(packed) == ["bias", "w.eighth", "w.unit"]
    assert packed["w.eighth"].dtype == np.int8
    found = unpack(packed)
    np.testing.assert_array_equal(found["bias"], weight[0])
    # The shorter side has 64 indices, each with its own unit.
    largest = np.abs(weight).max(1 if turned else 0, keepdims=True)
    assert (np.abs(found["w"] - weight) <= largest / 254 * (1 + 1e-4) + 1e-27).all()


@given(hnp.arrays(np.float32, (64, 80), elements=st.floats(-10, 10, width=32)))
def test_what_was_rounded_stays_as_it_is(weight):
    once = rounded({"w": weight})["w"]
    np.testing.assert_allclose(rounded({"w": once})["w"], once, rtol=1e-6)


@pytest.mark.parametrize(
    "weight", [np.ones((3, 4), np.float32), np.ones((80, 80), np.int32), np.ones(5000, np.float32)]
)
def test_small_and_whole_numbers_are_left_alone(weight):
    assert list(pack({"w": weight})) == ["w"]
    assert LEAST_PACKED > 12


@pytest.mark.parametrize("unit", [None, np.ones((1, 10**6), np.float32), np.ones((70, 2), np.float32)])
def test_units_that_do_not_go_with_their_matrix_are_refused(unit):
    """A unit of another shape would spread a small matrix over terabytes."""
    weights = {"w.eighth": np.ones((10**6, 1), np.int8)}
    with pytest.raises(ValueError, match=r"w.eighth has no units that go with its shape"):
        unpack(weights if unit is None else weights | {"w.unit": unit})


def test_a_model_of_such_weights_is_refused_in_words(tmp_path):
    gl.models.PCA(2).fit(gl.demo.cohort()[:, :40]).save(tmp_path / "model")
    save_file({"basis.eighth": np.ones((40, 2), np.int8)}, tmp_path / "model" / "weights.safetensors")
    with pytest.raises(FormatError, match=r"weights.safetensors is missing or damaged \(basis.eighth has no units"):
        gl.load(tmp_path / "model")
