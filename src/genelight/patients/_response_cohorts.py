"""Cohorts of treated patients as one table: a row a patient, normal scores within each, and what was left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from .._core.checks import check_column
from .._core.expressions import evaluate
from .._core.tables import plain_text
from ..errors import InputError, UnknownNameError, first_three
from ..nouns import Genes
from ..pp.normalise import NORMALISATIONS, Normalisation
from ._response_sheet import (
    Question,
    ask,
    before_of,
    lacks,
    persons_question,
    read_words,
    rows_of_patients,
    times_question,
    words_question,
)

SIGNATURES: dict[str, tuple[str, ...]] = {
    "interferon-gamma signature": ("IDO1", "CXCL10", "CXCL9", "HLA-DRA", "STAT1", "IFNG"),
    "CD8A": ("CD8A",),
    "cytolytic activity": ("GZMA", "PRF1"),
}
TREATED = "treated, as asked"
SILENT = "nobody's response is known"
LEAST_COHORTS, LEAST_CLASS, LEAST_PART = 3, 3, 2 / 3
CENTRED, MOST_SILENT = 0.02, 5
TWINS, LEAST_GENES = 0.9999, 100
_COHORT = re.compile(r"cohort|study|data_?set|series|trial|gse", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ResponsePlan:
    """What the columns of cohorts mean, and how response is judged.

    Parameters
    ----------
    response
        Column of ``obs``: R, responder, CR, PR, yes, 1 and their like are responses, NR, PD, no, 0 are none.
    words
        What stable disease (``"SD"``), mixed response (``"mixed"``) and words that are not known count as: ``"R"``,
        ``"NR"`` or ``"drop"``.
    by
        Column that names the cohort, where all lie in one table.
    subject
        Column that says whose biopsy it is; a patient's biopsies are averaged.
    before
        Which biopsies were taken before the treatment, a query on columns; the others are left out.
    adjust
        Columns that programmes are adjusted for within each cohort and each arm; text as classes.
    treated
        Which patients had the treatment, a query, where there is a second arm. Rules and programmes are of these; the
        others tell, by the interaction, what is predictive.
    layer
        Whose nodes are programmes, by default the bottleneck's.
    local
        Patients of a new cohort that recalibrate the probability.
    draws
        Permutations of response within cohorts.

    Raises
    ------
    InputError
        If `local` or `draws` is no whole number or below zero.
    """

    response: str = "response"
    words: Mapping[str, str] = field(default_factory=dict)
    by: str | None = None
    subject: str | None = None
    before: str | None = None
    adjust: Sequence[str] = ()
    treated: str | None = None
    layer: str | None = None
    local: int = 10
    draws: int = 200

    def __post_init__(self) -> None:
        for name, option in (("local", "local"), ("draws", "permutations")):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 0:
                msg = f"{name} = {number!r} must be a whole number, zero or more (on the command line --{option})"
                raise InputError(msg)


@dataclass(frozen=True)
class Cohorts:
    """Patients of the cohorts that can be used.

    Attributes
    ----------
    names
        Of the cohorts.
    cohort_n
        Each patient's, a position in `names`.
    y_n
        1 where the patient responded, 0 where not.
    x_ng
        Normal scores within each biopsy over the genes that its cohort has; NaN where it lacks one.
    obs
        What is known of the patients.
    raw
        The same patients' values by cohort as they came, a patient's biopsies averaged.
    dropped
        What was left out, by cohort.
    """

    names: tuple[str, ...]
    cohort_n: np.ndarray
    y_n: np.ndarray
    x_ng: np.ndarray
    genes: Genes
    obs: pd.DataFrame
    raw: Mapping[str, AnnData]
    dropped: Mapping[str, str]

    @property
    def treated_n(self) -> np.ndarray:
        """Who had the treatment; all where there is one arm."""
        return self.obs[TREATED].to_numpy(dtype=bool)

    def take(self, kept_n: np.ndarray) -> Cohorts:
        """Some of the patients, of every cohort."""
        sides = {name: kept_n[self.cohort_n == c] for c, name in enumerate(self.names)}
        return replace(
            self,
            cohort_n=self.cohort_n[kept_n],
            y_n=self.y_n[kept_n],
            x_ng=self.x_ng[kept_n],
            obs=self.obs[kept_n],
            raw={name: adata[sides[name]] for name, adata in self.raw.items()},
        )

    @property
    def common_g(self) -> np.ndarray:
        """Which genes every patient has."""
        return ~np.isnan(self.x_ng).any(0)

    def positions(self, ids: Sequence[str]) -> np.ndarray:
        """Where some genes stand, those that are there."""
        index = Genes(tuple(ids), self.genes.namespace).align(self.genes).index
        return index[index >= 0]


def read_cohorts(cohorts: AnnData | Mapping[str, AnnData], plan: ResponsePlan) -> Cohorts:
    """Read every cohort, leave out by name those that say nothing, and stop where fewer than three are left.

    Raises
    ------
    UnknownNameError
        If a column does not exist.
    InputError
        If fewer than three cohorts have three patients of either class, a word has no known meaning, biopsies under
        treatment or several of a patient are among the others and nothing was said of them, or two cohorts share one.
    """
    dropped: dict[str, str] = {}
    kept: dict[str, tuple[AnnData, np.ndarray]] = {}
    whole = cohorts if isinstance(cohorts, AnnData) and plan.by is None else None
    parts = _parts(cohorts, plan) if whole is None else {"the table": whole}
    everywhere = list(dict.fromkeys(str(column) for adata in parts.values() for column in adata.obs))
    before = {name: _before(name, adata, plan, everywhere=everywhere) for name, adata in parts.items()}
    by = None if whole is None else _cohort_question(whole.obs)
    ask([by, *_questions(before, plan if by is None else replace(plan, by=str(by.answer)))])
    for name, (adata, out) in before.items():
        found, why = _patients(name, adata, plan, out=out, everywhere=everywhere)
        if why:
            dropped[name] = why
        if found is not None:
            kept[name] = found
    silent = [name for name, why in dropped.items() if why == SILENT]
    if len(silent) > MOST_SILENT:
        dropped = {name: why for name, why in dropped.items() if why != SILENT}
        dropped[f"{len(silent)} cohorts"] = f"{SILENT} ({first_three(silent)})"
    if len(kept) < LEAST_COHORTS:
        said = "; ".join(f"{name}: {why}" for name, why in list(dropped.items())[:5])
        msg = (
            f"{len(kept)} of {len(parts)} cohorts can be used ({said or 'no more'}"
            f"), and what travels from one cohort to another is seen in {LEAST_COHORTS} or more that have "
            f"{LEAST_CLASS} responders and {LEAST_CLASS} others each; give more cohorts (of one table: by='study', "
            "on the command line --by study)"
        )
        raise InputError(msg)
    return _joined(kept, dropped)


def sample_scores(adata: AnnData, *, name: str) -> np.ndarray:
    """Normal scores of the genes within each sample, float32, shape ``(n, g)``; missing values stay so.

    Raises
    ------
    InputError
        If every gene has mean zero over the samples, so that genes of one sample cannot be ranked.
    """
    x_ng = adata.X.toarray() if sparse.issparse(adata.X) else np.asarray(adata.X)
    x_ng = np.where(np.isinf(x_ng), np.nan, x_ng).astype(np.float64)
    if len(x_ng) >= LEAST_CLASS:
        whole_ng = x_ng[:, ~np.isnan(x_ng).any(0)]
        if not whole_ng.size or whole_ng.mean(0).var() <= CENTRED * whole_ng.var():
            msg = (
                f"cohort {name!r}: every gene has about the same mean over its samples, as in z-scores or ratios to a "
                "reference; genes are ranked within a sample here, so give the values before they were centred"
            )
            raise InputError(msg)
    reference_q = NORMALISATIONS["rank"](np.empty((0, x_ng.shape[1])))
    return Normalisation("rank", reference_q).apply(x_ng).astype(np.float32)


def _cohort_question(obs: pd.DataFrame) -> Question:
    """Which column names the cohort, one of the table's where one is called so."""
    called = [str(c) for c in obs if _COHORT.search(str(c)) and LEAST_COHORTS <= obs[c].nunique() <= len(obs) / 2]
    found = "one table is one cohort, and what travels is seen in others"
    how = f"or give several tables; the columns are {first_three(map(str, obs.columns), n=8)}"
    return Question(found, "by", called[0] if called else "COLUMN", how=how)


def _questions(before: Mapping[str, tuple[AnnData, list[str]]], plan: ResponsePlan) -> list[Question | None]:
    """What nobody said of the words of response, of times and of patients, over all cohorts."""
    words = words_question({name: adata.obs[plan.response] for name, (adata, _) in before.items()}, plan.words)
    known: dict[str, pd.DataFrame] = {}
    of_use: dict[str, pd.DataFrame] = {}
    for name, (adata, _) in before.items():
        y_n, open_ = read_words(adata.obs[plan.response], plan.words)
        known[name] = adata.obs[np.isfinite(y_n)]
        if min((y_n == 1).sum(), (y_n == 0).sum()) + open_ >= LEAST_CLASS:
            of_use[name] = adata.obs if open_ else known[name]
    times = None if plan.before else times_question(of_use, skip=(plan.by, plan.subject, plan.response))
    return [words, times, None if plan.subject else persons_question(known)]


def _parts(cohorts: AnnData | Mapping[str, AnnData], plan: ResponsePlan) -> dict[str, AnnData]:
    """Cohorts by name; no two may be printed alike."""
    if not isinstance(cohorts, AnnData):
        parts = {_clean(name): adata for name, adata in cohorts.items()}
        if len(parts) < len(cohorts):
            names = [_clean(name) for name in cohorts]
            twice = sorted({name for name in names if names.count(name) > 1})
            msg = f"cohorts have the same name where it is printed ({first_three(map(repr, twice))}); rename one"
            raise InputError(msg)
        return parts
    of_n = np.asarray(check_column(cohorts.obs, str(plan.by), role="by").astype(str))
    return {_clean(name): cohorts[of_n == name] for name in np.unique(of_n)}


def _clean(name: object) -> str:
    """A cohort's name as pages and pictures can hold it."""
    return plain_text(str(name).encode("utf-8", "backslashreplace").decode("utf-8"))


def _before(name: str, adata: AnnData, plan: ResponsePlan, *, everywhere: Sequence[str]) -> tuple[AnnData, list[str]]:
    """Biopsies of a cohort from before treatment, and what is to be said of the others."""
    if plan.response not in adata.obs:
        raise UnknownNameError("response column", plan.response, adata.obs.columns, where=f"cohort {name!r}")
    before_n, out = before_of(adata.obs, plan.before, everywhere=everywhere)
    return adata[before_n], out


def _patients(
    name: str, before: AnnData, plan: ResponsePlan, *, out: list[str], everywhere: Sequence[str]
) -> tuple[tuple[AnnData, np.ndarray] | None, str]:
    """A cohort's patients with known response, and whether they responded; and what was left out, in words."""
    y_n, _ = read_words(before.obs[plan.response], plan.words)
    known_n = np.isfinite(y_n)
    if not known_n.all():
        out.append(f"{int((~known_n).sum())} of {len(known_n)} without response, or dropped by it")
    adata, y_n = before[known_n], y_n[known_n]
    if plan.subject is not None and plan.subject in everywhere and len(y_n) and lacks(adata.obs, plan.subject):
        out.append(f"each biopsy taken as a patient's own, for {plan.subject!r} isn't known")
        plan = replace(plan, subject=None)
    rows_s = rows_of_patients(name, adata.obs, y_n=y_n, subject=plan.subject)
    if len(rows_s) < len(y_n):
        out.append(f"{len(y_n)} biopsies of {len(rows_s)} patients averaged")
    first = np.array([rows[0] for rows in rows_s], dtype=np.int64)
    y_s = y_n[first]
    if not len(y_s):
        return None, SILENT if before.n_obs else "; ".join(out)
    treated_s = np.ones(len(y_s), dtype=bool)
    if plan.treated is not None:
        treated_s = np.asarray(evaluate(adata.obs.iloc[first], plan.treated, role="treated"))
    ones, zeros = int(y_s[treated_s].sum()), int((1 - y_s[treated_s]).sum())
    if min(ones, zeros) < LEAST_CLASS:
        among = " among the treated" if plan.treated is not None else ""
        out.append(f"left out: {ones} responders and {zeros} others{among}")
        return None, "; ".join(out)
    found = averaged(adata, rows_s)
    found.obs[TREATED] = treated_s
    return (found, y_s), "; ".join(out)


def averaged(adata: AnnData, rows_s: Sequence[np.ndarray]) -> AnnData:
    """One row a patient: the mean of the biopsies, under the name of the first."""
    first = np.array([rows[0] for rows in rows_s], dtype=np.int64)
    if all(len(rows) == 1 for rows in rows_s):
        return adata[first].copy()
    x_ng = adata.X.toarray() if sparse.issparse(adata.X) else np.asarray(adata.X)
    mean_sg = np.stack([np.asarray(x_ng[rows], dtype=np.float64).mean(0) for rows in rows_s])
    return AnnData(mean_sg.astype(np.float32), obs=adata.obs.iloc[first].copy(), var=adata.var.copy())


def _joined(kept: Mapping[str, tuple[AnnData, np.ndarray]], dropped: Mapping[str, str]) -> Cohorts:
    genes = Genes(tuple(dict.fromkeys(str(g) for adata, _ in kept.values() for g in adata.var_names)), "symbol")
    blocks, obs = [], []
    for name, (adata, _) in kept.items():
        index_g = genes.align(Genes(tuple(map(str, adata.var_names)), "symbol")).index
        block_ng = np.full((adata.n_obs, len(genes)), np.nan, dtype=np.float32)
        block_ng[:, index_g >= 0] = sample_scores(adata, name=name)[:, index_g[index_g >= 0]]
        blocks.append(block_ng)
        obs.append(adata.obs)
    x_ng = np.concatenate(blocks)
    cohort_n = np.repeat(np.arange(len(kept)), [len(block) for block in blocks])
    joined = pd.concat(obs, join="outer")
    y_n = np.concatenate([y for _, y in kept.values()])
    raw = {name: adata for name, (adata, _) in kept.items()}
    found = Cohorts(tuple(kept), cohort_n, y_n, x_ng, genes, joined, raw, dropped)
    _check_signature(found)
    _check_twins(found)
    return found


def _check_signature(found: Cohorts) -> None:
    """Stop where cohorts lack more than a third of the signature that everything is held against."""
    signature = next(iter(SIGNATURES.values()))
    at = found.positions(signature)
    for c, name in enumerate(found.names):
        there = int((~np.isnan(found.x_ng[found.cohort_n == c][:, at])).all(0).sum()) if len(at) else 0
        if there < LEAST_PART * len(signature):
            msg = (
                f"cohort {name!r} has {there} of the {len(signature)} genes of the interferon-gamma signature "
                f"({', '.join(signature)}), by which everything is judged; columns must be human gene symbols "
                "(gl.map_ids(adata, to='symbol'); the command line maps them by itself)"
            )
            raise InputError(msg)


def twins(x_ng: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows that are the same biopsy; none where there are too few genes to tell."""
    if x_ng.shape[1] < LEAST_GENES or len(x_ng) < 2:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    first, other = np.nonzero(np.triu(np.corrcoef(x_ng) > TWINS, 1))
    return first, other


def _check_twins(found: Cohorts) -> None:
    """Stop where a biopsy is there twice, in one cohort or in two."""
    named_n = [f"{sample!r} of {found.names[c]}" for sample, c in zip(found.obs.index, found.cohort_n, strict=True)]
    first, other = twins(found.x_ng[:, found.common_g])
    across = found.cohort_n[first] != found.cohort_n[other]
    for where, twin in (("twice in one cohort", ~across), ("in two cohorts at once", across)):
        if twin.any():
            msg = (
                f"{int(twin.sum())} biopsies are {where}, the first {named_n[first[twin][0]]} and "
                f"{named_n[other[twin][0]]}; keep one of each: --drop; a patient counts once, and a cohort that shares "
                "patients with another is not left out"
            )
            raise InputError(msg)


def cohort_sizes(found: Cohorts) -> pd.DataFrame:
    """Patients of each cohort: ``cohort``, ``samples``, ``responders``, ``others``."""
    size_c = np.bincount(found.cohort_n)
    ones_c = np.bincount(found.cohort_n, found.y_n).astype(int)
    columns = {"cohort": found.names, "samples": size_c, "responders": ones_c, "others": size_c - ones_c}
    return pd.DataFrame(columns)
