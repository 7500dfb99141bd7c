"""The proving room: networks, gene sets and matched chance for what a node or module holds."""

from ._measures import MEASURES, silhouette
from ._readings import Reading
from ._registry import TESTS
from ._samples import Samples
from .assess import assess
from .combine import COMBINATIONS, combine
from .distances import UNREACHABLE, Interactome, distances
from .enrichment import hypergeometric_tail, over_representation
from .genetics import genetic_association
from .groups import groups
from .network import localise
from .novelty import coherence, novelty
from .nulls import adjust, empirical_p, match_bins
from .profiles import reference_profiles
from .proximity import proximity
from .ranks import camera, mean_correlation, rank_sum
from .scorecard import scorecard

__all__ = [
    "COMBINATIONS",
    "MEASURES",
    "TESTS",
    "UNREACHABLE",
    "Interactome",
    "Reading",
    "Samples",
    "adjust",
    "assess",
    "camera",
    "coherence",
    "combine",
    "distances",
    "empirical_p",
    "genetic_association",
    "groups",
    "hypergeometric_tail",
    "localise",
    "match_bins",
    "mean_correlation",
    "novelty",
    "over_representation",
    "proximity",
    "rank_sum",
    "reference_profiles",
    "scorecard",
    "silhouette",
]
