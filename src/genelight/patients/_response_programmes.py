"""Programmes of patients, and which go with response: a difference within every cohort, joined by random effects."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import stats

from ..errors import InputError, UnknownNameError, first_three
from ..nodes.layers import node_names
from ..nodes.light_up import light_up
from ..nouns import Edges, Model
from ..stats.meta import leave_one_out, random_effects
from ._response_cohorts import SIGNATURES, Cohorts, sample_scores

NAMED, LEAST_GENES, LEAST_ARM = 5, 5, 3
BLANK = ("", ".", "na", "n/a", "#n/a", "nan", "<na>")


@dataclass(frozen=True)
class Programmes:
    """Values of programmes.

    Attributes
    ----------
    names, genes
        What they are called, and their leading genes in words.
    members
        Genes of those that are means of genes, by name.
    f_nk
        Shape ``(n, k)``, NaN where a cohort lacks too much of one.
    """

    names: tuple[str, ...]
    genes: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]
    f_nk: np.ndarray

    def take(self, kept_n: np.ndarray) -> Programmes:
        """Of some of the patients."""
        return replace(self, f_nk=self.f_nk[kept_n])


def programmes_of(found: Cohorts, model: Model | None, *, sets: Edges | None, layer: str | None) -> Programmes:
    """Known signatures, gene sets, and the nodes of a model's layer.

    Raises
    ------
    InputError
        If a gene set is called like a signature or a node.
    """
    names: list[str] = []
    genes: list[str] = []
    columns: list[np.ndarray] = []
    members: dict[str, tuple[str, ...]] = {}
    lists = dict(SIGNATURES)
    if sets is not None:
        table = sets.table.drop_duplicates(["source", "target"])
        given = {str(name): tuple(rows["target"].astype(str)) for name, rows in table.groupby("source", sort=False)}
        _check_names(
            given, [*SIGNATURES, *(node_names(model, layer) if model is not None and layer is not None else [])]
        )
        lists |= given
    for name, ids in lists.items():
        at = found.positions(ids)
        if len(at) >= LEAST_GENES or name in SIGNATURES:
            names.append(name)
            genes.append(", ".join(ids[:NAMED]))
            columns.append(mean_of(found.x_ng, at))
            members[name] = tuple(ids)
    if model is not None and layer is not None:
        lit = light_up(model, layer)
        label = lit.genes.ids
        h_nk = np.concatenate([model.encode(model.prepare(adata), layer) for adata in inputs(found, model)])
        names += node_names(model, layer)
        genes += [", ".join(label[g] for g in top) for top in lit.top_kn(NAMED)]
        columns += list(h_nk.astype(np.float64).T)
    return Programmes(tuple(names), tuple(genes), members, np.column_stack(columns))


def _check_names(given: Collection[str], ours: Collection[str]) -> None:
    """Stop where gene sets have the names of programmes that are there anyway."""
    twice = sorted({name.casefold() for name in given} & {name.casefold() for name in ours})
    if twice:
        said = [name for name in given if name.casefold() in twice]
        msg = (
            f"{len(said)} of {len(given)} gene sets are called like a signature or a node that stands beside them "
            f"({first_three(map(repr, said))}); call them otherwise in the file of sets, such as {said[0] + ' (set)'!r}"
        )
        raise InputError(msg)


def inputs(found: Cohorts, model: Model) -> list[AnnData]:
    """What a model reads of the patients: all at once where it ranks a sample's genes, else cohort by cohort."""
    if not _ranks(model):
        return list(found.raw.values())
    obs = pd.DataFrame(index=[name for adata in found.raw.values() for name in adata.obs_names])
    return [AnnData(found.x_ng, obs=obs, var=pd.DataFrame(index=list(found.genes.ids)))]


def model_input(model: Model, adata: AnnData) -> AnnData:
    """Values as they came, or as normal scores where the model's own preparation ranks a sample's genes anyway.

    Such a model takes tables on any scale; another takes its own alone.
    """
    if not _ranks(model):
        return adata
    return AnnData(sample_scores(adata, name="the table"), obs=adata.obs, var=pd.DataFrame(index=adata.var_names))


def _ranks(model: Model) -> bool:
    """Whether a model ranks the genes of a sample, and lets some be missing."""
    preparation = getattr(model, "preparation", None)
    ways = getattr(preparation, "normalisation", None)
    return ways is not None and ways.name == "rank" and bool(getattr(preparation, "missing", False))


def mean_of(x_ng: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Mean of some genes where two thirds of them are there, else NaN, shape ``(n,)``."""
    there_n = (~np.isnan(x_ng[:, at])).mean(1) if len(at) else np.zeros(len(x_ng))
    total_n = np.nansum(x_ng[:, at], axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(there_n >= 2 / 3, total_n / np.maximum(there_n * len(at), 1), np.nan)


def effects_of(
    f_nk: np.ndarray, found: Cohorts, *, adjust: Sequence[str], notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Hedges' g of every programme in every cohort, adjusted for covariates, and its variance, ``(c, k)`` both.

    Raises
    ------
    UnknownNameError
        If no cohort has a column to adjust for.
    """
    for column in adjust:
        if column not in found.obs:
            raise UnknownNameError("adjust column", column, found.obs.columns, where="the cohorts")
    effect_ck, variance_ck = [], []
    for c, name in enumerate(found.names):
        rows = found.cohort_n == c
        g_k, v_k = _adjusted(f_nk, found, rows, adjust=adjust, name=name, notes=notes)
        effect_ck.append(g_k)
        variance_ck.append(v_k)
    return np.array(effect_ck), np.array(variance_ck)


def _adjusted(
    f_nk: np.ndarray, found: Cohorts, rows: np.ndarray, *, adjust: Sequence[str], name: str, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """The same of some patients of one cohort, shape ``(k,)`` both."""
    covariate_np = _covariates(found.obs[rows], adjust, cohort=name, notes=notes)
    g_k, v_k = hedges(f_nk[rows], found.y_n[rows], covariate_np)
    if np.isnan(g_k).all():
        notes.append(
            f"{name}: what is adjusted for tells responders from others completely, or its "
            f"{covariate_np.shape[1]} columns leave too few of {int(rows.sum())} patients; it has no say"
        )
    return g_k, v_k


def hedges(f_nk: np.ndarray, y_n: np.ndarray, covariate_np: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Difference in residual standard deviations, corrected for small samples, and its variance, shape ``(k,)``.

    References
    ----------
    Hedges 1981, doi 10.3102/10769986006002107.
    """
    nothing = np.full(f_nk.shape[1], np.nan)
    x_np = np.column_stack((np.ones(len(y_n)), y_n, covariate_np))
    df = len(y_n) - np.linalg.matrix_rank(x_np)
    if df < 2 or np.linalg.matrix_rank(x_np) == np.linalg.matrix_rank(np.delete(x_np, 1, axis=1)):
        return nothing, nothing
    pinv_pn = np.linalg.pinv(x_np)
    there_k = ~np.isnan(f_nk).any(0)
    b_pk = pinv_pn @ f_nk[:, there_k]
    left_nk = f_nk[:, there_k] - x_np @ b_pk
    sd_k = np.sqrt((left_nk**2).sum(0) / df)
    small = 1 - 3 / (4 * df - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        g_k = np.where(sd_k > 1e-9, small * b_pk[1] / sd_k, np.nan)
    unit = float((pinv_pn[1] ** 2).sum())
    effect_k, variance_k = nothing.copy(), nothing.copy()
    effect_k[there_k], variance_k[there_k] = g_k, small**2 * unit + g_k**2 / (2 * df)
    return effect_k, variance_k


def joined(effect_ck: np.ndarray, variance_ck: np.ndarray, programmes: Programmes) -> pd.DataFrame:
    """The table of programmes, the smallest p first."""
    fit = random_effects(effect_ck, variance_ck)
    low_k, high_k = fit.interval_g()
    without = leave_one_out(effect_ck, variance_ck).mean_g
    columns: dict[str, Any] = {
        "name": programmes.names,
        "genes": programmes.genes,
        "effect": fit.mean_g,
        "low": low_k,
        "high": high_k,
    }
    columns |= {"p": fit.p_g, "q": np.nan, "tau2": fit.tau2_g, "i2": fit.i2_g, "cohorts": fit.cohorts_g}
    least_k, most_k = np.fmin.reduce(without, axis=0), np.fmax.reduce(without, axis=0)
    table = pd.DataFrame(columns).assign(least=least_k, most=most_k, same_sign=np.sign(least_k) == np.sign(most_k))
    known = table["p"].notna()
    table.loc[known, "q"] = stats.false_discovery_control(table.loc[known, "p"])
    return table.sort_values("p", kind="stable", ignore_index=True)


def interaction_of(found: Cohorts, programmes: Programmes, *, adjust: Sequence[str], notes: list[str]) -> pd.DataFrame:
    """Effect among the treated less effect among the others, over cohorts in which both arms have both classes.

    Each is adjusted for covariates within its arm. Empty where no two cohorts have; one cohort is reported as it is.
    """
    f_nk, in_n = programmes.f_nk, found.treated_n
    effect_ck, variance_ck = [], []
    for c, name in enumerate(found.names):
        rows = found.cohort_n == c
        arms = [rows & in_n, rows & ~in_n]
        if any(min(found.y_n[arm].sum(), (1 - found.y_n[arm]).sum()) < LEAST_ARM for arm in arms):
            continue
        # Of the treated arm everything was said with the effects.
        g1, v1 = _adjusted(f_nk, found, arms[0], adjust=adjust, name=name, notes=[])
        g0, v0 = _adjusted(f_nk, found, arms[1], adjust=adjust, name=f"{name}, untreated", notes=notes)
        effect_ck.append(g1 - g0)
        variance_ck.append(v1 + v0)
    if not effect_ck:
        nothing_2k = np.full((2, len(programmes.names)), np.nan)
        return joined(nothing_2k, nothing_2k, programmes).iloc[:0]
    if len(effect_ck) > 1:
        return joined(np.array(effect_ck), np.array(variance_ck), programmes)
    return _alone(effect_ck[0], variance_ck[0], programmes)


def _alone(effect_k: np.ndarray, variance_k: np.ndarray, programmes: Programmes) -> pd.DataFrame:
    """The table of one cohort, by the normal distribution."""
    se_k = np.sqrt(variance_k)
    columns: dict[str, Any] = {"name": programmes.names, "genes": programmes.genes, "effect": effect_k}
    columns |= {"low": effect_k - 1.96 * se_k, "high": effect_k + 1.96 * se_k}
    columns |= {"p": 2 * stats.norm.sf(np.abs(effect_k / se_k)), "q": np.nan, "tau2": np.nan, "i2": np.nan}
    table = pd.DataFrame(columns).assign(cohorts=1, least=effect_k, most=effect_k, same_sign=True)
    known = table["p"].notna()
    table.loc[known, "q"] = stats.false_discovery_control(table.loc[known, "p"])
    return table.sort_values("p", kind="stable", ignore_index=True)


def _covariates(obs: pd.DataFrame, adjust: Sequence[str], *, cohort: str, notes: list[str]) -> np.ndarray:
    """Columns of a cohort's design; one that is missing or the same for all there is told and left out."""
    parts: list[np.ndarray] = [np.empty((len(obs), 0))]
    for name in adjust:
        column = obs[name].astype(object)
        column = column.mask(column.isna() | column.astype(str).str.strip().str.casefold().isin(BLANK))
        number = pd.to_numeric(column, errors="coerce").astype(float)
        numeric = bool(np.isfinite(number[column.notna()]).all())
        missing, kinds = int(column.isna().sum()), (number if numeric else column.astype(str)).nunique()
        if missing or kinds < 2:
            why = f"missing for {missing} of {len(obs)}" if missing else f"{column.iloc[0]!r} for all"
            notes.append(f"{cohort}: not adjusted for {name}, which is {why}")
        elif numeric:
            parts.append(((number - number.mean()) / number.std(ddof=0)).to_numpy(np.float64)[:, None])
        else:
            levels = pd.get_dummies(column.astype(str), drop_first=True, dtype=float)
            parts.append((levels - levels.mean()).to_numpy())
    return np.hstack(parts)
