"""The summary says what was planted, names what is missing, and names no subject."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from genelight.errors import FormatError, InputError
from genelight.report._render import render
from genelight.report._summary import summarise

Make = Callable[..., Path]


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words and numbers are tested here; drawing takes nine tenths of the time."""
    drawn = "genelight.report.sections._section.svg"
    monkeypatch.setattr(drawn, lambda draw, *, name, alt, size: f"<svg id='{name}' aria-label=''/>")


def test_findings_word_for_word(summary: dict[str, Any]) -> None:
    assert summary["findings"] == [
        "IFI44L (100%), RSAD2 (99%), ISG15 (98%), IFIT1 (97%) and OAS3 (96%) lead the 10 genes of the module that are "
        "up in cases; GENE0 (89%) leads the 10 that are down; in brackets, how often subject bootstraps select the "
        "gene.",
        "Node L2.1 of layer L2 holds 44% of the module's projection, the most of its layer; cases lie 2.10 standard "
        "deviations above controls on it (q = 3 × 10⁻⁶).",
        "Its best pathway is Interferon alpha beta signaling (Reactome): 9 of the module's 20 genes, 0.6 expected by "
        "chance; q = 3 × 10⁻⁹.",
        "On held-out subjects the model reconstructs expression better than PCA of the same width (4): R² 0.412 "
        "against 0.401, a difference of 0.011 (95% interval 0.004 to 0.018).",
        "On unseen subjects the module tells cases from controls with an AUC of 0.96 (95% interval 0.90 to 1.00, "
        "permutation p = 0.005), better than PCA (0.91), not shown to be better than differential expression (0.97) "
        "and variance alone (0.95); its gene scores have a rank correlation of 0.58 with theirs (differential "
        "expression 0.58, PCA 0.55); 10 of 20 genes are in at least 90% of subject bootstraps.",
    ]


@pytest.mark.parametrize(
    ("r2", "interval", "verdict", "words"),
    [
        ((0.41, 0.40), (0.001, 0.02), "better", "better than PCA"),
        ((0.41, 0.40), (-0.001, 0.02), "equal", "neither better nor worse than PCA"),
        ((0.39, 0.40), (-0.02, -0.001), "worse", "worse than PCA"),
        ((0.41, 0.41), (-2e-9, -1e-9), "equal", "a difference of 0.000 (95% interval 0.000 to 0.000)"),
        ((0.39, 0.40), None, "untested", "(no interval was computed, so which is better is not shown)"),
    ],
)
def test_verdict_on_reconstruction(
    make_run: Make, r2: tuple[float, float], interval: tuple[float, float] | None, verdict: str, words: str
) -> None:
    summary = summarise(make_run(r2=r2, difference_interval=interval))
    assert summary["held_out"]["reconstruction"]["verdict"] == verdict
    assert words in summary["findings"][3]


def test_the_account_has_age_sex_and_batch_by_group(make_run: Make) -> None:
    folder = make_run()
    table = pd.DataFrame({"number": range(1, 7), "sample_id": list("abcdef"), "subject_id": list("pqrsst")})
    table["contrast_group"] = ["case"] * 3 + ["control"] * 2 + ["neither"]
    table["age"] = [30, 40.5, None, 20, 22, 61]
    table["sex"] = ["f", "f", "m", "m", "m", "f"]
    table["batch"] = ["one", None, "two", "one", "one", "two"]
    table.to_csv(folder / "02_samples.tsv", sep="\t", index=False)
    found = summarise(folder)["account"]
    assert [list(g.values()) for g in found["groups"]] == [["case", 3, 3], ["control", 2, 1], ["neither", 1, 1]]
    assert {c["column"]: c["cells"] for c in found["columns"]} == {
        "age": ["35.2 (30.0 to 40.5); 1 unknown", "21 (20 to 22)", "61 (61 to 61)"],
        "sex": ["f 2, m 1", "m 2", "f 1"],
        "batch": ["one 1, unknown 1, two 1", "one 2", "two 1"],
    }


def test_module_and_pathways(summary: dict[str, Any]) -> None:
    module = summary["module"]
    assert [g["gene"] for g in module["genes"][:3]] == ["IFI44L", "RSAD2", "ISG15"]
    assert (module["size"], module["up"], module["down"], module["measured"], module["stable"]) == (20, 10, 10, 200, 10)
    assert module["pathways"][0]["name"] == "Interferon alpha beta signaling"
    assert module["pathways"][0]["overlap"] == 9


def test_nodes_ranked_by_evidence_then_effect_with_the_unusable_last(summary: dict[str, Any]) -> None:
    nodes = summary["nodes"]
    assert {n["node"] for n in nodes[:3]} == {"L1.1", "L2.1", "L3.1"}
    assert [n["support"] for n in nodes[:4]] == [3, 3, 3, 1]
    assert {n["node"] for n in nodes[-2:]} == {"L1.2", "L3.3"}
    assert not any(n["layer"] == "PC" for n in nodes)
    assert nodes[0]["network_q"] == pytest.approx(0.004)
    assert nodes[0]["best_set"]["name"] == "Interferon alpha beta signaling"


def test_layers_beside_pca(summary: dict[str, Any]) -> None:
    shares = {(r["kind"], r["layer"]): r["significant"] for r in summary["layers"]}
    assert shares["Reactome", "L1"] == 4
    assert shares["Reactome", "PCA"] == 2
    assert shares["STRING v12 physical", "L2"] == 1
    assert [r["layer"] for r in summary["layers"][:4]] == ["L1", "L2", "L3", "PCA"]


def test_only_the_first_test_of_a_reference_is_the_main_one(run_folder: Path, make_run: Make) -> None:
    from genelight.nouns import Evidence

    folder = make_run()
    found = Evidence.load(folder / "06_evidence.parquet")
    again = found.table.assign(test=found.table["test"] + "_up", q=1.0)
    Evidence(pd.concat([found.table, again]), found.about).save(folder / "06_evidence.parquet")
    summary = summarise(folder)
    assert len(summary["layers"]) == 16
    assert [r["significant"] for r in summary["layers"] if r["main"]] == [
        r["significant"] for r in summarise(run_folder)["layers"]
    ]
    assert len(summary["module"]["pathways"]) == 2


def test_held_out_and_scores(summary: dict[str, Any]) -> None:
    auc = [r for r in summary["held_out"]["methods"] if r["metric"] == "auc"]
    assert [r["method"] for r in auc] == ["de", "direction L2", "pca", "random"]
    assert [r["own"] for r in auc] == [False, True, False, False]
    assert auc[0] == auc[0] | {"lowest": pytest.approx(0.95), "highest": pytest.approx(0.99), "folds": 5}
    case, control = summary["scores"]["groups"]
    assert (case["group"], case["samples"], case["subjects"]) == ("case", 31, 17)
    assert case["median"] > control["median"] + 2


def test_methods(summary: dict[str, Any]) -> None:
    settings = {(s["section"], s["setting"]): s["value"] for s in summary["methods"]["settings"]}
    assert settings["data", "expression"] == "cohort.h5ad"
    assert settings["data", "drop"] == "subject == '…'"
    assert settings["model", "preset"] == "default"
    assert settings["model", "batch"] == "32"
    assert {a["what"]: a["value"] for a in summary["account"]["genes"]}[
        "dropped: on the chip's floor in most samples"
    ] == 26
    nulls = {t["test"]: (t["null"], t["universe"]) for t in summary["methods"]["tests"]}
    assert nulls == {"camera": ("exact", 200), "distance": ("1,000 random draws", 180)}
    assert summary["methods"]["versions"] == {"python": "3.11.0"}


def test_no_sample_or_subject_is_named_anywhere(run_folder: Path, summary: dict[str, Any]) -> None:
    scores = pd.read_csv(run_folder / "05_scores.tsv", sep="\t")
    texts = [render(summary, name) for name in ("html", "json", "markdown")]
    texts.append(json.dumps(summary))
    for text in texts:
        assert not [i for column in ("sample", "subject") for i in scores[column].unique() if i in text]
        assert "/home/someone" not in text


OPTIONAL = {
    "study.toml": (),
    "02_prepare.json": (),
    "03_model/config.json": (),
    "03_model/history.csv": (),
    "04_nodes.tsv": ("nodes",),
    "04_nodes_L2.parquet": (),
    "05_module.tsv": ("module",),
    "05_held_out.tsv": ("held_out",),
    "05_scores.tsv": ("scores",),
    "06_evidence.parquet": ("layers", "pathways"),
}


@pytest.mark.parametrize("absent", OPTIONAL)
def test_any_piece_may_be_missing(make_run: Make, absent: str) -> None:
    folder = make_run()
    (folder / absent).unlink()
    summary = summarise(folder)
    assert len(summary["findings"]) == 5
    assert tuple(summary["missing"]) == OPTIONAL[absent]
    page = render(summary)
    assert all(text in page for text in summary["missing"].values())
    assert render(summary, "markdown")


def test_a_model_alone_is_enough(tmp_path: Path) -> None:
    (tmp_path / "03_model").mkdir()
    summary = summarise(tmp_path)
    assert len(summary["findings"]) == 5
    assert all("no" in sentence.lower() for sentence in summary["findings"])
    assert summary["figures"] == {}
    assert "Not a medical device" in render(summary)


def test_a_module_that_only_goes_down_without_bootstraps(make_run: Make) -> None:
    from genelight.nouns import Module

    folder = make_run()
    module = Module.load(folder / "05_module.tsv")
    table = module.table.assign(score=-module.table["score"].abs() - 0.1, frequency=math.nan)
    Module(table, module.name, module.method, module.genes).save(folder / "05_module.tsv")
    summary = summarise(folder)
    lead = "IFI44L, RSAD2, ISG15, IFIT1 and OAS3 lead the 20 genes of the module that are down in cases."
    assert summary["findings"][0] == lead
    assert summary["module"]["stable"] is None
    assert summary["findings"][4].startswith("No held-out figure")


@pytest.mark.parametrize(
    ("baselines", "paired", "words"),
    [
        ({"pca": 0.93, "de": 0.92}, True, ", better than PCA (0.93) and differential expression (0.92);"),
        ({"pca": 0.956}, True, ", not shown to be better than PCA (0.96);"),
        (
            {"pca": 0.93, "de": 0.966},
            True,
            ", better than PCA (0.93), not shown to be better than differential expression (0.97);",
        ),
        ({"pca": 0.99}, True, ", worse than PCA (0.99);"),
        ({"pca": 0.90}, False, ", beside PCA (0.90), the differences untested;"),
        ({"direction L1": 0.99}, True, "permutation p = 0.005);"),
    ],
)
def test_baselines_are_beaten_where_the_paired_interval_says_so(
    make_run: Make, baselines: dict[str, float], paired: bool, words: str
) -> None:
    folder = make_run(auc_by_method={"direction L2": 0.96, **baselines}, paired=paired)
    assert words in summarise(folder)["findings"][4]


def test_a_layer_that_the_study_asked_for_is_the_modules_own(make_run: Make) -> None:
    folder = make_run(auc={"direction": 0.9, "direction L2": 0.95})
    assert [r["method"] for r in summarise(folder)["held_out"]["methods"] if r["own"]] == ["direction"] * 2
    study = (folder / "study.toml").read_text() + 'layer = "L2"\n'
    (folder / "study.toml").write_text(study)
    assert {r["method"] for r in summarise(folder)["held_out"]["methods"] if r["own"]} == {"direction L2"}


def test_pathways_that_do_not_pass_are_not_called_best(make_run: Make) -> None:
    from genelight.nouns import Evidence

    folder = make_run()
    found = Evidence.load(folder / "06_evidence.parquet")
    Evidence(found.table.assign(q=0.3), found.about).save(folder / "06_evidence.parquet")
    sentence = summarise(folder)["findings"][2]
    assert sentence.startswith(
        "No pathway passes a q of 0.05; the nearest is Interferon alpha beta signaling (Reactome)"
    )


def test_r2_over_folds_where_the_model_brings_none(make_run: Make) -> None:
    folder = make_run()
    (folder / "03_model" / "config.json").write_text("{}")
    found = summarise(folder)["held_out"]["reconstruction"]
    assert found["r2"] == pytest.approx(0.432)
    assert found["pca_r2"] == pytest.approx(0.421)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("study.toml", "[contrast", r"study\.toml is not valid TOML"),
        ("02_prepare.json", "[]", r"02_prepare\.json holds no JSON object"),
        (
            "04_nodes.tsv",
            "node\teffect\nL1.0\t1\n",
            r"04_nodes\.tsv lacks the columns layer, p, q; it has node, effect",
        ),
        ("05_module.tsv", "gene\tscore\n", r"05_module\.tsv is no module"),
        ("06_evidence.parquet", "x", r"06_evidence\.parquet is not readable"),
    ],
)
def test_damaged_files_are_named(make_run: Make, name: str, content: str, message: str) -> None:
    folder = make_run()
    (folder / name).write_text(content)
    with pytest.raises(FormatError, match=message):
        summarise(folder)


def test_folders_that_are_no_runs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        summarise(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"holds no study\.toml"):
        summarise(tmp_path)
