"""The proving room: networks, gene sets and matched chance for what a node or module holds."""

from ._registry import TESTS
from .assess import assess
from .distances import UNREACHABLE, Interactome, distances
from .enrichment import hypergeometric_tail, over_representation
from .network import localise
from .nulls import adjust, empirical_p, match_bins

__all__ = [
    "TESTS",
    "UNREACHABLE",
    "Interactome",
    "adjust",
    "assess",
    "distances",
    "empirical_p",
    "hypergeometric_tail",
    "localise",
    "match_bins",
    "over_representation",
]
