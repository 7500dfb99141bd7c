"""Rows of the study ``calibration``: what reports say of drawn labels, and how severity intervals hold by part."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from genelight import demo, models, patients
from genelight.nouns import Genes
from genelight.report._summary import summarise
from genelight.study import Study, run

from ._calibration_labels import LEVEL, row
from ._cohorts import as_table, people
from ._modules import children

__all__ = ["reports", "severity_by_part", "severity_of_nothing"]

STUDY = """
[data]
expression = "cohort.h5ad"
subject = "subject"
[contrast]
case = 'drawn == "ill"'
control = 'drawn == "well"'
[model]
widths = [8, 4, 8]
epochs = 2
seeds = 2
[[sets]]
file = "embedded"
[module]
size = 50
folds = 4
bootstraps = 20
permutations = 79
[tests]
draws = 99
"""
CLAIMS = {
    "the module tells cases from controls": r"the module tells cases from controls|^Beyond chance",
    "better than another method": r"(?<!not shown to be )better than (?!PCA of)",
    "a node differs": r"^Node ",
    "a pathway": r"Its best pathway is",
    "a node goes with the drawn column": r"goes with drawn",
}


def reports(draws: int) -> Iterator[dict[str, Any]]:
    """How often findings, verdict and cards of the influenza cohort claim anything of drawn labels."""
    adata = demo.cohort()
    adata = adata[adata.obs["hours"] >= 45]
    strong = np.sort(np.argsort(-np.asarray(adata.X).std(0), kind="stable")[:800])
    who = adata.obs["subject"].astype(str)
    said = []
    for seed in range(draws):
        part = adata[:, strong].copy()
        ill = np.random.default_rng((29, seed)).permutation(np.unique(who))[:9]
        part.obs["drawn"] = np.where(who.isin(ill), "ill", "well")
        with tempfile.TemporaryDirectory() as folder:
            part.write_h5ad(Path(folder) / "cohort.h5ad")
            (Path(folder) / "study.toml").write_text(STUDY)
            run(Study.load(Path(folder) / "study.toml"), Path(folder) / "run")
            said.append(_sentences(summarise(Path(folder) / "run")))
    for claim, pattern in CLAIMS.items():
        made = np.array([any(re.search(pattern, sentence) for sentence in one) for one in said])
        yield row(f"report of drawn labels, influenza: {claim}", made, LEVEL)


def _sentences(summary: dict[str, Any]) -> list[str]:
    verdict = [answer["short"] for answer in summary["verdict"]["answers"]]
    return [*summary["findings"], *verdict, *(card["sentence"] for card in summary["cards"])]


def severity_by_part(genes: int = 4000) -> Iterator[dict[str, Any]]:
    """Children's SLEDAI outside of intervals of 0.9, by fifths of the score and of SLEDAI itself, subjects alike."""
    adata = children()[0]
    adata = adata[adata.obs["disease"] == "SLE"]
    adata = adata[:, np.sort(np.argsort(-np.asarray(adata.X).std(0), kind="stable")[:genes])].copy()
    model = models.PCA(32, subject="subject").fit(adata)
    plan = patients.Protocol(folds=10, draws=0, time="cumulative_time")
    found = patients.severity(adata, model, measure="sledai", subject="subject", protocol=plan)
    for name, parts in (("score", "coverage_by_score"), ("SLEDAI", "coverage_by_measure")):
        for part in found.about[parts]:
            yield {
                "test": f"severity, SLEDAI outside, {name} {part['from']:.3g} to {part['to']:.3g}",
                "draws": part["samples"],
                "level": 0.1 if name == "score" else None,
                "claimed": 1 - part["coverage"],
                "above": part["above"],
            }


def severity_of_nothing(cohort: str, draws: int) -> Iterator[dict[str, Any]]:
    """A measure that means nothing: how often permuted measures are followed no better."""
    x_sg, genes = people(cohort)
    kept = np.sort(np.argsort(-x_sg.std(0), kind="stable")[:1000])
    adata = as_table(x_sg[:, kept], Genes(tuple(genes.ids[g] for g in kept)))
    model, p = models.PCA(8).fit(adata), []
    for seed in range(draws):
        adata.obs["measure"] = np.random.default_rng((31, seed)).normal(size=adata.n_obs)
        plan = patients.Protocol(folds=5, draws=19)
        p.append(patients.severity(adata, model, measure="measure", protocol=plan, seed=seed).figures["p"].iloc[0])
    yield row(f"severity, a measure without meaning, {cohort}", np.array(p) <= LEVEL, LEVEL)
