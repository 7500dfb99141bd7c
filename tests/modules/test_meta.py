"""A module of several cohorts: planted genes over platforms, what replicates where, the level of p, bad input."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import stats

import genelight as gl
from genelight import GenelightError, errors
from genelight.modules.meta import OppositeCohortWarning
from genelight.stats.meta import moderated_effects
from genelight.stats.moderated import Design
from genelight.stats.subjects import indexed

GENES = np.array([f"G{i}" for i in range(400)])
TRUE = 30
COMPENDIUM = Path(__file__).parents[2] / "../shared/data/compendium/human_bulk.h5ad"


def cohort(seed, *, people=(8, 8), effect=2.0, genes=GENES, sign=1.0):
    """One cohort on log2: the first genes move in cases, as far as this cohort has it."""
    rng = np.random.default_rng(seed)
    case_n = np.arange(sum(people)) < people[0]
    x_ng = 8 + rng.normal(size=(len(case_n), len(GENES)))
    change_g = np.where(np.arange(len(GENES)) < TRUE, effect, 0.0) * np.where(np.arange(len(GENES)) % 2, 1, -1)
    x_ng[case_n] += sign * (change_g + rng.normal(scale=0.2, size=len(GENES)))
    frame = pd.DataFrame(x_ng, columns=GENES)[list(genes)]
    obs = pd.DataFrame({"group": np.where(case_n, "ill", "well")}, index=[f"{seed}-{i}" for i in range(len(case_n))])
    adata = AnnData(frame.to_numpy(), obs=obs, var=pd.DataFrame(index=frame.columns))
    return adata, contrast_of(adata)


def contrast_of(adata):
    case_n = (adata.obs["group"] == "ill").to_numpy()
    return gl.Contrast(case_n, ~case_n, np.asarray(adata.obs_names, dtype=object), "ill against well")


def three():
    return {name: cohort(seed) for seed, name in enumerate(("one", "two", "three"))}


def test_planted_genes_are_found_over_platforms_with_their_signs():
    cohorts = three()
    raw, _ = cohort(7, people=(10, 9))
    raw.X = 2 ** (raw.X - 1)
    cohorts["linear"] = raw, contrast_of(raw)
    module = gl.meta_module(cohorts)
    table = module.table.set_index("gene")
    chosen = set(module.selected)
    assert len(chosen & set(GENES[:TRUE])) >= TRUE - 2
    assert len(chosen - set(GENES[:TRUE])) <= 3
    assert (table.loc[GENES[1:TRUE:2], "effect"] > 0).all()
    assert (table.loc[GENES[0:TRUE:2], "effect"] < 0).all()
    assert (table["q"] <= 0.05).equals(table["selected"])
    assert (table.loc[GENES[:TRUE], "same_sign"] == 4).all()
    about = pd.DataFrame(module.about["cohorts"]).set_index("name")
    assert about.loc["linear", ["scale", "cases", "controls"]].tolist() == ["linear", 10, 9]
    assert (about["same_sign"] > 0.9).all()
    assert (about["replicated"] > 0.7).all()
    assert "3" in str(gl.meta_module(three()))


def test_every_figure_of_the_table_is_that_of_its_parts():
    cohorts = three()
    table = gl.meta_module(cohorts).table.set_index("gene").loc[list(GENES)]
    for name, (adata, contrast) in cohorts.items():
        result = Design.of(np.asarray(adata.X), indexed(contrast)).moderated()
        np.testing.assert_allclose(table[f"t {name}"], result.t_bg[0])
        np.testing.assert_allclose(table[f"p {name}"], result.p_bg()[0])
    effect_cg, se_cg = (np.stack([table[f"{what} {name}"] for name in cohorts]) for what in ("effect", "se"))
    found = moderated_effects(effect_cg, se_cg**2)
    np.testing.assert_allclose(table["effect"], found.mean_g)
    np.testing.assert_allclose(table["p"], found.p_g)
    np.testing.assert_allclose(np.abs(table["score"]), stats.norm.isf(found.p_g / 2))
    left = np.stack([moderated_effects(np.delete(effect_cg, c, 0), np.delete(se_cg**2, c, 0)).p_g for c in range(3)])
    np.testing.assert_allclose(table["without_p"], left.max(0))
    assert (table["without"] == np.array(list(cohorts))[left.argmax(0)]).all()
    assert ((table["low"] < table["effect"]) & (table["next_low"] < table["low"])).all()


def test_two_cohorts_have_a_module_and_say_what_they_cannot():
    cohorts = dict(list(three().items())[:2])
    module = gl.meta_module(cohorts, size=20)
    assert len(module.selected) == 20
    assert set(module.selected) <= set(GENES[:TRUE])
    # All genes together know how far two cohorts differ, so the next one has an interval.
    assert module.table[["next_low", "without_p"]].isna().all().tolist() == [False, True]
    # Each is asked about the genes that the other one has at the FDR, by its own moderated t.
    assert [row["others"] > 10 for row in module.about["cohorts"]] == [True, True]


def test_logfc_is_in_the_units_of_the_values():
    table = gl.meta_module(three(), effect="logfc").table.set_index("gene")
    assert table.loc[GENES[1:TRUE:2], "effect"].mean() == pytest.approx(2.0, abs=0.25)
    assert table.loc[GENES[TRUE:], "effect"].mean() == pytest.approx(0.0, abs=0.1)


def test_genes_that_some_cohorts_lack_count_where_they_are():
    cohorts = three() | {"few": cohort(9, genes=GENES[100:])}
    cohorts["holes"] = cohort(10)
    cohorts["holes"][0].X[3, 5] = np.nan
    module = gl.meta_module(cohorts)
    table = module.table.set_index("gene")
    assert table.loc["G0", "cohorts"] == 4
    assert table.loc["G5", "cohorts"] == 3
    assert table.loc["G399", "cohorts"] == 5
    assert np.isnan(table.loc["G0", "t few"])
    assert len(gl.meta_module(cohorts, least=5).genes) == 300
    shuffled = {name: (adata[:, ::-1].copy(), contrast) for name, (adata, contrast) in cohorts.items()}
    again = gl.meta_module(shuffled).table.set_index("gene").loc[table.index]
    np.testing.assert_allclose(again["p"], table["p"])


def test_a_saved_module_is_the_same_and_goes_on_to_the_network(tmp_path):
    adata = gl.demo.cohort()
    ill = {"case": 'condition == "symptomatic" and hours >= 45', "control": 'condition == "asymptomatic"'}
    parts = np.array_split(adata.obs["subject"].unique(), 2)
    halves = [adata[adata.obs["subject"].isin(half)].copy() for half in parts]
    module = gl.meta_module(
        {f"half {i}": (half, gl.Contrast.of(half.obs, **ill, subject="subject")) for i, half in enumerate(halves)},
        size=100,
    )
    module.save(tmp_path / "meta.tsv")
    read = gl.Module.load(tmp_path / "meta.tsv", genes=module.genes)
    pd.testing.assert_frame_equal(read.table, module.table, check_dtype=False)
    assert read.about["cohorts"] == module.about["cohorts"]
    placed = gl.modules.module_network(read, gl.demo.network())
    assert placed.about["in_network"] > 50


def test_pairs_and_covariates_are_those_of_each_contrast():
    rng = np.random.default_rng(3)
    cohorts = three()
    adata, contrast = cohort(5)
    age_n = rng.normal(size=adata.n_obs)
    adata.X = adata.X + np.outer(age_n, np.arange(len(GENES)) % 3 == 0)
    cohorts["aged"] = adata, replace(contrast, covariate_nc=age_n[:, None])
    table = gl.meta_module(cohorts).table.set_index("gene").loc[list(GENES)]
    result = Design.of(np.asarray(adata.X), indexed(cohorts["aged"][1])).moderated()
    np.testing.assert_allclose(table["t aged"], result.t_bg[0])
    paired = replace(contrast, subject_n=np.array([str(i % 8) for i in range(16)], dtype=object))
    with pytest.warns(UserWarning, match=r"aged.* compare people with themselves"):
        found = gl.meta_module({**three(), "aged": (adata, paired)})
    assert [row["paired"] for row in found.about["cohorts"]] == [False, False, False, True]


def _swapped():
    adata, contrast = cohort(4, effect=3.0)
    return adata, replace(contrast, case_n=contrast.control_n, control_n=contrast.case_n)


def test_a_cohort_whose_case_and_control_are_exchanged_is_told():
    strong = {name: cohort(seed, effect=3.0) for seed, name in enumerate(("one", "two", "three"))}
    few = {name: (adata[:, :60].copy(), contrast) for name, (adata, contrast) in strong.items()}
    turned = _swapped()
    with pytest.warns(OppositeCohortWarning, match="cohort 'turned' goes against the others"):
        gl.meta_module({**few, "turned": (turned[0][:, :60].copy(), turned[1])})


def _wrong(what):
    cohorts = three()
    adata, contrast = cohorts["one"]
    match what:
        case "one cohort":
            return {"one": cohorts["one"]}
        case "no shared genes":
            other = adata.copy()
            other.obs_names = [f"x{i}" for i in range(other.n_obs)]
            other.var_names = [f"ENSG{i}" for i in range(other.n_vars)]
            return {"one": cohorts["one"], "other": (other, contrast)}
        case "one case":
            case_n = np.zeros(adata.n_obs, dtype=bool)
            case_n[0] = True
            return cohorts | {"one": (adata, replace(contrast, case_n=case_n))}
        case "twice":
            again = adata.copy()
            again.obs_names = [f"again{i}" for i in range(adata.n_obs)]
            again.X = 2**again.X * 1000
            return cohorts | {"again": (again, contrast)}
        case "another table":
            return cohorts | {"one": (adata[:5].copy(), contrast)}
        case "ratios":
            ratio = adata.copy()
            ratio.X = ratio.X - ratio.X.mean(0)
            return cohorts | {"one": (ratio, contrast)}
        case "people come back":
            back = adata.copy()
            back.obs["patient"] = [str(i % 5) for i in range(back.n_obs)]
            return cohorts | {"one": (back, contrast)}
        case _:
            return cohorts | {"one": (adata, replace(contrast, covariate_nc=np.eye(16)[:, :15]))}


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("one cohort", "1 cohort \\(one\\) is no case of several"),
        ("no shared genes", "cohort 'one' shares 0 of its 400 genes with the other cohorts .*map_ids"),
        ("one case", "cohort 'one': 1 cases and 8 controls"),
        ("twice", "16 samples of cohort 'one' are in cohort 'again' too \\(0-0 is again0"),
        ("another table", "cohort 'one': the contrast was made for 16 samples, but the table has 5"),
        ("ratios", "cohort 'one': cannot tell the scale"),
        ("people come back", "cohort 'one': 16 samples are taken for as many people"),
        ("covariates for everyone", "cohort 'one': .* leave 0 degrees of freedom"),
    ],
)
def test_bad_input_says_what_and_where(what, says):
    with pytest.raises(GenelightError, match=says):
        gl.meta_module(_wrong(what))


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"effect": "odds"}, errors.UnknownNameError),
        ({"fdr": 0.0}, errors.InputError),
        ({"least": 4}, errors.InputError),
        ({"least": 1}, errors.InputError),
        ({"size": 401}, errors.InputError),
        ({"scale": "decibel"}, errors.UnknownNameError),
    ],
)
def test_settings_are_checked(given, error):
    with pytest.raises(error):
        gl.meta_module(three(), **given)


@pytest.mark.skipif(not COMPENDIUM.is_file(), reason="needs the compendium, which is not part of the project")
@pytest.mark.parametrize("cohorts", [2, 5])
def test_p_is_at_its_level_when_labels_of_real_cohorts_are_shuffled(cohorts):
    everything = gl.read(COMPENDIUM, dense=True)
    status_n = everything.obs["tb_status"].astype(str).to_numpy()
    studies = [f"TB_GSE{number}" for number in (19435, 62525, 56153, 107104, 84076)][:cohorts]
    tables = []
    for study in studies:
        rows = (everything.obs["study"] == study).to_numpy() & np.isin(status_n, ("PTB", "Control"))
        part = everything[rows][:, ::4].copy()
        part = part[~part.obs["patient"].duplicated().to_numpy()].copy()
        part.obs["group"] = np.where(part.obs["tb_status"] == "PTB", "ill", "well")
        tables.append(part)
    rng, below, any_found = np.random.default_rng(0), [], 0
    for _ in range(20):
        for part in tables:
            part.obs["group"] = rng.permutation(part.obs["group"].to_numpy())
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("genelight.modules.meta.OPPOSITE", -2.0)
            cohorts_now = {study: (part, contrast_of(part)) for study, part in zip(studies, tables, strict=True)}
            module = gl.meta_module(cohorts_now, scale="log2")
        below.append((module.table["p"] <= 0.05).mean())
        any_found += bool(module.selected)
    assert np.mean(below) < 0.065
    assert any_found <= 3
