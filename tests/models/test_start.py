import numpy as np
import pytest
import torch
from scipy import stats

from genelight import simulate
from genelight.models.subspace.exact import GeneSpace, find_subspace
from genelight.models.training.network import ACTIVATIONS, Stack
from genelight.models.training.shrink import rotate, shrink_means
from genelight.models.training.starts import STARTS
from genelight.pp import prepare


@pytest.fixture(scope="module")
def x_ng(cohort):
    return prepare(cohort).transform(cohort)


def started(subspace, widths, seed=0):
    net = Stack(subspace.basis_gk.shape[1], widths, "prelu")
    STARTS["programmes"](net, subspace, None, seed=seed)
    return net.requires_grad_(requires_grad=False)


SHAPES = [(16, 8, 4), (8, 8, 8), (4, 16, 4), (4, 8, 16), (16, 4, 16), (5,), (1, 1), (47, 47, 47), (60, 60)]


@pytest.mark.parametrize("widths", SHAPES)
def test_the_start_is_pca_of_the_narrowest_width(x_ng, widths):
    subspace = find_subspace(x_ng)
    c = torch.from_numpy(subspace.coordinates(x_ng))
    want = np.zeros_like(c)
    want[:, : min(widths)] = c[:, : min(widths)]
    np.testing.assert_allclose(started(subspace, widths)(c), want, atol=1e-3)


@pytest.mark.parametrize("widths", SHAPES)
def test_with_shrunken_means_it_is_pca_of_the_shrunken_samples(x_ng, cohort, widths):
    subspace = find_subspace(x_ng)
    shrunk = shrink_means(subspace.coordinates(x_ng), cohort.obs["subject"].to_numpy(), 0.3)
    rotated = rotate(subspace, shrunk)
    shrunk_ng = subspace.genes(shrunk)
    axes_wg = np.linalg.svd(shrunk_ng, full_matrices=False)[2][: min(widths)]
    c = torch.from_numpy(rotated.coordinates(x_ng))
    got_ng = rotated.genes(started(rotated, widths)(c).numpy())
    np.testing.assert_allclose(got_ng, x_ng @ axes_wg.T @ axes_wg, atol=5e-3)


@pytest.mark.parametrize("widths", [(24, 24, 24), (24, 16, 8), (30, 20)])
def test_nothing_listens_to_nodes_beyond_the_rank_of_the_samples_at_first(x_ng, widths):
    twice = np.repeat(x_ng[:11] - x_ng[:11].mean(0), 2, axis=0)
    subspace = find_subspace(twice)
    assert subspace.basis_gk.shape[1] == 10
    net, c = started(subspace, widths), torch.from_numpy(subspace.coordinates(twice))
    used = min(10, *widths)
    np.testing.assert_allclose(net(c)[:, :used], c[:, :used], atol=1e-3)
    assert (net.encode(c, 1)[:, 10:].std(0) > 0).all()
    assert all((after.weight[:used, 10:] == 0).all() for after in [*net.hidden[1:], net.out])


def test_nodes_are_rotated_axes_with_the_heavier_tail_up(x_ng):
    subspace = find_subspace(x_ng)
    net = started(subspace, (8,))
    rotation = net.hidden[0].weight[:, :8].numpy()
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(8), atol=1e-5)
    profile_kg = rotation @ subspace.basis_gk[:, :8].T
    assert (stats.skew(profile_kg, axis=1) > -0.5).all()
    assert ((profile_kg**3).sum(1) >= 0).all()
    variance = net.encode(torch.from_numpy(subspace.coordinates(x_ng)), 1).var(0)
    assert (np.diff(variance) < 1e-3 * variance[0].item()).all()


def test_nodes_stand_for_fewer_genes_than_axes_do_and_find_planted_programmes():
    adata = simulate.cohort(80, visits=2, n_genes=600, noise=0.5)
    subspace = find_subspace(prepare(adata).transform(adata))
    node_kg = started(subspace, (8,)).hidden[0].weight[:, :8].numpy() @ subspace.basis_gk[:, :8].T
    axis_kg = subspace.basis_gk[:, :8].T
    assert stats.kurtosis(node_kg, axis=1).mean() > stats.kurtosis(axis_kg, axis=1).mean() + 1

    def found(profile_kg):
        return np.abs(np.corrcoef(profile_kg, adata.varm["programmes"].T)[:8, 8:]).max(0)

    assert found(node_kg).min() > 0.9
    assert found(node_kg).mean() > found(axis_kg).mean() + 0.1


def test_starts_depend_on_the_seed_alone(x_ng):
    subspace = find_subspace(x_ng)
    c = torch.from_numpy(subspace.coordinates(x_ng))
    for name in STARTS:
        nets = [Stack(c.shape[1], (6, 3), "prelu") for _ in range(3)]
        for net, seed in zip(nets, (1, 1, 2), strict=True):
            STARTS[name](net, subspace, c, seed=seed)
        first, again, other = (net.hidden[0].weight for net in nets)
        assert torch.equal(first, again)
        assert name != "random" or not torch.equal(first, other)


def test_the_random_start_has_the_variance_of_he():
    net = Stack(400, (300, 200), "relu")
    STARTS["random"](net, None, None, seed=0)
    for linear in [*net.hidden, net.out]:
        assert linear.weight.std().item() == pytest.approx((2 / linear.in_features) ** 0.5, rel=0.02)
        assert (linear.bias == 0).all()


def test_the_unit_variance_start_lets_every_layer_hear_the_samples(x_ng):
    space = GeneSpace.unit(x_ng)
    c = torch.from_numpy(space.coordinates(x_ng))
    heard = {}
    for name in ("glorot", "unit variance"):
        net = Stack(c.shape[1], (32, 32, 32), "sigmoid", squash=True)
        STARTS[name](net, space, c, seed=0)
        with torch.no_grad():
            heard[name] = [linear(net.encode(c, depth)) for depth, linear in enumerate(net.hidden)]
            back = net(c)
    for z in heard["unit variance"]:
        np.testing.assert_allclose(z.mean(0), 0.0, atol=0.02)
        np.testing.assert_allclose(z.std(0), 1.0, atol=0.02)
    assert heard["glorot"][2].std(0).max() < 0.3
    # What comes out begins near each gene's own mean.
    assert (back.mean(0) - c.mean(0)).abs().median() < 0.02


def test_activations_bend_as_they_say():
    x = torch.tensor([[-2.0, 3.0]])
    np.testing.assert_array_equal(ACTIVATIONS["prelu"](2)(x).detach(), x)
    np.testing.assert_array_equal(ACTIVATIONS["relu"](2)(x), [[0.0, 3.0]])
