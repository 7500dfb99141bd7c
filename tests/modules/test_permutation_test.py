import numpy as np
import pytest
from scipy import stats

from genelight import modules
from genelight.errors import InputError, UnknownNameError


@pytest.mark.parametrize("design", [{"cases": 8, "controls": 9}, {"cases": 3, "controls": 4, "both": 8}])
def test_p_is_uniform_when_labels_mean_nothing(cohort_of, linear_of, design):
    rng = np.random.default_rng(0)
    p = []
    for seed in range(150):
        cohort = cohort_of(**design, genes=20 + 20, effect=0.0, seed=seed)
        model = linear_of(cohort.adata, widths=(3, 3, 3))
        result = modules.permutation_test(
            cohort.adata, model, contrast=cohort.contrast, layer="L3", permutations=19, seed=seed
        )
        # Spread the steps of 1/20 evenly so that the reference is continuous.
        p.append(result.p - rng.random() / 20)
    assert stats.kstest(p, "uniform").pvalue > 0.01


@pytest.mark.parametrize("design", [{}, {"cases": 0, "controls": 4, "both": 12}])
def test_planted_module_is_significant(cohort_of, linear_of, design):
    cohort = cohort_of(**design)
    result = modules.permutation_test(cohort.adata, linear_of(cohort.adata), contrast=cohort.contrast, permutations=39)
    assert result.statistic > 0.9
    assert result.null.shape == (39,)
    assert result.p == 1 / 40


def test_statistic_is_the_modules_own_and_the_seed_fixes_it(cohort, linear):
    module = modules.disease_module(cohort.adata, linear, contrast=cohort.contrast, bootstraps=0, size=30, seed=3)
    first, second = (
        modules.permutation_test(cohort.adata, linear, contrast=cohort.contrast, permutations=3, seed=3)
        for _ in range(2)
    )
    assert first.statistic == module.about["auc"]
    np.testing.assert_array_equal(first.null, second.null)


def test_bad_input(cohort, linear):
    with pytest.raises(UnknownNameError):
        modules.permutation_test(cohort.adata, linear, contrast=cohort.contrast, layer="L0")
    with pytest.raises(InputError, match="permutations = 0"):
        modules.permutation_test(cohort.adata, linear, contrast=cohort.contrast, permutations=0)
