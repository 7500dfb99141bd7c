"""Clusters of genes: planted ones come back, an axis is that of a plain decomposition, and axes are orthonormal."""

import numpy as np
import pytest

from genelight import models, simulate
from genelight.errors import InputError


@pytest.fixture(scope="module")
def planted():
    adata = simulate.cohort(programmes=simulate.Programmes(size=60), seed=1)
    return adata, models.Eigengenes(40).fit(adata)


def test_axes_are_orthonormal_and_do_not_share_genes(planted):
    basis_gk = planted[1].basis_gk
    np.testing.assert_allclose(basis_gk.T @ basis_gk, np.eye(40), atol=1e-5)
    assert ((basis_gk != 0).sum(1) <= 1).all()


def test_an_axis_is_the_first_of_its_genes(planted):
    adata, model = planted
    x_ng = model.prepare(adata)
    members = np.flatnonzero(model.basis_gk[:, 3])
    vt = np.linalg.svd(x_ng[:, members] - x_ng[:, members].mean(0), full_matrices=False)[2]
    np.testing.assert_allclose(np.abs(vt[0]), np.abs(model.basis_gk[members, 3]), atol=1e-3)


def test_every_cluster_has_a_gene(cohort):
    genes = cohort.n_vars
    model = models.Eigengenes(min(40, genes)).fit(cohort)
    assert (np.abs(model.basis_gk).sum(0) > 0).all()
    with pytest.raises(InputError, match="width = "):
        models.Eigengenes(10**6).fit(cohort)
