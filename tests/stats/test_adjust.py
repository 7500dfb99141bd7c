import numpy as np
import pytest
import statsmodels.api as sm

from genelight import modules
from genelight.nouns import Contrast
from genelight.stats import moderated as _moderated
from genelight.stats.discriminant import Adjustment, groups_of
from genelight.stats.moderated import Design
from genelight.stats.squeeze import Squeezed


def confounded(cohort, strength=2.0, seed=0):
    """The cohort with an age that is higher in cases and moves the last fifty genes."""
    rng = np.random.default_rng(seed)
    age_n = cohort.contrast.case_n + 0.7 * rng.normal(size=cohort.adata.n_obs)
    adata = cohort.adata.copy()
    adata.X[:, -50:] += strength * age_n[:, None]
    contrast = cohort.contrast
    return adata, Contrast(contrast.case_n, contrast.control_n, contrast.subject_n, "", age_n[:, None])


def without_prior(monkeypatch):
    same = lambda v, df, **_: Squeezed(v, np.zeros((len(v), 1)), np.ones((len(v), 1)))  # noqa: E731
    monkeypatch.setattr(_moderated, "squeeze", same)


@pytest.mark.parametrize("shape", [{"visits": 1}, {"visits": 1, "cases": 0, "controls": 0, "both": 15}])
def test_t_is_that_of_ordinary_least_squares(cohort_of, shape, monkeypatch):
    cohort = cohort_of(**shape)
    adata, contrast = confounded(cohort)
    position_n = np.unique(contrast.subject_n, return_inverse=True)[1]
    contrast = Contrast(contrast.case_n, contrast.control_n, position_n, "", contrast.covariate_nc)
    without_prior(monkeypatch)
    count_bs = np.ones((2, position_n.max() + 1), dtype=np.int64)
    count_bs[1] = np.random.default_rng(0).integers(0, 3, count_bs.shape[1])
    t_bg = Design.of(adata.X, contrast).moderated(count_bs).t_bg
    case, control, age = contrast.case_n, contrast.control_n, contrast.covariate_nc[:, 0]
    if "both" in shape:
        y, design = adata.X[case] - adata.X[control], np.column_stack((np.ones(15), age[case] - age[control]))
        subjects = np.arange(15)
    else:
        y, design = adata.X, np.column_stack((case, np.ones(len(case)), age))
        subjects = position_n
    for b in range(2):
        rows = np.repeat(np.arange(len(y)), count_bs[b, subjects])
        for gene in (0, 100, 199):
            assert t_bg[b, gene] == pytest.approx(sm.OLS(y[rows, gene], design[rows]).fit().tvalues[0])


def test_codes_adjusted_keep_the_difference_that_least_squares_leaves(cohort):
    adata, contrast = confounded(cohort)
    weight_n = contrast.weight_n()
    left = Adjustment.fit(
        adata.X, groups_of(contrast, None), covariate_nc=contrast.covariate_nc, weight_n=weight_n
    ).apply(adata.X, contrast.covariate_nc)
    design = np.column_stack((np.ones(len(left)), contrast.case_n, contrast.covariate_nc))
    expected = sm.WLS(adata.X[:, 199], design, weights=weight_n).fit().params[1]
    found = weight_n[contrast.case_n] @ left[contrast.case_n, 199]
    found -= weight_n[contrast.control_n] @ left[contrast.control_n, 199]
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("method", ["auto", "joint", "direction", "de"])
def test_the_covariates_genes_leave_the_module_and_the_diseases_stay(cohort, linear_of, method):
    adata, contrast = confounded(cohort)
    model = linear_of(adata)
    settings = {"method": method, "size": 30, "bootstraps": 0}
    bare = Contrast(contrast.case_n, contrast.control_n, contrast.subject_n, "")

    def share(asked, genes):
        module = modules.disease_module(adata, model, contrast=asked, **settings)
        return len(set(module.selected) & {f"g{i}" for i in genes}) / 30

    assert share(bare, range(150, 200)) > 0.3
    assert share(contrast, range(150, 200)) < 0.2
    assert share(contrast, range(30)) >= 0.5
