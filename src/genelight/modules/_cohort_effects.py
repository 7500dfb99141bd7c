"""What each of several cohorts says of its genes: one effect and its variance, on a scale that cohorts share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from anndata import AnnData

from ..errors import GeneMismatchError, InputError, UnknownNameError, first_three
from ..nouns import Contrast, Genes
from ..nouns.contrast import check_contrast
from ..nouns.contrast_checks import check_people
from ..pp._statistics import of_matrix
from ..pp.features import AUTO, scale_of
from ..pp.scale import SCALES, logged
from ..stats.meta import standardised
from ..stats.moderated import Design
from ..stats.subjects import group_sizes, indexed, kinds

EFFECTS = ("standardised", "logfc")
LEAST_SUBJECTS, LEAST_COHORTS, LEAST_GENES = 2, 2, 10
LEAST_DF = 2
ABOVE_FLOOR = 0.5
SHARED_FOR_TWINS = 2000


@dataclass(frozen=True)
class CohortEffects:
    """One cohort's genes; arrays have shape ``(g,)`` in the order of `genes`.

    Attributes
    ----------
    effect_g, variance_g
        Above zero where cases are higher, and the square of its standard error.
    t_g, p_g
        Moderated t and its p.
    cases, controls, paired
        Subjects of each group, and whether they are compared within the subject.
    measured_ng
        Values on log2 of the contrast's samples.
    samples
        Their names.
    scale
        Scale of the values in the table.
    """

    name: str
    genes: Genes
    effect_g: np.ndarray
    variance_g: np.ndarray
    t_g: np.ndarray
    p_g: np.ndarray
    cases: int
    controls: int
    paired: bool
    measured_ng: np.ndarray
    samples: tuple[str, ...]
    scale: str


def cohort_effects(
    name: str, adata: AnnData, *, contrast: Contrast, effect: str, scale: str, ids: str
) -> CohortEffects:
    """Moderated effects of every gene that varies, lies above the floor in half of the samples and lacks no value.

    Raises
    ------
    UnknownNameError
        If there is no such kind of effect, or no such scale.
    InputError
        If the contrast is none of this table, a group has fewer than two subjects, too few degrees of freedom are
        left, fewer than ten genes can be used, or values and scale do not go together.
    """
    if effect not in EFFECTS:
        raise UnknownNameError("kind of effect", effect, EFFECTS)
    if scale not in (AUTO, *SCALES):
        raise UnknownNameError("scale", scale, (AUTO, *SCALES))
    try:
        check_contrast(adata, contrast)
        check_people(adata.obs, contrast)
        part = indexed(contrast)
        cases, controls = group_sizes(kinds(part))
        if min(cases, controls) < LEAST_SUBJECTS:
            msg = f"{cases} cases and {controls} controls; {LEAST_SUBJECTS} subjects of each are the least"
            raise InputError(msg)
        used = adata[contrast.used_n].copy()
        told, _ = scale_of(used, scale)
        y_ng = logged(used, told, missing=True)
        kept_g = _usable(y_ng)
        genes = Genes(tuple(np.asarray(adata.var_names, dtype=object)[kept_g]), ids)
    except InputError as error:
        msg = f"cohort {name!r}: {error}"
        raise InputError(msg) from error
    measured_ng = y_ng[:, kept_g]
    design = Design.of(measured_ng, part)
    result = design.moderated()
    df_g = np.broadcast_to(result.df_bg[0], len(genes))
    if design.df < 1 or df_g.min() <= LEAST_DF:
        msg = (
            f"cohort {name!r}: {cases} cases and {controls} controls with its covariates leave {design.df} degrees of "
            "freedom; name fewer covariates, or leave the cohort out"
        )
        raise InputError(msg)
    unit = float(result.unit_b[0])
    if effect == "logfc":
        effect_g, variance_g = result.effect_bg[0], result.variance_bg[0] * unit * df_g / (df_g - 2)
    else:
        effect_g, variance_g = standardised(result.t_bg[0], df_g, unit)
    return CohortEffects(
        name,
        genes,
        effect_g,
        variance_g,
        result.t_bg[0],
        result.p_bg()[0],
        cases,
        controls,
        design.paired,
        measured_ng,
        tuple(map(str, used.obs_names)),
        told,
    )


def _usable(y_ng: np.ndarray) -> np.ndarray:
    """Mask of genes that vary, lie above the floor in half of the samples and lack no value."""
    found = of_matrix(y_ng, missing=True)
    complete_g = ~np.isnan(y_ng).any(0)
    varies_g = complete_g & (found.sd_g > 1e-6 * np.maximum(1.0, found.largest_g))
    kept_g = varies_g & (found.above_g >= ABOVE_FLOOR)
    if kept_g.sum() < LEAST_GENES:
        msg = (
            f"only {int(kept_g.sum())} of {len(kept_g)} genes can be used ({int((~complete_g).sum())} lack values, "
            f"{int((complete_g & ~varies_g).sum())} are constant, {int((varies_g & ~kept_g).sum())} on the floor)"
        )
        raise InputError(msg)
    return kept_g


def joined(cohorts: Mapping[str, CohortEffects], *, least: int) -> tuple[Genes, np.ndarray]:
    """Genes that at least so many cohorts have, in order of the cohorts, and where each cohort has them (-1: lacks it).

    Raises
    ------
    GeneMismatchError
        If there are fewer than ten, or a cohort shares fewer than ten genes with the others.
    """
    counts: dict[str, int] = {}
    for cohort in cohorts.values():
        for gene in cohort.genes.ids:
            counts[gene] = counts.get(gene, 0) + 1
    for name, cohort in cohorts.items():
        shared = sum(counts[gene] > 1 for gene in cohort.genes.ids)
        if shared < LEAST_GENES:
            others = [gene for gene in counts if gene not in cohort.genes.position]
            msg = (
                f"cohort {name!r} shares {shared} of its {len(cohort.genes)} genes with the other cohorts (it has "
                f"{first_three(cohort.genes.ids)}, they have {first_three(others)}); bring all to one kind of gene id: "
                "gl.map_ids(adata, to='symbol')"
            )
            raise GeneMismatchError(msg)
    chosen = tuple(gene for gene, count in counts.items() if count >= least)
    if len(chosen) < LEAST_GENES:
        most = max(counts.values())
        msg = (
            f"only {len(chosen)} genes are in {least} of {len(cohorts)} cohorts, at least {LEAST_GENES} are needed; no "
            f"gene is in more than {most}: lower least, or leave out the cohort that shares fewest"
        )
        raise GeneMismatchError(msg)
    genes = Genes(chosen, next(iter(cohorts.values())).genes.namespace)
    return genes, np.stack([genes.align(cohort.genes).index for cohort in cohorts.values()])


def check_apart(cohorts: Mapping[str, CohortEffects]) -> None:
    """Stop where two cohorts have samples in common.

    Samples are compared by the order of their genes' values, which names, units and logarithms do not change.

    Raises
    ------
    InputError
        If a sample of one is a sample of another.
    """
    for one, other in combinations(cohorts.values(), 2):
        shared = [gene for gene in one.genes.ids if gene in other.genes.position][:SHARED_FOR_TWINS]
        if len(shared) < LEAST_GENES:
            continue
        orders = []
        for cohort in (one, other):
            x_ng = cohort.measured_ng[:, [cohort.genes.position[gene] for gene in shared]]
            orders.append({np.argsort(x_g, kind="stable").tobytes(): i for i, x_g in enumerate(x_ng)})
        twins = [
            f"{one.samples[i]} is {other.samples[orders[1][order]]}"
            for order, i in orders[0].items()
            if order in orders[1]
        ]
        if twins:
            msg = (
                f"{len(twins)} samples of cohort {one.name!r} are in cohort {other.name!r} too ({first_three(twins)}): "
                "cohorts that share people do not replicate one another. Leave one of the two out, or these samples "
                "in one of them"
            )
            raise InputError(msg)
