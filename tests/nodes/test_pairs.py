import numpy as np
import pytest

from genelight import nodes
from genelight.errors import InputError, UnknownNameError


def test_equals_four_decodes(relu):
    pair = nodes.light_up(relu, "L1", pairs=[("L1.0", "L1.5"), ("L1.2", "L1.1")], rest="mean", level="max")
    assert pair.nodes == ("L1.0 x L1.5", "L1.2 x L1.1")
    span = relu.code_range("L1")

    def decoded(*nodes):
        state = span.mean.copy()
        state[list(nodes)] = span.maximum[list(nodes)]
        return relu.decode(state[None], "L1")[0]

    for values, (a, b) in zip(pair.values_kg, [(0, 5), (2, 1)], strict=True):
        np.testing.assert_allclose(values, decoded(a, b) - decoded(a) - decoded(b) + decoded(), atol=1e-5)


def test_linear_model_has_no_interactions(linear):
    values = nodes.light_up(linear, "L1", pairs=[("L1.0", "L1.1"), ("L1.3", "L1.4")]).values_kg
    np.testing.assert_allclose(values, 0, atol=2e-5)


def test_an_interaction_is_found(cohort, toy_of):
    """Two nodes whose sum alone passes the threshold of the next layer."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(200, 2)) / 200, np.ones((2, 1)), np.ones((1, 200))]
    model = toy_of(cohort.adata, weights, lambda h: np.maximum(h - 0.05, 0))
    span = model.code_range("L1")
    both = np.maximum(span.maximum.sum() - 0.05, 0)
    alone = np.maximum(span.maximum - 0.05, 0).sum()
    values = nodes.light_up(model, "L1", pairs=[("L1.0", "L1.1")], rest="zero").values_kg
    np.testing.assert_allclose(values, both - alone, rtol=1e-4)
    assert both > alone


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ([], InputError, "no pairs"),
        ([("L1.0", "L1.0")], InputError, "not two different nodes of L1"),
        ([("L1.0", "L2.0")], InputError, "not two different nodes of L1"),
        ([("L1.0", "L1.77")], UnknownNameError, r"layer L1 \(L1.0 to L1.5\)"),
    ],
)
def test_bad_pairs(linear, pairs, error, message):
    with pytest.raises(error, match=message):
        nodes.light_up(linear, "L1", pairs=pairs)


def test_pairs_by_another_method_and_in_natural_units(linear):
    with pytest.raises(InputError, match="not by 'gradient'"):
        nodes.light_up(linear, "L1", pairs=[("L1.0", "L1.1")], method="gradient")
    pair = nodes.light_up(linear, "L1", pairs=[("L1.0", "L1.1")], units="natural")
    assert (pair.about["unit"], pair.method) == (linear.preparation.unit, "light_up")
