"""The verb ``prepare``: learn from one table how it, and any other, becomes what a model sees; or some of its genes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.checks import check_positive
from ..errors import InputError, UnknownNameError
from ..io import Store
from ..io._blocks import blocks_of
from ..nouns import Genes
from ._statistics import of_matrix, of_store
from .adjust import Adjust, Adjustment
from .blocks import JoinedPreparation, by_block, rows_of, table_of
from .features import AUTO, kind_of, settled
from .gaps import Detection
from .normalise import Normalisation
from .preparation import Preparation
from .scale import SCALES, logged
from .settings import PreparationSettings

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

__all__ = ["among", "prepare", "prepare_as"]

LEAST_SAMPLES = 10
LEAST_GENES = 10
STANDARDS = ("zscore", "minmax", "centre")


def prepare(
    adata: AnnData | Store,
    *,
    scale: str = "log2",
    features: str | None = None,
    above_floor: float | None = None,
    variable: int | None = None,
    normalise: str | None = None,
    standardise: str = "zscore",
    adjust: Adjust | None = None,
) -> Preparation:
    """Learn how to prepare a table: which genes to keep, and how to standardise each.

    Parameters
    ----------
    adata
        Samples x genes; a store is read in one pass, and its genes with missing values are left out.
    scale
        Scale of the values: ``"log2"``, ``"counts"`` (becomes log2 counts per million + 1) or ``"linear"``
        (becomes log2(x + 1)); values that contradict it stop the run. ``"auto"`` tells it from the values, writes the
        evidence into the account, and stops where they speak for none of the three. Other features than genes have
        scales of their own, told from the values where the default is none of them: CpGs ``"beta"`` or ``"m"``.
    features
        Kind of feature: ``"gene"``, ``"cpg"``, ``"protein"``, ``"metabolite"``, ``"mirna"``, ``"taxon"``, ``"cell"``
        (genes of cells). By default genes, unless the ids tell of CpGs, metabolites, microRNAs or taxa; the account
        says so. It decides the scale, what zeros and gaps mean, and what is asked of the table.
    above_floor
        Keep genes above the floor in at least this share of samples, by default half; a tenth for taxa and a hundredth
        for cells, in which most are not seen. The floor is the most frequent value if more
        than 1% of all values are exactly that and fewer than 5% lie below it (arrays floored by their vendor's
        software, zero counts); else there is none.
    variable
        Keep only this many genes, those of largest variance; by default all.
    normalise
        Give every sample one distribution: ``"quantile"`` the fitted samples' mean one, ``"rank"`` a standard normal
        one. With it another platform's samples can be projected. By default none.
    standardise
        ``"zscore"``, ``"minmax"`` (0 to 1 over the fitted samples, beyond for others) or ``"centre"``.
    adjust
        Covariates and a batch whose effects are taken off, see :class:`Adjust`.

    Returns
    -------
    Preparation

    Raises
    ------
    InputError
        If there are fewer than 10 samples or 10 usable genes, ids repeat, values are missing or infinite,
        the scale does not fit, or covariates and batch do not (see :class:`Adjust`).
    UnknownNameError
        If a setting or a column is no known name.

    Notes
    -----
    Cost: one pass over the matrix and a copy of it; of a store never more than a block is in memory.

    Examples
    --------
    >>> import genelight as gl
    >>> preparation = gl.prepare(gl.demo.cohort())
    >>> preparation.transform(gl.demo.cohort()[:3]).shape
    (3, 4147)
    """
    asked = PreparationSettings(
        scale=scale,
        features=features,
        above_floor=above_floor,
        variable=variable,
        normalise=normalise,
        standardise=standardise,
        adjust=adjust,
    )
    return prepare_as(adata, asked)


def prepare_as(adata: AnnData | Store, asked: PreparationSettings, *, least: int = LEAST_SAMPLES) -> Preparation:
    """Learn how to prepare a table by settings that another was prepared by.

    Parameters
    ----------
    adata
        Samples x genes, or a store.
    asked
        Such as ``preparation.settings``.
    least
        Fewest samples to learn from; fewer than ten only where no model is trained on them.

    Raises
    ------
    InputError, UnknownNameError
        As :func:`prepare`.

    Examples
    --------
    >>> import genelight as gl
    >>> from genelight.pp.prepare import prepare_as
    >>> adata = gl.demo.cohort()
    >>> ranks = gl.prepare(adata, normalise="rank", standardise="centre")
    >>> half = prepare_as(adata[:100].copy(), ranks.settings)
    >>> half.settings == ranks.settings
    True
    """
    if asked.variable is not None:
        check_positive(variable=asked.variable)
    if adata.n_obs < least:
        msg = (
            f"{adata.n_obs} samples are too few to prepare a table and to train a model on, at least {least} are "
            'needed; read human samples through a model of thousands of others: gl.load("human"), --model human'
        )
        raise InputError(msg)
    blocks = [] if isinstance(adata, Store) else list(blocks_of(adata))
    return _joined(adata, asked, blocks, least=least) if blocks else _of_one(adata, asked)


def among(preparation: Preparation, genes: Genes) -> Preparation:
    """The same preparation for some of its genes, as for a table that has no others.

    Parameters
    ----------
    preparation
        Learned from a table.
    genes
        Some of its genes, in any order.

    Raises
    ------
    InputError
        If it lacks some of them, or adjusts for covariates, which takes all genes.
    """
    at_g = genes.align(preparation.genes).index
    if (at_g < 0).any():
        msg = f"{int((at_g < 0).sum())} of {len(genes)} genes are none of the preparation's {len(preparation.genes)}"
        raise InputError(msg)
    if preparation.adjustment is not None:
        msg = "the preparation adjusts for covariates, so it cannot do with some of its genes; train without adjust"
        raise InputError(msg)
    learned: dict[str, Any] = {n: getattr(preparation, n) for n in ("mean_g", "sd_g", "shift_g", "span_g")}
    part: dict[str, Any] = {name: each if each is None else each[at_g] for name, each in learned.items()}
    way = preparation.normalisation
    if way is not None and len(genes) < len(preparation.genes):
        way = way.among(part["mean_g"], part["sd_g"])
    return replace(preparation, genes=genes, normalisation=way, id_map=None, **part)


def _of_one(adata: AnnData | Store, asked: PreparationSettings) -> Preparation:
    """The preparation of a table of one kind of feature."""
    asked, evidence = settled(adata, asked)
    ids_all, scale = Genes(tuple(adata.var_names), asked.ids), asked.scale
    kind = kind_of(asked)
    if asked.missing:
        _check_missing(adata, asked)
    if isinstance(adata, Store):
        if SCALES[scale].among or SCALES[scale].zero_is_missing:
            msg = f"scale = {scale!r} needs a table in memory, not a store; read the samples instead of packing them"
            raise InputError(msg)
        y_ng, found = np.zeros((0, 0)), of_store(adata, scale)
    else:
        y_ng = logged(adata, scale, missing=asked.missing)
        found = of_matrix(y_ng, missing=asked.missing)
        if SCALES[scale].among:
            found = replace(found, floor=0.0, above_g=np.asarray((adata.X > 0).mean(0)).ravel())
    complete = np.isfinite(found.sd_g)
    varies = complete & (found.sd_g > 1e-6 * np.maximum(1.0, found.largest_g))
    seen = varies & (found.above_g >= (kind.above_floor if asked.above_floor is None else asked.above_floor))
    keep = _most_variable(found.sd_g, seen, asked.variable)
    account: dict[str, Any] = {
        "samples": adata.n_obs,
        "genes_read": len(ids_all),
        "genes_incomplete": int((~complete).sum()),
        "genes_constant": int((complete & ~varies).sum()),
        "genes_on_floor": int((varies & ~seen).sum()),
        "genes_less_variable": int(seen.sum() - keep.sum()),
        "genes_kept": int(keep.sum()),
        "floor": found.floor,
        "scale": scale,
        "highest": found.highest,
        **evidence,
    }
    _check_kept(account)
    genes = Genes(tuple(np.asarray(ids_all.ids, dtype=object)[keep]), asked.ids)
    plain = Preparation(genes, scale, found.mean_g[keep], found.sd_g[keep], account, asked=asked)
    if SCALES[scale].among and not keep.all():
        y_ng[:, keep] = logged(adata, scale, columns=np.flatnonzero(keep))
        plain = replace(plain, mean_g=y_ng[:, keep].mean(0), sd_g=y_ng[:, keep].std(0))
    if kind.censored and asked.missing and asked.normalise is None:
        plain = _censored(plain, y_ng, keep)
    if asked.normalise is None and asked.standardise == "zscore" and asked.adjust is None:
        return plain
    if isinstance(adata, Store):
        return _further_of_store(plain, adata, keep, asked=asked)
    return _further(plain, y_ng[:, keep], adata.obs, asked=asked)


def _joined(adata: AnnData, asked: PreparationSettings, blocks: list[str], *, least: int) -> Preparation:
    """Each block by its own rules; what is said of all holds of each."""
    features, scales = (
        by_block(said, blocks, option=option)
        for said, option in ((asked.features, "--features"), (asked.scale, "--scale"))
    )
    if asked.adjust is not None:
        msg = "several blocks are not adjusted together; adjust each before they are joined"
        raise InputError(msg)
    parts = {}
    for block in blocks:
        table = table_of(adata, block)
        scale = scales.get(block, AUTO if scales or "=" in asked.scale else asked.scale)
        kind = features.get(block) if features else asked.features
        own = replace(asked, features=kind, scale=scale, ids="symbol", missing=False)
        try:
            parts[block] = prepare_as(table[rows_of(table)].copy(), own, least=least)
        except InputError as error:
            msg = f"block {block!r}: {error}"
            raise InputError(msg) from error
    return JoinedPreparation.of(parts, asked=asked, samples=adata.n_obs)


def _censored(plain: Preparation, y_ng: np.ndarray, keep: np.ndarray) -> Preparation:
    """The same where what is missing may lie low; what was not seen is put in its place, and counts in the moments."""
    detection = Detection.of(y_ng)
    plain = replace(plain, account={**plain.account, "missing": detection.says()})
    if not detection.slope:
        return plain
    share_g, var_g = np.isnan(y_ng[:, keep]).mean(0), plain.sd_g**2
    fall_g = detection.slope * var_g
    sd_g = np.sqrt((1 - share_g) * var_g + share_g * (1 - share_g) * fall_g**2)
    mean_g = plain.mean_g - share_g * fall_g
    y_ng[:, keep] = np.where(np.isnan(y_ng[:, keep]), plain.mean_g - fall_g, y_ng[:, keep])
    return replace(plain, mean_g=mean_g, sd_g=sd_g, censored_g=(1 - share_g) * fall_g)


def _check_missing(adata: AnnData | Store, asked: PreparationSettings) -> None:
    """Stop where values cannot be missing."""
    if isinstance(adata, Store):
        msg = "missing = True needs a table in memory; of a store, genes with missing values are left out without it"
    elif not SCALES[asked.scale].alone or asked.adjust is not None or asked.normalise == "quantile":
        alone = [name for name, scale in SCALES.items() if scale.alone]
        msg = (
            f"missing = True goes with a scale of which each value comes alone ({', '.join(alone)}), normalise = None "
            f"or 'rank', and no adjust, not with scale = {asked.scale!r}, normalise = {asked.normalise!r}, adjust = "
            f"{asked.adjust}"
        )
    else:
        return
    raise InputError(msg)


def _further(plain: Preparation, y_ng: np.ndarray, obs: pd.DataFrame, *, asked: PreparationSettings) -> Preparation:
    """The preparation with the steps between log2 and a model's numbers."""
    adjust = asked.adjust
    normalisation = None if asked.normalise is None else Normalisation.of(y_ng, asked.normalise)
    if normalisation:
        y_ng = normalisation.apply(y_ng)
    adjustment = None if adjust is None else Adjustment.of(y_ng, obs, adjust)
    if adjustment:
        y_ng = adjustment.apply(y_ng, obs, np.ones(y_ng.shape[1], dtype=bool))
    sd_g = np.nanstd(y_ng, 0)
    shift_g, span_g = _standard(y_ng, asked.standardise)
    account = {
        **plain.account,
        "normalise": asked.normalise,
        "standardise": asked.standardise,
        "covariates": ", ".join(adjust.covariates) if adjust else "",
        "batch": f"{adjust.batch} ({adjust.method})" if adjust and adjust.batch else "",
    }
    return replace(
        plain,
        mean_g=np.nanmean(y_ng, 0),
        # A gene that a batch explains whole is left at its mean.
        sd_g=np.where(sd_g > 1e-9, sd_g, 1.0),
        account=account,
        normalisation=normalisation,
        adjustment=adjustment,
        shift_g=shift_g,
        span_g=span_g,
    )


def _standard(y_ng: np.ndarray, name: str) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Shift and span of each gene; None for the default, mean and standard deviation."""
    if name not in STANDARDS:
        raise UnknownNameError("way to standardise", name, STANDARDS)
    if name == "zscore":
        return None, None
    if name == "centre":
        return np.nanmean(y_ng, 0), np.ones(y_ng.shape[1])
    low_g = np.fmin.reduce(y_ng, axis=0)
    span_g = np.fmax.reduce(y_ng, axis=0) - low_g
    return low_g, np.where(span_g > 0, span_g, 1.0)


def _further_of_store(plain: Preparation, store: Store, keep: np.ndarray, *, asked: PreparationSettings) -> Preparation:
    """The same of a store, in one more pass, as far as each sample is looked at by itself."""
    if asked.adjust is not None or asked.normalise not in {None, "rank"} or asked.standardise == "minmax":
        msg = (
            f"of a store, normalise may be 'rank', standardise 'zscore' or 'centre', and nothing is adjusted for, not "
            f"normalise = {asked.normalise!r}, standardise = {asked.standardise!r}, adjust = {asked.adjust}; read the "
            "table into memory for those"
        )
        raise InputError(msg)
    normalisation = None if asked.normalise is None else Normalisation.of(np.zeros((1, int(keep.sum()))), "rank")
    mean_g, sd_g = plain.mean_g, plain.sd_g
    if normalisation is not None:

        def ranked(y_ng: np.ndarray) -> np.ndarray:
            y_ng[:, keep] = normalisation.apply(y_ng[:, keep])
            return y_ng

        found = of_store(store, plain.scale, each=ranked)
        mean_g, sd_g = found.mean_g[keep], found.sd_g[keep]
    centred = asked.standardise == "centre"
    return replace(
        plain,
        mean_g=mean_g,
        sd_g=np.where(sd_g > 1e-9, sd_g, 1.0),
        account={**plain.account, "normalise": asked.normalise, "standardise": asked.standardise},
        normalisation=normalisation,
        shift_g=mean_g if centred else None,
        span_g=np.ones(len(mean_g)) if centred else None,
    )


def _check_kept(account: Mapping[str, Any]) -> None:
    if account["genes_kept"] >= LEAST_GENES:
        return
    missing = f", {account['genes_incomplete']} have missing values" if account["genes_incomplete"] else ""
    msg = (
        f"only {account['genes_kept']} of {account['genes_read']} genes can be used ({account['genes_constant']} are "
        f"constant, {account['genes_on_floor']} on the floor{missing}); at least {LEAST_GENES} are needed"
    )
    raise InputError(msg)


def _most_variable(sd_g: np.ndarray, seen: np.ndarray, number: int | None) -> np.ndarray:
    if number is None or number >= seen.sum():
        return seen
    order = np.argsort(np.where(seen, -sd_g, np.inf), kind="stable")
    keep = np.zeros(len(sd_g), dtype=bool)
    keep[order[:number]] = True
    return keep
