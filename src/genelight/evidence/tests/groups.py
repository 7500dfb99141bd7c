"""What the codes of a layer know of the samples: labels that matter, and batches that should not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..._core.checks import check_positive
from ..._core.progress import progress
from ...errors import InputError
from ...nouns import Evidence
from ...stats.pvalues import adjust, empirical_p
from ...stats.subjects import count_subjects
from .._measures import MEASURES, Codes
from .._samples import Samples, Target, target_of

__all__ = ["groups"]


def groups(
    codes: Mapping[str, np.ndarray], samples: Samples, *, draws: int = 200, every_column: bool = False, seed: int = 0
) -> Evidence:
    """Measure how well codes tell samples apart by what is known of them, against shuffled labels.

    Runs every registered measure on every label and batch column. Shuffles respect subjects and batches:
    values move with whole subjects where they belong to a subject, within subjects otherwise, and never from one
    batch to another (batch columns themselves move freely).

    Parameters
    ----------
    codes
        Codes by name, ``"autoencoder L1"``, shape ``(n, k)`` each.
    samples
        What is known of the samples, see :class:`Samples`.
    draws
        Shuffles.
    every_column
        Measure the variance that every other column of ``obs`` explains as well.
    seed
        Seed of shuffles and folds.

    Returns
    -------
    Evidence: ``tested`` the name of the codes, ``test`` the measure, ``reference`` the column as ``"obs: disease"``,
    ``n`` samples, ``effect`` the statistic in standard deviations of the shuffles. q is adjusted over all codes and
    columns of one measure.

    Raises
    ------
    InputError
        If codes do not have one finite row per sample, or a column cannot be measured; says why.
    UnknownNameError
        If there is no such column.

    Notes
    -----
    Cost: one distance matrix per layer, then matrix products: O(n² · classes · draws) for the silhouette.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from genelight.evidence import Samples, groups
    >>> rng = np.random.default_rng(0)
    >>> tissue = np.repeat(["blood", "brain"], 20)
    >>> h_nk = rng.normal(size=(40, 3)) + 3 * (tissue == "blood")[:, None]
    >>> found = groups({"toy L1": h_nk}, Samples(pd.DataFrame({"tissue": tissue}), labels=["tissue"]), draws=99)
    >>> found.table.loc[found.table["test"] == "probe", ["statistic", "p"]].values.round(2).tolist()
    [[1.0, 0.01]]
    """
    check_positive(draws=draws)
    for name, h_nk in codes.items():
        _check_codes(name, h_nk, len(samples.obs))
    named = list(dict.fromkeys([*samples.labels, *samples.batch]))
    targets = {column: target_of(samples, column, draws=draws, seed=seed) for column in named}
    others = _others(samples, named, draws=draws, seed=seed) if every_column else {}
    rows = []
    with progress("what codes know", len(codes)) as step:
        for name, h_nk in codes.items():
            for column, target in (targets | others).items():
                measures = ["variance"] if column in others else list(MEASURES)
                rows += [_row(name, h_nk, target, measure=m, seed=seed) for m in measures]
            step(name)
    table = pd.DataFrame([row for row in rows if row])
    if len(table):
        table["q"] = table.groupby("test")["p"].transform(lambda p: adjust(p.to_numpy()))
    about = {
        "samples": len(samples.obs),
        "subjects": count_subjects(samples.subject_n),
        "batch columns": list(samples.batch),
        "shuffled": {c: t.shuffled for c, t in (targets | others).items()},
        "samples left out": {c: t.dropped for c, t in (targets | others).items() if t.dropped},
    }
    return Evidence(table, {"groups": about}) if len(table) else Evidence.join([])


def _others(samples: Samples, named: list[str], *, draws: int, seed: int) -> dict[str, Target]:
    """Other columns that groups of samples can be made of: two classes or numbers, not one class per sample."""
    found = {}
    for label in samples.obs:
        column, values = str(label), samples.obs[label].dropna()
        distinct, numeric = values.nunique(), pd.api.types.is_numeric_dtype(values)
        usable = distinct > 1 and (numeric or distinct <= min(50, len(values) // 2))
        if not usable or column in named or column == samples.subject:
            continue
        try:
            found[column] = target_of(samples, column, draws=draws, seed=seed)
        except InputError:
            continue
    return found


def _check_codes(name: str, h_nk: np.ndarray, samples: int) -> None:
    if h_nk.ndim != 2 or len(h_nk) != samples:
        msg = f"codes of {name} have shape {h_nk.shape}, but obs has {samples} samples; pass one row for each, in order"
        raise InputError(msg)
    bad = int((~np.isfinite(h_nk)).any(0).sum())
    if bad:
        msg = f"{bad} of {h_nk.shape[1]} nodes of {name} have NaN or infinite codes"
        raise InputError(msg)


def _row(name: str, h_nk: np.ndarray, target: Target, *, measure: str, seed: int) -> dict[str, object]:
    codes = Codes(np.asarray(h_nk, dtype=np.float32)[target.used_n], target.subject_n, seed)
    value_r = MEASURES[measure](codes, target)
    if value_r is None:
        return {}
    null_r = value_r[1:]
    mean, sd = float(null_r.mean()), float(null_r.std(ddof=1)) if len(null_r) > 1 else 0.0
    return {
        "tested": name,
        "test": measure,
        "reference": f"obs: {target.column}",
        "n": len(codes.h_nk),
        "statistic": float(value_r[0]),
        "effect": (value_r[0] - mean) / sd if sd > 0 else np.nan,
        "null_mean": mean,
        "null_sd": sd,
        "p": float(empirical_p(value_r[:1], null_r[:, None], sign=1)[0]),
        "q": np.nan,
        "draws": len(null_r),
        "seed": seed,
    }
