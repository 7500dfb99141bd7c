"""Every registered attribution, on models whose inside is known."""

import importlib

import numpy as np
import pytest
import torch

import genelight as gl
from genelight import models
from genelight.errors import InputError
from genelight.nodes import gradients as _captum
from genelight.nodes import layers as _layers

WIDTHS = (12, 8, 5)
# Traversal is of the latent layer of a variational model alone; its own tests are at the end.
GENERAL = [method for method in gl.nodes.ATTRIBUTIONS if method != "traversal"]


@pytest.fixture(scope="module")
def bent(cohort):
    """A small autoencoder with an activation in every node, on 200 genes."""
    model = models.fit(cohort.adata, preset="plain", widths=WIDTHS, subject="subject", epochs=3)
    for activation in model.net.activations:
        assert isinstance(activation, torch.nn.ReLU)
    return model


@pytest.fixture(scope="module")
def straight(cohort):
    """The default start, untrained: linear from end to end, and not constant in any node."""
    return models.fit(
        cohort.adata,
        widths=WIDTHS,
        subject="subject",
        epochs=1,
        preset=models.PRESETS["default"].changed(learning_rate=1e-12),
    )


@pytest.mark.parametrize("method", GENERAL)
@pytest.mark.parametrize("layer", ["L1", "L2", "L3"])
def test_contract(bent, layer, method):
    nodes = gl.nodes.light_up(bent, layer, method=method)
    assert nodes.values_kg.shape == (bent.widths[layer], len(bent.genes))
    assert nodes.values_kg.dtype == np.float32
    assert np.isfinite(nodes.values_kg).all()
    assert nodes.method == method
    assert nodes.about["model"] == bent.digest
    # Gradients may differ in their last bit with where their buffers lie in memory.
    again_kg = gl.nodes.light_up(bent, layer, method=method).values_kg
    np.testing.assert_allclose(again_kg, nodes.values_kg, rtol=1e-5, atol=1e-6 * np.abs(nodes.values_kg).max())


@pytest.mark.parametrize("method", [m for m in GENERAL if m != "saliency"])
@pytest.mark.parametrize("layer", ["L1", "L2", "L3"])
def test_linear_model_is_read_alike_from_the_decoder(straight, layer, method):
    expected = gl.nodes.light_up(straight, layer).values_kg
    found = gl.nodes.light_up(straight, layer, method=method).values_kg
    np.testing.assert_allclose(found, expected, atol=2e-4 * np.abs(expected).max())


@pytest.mark.parametrize("method", [m for m in GENERAL if m != "saliency"])
def test_pca_gives_its_axes_times_the_step(cohort, method):
    model = models.PCA(4).fit(cohort.adata)
    span = model.code_range("PC")
    expected = model.basis_gk.T * (span.maximum - span.minimum)[:, None]
    np.testing.assert_allclose(gl.nodes.light_up(model, "PC", method=method).values_kg, expected, rtol=1e-3, atol=1e-4)


def test_saliency_of_pca_is_its_axes(cohort):
    model = models.PCA(4).fit(cohort.adata)
    np.testing.assert_allclose(gl.nodes.light_up(model, "PC", method="saliency").values_kg, model.basis_gk.T, atol=1e-5)


@pytest.mark.parametrize("method", GENERAL)
def test_node_that_does_not_move_has_zeros_only(bent, method):
    values = gl.nodes.light_up(bent, "L2", method=method, rest="minimum", level="min").values_kg
    assert not values.any()


@pytest.mark.parametrize("layer", ["L1", "L2"])
def test_gradient_is_that_of_finite_differences(bent, layer):
    span = bent.code_range(layer)
    rest_k, step_k = span.mean, span.maximum - span.mean
    small = 1e-3 * step_k
    state_kk = (rest_k + np.diag(small)).astype(np.float32)
    moved = bent.decode(state_kk, layer) - bent.decode(rest_k[None].astype(np.float32), layer)
    found = gl.nodes.light_up(bent, layer, method="gradient", rest="mean").values_kg
    np.testing.assert_allclose(found, 1e3 * moved, atol=0.02 * np.abs(found).max())


def test_saliency_is_that_of_finite_differences(bent):
    span = bent.code_range("L2")
    state_kk = np.tile(span.minimum, (8, 1)).astype(np.float32)
    np.fill_diagonal(state_kk, span.maximum)
    lit_kg = bent.decode(state_kk, "L2")
    values_kg = gl.nodes.light_up(bent, "L2", method="saliency").values_kg
    rng = np.random.default_rng(0)
    # A step short enough not to cross the activation of a unit, long enough for single precision.
    turn_g = (1e-4 * rng.normal(size=lit_kg.shape[1])).astype(np.float32)
    moved_k = np.diagonal(bent.encode(lit_kg + turn_g, "L2") - bent.encode(lit_kg, "L2"))
    np.testing.assert_allclose(moved_k, values_kg @ turn_g, atol=0.02 * np.abs(moved_k).max())


def test_integrated_gradients_sum_to_the_change_up_to_the_gap_returned(bent):
    nodes = gl.nodes.light_up(bent, "L1", method="integrated_gradients")
    span = bent.code_range("L1")
    ends = bent.decode(np.stack([span.minimum, span.maximum]).astype(np.float32), "L1")
    change_g = ends[1] - ends[0]
    gap = np.abs(nodes.values_kg.sum(0) - change_g).max() / np.abs(change_g).max()
    assert nodes.about["completeness_gap"] == pytest.approx(gap, abs=1e-4)
    assert gap < 0.02


@pytest.mark.parametrize("method", ["gradient", "integrated_gradients"])
def test_equals_captum_gene_by_gene(bent, method):
    """The reference asks captum for one gene at a time, in gene space."""
    captum = importlib.import_module("captum.attr")
    basis = torch.from_numpy(bent.subspace.basis_gk)
    genes = torch.nn.Linear(*reversed(basis.shape))
    with torch.no_grad():
        genes.weight.copy_(basis)
        genes.bias.zero_()
    net = torch.nn.Sequential(*[m for step in list(bent.steps.hidden.values())[1:] for m in step], bent.net.out, genes)
    span = bent.code_range("L1")
    rest, level = (torch.from_numpy(s[None].astype(np.float32)) for s in (span.minimum, span.maximum))
    found = gl.nodes.light_up(bent, "L1", method=method).values_kg
    for gene in (0, 17, 199):
        if method == "gradient":
            slope = captum.Saliency(net).attribute(rest.clone().requires_grad_(), target=gene, abs=False)
            expected = slope * (level - rest)
        else:
            expected = captum.IntegratedGradients(net).attribute(level.clone().requires_grad_(), rest, target=gene)
        np.testing.assert_allclose(found[:, gene], expected.detach().numpy()[0], atol=1e-4 * np.abs(found).max())


@pytest.mark.parametrize("method", GENERAL)
def test_chunks_change_nothing(bent, method, monkeypatch):
    whole = gl.nodes.light_up(bent, "L1", method=method).values_kg
    monkeypatch.setattr(_layers, "CHUNK_BYTES", 4000)
    np.testing.assert_allclose(
        gl.nodes.light_up(bent, "L1", method=method).values_kg, whole, atol=1e-4 * np.abs(whole).max()
    )


@pytest.mark.parametrize("method", ["gradient", "integrated_gradients", "saliency"])
def test_without_captum_says_what_to_type(bent, method, monkeypatch):
    def absent(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name.partition('.')[0]!r}")

    monkeypatch.setattr(_captum, "import_module", absent)
    with pytest.raises(InputError, match=r"No module named 'captum'.*pip install 'genelight\[attribution\]'"):
        gl.nodes.light_up(bent, "L1", method=method)
    assert gl.nodes.light_up(bent, "L1", method="weights").values_kg.any()


@pytest.mark.parametrize("method", [m for m in GENERAL if m != "light_up"])
def test_model_that_hides_its_inside(linear, method):
    with pytest.raises(InputError, match="model toy does not show"):
        gl.nodes.light_up(linear, "L1", method=method)


def test_decode_by_the_short_way_equals_the_long_one(bent):
    h_nk = np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32)
    long = bent.subspace.genes(bent.net.decode(torch.from_numpy(h_nk), 2).numpy())
    np.testing.assert_allclose(bent.decode(h_nk, "L2"), long, atol=1e-5)


def test_light_up_of_the_last_hidden_layer_equals_one_decode_a_node(bent):
    span = bent.code_range("L3")
    state_kk = np.tile(span.minimum, (5, 1)).astype(np.float32)
    resting_g = bent.decode(state_kk[:1], "L3")[0]
    np.fill_diagonal(state_kk, span.maximum)
    expected = bent.decode(state_kk, "L3") - resting_g
    np.testing.assert_allclose(gl.nodes.light_up(bent, "L3").values_kg, expected, atol=1e-5 * np.abs(expected).max())


@pytest.fixture(scope="module")
def variational(cohort):
    return models.fit(cohort.adata, preset="vae", widths=(12, 4, 12), subject="subject", epochs=20)


def test_traversal_keeps_the_contract(variational):
    nodes = gl.nodes.light_up(variational, "L2", method="traversal")
    assert nodes.values_kg.shape == (4, len(variational.genes))
    assert nodes.values_kg.dtype == np.float32
    assert nodes.about["draws"] == 16
    assert nodes.about["spread"] >= 0
    np.testing.assert_array_equal(gl.nodes.light_up(variational, "L2", method="traversal").values_kg, nodes.values_kg)


def test_traversal_is_the_mean_over_draws_of_the_others(variational):
    span = variational.code_range("L2")
    draws = np.random.default_rng(0).standard_normal((16, 4)).astype(np.float32)
    low, high = draws.copy(), draws.copy()
    low[:, 1], high[:, 1] = span.minimum[1], span.maximum[1]
    want = (variational.decode(high, "L2") - variational.decode(low, "L2")).mean(0)
    np.testing.assert_allclose(gl.nodes.light_up(variational, "L2", method="traversal").values_kg[1], want, atol=1e-4)


def test_a_traversal_of_a_linear_decoder_is_its_light_up(cohort):
    chosen = models.PRESETS["vae"].changed(learning_rate=1e-12)
    model = models.fit(cohort.adata, preset=chosen, widths=(12, 4, 12), subject="subject", epochs=1)
    nodes, lit = gl.nodes.light_up(model, "L2", method="traversal"), gl.nodes.light_up(model, "L2")
    np.testing.assert_allclose(nodes.values_kg, lit.values_kg, atol=2e-4 * np.abs(lit.values_kg).max())
    assert nodes.about["spread"] < 1e-3


@pytest.mark.parametrize(("name", "said"), [("variational", "layer 'L2' is its latent one"), ("bent", "preset='vae'")])
def test_traversal_asks_for_a_latent_layer(request, name, said):
    with pytest.raises(InputError, match=f"needs the latent layer of a variational model, not 'L1' .*{said}"):
        gl.nodes.light_up(request.getfixturevalue(name), "L1", method="traversal")
