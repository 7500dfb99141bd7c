import tracemalloc
from functools import reduce

import numpy as np
import pytest

import genelight as gl
from genelight.errors import UnknownNameError
from genelight.nodes import layers as _layers
from genelight.nodes.light_up import LEVELS, RESTS
from genelight.nouns import Genes
from genelight.nouns.model import CodeRange


@pytest.mark.parametrize("layer", ["L1", "L2", "L3"])
@pytest.mark.parametrize("rest", RESTS)
@pytest.mark.parametrize("level", LEVELS)
def test_linear_model_gives_decoder_weights_times_the_step(linear, layer, rest, level):
    nodes = gl.nodes.light_up(linear, layer, rest=rest, level=level)
    decoder_kg = reduce(np.matmul, linear.weights[int(layer[1:]) :])
    span = linear.code_range(layer)
    step_k = LEVELS[level](span) - RESTS[rest](span)
    np.testing.assert_allclose(nodes.values_kg, decoder_kg * step_k[:, None], atol=2e-5)


def test_any_number_of_standard_deviations(linear):
    span = linear.code_range("L2")
    low = gl.nodes.light_up(linear, "L2", rest="mean", level="-1.5sd").values_kg
    one = gl.nodes.light_up(linear, "L2", rest="mean", level="+1sd").values_kg
    np.testing.assert_allclose(low, -1.5 * one, atol=2e-5)
    assert np.abs(low).max() > 0.1 * span.sd.min()
    with pytest.raises(UnknownNameError, match="did you mean"):
        gl.nodes.light_up(linear, "L2", level="2 sd")


def test_equals_one_node_at_a_time(relu):
    nodes = gl.nodes.light_up(relu, "L1", rest="mean", level="max")
    span = relu.code_range("L1")
    for i, node in enumerate(nodes.nodes):
        state = span.mean.copy()
        state[i] = span.maximum[i]
        expected = relu.decode(state[None], "L1")[0] - relu.decode(span.mean[None], "L1")[0]
        np.testing.assert_allclose(nodes.values_kg[i], expected, atol=1e-5)
        assert node == f"L1.{i}"


def test_chunks_change_nothing(relu, monkeypatch):
    whole = gl.nodes.light_up(relu, "L1").values_kg
    monkeypatch.setattr(_layers, "CHUNK_BYTES", 4000)
    np.testing.assert_allclose(gl.nodes.light_up(relu, "L1").values_kg, whole, atol=1e-6)


class Wide:
    """A network that is bent behind its first layer: 400 nodes that write to 20,000 genes."""

    name, digest, widths = "wide", "0", {"L1": 400, "L2": 20}

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.genes = Genes(tuple(f"g{i}" for i in range(20_000)))
        self._into = rng.standard_normal((400, 20)).astype(np.float32)
        self._out = rng.standard_normal((20, 20_000)).astype(np.float32)

    def decode(self, h_nk, layer):
        return np.tanh(h_nk @ self._into) @ self._out

    def code_range(self, layer):
        return CodeRange.of(np.random.default_rng(1).standard_normal((30, self.widths[layer])).astype(np.float32))


def test_memory_besides_the_result_is_bounded(monkeypatch):
    model, bound = Wide(), 1 << 20
    monkeypatch.setattr(_layers, "CHUNK_BYTES", bound)
    tracemalloc.start()
    values_kg = gl.nodes.light_up(model, "L1").values_kg
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert values_kg.nbytes == 400 * 20_000 * 4
    assert peak - values_kg.nbytes < 4 * bound


def test_dead_node_has_zeros_only(cohort, relu, toy_of):
    weights = [w.copy() for w in relu.weights]
    weights[0][:, 2] = 0
    values = gl.nodes.light_up(toy_of(cohort.adata, weights, relu.activation), "L1").values_kg
    assert not values[2].any()
    assert values[[0, 1, 3]].any(1).all()


def test_order_of_genes_does_not_matter(cohort, relu, toy_of):
    order = np.random.default_rng(1).permutation(cohort.adata.n_vars)
    weights = [relu.weights[0][order], *relu.weights[1:-1], relu.weights[-1][:, order]]
    permuted = toy_of(cohort.adata[:, order].copy(), weights, relu.activation)
    np.testing.assert_allclose(
        gl.nodes.light_up(permuted, "L2").values_kg, gl.nodes.light_up(relu, "L2").values_kg[:, order], atol=1e-5
    )


def test_varm_follows_the_tables_order_and_leaves_strangers_empty(cohort, linear):
    adata = cohort.adata[:, ::-1].copy()
    adata.var_names = [*adata.var_names[:-1], "stranger"]
    gl.nodes.annotate(adata, linear, layers=["L3"])
    nodes = gl.nodes.light_up(linear, "L3")
    np.testing.assert_allclose(adata.varm["lightup_L3"][:-1], nodes.values_kg[:, :0:-1].T)
    assert np.isnan(adata.varm["lightup_L3"][-1]).all()


def test_result_says_what_it_is(linear):
    nodes = gl.nodes.light_up(linear, "L2", rest="zero")
    assert (nodes.layer, nodes.source, nodes.method) == ("L2", "toy", "light_up")
    assert nodes.about == {"rest": "zero", "level": "max", "model": linear.digest}
    assert isinstance(nodes.genes, Genes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rest": "minimun"}, "unknown rest 'minimun'; did you mean 'minimum'"),
        ({"level": "maximum"}, "unknown level 'maximum'"),
        ({"method": "light-up"}, "unknown attribution method 'light-up'; did you mean 'light_up'"),
    ],
)
def test_unknown_names(linear, settings, message):
    with pytest.raises(UnknownNameError, match=message):
        gl.nodes.light_up(linear, "L1", **settings)
