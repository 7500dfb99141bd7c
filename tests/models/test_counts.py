"""The autoencoder of counts."""

import numpy as np
import pytest
import torch
from scipy.stats import nbinom

from genelight import encode, fit, light_up, load, prepare, simulate
from genelight.errors import InputError
from genelight.models.training.count_net import Counted, CountNet, lost

CELLS = simulate.features("cell", 10, visits=60, n_features=120, seed=4)
PREPARED = prepare(CELLS, features="cell", scale="counts")
MODEL = fit(CELLS, preset="counts", widths=(16, 4, 16), subject="subject", preparation=PREPARED, epochs=8)


def test_the_loss_is_the_negative_binomial_likelihood():
    rng = np.random.default_rng(0)
    z, count = rng.normal(size=(5, 30)).astype(np.float32), rng.poisson(3.0, (5, 30)).astype(np.float32)
    basis = np.linalg.qr(rng.normal(size=(30, 3)))[0]
    share = rng.dirichlet(np.ones(30))
    net = CountNet(basis, np.ones(3), share_g=share, steep_g=np.ones(30), widths=(4, 3, 4)).eval()
    net.log_size.data = torch.from_numpy(rng.normal(size=30).astype(np.float32))
    mean = net(torch.from_numpy(z)).detach().exp().numpy() * count.sum(1, keepdims=True)
    size = np.exp(net.log_size.detach().numpy().astype(np.float64))
    from scipy.special import gammaln

    want = -(nbinom.logpmf(count, size, size / (size + mean)) + gammaln(count + 1)).mean(1)
    np.testing.assert_allclose(lost(net, Counted(z, count)), want, rtol=2e-4)


def test_it_begins_at_principal_axes_and_training_serves_donors_left_out():
    start, end = MODEL.about["held_out_loss"]
    assert end < start
    assert MODEL.settings["epochs"] > 0
    assert "of subjects left out" in MODEL.verdict
    none = fit(CELLS, preset="counts", widths=(16, 4, 16), subject="subject", preparation=PREPARED, epochs=1)
    assert none.history[0]["held_out_loss"] == pytest.approx(MODEL.history[0]["held_out_loss"])
    held_out = MODEL.about["held_out"]
    assert abs(held_out["r2"] - held_out["pca_r2"]) < 0.1
    assert held_out["subjects"] < 10


def test_codes_and_light_up_are_those_of_any_model_and_cell_types_are_found(tmp_path):
    h_nk = encode(CELLS, MODEL, layer="L2")
    kind_n = CELLS.obs["cell_type"].astype(str).to_numpy()
    between = sum((kind_n == t).sum() * ((h_nk[kind_n == t].mean(0) - h_nk.mean(0)) ** 2) for t in set(kind_n))
    assert (between / ((h_nk - h_nk.mean(0)) ** 2).sum(0)).max() > 0.3
    nodes = light_up(MODEL, "L2")
    assert nodes.values_kg.shape == (4, len(PREPARED.genes))
    rates = MODEL.rates(h_nk)
    np.testing.assert_allclose(rates.sum(1), 1, rtol=1e-4)
    MODEL.save(tmp_path / "model")
    back = load(tmp_path / "model")
    assert (back.digest, back.spec) == (MODEL.digest, MODEL.spec)
    np.testing.assert_array_equal(encode(CELLS, back, layer="L3"), encode(CELLS, MODEL, layer="L3"))
    np.testing.assert_array_equal(back.rates(h_nk), rates)


def test_what_is_no_count_is_told():
    cohort = simulate.cohort(20, n_genes=400)
    with pytest.raises(InputError, match=r"learns from counts in memory, not from scale 'log2'; say scale='counts'"):
        fit(cohort, preset="counts", subject="subject")
    with pytest.raises(InputError, match="three layers"):
        fit(CELLS, preset="counts", widths=(4,), subject="subject", preparation=PREPARED)
    few = CELLS[CELLS.obs["subject"].isin(list(CELLS.obs["subject"].unique()[:3]))].copy()
    with pytest.raises(InputError, match="180 samples of 3 subjects; at least 5 are needed"):
        fit(few, preset="counts", subject="subject", preparation=PREPARED)
