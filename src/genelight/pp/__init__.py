"""From an expression table to the numbers a model sees, and the same again for any later table."""

from .adjust import Adjust
from .map_ids import map_ids
from .prepare import prepare
from .project import map_edges
from .pseudobulk import pseudobulk
from .settings import PreparationSettings
from .to_genes import to_genes

__all__ = [
    "Adjust",
    "PreparationSettings",
    "map_edges",
    "map_ids",
    "prepare",
    "pseudobulk",
    "to_genes",
]
