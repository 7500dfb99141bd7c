"""From an expression table to the numbers a model sees, and the same again for any later table."""

from ..io.id_table import IdTable
from .adjust import BATCH_METHODS, Adjust, Adjustment
from .collapse import COLLAPSES
from .fill_gaps import fill_gaps
from .map_edges import map_edges
from .map_ids import IdMap, map_ids
from .normalise import NORMALISATIONS, Normalisation
from .preparation import Preparation
from .prepare import prepare, prepare_as
from .project import map_for, map_where_needed
from .settings import PreparationSettings
from .stream import PreparedStore
from .user_table import UserTable, read_id_table

__all__ = [
    "BATCH_METHODS",
    "COLLAPSES",
    "NORMALISATIONS",
    "Adjust",
    "Adjustment",
    "IdMap",
    "IdTable",
    "Normalisation",
    "Preparation",
    "PreparationSettings",
    "PreparedStore",
    "UserTable",
    "fill_gaps",
    "map_edges",
    "map_for",
    "map_ids",
    "map_where_needed",
    "prepare",
    "prepare_as",
    "read_id_table",
]
