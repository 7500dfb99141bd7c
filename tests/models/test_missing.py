"""Genes that a table lacks come from the model, and each sample by itself."""

import numpy as np
import pytest

import genelight as gl
from genelight.models.reference.missing import AXES, expected

COHORT = gl.demo.cohort()[:, :600].copy()
KINDS = {
    "pca": lambda a: gl.models.PCA(16).fit(a),
    "ica": lambda a: gl.models.ICA(8).fit(a),
    "nmf": lambda a: gl.models.NMF(8).fit(a),
    "deep": lambda a: gl.models.Deep((16, 8, 16), recipe=gl.models.DeepRecipe(epochs=3)).fit(a),
    "autoencoder": lambda a: gl.fit(a, widths=(16, 8), epochs=3),
}


@pytest.fixture(scope="module", params=KINDS)
def halves(request):
    """A model of the first subjects, and tables of the others: whole, and without every ninth gene."""
    subject = COHORT.obs["subject"].astype(str)
    first = subject.isin(sorted(subject.unique())[:12]).to_numpy()
    gone = np.arange(COHORT.n_vars) % 9 == 4
    model = KINDS[request.param](COHORT[first].copy())
    return model, COHORT[~first].copy(), gone


def test_hidden_genes_are_expected_better_than_by_their_mean(halves):
    model, later, gone = halves
    whole, filled = model.prepare(later), model.prepare(later[:, ~gone].copy())
    np.testing.assert_array_equal(filled[:, ~gone], whole[:, ~gone])
    left = ((whole - filled)[:, gone] ** 2).sum() / (whole[:, gone] ** 2).sum()
    assert left < 0.9
    assert not (filled[:, gone] == 0).any()


def test_a_sample_alone_is_filled_as_among_many(halves):
    model, later, gone = halves
    fewer = later[:, ~gone].copy()
    many, alone = model.prepare(fewer), model.prepare(fewer[4:5].copy())
    np.testing.assert_allclose(alone, many[4:5], atol=1e-4)
    assert model.prepare(fewer[:0].copy()).shape == (0, 600)


def test_expectation_is_that_of_a_normal_distribution():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(30, 4)))[0]
    variance, noise = np.array([9.0, 4.0, 2.0, 1.0]), 0.3
    x = rng.normal(size=(5, 30))
    there = np.arange(30) % 3 > 0
    cov = basis * variance @ basis.T + noise * np.eye(30)
    want = x[:, there] @ np.linalg.solve(cov[np.ix_(there, there)], cov[np.ix_(there, ~there)])
    got = expected(x, there, axes=(basis, variance), noise=noise)
    np.testing.assert_allclose(got[:, ~there], want, atol=1e-10)
    assert AXES == 64


def test_too_few_genes_stop_with_what_to_type(halves):
    model, later, _ = halves
    with pytest.raises(gl.GenelightError, match=r"genelight map-ids FILE --model MODEL"):
        model.prepare(later[:, :300].copy())
