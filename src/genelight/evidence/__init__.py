"""The proving room: networks, gene sets and matched chance for what a node or module holds."""

from . import tests  # noqa: F401
from ._registry import TESTS, Compared
from ._samples import Samples
from .assess import assess
from .distances import distances
from .scorecard import Reading, scorecard
from .tests.genetics import genetic_association
from .tests.groups import groups
from .tests.novelty import novelty
from .tests.profiles import reference_profiles
from .tests.proximity import proximity

__all__ = [
    "TESTS",
    "Compared",
    "Reading",
    "Samples",
    "assess",
    "distances",
    "genetic_association",
    "groups",
    "novelty",
    "proximity",
    "reference_profiles",
    "scorecard",
]
