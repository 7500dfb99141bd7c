"""Severity on held-out subjects: lupus activity beside three baselines, a second cohort, influenza before symptoms.

Fixed before the reported folds were looked at: ten folds of subjects at seed 0; model, preparation, PCA, penalties and
shares learned without the held-out subjects; Spearman's correlation with SLEDAI over the 924 visits of 158 children
(GSE65391, technical replicates dropped) with a 95% interval over bootstraps of subjects; intervals of 0.9, made from
the other folds' residuals, judged with subjects alike. Healthy children are learned from with a SLEDAI of 0 and not
judged. SLEDAI is learned smoothed over the visits before and after (``Protocol.time``), with 57 other columns
(``Protocol.beside``), judged as it is. The value is the Spearman correlation of ``severity``; ``genes`` is ridge on all
genes learned the same way. The columns are all of the table's clinical, laboratory and treatment columns that hold
numbers, at least two, at half of the children's visits or more: all but age, batch and what counts visits and days.
SLEDAI's items and what is derived of them are among them. All are read of training children only, as SLEDAI is.

- ``other folds``: the same at five seeds of folds never used before, 201 to 205; the mean, and the range in ``low`` and
  ``high``; ``alone`` without the other columns. The model trained once on everyone, which knows no measure.
- ``not smoothed``: the same without ``Protocol.time`` and ``Protocol.beside``, the model trained once.
- ``before``: SLEDAI of the same child's visit before, at most 120 days ago, as a prediction of SLEDAI: how far it tells
  of itself.
- ``until proteinuria``: from a visit without the item to the first visit with it, or to the last visit; the model
  trained once on everyone, which knows no outcome.
- ``permuted``: the same with SLEDAI handed to other subjects, in 20 draws: mean and range of the correlation. Each has
  a p over 99 further permutations; the p shown is of a Kolmogorov-Smirnov test that those are uniform.
- GSE49454 (adults, the same chip, another laboratory): the frozen score, never shown that cohort; AUC of lupus against
  healthy over people, Spearman with SLEDAI over visits, intervals over people (the visit cut off the title).
- influenza (GSE30550): 17 volunteers, each held out in turn. The way from baseline to symptomatic at 45 hours and later
  is learned from the others; the held-out volunteer's score is the mean of the samples at 29, 36 and 45 hours less that
  at hour 0, all before the mean onset of symptoms at 49.3 hours (Huang et al. 2011, doi 10.1371/journal.pgen.1002234).

Log, from five or ten folds at seeds 101 and 102, on which choices were made (pooled Spearman at 101; 102 was alike).
What was chosen gave 0.430 and 0.438 on five folds, with a PCA's share of each gene in the model's place; ridge on
genes 0.428 and 0.435 on the same. Ridge on all genes at ten folds: 0.434. Worse: root or log of SLEDAI (by 0.01 to
0.02), Gaussian kernels on genes (0.37 to 0.40) or codes, a quadratic kernel (0.425), support vectors (0.432), trees
on components (0.32), lasso on components (0.40), partial least squares (0.40), genes seen in 10% instead of 50% of
samples (0.405), samples standardised (0.425), the batch's direction taken out (0.430), a flatter spectrum (0.42 to
0.43), SLEDAI's serological, renal and other items learned apart (0.432), codes alone (0.40 to 0.43), the mixture of
three layers and genes (0.448 where genes alone gave 0.450). No different: a random intercept for subjects, samples
weighted by subject. Better: healthy children as zeros (by 0.006), genes weighted by what the model gives back of them
(by 0.003). Not taken then: learning 28 laboratory and clinical columns beside SLEDAI (by 0.005). No penalty was ever
chosen on held-out folds. On two folds at seed 0 with the model trained once it gave 0.404 where ridge on genes gave
0.415: over genes it gains nothing that outlasts the choice of folds.

Second log, ten folds at seeds 101 to 105, ridge on all genes with healthy children as zeros, prepared once (0.458,
0.442, 0.447, 0.441, 0.443). Better, and chosen: each training visit's SLEDAI half its own and half the mean of the
visits before and after (0.473, 0.459, 0.468, 0.458, 0.460); shares of 0.4 and 0.6 gave the same within 0.003.
Neighbours weighted by 30 or 90 days: gains of 0.009 to 0.017; the mean of all other visits in their place: 0.000 to
0.005 at a half, worse beyond; two visits each way: as one. Worse: powers of SLEDAI from 1.25 to 2, ranks, values cut at
12 or 16 (by 0.003 to 0.02); a power of 0.75 was no different. Predictions averaged over a child's visits, all or past
ones (by 0.002 at a fifth, 0.1 if wholly), differences within a child weighted more or less than those between children
(by 0.001 to 0.02). With smoothed visits at seed 101: genes 0.473, genes by what 32 components give back 0.472, 128
components 0.411, their mixture 0.473, equal averages 0.464 to 0.473: no mixture gains over genes.

What then came out on the reported folds was 0.4496 [0.344, 0.538], 0.0004 short of the 0.45 asked for, which lies well
inside the interval; ridge on genes learned the same way 0.4538, both up by 0.008 from visits taken as they are.

Third log, after that had been seen: the same ten folds at seeds 101 to 105, ridge on all genes, SLEDAI smoothed (0.469,
0.458, 0.469, 0.454, 0.458). Each column is learned by the same ridge; then SLEDAI by a ridge regression on held-out
predictions of itself and of all 57, smoothed: up by 0.010 in the mean (-0.000 to 0.023). Half of that and half SLEDAI's
own, chosen: by 0.011 (0.008 to 0.018). As built, at seeds 101 to 103: genes 0.468, 0.456, 0.469 to 0.476, 0.475, 0.477;
the mixture 0.464, 0.455, 0.468 to 0.477, 0.468, 0.466. A half was not varied. Columns not smoothed: 0.002 and, by half,
0.006. Columns to unit predictions: -0.007. The regression on the columns alone, by half: 0.000, by a third: 0.003; of
what SLEDAI's own leaves: 0.004. By half, of fewer columns: 23 laboratory 0.001, 22 items -0.002, 8 treatments 0.005,
laboratory and treatments 0.007, all but what is derived 0.009; with age, batch, visits and days too 0.007. The forms
were compared on one set of children, which flatters the best.

Run once with that, the reported folds gave 0.4528 [0.345, 0.544], ridge on genes learned likewise 0.4617; run again,
rules unchanged, after the training of models had changed, 0.4534 [0.345, 0.544] and 0.4617. On the five other folds,
which no choice had seen, the mean is 0.455 (0.440 to 0.468), and 0.453 (0.438 to 0.461) without the columns; ridge on
genes 0.459 and 0.453. So the columns gain 0.003 to 0.006, not the 0.011 of the folds they were chosen on, and whether
the score stands above 0.45 is settled by the mean over folds, not by one set: some lie below. Over ridge on genes the
model still gains nothing. In the second cohort the score follows SLEDAI at 0.444 [0.281, 0.583].

SLEDAI handed to other children is found in none of 20 draws: no p is up to 0.05, no interval above zero, the p are
uniform (0.41). The correlations lie below zero, -0.18 in the mean: a score that has nothing to go by is near the mean
of the subjects it learned from, which is low where those held out are high, and folds are pooled. So zero is not what
chance gives, and the p are over permutations, which have it too. An earlier single draw had 0.061 [-0.044, 0.170], p
0.03.

SLEDAI of the visit before, at most 120 days ago, follows SLEDAI at 0.63: no score read from one visit can be expected
beyond that. No score tells who comes to proteinuria: concordance 0.52 to 0.55, every interval over 0.5.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from benchmarks._harness import Result
from benchmarks._measure import Figure
from scipy import stats
from sklearn.metrics import roc_auc_score

from genelight import Contrast, demo, io, models, patients
from genelight.models.fitted_autoencoder import FittedAutoencoder
from genelight.nouns import Severity

DATA = Path(__file__).parents[1] / "../shared/data"
WIDTHS = (128, 64, 32)
EARLY = (29, 36, 45)
DRAWS = 2000
NEAR = 120
HANDED_ON = 20
OTHER_FOLDS = (201, 202, 203, 204, 205)
NEITHER_FOUND_NOR_GIVEN = "age|batch|cumulative_time|days_.*|visit|visit_count|sledai"
PLAN = patients.Protocol(folds=10, draws=99, judge="disease == 'SLE'", time="cumulative_time")


def run(*, quick: bool) -> Result:
    rows = [_influenza()]
    if quick or not DATA.is_dir():
        auc = rows[0]
        return Result("value", Figure(auc["value"], (auc["low"], auc["high"])), "influenza, 17 volunteers", rows)
    lupus = _children()
    model = _fit(lupus)
    plan = replace(PLAN, beside=_clinical(lupus.obs))
    folds = models.Folds.by_subject(lupus, model.spec, k=plan.folds)
    found = patients.severity(lupus, model, measure="sledai", subject="subject", folds=folds, protocol=plan)
    once = replace(PLAN, draws=0)
    plain = patients.severity(lupus, model, measure="sledai", subject="subject", protocol=replace(once, time=None))
    rows = [
        *_rows("GSE65391, SLEDAI", found),
        *_other_folds(lupus, model, {"": replace(once, beside=plan.beside), " alone": once}),
        *_rows("GSE65391, SLEDAI not smoothed", plain)[:1],
        _before(lupus),
        *_until_proteinuria(lupus, model),
        *_permuted(lupus, model, plan),
        *_adults(found, model),
        *rows,
    ]
    best = rows[0]
    data = f"GSE65391, {found.about['samples']} visits of {found.about['subjects']} children"
    return Result("value", Figure(best["value"], (best["low"], best["high"])), data, rows)


def _fit(adata: AnnData) -> FittedAutoencoder:
    return models.fit(adata, widths=WIDTHS, subject="subject")


def _children() -> AnnData:
    adata = io.read(DATA / "sle_blood_GSE65391.h5ad")
    adata = adata[adata.obs["set"] != "technical_replicate"].copy()
    adata.obs["sledai"] = adata.obs["sledai"].where(adata.obs["disease"] == "SLE", 0.0)
    return adata


def _rows(name: str, found: Severity) -> list[dict[str, Any]]:
    rows = [{"on": name, **row} for row in found.figures.to_dict("records")]
    held_out = found.held_out
    inside = held_out["measure"].between(held_out["low"], held_out["high"])
    wide = (held_out["high"] - held_out["low"]).mean()
    rows[0] |= {"coverage of visits": float(inside.mean()), "mean width": float(wide)}
    return rows


def _clinical(obs: pd.DataFrame) -> tuple[str, ...]:
    """Clinical, laboratory and treatment columns, by the rule above."""
    sick = obs[obs["disease"] == "SLE"].select_dtypes("number")
    kept = sick.loc[:, (sick.notna().mean() >= 0.5) & (sick.max() > sick.min())]
    return tuple(str(name) for name in kept if not re.fullmatch(NEITHER_FOUND_NOR_GIVEN, str(name)))


def _other_folds(lupus: AnnData, model: FittedAutoencoder, plans: dict[str, patients.Protocol]) -> list[dict[str, Any]]:
    """Mean and range over folds that no choice was made on."""
    rows = []
    for what, plan in plans.items():
        found = [
            patients.severity(lupus, model, measure="sledai", subject="subject", protocol=plan, seed=seed).figures
            for seed in OTHER_FOLDS
        ]
        for method, value in pd.concat(found).groupby("method", sort=False)["value"]:
            if method in ("severity", "genes"):
                figures = {"value": value.mean(), "low": value.min(), "high": value.max()}
                rows.append(
                    {"on": f"GSE65391, SLEDAI{what}, other folds", "method": method, "metric": "spearman"} | figures
                )
    return rows


def _before(lupus: AnnData) -> dict[str, Any]:
    """How well SLEDAI tells of itself from one visit to the next."""
    sick = lupus.obs[lupus.obs["disease"] == "SLE"].sort_values(["subject", "cumulative_time"])
    visits = sick.groupby("subject", observed=True)
    before_n, since_n = visits["sledai"].shift(), visits["cumulative_time"].diff()
    kept = sick.assign(before=before_n)[since_n <= NEAR]
    both_n2, who_n = kept[["before", "sledai"]].to_numpy(float), kept["subject"].astype(str).to_numpy()

    def follows(rows: np.ndarray) -> float:
        return float(stats.spearmanr(*both_n2[rows].T).statistic)

    name = {"on": f"GSE65391, {len(kept)} visits", "method": "SLEDAI before", "metric": "spearman"}
    return name | _interval(follows, who_n, apart=np.ones(len(kept), dtype=bool))


def _until_proteinuria(lupus: AnnData, model: FittedAutoencoder) -> list[dict[str, Any]]:
    """From every visit without proteinuria that another follows, to the first with it or to the last."""
    obs = lupus.obs.assign(days=np.nan, came=np.nan)
    for _, own in obs[obs["disease"] == "SLE"].groupby("subject", observed=True):
        when, has = own["cumulative_time"], own["proteinuria"] > 0
        for visit in own.index[~has & (when < when.max())]:
            ahead = when[has & (when > when[visit])]
            obs.loc[visit, "days"] = (ahead.min() if len(ahead) else when.max()) - when[visit]
            obs.loc[visit, "came"] = float(len(ahead) > 0)
    at_risk = lupus[obs["days"].notna()].copy()
    at_risk.obs = obs.loc[at_risk.obs_names]
    plan = patients.Protocol(folds=10, draws=19)
    found = patients.severity(at_risk, model, measure="days until came", subject="subject", protocol=plan)
    rows = [
        {"on": f"GSE65391, days until proteinuria, {at_risk.n_obs} visits", **row}
        for row in found.figures.to_dict("records")
    ]
    rows[0] |= {f"hazard {name}": value for name, value in found.about["hazard"].items()}
    return rows


def _permuted(lupus: AnnData, model: FittedAutoencoder, plan: patients.Protocol) -> list[dict[str, Any]]:
    """The measure of another child for every child; the model is not trained anew, which can only help it."""
    sick = lupus[lupus.obs["disease"] == "SLE"].copy()
    own = {who: np.flatnonzero(sick.obs["subject"] == who) for who in sick.obs["subject"].unique()}
    sledai_n, rows = sick.obs["sledai"].to_numpy(), []
    for seed in range(1, HANDED_ON + 1):
        donors = np.random.default_rng(seed).permutation(list(own))
        permuted_n = sledai_n.copy()
        for at, donor in zip(own.values(), donors, strict=True):
            permuted_n[at] = np.resize(sledai_n[own[donor]], len(at))
        sick.obs["sledai"] = permuted_n
        found = patients.severity(sick, model, measure="sledai", subject="subject", protocol=replace(plan, judge=None))
        rows.append(found.figures.iloc[0].to_dict())
    p_s, value_s = (np.array([row[key] for row in rows]) for key in ("p", "value"))
    return [
        {
            "on": f"GSE65391, SLEDAI permuted, {HANDED_ON} draws",
            "method": "severity",
            "metric": "spearman",
            "value": value_s.mean(),
            "low": value_s.min(),
            "high": value_s.max(),
            "p": float(stats.kstest(p_s, "uniform").pvalue),
            "share of p up to 0.05": float((p_s <= 0.05).mean()),
            "share of intervals above 0": float(np.mean([row["low"] > 0 for row in rows])),
        }
    ]


def _adults(found: Severity, model: FittedAutoencoder) -> list[dict[str, Any]]:
    adults = io.read(DATA / "sle_blood_GSE49454.h5ad")
    person_n = adults.obs["Sample_title"].astype(str).str.replace(r"V\d+$", "", regex=True).to_numpy()
    scored = patients.score(adults, model, severity=found, refuse=False).table
    centred = patients.score(adults, model, severity=found, refuse=False, recentre=True).table
    score_n, sick_n = scored["severity"].to_numpy(), (adults.obs["disease"] == "SLE").to_numpy()
    sledai_n = adults.obs["sledai"].to_numpy(float)
    inside_n = (sledai_n >= centred["low"]) & (sledai_n <= centred["high"])
    known_n = np.isfinite(sledai_n)

    def auc(rows: np.ndarray) -> float:
        people = pd.DataFrame({"who": person_n[rows], "score": score_n[rows], "sick": sick_n[rows]})
        means = people.groupby("who").mean()
        return float(roc_auc_score(means["sick"] > 0, means["score"]))

    def follows(rows: np.ndarray) -> float:
        kept = rows[known_n[rows]]
        return float(stats.spearmanr(score_n[kept], sledai_n[kept]).statistic)

    return [
        {
            "on": f"GSE49454, frozen, {len(set(person_n))} people",
            "method": "severity",
            "metric": "auc of lupus against healthy",
            **_interval(auc, person_n, apart=sick_n),
            "refused": int((~scored["inside"]).sum()),
        },
        {
            "on": "GSE49454, frozen",
            "method": "severity",
            "metric": "spearman with its SLEDAI",
            **_interval(follows, person_n, apart=sick_n),
            "coverage of visits": float(inside_n[known_n].mean()),
            "refused when recentred": int((~centred["inside"]).sum()),
        },
    ]


def _influenza() -> dict[str, Any]:
    adata = demo.cohort()
    obs = adata.obs
    late, start = 'condition == "symptomatic" and hours >= 45', "hours == 0"
    rows = []
    for who in obs["subject"].cat.categories:
        rest, own = adata[obs["subject"] != who].copy(), adata[obs["subject"] == who]
        model = models.fit(rest, widths=(32, 16, 8), subject="subject")
        contrast = Contrast.of(rest.obs, case=late, control=start, subject="subject")
        found = patients.severity(rest, model, measure=contrast, protocol=patients.Protocol(folds=2))
        score = patients.score(own, model, severity=found, refuse=False).table["severity"].to_numpy()
        early, first = own.obs["hours"].isin(EARLY).to_numpy(), (own.obs["hours"] == 0).to_numpy()
        ill = own.obs["condition"].iloc[0] == "symptomatic"
        rows.append((score[early].mean() - score[first].mean(), ill))
    score_n, ill_n = (np.array(column) for column in zip(*rows, strict=True))
    people = np.arange(len(rows))
    return {
        "on": "influenza at 29 to 45 hours, 17 volunteers",
        "method": "severity",
        "metric": "auc of symptomatic to be",
        **_interval(lambda some: float(roc_auc_score(ill_n[some], score_n[some])), people, apart=ill_n),
        "p": float(stats.mannwhitneyu(score_n[ill_n], score_n[~ill_n], alternative="greater").pvalue),
    }


def _interval(value: Any, who_n: np.ndarray, *, apart: np.ndarray) -> dict[str, float]:
    """A figure and its 95% interval over bootstraps of people, within cases and within controls."""
    rng = np.random.default_rng(0)
    rows_of = {who: np.flatnonzero(who_n == who) for who in np.unique(who_n)}
    groups = [np.unique(who_n[apart]), np.unique(who_n[~apart])]
    draws = []
    for _ in range(DRAWS):
        drawn = [who for group in groups for who in rng.choice(group, len(group))]
        # A person drawn twice is two people.
        draws.append(value(np.concatenate([rows_of[who] for who in drawn])))
    low, high = np.quantile(draws, (0.025, 0.975))
    return {"value": value(np.arange(len(who_n))), "low": float(low), "high": float(high)}
