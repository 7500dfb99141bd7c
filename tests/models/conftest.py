"""One small cohort and its models, fitted once for the room."""

from __future__ import annotations

import pytest
from anndata import AnnData

from genelight import models, simulate
from genelight.models import deep as deep_file
from genelight.models.fitted_autoencoder import FittedAutoencoder
from genelight.models.fitted_deep import FittedDeep
from genelight.models.linear import FittedLinear


@pytest.fixture(scope="session")
def cohort() -> AnnData:
    """24 subjects seen twice, 400 genes, eight planted programmes."""
    return simulate.cohort(24, visits=2, n_genes=400)


@pytest.fixture(scope="session")
def autoencoder(cohort: AnnData) -> FittedAutoencoder:
    return models.fit(cohort, widths=(16, 8, 4), subject="subject", epochs=10)


@pytest.fixture(scope="session")
def plain(cohort: AnnData) -> FittedAutoencoder:
    return models.fit(cohort, preset="plain", widths=(16, 8, 4), subject="subject", epochs=10)


@pytest.fixture(scope="session")
def pca(cohort: AnnData) -> FittedLinear:
    return models.PCA(8).fit(cohort)


@pytest.fixture(scope="session")
def deep(cohort: AnnData) -> FittedDeep:
    # Its data are linear; whatever is said of the samples left out, the contract is that of all three layers.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deep_file, "LEAST_GAIN", -1.0)
        patch.setattr(deep_file._LeftOut, "pays", True)
        found = models.Deep((16, 4, 16), subject="subject", recipe=models.DeepRecipe(epochs=3)).fit(cohort)
    assert found.deep
    return found
