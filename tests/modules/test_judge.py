from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from genelight import modules
from genelight.errors import InputError, UnknownNameError
from genelight.models import Folds
from genelight.models.spec import Spec
from genelight.nouns import Contrast
from genelight.stats.intervals import auc_interval, r2_interval

FLU = Path(__file__).parents[2] / "../shared/data/flu_challenge_GSE30550.h5ad"


@dataclass(frozen=True)
class By(Spec):
    """Any way to fit a table."""

    how: Callable

    def fit(self, adata, *, subject=None, preparation=None):
        return self.how(adata)

    @classmethod
    def open(cls, bundle):
        raise NotImplementedError


def judged(adata, contrast, fits, *, k=5, **settings):
    folds = {name: Folds.by_subject(adata, By(how), k=k, contrast=contrast) for name, how in fits.items()}
    return modules.hold_out(adata, contrast=contrast, folds=folds, **settings)


@pytest.fixture(scope="module")
def held_out(cohort, linear_of, relu_of):
    fits = {"deep": relu_of, "shallow": lambda a: linear_of(a, widths=(3, 2, 2))}
    return judged(cohort.adata, cohort.contrast, fits, k=4, size=30)


def test_table_has_every_method_fold_and_metric(held_out):
    labels = [f"auto {m}{suffix}" for m in ("deep", "shallow") for suffix in ("", ".L1", ".L2", ".L3")]
    labels += ["de", "variance", "random"]
    expected = {(label, metric) for label in labels for metric in ("auc", "replication", "overlap")}
    expected |= {("deep", "r2"), ("shallow", "r2")}
    assert set(zip(held_out.table["method"], held_out.table["metric"], strict=True)) == expected
    assert list(held_out.table.columns) == ["method", "fold", "metric", "value"]
    assert len(held_out.table) == 4 * len(expected)
    assert set(held_out.table["fold"]) == {1, 2, 3, 4}


def test_planted_module_holds_up_and_random_does_not(held_out):
    mean = held_out.table.groupby(["method", "metric"])["value"].mean().unstack()
    assert mean.loc["auto deep", "auc"] > 0.95
    assert mean.loc["auto deep", "replication"] > 0.2
    assert mean.loc["auto deep", "overlap"] > 0.25
    assert mean.loc["random", "auc"] < 0.8
    assert abs(mean.loc["random", "replication"]) < 0.15
    assert mean.loc["deep", "r2"] > mean.loc["shallow", "r2"]


def test_every_sample_is_scored_once_per_method(held_out, cohort):
    scores = held_out.scores
    assert list(scores.columns) == ["sample", "subject", "group", "fold", "method", "score"]
    for _, table in scores.groupby("method"):
        assert sorted(table["sample"]) == sorted(cohort.adata.obs_names)
        assert (table.groupby("subject")["fold"].nunique() == 1).all()
    obs = cohort.adata.obs.loc[scores["sample"]]
    np.testing.assert_array_equal(obs["group"], scores["group"])
    np.testing.assert_array_equal(obs["subject"], scores["subject"])


def test_training_sees_all_other_subjects_and_no_held_out_one(cohort, linear_of):
    seen = []

    def fit(adata):
        seen.append(set(adata.obs["subject"]))
        return linear_of(adata)

    # Subjects outside the contrast train and are held out too.
    subject = cohort.contrast.subject_n
    outside = np.isin(subject, np.unique(subject)[[0, 39]])
    contrast = Contrast(cohort.contrast.case_n & ~outside, cohort.contrast.control_n & ~outside, subject, "")
    result = judged(cohort.adata, contrast, {"m": fit}, methods=["de"], k=3, size=30)
    everyone = set(subject)
    for fold, table in result.r2_by_subject.groupby("fold"):
        assert set(table["subject"]) == everyone - seen[fold - 1]
    assert sorted(result.r2_by_subject["subject"]) == sorted(everyone)
    assert set(result.scores["subject"]) == set(subject[~outside])


def test_a_fold_is_blind_to_its_held_out_samples(cohort, linear_of):
    """Shift every gene of fold 1's held-out samples: model and module of that fold stay, so scores shift alike."""
    settings = {"methods": ["direction", "de"], "k": 4, "size": 30}
    seen = []

    def fit(adata):
        model = linear_of(adata)
        seen.append(model)
        return model

    clean = judged(cohort.adata, cohort.contrast, {"m": fit}, **settings)
    wrecked = cohort.adata.copy()
    first = set(clean.scores.loc[clean.scores["fold"] == 1, "sample"])
    wrecked.X[wrecked.obs_names.isin(first)] += np.random.default_rng(0).normal(5, 3, 200)
    shifted = judged(wrecked, cohort.contrast, {"m": fit}, **settings)
    assert seen[0].digest == seen[4].digest
    assert seen[1].digest != seen[5].digest
    for method in ("direction m.L1", "de"):
        query = f"method == '{method}' and fold == 1"
        before, after = (result.scores.query(query)["score"].to_numpy() for result in (clean, shifted))
        np.testing.assert_allclose(after - after.mean(), before - before.mean(), atol=1e-4)


def test_r2_and_auc_equal_plain_formulas(held_out, cohort, linear_of):
    one = held_out.r2_by_subject.query("model == 'shallow' and fold == 2")
    assert held_out.table.query("method == 'shallow' and fold == 2")["value"].item() == pytest.approx(
        1 - one["sse"].sum() / one["sst"].sum()
    )
    test = cohort.adata.obs["subject"].isin(one["subject"]).to_numpy()
    model = linear_of(cohort.adata[~test].copy(), widths=(3, 2, 2))
    x = model.prepare(cohort.adata[test])
    fitted = model.decode(model.encode(x, "L3"), "L3")
    assert one["sse"].sum() == pytest.approx(((x - fitted) ** 2).sum(), rel=1e-4)
    scores = held_out.scores.query("method == 'de' and fold == 2")
    value = held_out.table.query("method == 'de' and fold == 2 and metric == 'auc'")["value"].item()
    assert value == pytest.approx(roc_auc_score(scores["group"] == "case", scores["score"]))


def test_intervals_hold_their_value_and_differences_are_paired(held_out):
    auc = auc_interval(held_out.scores, draws=200).set_index("method")
    assert ((auc["low"] <= auc["auc"]) & (auc["auc"] <= auc["high"])).all()
    assert auc.loc["random", "high"] - auc.loc["random", "low"] > 0.1
    r2 = r2_interval(held_out.r2_by_subject, draws=200).set_index(["model", "versus"])
    assert ((r2["low"] <= r2["r2"]) & (r2["r2"] <= r2["high"])).all()
    gap = r2.loc["deep", "shallow"]
    assert gap["r2"] == pytest.approx(r2.loc[("deep", ""), "r2"] - r2.loc[("shallow", ""), "r2"])
    assert gap["low"] > 0
    assert gap["high"] - gap["low"] < r2.loc[("deep", ""), "high"] - r2.loc[("deep", ""), "low"]


def test_two_subjects_in_a_fold_leave_overlap_open(cohort_of, linear_of):
    cohort = cohort_of(cases=5, controls=5)
    result = judged(cohort.adata, cohort.contrast, {"m": linear_of}, methods=["de"], size=30)
    values = result.table.set_index("metric")["value"]
    assert values["overlap"].isna().all()
    assert values["auc"].notna().all()


def test_bad_input(cohort, cohort_of, linear):
    fits = {"m": lambda _: linear}
    with pytest.raises(InputError, match=r"case group has 20 subjects .* use at most folds=20"):
        judged(cohort.adata, cohort.contrast, fits, k=21)
    with pytest.raises(InputError, match="at least one model"):
        judged(cohort.adata, cohort.contrast, {})
    one, other = (Folds.by_subject(cohort.adata, By(fits["m"]), k=3, contrast=cohort.contrast, seed=s) for s in (0, 1))
    with pytest.raises(InputError, match=r"folds of a and of b are not the same"):
        modules.hold_out(cohort.adata, contrast=cohort.contrast, folds={"a": one, "b": other})
    with pytest.raises(UnknownNameError, match="unknown disease module method 'DE'"):
        judged(cohort.adata, cohort.contrast, fits, methods=["DE"])


@pytest.mark.skipif(not FLU.exists(), reason="the shared influenza cohort is not on this machine")
def test_interferon_leads_in_influenza(linear_of):
    import anndata

    adata = anndata.read_h5ad(FLU)
    ill = Contrast.of(
        adata.obs, case='condition == "symptomatic" and hours >= 45', control="hours == 0", subject="subject"
    )
    module = modules.disease_module(adata, linear_of(adata, widths=(16, 12, 8)), contrast=ill, bootstraps=20)
    up = list(module.table.loc[module.table["score"] > 0, "gene"][:60])
    known = ["IFI44L", "RSAD2", "ISG15", "IFIT1", "IFIT3", "LAMP3", "IFI44", "XAF1"]
    assert set(known) <= set(up)
    assert module.table.set_index("gene").loc[known, "frequency"].min() > 0.9
