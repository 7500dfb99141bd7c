from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats

from genelight import models, nodes
from genelight.errors import GeneMismatchError, InputError
from genelight.nodes.between_layers import _connections, _slopes


@pytest.fixture(scope="module")
def model(cohort):
    return models.fit(cohort.adata, widths=(12, 8, 4), subject="subject", epochs=3)


def test_one_row_per_pair_of_nodes_of_two_layers(cohort, model):
    table = nodes.layer_map(cohort.adata, model)
    sizes = table.groupby(["source_layer", "target_layer"], sort=False).size().to_dict()
    assert sizes == {("L1", "L2"): 96, ("L2", "L3"): 32, ("L1", "L3"): 48}
    np.testing.assert_allclose(table.groupby(["source_layer", "target"])["share"].sum(), 1)
    assert table["q"].between(0, 1).all()
    for _, part in table.groupby(["source_layer", "target_layer"]):
        np.testing.assert_allclose(part["q"], stats.false_discovery_control(part["p"]))
    assert table.equals(nodes.layer_map(cohort.adata, model))


def test_a_layer_feeds_the_one_after_the_next_through_the_one_between(cohort):
    preset = models.PRESETS["default"].changed(learning_rate=1e-12)
    model = models.fit(cohort.adata, widths=(12, 8, 4), subject="subject", epochs=1, preset=preset)
    x_ng = model.prepare(cohort.adata)
    table = nodes.layer_map(cohort.adata, model)
    far = table[(table["source_layer"] == "L1") & (table["target_layer"] == "L3")]
    second, third = (step.weight.numpy() for step in model.net.hidden[1:])
    expected = third @ second * model.encode(x_ng, "L1").std(0) / model.encode(x_ng, "L3").std(0)[:, None]
    np.testing.assert_allclose(far["weight"].to_numpy().reshape(4, 12), expected, atol=1e-5)


def test_weight_of_a_linear_step_is_its_weight_in_standard_deviations(cohort):
    model = models.fit(
        cohort.adata,
        widths=(12, 8),
        subject="subject",
        epochs=1,
        preset=models.PRESETS["default"].changed(learning_rate=1e-12),
    )
    table = nodes.layer_map(cohort.adata, model)
    x_ng = model.prepare(cohort.adata)
    sd_s, sd_t = model.encode(x_ng, "L1").std(0), model.encode(x_ng, "L2").std(0)
    expected = model.net.hidden[1].weight.numpy() * sd_s / sd_t[:, None]
    np.testing.assert_allclose(table["weight"].to_numpy().reshape(8, 12), expected, atol=1e-5)


def test_slopes_are_averaged_over_samples():
    h = np.linspace(-1, 1, 50, dtype=np.float32)[:, None]
    step = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.ReLU()).requires_grad_(False)
    step[0].weight.fill_(2.0)
    step[0].bias.zero_()
    np.testing.assert_allclose(_slopes(step, h), [[1.0]])


@pytest.mark.parametrize("draw", ["standard_normal", "laplace", "sources"])
def test_p_is_uniform_for_connections_that_go_anywhere(draw):
    rng = np.random.default_rng(0)
    made = {
        "standard_normal": lambda: rng.standard_normal((32, 40)),
        "laplace": lambda: rng.laplace(size=(32, 40)),
        "sources": lambda: rng.standard_normal((32, 40)) * np.exp(rng.standard_normal(40)),
    }
    tables = [_connections(made[draw](), np.ones(40), np.ones(32), rng=rng) for _ in range(12)]
    p = np.concatenate([table["p"] for table in tables])
    assert abs(np.mean(p <= 0.05) - 0.05) < 0.01
    assert abs(p.mean() - 0.5) < 0.02
    assert sum((table["q"] <= 0.05).any() for table in tables) <= 3


def test_a_source_that_fills_a_target_is_found():
    rng = np.random.default_rng(0)
    slope = rng.normal(size=(30, 40))
    slope[3] = 0.1 * slope[3] + 3 * (np.arange(40) == 4)
    table = _connections(slope, np.ones(40), np.ones(30), rng=rng)
    assert np.flatnonzero(table["q"] <= 0.05).tolist() == [3 * 40 + 4]


def test_a_lone_strong_connection_is_seen_by_its_direction_alone():
    rng = np.random.default_rng(0)
    slope = rng.normal(size=(30, 40))
    slope[3, 4] = 12
    table = _connections(slope, np.ones(40), np.ones(30), rng=rng)
    assert table["q_direction"].idxmin() == table["share"].idxmax() == 3 * 40 + 4
    assert table["q_direction"].min() < 1e-6
    assert (table["q"] > 0.05).all()


def test_shares_of_a_random_direction_are_beta():
    rng = np.random.default_rng(0)
    table = _connections(rng.normal(size=(400, 30)), np.ones(30), np.ones(400), rng=rng)
    share = table["share"].to_numpy().reshape(400, 30)[:, 0]
    assert stats.kstest(share, stats.beta(0.5, 14.5).cdf).pvalue > 0.01


def test_nodes_that_do_not_vary_are_not_connected():
    rng = np.random.default_rng(0)
    table = _connections(np.ones((2, 3)), np.array([1.0, 0.0, 1.0]), np.array([1.0, 0.0]), rng=rng)
    assert table["weight"].tolist() == [1, 0, 1, 0, 0, 0]
    assert table["p"].iloc[1] == 1
    assert (table["p"].iloc[[3, 4, 5]] == 1).all()
    assert (_connections(np.ones((2, 1)), np.ones(1), np.ones(2), rng=rng)["p"] == 1).all()


def test_bad_input(cohort, model, linear):
    with pytest.raises(InputError, match="1 hidden layer"):
        nodes.layer_map(cohort.adata, models.PCA(3).fit(cohort.adata))
    with pytest.raises(InputError, match="0 hidden layer"):
        nodes.layer_map(cohort.adata, SimpleNamespace(name="flat", widths={}))
    with pytest.raises(InputError, match="model toy does not show"):
        nodes.layer_map(cohort.adata, linear)
    with pytest.raises(GeneMismatchError):
        nodes.layer_map(cohort.adata[:, :20], model)
