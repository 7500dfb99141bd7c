"""A preparation for some of its genes alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..errors import InputError
from ..nouns import Genes
from .preparation import Preparation

__all__ = ["among"]


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
