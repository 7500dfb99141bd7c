import numpy as np
import pytest
from scipy import stats

from genelight import modules
from genelight.errors import InputError, UnknownNameError
from genelight.nouns import Contrast


@pytest.mark.parametrize("design", [{"cases": 8, "controls": 9}, {"cases": 3, "controls": 4, "both": 8}])
def test_p_is_uniform_when_labels_mean_nothing(cohort_of, linear_of, design):
    rng = np.random.default_rng(0)
    p = []
    for seed in range(150):
        cohort = cohort_of(**design, genes=20 + 20, effect=0.0, seed=seed)
        model = linear_of(cohort.adata, widths=(3, 3, 3))
        result = modules.permutation_test(
            cohort.adata, model, contrast=cohort.contrast, layer="L3", draws=19, seed=seed
        )
        # Spread the steps of 1/20 evenly so that the reference is continuous.
        p.append(result.p - rng.random() / 20)
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_labels_that_go_with_a_batch_are_no_disease_once_it_is_a_covariate(cohort_of, linear_of):
    batch_n, p = np.arange(40) % 2, {True: [], False: []}
    for seed in range(25):
        adata = cohort_of(visits=1, genes=40, effect=0.0, seed=seed).adata
        adata.X += 1.5 * np.outer(batch_n, np.arange(40) < 20)
        case_n = np.where(np.random.default_rng(seed).random(40) < 0.8, batch_n, 1 - batch_n) == 1
        model = linear_of(adata, widths=(3, 3, 3))
        for adjusted, found in p.items():
            covariate_nc = batch_n[:, None].astype(float) if adjusted else None
            contrast = Contrast(case_n, ~case_n, np.arange(40), "", covariate_nc)
            asked = {"contrast": contrast, "layer": "L3", "draws": 19, "seed": seed}
            found.append(modules.permutation_test(adata, model, **asked).p)
    # One or two of 25 are expected of a test at its level.
    assert sum(np.array(p[True]) <= 0.05) <= 3
    assert sum(np.array(p[False]) <= 0.05) > 12


@pytest.mark.parametrize("design", [{}, {"cases": 0, "controls": 4, "both": 12}])
def test_planted_module_is_significant(cohort_of, linear_of, design):
    cohort = cohort_of(**design)
    result = modules.permutation_test(cohort.adata, linear_of(cohort.adata), contrast=cohort.contrast, draws=39)
    assert result.statistic > 0.9
    assert result.null.shape == (39,)
    assert result.p == 1 / 40


def test_statistic_is_the_modules_own_and_the_seed_fixes_it(cohort, linear):
    module = modules.disease_module(cohort.adata, linear, contrast=cohort.contrast, bootstraps=0, size=30, seed=3)
    first, second = (
        modules.permutation_test(cohort.adata, linear, contrast=cohort.contrast, draws=3, seed=3) for _ in range(2)
    )
    assert first.statistic == module.about["auc"]
    np.testing.assert_array_equal(first.null, second.null)


def test_bad_input(cohort, linear):
    with pytest.raises(UnknownNameError):
        modules.permutation_test(cohort.adata, linear, contrast=cohort.contrast, layer="L0")
    with pytest.raises(InputError, match="draws = 0"):
        modules.permutation_test(cohort.adata, linear, contrast=cohort.contrast, draws=0)
