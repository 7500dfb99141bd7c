"""Groups of patients over cohorts, and what changes under treatment: tuberculosis, lupus, influenza before symptoms.

``groups``: ``stratify_cohorts`` on cohorts together, the study taken out of the codes (PCA of 16, each gene with the
mean of its study removed): tumours before checkpoint inhibitors (do groups differ in response? permuted within cohorts)
and people with tuberculosis.

``tuberculosis``: nine people of GSE36238 before treatment and in its week 26, by ``patients.contrast``: nodes that
differ, and whether they go back along the disease: Spearman's correlation over nodes between the change under treatment
and the disease's effect (cases less controls in eight other cohorts by random effects). p by all 512 ways to turn
people's two visits round. Programmes: PCA of 128 of the compendium without tuberculosis, whose nodes have seen no
patient of this disease, and the shipped ``human``, which has. The value is the correlation for PCA. ``turned`` is the
mean number of nodes that differ over the 512 ways, ``p differ`` in how many of them as many differ as between the
visits as they were; with two visits each the mixed model is the paired t test, which these are.

``lupus``: children seen several times (GSE65391): visits with a drug against visits without, by mixed models within
people, with and without disease activity adjusted for. Observational: who is given what follows from how ill they are,
so ``nodes`` that differ are no effect of the drug. ``turned`` is the mean number where each person's visits are dealt
the drug anew: what is left then is between people, who had it more or less often.

``influenza``: people who fell ill after the challenge against those who did not, in windows of time; symptoms came
about hour 45. PCA of 8 of the cohort.

Progress from infection to tuberculosis is not asked: no cohort of the compendium says who progressed (no label holds a
word of it), and of the visits under treatment only GSE36238 says when they were; GSE19435 has seven people three times
and GSE42827 five people twice, without a time.

What came out: no stable groups, neither of tumours nor of tuberculosis, once the study is out, so nothing to differ in
response. In tuberculosis the programmes go back along the disease, by a model that has seen none of it as by the
shipped one; nine people, and p 0.05. That nodes differ at all is surer (48 of 128 against 0.6 with visits turned round,
p 0.008), in one cohort. In lupus a quarter of the nodes differ by drug, with disease activity adjusted for as without.
Before symptoms of influenza nothing is shown to differ in 17 people.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pandas as pd
from anndata import AnnData
from benchmarks._harness import Result
from benchmarks._measure import Figure
from scipy import stats

import genelight as gl
from genelight.models.linear import FittedLinear
from genelight.nouns.changes import Changes
from genelight.patients._response_programmes import hedges
from genelight.pp import PreparationSettings
from genelight.pp.adjust import Adjust
from genelight.stats.meta import random_effects

from ._modules import children
from ._response import tumours
from ._small import HEALTHY, compendium, model_without

AXES, TURNS = 16, 10
DRUGS = ("mycophenolate_category", "oral_steroids_category", "hydroxychloroquine_category")
WINDOWS = ((-24, 0), (5, 21), (29, 36), (45, 60))
WEEK = "GSE36238"
Row = dict[str, object]


def run(*, quick: bool) -> Result:
    rows = list(_influenza())
    if quick:
        value = float(rows[-1]["differ"])  # type: ignore[arg-type]
        return Result("value", Figure(value), "the embedded influenza challenge", rows)
    rows += list(_groups())
    treated = list(_tuberculosis())
    rows += treated
    rows += list(_lupus())
    first = treated[0]
    return Result("value", Figure(float(first["rho"])), "GSE36238, 9 people; 8 other cohorts", rows)  # type: ignore[arg-type]


def _together(adata: AnnData) -> tuple[AnnData, FittedLinear]:
    """Genes that all have, and their PCA with the study taken out."""
    whole = adata[:, ~np.isnan(np.asarray(adata.X)).any(0)].copy()
    settings = PreparationSettings(above_floor=0.0, standardise="centre", adjust=Adjust(batch="study"))
    return whole, gl.models.PCA(AXES, preparation=settings).fit(whole)


def _groups() -> Iterator[Row]:
    icb = tumours()
    known = icb[icb.obs["response"].astype(str).isin(("R", "NR", "Yes", "No"))].copy()
    known.obs["response"] = known.obs["response"].astype(str).replace({"Yes": "R", "No": "NR"})
    everything = compendium()
    ill = everything[(everything.obs["tb_status"].astype(str) == "PTB").to_numpy()].copy()
    many = ill.obs["study"].astype(str).map(ill.obs["study"].astype(str).value_counts()) > 5
    for name, adata in (("tumours", known), ("tuberculosis", ill[many.to_numpy()].copy())):
        whole, model = _together(adata)
        tested = ("response",) if name == "tumours" else ()
        found = gl.patients.stratify_cohorts(whole, model, cohort="study", tested=tested, subject="patient")
        best = found.stability.sort_values("p").iloc[0]
        row: Row = {"what": f"groups, {name}", "subjects": len(found.members), "verdict": found.verdict, "p": best["p"]}
        told = found.described[found.described["name"] == "response"]
        yield row | ({"p response": float(told["p"].iloc[0])} if len(told) else {})


def _tuberculosis() -> Iterator[Row]:
    adata = compendium()
    study_n = adata.obs["study"].astype(str).to_numpy()
    visits = adata[study_n == f"TB_{WEEK}"].copy()
    visits.obs["late"] = visits.obs["labels"].astype(str).str.contains("Week 26").astype(int)
    everything = tuple(sorted({s for s in study_n if s.startswith("TB_")}))
    models = {"PCA-128 without tuberculosis": model_without(everything), "human": gl.load("human")}
    treatment = gl.Contrast.of(visits.obs, case="late == 1", control="late == 0", subject="patient")
    for name, model in models.items():
        layer = next(iter(model.widths)) if len(model.widths) == 1 else "L2"
        changes = gl.patients.contrast(visits, model, treatment=treatment, layer=layer)
        disease_k = _disease(adata, model, layer, study_n=study_n)
        h_nk = model.encode(model.prepare(visits), layer).astype(np.float64)
        change_sk = _paired(h_nk, visits.obs)
        scale_k = change_sk.std(0) + h_nk.std(0)
        rho, p = _back(change_sk / scale_k, disease_k)
        turned_t = _turned(change_sk)
        q = changes.table["q"]
        yield {
            "what": "tuberculosis, week 26 less week 0",
            "programmes": name,
            "nodes": len(q),
            "differ": int((q <= 0.05).sum()),
            "turned": float(turned_t.mean()),
            "p differ": float(np.mean(turned_t >= turned_t[0])),
            "rho": rho,
            "p": p,
        }


def _disease(adata: AnnData, model: gl.Model, layer: str, *, study_n: np.ndarray) -> np.ndarray:
    """Cases less controls of every node, in standard deviations, over the other cohorts with healthy controls."""
    effect_ck, variance_ck = [], []
    for number in HEALTHY:
        status = adata.obs["tb_status"].astype(str).to_numpy()
        rows = (study_n == f"TB_GSE{number}") & np.isin(status, ("PTB", "Control"))
        one = adata[rows]
        h_nk = model.encode(model.prepare(one), layer).astype(np.float64)
        g_k, v_k = hedges(h_nk, (status[rows] == "PTB").astype(float), np.empty((len(h_nk), 0)))
        effect_ck.append(g_k)
        variance_ck.append(v_k)
    return random_effects(np.array(effect_ck), np.array(variance_ck)).mean_g


def _paired(h_nk: np.ndarray, obs: pd.DataFrame) -> np.ndarray:
    """Each person's late visit less the early one."""
    late_n, who_n = obs["late"].to_numpy() == 1, obs["patient"].astype(str).to_numpy()
    return np.stack(
        [h_nk[(who_n == w) & late_n].mean(0) - h_nk[(who_n == w) & ~late_n].mean(0) for w in np.unique(who_n)]
    )


def _back(change_sk: np.ndarray, disease_k: np.ndarray) -> tuple[float, float]:
    """Correlation of the mean change with the disease, and how many ways to turn visits round give one as low."""
    there_k = np.isfinite(disease_k)
    own = _rho(change_sk.mean(0)[there_k], disease_k[there_k])
    turned = np.array([_rho((s @ change_sk)[there_k], disease_k[there_k]) for s in _turns(len(change_sk))])
    return own, float(np.mean(turned <= own + 1e-12))


def _turned(change_sk: np.ndarray) -> np.ndarray:
    """How many nodes differ, by every way to turn visits round, the first of which turns none."""
    p_tk = [stats.ttest_1samp(s[:, None] * change_sk, 0).pvalue for s in _turns(len(change_sk))]
    return np.array([(stats.false_discovery_control(p_k) <= 0.05).sum() for p_k in p_tk])


def _turns(people: int) -> np.ndarray:
    return np.array(list(product((1, -1), repeat=people)))


def _rho(a_k: np.ndarray, b_k: np.ndarray) -> float:
    return float(stats.spearmanr(a_k, b_k)[0])


def _lupus() -> Iterator[Row]:
    adata, _ = children()
    adata = adata[adata.obs["disease"] == "SLE"].copy()
    model = gl.models.PCA(AXES, subject="subject").fit(adata)
    rng = np.random.default_rng(0)
    for drug in DRUGS:
        known = adata[adata.obs[drug].notna() & adata.obs["sledai"].notna()].copy()
        for adjust in ((), ("sledai",)):
            found = _contrast(known, model, drug, adjust=adjust)
            turned = []
            for _ in range(TURNS):
                dealt = known.obs.groupby("subject", observed=True)[drug].transform(rng.permutation)
                other = AnnData(known.X, obs=known.obs.assign(**{drug: dealt}), var=known.var)
                turned.append(int((_contrast(other, model, drug, adjust=adjust).table["q"] <= 0.05).sum()))
            yield {
                "what": f"lupus, {drug.removesuffix('_category')}",
                "adjusted": ", ".join(adjust),
                "subjects": found.about["subjects"],
                "nodes": AXES,
                "differ": int((found.table["q"] <= 0.05).sum()),
                "turned": float(np.mean(turned)),
            }


def _contrast(adata: AnnData, model: gl.Model, drug: str, *, adjust: tuple[str, ...]) -> Changes:
    treatment = gl.Contrast.of(adata.obs, case=f"{drug} == 1", control=f"{drug} == 0", subject="subject")
    return gl.patients.contrast(adata, model, treatment=treatment, adjust=adjust)


def _influenza() -> Iterator[Row]:
    adata = gl.demo.cohort()
    model = gl.models.PCA(8, subject="subject").fit(adata)
    for low, high in WINDOWS:
        when = f"hours >= {low} and hours <= {high}"
        ill = f'condition == "symptomatic" and {when}'
        treatment = gl.Contrast.of(
            adata.obs, case=ill, control=ill.replace("symptomatic", "asymptomatic"), subject="subject"
        )
        found = gl.patients.contrast(adata, model, treatment=treatment)
        yield {
            "what": f"influenza, hours {low} to {high}",
            "subjects": found.about["subjects"],
            "nodes": len(found.table),
            "differ": int((found.table["q"] <= 0.05).sum()),
            "p": float(found.table["p"].min()),
        }
