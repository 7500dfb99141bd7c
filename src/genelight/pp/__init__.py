"""From an expression table to the numbers a model sees, and the same again for any later table."""

from .adjust import Adjust
from .fill_gaps import fill_gaps
from .map_edges import map_edges
from .map_ids import map_ids
from .preparation import Preparation
from .prepare import prepare
from .settings import PreparationSettings
from .user_table import read_id_table

__all__ = [
    "Adjust",
    "Preparation",
    "PreparationSettings",
    "fill_gaps",
    "map_edges",
    "map_ids",
    "prepare",
    "read_id_table",
]
