"""The proving room: networks, gene sets and matched chance for what a node or module holds."""

from ._measures import MEASURES, silhouette
from ._readings import Reading
from ._registry import TESTS, Compared, calibrated
from ._samples import Samples
from .assess import assess
from .combine import COMBINATIONS, combine, combine_evidence
from .distances import UNREACHABLE, Interactome, distances
from .nulls import adjust, empirical_p, match_bins
from .scorecard import scorecard
from .tests.centrality import betweenness, degree, outside
from .tests.enrichment import hypergeometric_tail, over_representation
from .tests.genetics import genetic_association
from .tests.groups import groups
from .tests.loci import loci
from .tests.network import localise
from .tests.novelty import coherence, novelty
from .tests.overlap import overlap_relabelled
from .tests.profiles import reference_profiles
from .tests.proximity import proximity
from .tests.ranks import camera, rank_sum

__all__ = [
    "COMBINATIONS",
    "MEASURES",
    "TESTS",
    "UNREACHABLE",
    "Compared",
    "Interactome",
    "Reading",
    "Samples",
    "adjust",
    "assess",
    "betweenness",
    "calibrated",
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
    "overlap_relabelled",
    "proximity",
    "rank_sum",
    "reference_profiles",
    "scorecard",
    "silhouette",
]
