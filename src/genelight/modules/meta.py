"""One module of several cohorts: effects that replicate, how far cohorts differ, and which cohort says what."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import stats

from .._core.checks import check_positive
from ..errors import InputError, first_three
from ..nouns import Contrast, Genes, Module
from ..stats.meta import RandomEffects, moderated_effects
from ..stats.pvalues import adjust
from ._cohort_effects import EFFECTS, LEAST_COHORTS, CohortEffects, check_apart, cohort_effects, joined

__all__ = ["OppositeCohortWarning", "meta_module"]

LEVEL = 0.05
OPPOSITE = -0.2
LARGEST_SCORE = 38.0  # beyond, a normal tail is no number
METHOD = "meta"


class OppositeCohortWarning(UserWarning):
    """A cohort's genes change the other way round than in the other cohorts."""


def meta_module(
    cohorts: Mapping[str, tuple[AnnData, Contrast]],
    *,
    effect: str = EFFECTS[0],
    fdr: float = 0.05,
    size: int | None = None,
    least: int | None = None,
    scale: str = "auto",
    ids: str = "symbol",
) -> Module:
    """The genes that change over several cohorts of one disease, by random effects; with what replicates where.

    In each cohort moderated t compares cases with controls (subjects are the unit; within the subject, and adjusted
    for covariates, as its contrast has it). Effects with their standard errors are combined by
    :func:`genelight.stats.meta.moderated_effects`: true effects differ from cohort to cohort, and all genes together
    say how far.

    Parameters
    ----------
    cohorts
        A table and its contrast by name of the cohort, two or more, in one kind of gene id; they share no samples.
    effect
        ``"standardised"``, in standard deviations within groups (Hedges; comparable over platforms, not between
        paired and unpaired designs), or ``"logfc"``, log2 fold changes, where all were measured alike.
    fdr
        The module has the genes whose q (Benjamini-Hochberg) is at most this. There may be none.
    size
        So many leading genes in its place.
    least
        Leave out genes that fewer cohorts have; by default fewer than half of them, or fewer than two.
    scale
        Of the values, as :func:`genelight.prepare` takes it; ``"auto"`` tells it cohort by cohort.
    ids
        Kind of gene id.

    Returns
    -------
    A module that networks, sets and reports take like any other. ``score`` is the normal equivalent of p, above zero
    for up in cases. Beside it the table has: ``effect`` with ``se``, ``low`` and ``high`` (95%), ``p``, ``q``;
    ``next_low`` and ``next_high``, between which the true effect of one more cohort lies (95%);
    ``tau2`` (variance between cohorts), ``i2`` (share of the spread that exceeds chance), ``heterogeneity_p``;
    ``cohorts`` that have the gene, how many have the sign (``same_sign``), and p of at most 0.05 with it
    (``replicated``); ``without_p``, the largest p when a cohort is left out, and ``without``, which. Then for each
    cohort ``effect NAME``, ``se NAME``, ``t NAME`` (moderated) and ``p NAME``.

    ``about["cohorts"]`` has for every cohort the module of the *others* judged in it: ``others`` (its size at this
    `fdr`), ``same_sign`` and ``replicated`` (shares of it), and ``rank`` (Spearman's correlation of all effects).

    Warns
    -----
    OppositeCohortWarning
        If a cohort's effects go against those of the others (rank correlation below -0.2), as when case and control
        are exchanged. It stays in.
    UserWarning
        If standardised effects of paired and of unpaired cohorts are combined.

    Raises
    ------
    InputError
        If there are fewer than two cohorts, two have samples in common, a cohort has fewer than two subjects of a
        group, or a table and its contrast, scale or covariates do not go together.
    GeneMismatchError
        If cohorts share fewer than ten genes.
    UnknownNameError
        If there is no such kind of effect, or no such scale.

    Notes
    -----
    Cost: cohorts² x genes. ``python -m studies several_cohorts`` has the level of p on permuted labels of real
    cohorts, and how many leading genes other cohorts find again.

    References
    ----------
    Marot et al. 2009, doi 10.1093/bioinformatics/btp444; Higgins et al. 2009 on the next cohort,
    doi 10.1111/j.1467-985X.2008.00552.x; Higgins and Thompson 2002 on I², doi 10.1002/sim.1186.

    Examples
    --------
    >>> import numpy as np
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> late = adata[adata.obs["hours"] >= 45]
    >>> ill = {"case": 'condition == "symptomatic"', "control": 'condition == "asymptomatic"'}
    >>> halves = np.array_split(adata.obs["subject"].unique(), 2)
    >>> parts = {f"half {i}": late[late.obs["subject"].isin(half)].copy() for i, half in enumerate(halves)}
    >>> cohorts = {name: (part, gl.Contrast.of(part.obs, **ill, subject="subject")) for name, part in parts.items()}
    >>> module = gl.meta_module(cohorts, size=20)
    >>> "STAT1" in module.selected, module.about["cohorts"][0]["cases"]
    (True, 5)
    """
    check_positive(fdr=fdr)
    if len(cohorts) < LEAST_COHORTS:
        msg = (
            f"{len(cohorts)} cohort ({first_three(cohorts)}) is no case of several, two are needed; one is asked with "
            "disease_module, and whether a second has its module with modules.preservation"
        )
        raise InputError(msg)
    least = max(LEAST_COHORTS, -(-len(cohorts) // 2)) if least is None else least
    if not LEAST_COHORTS <= least <= len(cohorts):
        msg = f"least = {least}, but a gene has to be in at least two of {len(cohorts)} cohorts"
        raise InputError(msg)
    read = {
        name: cohort_effects(name, adata, contrast=contrast, effect=effect, scale=scale, ids=ids)
        for name, (adata, contrast) in cohorts.items()
    }
    genes, place_cg = joined(read, least=least)
    check_apart(read)
    _check_designs(read, effect)
    if size is not None and not 0 < size <= len(genes):
        msg = f"size = {size}, but cohorts share {len(genes)} genes; choose a size between 1 and that"
        raise InputError(msg)
    arrays = {what: _placed(read, place_cg, what) for what in ("effect", "variance", "t", "p")}
    effect_cg, variance_cg = arrays["effect"], arrays["variance"]
    found = moderated_effects(effect_cg, variance_cg)
    without = [
        moderated_effects(*(np.delete(part_cg, c, 0) for part_cg in (effect_cg, variance_cg))) for c in range(len(read))
    ]
    q_g = adjust(found.p_g)
    about = {
        "cohorts": _judged(read, arrays, without, fdr=fdr),
        "effect": effect,
        "fdr": fdr,
        "least": least,
        "genes_joined": len(genes),
        "genes_in_all": int((place_cg >= 0).all(0).sum()),
        "tau2": float(np.median(found.tau2_g)),
        "i2": float(np.median(found.i2_g)),
        "cases": {side: sum(one.cases for one in read.values()) for side in ("samples", "subjects")},
        "controls": {side: sum(one.controls for one in read.values()) for side in ("samples", "subjects")},
    }
    columns = {**_columns(found, q_g), **_replicates(arrays, found, without, names=list(read))}
    columns |= {
        f"{what} {name}": (np.sqrt(variance_cg) if what == "se" else arrays[what])[c]
        for c, name in enumerate(read)
        for what in ("effect", "se", "t", "p")
    }
    chosen = int((q_g <= fdr).sum()) if size is None else size
    return _module(genes, found, columns=columns, size=chosen, about=about | {"size": chosen})


def _placed(read: Mapping[str, CohortEffects], place_cg: np.ndarray, what: str) -> np.ndarray:
    """One figure of all cohorts in the joined genes, NaN where a cohort lacks one, shape ``(c, g)``."""
    return np.stack(
        [
            np.where(place_g >= 0, getattr(cohort, f"{what}_g")[place_g], np.nan)
            for cohort, place_g in zip(read.values(), place_cg, strict=True)
        ]
    )


def _columns(found: RandomEffects, q_g: np.ndarray) -> dict[str, np.ndarray]:
    (low_g, high_g), (next_low_g, next_high_g) = found.interval_g(), found.prediction_g()
    return {
        "effect": found.mean_g,
        "se": found.se_g,
        "low": low_g,
        "high": high_g,
        "next_low": next_low_g,
        "next_high": next_high_g,
        "p": found.p_g,
        "q": q_g,
        "tau2": found.tau2_g,
        "i2": found.i2_g,
        "heterogeneity_p": found.heterogeneity_p_g,
        "cohorts": found.cohorts_g,
    }


def _replicates(
    arrays: Mapping[str, np.ndarray], found: RandomEffects, without: Sequence[RandomEffects], *, names: Sequence[str]
) -> dict[str, np.ndarray]:
    """In how many cohorts each gene has its sign, and what is left of it when a cohort is taken away."""
    same_cg = np.sign(arrays["effect"]) == np.sign(found.mean_g)
    # One cohort by itself has no p over cohorts: with two, nothing is left.
    p_cg = np.nan_to_num(np.stack([left.p_g for left in without]), nan=1.0)
    return {
        "same_sign": same_cg.sum(0),
        "replicated": (same_cg & (arrays["p"] <= LEVEL)).sum(0),
        "without_p": p_cg.max(0) if len(names) > LEAST_COHORTS else np.full(len(found.mean_g), np.nan),
        "without": np.asarray(names, dtype=object)[p_cg.argmax(0)],
    }


def _judged(
    read: Mapping[str, CohortEffects], arrays: Mapping[str, np.ndarray], without: Sequence[RandomEffects], *, fdr: float
) -> list[dict[str, Any]]:
    """Every cohort, and the module of the others in it."""
    rows = []
    for c, (cohort, others) in enumerate(zip(read.values(), without, strict=True)):
        effect_g, p_g = arrays["effect"][c], arrays["p"][c]
        # Of two cohorts the other one alone is asked, by its own moderated t.
        others_p_g = others.p_g if len(read) > LEAST_COHORTS else arrays["p"][1 - c]
        there_g = np.isfinite(effect_g) & np.isfinite(others.mean_g) & np.isfinite(others_p_g)
        chosen_g = np.zeros(len(effect_g), dtype=bool)
        chosen_g[there_g] = adjust(others_p_g[there_g]) <= fdr
        same_g = np.sign(effect_g) == np.sign(others.mean_g)
        rank = float(stats.spearmanr(effect_g[there_g], others.mean_g[there_g])[0])
        if rank < OPPOSITE:
            msg = (
                f"cohort {cohort.name!r} goes against the others (rank correlation of its effects with theirs "
                f"{rank:.2f}): look whether case and control are exchanged there"
            )
            warnings.warn(msg, OppositeCohortWarning, stacklevel=3)
        rows.append(
            {
                "name": cohort.name,
                "cases": cohort.cases,
                "controls": cohort.controls,
                "paired": cohort.paired,
                "scale": cohort.scale,
                "genes": len(cohort.genes),
                "others": int(chosen_g.sum()),
                "same_sign": float(same_g[chosen_g].mean()) if chosen_g.any() else None,
                "replicated": float((same_g & (p_g <= LEVEL))[chosen_g].mean()) if chosen_g.any() else None,
                "rank": rank,
            }
        )
    return rows


def _module(
    genes: Genes, found: RandomEffects, *, columns: Mapping[str, np.ndarray], size: int, about: Mapping[str, Any]
) -> Module:
    score_g = np.sign(found.mean_g) * np.minimum(stats.norm.isf(found.p_g / 2), LARGEST_SCORE)
    names = [row["name"] for row in about["cohorts"]]
    name = f"{len(names)} cohorts: {', '.join(names)}" if len(names) <= 5 else f"{len(names)} cohorts"
    module = Module.from_scores(score_g, genes, size=size, name=name, method=METHOD, about=about)
    beside = pd.DataFrame(columns, index=list(genes.ids)).loc[module.table["gene"]].reset_index(drop=True)
    return Module(pd.concat([module.table, beside], axis=1), name, METHOD, genes, {**about, "because": _told(about)})


def _told(about: Mapping[str, Any]) -> str:
    """How far cohorts differ, and what each has of the others' module."""
    parts = [
        f"random effects over {len(about['cohorts'])} cohorts ({about['effect']} effects of {about['genes_joined']:,} "
        f"genes; {about['i2']:.0%} of a typical gene's spread between cohorts exceeds chance)"
    ]
    if not about["size"]:
        parts.append(f"no gene has an FDR of {about['fdr']:g}")
    judged = [row for row in about["cohorts"] if row["others"]]
    if judged:
        sign, replicated = ([row[what] for row in judged] for what in ("same_sign", "replicated"))
        parts.append(
            f"of the genes that the others have at that FDR, a cohort that is left out has {np.mean(sign):.0%} with "
            f"their sign ({min(sign):.0%} to {max(sign):.0%} in {len(judged)} of {len(about['cohorts'])} cohorts) and "
            f"{np.mean(replicated):.0%} with p <= {LEVEL:g} as well"
        )
    return "; ".join(parts)


def _check_designs(read: Mapping[str, CohortEffects], effect: str) -> None:
    paired = [name for name, cohort in read.items() if cohort.paired]
    if effect == EFFECTS[0] and 0 < len(paired) < len(read):
        msg = (
            f"{first_three(paired)} compare people with themselves, the others do not: standard deviations are those "
            "of differences there; effect='logfc' has one unit for all where they were measured alike"
        )
        warnings.warn(msg, UserWarning, stacklevel=3)
