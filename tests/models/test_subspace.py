import importlib
from copy import deepcopy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from genelight import models
from genelight.models.subspace.exact import find_subspace
from genelight.models.training.network import Stack
from genelight.models.training.starts import STARTS

subspace_file = importlib.import_module("genelight.models.subspace.exact")


def centred(n: int, g: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6)) @ rng.normal(size=(6, g)) + rng.normal(size=(n, g))
    return (x - x.mean(0)).astype(np.float32)


@given(st.integers(3, 30), st.integers(2, 40), st.integers(0, 5))
def test_the_basis_is_orthonormal_and_spans_the_samples(n, g, seed):
    x_ng = centred(n, g, seed)
    subspace = find_subspace(x_ng)
    k = subspace.basis_gk.shape[1]
    assert k == np.linalg.matrix_rank(x_ng.astype(np.float64), tol=1e-4)
    np.testing.assert_allclose(subspace.basis_gk.T @ subspace.basis_gk, np.eye(k), atol=2e-4)
    np.testing.assert_allclose(subspace.genes(subspace.coordinates(x_ng)), x_ng, atol=1e-3)
    np.testing.assert_allclose(subspace.coordinates(x_ng).var(0), subspace.variance_k, rtol=1e-2, atol=1e-4)
    assert (np.diff(subspace.variance_k) <= 1e-9).all()
    assert subspace.lost == 0.0


def in_gene_space(net: Stack, basis_gk: torch.Tensor) -> Stack:
    """The same network on genes: the basis folded into its first and last weights."""
    whole = Stack(len(basis_gk), net.widths, "prelu").double()
    whole.load_state_dict(
        net.state_dict()
        | {
            "hidden.0.weight": net.hidden[0].weight.detach() @ basis_gk.T,
            "out.weight": basis_gk @ net.out.weight.detach(),
            "out.bias": basis_gk @ net.out.bias.detach(),
        }
    )
    return whole


@pytest.fixture
def pair():
    """A bent network in the subspace, its twin in gene space, and the samples of both."""
    x_ng = centred(25, 60)
    subspace = find_subspace(x_ng)
    net = Stack(subspace.basis_gk.shape[1], (9, 5, 7), "prelu").double()
    STARTS["random"](net, subspace, None, seed=0)
    with torch.no_grad():
        for activation in net.activations:
            activation.weight.uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(1))
        net.out.bias.normal_(generator=torch.Generator().manual_seed(2))
    basis_gk = torch.from_numpy(subspace.basis_gk.astype(np.float64))
    x = torch.from_numpy(x_ng.astype(np.float64))
    return net, in_gene_space(net, basis_gk), basis_gk, x


def loss(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return ((net(x) - x) ** 2).sum(1).mean()


def test_loss_and_gradient_are_those_of_gene_space(pair):
    net, whole, basis_gk, x = pair
    inside, outside = loss(net, x @ basis_gk), loss(whole, x)
    assert inside.item() == pytest.approx(outside.item(), rel=1e-5)
    inside.backward()
    outside.backward()
    gradient = {name: p.grad for name, p in net.named_parameters()}
    gradient["hidden.0.weight"] = gradient["hidden.0.weight"] @ basis_gk.T
    gradient["out.weight"] = basis_gk @ gradient["out.weight"]
    gradient["out.bias"] = basis_gk @ gradient["out.bias"]
    for name, p in whole.named_parameters():
        torch.testing.assert_close(gradient[name], p.grad, rtol=1e-5, atol=1e-5 * float(p.grad.abs().max()))


def test_for_other_samples_the_error_differs_by_what_lies_outside(pair):
    net, whole, basis_gk, _ = pair
    other = torch.from_numpy(centred(8, 60, seed=9).astype(np.float64))
    outside = other - other @ basis_gk @ basis_gk.T
    want = loss(net, other @ basis_gk) + (outside**2).sum(1).mean()
    assert loss(whole, other).item() == pytest.approx(want.item(), rel=1e-5)


def test_r2_is_that_of_the_network_in_gene_space(cohort, autoencoder):
    x_ng = autoencoder.prepare(cohort)
    basis_gk = torch.from_numpy(autoencoder.subspace.basis_gk.astype(np.float64))
    whole = in_gene_space(deepcopy(autoencoder.net).double(), basis_gk)
    x = torch.from_numpy(x_ng.astype(np.float64))
    want = 1 - float(((whole(x) - x) ** 2).sum().detach() / (x**2).sum())
    assert models.r2(autoencoder, x_ng) == pytest.approx(want, abs=1e-5)


def test_beyond_its_size_the_subspace_is_drawn_and_says_what_it_lost(monkeypatch):
    x_ng = centred(60, 90)
    exact = find_subspace(x_ng)
    monkeypatch.setattr(subspace_file, "EXACT_UP_TO", 12)
    monkeypatch.setattr(subspace_file, "LARGE_RANK", 12)
    drawn = find_subspace(x_ng, seed=1)
    assert drawn.basis_gk.shape == (90, 12)
    np.testing.assert_allclose(drawn.basis_gk.T @ drawn.basis_gk, np.eye(12), atol=1e-4)
    best = 1 - exact.variance_k[:12].sum() / exact.variance_k.sum()
    assert best - 1e-6 <= drawn.lost < best + 0.03
    kept = (drawn.coordinates(x_ng) ** 2).sum() / (x_ng**2).sum()
    assert drawn.lost == pytest.approx(1 - kept, abs=1e-4)
    np.testing.assert_array_equal(find_subspace(x_ng, seed=1).basis_gk, drawn.basis_gk)


def test_a_model_in_a_drawn_subspace_states_the_loss(monkeypatch, cohort, tmp_path):
    monkeypatch.setattr(subspace_file, "EXACT_UP_TO", 10)
    monkeypatch.setattr(subspace_file, "LARGE_RANK", 10)
    model = models.fit(cohort, widths=(6, 4), subject="subject", epochs=2)
    assert model.settings["rank"] == 10
    assert 0.1 < model.subspace.lost < 0.9
    model.save(tmp_path / "model")
    assert models.load(tmp_path / "model").subspace.lost == model.subspace.lost
    assert f"| lost_variance | {model.subspace.lost} |" in (tmp_path / "model" / "CARD.md").read_text()


def test_a_rank_keeps_the_first_axes():
    x_ng = centred(20, 30)
    whole, some = find_subspace(x_ng), find_subspace(x_ng, rank=3)
    np.testing.assert_array_equal(some.basis_gk, whole.basis_gk[:, :3])
    assert some.lost == pytest.approx(1 - whole.variance_k[:3].sum() / whole.variance_k.sum(), abs=1e-6)
