"""Small cohorts through a model of many other samples."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import stats
from typer.testing import CliRunner

import genelight as gl
from genelight import Contrast
from genelight.cli import app
from genelight.errors import InputError
from genelight.modules.methods._reference import loadings
from genelight.stats.moderated import Design
from genelight.stats.shared_effects import Axes

GENES, RANK = 400, 6
NAMES = [f"GENE{i}" for i in range(GENES)]


def table(x_ng):
    return AnnData(x_ng.astype(np.float32), var=pd.DataFrame(index=NAMES))


@pytest.fixture(scope="module")
def world():
    """Loadings of programmes, a model of 300 samples of them, and the effect of a disease on two."""
    rng = np.random.default_rng(0)
    loading_gk = rng.normal(scale=0.4, size=(GENES, RANK))
    x_ng = 8 + rng.normal(size=(300, RANK)) @ loading_gk.T + rng.normal(size=(300, GENES))
    effect_g = loading_gk[:, :2] @ (2.5, -2.0)
    return loading_gk, gl.models.PCA(RANK).fit(table(x_ng)), effect_g


def cohort(world, *, cases, controls, seed=1):
    loading_gk, _, effect_g = world
    rng = np.random.default_rng(seed)
    n = cases + controls
    x_ng = 8 + rng.normal(size=(n, RANK)) @ loading_gk.T + rng.normal(size=(n, GENES))
    case_n = np.arange(n) < cases
    x_ng[case_n] += effect_g
    return table(x_ng), Contrast(case_n, ~case_n, np.arange(n), "ill against well")


def test_the_reference_finds_what_four_against_four_do_not(world):
    _, model, effect_g = world
    rho = {"de": [], "reference": []}
    for seed in range(8):
        adata, contrast = cohort(world, cases=4, controls=4, seed=seed)
        for method, found in rho.items():
            module = gl.disease_module(adata, model, contrast=contrast, method=method, bootstraps=0)
            found.append(stats.spearmanr(module.score_g(), effect_g)[0])
    assert np.mean(rho["reference"]) > np.mean(rho["de"]) + 0.05


def test_the_table_has_false_signs_and_says_what_the_model_holds(world):
    _, model, effect_g = world
    adata, contrast = cohort(world, cases=6, controls=6)
    module = gl.disease_module(adata, model, contrast=contrast, method="reference", bootstraps=10)
    assert {"logfc", "t", "effect", "posterior_sd", "lfsr"} <= set(module.table)
    assert module.table["lfsr"].between(0, 1).all()
    other_sign = np.sign(module.table["score"]) != np.sign(module.table["effect"])
    # The rate is of the whole effect, of which `effect` is the part that others share.
    assert module.table["lfsr"][other_sign].min() > 0.3 > module.table["lfsr"][~other_sign].median()
    assert (module.table["lfsr"].iloc[:100] < 0.5).all()
    truth = pd.Series(effect_g, NAMES).reindex(module.table["gene"]).to_numpy()
    sure = (module.table["lfsr"] < 0.05).to_numpy()
    assert np.mean(np.sign(module.table["score"])[sure] == np.sign(truth)[sure]) > 0.9
    assert module.about["on_axes"] > 0.5
    assert "of the change that exceeds noise lies along the model's 6 axes" in module.about["because"]
    assert 0 < module.table["frequency"].max() <= 1


def test_the_score_has_the_three_parts_that_it_says(world):
    _, model, _ = world
    adata, contrast = cohort(world, cases=4, controls=4)
    # So much of genes' own that about half of the change lies on the axes.
    adata.X[contrast.case_n] += 1.2 * np.random.default_rng(5).normal(size=GENES)
    module = gl.disease_module(adata, model, contrast=contrast, method="reference", bootstraps=0)
    assert 0.2 < module.about["on_axes"] < 0.8
    table = module.table.set_index("gene").loc[list(model.genes.ids)]
    spread_g = model.preparation.spread_g
    sd_g = (table["logfc"] / table["t"] / np.sqrt(1 / 4 + 1 / 4)).to_numpy() / spread_g
    basis_gk = Axes.of(loadings(model, "PC")).basis_gk
    shared_g = table["effect"].to_numpy() * sd_g**0.25
    along_g = basis_gk @ (basis_gk.T @ (table["logfc"].to_numpy() / spread_g))
    trust = module.about["on_axes"] ** 2
    parts = zip((2, trust, 1 - trust), (shared_g, along_g, table["t"].to_numpy()), strict=True)
    expected_g = sum(say * part_g / np.sqrt(np.mean(part_g**2)) for say, part_g in parts)
    assert np.corrcoef(expected_g, table["score"])[0, 1] == pytest.approx(1, abs=1e-6)


def test_a_gene_that_the_cohort_lacks_is_not_of_the_module(world):
    _, model, _ = world
    adata, contrast = cohort(world, cases=5, controls=5)
    module = gl.disease_module(adata[:, 5:].copy(), model, contrast=contrast, method="reference", bootstraps=0, size=50)
    assert list(module.genes.ids) == NAMES[5:]
    assert set(module.table["gene"]) == set(NAMES[5:])
    assert list(module.table["rank"]) == list(range(1, len(NAMES) - 4))
    assert module.about["genes_absent"] == 5
    assert "5 that the model knows are not in the table" in str(module)


@pytest.mark.parametrize("method", ["de", "de_trend", "reference"])
def test_genes_that_come_from_the_model_have_no_say_in_the_test_of_the_others(world, method):
    _, model, _ = world
    adata, contrast = cohort(world, cases=5, controls=5)
    few = adata[:, 40:].copy()
    found = gl.disease_module(few, model, contrast=contrast, method=method, bootstraps=0).table.set_index("gene")
    design = Design.of(few.X.astype(np.float64), contrast, trend=method == "de_trend", robust=method == "de_trend")
    t_g = design.moderated().t_bg[0]
    np.testing.assert_allclose(found.loc[NAMES[40:], "t"], t_g, rtol=1e-3, atol=1e-4)
    assert set(found.index) == set(NAMES[40:])


@pytest.mark.parametrize("method", ["de", "reference"])
def test_no_test_counts_genes_that_the_cohort_lacks(world, method):
    _, model, _ = world
    adata, contrast = cohort(world, cases=5, controls=5)
    few = adata[:, 70:].copy()
    # Nearly all that was measured: to share most of the module is nothing, but among the model's genes it would be.
    measured = gl.Edges("sets", pd.DataFrame({"source": "measured", "target": NAMES[70:390], "weight": 1.0}))
    module = gl.disease_module(few, model, contrast=contrast, method=method, bootstraps=0, size=60)
    found = gl.assess(module, sets=[measured], tests=["hypergeometric"])
    assert found.table["p"].min() > 0.05
    with pytest.raises(InputError, match="size = 331, but only 330 genes are measured"):
        gl.disease_module(few, model, contrast=contrast, method=method, bootstraps=0, size=331)


def test_one_case_and_pairs_are_read_and_two_samples_are_not(world):
    _, model, effect_g = world
    adata, contrast = cohort(world, cases=1, controls=8)
    module = gl.disease_module(adata, model, contrast=contrast, method="reference", bootstraps=0)
    assert stats.spearmanr(module.score_g(), effect_g)[0] > 0.2
    adata, contrast = cohort(world, cases=6, controls=6)
    pairs = Contrast(contrast.case_n, contrast.control_n, np.tile(np.arange(6), 2), "before and after")
    assert gl.disease_module(adata, model, contrast=pairs, method="reference", bootstraps=0).about["paired"]
    adata, contrast = cohort(world, cases=1, controls=2)
    with pytest.raises(InputError, match="1 degrees of freedom are left"):
        gl.disease_module(adata, model, contrast=contrast, method="reference", bootstraps=0)


def test_auto_takes_a_model_that_knows_its_studies_for_a_reference(world):
    _, model, _ = world
    adata, contrast = cohort(world, cases=3, controls=3)
    with pytest.raises(InputError, match="ask for method='reference'"):
        gl.disease_module(adata, model, contrast=contrast, bootstraps=0)
    compendium, _ = cohort(world, cases=1, controls=59, seed=9)
    compendium.obs["study"] = np.repeat(["one", "two", "three"], 20)
    reference = gl.models.PCA(RANK).fit(compendium)
    within_kk = gl.models.learn_within(compendium, reference, group="study")
    codes_nk = reference.encode(reference.prepare(compendium)).reshape(3, 20, RANK).astype(float)
    about_nk = (codes_nk - codes_nk.mean(1, keepdims=True)).reshape(60, RANK)
    np.testing.assert_allclose(within_kk, about_nk.T @ about_nk / 57, rtol=1e-5, atol=1e-5)
    module = gl.disease_module(adata, reference, contrast=contrast, bootstraps=0)
    assert module.about["chosen"] == "reference"
    assert "lfsr" in module.table
    axes_gk = loadings(reference, "PC")
    np.testing.assert_allclose(
        axes_gk @ axes_gk.T, reference.basis_gk @ within_kk @ reference.basis_gk.T, rtol=0.01, atol=1e-3
    )
    with pytest.raises(InputError, match="1 groups of two samples or more"):
        gl.models.learn_within(compendium[:20], reference, group="study")


def test_what_codes_do_within_studies_is_saved_with_the_model(world, tmp_path):
    compendium, _ = cohort(world, cases=1, controls=29, seed=3)
    compendium.obs["study"] = np.repeat(["one", "two", "three"], 10)
    reference = gl.models.PCA(4).fit(compendium)
    gl.models.learn_within(compendium, reference, group="study")
    reference.save(tmp_path / "reference")
    assert gl.load(tmp_path / "reference").about["within"] == reference.about["within"]


def test_three_against_three_from_the_command_line(world, tmp_path):
    adata, contrast = cohort(world, cases=3, controls=3)
    adata.obs["ill"] = contrast.case_n.astype(int)
    adata.write_h5ad(tmp_path / "cohort.h5ad")
    world[1].save(tmp_path / "model")
    groups = ("--case", "ill == 1", "--control", "ill == 0", "--method", "reference", "--size", "20")
    paths = (str(tmp_path / "cohort.h5ad"), "--model", str(tmp_path / "model"), "--out", str(tmp_path / "module.tsv"))
    done = CliRunner().invoke(app, ["disease-module", *paths, *groups])
    assert done.exit_code == 0, done.output
    said = done.output
    assert "derived by reference" in said
    assert "3 subjects in the smaller group have no halves to compare" in said
    assert "lfsr" in (tmp_path / "module.tsv").read_text()


def test_a_deep_model_lends_its_wide_linear_axes(world):
    compendium, _ = cohort(world, cases=1, controls=59, seed=9)
    compendium.obs["study"] = np.repeat(["one", "two", "three", "four", "five", "six"], 10)
    spec = gl.models.Deep((8, 2, 8), group="study", recipe=gl.models.DeepRecipe(epochs=1, rank=6))
    model = spec.fit(compendium)
    within_kk = gl.models.learn_within(compendium, model, group="study")
    basis_gk = model.space.subspace.basis_gk
    assert within_kk.shape == (basis_gk.shape[1],) * 2
    assert basis_gk.shape[1] > model.widths["L2"]
    axes_gk, unit_g = loadings(model, "L2"), model.preparation.spread_g
    want_gg = basis_gk @ within_kk @ basis_gk.T / np.outer(unit_g, unit_g)
    np.testing.assert_allclose(axes_gk @ axes_gk.T, want_gg, rtol=0.02, atol=2e-3)


def test_the_model_that_ships_reads_eight_samples():
    adata = gl.demo.cohort()
    first = sorted(set(adata.obs.loc[adata.obs["condition"] == "symptomatic", "subject"]))[:4]
    few = adata[adata.obs["subject"].isin(first) & adata.obs["hours"].isin([0, 60])].copy()
    contrast = gl.Contrast.of(few.obs, case="hours == 60", control="hours == 0", subject="subject")
    module = gl.disease_module(few, gl.load("human"), contrast=contrast, bootstraps=0)
    assert module.about["chosen"] == "reference"
    assert module.about["axes"] == 128
    assert few.n_obs == 8
    # Genes that interferon raises lead.
    assert {"LAP3", "ISG15", "RTP4", "PLSCR1", "RSAD2", "IFI44L"} <= set(module.table["gene"].head(20))
