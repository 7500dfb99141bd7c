import math
from copy import deepcopy

import numpy as np
import pytest
import torch

from genelight.errors import InputError
from genelight.models.recipe import Recipe
from genelight.models.training.loop import find_rate, settle, train
from genelight.models.training.network import Stack
from genelight.models.training.objective import HeldOut, Objective
from genelight.models.training.starts import STARTS


def samples(n: int = 130, k: int = 12) -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(
        (rng.normal(size=(n, 3)) @ rng.normal(size=(3, k)) + 0.2 * rng.normal(size=(n, k))) * 5
    ).float()


def watched(c: torch.Tensor) -> HeldOut:
    size_n = (c.double() ** 2).sum(1).numpy()
    return HeldOut(c, torch.ones(1), 0 * size_n, size_n, size_n / 2, np.arange(len(c)))


def network(activation: str = "prelu") -> Stack:
    net = Stack(12, (6, 4), activation)
    STARTS["random"](net, None, None, seed=0)
    return net


def test_training_lowers_the_loss_and_tells_of_every_epoch():
    history = train(network(), samples(), Recipe(1e-2, epochs=30), held_out=watched(samples()[:20]))
    assert [record["epoch"] for record in history] == list(range(31))
    assert history[-1]["train_loss"] < 0.3 * history[0]["train_loss"]
    assert 1 - history[-1]["held_out_r2"] < 0.3 * (1 - history[0]["held_out_r2"])
    assert [record["held_out_r2_pca"] for record in history] == pytest.approx([0.5] * 31)


def test_the_loss_is_the_share_of_variance_not_reconstructed():
    net, c = network(), samples()
    want = float(((net(c) - c) ** 2).sum().detach() / ((c - c.mean(0)) ** 2).sum())
    history = train(net, c, Recipe(1e-2, epochs=1, stop=0), held_out=watched(c[:7]))
    assert len(history) == 1
    assert history[0]["train_loss"] == pytest.approx(want, rel=1e-5)
    with torch.no_grad():
        r2 = 1 - ((net(c[:7]) - c[:7]) ** 2).sum() / (c[:7] ** 2).sum()
    assert history[0]["held_out_r2"] == pytest.approx(r2.item(), rel=1e-5)


def test_sparsity_adds_the_mean_absolute_code_in_its_own_units_and_lowers_it():
    net, c = network(), samples()
    with torch.no_grad():
        error = float(((net(c) - c) ** 2).sum() / ((c - c.mean(0)) ** 2).sum())
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
    train(nets[1], samples(), Recipe(1e-2, epochs=3), held_out=watched(torch.full((5, 12), 100.0)))
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


def test_after_a_divergence_the_network_is_as_it_was_after_the_last_good_epoch():
    net, kept = network("relu"), network("relu")
    with pytest.raises(InputError, match="is kept as it was after epoch"):
        train(net, samples(), Recipe(1e3, epochs=20))
    for a in net.parameters():
        assert torch.isfinite(a).all()
    with torch.no_grad():
        before, after = (float(((n(samples()) - samples()) ** 2).sum()) for n in (kept, net))
    assert after <= 10 * before


def test_values_that_are_no_numbers_are_noticed():
    c = samples()
    c[3, 4] = float("nan")
    with pytest.raises(InputError, match="training diverged: the loss went from nan to nan"):
        train(network(), c, Recipe(1e-3, epochs=2))


@pytest.mark.parametrize("start", [1e-3, 1e-1])
def test_a_rate_that_is_found_learns_and_leaves_the_network_alone(start):
    net = network("relu")
    before = deepcopy(net.state_dict())
    rate = find_rate(net, samples(), Recipe(start, epochs=30))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert 1e-5 < rate < 0.2
    history = train(net, samples(), Recipe("find", epochs=30))
    assert history[-1]["train_loss"] < 0.3 * history[0]["train_loss"]


def test_dropout_and_noise_are_of_the_training_alone():
    net, c = network(), samples()
    history = train(net, c, Recipe(1e-2, epochs=3, dropout=0.3, noise=1.0), seed=4)
    again = network()
    assert train(again, c, Recipe(1e-2, epochs=3, dropout=0.3, noise=1.0), seed=4) == history
    assert train(network(), c, Recipe(1e-2, epochs=3), seed=4)[-1] != history[-1]
    objective = Objective(net, c, Recipe(1e-2, epochs=3, dropout=0.3, noise=1.0))
    plain = Objective(net, c, Recipe(1e-2, epochs=3))
    with torch.no_grad():
        assert objective(c)[0] == plain(c)[0]
        draw = torch.Generator().manual_seed(0)
        assert objective(c, draw=draw)[0] != objective(c, draw=draw)[0]


def test_denoising_shrinks_the_axes_that_noise_covers():
    """The best linear map from noisy to clean scales an axis of variance v by v / (v + noise variance)."""
    rng = np.random.default_rng(0)
    variance = np.array([9.0, 1.0, 0.25])
    c = torch.from_numpy(rng.normal(size=(4000, 3)) * np.sqrt(variance)).float()
    net = Stack(3, (3,), "prelu")
    with torch.no_grad():
        for linear in (net.hidden[0], net.out):
            linear.weight.copy_(torch.eye(3))
            linear.bias.zero_()
    train(net, c, Recipe(1e-2, epochs=30, noise=1.0, batch=200))
    with torch.no_grad():
        slope = (net.out.weight @ net.hidden[0].weight).diag().numpy()
    np.testing.assert_allclose(slope, variance / (variance + 1), atol=0.08)


def test_weights_that_may_not_be_negative_are_not():
    net = network("relu")
    train(net, samples(), Recipe(1e-2, epochs=5, nonnegative=True))
    assert (net.out.weight >= 0).all()
    assert (net.out.weight > 0).any()


def test_the_divergence_is_torchs_and_grows_with_its_weight():
    net = Stack(12, (6, 4), "prelu", latent=2)
    STARTS["random"](net, None, None, seed=0)
    c = samples()
    with torch.no_grad():
        mean, log_variance = net.encode(c, 2), net.spread(net.encode(c, 1))
        posterior = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
        want = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()
        objective = Objective(net, c, Recipe(1e-3, epochs=1, divergence=1.0), genes=40)
        loss, error = objective(c)
        share = error.item() / objective.variance.item()
        assert loss.item() - share == pytest.approx(2 * share / 40 * want.item(), rel=1e-4)
        assert objective(c, warmth=0.0)[0] == pytest.approx(error.item() / objective.variance.item(), rel=1e-5)


def test_bfloat16_learns_what_float32_learns():
    rows = {}
    for precision in ("float32", "bfloat16"):
        net = network()
        rows[precision] = train(net, samples(), Recipe(3e-3, epochs=60, precision=precision))
        assert all(p.dtype == torch.float32 for p in net.parameters())
    assert rows["bfloat16"] != rows["float32"]
    assert rows["bfloat16"][-1]["train_loss"] == pytest.approx(rows["float32"][-1]["train_loss"], abs=0.02)


def test_auto_takes_the_faster_precision(monkeypatch):
    clock = iter([0, 2, 0, 2, 0, 2, 0, 2, 0, 1, 0, 1, 0, 1, 0, 1])
    monkeypatch.setattr("genelight.models.training.loop.time.perf_counter", lambda: next(clock))
    recipe = settle(network(), samples(), Recipe(1e-3, epochs=1, precision="auto"))
    assert recipe.precision == "bfloat16"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"learning_rate": "fnid"}, "learning_rate = 'fnid'; give a number such as 1e-3, or 'find'"),
        ({"learning_rate": 0.0}, "learning_rate = 0.0 must be above zero"),
        ({"dropout": 1.0}, "dropout = 1.0 must be from 0 to below 1"),
        ({"noise": -1.0}, "noise = -1.0 must be zero or above"),
        ({"precision": "float16"}, "unknown precision 'float16'; did you mean"),
        ({"batch": 0}, "batch = 0 must be above zero"),
    ],
)
def test_settings_out_of_range(settings, said):
    with pytest.raises(InputError, match=said):
        Recipe(**{"learning_rate": 1e-3, "epochs": 1, **settings})


def test_fewer_samples_than_a_batch_are_one_batch():
    history = train(network(), samples(5), Recipe(1e-2, epochs=20, batch=64))
    assert history[-1]["train_loss"] < history[0]["train_loss"]
