"""Perturbations against a disease: planted reversal found, chance not, correlations as scipy has them."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import stats

import genelight as gl
from genelight.errors import InputError, UnknownNameError

GENES = 300


def cases(*, effect=1.0, subjects=30, seed=0) -> AnnData:
    """Two visits each, half of the subjects ill: sixty genes up, sixty down; genes correlate in blocks of ten."""
    rng = np.random.default_rng(seed)
    ill = np.repeat(np.arange(subjects) % 2, 2)
    x = rng.normal(size=(2 * subjects, GENES)) + np.repeat(rng.normal(size=(2 * subjects, 30)), 10, axis=1) + 8
    x[:, :60] += effect * ill[:, None]
    x[:, 60:120] -= effect * ill[:, None]
    obs = pd.DataFrame({"subject": np.repeat([f"p{s}" for s in range(subjects)], 2), "ill": ill})
    obs.index = [f"n{i}" for i in range(len(obs))]
    return AnnData(x, obs=obs, var=pd.DataFrame(index=[f"g{g}" for g in range(GENES)]))


def drugs(*, number=20, seed=1) -> pd.DataFrame:
    """Correlated as the cohort's genes are; ``cure`` moves the sick genes back, ``poison`` further."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(GENES, number)) + 0.7 * np.repeat(rng.normal(size=(30, number)), 10, axis=0)
    table = pd.DataFrame(values, index=[f"g{g}" for g in range(GENES)], columns=[f"d{p}" for p in range(number)])
    disease = np.repeat([2.0, -2.0, 0.0], [60, 60, 180])
    return table.assign(cure=rng.normal(size=GENES) - disease, poison=rng.normal(size=GENES) + disease)


def ask(adata, table, **more):
    model = gl.models.PCA(6).fit(adata)
    contrast = gl.Contrast.of(adata.obs, case="ill == 1", control="ill == 0", subject="subject")
    return gl.modules.reversal(adata, model, perturbations=table, contrast=contrast, **more)


def test_a_planted_reversal_is_found_with_its_sign():
    found = ask(cases(effect=2.0), drugs(number=60))
    rows = found.table.set_index("name")
    assert set(rows.index[:2]) == {"cure", "poison"}
    assert rows.loc["cure", "effect"] < rows.loc["cure", "high"] < 0 < rows.loc["poison", "low"]
    assert rows.loc[["cure", "poison"], "q"].max() < 0.05
    assert rows.drop(["cure", "poison"])["q"].min() > 0.05
    assert "hypothesis" in found.about["warning"]


def test_a_small_table_is_held_against_shuffled_labels_alone():
    table = drugs(number=2)
    p = [ask(cases(effect=effect), table).table.set_index("name").loc["cure", "p"] for effect in (0.0, 3.0)]
    assert p[1] < 0.01 < p[0]
    assert not ask(cases(), table, draws=1).about["compared"]


def test_connectivity_is_spearmans_also_where_values_are_missing():
    table = drugs(number=2)
    table.loc[table.index[::3], "d1"] = np.nan
    adata = cases()
    found = ask(adata, table, draws=1).table.set_index("name")["effect"]
    model = gl.models.PCA(6).fit(adata)
    contrast = gl.Contrast.of(adata.obs, case="ill == 1", control="ill == 0", subject="subject")
    score = gl.disease_module(adata, model, contrast=contrast, method="de").table.set_index("gene")["score"]
    score = score.reindex(table.index)
    assert found["d0"] == pytest.approx(stats.spearmanr(score, table["d0"]).statistic)
    # Over the genes that it has, up to the spacing of their ranks among all.
    known = table["d1"].notna()
    assert found["d1"] == pytest.approx(stats.spearmanr(score[known], table.loc[known, "d1"]).statistic, abs=0.01)


def test_p_is_uniform_where_labels_mean_nothing():
    p = np.concatenate(
        [ask(cases(effect=0.0, seed=s), drugs(number=4, seed=s + 50), draws=39).table["p"] for s in range(40)]
    )
    assert 0.02 < np.mean(p <= 0.1) < 0.2
    assert 0.35 < np.median(p) < 0.65


def test_nothing_is_found_in_a_table_of_drugs_by_chance():
    q = [ask(cases(effect=2.0, seed=s), drugs(seed=s).iloc[:, :20], draws=99).table["q"].min() for s in range(10)]
    assert np.mean(np.array(q) < 0.05) <= 0.2


@pytest.mark.parametrize("method", ["direction", "arithmetic"])
def test_a_derivation_that_reads_codes_finds_it_too(method):
    found = ask(cases(effect=2.0), drugs(number=4), method=method, draws=39).table.set_index("name")
    assert found.loc["cure", "effect"] < 0 < found.loc["poison", "effect"]


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(InputError, match=r"share 0 of their 300 genes \(first x0, x1, x2 and 297 more\)"):
        ask(cases(), drugs().rename(index=lambda gene: gene.replace("g", "x")))
    with pytest.raises(InputError, match="none of 22 perturbations has 100 genes with different values"):
        ask(cases(), drugs() * 0)
    with pytest.raises(UnknownNameError):
        ask(cases(), drugs(), method="magic")
    with pytest.raises(InputError, match="draws"):
        ask(cases(), drugs(), draws=0)
