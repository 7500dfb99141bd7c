"""Which model a small cohort is read through unless its owner says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import models
from ..errors import GenelightError
from ..pp.project import map_where_needed
from ._reference import SMALL

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["SHIPPED", "reference_for"]

SHIPPED = "human"
"""The model that ships."""


def reference_for(adata: AnnData, people: Sequence[int], *, table: str | Path | None = None) -> str | None:
    """``"human"`` for a cohort that is too small to train a model on and whose genes that model has; else None.

    Parameters
    ----------
    adata
        Samples x columns, as read.
    people
        How many there are in either group.
    table
        Table of ids and genes, for probes.
    """
    if not people or min(people) >= SMALL:
        return None
    model = models.load(SHIPPED)
    try:
        id_map = map_where_needed(adata, to=model.genes, table=table)
        ids = list(adata.var_names) if id_map is None else sorted(set(id_map.pairs["target"]))
        model.preparation.align(ids)  # type: ignore[attr-defined]
    except GenelightError:
        return None
    return SHIPPED
