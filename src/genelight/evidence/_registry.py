"""Every test by name, and the loop that runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._core.registry import Registry
from ..nouns import Evidence

if TYPE_CHECKING:
    from ._collections import Collection
    from ._subjects import Subjects
    from .nulls import MatchedNull

__all__ = ["TESTS", "Against", "Findings", "Test", "run_tests"]


@dataclass(frozen=True)
class Against:
    """The references that subjects are tested against; a test uses those it knows.

    Attributes
    ----------
    null
        The subjects' genes on the network, with matched draws; None without a network.
    sets
        Collections of gene sets over the measured genes.
    bin_g
        Which measured genes are alike in mean and variance, see :func:`expression_bins`; None without expression.
    seed
        Seed of whatever a test draws itself.
    x_ng
        Expression of the measured genes; None without.
    """

    null: MatchedNull | None = None
    sets: tuple[Collection, ...] = ()
    bin_g: np.ndarray | None = None
    seed: int = 0
    x_ng: np.ndarray | None = None


@dataclass(frozen=True)
class Findings:
    """What one test found: rows of :class:`Evidence` without the test's name, and facts about it."""

    table: pd.DataFrame
    about: Mapping[str, Any]


Test = Callable[["Subjects", Against], "Findings | None"]
TESTS: Registry[Test] = Registry("evidence test")


def run_tests(subjects: Subjects, against: Against, *, tests: Sequence[str] | None = None) -> Evidence:
    """Run registered tests that have their reference, all unless named; ``about`` holds each one's facts.

    Raises
    ------
    UnknownNameError
        If there is no such test.
    """
    parts = []
    for name in TESTS if tests is None else tests:
        found = TESTS[name](subjects, against)
        if found is not None:
            parts.append(Evidence(found.table.assign(test=name), {name: dict(found.about)}))
    return Evidence.join(parts)
