"""A score split among genes: exact where the model is linear, complete where it is not."""

import numpy as np
import pytest

import genelight as gl
from genelight.errors import InputError

PLAN = gl.patients.Protocol(folds=3, draws=0)


@pytest.fixture(scope="module")
def adata():
    return gl.demo.cohort()[:, :150].copy()


def test_a_linear_score_is_split_exactly(adata):
    model = gl.models.PCA(4).fit(adata)
    severity = gl.patients.severity(adata, model, measure="hours", subject="subject", layer="PC", protocol=PLAN)
    found = gl.patients.drivers(adata[:3], model, severity=severity, n_top=150)
    weight_g = model.basis_gk @ severity.head("PC")["weight"].to_numpy()
    own = found[found["sample"] == adata.obs_names[1]].set_index("gene")["part"]
    expected = model.prepare(adata[1:2])[0] * weight_g
    np.testing.assert_allclose(own[list(model.genes.ids)], expected, rtol=1e-3, atol=1e-4)
    assert found["part"].abs().groupby(found["sample"]).apply(lambda p: p.is_monotonic_decreasing).all()


def test_the_parts_of_a_deep_score_add_up(adata):
    model = gl.fit(adata, widths=(16, 8), subject="subject", epochs=3)
    severity = gl.patients.severity(adata, model, measure="hours", subject="subject", layer="L2", protocol=PLAN)
    found = gl.patients.drivers(adata, model, severity=severity, n_top=150)
    total_n = found.groupby("sample", sort=False)["part"].sum().to_numpy()
    x_ng = model.prepare(adata)
    score_n = severity.score({"L2": model.encode(x_ng, "L2")})
    start = severity.score({"L2": model.encode(np.zeros_like(x_ng[:1]), "L2")})
    assert np.abs(score_n - start - total_n).max() < 0.05 * np.ptp(score_n)
    assert found["gap"].abs().max() < 0.05 * np.ptp(score_n)
    other = gl.models.PCA(4).fit(adata)
    with pytest.raises(InputError, match="pass the model it came from"):
        gl.patients.drivers(adata, other, severity=severity)
