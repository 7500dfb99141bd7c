"""Who is ill, and how badly? Severity, groups, treatment, and new samples scored or refused."""

from .drivers import drivers
from .score import LEAST_COHORT, Scores, score
from .severity import INTERFERON, Protocol, Until, check_measure, severity
from .stratify import stratify
from .treatment import OBSERVED, contrast, trajectories

__all__ = [
    "INTERFERON",
    "LEAST_COHORT",
    "OBSERVED",
    "Protocol",
    "Scores",
    "Until",
    "check_measure",
    "contrast",
    "drivers",
    "score",
    "severity",
    "stratify",
    "trajectories",
]
