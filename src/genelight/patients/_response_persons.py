"""Whose biopsies they are: several of a patient are averaged, and one that is there twice is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from .._core.checks import check_column
from ..errors import InputError, first_three
from ..stats.subjects import rows_of_subjects
from ._response_asked import Question

__all__ = ["averaged", "check_twins", "persons_question", "rows_of_patients", "twins"]

TWINS, LEAST_GENES = 0.9999, 100
PERSONS = ("patient", "subject", "patient_id", "subject_id", "individual", "donor", "patientid", "subjectid")


def persons_question(tables: Mapping[str, pd.DataFrame]) -> Question | None:
    """What has to be said where a column that is called after patients repeats in a cohort, None where none does."""
    repeated: dict[str, dict[str, pd.Series]] = {}
    for name, obs in tables.items():
        lower = {str(column).casefold().replace(" ", "_"): column for column in obs}
        for column in (lower[person] for person in PERSONS if person in lower):
            values = obs[column].dropna().astype(str)
            if values.duplicated().any():
                repeated.setdefault(str(column), {})[name] = values
    if not repeated:
        return None
    column, parts = max(repeated.items(), key=lambda item: sum(map(len, item[1].values())))
    found = (
        f"cohort {first_three(map(repr, parts))}: {sum(map(len, parts.values()))} biopsies are of "
        f"{sum(values.nunique() for values in parts.values())} patients by the column {column!r}"
    )
    return Question(found, "subject", column, how="a patient's biopsies are averaged")


def rows_of_patients(name: str, obs: pd.DataFrame, *, y_n: np.ndarray, subject: str | None) -> list[np.ndarray]:
    """Rows of each patient; without a column of patients each biopsy is one.

    Raises
    ------
    InputError
        If a patient's biopsies differ in response.
    """
    if subject is None:
        return [np.array([row]) for row in range(len(obs))]
    subject_n = np.asarray(check_column(obs, subject, role="subject").astype(str), dtype=object)
    rows_s = rows_of_subjects(subject_n) if len(obs) else []
    torn = [str(subject_n[rows[0]]) for rows in rows_s if np.ptp(y_n[rows]) > 0]
    if torn:
        msg = (
            f"cohort {name!r}: {len(torn)} patients have biopsies with different responses ({first_three(torn)}); "
            "correct the sheet, or keep one biopsy of each: --drop, or before=..."
        )
        raise InputError(msg)
    return rows_s


def averaged(adata: AnnData, rows_s: Sequence[np.ndarray]) -> AnnData:
    """One row a patient: the mean of the biopsies, under the name of the first."""
    first = np.array([rows[0] for rows in rows_s], dtype=np.int64)
    if all(len(rows) == 1 for rows in rows_s):
        return adata[first].copy()
    x_ng = adata.X.toarray() if sparse.issparse(adata.X) else np.asarray(adata.X)
    mean_sg = np.stack([np.asarray(x_ng[rows], dtype=np.float64).mean(0) for rows in rows_s])
    return AnnData(mean_sg.astype(np.float32), obs=adata.obs.iloc[first].copy(), var=adata.var.copy())


def twins(x_ng: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows that are the same biopsy; none where there are too few genes to tell."""
    if x_ng.shape[1] < LEAST_GENES or len(x_ng) < 2:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    first, other = np.nonzero(np.triu(np.corrcoef(x_ng) > TWINS, 1))
    return first, other


def check_twins(x_ng: np.ndarray, cohort_n: np.ndarray, named_n: np.ndarray) -> None:
    """Stop where a biopsy is there twice, in one cohort or in two.

    Raises
    ------
    InputError
        If so.
    """
    first, other = twins(x_ng)
    across = cohort_n[first] != cohort_n[other]
    for where, twin in (("twice in one cohort", ~across), ("in two cohorts at once", across)):
        if twin.any():
            msg = (
                f"{int(twin.sum())} biopsies are {where}, the first {named_n[first[twin][0]]} and "
                f"{named_n[other[twin][0]]}; keep one of each: --drop; a patient counts once, and a cohort that shares "
                "patients with another is not left out"
            )
            raise InputError(msg)
