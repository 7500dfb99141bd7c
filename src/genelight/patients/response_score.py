"""New patients by a frozen rule: a probability of response with its interval, what drives it, and a refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from anndata import AnnData

from .._core.printed import Card, Printed, spread
from .._core.tables import read_tsv, write_tsv
from ..errors import GeneMismatchError, InputError, UnknownNameError, first_three
from ..nodes.layers import node_names
from ..nouns import Genes, Model
from ..nouns.response import PROGRAMME, Response
from ..stats.logistic import Logit, fit_logit
from ._response_calibration import patient_interval
from ._response_cohorts import LEAST_PART, ResponsePlan, averaged, sample_scores, twins
from ._response_programmes import mean_of, model_input
from ._response_sheet import (
    ask,
    before_of,
    persons_question,
    read_words,
    rows_of_patients,
    times_question,
    words_question,
)

__all__ = ["ResponseScores", "score_response"]

LEAST_LOCATION, LEAST_LOCAL, LOCAL = 10, 5, "the local patients"
LEAST_DOMAIN, DRIVERS = 0.5, 8
NOT_KNOWN = (
    "Not a medical device. Not known: whether another treatment would do better or worse, what this tumour is outside "
    "the biopsy, what changed since it was taken, and anything that gene expression does not show."
)


@dataclass(frozen=True, repr=False)
class ResponseScores(Printed):
    """What a frozen rule says of new patients.

    Attributes
    ----------
    table
        One row each: ``sample``, ``score``, ``probability`` with ``low`` and ``high``, ``share_above`` (of the
        patients that it was made from, how many score higher), ``inside``, ``reasons``. A refused one has no values.
    drivers
        ``sample``, ``feature``, ``value`` less the cohorts' mean, ``part`` of the score that it makes.
    programmes
        ``sample``, ``name``, ``z`` (standard deviations from the mean over all cohorts' patients), ``effect`` and
        ``q``: how it goes with response. Furthest from the mean first.
    about
        Where the scores were centred, and by what they became probabilities.
    """

    table: pd.DataFrame
    drivers: pd.DataFrame
    programmes: pd.DataFrame
    about: Mapping[str, Any] = field(default_factory=dict)

    FORMAT: ClassVar[int] = 1

    @property
    def refused(self) -> int:
        """How many patients lie outside what the cohorts span."""
        return int((~self.table["inside"]).sum())

    def _card(self) -> Card:
        known = self.table[self.table["inside"]]
        return f"response of {len(self.table):,} patients", [
            ("seen the like", f"{len(known):,}; {self.refused:,} refused"),
            ("probability", spread(known["probability"].dropna())),
            ("score", spread(known["score"].dropna())),
            ("mind", str(self.about.get("not_known") or "")),
            ("next", "table has a row for each, drivers what makes it"),
        ]

    def save(self, path: Path) -> None:
        """Write the table as TSV under one comment line."""
        write_tsv(path, self.table, kind="response scores", version=self.FORMAT, about=dict(self.about))

    @classmethod
    def load(cls, path: Path) -> ResponseScores:
        """Read the table that :meth:`save` wrote.

        Raises
        ------
        FormatError
            If the file is absent, damaged or of another kind.
        """
        table, about = read_tsv(path, kind="response scores", newest=cls.FORMAT, text=("sample", "reasons"))
        return cls(table.assign(reasons=table["reasons"].fillna("")), pd.DataFrame(), pd.DataFrame(), about)


def score_response(
    adata: AnnData,
    model: Model | None = None,
    *,
    response: Response,
    local: AnnData | None = None,
    plan: ResponsePlan | None = None,
    coverage: float = 0.9,
) -> ResponseScores:
    """Give new patients a probability of response by the rule that :func:`response` froze.

    Parameters
    ----------
    adata
        Patients x genes, human symbols, on any scale that orders a sample's genes.
    model
        Needed where the rule reads its nodes, and for where a patient's nodes stand; the one of :func:`response`.
    response
        What :func:`response` returned.
    local
        At least five patients of the same hospital whose response is known: they move the probability.
    plan
        What the columns of `local` mean: ``response``, ``words``, ``subject`` and ``before``.
    coverage
        Of the intervals.

    Returns
    -------
    One row per patient. The interval is of the probability, not of the outcome: it holds what is not known of the
    line from score to probability, of how cohorts differ, and, for fewer than ten patients, of where their cohort's
    scores lie.

    Raises
    ------
    InputError
        If the rule reads nodes and the model is not the one, fewer than five local patients have a response, some of
        their biopsies may be from after the treatment's start or several of one patient and the plan says nothing of
        it, or a new patient is among them.
    GeneMismatchError
        If more than a third of the rule's weight, or half of the genes, are not there.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> words = {"symptomatic": "R", "asymptomatic": "NR"}
    >>> plan = gl.patients.ResponsePlan(response="condition", words=words, by="hours", draws=0)
    >>> found = gl.response(adata[adata.obs["hours"].isin([45, 60, 77])].copy(), plan=plan)
    >>> new = adata[adata.obs["hours"] == 69].copy()
    >>> gl.patients.score_response(new, response=found).refused
    0
    """
    if not 0 < coverage < 1:
        msg = f"coverage = {coverage} must lie between 0 and 1, for example 0.9"
        raise InputError(msg)
    reader = _Reader.of(response, model)
    new = reader.read(adata, "the new patients")
    told, about = response.about["beliefs"], {"rule": response.rule, "coverage": coverage}
    line = Logit(told["intercept"], told["slope"], np.asarray(told["cov"]))
    centre, variance = response.about["location"]["mean"], response.about["location"]["variance"]
    why = "the mean of the cohorts, for they are fewer than ten"
    if local is not None:
        local, y_n = _local_patients(local, plan or ResponsePlan())
        theirs = reader.read(local, LOCAL)
        _check_apart(new, theirs, list(adata.obs_names.astype(str)))
        centre = float(theirs.score_n.mean())
        line = fit_logit(theirs.score_n - centre, y_n, prior=line)
        variance, why = 0.0, f"the mean of {len(theirs.score_n)} local patients, by whom the line was moved"
    elif adata.n_obs >= LEAST_LOCATION:
        centre, variance, why = float(new.score_n.mean()), 0.0, "their own mean: they are taken for one cohort"
    about |= {"centred_by": why, "not_known": NOT_KNOWN}
    score_n = new.score_n - centre
    told_n, low_n, high_n = patient_interval(line, score_n, variance=variance, coverage=coverage)
    held_out_s = response.held_out["score"].to_numpy()
    columns: dict[str, Any] = {"sample": list(adata.obs_names.astype(str)), "score": score_n}
    columns |= {"probability": told_n, "low": low_n, "high": high_n}
    table = pd.DataFrame(columns).assign(
        share_above=[float((held_out_s > s).mean()) for s in score_n], inside=new.inside_n, reasons=new.reasons
    )
    table.loc[~table["inside"], ["score", "probability", "low", "high", "share_above"]] = np.nan
    return ResponseScores(table, new.drivers, new.programmes, about)


@dataclass(frozen=True)
class _Read:
    x_ng: np.ndarray
    score_n: np.ndarray
    inside_n: np.ndarray
    reasons: list[str]
    drivers: pd.DataFrame
    programmes: pd.DataFrame


@dataclass(frozen=True)
class _Reader:
    """The frozen rule, and what it needs of new patients."""

    response: Response
    model: Model | None

    @classmethod
    def of(cls, response: Response, model: Model | None) -> _Reader:
        """Check that the model is the one of the rule.

        Raises
        ------
        InputError
            If it is another, or nodes are read and there is none.
        """
        digest = response.about["model_digest"]
        if model is not None and model.digest != digest:
            msg = f"this response was made with a model of digest {digest}, not with this one of {model.digest}"
            raise InputError(msg)
        known = set(response.about["sets"])
        nodes = [name for name in response.weights(PROGRAMME)["feature"] if name not in known]
        if nodes and model is None:
            msg = f"the rule reads {len(nodes)} nodes of a model ({nodes[0]}); give the model that it was made with"
            raise InputError(msg)
        return cls(response, model)

    def read(self, adata: AnnData, name: str) -> _Read:
        """Scores and all that goes with them, not centred yet."""
        genes, known = self.response.domain()
        x_ng = self._aligned(adata, genes, name=name)
        centre_g, weight_g = genes["centre"].to_numpy(float), genes["weight"].to_numpy(float)
        off_ng = np.nan_to_num(x_ng - centre_g)
        axis_gk = genes[[c for c in genes if str(c).startswith("axis")]].to_numpy(float)
        h_nk = off_ng @ axis_gk
        error_n = ((off_ng**2).sum(1) - (h_nk**2).sum(1)) / len(centre_g)
        distance_n = known.distance(h_nk)
        values = self._programmes(adata, genes, x_ng)
        heads = self.response.weights(PROGRAMME)
        part_nk = np.column_stack(
            [np.zeros((len(x_ng), 0))]
            + [w * (values[f] - c) for f, c, w in zip(heads["feature"], heads["centre"], heads["weight"], strict=True)]
        )
        score_n = off_ng @ weight_g + part_nk.sum(1)
        read_g = np.flatnonzero(weight_g)
        names = [*genes["feature"].iloc[read_g], *heads["feature"]]
        parts_nf = np.hstack([off_ng[:, read_g] * weight_g[read_g], part_nk])
        offs_nf = np.hstack([off_ng[:, read_g], np.full(part_nk.shape, np.nan)])
        samples = list(adata.obs_names.astype(str))
        return _Read(
            x_ng,
            score_n,
            known.inside(error_n, distance_n),
            _reasons(known.p(error_n, distance_n), known.least),
            _drivers(samples, names, parts_nf=parts_nf, offs_nf=offs_nf),
            self._placed(samples, values),
        )

    def _aligned(self, adata: AnnData, genes: pd.DataFrame, *, name: str) -> np.ndarray:
        """Normal scores in the order of the rule's genes, NaN where one is missing, but not too much."""
        ours = Genes(tuple(genes["feature"]), "symbol")
        index_g = ours.align(Genes(tuple(map(str, adata.var_names)), "symbol")).index
        x_ng = np.full((adata.n_obs, len(ours)), np.nan)
        x_ng[:, index_g >= 0] = sample_scores(adata, name=name)[:, index_g[index_g >= 0]]
        weight_g = np.abs(genes["weight"].to_numpy(float))
        there_g = np.asarray(~np.isnan(x_ng).any(axis=0))
        share = float(weight_g[there_g].sum() / weight_g.sum()) if weight_g.sum() else 1.0
        if share < LEAST_PART or there_g.mean() < LEAST_DOMAIN:
            lost = [g for g, ok, w in zip(ours.ids, there_g, weight_g, strict=True) if w and not ok]
            msg = (
                f"{name} have {int(there_g.sum())} of the {len(ours)} genes of the cohorts, with {share:.0%} of the "
                f"weight of the rule (missing: {', '.join(lost[:6]) or 'none of its own'}); columns must be human gene "
                "symbols, of the whole transcriptome"
            )
            raise GeneMismatchError(msg)
        return x_ng

    def _programmes(self, adata: AnnData, genes: pd.DataFrame, x_ng: np.ndarray) -> dict[str, np.ndarray]:
        ours = Genes(tuple(genes["feature"]), "symbol")
        found = {}
        for name, ids in self.response.about["sets"].items():
            index = Genes(tuple(ids), "symbol").align(ours).index
            found[name] = mean_of(x_ng, index[index >= 0])
        layer = self.response.about["layer"]
        if self.model is not None and layer is not None:
            h_nk = self.model.encode(self.model.prepare(model_input(self.model, adata)), layer)
            found |= dict(zip(node_names(self.model, layer), h_nk.astype(np.float64).T, strict=True))
        return found

    def _placed(self, samples: list[str], values: Mapping[str, np.ndarray]) -> pd.DataFrame:
        spans, told = self.response.about["spans"], self.response.programmes.set_index("name")
        parts = []
        for name, value_n in values.items():
            mean, sd = spans[name]
            z_n = (value_n - mean) / sd if sd and sd > 0 else np.full(len(value_n), np.nan)
            row = told.loc[name]
            columns = {"sample": samples, "name": name, "genes": row["genes"], "z": z_n}
            parts.append(pd.DataFrame(columns).assign(effect=row["effect"], q=row["q"]))
        table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["sample", "name", "z"])
        return table.sort_values("z", key=lambda z: -z.abs(), kind="stable", ignore_index=True)


def _local_patients(local: AnnData, plan: ResponsePlan) -> tuple[AnnData, np.ndarray]:
    """Local patients from before treatment whose response is known, and whether they responded."""
    before_n, _ = before_of(local.obs, plan.before, everywhere=())
    if plan.response not in local.obs:
        raise UnknownNameError("response column", plan.response, local.obs.columns, where=LOCAL)
    local = local[before_n]
    words = words_question({LOCAL: local.obs[plan.response]}, plan.words)
    y_n, _ = read_words(local.obs[plan.response], plan.words)
    known_n = np.isfinite(y_n)
    skip = (plan.by, plan.subject, plan.response)
    times = None if plan.before else times_question({LOCAL: local.obs}, skip=skip)
    ask([words, times, None if plan.subject else persons_question({LOCAL: local.obs[known_n]})])
    local, y_n = local[known_n], y_n[known_n]
    rows_s = rows_of_patients(LOCAL, local.obs, y_n=y_n, subject=plan.subject)
    if len(rows_s) < LEAST_LOCAL:
        msg = (
            f"{len(rows_s)} local patients have a response and a biopsy from before treatment, at least {LEAST_LOCAL} "
            "are needed; leave local off"
        )
        raise InputError(msg)
    return averaged(local, rows_s), y_n[[rows[0] for rows in rows_s]]


def _check_apart(new: _Read, theirs: _Read, samples: Sequence[str]) -> None:
    """Stop where a new patient is among the local ones, whose response has moved the line."""
    x_ng = np.vstack([new.x_ng, theirs.x_ng])
    # Of genes that both tables have, or rows would be of different genes.
    first, other = twins(x_ng[:, ~np.isnan(x_ng).any(0)])
    shared = first[(first < len(new.x_ng)) & (other >= len(new.x_ng))]
    if len(shared):
        msg = (
            f"{len(shared)} of the new patients are among the local ones ({first_three(samples[n] for n in shared)}), "
            "whose response is known already; leave them out of one table"
        )
        raise InputError(msg)


def _reasons(p: tuple[np.ndarray, np.ndarray], least: float) -> list[str]:
    said = [""] * len(p[0])
    for words, p_n in zip(("its genes are not spanned by those", "it lies far from the patients"), p, strict=True):
        for i in np.flatnonzero(p_n <= least):
            text = f"{words} of the cohorts (p = {p_n[i]:.2g})"
            said[i] = f"{said[i]}; {text}" if said[i] else text
    return said


def _drivers(
    samples: Sequence[str], names: Sequence[str], *, parts_nf: np.ndarray, offs_nf: np.ndarray
) -> pd.DataFrame:
    """Of each patient the features that make most of the score; a gene and a programme may have one name."""
    rows = [
        (sample, names[f], float(offs_nf[i, f]), float(parts_nf[i, f]))
        for i, sample in enumerate(samples)
        for f in np.argsort(-np.abs(parts_nf[i]), kind="stable")[:DRIVERS]
    ]
    return pd.DataFrame(rows, columns=["sample", "feature", "value", "part"])
