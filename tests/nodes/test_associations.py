"""Tests of a node against sample columns, on columns that do and do not go with it."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from genelight.errors import UnknownNameError
from genelight.nodes._associations import associations


@pytest.fixture
def samples():
    """Twelve subjects with four visits each, and a code with a subject's part and a visit's part."""
    rng = np.random.default_rng(0)
    subject = np.repeat([f"donor{i}" for i in range(12)], 4)
    part_s = rng.normal(size=12)
    obs = pd.DataFrame(
        {
            "donor": subject,
            "age": np.repeat(40 + 10 * part_s + rng.normal(size=12), 4),
            "sex": np.repeat(np.where(part_s > np.median(part_s), "F", "M"), 4),
            "visit": np.tile(np.arange(4), 12),
            "phase": pd.Categorical(np.tile(["early", "early", "late", "late"], 12)),
            "step": np.tile(list("abcd"), 12),
            "barcode": [f"x{i}" for i in range(48)],
            "batch": "one",
            "when": pd.Timestamp("2020-01-01"),
        }
    )
    code = np.repeat(part_s, 4) + 0.5 * obs["visit"].to_numpy() + 0.3 * rng.normal(size=48)
    return code, obs


def test_every_column_has_its_test_with_the_subject_as_unit(samples):
    code, obs = samples
    table = associations(code, obs, subject="donor").set_index("column")
    assert table["test"].to_dict() == {
        "age": "Spearman",
        "sex": "Kruskal-Wallis",
        "visit": "Spearman within subjects",
        "phase": "Wilcoxon within subjects",
        "step": "Friedman within subjects",
    }
    assert (table["units"] == 12).all()
    assert (table["q"] < 0.01).all()
    assert table.loc[["sex", "phase", "step"], "highest"].tolist() == ["F", "late", "d"]
    np.testing.assert_allclose(table["q"], stats.false_discovery_control(table["p"]))


def test_figures_are_those_of_scipy(samples):
    code, obs = samples
    table = associations(code, obs, subject="donor").set_index("column")
    means = pd.DataFrame({"code": code, "age": obs["age"]}).groupby(obs["donor"]).mean()
    sex = obs.groupby("donor")["sex"].first()
    reference = {
        "age": stats.spearmanr(means["age"], means["code"]).pvalue,
        "sex": stats.kruskal(means["code"][sex == "F"], means["code"][sex == "M"]).pvalue,
        "step": stats.friedmanchisquare(*code.reshape(12, 4).T).pvalue,
        "phase": stats.wilcoxon(code.reshape(12, 2, 2).mean(2)[:, 0], code.reshape(12, 2, 2).mean(2)[:, 1]).pvalue,
    }
    for column, p in reference.items():
        assert table.loc[column, "p"] == pytest.approx(p), column


def test_no_identifier_is_ever_named(samples):
    code, obs = samples
    text = associations(code, obs.assign(alias=obs["donor"]), subject="donor").to_string()
    assert "donor" not in text
    assert "alias" not in text
    assert "x0" not in associations(code, obs).to_string()


def test_repeats_do_not_make_a_subject_count_more(samples):
    """A column that is constant within subjects and means nothing: p is uniform whatever the number of visits."""
    rng = np.random.default_rng(3)
    p = []
    for _ in range(150):
        obs = pd.DataFrame({"donor": np.repeat(np.arange(14), 6), "group": np.repeat(rng.permutation([0, 1] * 7), 6)})
        code = np.repeat(rng.normal(size=14), 6) + 0.1 * rng.normal(size=84)
        p.append(associations(code, obs.astype(str), subject="donor")["p"].iloc[0])
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_missing_values_bools_and_few_subjects(samples):
    code, obs = samples
    odd = obs[["donor"]].assign(
        ill=obs["visit"] > 1, gap=obs["age"].where(obs["donor"] != "donor3"), all_gone=np.nan, rare=None
    )
    odd.loc[:5, "rare"] = "a"
    table = associations(code, odd, subject="donor").set_index("column")
    assert table["units"].to_dict() == {"ill": 12, "gap": 11}
    assert not len(associations(code[:8], obs.iloc[:8], subject="donor"))


def test_node_that_does_not_vary(samples):
    _, obs = samples
    table = associations(np.ones(48), obs, subject="donor")
    assert not len(table)
    assert list(table.columns) == ["column", "test", "units", "effect", "highest", "p", "q"]


def test_unknown_subject_column(samples):
    code, obs = samples
    with pytest.raises(UnknownNameError, match="did you mean 'donor'"):
        associations(code, obs, subject="doner")
