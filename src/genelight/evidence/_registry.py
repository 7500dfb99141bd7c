"""Every test by name, and the loop that runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._core.registry import Registry
from ..errors import InputError
from ..nouns import Contrast, Evidence

if TYPE_CHECKING:
    from ._collections import Collection
    from ._tested import Items
    from .nulls import MatchedNull


@dataclass(frozen=True)
class Compared:
    """Expression of samples of which some are cases and some controls.

    Attributes
    ----------
    x_ng
        Expression, shape ``(n, g)``.
    contrast
        Groups and subjects of the same samples.

    Raises
    ------
    InputError
        If they are not of as many samples.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> contrast = gl.Contrast.of(adata.obs, case="hours >= 45", control="hours == 0", subject="subject")
    >>> gl.evidence.Compared(adata.X, contrast).x_ng.shape
    (252, 4147)
    """

    x_ng: np.ndarray
    contrast: Contrast

    def __post_init__(self) -> None:
        if len(self.x_ng) != len(self.contrast.case_n):
            msg = (
                f"the contrast has {len(self.contrast.case_n)} samples and the expression {len(self.x_ng)}; pass the "
                "expression of the same samples"
            )
            raise InputError(msg)


@dataclass(frozen=True)
class Against:
    """The references that items are tested against; a test uses those it knows.

    Attributes
    ----------
    null
        The items' genes on the network, with matched draws; None without a network.
    sets
        Collections of gene sets over the measured genes.
    bin_g
        Which measured genes are alike in mean and variance, see :func:`.expression_bins`; None without expression.
    seed
        Seed of whatever a test draws itself.
    x_ng
        Expression of the measured genes; None without.
    contrast
        What modules were derived from, over the rows of `x_ng`; None without.
    draws
        How often labels are drawn anew.
    """

    null: MatchedNull | None = None
    sets: tuple[Collection, ...] = ()
    bin_g: np.ndarray | None = None
    seed: int = 0
    x_ng: np.ndarray | None = None
    contrast: Contrast | None = None
    draws: int = 999


@dataclass(frozen=True)
class Findings:
    """What one test found: rows of :class:`Evidence` without the test's name, and facts about it."""

    table: pd.DataFrame
    about: Mapping[str, Any]


Test = Callable[["Items", Against], "Findings | None"]
TESTS: Registry[Test] = Registry("evidence test")


def calibrated(test_r: pd.Series) -> pd.Series:
    """Which tests a headline may rest on: all but those that are registered as not calibrated."""
    doubtful = [name for name in TESTS if not TESTS.entry(name).calibrated]
    return ~test_r.isin(doubtful)


def run_tests(tested: Items, against: Against, *, tests: Sequence[str] | None = None) -> Evidence:
    """Run registered tests that have their reference, the calibrated unless named; ``about`` has each one's facts.

    Raises
    ------
    UnknownNameError
        If there is no such test.
    """
    parts = []
    for name in [name for name in TESTS if TESTS.entry(name).calibrated] if tests is None else tests:
        found = TESTS[name](tested, against)
        if found is not None:
            parts.append(
                Evidence(
                    found.table.assign(test=name), {name: {**found.about, "calibrated": TESTS.entry(name).calibrated}}
                )
            )
    return Evidence.join(parts)
