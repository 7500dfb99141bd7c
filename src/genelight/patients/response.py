"""Response to a treatment over several cohorts: which programmes go with it, and what foretells it in a new cohort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from ..errors import InputError
from ..nodes.layers import check_layer
from ..nouns import Edges, Model
from ..nouns.model import bottleneck
from ..nouns.response import PROGRAMME, Response
from ._applicability import Domain, domain_of
from ._response_calibration import THRESHOLDS, Calibrated, beliefs, bins, calibrate, net_benefit, slopes
from ._response_cohorts import SIGNATURES, Cohorts, ResponsePlan, cohort_sizes, read_cohorts
from ._response_judge import (
    Judged,
    auc_interval,
    beats,
    between,
    bounds_of,
    curve_of,
    judge,
    permuted,
    random_auc,
    spread_of,
    weights_of,
)
from ._response_programmes import Programmes, effects_of, interaction_of, joined, mean_of, programmes_of
from ._response_rules import CHOSEN, SIGNATURE, Bench, centred
from ._response_sentences import sentences

__all__ = ["response"]

RANDOM_GENES = "random genes"
LEAST_COMMON, MOST_SETS = 200, 50


def response(
    cohorts: AnnData | Mapping[str, AnnData],
    model: Model | None = None,
    *,
    sets: Edges | None = None,
    plan: ResponsePlan | None = None,
    seed: int = 0,
) -> Response:
    """Ask several cohorts of treated patients what goes with response, and what would have foretold it elsewhere.

    Every programme's difference between responders and others is taken within each cohort and joined by random effects.
    Every rule is judged on whole cohorts left out; whatever it chooses it chooses on the cohorts that remain. Beside
    them always stand the interferon-gamma signature of six genes, CD8A, cytolytic activity, PCA, ridge regression on
    genes, and means of as many random genes. The signature is recommended unless another rule is better on cohorts left
    out by the 95% interval of its gain over them (jackknife and Student's t: a bootstrap of few is too narrow).

    Parameters
    ----------
    cohorts
        Patients x genes, human symbols, on any scale that orders a sample's genes: tables by name, or one table whose
        column ``plan.by`` names the cohort.
    model
        Whose nodes are programmes; :func:`genelight.load` of ``"human"`` has those of many tissues. Without one,
        programmes are gene sets.
    sets
        Gene sets, see :func:`genelight.io.read_sets`.
    plan
        What the columns mean; see :class:`ResponsePlan`.
    seed
        Seed of everything drawn.

    Returns
    -------
    Tables, what is to be said in sentences, and the recommended rule, frozen: see :func:`score_response`.

    Raises
    ------
    UnknownNameError
        If a column or layer does not exist.
    InputError
        If fewer than three cohorts have three responders and three others, a word has no known meaning, stable or mixed
        response was not said to be one or the other, biopsies under treatment or several of a patient are among them
        and nothing was said of it, cohorts share patients, genes were centred, or the signature's genes are not there.

    Notes
    -----
    A rule's score is compared within a cohort: the cohort's mean is taken out. Cost: number of cohorts squared times a
    few milliseconds, some seconds for a dozen; a deep model's codes come on top.

    References
    ----------
    Ayers et al. 2017 on the signature, doi 10.1172/JCI91190; Rooney et al. 2015 on cytolytic activity,
    doi 10.1016/j.cell.2014.12.033; Steyerberg and Harrell 2016 on leaving out by cohort,
    doi 10.1016/j.jclinepi.2015.04.005.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> adata = adata[adata.obs["hours"].isin([45, 60, 77])].copy()
    >>> words = {"symptomatic": "R", "asymptomatic": "NR"}
    >>> plan = gl.patients.ResponsePlan(response="condition", words=words, by="hours", draws=0)
    >>> gl.response(adata, plan=plan).rule
    'interferon-gamma signature'
    """
    plan = ResponsePlan() if plan is None else plan
    everyone = read_cohorts(cohorts, plan)
    layer = None
    if model is not None:
        layer = check_layer(model, bottleneck(model) if plan.layer is None else plan.layer)
    of_everyone = programmes_of(everyone, model, sets=sets, layer=layer)
    found, programmes = everyone.take(everyone.treated_n), of_everyone.take(everyone.treated_n)
    notes: list[str] = []
    effect_ck, variance_ck = effects_of(programmes.f_nk, found, adjust=plan.adjust, notes=notes)
    table = joined(effect_ck, variance_ck, programmes)
    bench = _bench(found, programmes, plan, seed=seed)
    judged = judge(bench)
    sizes = cohort_sizes(found)
    methods, by_cohort = _figures(judged, bench, sizes, seed=seed)
    rule = CHOSEN if beats(judged) else SIGNATURE
    domain = domain_of(found.x_ng[:, found.common_g], found.cohort_n)
    made = {name: _calibrated(judged, name, found, local=plan.local, seed=seed) for name in {rule, SIGNATURE}}
    interaction = table.iloc[:0]
    if plan.treated is not None:
        interaction = interaction_of(everyone, of_everyone, adjust=plan.adjust, notes=notes)
    about = _about(found, plan, judged=judged, made=made[rule], seed=seed) | {
        "rule": rule,
        "notes": notes,
        "layer": layer,
    }
    about |= {"model_digest": None if model is None else model.digest, "domain": domain.known.plain()}
    heads, location = _frozen(judged.chosen[rule][-1], bench, found, programmes=programmes, domain=domain)
    about |= {"spans": _spans(programmes), "sets": _members(programmes, heads, table)}
    about |= {"beliefs": beliefs(judged.score[rule], found.y_n, found.cohort_n).plain(), "location": location}
    cohorts_table = pd.concat([sizes, by_cohort], axis=1).assign(declined=_declined(domain, found))
    result = Response(
        cohorts=cohorts_table,
        programmes=table,
        effects=_long(effect_ck, variance_ck, programmes=programmes, found=found),
        methods=methods,
        held_out=_held_out(judged, rule, found, made=made[rule], domain=domain),
        calibration=bins(made[rule], found.y_n),
        decision=_decision(made, rule, found.y_n, flat=_without_score(found, local=plan.local, seed=seed)),
        interaction=interaction,
        heads=heads,
        about=about,
        curve=curve_of(bench, judged, seed=seed),
        bounds=bounds_of(bench, judged, found, seed=seed),
    )
    about["sentences"] = sentences(result, treated=plan.treated)
    return result


def _bench(found: Cohorts, programmes: Programmes, plan: ResponsePlan, *, seed: int) -> Bench:
    """What rules learn from, of genes that all cohorts have."""
    common_g = found.common_g
    if common_g.sum() < LEAST_COMMON:
        msg = (
            f"the {len(found.names)} cohorts share {int(common_g.sum())} genes without missing values, at least "
            f"{LEAST_COMMON} are needed; leave out the cohort with the fewest, or fill in missing values"
        )
        raise InputError(msg)
    fixed = {name: mean_of(found.x_ng, found.positions(ids)) for name, ids in SIGNATURES.items()}
    fixed = {name: score_n for name, score_n in fixed.items() if not np.isnan(score_n).any()}
    whole_k = ~np.isnan(programmes.f_nk).any(0)
    y_nt = permuted(found.y_n, found.cohort_n, draws=plan.draws, seed=seed)
    return Bench.of(found.cohort_n, y_nt, x_ng=found.x_ng[:, common_g], f_nk=programmes.f_nk[:, whole_k], fixed=fixed)


def _figures(judged: Judged, bench: Bench, sizes: pd.DataFrame, *, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table of methods, and each method's AUC by cohort."""
    random_cd = random_auc(bench, genes=len(SIGNATURES[SIGNATURE]), seed=seed)
    by_cohort = {method: auc_ct[:, 0] for method, auc_ct in judged.auc.items()} | {RANDOM_GENES: random_cd.mean(1)}
    rows = []
    for method, auc_c in by_cohort.items():
        value, low, high = auc_interval(auc_c, judged.weight_c)
        gains = auc_interval(auc_c - by_cohort[SIGNATURE], judged.weight_c)
        p, apart = np.nan, (np.nan, np.nan)
        if method != RANDOM_GENES:
            mean_t = judged.weight_c @ judged.auc[method]
            p = float(np.mean(mean_t >= mean_t[0])) if len(mean_t) > 1 else np.nan
            apart = between(auc_c, sizes)
        rows.append((method, value, max(low, 0.0), min(high, 1.0), *gains, p, *apart))
    names = ["method", "auc", "low", "high", "gain", "gain_low", "gain_high", "p", "tau2", "heterogeneity_p"]
    return pd.DataFrame(rows, columns=names), pd.DataFrame(by_cohort)


def _calibrated(judged: Judged, method: str, found: Cohorts, *, local: int, seed: int) -> Calibrated:
    return calibrate(
        judged.score[method], judged.inner[method], y_n=found.y_n, cohort_n=found.cohort_n, local=local, seed=seed
    )


def _without_score(found: Cohorts, *, local: int, seed: int) -> Calibrated:
    """What the local share of responders alone says."""
    n = len(found.y_n)
    nothing_cn = np.zeros((len(found.names), n))
    return calibrate(np.zeros(n), nothing_cn, y_n=found.y_n, cohort_n=found.cohort_n, local=local, seed=seed)


def _about(found: Cohorts, plan: ResponsePlan, *, judged: Judged, made: Calibrated, seed: int) -> dict[str, Any]:
    return {
        "samples": len(found.y_n),
        "responders": int(found.y_n.sum()),
        "genes": int(found.common_g.sum()),
        "adjusted": list(plan.adjust),
        "treated": plan.treated,
        "words": dict(plan.words),
        "before": plan.before,
        "local": plan.local,
        "permutations": plan.draws,
        "dropped": dict(found.dropped),
        "chosen": [f"{r.method} {r.setting}".replace(" ()", "") for r in judged.chosen[CHOSEN]],
        "slopes": slopes(made, found.y_n, found.cohort_n),
        "seed": seed,
    }


def _declined(domain: Domain, found: Cohorts) -> np.ndarray:
    return np.array([1 - domain.inside_n[found.cohort_n == c].mean() for c in range(len(found.names))])


def _spans(programmes: Programmes) -> dict[str, list[float]]:
    """Mean and standard deviation of every programme over all patients, for a new patient's page."""
    mean_k = np.nanmean(programmes.f_nk, axis=0)
    sd_k = np.nanstd(programmes.f_nk, axis=0)
    return {name: [float(m), float(s)] for name, m, s in zip(programmes.names, mean_k, sd_k, strict=True)}


def _members(programmes: Programmes, heads: pd.DataFrame, table: pd.DataFrame) -> dict[str, list[str]]:
    """Genes of the sets that the rule reads, of the signatures, and of the sets that go with response most."""
    read = set(heads.loc[(heads["part"] == PROGRAMME) & (heads["weight"] != 0), "feature"])
    kept = read | set(SIGNATURES) | set(table["name"].head(MOST_SETS))
    return {name: list(ids) for name, ids in programmes.members.items() if name in kept}


def _long(effect_ck: np.ndarray, variance_ck: np.ndarray, *, programmes: Programmes, found: Cohorts) -> pd.DataFrame:
    c, k = effect_ck.shape
    columns = {"name": np.tile(np.asarray(programmes.names, dtype=object), c), "cohort": np.repeat(found.names, k)}
    return pd.DataFrame(columns).assign(effect=effect_ck.ravel(), se=np.sqrt(variance_ck).ravel())


def _held_out(judged: Judged, rule: str, found: Cohorts, *, made: Calibrated, domain: Domain) -> pd.DataFrame:
    columns = {"sample": found.obs.index.astype(str), "cohort": np.asarray(found.names)[found.cohort_n]}
    return pd.DataFrame(columns).assign(
        responded=found.y_n.astype(bool),
        score=judged.score[rule],
        probability=made.plain_n,
        local=made.local_n,
        inside=domain.inside_n,
    )


def _decision(made: Mapping[str, Calibrated], rule: str, y_n: np.ndarray, *, flat: Calibrated) -> pd.DataFrame:
    share = float(y_n.mean())
    odds_t = np.array([t / (1 - t) for t in THRESHOLDS])
    columns = {"threshold": THRESHOLDS, "rule": net_benefit(made[rule].local_n, y_n)}
    columns |= {"signature": net_benefit(made[SIGNATURE].local_n, y_n)}
    columns |= {"local_share": net_benefit(flat.local_n, y_n)}
    return pd.DataFrame(columns).assign(treat_all=share - (1 - share) * odds_t, treat_none=0.0)


def _frozen(
    rule: Any, bench: Bench, found: Cohorts, *, programmes: Programmes, domain: Domain
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Weights of the rule learned on all cohorts, and where the scores of cohorts lie."""
    common_g = found.common_g
    ids = np.asarray(found.genes.ids, dtype=object)[common_g]
    weight_g, weight_k = weights_of(rule, bench)
    reads = SIGNATURES.get(rule.reads) if rule.kind == "fixed" else SIGNATURES[SIGNATURE]
    if rule.kind in ("fixed", "mixed") and reads is not None:
        raw_n = mean_of(found.x_ng, found.positions(reads))
        sd, read_g = centred(raw_n, found.cohort_n).std(), np.isin(ids, reads)
        weight_g = weight_g + read_g / (max(int(read_g.sum()), 1) * sd)
    spread = spread_of(rule, bench)
    weight_g, weight_k = weight_g / spread, weight_k / spread
    genes = pd.DataFrame({"part": "genes", "feature": ids, "centre": domain.centre_g, "weight": weight_g})
    genes = genes.assign(**{f"axis{k + 1}": axis_g for k, axis_g in enumerate(domain.axis_gk.T)})
    whole = np.flatnonzero(~np.isnan(programmes.f_nk).any(0))
    f_nk = programmes.f_nk[:, whole]
    sd_k = np.array([(f_nk[:, k] - _means(f_nk[:, k], found.cohort_n)).std() for k in range(len(whole))])
    columns = {"part": PROGRAMME, "feature": np.asarray(programmes.names, dtype=object)[whole]}
    columns |= {"centre": f_nk.mean(0), "weight": weight_k / np.where(sd_k > 1e-9, sd_k, np.inf)}
    score_n = (found.x_ng[:, common_g] - domain.centre_g) @ weight_g + (f_nk - f_nk.mean(0)) @ columns["weight"]
    means_c = np.array([score_n[found.cohort_n == c].mean() for c in range(len(found.names))])
    location = {"mean": float(means_c.mean()), "variance": float(means_c.var(ddof=1))}
    return pd.concat([genes, pd.DataFrame(columns)], ignore_index=True), location


def _means(value_n: np.ndarray, cohort_n: np.ndarray) -> np.ndarray:
    return (np.bincount(cohort_n, value_n) / np.bincount(cohort_n))[cohort_n]
