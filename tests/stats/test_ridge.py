"""One decomposition for all penalties, against scikit-learn's ridge at each."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from genelight.stats.ridge import PENALTIES, ridge_path


@pytest.mark.parametrize("features", [5, 30, 80], ids=["more samples", "as many of both", "more features"])
def test_every_penalty_is_that_of_scikit_learn(features):
    rng = np.random.default_rng(features)
    n = 30
    f = rng.normal(3.0, 2.0, (n, features))
    y = f[:, :1] - f[:, 1:2] + rng.normal(size=(n, 2)) + 10
    weight = rng.uniform(0.5, 2.0, n)
    share = weight / weight.sum()
    path = ridge_path(f, y, weight)
    length = float(share @ ((f - share @ f) ** 2).sum(1))
    new = rng.normal(3.0, 2.0, (7, features))
    found = path.predict(new)
    assert found.shape == (7, len(PENALTIES), 2)
    for p, penalty in enumerate(PENALTIES):
        model = Ridge(alpha=penalty * length / n, tol=1e-14, solver="svd").fit(f, y, sample_weight=share)
        np.testing.assert_allclose(found[:, p], model.predict(new), rtol=1e-6)
        line = path.line(p, 1)
        np.testing.assert_allclose(line.intercept + (new - line.centre_f) @ line.weight_f, found[:, p, 1])


def test_features_that_do_not_vary_say_nothing():
    y = np.arange(6.0)[:, None]
    path = ridge_path(np.ones((6, 3)), y, np.ones(6))
    np.testing.assert_allclose(path.predict(np.full((2, 3), 5.0)), 2.5)
