"""What does each node stand for? Its codes, its genes, its card, and whether it comes back."""

from . import methods  # noqa: F401
from ._registry import ATTRIBUTIONS
from .activity import node_activity
from .agreement import agreement
from .annotate import annotate
from .between_layers import layer_likeness, layer_map
from .cards import node_card
from .consensus import consensus
from .layers import encode
from .light_up import light_up
from .reproduce import reproducibility

__all__ = [
    "ATTRIBUTIONS",
    "agreement",
    "annotate",
    "consensus",
    "encode",
    "layer_likeness",
    "layer_map",
    "light_up",
    "node_activity",
    "node_card",
    "reproducibility",
]
