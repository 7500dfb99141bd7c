"""New samples through a frozen model: severity, group, programmes, and a refusal where the model has seen no such."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from anndata import AnnData

from .._core.printed import Card, Printed, spread
from .._core.tables import read_tsv, write_tsv
from ..errors import InputError
from ..models.reference.domain import reconstruction_error, remembered
from ..nodes.layers import node_names
from ..nodes.light_up import light_up
from ..nouns import Groups, Model, Severity
from ..nouns.model import Applicability
from ..pp.preparation import Preparation
from ._parts import features_of

__all__ = ["LEAST_COHORT", "Scores", "score"]

BATCH = 1000
SHOWN, NAMED = 3, 3
LEAST_COHORT = 20
COLUMNS = ("sample", "severity", "low", "high", "group", "confidence", "programmes", "inside", "reasons")


@dataclass(frozen=True, repr=False)
class Scores(Printed):
    """What a model says of samples.

    Attributes
    ----------
    table
        One row each: ``sample``; ``severity`` with ``low`` and ``high``; ``group`` with its ``confidence``;
        ``programmes``, the nodes furthest from the training mean in standard deviations, with their first genes;
        ``inside``, whether the model has seen the like; ``reasons`` if not. A refused sample has no other values.
    """

    table: pd.DataFrame

    FORMAT: ClassVar[int] = 1

    @property
    def refused(self) -> int:
        """How many samples lie outside what the model has seen."""
        return int((~self.table["inside"]).sum())

    def _card(self) -> Card:
        known = self.table[self.table["inside"]]
        severity, group = known["severity"].dropna(), known["group"].dropna()
        return f"scores of {len(self.table):,} samples", [
            ("seen the like", f"{len(known):,}; {self.refused:,} refused"),
            ("severity", spread(severity)),
            (
                "groups",
                ", ".join(f"{name} {count}" for name, count in group[group != ""].value_counts().sort_index().items()),
            ),
            ("next", "table has a row for each"),
        ]

    def save(self, path: Path) -> None:
        """Write as TSV under one comment line."""
        write_tsv(path, self.table, kind="scores", version=self.FORMAT, about={})

    @classmethod
    def load(cls, path: Path) -> Scores:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FormatError
            If the file is absent, damaged or of another kind.
        """
        return cls(read_tsv(path, kind="scores", newest=cls.FORMAT, text=("sample", "group", "reasons"))[0])


def score(
    adata: AnnData,
    model: Model,
    *,
    severity: Severity | None = None,
    groups: Groups | None = None,
    coverage: float = 0.9,
    recentre: bool | AnnData = False,
    refuse: bool = True,
) -> Scores:
    """Score samples that the model was not trained on, one or many.

    Parameters
    ----------
    adata
        Samples x genes, on the scale the model was trained on; its genes with at least 80% of the genes' variance.
    model
        The model that `severity` and `groups` were made with.
    severity, groups
        Frozen, see :func:`severity` and :func:`stratify`. Without either there are programmes, and a coarser check
        against the samples that the model's own training held out.
    coverage
        Of the intervals.
    recentre
        Move each gene's mean over these samples to that of the training samples: takes off what differs between
        laboratories or platforms, and every true difference of the cohorts' means with it. For cohorts of a similar
        mix, of at least 20 samples; for fewer samples, a table of at least 20 of the same laboratory, by whose means
        the shift is told.
    refuse
        Leave a sample that lies outside what the model has seen without values. Without it they are given, and
        ``inside`` and ``reasons`` alone say so.

    Returns
    -------
    One row per sample.

    Raises
    ------
    InputError
        If `severity` or `groups` was made with another model, groups are those of several cohorts, neither is given and
        the model has no record of what it has seen (``fit`` makes one, of tables in memory), or there are too few
        samples to recentre.
    GeneMismatchError
        If the model's genes that are there carry less than 80% of the genes' variance.

    Notes
    -----
    A sample is outside where its reconstruction error or the distance of its codes is beyond 99 of 100 held-out
    subjects (or all, where they are fewer): conformal p, doi 10.1214/20-AOS1965, Bates et al. 2023 on outliers,
    doi 10.1214/22-AOS2244. Each sample is judged alone; ten thousand take seconds.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> model = gl.models.PCA(8).fit(adata)
    >>> plan = gl.patients.Protocol(folds=3, draws=0)
    >>> hours = gl.patients.severity(adata, model, measure="hours", subject="subject", protocol=plan)
    >>> gl.patients.score(adata[:2], model, severity=hours).table[["sample", "inside"]]
          sample  inside
    0  GSM757899    True
    1  GSM757900    True
    """
    known = _known(model, severity, groups)
    if groups is not None and groups.about.get("cohort"):
        msg = (
            f"these groups are of several cohorts ({groups.about['cohort']}), each with its mean taken out, and a "
            "sample alone has none; take codes of a whole cohort: groups.assign(h_nk - h_nk.mean(0))"
        )
        raise InputError(msg)
    shift_g = _shift(recentre if isinstance(recentre, AnnData) else adata, model) if recentre is not False else 0.0
    labels = _labels(model, known.layer)
    starts = range(0, adata.n_obs, BATCH)
    reader = _Reader(model, known, labels, severity, groups, coverage)
    parts = [reader.read(model.prepare(adata[i : i + BATCH]) - np.float32(shift_g)) for i in starts]
    table = pd.concat(parts, ignore_index=True).assign(sample=list(adata.obs_names))
    if refuse:
        table.loc[~table["inside"], ["severity", "low", "high", "confidence"]] = np.nan
        table.loc[~table["inside"], ["group", "programmes"]] = ""
    return Scores(table[list(COLUMNS)])


@dataclass(frozen=True)
class _Reader:
    """Everything that is the same for every batch."""

    model: Model
    known: Applicability
    labels: list[str]
    severity: Severity | None
    groups: Groups | None
    coverage: float

    def read(self, x_ng: np.ndarray) -> pd.DataFrame:
        """The rows of some prepared samples."""
        h_nk = self.model.encode(x_ng, self.known.layer)
        error_n, distance_n = reconstruction_error(self.model, x_ng), self.known.distance(h_nk)
        table = pd.DataFrame(
            {
                "programmes": self._programmes(h_nk),
                "inside": self.known.inside(error_n, distance_n),
                "reasons": self._reasons(error_n, distance_n),
            }
        )
        nothing = np.full(len(x_ng), np.nan)
        table = table.assign(severity=nothing, low=nothing, high=nothing, group="", confidence=nothing)
        if self.severity is not None:
            score_n = self.severity.score(features_of(self.model, x_ng, self.severity.parts))
            low_n, high_n = self.severity.interval(score_n, coverage=self.coverage)
            table = table.assign(severity=score_n, low=low_n, high=high_n)
        if self.groups is not None:
            names, confidence_n = self.groups.assign(self.model.encode(x_ng, self.groups.layer))
            table = table.assign(group=names, confidence=confidence_n)
        return table

    def _programmes(self, h_nk: np.ndarray) -> list[str]:
        span = self.model.code_range(self.known.layer)
        z_nk = (h_nk - span.mean) / np.where(span.sd > 0, span.sd, np.inf)
        top_nk = np.argsort(-np.abs(z_nk), axis=1)[:, :SHOWN]
        value_nk = np.take_along_axis(z_nk, top_nk, 1)
        return [
            "; ".join(f"{self.labels[k]} {v:+.1f}" for k, v in zip(top, value, strict=True))
            for top, value in zip(top_nk.tolist(), value_nk.tolist(), strict=True)
        ]

    def _reasons(self, error_n: np.ndarray, distance_n: np.ndarray) -> list[str]:
        known = self.known
        said = [""] * len(error_n)
        for words, value_n, usual_s, p_n in zip(
            ("its genes are reconstructed with an error", "its codes lie at a distance"),
            (error_n, distance_n),
            (known.error_s, known.distance_s),
            known.p(error_n, distance_n),
            strict=True,
        ):
            usual = float(np.median(usual_s))
            for i in np.flatnonzero(p_n <= known.least):
                text = f"{words} {value_n[i] / usual:.1f} times that of a usual unseen sample (p = {p_n[i]:.2g})"
                said[i] = f"{said[i]}; {text}" if said[i] else text
        return said


def _shift(reference: AnnData, model: Model) -> np.ndarray:
    """How far the means of some samples' genes are from the training samples', shape ``(g,)``."""
    if reference.n_obs < LEAST_COHORT:
        msg = (
            f"{reference.n_obs} samples have no mean to recentre by, at least {LEAST_COHORT} are needed; leave it "
            "off, or give a table of more samples from the same laboratory: recentre=TABLE, on the command line "
            "--reference TABLE"
        )
        raise InputError(msg)
    preparation: Preparation | None = getattr(model, "preparation", None)
    centre_g = 0.0 if preparation is None else preparation.centre_g
    return model.prepare(reference).mean(0) - centre_g


def _known(model: Model, severity: Severity | None, groups: Groups | None) -> Applicability:
    for noun in (severity, groups):
        if noun is not None and noun.about["model_digest"] != model.digest:
            msg = (
                f"this {type(noun).__name__.lower()} was made with a {noun.about['model']} of digest "
                f"{noun.about['model_digest']}, not with this {model.name} of {model.digest}; pass the one it came from"
            )
            raise InputError(msg)
    for noun in (severity, groups):
        if noun is not None:
            return noun.applicability
    known = remembered(model)
    if known is None:
        msg = (
            f"nothing to score by: this {model.name} kept no record of held-out subjects; pass severity=..., "
            "groups=... or both, from genelight severity and stratify"
        )
        raise InputError(msg)
    return known


def _labels(model: Model, layer: str) -> list[str]:
    """Each node with its strongest genes."""
    lit = light_up(model, layer)
    ids = lit.genes.ids
    return [
        f"{node} ({', '.join(ids[g] for g in top)})"
        for node, top in zip(node_names(model, layer), lit.top_kn(NAMED), strict=True)
    ]
