"""One p value of several: over diseases, cohorts or seeds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats

from .._core.registry import Registry
from ..errors import InputError
from ..nouns import Evidence
from ..nouns.evidence import EVIDENCE_COLUMNS
from ..stats.pvalues import adjust

__all__ = ["COMBINATIONS", "combine", "combine_evidence"]

SMALLEST = 1e-300

COMBINATIONS: Registry[Callable[[np.ndarray], float]] = Registry("way to combine p values")


def combine(p: np.ndarray, *, method: str = "cauchy") -> float:
    """Combine p values into one.

    Parameters
    ----------
    p
        Shape ``(m,)``.
    method
        ``"fisher"`` (as in the paper) and ``"stouffer"`` take the tests as independent; ``"cauchy"`` allows for
        any dependence in its tail. Tests of one gene list against several diseases share genes, so they depend.

    Raises
    ------
    UnknownNameError
        If there is no such method.
    InputError
        If there are none, or one is missing, 0, below 0 or above 1.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight.evidence.combine import combine
    >>> [round(combine(np.array([0.01, 0.2, 0.7]), method=m), 4) for m in ("fisher", "stouffer", "cauchy")]
    [0.0408, 0.0635, 0.0293]
    """
    p = np.asarray(p, dtype=np.float64)
    bad = ~((p > 0) & (p <= 1))
    if not len(p) or bad.any():
        msg = f"{int(bad.sum())} of {len(p)} p values are missing, 0, below 0 or above 1; pass some above 0 and up to 1"
        raise InputError(msg)
    return COMBINATIONS[method](p)


def combine_evidence(evidence: Evidence, *, method: str = "cauchy") -> Evidence:
    """Combine each item's p values of one test over its references: a module over several diseases.

    Parameters
    ----------
    evidence
        Results of tests, joined over diseases, cohorts or seeds by ``Evidence.join`` where they were made apart.
    method
        See :func:`combine`. Diseases share genes, so Fisher's and Stouffer's p values of one list are too small;
        ``"cauchy"`` is not.

    Returns
    -------
    One row for each item and test of two references and more: ``statistic`` the number of them, ``effect`` the
    normal score of p, ``n`` the least genes; q over the items that had a q.

    Raises
    ------
    UnknownNameError
        If there is no such method.
    InputError
        If a p value is missing or out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> from genelight.nouns.evidence import EVIDENCE_COLUMNS, Evidence
    >>> from genelight.evidence.combine import combine_evidence
    >>> row = dict.fromkeys(EVIDENCE_COLUMNS, 0) | {"tested": "module", "test": "genetic_association"}
    >>> rows = [row | {"reference": disease, "p": p} for disease, p in (("lupus", 0.01), ("asthma", 0.2))]
    >>> found = combine_evidence(Evidence(pd.DataFrame(rows)), method="fisher")
    >>> found.table[["reference", "p"]].round(4).values.tolist()
    [['fisher of 2: asthma, lupus', 0.0144]]
    """
    rows = []
    for (tested, test), part in evidence.table.groupby(["tested", "test"], sort=False):
        if len(part) < 2:
            continue
        p = combine(part["p"].clip(lower=SMALLEST).to_numpy(), method=method)
        names = sorted(part["reference"])
        listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        rows.append(
            {
                "tested": tested,
                "test": test,
                "reference": f"{method} of {len(names)}: {listed}",
                "n": part["n"].min(),
                "statistic": len(names),
                "effect": float(stats.norm.isf(p)),
                "null_mean": 0.0,
                "null_sd": 1.0,
                "p": p,
                "q": np.nan if part["q"].isna().all() else 0.0,
                "draws": 0,
                "seed": 0,
            }
        )
    table = pd.DataFrame(rows, columns=list(EVIDENCE_COLUMNS))
    for _, part in table[table["q"].notna()].groupby("test", sort=False):
        table.loc[part.index, "q"] = adjust(part["p"].to_numpy(np.float64))
    return Evidence(table, {"combine_evidence": {"method": method}})


@COMBINATIONS.register("fisher", doi="10.1007/978-1-4612-4380-9_6")
def _fisher(p: np.ndarray) -> float:
    """Fisher's sum of logarithms, for independent tests."""
    return float(stats.combine_pvalues(p, method="fisher").pvalue)


@COMBINATIONS.register("stouffer", doi="10.1111/j.1420-9101.2005.00917.x")
def _stouffer(p: np.ndarray) -> float:
    """Stouffer's sum of normal scores, for independent tests."""
    # Of a p value of one the score is infinite.
    return float(stats.combine_pvalues(np.minimum(p, 1 - 1e-16), method="stouffer").pvalue)


@COMBINATIONS.register("cauchy", doi="10.1080/01621459.2018.1554485")
def _cauchy(p: np.ndarray) -> float:
    """Mean of Cauchy scores, whose tail does not mind dependence."""
    # Far out the tangent is one over its angle, to better than a double holds.
    score = np.where(p < 1e-15, 1 / (np.pi * p), np.tan((0.5 - np.minimum(p, 1 - 1e-15)) * np.pi))
    return float(stats.cauchy.sf(score.mean()))
