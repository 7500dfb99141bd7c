import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import stats
from sklearn.metrics import roc_auc_score

import genelight as gl
from genelight import pp
from genelight.errors import FormatError, GeneMismatchError, InputError
from genelight.modules._cohort import SecondCohort, matched_draws
from genelight.modules.second_cohort import Preservation
from genelight.nouns import Contrast, Genes, Module
from genelight.stats.moderated import Design


@pytest.fixture(scope="module")
def module(cohort, linear):
    return gl.modules.disease_module(cohort.adata, linear, contrast=cohort.contrast, method="de", size=30, bootstraps=0)


def value(found, measure, column="value", null=0):
    """A figure of a measure against its first null, or another."""
    return found.table.loc[found.table["measure"] == measure, column].iloc[null]


def ask(module, second, draws=199, **changed):
    settings = {"contrast": second.contrast, "prepared": pp.prepare(second.adata), "draws": draws} | changed
    return gl.modules.preservation(second.adata, module, **settings)


@pytest.mark.parametrize(
    "shape", [{}, {"cases": 9, "controls": 25, "visits": 3}, {"cases": 0, "controls": 4, "both": 16}]
)
def test_a_planted_module_is_preserved(module, cohort_of, shape):
    found = ask(module, cohort_of(seed=7, **shape))
    assert found.verdict == "preserved"
    table = found.table
    assert value(found, "transfer AUC") > 0.95
    assert (table["low"].dropna() <= table["value"][table["low"].notna()] + 0.2).all()
    assert found.about["paired"] == ("both" in shape)


def test_random_genes_and_absent_disease_are_not(module, cohort, cohort_of):
    second = cohort_of(seed=7)
    noise = Module.from_scores(
        np.random.default_rng(0).normal(size=200), module.genes, size=30, name="noise", method="random"
    )
    assert ask(noise, second).verdict != "preserved"
    healthy = ask(module, cohort_of(seed=7, effect=0.0))
    assert healthy.verdict != "preserved"
    assert value(healthy, "transfer AUC", "p") > 0.05


def test_a_module_of_opposite_sign_fails(module, cohort_of):
    table = module.table.assign(score=-module.table["score"])
    turned = Module(table, module.name, module.method, module.genes)
    found = ask(turned, cohort_of(seed=7))
    assert found.verdict == "not preserved"
    assert value(found, "transfer AUC") < 0.05
    assert value(found, "rank concordance") < 0
    assert value(found, "sign concordance") < 0.2


def test_values_agree_with_scipy_and_sklearn(module, cohort_of):
    second = cohort_of(seed=7, visits=1, cases=15, controls=12)
    values = ask(module, second, draws=20).table.drop_duplicates("measure").set_index("measure")["value"]
    prepared = pp.prepare(second.adata)
    x_ng, case_n = prepared.transform(second.adata).astype(float), second.contrast.case_n
    score_g = module.score_g()
    top = np.argsort(-np.abs(score_g))[:30]
    assert values["transfer AUC"] == pytest.approx(roc_auc_score(case_n, x_ng[:, top] @ np.sign(score_g[top])))
    measured_ng = np.asarray(second.adata.X, dtype=np.float64)
    t_g = Design.of(measured_ng, Contrast(case_n, ~case_n, np.arange(27), "")).moderated().t_bg[0]
    assert values["rank concordance"] == pytest.approx(stats.spearmanr(score_g, t_g).statistic, abs=1e-4)
    assert values["effect"] == pytest.approx(np.mean(np.sign(score_g[top]) * t_g[top]), rel=1e-5)
    assert values["overlap"] == len(set(top) & set(np.argsort(-np.abs(t_g))[:30])) / 30
    left_ng = x_ng - np.where(case_n[:, None], x_ng[case_n].mean(0), x_ng[~case_n].mean(0))
    r = np.corrcoef(left_ng[:, top] * np.sign(score_g[top]), rowvar=False)
    assert values["coherence"] == pytest.approx(r[np.triu_indices(30, 1)].mean(), abs=1e-6)


@pytest.mark.parametrize("shape", [{"cases": 12, "controls": 9}, {"cases": 2, "controls": 3, "both": 10}])
def test_true_labels_give_the_true_t(module, cohort_of, shape):
    second = cohort_of(seed=3, **shape)
    cohort = SecondCohort.of(module, second.adata, contrast=second.contrast, prepared=pp.prepare(second.adata))
    t_g, _ = cohort.t_under_bootstrap(2, seed=0)
    both_ways = np.stack((cohort.rows.case_n, cohort.rows.control_n))
    np.testing.assert_allclose(cohort.t_under_labels(both_ways), [t_g, -t_g], atol=1e-8)


def test_p_is_uniform_when_labels_mean_nothing(module, cohort_of):
    p = []
    for seed in range(40):
        found = ask(module, cohort_of(seed=100 + seed, effect=0.0, cases=8, controls=8), draws=99).table
        p.append(found.loc[found["measure"] == "transfer AUC", "p"].iloc[0])
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_matched_draws_keep_bins_and_never_repeat():
    bin_g = np.repeat([0, 1, 2], [30, 50, 20])
    top = np.array([0, 1, 2, 40, 41, 99])
    draw_bm = matched_draws(bin_g, top, draws=50, seed=0)
    assert (np.sort(bin_g[draw_bm], axis=1) == [0, 0, 0, 1, 1, 2]).all()
    assert all(len(set(row)) == 6 for row in draw_bm)
    assert len({tuple(sorted(row)) for row in draw_bm}) > 45


def test_same_seed_same_table_and_round_trip(module, cohort_of, tmp_path):
    second = cohort_of(seed=7)
    found = ask(module, second, draws=50)
    assert found.table.equals(ask(module, second, draws=50).table)
    found.save(tmp_path / "p.tsv")
    again = Preservation.load(tmp_path / "p.tsv")
    assert again.table.equals(found.table)
    assert (again.verdict, again.about) == (found.verdict, found.about)
    (tmp_path / "p.tsv").write_text("gene\tscore\n")
    with pytest.raises(FormatError, match="is no preservation"):
        Preservation.load(tmp_path / "p.tsv")


def test_bad_input(module, cohort_of):
    second = cohort_of(seed=7)
    with pytest.raises(InputError, match="made for 30 samples, but the table has 80"):
        ask(module, second, contrast=second.contrast.take(np.arange(30)))
    foreign = second.adata.copy()
    foreign.var_names = [f"ENSG{i:011d}" for i in range(200)]
    with pytest.raises(GeneMismatchError, match=r"share 0 genes, fewer than 10 \(not found: g"):
        gl.modules.preservation(foreign, module, contrast=second.contrast, prepared=pp.prepare(foreign))
    with pytest.raises(InputError, match="draws = 0"):
        ask(module, second, draws=0)


def test_genes_that_the_second_cohort_lacks_are_counted(module, cohort_of):
    second = cohort_of(seed=7)
    part = second.adata[:, 12:].copy()
    found = gl.modules.preservation(part, module, contrast=second.contrast, prepared=pp.prepare(part), draws=50)
    assert found.about["genes_shared"] == 188
    assert found.about["module_genes_shared"] < 30


def test_what_goes_with_a_covariate_is_not_preserved(module, cohort_of):
    """A second cohort without a disease, whose batch moves the module's genes and goes with the labels."""
    second = cohort_of(seed=11, effect=0.0, visits=1, cases=40, controls=40)
    rng = np.random.default_rng(0)
    case_n = second.contrast.case_n
    batch_n = np.where(rng.random(80) < 0.8, case_n, ~case_n).astype(float)
    sign_g = np.sign(module.score_g()) * np.isin(module.genes.ids, module.selected)
    second.adata.X += 2 * batch_n[:, None] * sign_g
    contrast = second.contrast
    assert ask(module, second).verdict == "preserved"
    adjusted = Contrast(case_n, ~case_n, contrast.subject_n, "", batch_n[:, None])
    found = ask(module, second, contrast=adjusted)
    assert found.verdict == "not preserved"
    assert value(found, "transfer AUC", "p") > 0.02


def test_a_module_that_follows_what_most_genes_follow_is_not_enough():
    """Two cohorts whose strongest axis the disease moves in the second; labels mean nothing in the first."""
    verdicts = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        loading_g = rng.normal(size=300)
        activity_n = rng.normal(size=60)
        case_n = np.arange(60) % 2 == 0
        activity_n[case_n] += 1.0
        x_ng = 8 + np.outer(activity_n, loading_g) + rng.normal(size=(60, 300))
        adata = AnnData(x_ng, var=pd.DataFrame(index=[f"g{i}" for i in range(300)]))
        first_n = rng.normal(size=40)
        labels_n = np.arange(40) % 2 == 0
        first_ng = np.outer(first_n, loading_g) + rng.normal(size=(40, 300))
        score_g = stats.ttest_ind(first_ng[labels_n], first_ng[~labels_n]).statistic
        null = Module.from_scores(score_g, Genes(tuple(adata.var_names)), size=30, name="null", method="de")
        contrast = Contrast(case_n, ~case_n, np.arange(60).astype(str), "")
        found = gl.modules.preservation(adata, null, contrast=contrast, prepared=pp.prepare(adata), draws=99)
        verdicts.append(found.verdict)
    # Half of them have the right sign by chance, and shuffled labels of the second cohort alone let all of those pass.
    assert verdicts.count("not preserved") >= 18


def test_people_who_come_back_are_asked_about(module, cohort_of):
    second = cohort_of(seed=7)
    alone = Contrast(second.contrast.case_n, second.contrast.control_n, second.adata.obs_names.to_numpy(), "")
    with pytest.raises(InputError, match=r"80 samples .* 'subject' names 40 \(.* 2 times.*say subject='subject'"):
        ask(module, second, contrast=alone)
