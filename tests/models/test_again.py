"""The same kind of model on another table."""

import numpy as np
import pytest

import genelight as gl
from genelight.errors import InputError


@pytest.mark.parametrize(
    "fit",
    [
        lambda a: gl.models.fit_pca(a, width=4),
        lambda a: gl.models.fit_ica(a, width=4),
        lambda a: gl.fit(a, widths=(8, 4), subject="subject", epochs=2),
        lambda a: gl.models.fit_random(a, widths=(8, 4)),
    ],
)
def test_training_again_on_the_same_table_gives_the_same_model(fit):
    adata = gl.demo.cohort()[:100, :120].copy()
    model = fit(adata)
    again = gl.models.again(model, subject="subject")
    assert again(adata).digest == model.digest
    other = again(adata[:70].copy())
    assert dict(other.widths) == dict(model.widths)
    assert other.digest != model.digest
    assert not np.array_equal(other.preparation.mean_g, model.preparation.mean_g)


def test_a_kind_that_cannot_be_trained_again_says_so():
    model = gl.models.fit_nmf(gl.demo.cohort()[:, :60].copy(), width=2)
    with pytest.raises(InputError, match="cannot be trained again"):
        gl.models.again(model)
