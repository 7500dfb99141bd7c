"""How much of a module another cohort will find again, told beforehand from the cohort at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from anndata import AnnData
from scipy import stats

from .._core.checks import check_positive
from .._core.printed import Card, Printed
from .._core.workers import each
from ..errors import InputError
from ..nodes.layers import chunks
from ..nouns import Contrast, Model
from ..nouns.module import DERIVATION
from ..stats.subjects import bootstrap_counts, group_sizes, kinds
from ._registry import DERIVATIONS, Derivation, Question, ask

__all__ = ["LEARNED", "Learned", "Replication", "forecast", "replication", "replication_of"]

TOP = 200
TIMES = (1, 2, 4, 8, 16)
AIM = 0.5
LEAST_KINDS = 2  # different subjects of a group that a draw needs, or nothing says how they vary
PLAIN = "de"


@dataclass(frozen=True)
class Learned:
    """How much of what two bootstraps share other cohorts find again, as cohorts of known diseases have it.

    Attributes
    ----------
    factor
        Mean over diseases.
    between
        Standard deviation over cohorts, diseases counting alike.
    within
        Standard deviation of what is found again, about what a cohort's own factor says.
    cohorts, diseases
        How many there were.
    """

    factor: float
    between: float
    within: float
    cohorts: int
    diseases: int


LEARNED: Mapping[str, Learned] = {
    "de": Learned(0.40, 0.30, 0.05, 21, 6),
    "reference": Learned(0.34, 0.23, 0.05, 21, 6),
}
"""Learned by ``python -m studies replication``, which has how often they hold for a cohort or a disease left out."""


@dataclass(frozen=True, repr=False)
class Replication(Printed):
    """A forecast for other cohorts of the same disease.

    Attributes
    ----------
    again, interval
        Share of the leading 200 genes that are among the leading 200 of other cohorts together, and within which it
        lies for 95% of cohorts.
    agreement
        Share of the leading 200 that two bootstraps of this cohort have in common.
    curve
        Rows of ``times`` (as many subjects as here), ``agreement``, ``again``, ``low`` and ``high``, were it larger.
    aim, aim_at_best
        Times as many subjects of each group at which `again`, or the upper end of its interval, is 0.5; None where
        sixteen times do not do, as where cohorts differ too much for any size.
    method
        The derivation whose forecast it is.
    about
        Subjects, settings, and ``ceiling``: the share that is expected of any number of subjects.

    ``str()`` of it is the forecast in words.
    """

    again: float
    interval: tuple[float, float]
    agreement: float
    curve: tuple[Mapping[str, float], ...]
    aim: float | None
    aim_at_best: float | None
    method: str
    about: Mapping[str, Any] = field(default_factory=dict)

    def _card(self) -> Card:
        low, high = self.interval
        return f"forecast of replication in other cohorts, by {self.method}", [
            ("again", f"{self.again:.0%} of the {self.about['top']} leading genes ({low:.0%} to {high:.0%})"),
            ("agreement", f"{self.agreement:.0%} between two bootstraps of this cohort"),
            ("made from", f"{self.about['cases']} cases and {self.about['controls']} controls"),
            ("next", "str() has the forecast in words"),
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for JSON; ``says`` is the forecast in words."""
        told = {**vars(self), "interval": list(self.interval), "curve": [dict(row) for row in self.curve]}
        about = told.pop("about")
        return {**told, **about, "says": str(self)}

    def __str__(self) -> str:
        low, high = self.interval
        asked, top = self.about["asked"], self.about["top"]
        own = "" if self.method == asked else f" when ranked by {self.method} (of {asked} nothing is known)"
        return (
            f"other cohorts of this disease are expected to find {self.again:.0%} of the {top} leading genes again"
            f"{own} ({low:.0%} to {high:.0%} in 95% of cohorts); two bootstraps of this cohort share "
            f"{self.agreement:.0%}, most of it lost because cohorts differ. {self._size()}"
        )

    def _size(self) -> str:
        """Which size would do, in words."""
        if self.aim is not None:
            return f"{AIM:.0%} would take about {self._people(self.aim)}"
        ceiling = f"{self.about['ceiling']:.0%} is what any number of subjects is expected to reach"
        if self.aim_at_best is None:
            return f"No size is seen to reach {AIM:.0%}: {ceiling}"
        if self.aim_at_best <= 1:
            return f"{AIM:.0%} is within reach only in a disease whose cohorts are most alike; {ceiling}"
        people = self._people(self.aim_at_best)
        return f"{AIM:.0%} would take {people} in a disease whose cohorts are most alike; {ceiling}"

    def _people(self, times: float) -> str:
        cases, controls = (int(np.ceil(self.about[side] * times)) for side in ("cases", "controls"))
        return f"{cases} cases and {controls} controls"


def replication(
    adata: AnnData,
    model: Model,
    *,
    contrast: Contrast,
    method: str = DERIVATION,
    layer: str | None = None,
    bootstraps: int = 40,
    seed: int = 0,
) -> Replication:
    """Forecast how much of a module other cohorts of the disease find again, and which size would do.

    Subjects are drawn with replacement, and two such draws say which leading genes this cohort is sure of. That alone
    is far too hopeful: cohorts differ in people, platform and place, which no bootstrap sees. What two draws share is
    therefore multiplied by what other cohorts found of it in diseases of several cohorts, and the interval has how
    unlike that was from cohort to cohort. Larger cohorts are drawn the same way, with more subjects than there are.

    Parameters
    ----------
    adata, model, contrast, method, layer, seed
        As in :func:`disease_module`. The factor was learned for ``"reference"`` and ``"de"``; of any other
        method the forecast is that of ``"de"``, and says so.
    bootstraps
        Draws at each size.

    Returns
    -------
    The forecast. Its interval is wide, for how alike the cohorts of a disease are cannot be told from one of them; with
    a disease left out of the learning it held in 98% of draws for ``"reference"`` and in 89% for ``"de"``.

    Raises
    ------
    UnknownNameError
        If there is no such method or layer.
    InputError
        If the contrast does not belong to `adata`, or fewer than twenty draws have two subjects of each group.

    Notes
    -----
    Calibrated where both sides were blood, tumours or leukaemic cells on arrays and RNA-seq; other tissues, and
    cohorts that differ more than those did, may do worse. Cost: 5 x bootstraps derivations.

    References
    ----------
    Degen and Medo 2025 on bootstraps of small cohorts, doi 10.1371/journal.pcbi.1011630.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> case, control = 'condition == "symptomatic" and hours >= 45', 'condition == "asymptomatic" and hours >= 45'
    >>> ill = gl.Contrast.of(adata.obs, case=case, control=control, subject="subject")
    >>> found = gl.modules.replication(adata, gl.models.PCA(8).fit(adata), contrast=ill, method="de")
    >>> 0 < found.again < found.agreement < 1
    True
    """
    question = ask(adata, model, contrast=contrast, layer=layer, seed=seed)
    return replication_of(DERIVATIONS[method](question), question, method=method, bootstraps=bootstraps)


def replication_of(
    derivation: Derivation, question: Question, *, method: str, bootstraps: int = 40, sizes: Sequence[int] = TIMES
) -> Replication:
    """The same for a derivation that is already built, at other multiples of its size if asked.

    Raises
    ------
    InputError
        If fewer than twenty draws have two subjects of each group.
    """
    check_positive(bootstraps=bootstraps)
    asked = str(derivation.about.get("chosen", method))
    known = asked if asked in LEARNED else PLAIN
    if known != asked:
        derivation = DERIVATIONS[known](question)
    genes = len(question.model.genes)
    top = min(TOP, genes // 2)
    curve = []
    for times in sizes:
        count_bs = _draws(question.contrast, times, bootstraps=bootstraps, seed=question.seed)
        share = _agreement(derivation, count_bs, genes=genes, top=top)
        again, (low, high) = forecast(share, LEARNED[known])
        curve.append({"times": float(times), "agreement": share, "again": again, "low": low, "high": high})
    cases, controls = group_sizes(kinds(question.contrast))
    about = {
        "cases": cases,
        "controls": controls,
        "top": top,
        "bootstraps": bootstraps,
        "asked": asked,
        "ceiling": forecast(1.0, LEARNED[known])[0],
    }
    first = curve[0]
    return Replication(
        first["again"],
        (first["low"], first["high"]),
        first["agreement"],
        tuple(curve),
        _aim(curve, "again"),
        _aim(curve, "high"),
        known,
        about,
    )


def forecast(share: float, learned: Learned) -> tuple[float, tuple[float, float]]:
    """What other cohorts are expected to find again where two bootstraps share this much, and its 95% interval.

    Examples
    --------
    >>> middle, (low, high) = forecast(0.5, Learned(0.4, 0.2, 0.05, 20, 6))
    >>> round(middle, 3), round(low, 3), round(high, 3)
    (0.2, 0.0, 0.449)
    """
    middle = learned.factor * share
    spread = np.sqrt((learned.between * share) ** 2 * (1 + 1 / learned.diseases) + learned.within**2)
    reach = float(stats.t.isf(0.025, learned.cohorts - 1) * spread)
    return middle, (max(middle - reach, 0.0), min(middle + reach, 1.0))


def _draws(contrast: Contrast, times: int, *, bootstraps: int, seed: int) -> np.ndarray:
    """How often each subject is drawn, `times` as many as there are, shape ``(b, s)``; an even number of draws."""
    count_bs = bootstrap_counts(contrast, draws=2 * bootstraps, seed=seed, times=times)
    kind_s = kinds(contrast)
    enough_b = np.ones(len(count_bs), dtype=bool)
    for side in (1, 2):
        enough_b &= (count_bs[:, (kind_s & side) > 0] > 0).sum(1) >= LEAST_KINDS
    count_bs = count_bs[enough_b][:bootstraps]
    if len(count_bs) < bootstraps // 2:
        cases, controls = group_sizes(kind_s)
        msg = (
            f"{contrast.name}: of {2 * bootstraps} draws of {cases} cases and {controls} controls only {len(count_bs)} "
            f"have {LEAST_KINDS} subjects of each; a forecast needs three of each and more"
        )
        raise InputError(msg)
    return count_bs[: len(count_bs) // 2 * 2]


def _agreement(derivation: Derivation, count_bs: np.ndarray, *, genes: int, top: int) -> float:
    """Mean share of the strongest genes that two draws have in common."""
    parts = [count_bs[part] for part in chunks(len(count_bs), columns=genes)]
    strong_bg = np.concatenate(each(_strong, parts, shared=(derivation, top), says="drawing cohorts"))
    return float((strong_bg[::2] & strong_bg[1::2]).sum(1).mean() / top)


def _strong(count_bs: np.ndarray, derivation: Derivation, top: int) -> np.ndarray:
    """Which genes are the strongest of each draw."""
    score_bg = np.abs(derivation.score(count_bs))
    strong_bg = np.zeros(score_bg.shape, dtype=bool)
    np.put_along_axis(strong_bg, np.argpartition(-score_bg, top - 1, axis=1)[:, :top], values=True, axis=1)
    return strong_bg


def _aim(curve: Sequence[Mapping[str, float]], what: str) -> float | None:
    """Times as many subjects at which this is 0.5, between sizes on their logarithm."""
    size_b, found_b = (np.array([row[column] for row in curve]) for column in ("times", what))
    # More subjects never agree less; what the draws say otherwise is their noise.
    found_b = np.maximum.accumulate(found_b)
    if found_b[-1] < AIM:
        return None
    return float(np.exp(np.interp(AIM, found_b, np.log(size_b))))
