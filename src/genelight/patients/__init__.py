"""Who is ill, and how badly? Severity, groups, treatment, and new samples scored or refused."""

from ._response_cohorts import ResponsePlan
from .drivers import drivers
from .response import response
from .response_score import score_response
from .score import score
from .severity import Protocol, severity
from .stratify import stratify
from .stratify_cohorts import stratify_cohorts
from .treatment import contrast, trajectories

__all__ = [
    "Protocol",
    "ResponsePlan",
    "contrast",
    "drivers",
    "response",
    "score",
    "score_response",
    "severity",
    "stratify",
    "stratify_cohorts",
    "trajectories",
]
