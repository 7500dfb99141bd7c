"""What a node's activity goes with: every column of ``obs``, tested with the subject as the unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ..nouns.contrast import persons
from ..stats.subjects import numbered

COLUMNS = ("column", "test", "units", "effect", "highest", "p", "q")
LEAST_UNITS = 5
LEAST_PER_LEVEL = 3
MOST_NAMED_LEVELS = 12


@dataclass(frozen=True)
class _Found:
    test: str
    units: int
    effect: float
    p: float
    highest: str = ""


def associations(code_n: np.ndarray, obs: pd.DataFrame, *, subject: str | None = None) -> pd.DataFrame:
    """Test a node's code against every column of ``obs``.

    A number is tested by Spearman's correlation, a category by Kruskal and Wallis' test, on the subjects' means.
    Where a column changes within subjects (more than half of a number's variance is there, or more than half of the
    subjects have several levels), subjects' means would hide it: a number is then correlated within each subject and
    the correlations are tested by Wilcoxon's signed-rank test, a category by Friedman's test on the subjects that
    have every level (Wilcoxon's for two levels).

    Parameters
    ----------
    code_n
        The node's code in each sample.
    obs
        Sample table.
    subject
        Column that says whose sample it is, not tested itself; each sample is its own subject without it.

    Returns
    -------
    One row per column that can be tested, smallest p first: ``column``; ``test``; ``units``, subjects that entered;
    ``effect`` (Spearman's rho or its mean over subjects; epsilon squared after Kruskal and Wallis; Kendall's W after
    Friedman; the matched rank-biserial correlation in size after Wilcoxon); ``highest``, the level with the highest
    mean; ``p``; ``q``, Benjamini-Hochberg over these rows. Left out: dates, columns without variation, levels that
    fewer than three subjects have (and so names and other identifiers).

    Raises
    ------
    UnknownNameError
        If there is no column `subject`.
    InputError
        If subjects are missing.
    """
    position_n = np.arange(len(code_n))
    if subject is not None:
        position_n = numbered(persons(obs, subject))[1]
    rows = []
    for name in [column for column in obs.columns if column != subject]:
        found = _column(code_n, obs[name], position_n) if np.ptp(code_n) > 0 else None
        if found is not None and np.isfinite(found.p):
            rows.append({"column": str(name), **vars(found)})
    table = pd.DataFrame(rows, columns=[c for c in COLUMNS if c != "q"])
    table["q"] = stats.false_discovery_control(table["p"]) if len(table) else pd.Series(dtype=float)
    return table[list(COLUMNS)].sort_values("p", kind="stable", ignore_index=True)


def _column(code_n: np.ndarray, values: pd.Series, position_n: np.ndarray) -> _Found | None:
    there = values.notna().to_numpy()
    table = pd.DataFrame({"unit": position_n[there], "code": code_n[there], "value": values.to_numpy()[there]})
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if pd.api.types.is_datetime64_any_dtype(values) or not len(table):
        return None
    if is_number and table["value"].nunique() > 2:
        return _number(table.astype({"value": float}))
    return _category(table.astype({"value": str}))


def _number(table: pd.DataFrame) -> _Found | None:
    means = table.groupby("unit").mean()
    within = table["value"] - table.groupby("unit")["value"].transform("mean")
    if (within**2).sum() > 0.5 * ((table["value"] - table["value"].mean()) ** 2).sum():
        return _number_within(table)
    if len(means) < LEAST_UNITS or (means.nunique() < 2).any():
        return None
    rho, p = stats.spearmanr(means["value"], means["code"])
    return _Found("Spearman", len(means), float(rho), float(p))


def _number_within(table: pd.DataFrame) -> _Found | None:
    several = (part for _, part in table.groupby("unit") if len(part) >= 3)
    parts = [part for part in several if np.ptp(part["value"]) > 0 and np.ptp(part["code"]) > 0]
    rho_s = np.array([stats.spearmanr(part["value"], part["code"]).statistic for part in parts])
    if len(rho_s) < LEAST_UNITS:
        return None
    return _Found("Spearman within subjects", len(rho_s), float(rho_s.mean()), _signed_rank(rho_s)[1])


def _category(table: pd.DataFrame) -> _Found | None:
    units = table.groupby("value")["unit"].nunique()
    table = table[table["value"].isin(units.index[units >= LEAST_PER_LEVEL])]
    means = table.groupby(["unit", "value"])["code"].mean().unstack()  # noqa: PD010 - one value a cell by now
    if means.shape[1] < 2:
        return None
    several_s = means.notna().sum(axis=1) > 1
    if several_s.mean() > 0.5:
        return _category_within(means.dropna())
    single = means[~several_s]
    groups = {str(level): single[level].dropna().to_numpy() for level in single}
    groups = {level: codes for level, codes in groups.items() if len(codes) >= LEAST_PER_LEVEL}
    if len(groups) < 2:
        return None
    h, p = stats.kruskal(*groups.values())
    units_used = sum(map(len, groups.values()))
    highest = max(groups, key=lambda level: float(groups[level].mean()))
    return _Found("Kruskal-Wallis", units_used, float(h / (units_used - 1)), float(p), _named(highest, len(groups)))


def _category_within(means: pd.DataFrame) -> _Found | None:
    n, levels = means.shape
    if n < LEAST_UNITS:
        return None
    highest = _named(str(means.mean().idxmax()), levels)
    if levels == 2:
        effect, p = _signed_rank((means.iloc[:, 0] - means.iloc[:, 1]).to_numpy())
        return _Found("Wilcoxon within subjects", n, abs(effect), p, highest)
    chi2, p = stats.friedmanchisquare(*means.to_numpy().T)
    return _Found("Friedman within subjects", n, float(chi2 / (n * (levels - 1))), float(p), highest)


def _signed_rank(difference_s: np.ndarray) -> tuple[float, float]:
    """Matched rank-biserial correlation and two-sided p."""
    moved_s = difference_s[difference_s != 0]
    if not len(moved_s):
        return 0.0, 1.0
    rank_s = stats.rankdata(np.abs(moved_s))
    effect = float((np.sign(moved_s) * rank_s).sum() / rank_s.sum())
    method = "exact" if len(moved_s) <= 50 and len(np.unique(np.abs(moved_s))) == len(moved_s) else "asymptotic"
    return effect, float(stats.wilcoxon(moved_s, method=method).pvalue)


def _named(level: str, levels: int) -> str:
    return level if levels <= MOST_NAMED_LEVELS else ""
