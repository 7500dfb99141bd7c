"""Whole reports of drawn labels: no sentence on the page, wherever it stands, claims that they mean anything."""

from __future__ import annotations

import html
import re

import numpy as np
import pytest

from genelight import demo
from genelight.study import Study, run

STUDY = """
[data]
expression = "cohort.h5ad"
subject = "subject"

[contrast]
name = "two groups"
case = '{column} == "ill"'
control = '{column} == "well"'

[model]
widths = [8, 4, 8]
epochs = 2
seeds = 2

[network]
file = "embedded"

[[sets]]
file = "embedded"

[module]
size = 50
folds = 4
bootstraps = 20
permutations = 79

[tests]
draws = 99

[second]
expression = "second.h5ad"
case = '{column} == "ill"'
control = '{column} == "well"'
subject = "subject"

[patients]
measure = "{column}_measure"
permutations = 19
groups = false
"""

# Of the two groups alone: what a model reconstructs, or which nodes come back, labels have no part in.
CLAIMS = re.compile(
    r"better than|worse than|tells? (?:cases|unseen)|Beyond chance|beyond chance|more than chance|above chance"
    r"|Its best pathway is|carries|[Pp]reserved|^No\.?$|differs? most|lead the|goes with drawn|^Better$"
)
DENIED = re.compile(
    r"not shown to be better than [^;.]*|neither better nor worse than|not shown to tell cases"
    r"|does not tell unseen \w+ apart beyond chance|[Nn]ot beyond chance|no more than chance|[Nn]ot preserved"
    r"|is what [^.]* reconstructs"
)
ASIDE = re.compile(r"reconstruct|other trainings|come back|comes back|reproducible|weighed|so its genes are no finding")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Sentences of two reports on one cohort: of the true labels, and of labels drawn over its people."""
    folder = tmp_path_factory.mktemp("labels")
    adata = demo.cohort()
    who, first = np.unique(adata.obs["subject"].astype(str), return_index=True)
    ill = dict(zip(who, adata.obs["condition"].iloc[first] == "symptomatic", strict=True))
    drawn = dict(zip(who, np.random.default_rng(3).permutation(list(ill.values())), strict=True))
    late = adata.obs["hours"] >= 45
    for name, labels in (("true", ill), ("drawn", drawn)):
        label_n = adata.obs["subject"].astype(str).map(labels)
        adata.obs[name] = np.where(label_n, "ill", "well")
        noise_n = np.random.default_rng(4).normal(size=adata.n_obs)
        adata.obs[f"{name}_measure"] = 3.0 * label_n.astype(float) + noise_n
    adata.obs = adata.obs[["subject", "true", "drawn", "true_measure", "drawn_measure"]]
    strong = np.argsort(-np.asarray(adata.X).std(0), kind="stable")
    kept = np.sort(np.r_[strong[:300], np.random.default_rng(5).choice(strong[300:], 200, replace=False)])
    adata[late, kept].copy().write_h5ad(folder / "cohort.h5ad")
    second = adata[late, kept].copy()
    others = dict(zip(who, np.random.default_rng(6).permutation(list(ill.values())), strict=True))
    second.obs["drawn"] = np.where(second.obs["subject"].astype(str).map(others), "ill", "well")
    second.obs_names = [f"again {name}" for name in second.obs_names]
    second.write_h5ad(folder / "second.h5ad")
    found = {}
    for name in ("true", "drawn"):
        (folder / f"{name}.toml").write_text(STUDY.format(column=name))
        run(Study.load(folder / f"{name}.toml"), out=folder / name)
        found[name] = sentences((folder / name / "report.html").read_text())
    return found


def sentences(page: str) -> list[str]:
    """Everything that a reader of the page can read, one sentence or cell each."""
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    body = re.sub(r"</?(?:p|li|h\d|t[dhr]|br|figcaption|div|summary|caption|d[tdl]|span|strong)\b[^>]*>", "\n", body)
    text = html.unescape(re.sub(r"<[^>]+>", "", body))
    return [part.strip() for line in text.split("\n") for part in re.split(r"(?<=[.;:]) ", line) if part.strip()]


def claims(said: list[str]) -> list[str]:
    return [one for one in said if not ASIDE.search(one) and CLAIMS.search(DENIED.sub("", one))]


def test_no_sentence_of_drawn_labels_claims_anything(pages: dict[str, list[str]]) -> None:
    """What stands on both pages word for word is the page's own, and says nothing of these data."""
    fixed = set(pages["true"])
    own = [one for one in pages["drawn"] if one not in fixed]
    assert len(own) > 200
    assert claims(own) == []
    whole = " ".join(pages["drawn"])
    for denial in ("not shown to tell cases", "so its genes are no finding", "No pathway passes", "Not beyond chance"):
        assert denial in whole
    assert "Not preserved" in whole


def test_the_same_page_of_true_labels_makes_its_claims(pages: dict[str, list[str]]) -> None:
    own = [one for one in pages["true"] if one not in set(pages["drawn"])]
    said = " ".join(claims(own))
    for claim in ("tells cases from controls", "Beyond chance", "Preserved"):
        assert claim in said


@pytest.mark.parametrize("name", ["true", "drawn"])
def test_a_figure_has_one_value_on_the_page(pages: dict[str, list[str]], name: str) -> None:
    said = re.sub("transfer AUC [^ ]*", "", " ".join(pages[name]))
    for pattern in (
        r"AUC (?:of )?(\d\.\d\d)\b(?! to)",
        r"R² (\d\.\d{3})\b",
        r"(?:PCA of the same width |PCA of width 4 |against )(0\.\d{3})\b",
    ):
        assert len(set(re.findall(pattern, said))) == 1, (pattern, set(re.findall(pattern, said)))
