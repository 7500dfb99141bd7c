import numpy as np
import pytest
from scipy import stats

import genelight as gl
from genelight import Contrast, models, simulate
from genelight.errors import InputError
from genelight.modules.stability import bound_factor
from genelight.stats.subjects import half_counts, indexed, kinds


def simulated(n, *, effect=1.0, nuisance=None, covariates=(), seed=0):
    adata = simulate.cohort(
        n, visits=1, n_genes=600, programmes=simulate.Programmes(effect=effect), nuisance=nuisance, seed=seed
    )
    question = {"case": 'condition == "case"', "control": 'condition == "control"', "subject": "subject"}
    return adata, Contrast.of(adata.obs, **question, covariates=covariates)


def derive(adata, contrast, **settings):
    model = models.PCA(8).fit(adata)
    return gl.modules.disease_module(adata, model, contrast=contrast, **({"bootstraps": 0, "size": None} | settings))


def test_halves_share_no_subject_and_keep_both_groups(cohort_of):
    contrast = indexed(cohort_of(cases=7, controls=10, both=5).contrast)
    count_bs = half_counts(contrast, pairs=6, seed=0)
    assert count_bs.shape == (12, 22)
    assert (count_bs[::2] + count_bs[1::2]).max() == 1
    kind_s = kinds(contrast)
    for kind, half in ((1, 3), (2, 5), (3, 2)):
        assert (count_bs[:, kind_s == kind].sum(1) == half).all()
    assert len({row.tobytes() for row in count_bs}) == 12
    few = indexed(cohort_of(cases=3, controls=10).contrast)
    assert len(half_counts(few, pairs=6, seed=0)) == 0


def test_the_bound_is_that_of_the_paper():
    # Shah & Samworth's example: their bound for B = 50 at a threshold of 0.6 and of 0.9.
    found = bound_factor(np.array([0.6, 0.9]), 50)
    np.testing.assert_allclose(found, [1 / (2 * (0.2 - 0.01)), 4 * (0.1 + 0.01) / 1.02])


@pytest.mark.parametrize("seed", range(4))
def test_no_disease_no_module(seed):
    module = derive(*simulated(60, effect=0.0, seed=seed))
    assert module.selected == []
    assert module.about["size"] == 0
    assert {row["drawn"] for row in module.about["sizes"]} >= {200}


@pytest.mark.parametrize("n", [60, 300])
def test_a_planted_module_is_found_at_its_size(n):
    adata, contrast = simulated(n, effect=2.0)
    module = derive(adata, contrast)
    false = [gene for gene in module.selected if not adata.var.loc[gene, "module"]]
    assert len(module.selected) >= 60
    assert len(false) <= 0.1 * len(module.selected)


def test_more_frequent_genes_have_smaller_bounds_and_q_is_the_tests_own():
    adata, contrast = simulated(80, effect=2.0)
    found = gl.modules.stability(adata, models.PCA(8).fit(adata), contrast=contrast, pairs=20)
    bounded = found.table.dropna(subset="expected_false")
    assert bounded["expected_false"].is_monotonic_increasing
    assert found.size == found.table["stable"].sum() == found.sizes.set_index("drawn").loc[found.drawn, "stable"]
    assert set(found.supported_g) == set(found.table.loc[found.table["stable"], "gene"])
    x_ng = np.asarray(adata.X)
    plain = stats.ttest_ind(x_ng[contrast.case_n], x_ng[contrast.control_n]).pvalue
    own = found.table.set_index("gene")["q"].reindex(adata.var_names)
    assert stats.spearmanr(plain, own).statistic > 0.95


@pytest.mark.parametrize("what", ["batch", "composition"])
def test_a_confounder_is_not_called_disease_once_adjusted_for(what):
    nuisance = simulate.Nuisance(batches=2, batch=1.0, confounding=0.6)
    if what == "composition":
        nuisance = simulate.Nuisance(composition=1.0, confounding=1.0)
    adata, contrast = simulated(240, effect=0.0, nuisance=nuisance)
    assert len(derive(adata, contrast).selected) > 10
    column = "batch" if what == "batch" else "cells"
    adata.obs["cells"] = np.log(adata.obsm["composition"][:, 0])
    adjusted = Contrast.of(
        adata.obs, case='condition == "case"', control='condition == "control"', subject="subject", covariates=[column]
    )
    assert derive(adata, adjusted).selected == []


def test_the_size_is_said_beside_the_papers(cohort_of, linear_of):
    cohort = cohort_of(genes=2200, effect=4.0)
    model = linear_of(cohort.adata)
    found = gl.modules.stability(cohort.adata, model, contrast=cohort.contrast, method="de", pairs=20)
    assert found.size >= 20
    stable = int(found.sizes.set_index("drawn").loc[1000, "stable"])
    low, high = found.interval
    assert low == found.stable == found.size <= high
    said = f"the data support a module of {found.size} genes (between {low} and {high}); {found.size} of them are each "
    assert str(found).startswith(said)
    assert f"takes, {stable:,} are stable, up to " in str(found)
    few = cohort_of(genes=100, effect=0.0)
    nothing = gl.modules.stability(few.adata, linear_of(few.adata), contrast=few.contrast, method="de", pairs=20)
    assert str(nothing).startswith("the data support no module: no gene differs by itself at q <= 0.05; none is sure")
    assert f"sees differences of {nothing.seen['sd']:.1f} standard deviations" in str(nothing)


def test_groups_too_small_to_halve(cohort_of, linear_of):
    cohort = cohort_of(cases=3, controls=8)
    with pytest.raises(InputError, match="fewer than two subjects"):
        gl.modules.disease_module(
            cohort.adata, linear_of(cohort.adata), contrast=cohort.contrast, method="de", size=None
        )


def test_a_size_below_the_power_is_given_with_a_wide_interval_and_not_as_nothing(cohort_of, linear_of):
    """Halves of ten against ten agree on no gene nine times in ten, though fifteen genes differ among all."""
    cohort = cohort_of(genes=1000, effect=1.3, visits=1, seed=1)
    found = gl.modules.stability(cohort.adata, linear_of(cohort.adata), contrast=cohort.contrast, method="de")
    assert found.stable < 10
    low, high = found.interval
    assert low == 0 < found.size <= high
    assert "none of them is sure by itself" in str(found)
    assert found.seen["sd"] < found.seen["sd_half"]
    true = {f"g{i}" for i in range(30)}
    module = gl.modules.disease_module(
        cohort.adata, linear_of(cohort.adata), contrast=cohort.contrast, method="de", size=None, bootstraps=0
    )
    assert len(module.selected) == found.size
    assert len(true & set(module.selected)) >= 0.8 * found.size
    assert module.about["supported"]["interval"] == [0, high]
