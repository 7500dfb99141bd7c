"""The proving room: networks, gene sets and matched chance for what a node or module holds."""

from ._measures import MEASURES, silhouette
from ._readings import Reading
from ._registry import TESTS
from ._samples import Samples
from .assess import assess
from .distances import UNREACHABLE, Interactome, distances
from .enrichment import hypergeometric_tail, over_representation
from .groups import groups
from .network import localise
from .nulls import adjust, empirical_p, match_bins
from .ranks import camera, mean_correlation, rank_sum
from .scorecard import scorecard

__all__ = [
    "MEASURES",
    "TESTS",
    "UNREACHABLE",
    "Interactome",
    "Reading",
    "Samples",
    "adjust",
    "assess",
    "camera",
    "distances",
    "empirical_p",
    "groups",
    "hypergeometric_tail",
    "localise",
    "match_bins",
    "mean_correlation",
    "over_representation",
    "rank_sum",
    "scorecard",
    "silhouette",
]
