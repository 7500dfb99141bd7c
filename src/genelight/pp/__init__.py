"""From an expression table to the numbers a model sees, and the same again for any later table."""

from .collapse import COLLAPSES
from .id_table import IdTable
from .map_ids import IdMap, map_ids
from .prepare import Preparation, prepare
from .stream import PreparedStore
from .user_table import UserTable, read_id_table

__all__ = [
    "COLLAPSES",
    "IdMap",
    "IdTable",
    "Preparation",
    "PreparedStore",
    "UserTable",
    "map_ids",
    "prepare",
    "read_id_table",
]
