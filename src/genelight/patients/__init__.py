"""Who is ill, and how badly? Severity, groups, treatment, and new samples scored or refused."""

from .drivers import drivers
from .score import score
from .severity import Protocol, severity
from .stratify import stratify
from .treatment import contrast, trajectories

__all__ = [
    "Protocol",
    "contrast",
    "drivers",
    "score",
    "severity",
    "stratify",
    "trajectories",
]
