"""Treated against untreated visits, and change within subjects: planted differences found, others not."""

import ast
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from anndata import AnnData

import genelight as gl
from genelight.errors import InputError, UnknownNameError
from genelight.nouns.changes import Changes

CAUSAL = re.compile(
    r"\b(caus(e[sd]?|al(ly)?|ing)|effects? of|because of|(due|leads?|led|owing|thanks) to|efficacy|works|cures?|heals?"
    r"|prevents?|protects?|improve[sd]?|help(s|ed)|responsible for)\b",
    re.IGNORECASE,
)


def visits(*, drug=0.0, slope=0.0, subjects=24, seed=0) -> AnnData:
    """Four visits each; the drug, given to the sicker, moves the first ten genes, and time the next ten."""
    rng = np.random.default_rng(seed)
    who, when = np.repeat(np.arange(subjects), 4), np.tile(np.arange(4.0), subjects)
    sick = rng.normal(size=len(who))
    drugged = (sick + rng.normal(size=len(who)) > 0).astype(float)
    x = rng.normal(size=(len(who), 40)) + 2 * rng.normal(size=(subjects, 40))[who] + 8
    x[:, :10] += (drug * drugged + 1.5 * sick)[:, None]
    x[:, 10:20] += (slope * when)[:, None]
    obs = pd.DataFrame({"subject": [f"p{s:02d}" for s in who], "time": when, "sick": sick, "drug": drugged})
    obs.index = [f"n{i}" for i in range(len(obs))]
    return AnnData(x, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(40)]))


def ask(adata, **more):
    model = gl.models.PCA(6).fit(adata)
    treatment = gl.Contrast.of(adata.obs, case="drug == 1", control="drug == 0", subject="subject")
    return model, gl.patients.contrast(adata, model, treatment=treatment, **more)


def test_a_planted_difference_is_found_and_said_to_be_observational(tmp_path):
    _, found = ask(visits(drug=2.0), adjust=["sick"])
    assert found.table.loc[0, "q"] < 1e-4
    assert "not drawn by lot" in found.about["warning"]
    assert not CAUSAL.search(found.about["warning"])
    found.save(tmp_path / "c.tsv")
    again = Changes.load(tmp_path / "c.tsv")
    pd.testing.assert_frame_equal(again.table, found.table)


def test_nothing_that_can_be_said_of_patients_has_a_causal_word():
    room = Path(gl.__file__).parent
    files = [*room.glob("patients/*.py"), *room.glob("nouns/[crs]*.py"), room / "report/_response.py"]
    files += [*room.glob("cli/_[pr]*.py"), *room.glob("report/templates/[pr]*.j2")]
    said = []
    for path in files:
        text = path.read_text(encoding="utf-8")
        nodes = ast.walk(ast.parse(text)) if path.suffix == ".py" else [ast.Constant(text)]
        said += [(path.name, n.value) for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    assert any("Observational" in text for _, text in said)
    assert {"patient.html.j2", "response.html.j2", "_response_sentences.py"} <= {name for name, _ in said}
    assert [(name, found[0]) for name, text in said if (found := CAUSAL.search(text))] == []


def test_severity_that_chose_the_treatment_is_adjusted_for():
    adata = visits()
    assert ask(adata)[1].table.loc[0, "q"] < 0.01
    assert ask(adata, adjust=["sick"])[1].table.loc[0, "q"] > 0.05


def test_the_mixed_model_is_that_of_statsmodels_with_wider_tails():
    adata = visits(drug=1.0)
    model, found = ask(adata, adjust=["sick"])
    code = model.encode(model.prepare(adata))[:, 0].astype(float)
    frame = adata.obs.assign(code=code / code.std())
    reference = smf.mixedlm("code ~ drug + sick", frame, groups=frame["subject"]).fit()
    row = found.table.set_index("name").loc["PC.0"]
    assert row["effect"] == pytest.approx(reference.params["drug"], rel=1e-3)
    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * reference.bse["drug"], rel=0.03)
    assert reference.pvalues["drug"] < row["p"] < 1e-12
    assert 60 < found.about["df"][0] < 96


def test_a_column_may_be_called_treated_or_intercept():
    adata = visits(drug=1.0)
    _, plain = ask(adata, adjust=["sick"])
    for name in ("treated", "intercept", "the treatment"):
        adata.obs[name] = adata.obs["sick"]
        pd.testing.assert_frame_equal(ask(adata, adjust=[name])[1].table, plain.table)


def test_columns_that_say_nothing_of_their_own_are_named():
    adata = visits()
    adata.obs["sex"] = "F"
    adata.obs["one"] = 1.0
    adata.obs["months"] = 2 * adata.obs["sick"] + 1
    adata.obs["ward"] = np.where(adata.obs["drug"] == 1, "b1", "b2")
    adata.obs["far"] = adata.obs["sick"].where(adata.obs["time"] > 0, np.inf)
    adata.obs["sample"] = adata.obs_names
    for columns, says in {
        ("sex",): "'sex' has one value \\('F'\\) in the 96 samples",
        ("one",): "'one' has one value \\(1.0\\)",
        ("sick", "months"): "'months' follows from sick",
        ("ward",): "treatment cannot be told from the adjust columns 'ward'",
        ("sick", "ward"): "treatment cannot be told from the adjust columns 'sick', 'ward'",
        ("far",): "'far' is infinite in 24 of 96",
        ("sample",): "follows from|cannot be told|96 samples for",
    }.items():
        with pytest.raises(InputError, match=says):
            ask(adata, adjust=columns)


def test_too_few_subjects_for_what_differs_between_them_is_said():
    adata = visits(subjects=10)
    adata.obs["drug"] = np.repeat([0.0, 1.0], 20)
    adata.obs["site"] = np.repeat(list("abcdeabcdf"), 4)
    adata.obs["height"] = np.repeat([1.0, 4, 2, 8, 5, 7, 3, 9, 0, 6], 4)
    adata.obs["weight"] = adata.obs["height"] ** 2
    with pytest.raises(InputError, match="10 subjects are too few for the 9 columns"):
        ask(adata, adjust=["site", "height", "weight"])


def test_responders_with_one_visit_each_are_compared_by_least_squares():
    adata = visits(drug=2.0)[::4].copy()
    adata.obs["response"] = np.where(adata.obs["drug"] == 1, "yes", "no")
    model = gl.models.PCA(4).fit(adata)
    asked = gl.Contrast.of(adata.obs, case="response == 'yes'", control="response == 'no'", subject="subject")
    found = gl.patients.contrast(adata, model, treatment=asked, adjust=["sick"])
    code = model.encode(model.prepare(adata))[:, 0].astype(float)
    frame = adata.obs.assign(code=code / code.std())
    reference = smf.ols("code ~ drug + sick", frame).fit()
    row = found.table.set_index("name").loc["PC.0"]
    assert row["effect"] == pytest.approx(reference.params["drug"])
    assert row["p"] == pytest.approx(reference.pvalues["drug"])
    assert found.about["by"] == "least squares"


def test_change_is_tested_within_subjects():
    adata = visits(slope=1.0)
    model = gl.models.PCA(6).fit(adata)
    found = gl.patients.trajectories(adata, model, time="time", subject="subject")
    assert found.table.loc[0, "q"] < 1e-3
    assert found.table.loc[0, "low"] <= found.table.loc[0, "effect"] <= found.table.loc[0, "high"]
    still = visits()
    model = gl.models.PCA(6).fit(still)
    assert gl.patients.trajectories(still, model, time="time", subject="subject").table["q"].min() > 0.05


def test_what_cannot_be_compared_is_refused():
    adata = visits()
    model = gl.models.PCA(2).fit(adata)
    single = gl.Contrast.of(adata.obs, case="drug == 1", control="drug == 0", subject=None)
    with pytest.raises(InputError, match="each of 96 samples counts as a subject"):
        gl.patients.contrast(adata, model, treatment=single)
    with pytest.raises(UnknownNameError, match="did you mean 'sick'"):
        ask(adata, adjust=["sik"])
    with pytest.raises(InputError, match="0 of 24 subjects have 3 visits"):
        gl.patients.trajectories(adata[adata.obs["time"] < 2], model, time="time", subject="subject")
    with pytest.raises(InputError, match="holds text"):
        gl.patients.trajectories(adata, model, time="subject", subject="subject")
