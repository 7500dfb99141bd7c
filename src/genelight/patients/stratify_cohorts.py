"""Patient groups over several cohorts with the study taken out: whether each has them, and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import stats
from sklearn.metrics import adjusted_rand_score

from .._core.checks import check_column
from ..errors import InputError, UnknownNameError, first_three
from ..nodes.layers import check_layer
from ..nouns import Groups, Model
from ..nouns.contrast import persons
from ..nouns.model import bottleneck
from ._applicability import seen
from ._consensus_clusters import consensus_of, grouped, k_means
from ._describe import is_number, per_subject
from .stratify import Read, groups_of, means_of

__all__ = ["stratify_cohorts"]

LEAST_COHORTS, LEAST_SUBJECTS, MOST_LEVELS = 2, 10, 20
CLOUDS, STARTS, DRAWS, CHUNK, TRIAL = 99, 10, 1900, 100, 50


def stratify_cohorts(
    adata: AnnData,
    model: Model,
    *,
    cohort: str,
    tested: Sequence[str] = (),
    subject: str | None = None,
    layer: str | None = None,
    resamples: int = 200,
    seed: int = 0,
) -> Groups:
    """Look for groups of subjects of several cohorts together, ask whether each cohort has them, and what differs.

    Every cohort's mean is taken out of the codes first; then groups are sought as :func:`stratify` does, and "no stable
    groups" stays an answer. Groups that are found are refitted without each cohort in turn, and its subjects put
    to the nearest centre; that is held against its own grouping by k-means (adjusted Rand index; prediction strength),
    and against the same in 99 clouds without groups that have its covariance. Columns that are tested are permuted
    within cohorts, so that a group that is mostly one cohort's proves nothing.

    Parameters
    ----------
    adata
        Samples x genes, all cohorts in one table.
    model
        A trained model.
    cohort
        Column that names the cohort.
    tested
        Columns that groups may differ in, such as the response: text as classes, blanks left out. One that is the same
        for all of a cohort, in each, can't differ within one and is left out.
    subject, layer, resamples, seed
        As in :func:`stratify`.

    Returns
    -------
    Groups as of :func:`stratify`. ``about["cohorts"]`` has for each cohort its subjects, the share of each group, the
    agreement, what clouds have (``null``) and ``p``; ``described`` has the tested columns by a permutation within
    cohorts, ``effect`` being the share of their variance within cohorts that lies between groups. A new cohort is
    assigned by codes less their mean.

    Raises
    ------
    UnknownNameError
        If a column or layer does not exist.
    InputError
        If there are fewer than two cohorts or twenty subjects, a subject is in two cohorts, codes do not vary, or a
        tested column of text has more than twenty classes.

    References
    ----------
    Tibshirani and Walther 2005 on prediction strength, doi 10.1198/106186005X59243.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()[::2].copy()
    >>> model = gl.models.PCA(4).fit(adata)
    >>> found = gl.patients.stratify_cohorts(adata, model, cohort="hours", tested=["condition"], resamples=50)
    >>> found.found, found.about["cohort"]
    (0, 'hours')
    """
    for name in tested:
        if name not in adata.obs:
            raise UnknownNameError("tested column", name, adata.obs.columns, where="obs")
        value_n = adata.obs[name]
        if not is_number(value_n) and value_n.nunique() > MOST_LEVELS:
            msg = (
                f"the tested column {name!r} has {value_n.nunique()} classes "
                f"({first_three(value_n.dropna().unique())}), more than {MOST_LEVELS}; make it numbers, or join some"
            )
            raise InputError(msg)
    layer = check_layer(model, bottleneck(model) if layer is None else layer)
    x_ng = model.prepare(adata)
    read = Read.of(adata, persons(adata.obs, subject))
    cohort_s = _cohorts(adata.obs, cohort, read)
    h_sk = means_of(model.encode(x_ng, layer), read.position_n)
    for name in np.unique(cohort_s):
        h_sk[cohort_s == name] -= h_sk[cohort_s == name].mean(0)
    groups, a_sa = groups_of(
        adata, model, h_sk, read=read, subject=subject, layer=layer, resamples=resamples, seed=seed
    )
    known = seen(adata, model, x_ng, subject_n=read.subject_n, folds=None, seed=seed)
    about: dict[str, Any] = {**groups.about, "applicability": known.plain(), "explain": [], "explained": None}
    about |= {"cohort": cohort, "cohorts": []}
    described = groups.described
    if groups.found:
        group_s = groups.members["group"].to_numpy(dtype=object)
        about["cohorts"] = _same(a_sa, group_s, cohort_s, seed=seed)
        values = {name: per_subject(adata.obs[name], read.position_n) for name in tested}
        described = _with_tested(described, values, group_s, cohort_s=cohort_s, seed=seed)
    return Groups(groups.centres, groups.members, groups.stability, described, about)


def _cohorts(obs: pd.DataFrame, cohort: str, read: Read) -> np.ndarray:
    """Cohort of each subject; there are two or more, and no subject is in two."""
    of_n = pd.Series(np.asarray(check_column(obs, cohort, role="cohort").astype(str)))
    several = of_n.groupby(read.position_n).nunique().to_numpy() > 1
    if several.any():
        who = first_three(np.asarray(read.subjects)[several])
        msg = f"{int(several.sum())} subjects are in two cohorts by the column {cohort!r} ({who}); keep them in one"
        raise InputError(msg)
    cohort_s = of_n.groupby(read.position_n).first().to_numpy(dtype=object)
    if len(set(cohort_s)) < LEAST_COHORTS:
        msg = f"the column {cohort!r} names one cohort ({cohort_s[0]!r}); stratify is for one, two or more are needed"
        raise InputError(msg)
    return cohort_s


def _same(a_sa: np.ndarray, group_s: np.ndarray, cohort_s: np.ndarray, *, seed: int) -> list[dict[str, Any]]:
    """Of each cohort whether its own grouping is the one that the others learn."""
    names = sorted(set(group_s))
    rng = np.random.default_rng((seed, 6))
    rows = []
    for cohort in sorted(set(cohort_s)):
        mine = cohort_s == cohort
        row: dict[str, Any] = {"cohort": cohort, "subjects": int(mine.sum())}
        row |= {"shares": {name: float((group_s[mine] == name).mean()) for name in names}}
        row |= {"agreement": None, "null": None, "p": None}
        if min(mine.sum(), (~mine).sum()) >= LEAST_SUBJECTS:
            consensus_ss = consensus_of(a_sa[~mine], len(names), resamples=TRIAL, seed=seed)
            label_s, _ = grouped(consensus_ss, len(names))
            centre_ga = np.stack([a_sa[~mine][label_s == g].mean(0) for g in np.unique(label_s)])
            own = _agreement(a_sa[mine], centre_ga, rng)
            root_aa = np.linalg.cholesky(np.cov(a_sa[mine].T) + 1e-9 * np.eye(a_sa.shape[1]))
            shape = a_sa[mine].shape
            null = [_agreement(rng.normal(size=shape) @ root_aa.T, centre_ga, rng) for _ in range(CLOUDS)]
            p = (1 + np.sum(np.array(null) >= own)) / (1 + CLOUDS)
            row |= {"agreement": own, "null": float(np.mean(null)), "p": float(p)}
        rows.append(row)
    return rows


def _agreement(a_sa: np.ndarray, centre_ga: np.ndarray, rng: np.random.Generator) -> float:
    """Adjusted Rand index of the nearest centre and the tightest grouping of its own."""
    told_s = ((a_sa[:, None] - centre_ga) ** 2).sum(2).argmin(1)
    label_bs = k_means(a_sa, len(centre_ga), np.ones((STARTS, len(a_sa)), dtype=bool), rng=rng)
    spread_b = [sum(float(a_sa[v == g].var(0).sum()) * (v == g).sum() for g in np.unique(v)) for v in label_bs]
    return float(adjusted_rand_score(told_s, label_bs[int(np.argmin(spread_b))]))


def _with_tested(
    described: pd.DataFrame, values: dict[str, pd.Series], group_s: np.ndarray, *, cohort_s: np.ndarray, seed: int
) -> pd.DataFrame:
    """The table with the tested columns by permutation within cohorts, in place of tests that know no cohorts."""
    rows = []
    for name, value_s in values.items():
        there = (value_s.notna() & (value_s.astype(str).str.strip() != "")).to_numpy()
        row = _tested(value_s[there], group_s[there], cohort_s[there], seed=seed)
        if row is not None:
            rows.append({"kind": "column", "name": name, "test": "permutation within cohorts", **row})
    table = described[~((described["kind"] == "column") & described["name"].isin(values))]
    if not rows:
        return table.reset_index(drop=True)
    mine = pd.DataFrame(rows)
    mine["q"] = stats.false_discovery_control(mine["p"])
    return pd.concat([mine[list(described.columns)], table], ignore_index=True)


def _tested(value_s: pd.Series, group_s: np.ndarray, cohort_s: np.ndarray, *, seed: int) -> dict[str, Any] | None:
    numeric = is_number(value_s)
    if value_s.nunique() < 2 or (not numeric and value_s.nunique() > MOST_LEVELS) or len(set(group_s)) < 2:
        return None
    columns = value_s.to_frame() if numeric else pd.get_dummies(value_s.astype(str))
    value_sv = columns.to_numpy(dtype=np.float64)
    rows_c = [np.flatnonzero(cohort_s == cohort) for cohort in np.unique(cohort_s)]
    for rows in rows_c:
        value_sv[rows] -= value_sv[rows].mean(0)
    total = float((value_sv**2).sum())
    if total < 1e-12:
        return None
    member_gs = np.stack([group_s == name for name in sorted(set(group_s))]).astype(float)
    member_gs /= np.sqrt(member_gs.sum(1, keepdims=True))
    rng = np.random.default_rng((seed, 7))
    own, at_least = float(((member_gs @ value_sv) ** 2).sum()), 1
    for _ in range(DRAWS // CHUNK):
        drawn_bsv = np.empty((CHUNK, *value_sv.shape))
        for rows in rows_c:
            drawn_bsv[:, rows] = value_sv[rows[np.argsort(rng.random((CHUNK, len(rows))), axis=1)]]
        at_least += int((((member_gs @ drawn_bsv) ** 2).sum((1, 2)) >= own - 1e-12).sum())
    mean_gv = (member_gs @ value_sv) / np.sqrt(np.array([[(group_s == name).sum()] for name in sorted(set(group_s))]))
    column = int(np.ptp(mean_gv, axis=0).argmax())
    best = sorted(set(group_s))[int(mean_gv[:, column].argmax())]
    highest = best if numeric else f"{columns.columns[column]}: {best}"
    return {"effect": own / total, "highest": highest, "p": at_least / (DRAWS + 1)}
