"""What goes with patient groups: the model's programmes, and every column of the sample table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..stats.folds import parts, spread_folds

COLUMNS = ("kind", "name", "test", "effect", "highest", "p", "q")
LEAST_PER_GROUP = 3
MOST_LEVELS = 20
FOLDS = 5


def describe(
    h_sk: np.ndarray, layer: str, obs: pd.DataFrame, *, position_n: np.ndarray, group_s: np.ndarray, subject: str | None
) -> pd.DataFrame:
    """Programmes by how much of their variance lies between groups, columns by their tests; empty without groups.

    Groups were made from the programmes, so a p for these would say nothing and is NaN. A number's test is Kruskal and
    Wallis' on subjects' means, a category's the chi-squared test on subjects' most frequent level; ``effect`` is
    epsilon squared or Cramér's V, ``q`` Benjamini-Hochberg over the columns.
    """
    if len(set(group_s)) < 2:
        return pd.DataFrame({c: pd.Series(dtype=object if c in COLUMNS[:3] else float) for c in COLUMNS})
    rows = [_programme(h_sk[:, k], f"{layer}.{k}", group_s) for k in range(h_sk.shape[1])]
    rows.sort(key=lambda row: -row["effect"])
    columns = []
    for name in obs.columns:
        found = None if name == subject else _column(per_subject(obs[name], position_n), str(name), group_s)
        if found is not None:
            columns.append(found)
    table = pd.DataFrame(rows + sorted(columns, key=lambda row: row["p"]))
    table["q"] = np.nan
    tested = table["p"].notna()
    if tested.any():
        table.loc[tested, "q"] = stats.false_discovery_control(table.loc[tested, "p"])
    return table[list(COLUMNS)]


def explained(
    obs: pd.DataFrame, columns: Sequence[str], *, position_n: np.ndarray, group_s: np.ndarray, seed: int
) -> float | None:
    """How well some columns alone tell the groups of held-out subjects: 0 at chance, 1 if wholly; None if not asked."""
    count = np.unique(group_s, return_counts=True)[1]
    if not columns or len(count) < 2:
        return None
    table = pd.DataFrame({name: per_subject(obs[name], position_n) for name in columns})
    numbers = pd.get_dummies(table, dtype=float)
    numbers = numbers.fillna(numbers.median()).fillna(0.0)
    learner = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    folds = parts(spread_folds(group_s.astype(str), folds=min(FOLDS, int(count.min())), seed=seed))
    told_s = cross_val_predict(learner, numbers.to_numpy(), group_s.astype(str), cv=folds)
    chance = 1.0 / len(count)
    return float((balanced_accuracy_score(group_s.astype(str), told_s) - chance) / (1 - chance))


def per_subject(values: pd.Series, position_n: np.ndarray) -> pd.Series:
    """A subject's mean of a number, its most frequent level of a category."""
    grouped = pd.Series(values.to_numpy()).groupby(position_n)
    if is_number(values):
        return grouped.mean()
    return grouped.agg(lambda part: part.dropna().mode().iloc[0] if part.notna().any() else None)


def is_number(values: pd.Series) -> bool:
    """Whether a column is an amount; yes and no are classes."""
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _programme(code_s: np.ndarray, name: str, group_s: np.ndarray) -> dict[str, Any]:
    frame = pd.Series(code_s).groupby(group_s)
    total = float(((code_s - code_s.mean()) ** 2).sum())
    between = float((frame.size() * (frame.mean() - code_s.mean()) ** 2).sum())
    share = between / total if total > 0 else 0.0
    highest = frame.mean().idxmax()
    return {"kind": "programme", "name": name, "test": "", "effect": share, "highest": highest, "p": np.nan}


def _column(value_s: pd.Series, name: str, group_s: np.ndarray) -> dict[str, Any] | None:
    there = value_s.notna().to_numpy()
    value_s, group_s = value_s[there], group_s[there]
    if value_s.nunique() < 2:
        return None
    if is_number(value_s) and value_s.nunique() > 2:
        parts = {g: value_s[group_s == g].to_numpy(float) for g in np.unique(group_s)}
        parts = {g: v for g, v in parts.items() if len(v) >= LEAST_PER_GROUP}
        if len(parts) < 2:
            return None
        test = "Kruskal-Wallis"
        h, p = stats.kruskal(*parts.values())
        effect = float(h / (sum(map(len, parts.values())) - 1))
        highest = max(parts, key=lambda g: float(np.median(parts[g])))
    else:
        counts = pd.crosstab(group_s, value_s.astype(str).to_numpy())
        if counts.shape[0] < 2 or not 2 <= counts.shape[1] <= MOST_LEVELS:
            return None
        test, found = "chi-squared", stats.chi2_contingency(counts, correction=False)
        p = found.pvalue
        effect = float(np.sqrt(found.statistic / (counts.to_numpy().sum() * (min(counts.shape) - 1))))
        share = counts.div(counts.sum(axis=1), axis=0)
        level = str(counts.sum().idxmin()) if counts.shape[1] == 2 else str((share.max() - share.min()).idxmax())
        highest = f"{level}: {share[level].idxmax()}"
    return {"kind": "column", "name": name, "test": test, "effect": effect, "highest": highest, "p": p}
