"""The proving room: networks, gene sets and matched chance for what a node or module holds."""

from ._measures import MEASURES, silhouette
from ._readings import Reading
from ._registry import TESTS
from ._samples import Samples
from .assess import assess
from .centrality import betweenness, degree, outside
from .combine import COMBINATIONS, combine, combine_evidence
from .distances import UNREACHABLE, Interactome, distances
from .enrichment import hypergeometric_tail, over_representation
from .genetics import genetic_association
from .groups import groups
from .loci import loci
from .network import localise
from .novelty import coherence, novelty
from .nulls import adjust, empirical_p, match_bins
from .profiles import reference_profiles
from .proximity import proximity
from .ranks import camera, rank_sum
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
    "betweenness",
    "camera",
    "coherence",
    "combine",
    "combine_evidence",
    "degree",
    "distances",
    "empirical_p",
    "genetic_association",
    "groups",
    "hypergeometric_tail",
    "localise",
    "loci",
    "match_bins",
    "novelty",
    "outside",
    "over_representation",
    "proximity",
    "rank_sum",
    "reference_profiles",
    "scorecard",
    "silhouette",
]
