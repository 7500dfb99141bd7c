import math

import numpy as np
import pytest
import torch

from genelight._core.errors import InputError
from genelight.models import Recipe
from genelight.models.network import STARTS, Stack
from genelight.models.training import train


def samples(n: int = 130, k: int = 12) -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(
        (rng.normal(size=(n, 3)) @ rng.normal(size=(3, k)) + 0.2 * rng.normal(size=(n, k))) * 5
    ).float()


def network(activation: str = "prelu") -> Stack:
    net = Stack(12, (6, 4), activation)
    STARTS["random"](net, None, 0)
    return net


def test_training_lowers_the_loss_and_tells_of_every_epoch():
    history = train(network(), samples(), Recipe(1e-2, epochs=30), held_out_nk=samples()[:20])
    assert [record["epoch"] for record in history] == list(range(31))
    assert history[-1]["train_loss"] < 0.3 * history[0]["train_loss"]
    assert history[-1]["held_out_error"] < 0.3 * history[0]["held_out_error"]


def test_the_loss_is_the_share_of_variance_not_reconstructed():
    net, c = network(), samples()
    want = float(((net(c) - c) ** 2).sum().detach() / (c**2).sum())
    history = train(net, c, Recipe(1e-2, epochs=1, stop=0), held_out_nk=c[:7])
    assert len(history) == 1
    assert history[0]["train_loss"] == pytest.approx(want, rel=1e-5)
    with torch.no_grad():
        assert history[0]["held_out_error"] == pytest.approx(((net(c[:7]) - c[:7]) ** 2).sum(1).mean().item(), rel=1e-5)


def test_sparsity_adds_the_mean_absolute_code_in_its_own_units_and_lowers_it():
    net, c = network(), samples()
    with torch.no_grad():
        error = float(((net(c) - c) ** 2).sum() / (c**2).sum())
        codes = [net.encode(c, depth) for depth in (1, 2)]
        penalty = sum(float(h.abs().mean() / h.std(0).mean()) for h in codes) / 2
    start = train(network(), c, Recipe(1e-2, epochs=1, sparsity=0.5, stop=0))[0]["train_loss"]
    assert start == pytest.approx(error + 0.5 * penalty, rel=1e-4)

    def size(sparsity):
        trained = network()
        train(trained, c, Recipe(1e-2, epochs=60, sparsity=sparsity))
        with torch.no_grad():
            return sum(float(trained.encode(c, depth).abs().mean()) for depth in (1, 2))

    assert size(0.3) < 0.9 * size(0.0)


def test_held_out_samples_are_measured_and_not_learned_from():
    nets = [network(), network()]
    train(nets[0], samples(), Recipe(1e-2, epochs=3))
    train(nets[1], samples(), Recipe(1e-2, epochs=3), held_out_nk=torch.full((5, 12), 100.0))
    for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_stop_ends_the_same_schedule_early():
    whole = train(network(), samples(), Recipe(1e-2, epochs=8))
    part = train(network(), samples(), Recipe(1e-2, epochs=8, stop=3))
    assert part == whole[:4]


def test_the_seed_orders_the_samples():
    runs = [train(network(), samples(), Recipe(1e-2, epochs=2), seed=seed) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]


def test_divergence_stops_and_names_a_smaller_rate():
    with pytest.raises(InputError, match=r"diverged: the loss went from .* learning_rate below 1000, for example 100"):
        train(network("relu"), samples(), Recipe(1e3, epochs=20))


def test_an_exact_start_that_loses_a_little_has_not_diverged():
    net, c = Stack(12, (12,), "prelu"), samples()
    with torch.no_grad():
        for linear in (net.hidden[0], net.out):
            linear.weight.copy_(torch.eye(12))
            linear.bias.zero_()
    history = train(net, c, Recipe(1e-3, epochs=3, sparsity=0.1))
    assert all(math.isfinite(record["train_loss"]) for record in history)
    history = train(net, c, Recipe(1e-3, epochs=3))
    assert history[-1]["train_loss"] < 0.1
