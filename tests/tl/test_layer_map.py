from types import SimpleNamespace

import numpy as np
import pytest
import torch

from genelight import models, tl
from genelight._core.errors import GeneMismatchError, InputError
from genelight.tl.layer_map import _connections, _slopes


@pytest.fixture(scope="module")
def model(cohort):
    return models.fit(cohort.adata, widths=(12, 8, 4), subject="subject", epochs=3)


def test_one_row_per_pair_of_consecutive_layers(cohort, model):
    table = tl.layer_map(model, cohort.adata)
    assert len(table) == 12 * 8 + 8 * 4
    assert table.groupby("target_layer").size().to_dict() == {"L2": 96, "L3": 32}
    np.testing.assert_allclose(table.groupby("target")["share"].sum(), 1)
    assert table["q"].between(0, 1).all()


def test_weight_of_a_linear_step_is_its_weight_in_standard_deviations(cohort):
    model = models.fit(
        cohort.adata, widths=(12, 8), subject="subject", epochs=1, preset=models.preset("default", learning_rate=1e-12)
    )
    table = tl.layer_map(model, cohort.adata)
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


def test_p_is_uniform_for_random_directions_and_small_for_one_source():
    rng = np.random.default_rng(0)
    slope = rng.normal(size=(400, 30))
    p = _connections(slope, np.ones(30), np.ones(400))["p"].to_numpy().reshape(400, 30)
    # One connection a target: those of one target share a length and are not independent.
    assert 0.01 < np.mean(p[:, 0] < 0.05) < 0.1
    assert abs(np.mean(p[:, 7]) - 0.5) < 0.05
    slope[3] = 0.1 * slope[3] + 5 * (np.arange(30) == 4)
    p = _connections(slope, np.ones(30), np.ones(400))["p"].to_numpy().reshape(400, 30)
    assert p[3].argmin() == 4
    assert p[3, 4] < 1e-12


def test_nodes_that_do_not_vary_are_not_connected():
    table = _connections(np.ones((2, 3)), np.array([1.0, 0.0, 1.0]), np.array([1.0, 0.0]))
    assert table["weight"].tolist() == [1, 0, 1, 0, 0, 0]
    assert table["p"].iloc[1] == 1
    assert (_connections(np.ones((2, 1)), np.ones(1), np.ones(2))["p"] == 1).all()


def test_bad_input(cohort, model, linear):
    with pytest.raises(InputError, match="1 hidden layer"):
        tl.layer_map(models.fit_pca(cohort.adata, width=3), cohort.adata)
    with pytest.raises(InputError, match="0 hidden layer"):
        tl.layer_map(SimpleNamespace(name="flat", widths={}), cohort.adata)
    with pytest.raises(InputError, match="model toy does not show"):
        tl.layer_map(linear, cohort.adata)
    with pytest.raises(GeneMismatchError):
        tl.layer_map(model, cohort.adata[:, :20])
