"""Subject-bootstrap intervals of held-out figures."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import binom

from ..nouns import Contrast
from .auc import weighted_auc
from .subjects import bootstrap_counts, numbered, weights_under

__all__ = ["auc_interval", "median_interval", "r2_interval"]

TAILS = (0.025, 0.975)


def auc_interval(scores: pd.DataFrame, *, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Pooled out-of-fold AUC of each method, subjects with equal weight, with its 95% interval.

    Parameters
    ----------
    scores
        ``HeldOut.scores``: columns ``subject``, ``group`` (``"case"`` or ``"control"``), ``method``, ``score``.
    draws
        Bootstraps; subjects are drawn within cases only, controls only and both, with all their samples.
    seed
        Seed of the draws; every method gets the same ones.

    Returns
    -------
    Columns ``method``, ``auc``, ``low``, ``high`` (percentiles 2.5 and 97.5), in order of first appearance.

    Examples
    --------
    >>> import pandas as pd
    >>> table = {"subject": list("abcd"), "group": ["case"] * 2 + ["control"] * 2, "method": "m"}
    >>> auc_interval(pd.DataFrame({**table, "score": [3.0, 2.0, 1.0, 0.0]}))["auc"].tolist()
    [1.0]
    """
    rows = []
    for method, table in scores.groupby("method", sort=False):
        case_n = (table["group"] == "case").to_numpy()
        position_n = numbered(table["subject"])[1]
        contrast = Contrast(case_n, ~case_n, position_n, str(method))
        score_n = table["score"].to_numpy()
        auc = weighted_auc(score_n, contrast, contrast.weight_n())
        count_bs = bootstrap_counts(contrast, draws=draws, seed=seed)
        null_b = [weighted_auc(score_n, contrast, weights_under(contrast, count_s)) for count_s in count_bs]
        low, high = np.quantile(null_b, TAILS)
        rows.append({"method": method, "auc": auc, "low": low, "high": high})
    return pd.DataFrame(rows)


def r2_interval(r2_by_subject: pd.DataFrame, *, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Held-out R² of each model, and its difference between each two, with 95% intervals.

    Parameters
    ----------
    r2_by_subject
        ``HeldOut.r2_by_subject``: columns ``subject``, ``model``, ``sse``, ``sst``.
    draws, seed
        Bootstraps of subjects; the same for every model, so that differences are paired.

    Returns
    -------
    Columns ``model``, ``versus`` (empty for the R² itself, else the model taken off), ``r2``, ``low``, ``high``.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"subject": ["a", "b"], "model": "pca", "sse": [1.0, 1.0], "sst": [4.0, 4.0]})
    >>> r2_interval(table)["r2"].tolist()
    [0.75]
    """
    models = list(r2_by_subject["model"].unique())
    wide = r2_by_subject.pivot_table(index="subject", columns="model", values=["sse", "sst"], aggfunc="sum")
    subjects = len(wide)
    rng = np.random.default_rng(seed)
    count_bs = rng.multinomial(subjects, np.full(subjects, 1 / subjects), size=draws)
    # Row 0 is the data themselves.
    count_bs = np.vstack([np.ones((1, subjects), dtype=np.int64), count_bs])
    r2 = {m: 1 - (count_bs @ wide["sse"][m].to_numpy()) / (count_bs @ wide["sst"][m].to_numpy()) for m in models}
    values = {(m, ""): r2[m] for m in models} | {(m, v): r2[m] - r2[v] for m, v in combinations(models, 2)}
    rows = []
    for (model, versus), value_b in values.items():
        low, high = np.quantile(value_b[1:], TAILS)
        rows.append({"model": model, "versus": versus, "r2": value_b[0], "low": low, "high": high})
    return pd.DataFrame(rows)


def median_interval(value_n: np.ndarray, *, level: float = 0.95) -> tuple[float, float]:
    """Two of the values between which the median lies with at least this chance, whatever the distribution.

    As many values are left outside on each side as keep both tails of the sign test within the level; where even the
    smallest and largest do not, as for five values and 95%, these are given.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight.stats.intervals import median_interval
    >>> median_interval(np.arange(1.0, 11.0))
    (2.0, 9.0)
    """
    ordered = np.sort(value_n)
    below = np.arange(len(ordered))
    outside = max(int((binom.cdf(below, len(ordered), 0.5) <= (1 - level) / 2).sum()) - 1, 0)
    return float(ordered[outside]), float(ordered[-1 - outside])
