"""tl: what is asked of a trained model."""

from . import _de, _direction, _light_up, _paper, _random, _variance  # noqa: F401 - importing registers them
from ._registry import ATTRIBUTIONS, DERIVATIONS
from .disease_module import disease_module
from .encode import encode
from .hold_out import HeldOut, auc_interval, hold_out, r2_interval
from .light_up import LEVELS, RESTS, light_up
from .node_activity import node_activity
from .permutation_test import Permutation, permutation_test

__all__ = [
    "ATTRIBUTIONS",
    "DERIVATIONS",
    "LEVELS",
    "RESTS",
    "HeldOut",
    "Permutation",
    "auc_interval",
    "disease_module",
    "encode",
    "hold_out",
    "light_up",
    "node_activity",
    "permutation_test",
    "r2_interval",
]
