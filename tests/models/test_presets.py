"""Every preset keeps one contract; what each promises beyond it."""

import numpy as np
import pytest
import torch
from torch import nn

from genelight import models, nodes
from genelight.errors import InputError, UnknownNameError
from genelight.models import PRESETS, fit
from genelight.models.presets import Preset, choose_widths
from genelight.models.recipe import Recipe
from genelight.models.subspace.exact import GeneSpace, find_subspace
from genelight.models.training.network import Stack
from genelight.models.training.starts import STARTS
from genelight.nouns import Model

WIDTHS = (16, 8, 16)
CHANGED = {
    "tied": lambda: PRESETS["default"].changed(tied=True),
    "gelu": lambda: PRESETS["plain"].changed(activation="gelu"),
    "dropout": lambda: PRESETS["plain"].changed(dropout=0.2, noise=0.5),
    "nonnegative": lambda: PRESETS["sparse"].changed(nonnegative=True),
    "tied in genes": lambda: PRESETS["paper"].changed(tied=True),
}


@pytest.fixture(scope="module", params=[*PRESETS, *CHANGED])
def model(request, cohort):
    """Every preset, and some presets with changes, trained for a moment."""
    chosen = CHANGED[request.param]() if request.param in CHANGED else request.param
    return fit(cohort, preset=chosen, widths=WIDTHS, subject="subject", epochs=4)


def test_it_encodes_and_decodes_at_every_depth(model, cohort):
    assert isinstance(model, Model)
    x_ng = model.prepare(cohort)
    whole = []
    for layer, width in model.widths.items():
        h_nk = model.encode(x_ng, layer)
        assert (h_nk.shape, h_nk.dtype) == ((48, width), np.float32)
        np.testing.assert_allclose(model.encode(x_ng[7:8], layer), h_nk[7:8], atol=1e-4)
        np.testing.assert_allclose(model.code_range(layer).maximum, h_nk.max(0), atol=1e-4)
        whole.append(model.decode(h_nk, layer))
        assert (whole[-1].shape, whole[-1].dtype) == (x_ng.shape, np.float32)
        np.testing.assert_allclose(whole[-1], whole[0], atol=1e-4)


def test_it_is_saved_and_read_back_to_the_bit(model, cohort, tmp_path):
    model.save(tmp_path / "model")
    again = models.load(tmp_path / "model")
    assert type(again) is type(model)
    assert (again.digest, again.widths, again.latent) == (model.digest, model.widths, model.latent)
    x_ng = model.prepare(cohort)
    for layer in model.widths:
        h_nk = model.encode(x_ng, layer)
        np.testing.assert_array_equal(again.encode(x_ng, layer), h_nk)
        np.testing.assert_array_equal(again.decode(h_nk, layer), model.decode(h_nk, layer))


def test_the_order_of_genes_in_a_table_changes_no_code(model, cohort):
    order = np.random.default_rng(0).permutation(cohort.n_vars)
    for layer in model.widths:
        codes = [model.encode(model.prepare(table), layer) for table in (cohort, cohort[:, order])]
        np.testing.assert_array_equal(codes[0], codes[1])


def test_every_layer_can_be_lit(model):
    for layer in model.widths:
        values_kg = nodes.light_up(model, layer).values_kg
        assert np.isfinite(values_kg).all()
        assert (values_kg != 0).any()


def test_settings_make_the_same_network_again(model):
    settings = model.settings
    assert settings["widths"] == list(WIDTHS)
    assert 0 <= settings["stop"] <= settings["epochs"] == 4
    assert model.history[0]["epoch"] == 0
    assert {"held_out_r2", "held_out_r2_pca", "train_loss"} < set(model.history[0])


def test_members_of_an_ensemble_are_of_its_kind(model, cohort):
    for member in models.Ensemble.fit(cohort, model, seeds=2, subject="subject"):
        assert (type(member), member.widths, member.latent) == (type(model), model.widths, model.latent)
        whole = [member.decode(member.encode(member.prepare(cohort), layer), layer) for layer in member.widths]
        np.testing.assert_allclose(whole[0], whole[-1], atol=1e-4)


def test_a_tied_layer_shows_its_partners_weights(cohort):
    for chosen in (PRESETS["default"].changed(tied=True), PRESETS["paper"].changed(tied=True)):
        net = fit(cohort, preset=chosen, widths=WIDTHS, subject="subject", epochs=2).net
        assert torch.equal(net.out.weight, net.hidden[0].weight.T)
        assert torch.equal(net.hidden[2].weight, net.hidden[1].weight.T)
        assert isinstance(net.out, nn.Linear)
        assert "out.weight" not in net.state_dict()


def test_tied_weights_need_widths_of_a_mirror(cohort):
    with pytest.raises(InputError, match=r"both ways, not \[16, 8, 4\]; .* widths = \[16, 8, 4, 8, 16\]"):
        fit(cohort, preset=PRESETS["plain"].changed(tied=True), widths=(16, 8, 4))


def test_a_decoder_that_may_not_be_negative_is_not(cohort):
    chosen = PRESETS["sparse"].changed(nonnegative=True)
    model = fit(cohort, preset=chosen, widths=(16,), subject="subject", epochs=5)
    assert isinstance(model.space, GeneSpace)
    assert (model.net.out.weight >= 0).all()
    span = model.code_range("L1")
    assert (span.minimum >= 0).all()
    assert (nodes.light_up(model, "L1").values_kg >= 0).all()


def test_the_strongest_eighth_of_nodes_speaks(cohort):
    model = fit(cohort, preset="sparse", widths=(32,), subject="subject", epochs=5)
    h_nk = model.encode(model.prepare(cohort), "L1")
    assert ((h_nk > 0).sum(1) <= 4).all()
    assert (h_nk >= 0).all()


def test_a_variational_layer_is_the_narrowest_and_near_a_standard_normal(cohort):
    model = fit(cohort, preset="vae", widths=(16, 4, 16), subject="subject", epochs=40)
    assert model.latent == "L2"
    h_nk = model.encode(model.prepare(cohort), "L2")
    assert np.abs(h_nk.mean(0)).max() < 0.3
    assert h_nk.std(0).max() < 1.3
    assert models.r2(model, model.prepare(cohort)) > 0.1
    assert [m.latent for m in (fit(cohort, preset="plain", widths=(4,), epochs=1),)] == [None]


def test_the_paper_preset_is_the_papers(cohort):
    model = fit(cohort, preset="paper", widths=(16, 16, 16), subject="subject", epochs=3)
    assert model.net.squash
    x_ng = model.prepare(cohort)
    low_g, high_g = x_ng.min(0), x_ng.max(0)
    given_ng = model.decode(model.encode(x_ng, "L3"), "L3")
    assert (given_ng > low_g - 1e-4).all()
    assert (given_ng < high_g + 1e-4).all()
    codes = model.encode(x_ng, "L1")
    assert ((codes > 0) & (codes < 1)).all()
    assert models.PRESETS["paper"].shape == "column"
    assert choose_widths(None, samples=28_000, genes=20_000, shape="column") == (512, 512, 512)


@pytest.mark.parametrize("widths", [(64,), (1024,), (64, 64), (1024, 1024, 1024)])
def test_the_paper_preset_takes_every_width_that_was_swept(widths):
    net = models.PRESETS["paper"].network(50, widths)
    assert net(torch.rand(3, 50)).shape == (3, 50)


@pytest.mark.parametrize("change", [{"activation": "tanh"}, {"space": "cells"}, {"shape": "round"}])
def test_a_name_that_is_not_there(change):
    with pytest.raises(UnknownNameError, match="unknown"):
        Preset(**{"activation": "relu", "start": "random", "recipe": Recipe(1e-3, epochs=1), **change})


def test_the_start_at_principal_axes_needs_them(cohort):
    chosen = Preset("relu", "programmes", Recipe(1e-3, epochs=1), space="genes")
    with pytest.raises(InputError, match="train in the samples' subspace, or use start = 'random'"):
        fit(cohort, preset=chosen, widths=(4,))
    with pytest.raises(InputError, match="use space = 'genes' with start = 'random'"):
        Preset("relu", "programmes", Recipe(1e-3, epochs=1, nonnegative=True))


def in_genes(net: Stack, basis_gk: np.ndarray, activation: str) -> Stack:
    """The same function, its first and last layer written out on genes."""
    basis = torch.from_numpy(basis_gk)
    whole = Stack(len(basis), net.widths, activation)
    whole.load_state_dict(
        net.state_dict()
        | {
            "hidden.0.weight": net.hidden[0].weight @ basis.T,
            "out.weight": basis @ net.out.weight,
            "out.bias": basis @ net.out.bias,
        }
    )
    return whole


@pytest.mark.parametrize("activation", ["relu", "gelu", "prelu", "sigmoid"])
def test_in_the_subspace_loss_gradient_and_r2_are_those_of_gene_space(cohort, activation):
    x_ng = models.PCA(2).fit(cohort).prepare(cohort)[:40]
    x_ng = x_ng - x_ng.mean(0)
    space = find_subspace(x_ng)
    assert space.lost == 0.0
    narrow = Stack(space.basis_gk.shape[1], (12, 6), activation)
    STARTS["random"](narrow, space, None, seed=1)
    wide = in_genes(narrow, space.basis_gk, activation)
    basis, x, c = torch.from_numpy(space.basis_gk), torch.from_numpy(x_ng), torch.from_numpy(space.coordinates(x_ng))
    # Steps along the gradient: unlike Adam's, they do not depend on the axes that numbers are written in.
    for _ in range(30):
        losses = []
        for net, data in ((narrow, c), (wide, x)):
            loss = ((net(data) - data) ** 2).sum() / (data**2).sum()
            net.zero_grad()
            loss.backward()
            losses.append(loss.item())
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
        slope = narrow.hidden[0].weight.grad @ basis.T
        np.testing.assert_allclose(wide.hidden[0].weight.grad, slope, atol=1e-5 * slope.abs().max())
        slope = basis @ narrow.out.weight.grad
        np.testing.assert_allclose(wide.out.weight.grad, slope, atol=1e-5 * slope.abs().max())
        with torch.no_grad():
            for net in (narrow, wide):
                for parameter in net.parameters():
                    parameter.sub_(0.05 * parameter.grad)
    with torch.no_grad():
        held_out_ng = models.PCA(2).fit(cohort).prepare(cohort)[40:]
        given = space.genes(narrow(torch.from_numpy(space.coordinates(held_out_ng))).numpy())
        direct = wide(torch.from_numpy(held_out_ng)).numpy()
    total = (held_out_ng**2).sum()
    r2 = [1 - ((held_out_ng - y) ** 2).sum() / total for y in (given, direct)]
    assert r2[0] == pytest.approx(r2[1], abs=1e-5)


@pytest.mark.parametrize(("widths", "samples"), [((4, 2, 1), 6), ((8, 1), 40), ((4, 1, 4), 40)])
def test_a_stack_through_one_node_is_refused_with_the_ways_out(widths, samples):
    """At thirteen samples the default was 4-2-1: seven nodes with the same genes. Now it is 4-2."""
    assert choose_widths(None, samples=6, genes=500) == (4, 2)
    with pytest.raises(InputError, match=r"of rank one.*--method reference.*--method de.*widths = \[\d+, 2\]"):
        choose_widths(widths, samples=samples, genes=500)
    assert choose_widths((1,), samples=40, genes=500) == (1,)
