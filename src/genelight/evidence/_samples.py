"""What is known of samples, made ready to be shuffled: labels, and who may change places with whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .._core.printed import Card, Printed, leading
from ..errors import InputError, UnknownNameError
from ..nouns.contrast import persons
from ..stats.subjects import by_appearance, count_subjects, numbered, rows_of_subjects, shuffled_within

LEAST_SUBJECTS = 3
MOST_CLASSES = 100


@dataclass(frozen=True, repr=False)
class Samples(Printed):
    """The samples behind codes, and which columns of ``obs`` say what.

    Parameters
    ----------
    obs
        One row per sample, in the order of the codes.
    labels
        Columns that layers should know of: disease, tissue, cell type, severity. Text is a set of classes, numbers
        are an amount.
    batch
        Columns that layers should not know of: study, plate, centre.
    subject
        Column that says whose sample it is; without it every sample is a subject of its own.

    Raises
    ------
    UnknownNameError
        If there is no such column.
    InputError
        If subjects are missing.

    Examples
    --------
    >>> import genelight as gl
    >>> samples = gl.evidence.Samples(gl.demo.cohort().obs, labels=["condition", "hours"], subject="subject")
    >>> len(samples.obs), samples.labels
    (252, ['condition', 'hours'])
    """

    obs: pd.DataFrame
    labels: Sequence[str] = ()
    batch: Sequence[str] = ()
    subject: str | None = None
    subject_n: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for role, columns in (("label", self.labels), ("batch", self.batch)):
            for column in columns:
                if column not in self.obs:
                    raise UnknownNameError(f"{role} column", column, self.obs.columns, where="obs")
        alone = self.subject is None
        subject_n = np.arange(len(self.obs)) if alone else by_appearance(persons(self.obs, self.subject))
        object.__setattr__(self, "subject_n", subject_n)

    def _card(self) -> Card:
        whose = "a subject each" if self.subject is None else f"{count_subjects(self.subject_n):,} in {self.subject}"
        return f"{len(self.obs):,} samples", [
            ("labels", leading(self.labels)),
            ("batch", leading(self.batch)),
            ("subjects", whose),
        ]

    def batch_n(self, column: str) -> np.ndarray:
        """Which batch each sample is of, for shuffling `column`: one number for every combination of batches."""
        others = [c for c in self.batch if c != column]
        if column in self.batch or not others:
            return np.zeros(len(self.obs), dtype=np.int64)
        return np.asarray(self.obs[others].astype(str).groupby(others, sort=True).ngroup())


@dataclass(frozen=True)
class Target:
    """One column of ``obs``, and the same with its values shuffled.

    Attributes
    ----------
    column
        Its name.
    used_n
        Samples with a value, boolean.
    value_rn
        Values of these samples: whole numbers for classes, standardized for amounts. Row 0 as observed, the
        others shuffled.
    classes
        Names of the classes; none for an amount.
    subject_n
        Subject of each of these samples.
    shuffled
        What changed places: ``"subjects"``, or ``"samples within subjects"``.
    dropped
        Samples left out: without a value, or of a class with fewer than three subjects.
    """

    column: str
    used_n: np.ndarray
    value_rn: np.ndarray
    classes: tuple[str, ...]
    subject_n: np.ndarray
    shuffled: str
    dropped: int

    @property
    def inside_rnc(self) -> np.ndarray:
        """1 where a sample is of a class, for every shuffle, float32, shape ``(r, n, c)``."""
        return np.eye(len(self.classes), dtype=np.float32)[self.value_rn]


def target_of(samples: Samples, column: str, *, draws: int, seed: int) -> Target:
    """Read a column, and shuffle it as its samples could have changed places.

    A value that is the same in all samples of a subject moves with the subject; one that changes within subjects
    is shuffled within them. Either way it stays within its batch, so that a layer which only knows the batch gains
    nothing.

    Raises
    ------
    InputError
        If fewer than two classes have three subjects, there are more than 100, or an amount never changes.
    """
    values = samples.obs[column]
    amount = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    used_n = values.notna().to_numpy()
    classes: tuple[str, ...] = ()
    if amount:
        value_n = _standardised(values[used_n], column)
    else:
        used_n &= _common(values, samples.subject_n, known_n=used_n, column=column)
        value_n, names = pd.factorize(values[used_n].astype(str), sort=True)
        classes = tuple(names)
    subject_n, batch_n = samples.subject_n[used_n], samples.batch_n(column)[used_n]
    rng = np.random.default_rng(seed)
    first, inverse = [rows[0] for rows in rows_of_subjects(subject_n)], numbered(subject_n)[1]
    if (value_n[first][inverse] == value_n).all():
        # A subject of several batches counts with its first.
        how, drawn_rn = "subjects", shuffled_within(value_n[first], batch_n[first], draws=draws, rng=rng)[:, inverse]
    else:
        block_n = subject_n * (int(batch_n.max()) + 1) + batch_n
        how, drawn_rn = "samples within subjects", shuffled_within(value_n, block_n, draws=draws, rng=rng)
    value_rn = np.concatenate([value_n[None], drawn_rn])
    return Target(column, used_n, value_rn, classes, subject_n, how, int((~used_n).sum()))


def _common(values: pd.Series, subject_n: np.ndarray, *, known_n: np.ndarray, column: str) -> np.ndarray:
    """Samples of the classes that have three subjects."""
    text = values.astype(str).to_numpy()
    subjects = pd.DataFrame({"class": text[known_n], "subject": subject_n[known_n]}).groupby("class")["subject"]
    count = subjects.nunique()
    kept = count.index[count >= LEAST_SUBJECTS]
    if not 2 <= len(kept) <= MOST_CLASSES:
        msg = (
            f"column {column!r} has {len(count)} classes, {len(kept)} of them with {LEAST_SUBJECTS} subjects or more; "
            f"2 to {MOST_CLASSES} are needed: merge classes, or leave the column out"
        )
        raise InputError(msg)
    return np.isin(text, kept)


def _standardised(values: pd.Series, column: str) -> np.ndarray:
    value_n = values.to_numpy(np.float64)
    sd = value_n.std()
    if not np.isfinite(sd) or sd == 0:
        msg = f"column {column!r} has no two different numbers; leave it out"
        raise InputError(msg)
    return (value_n - value_n.mean()) / sd
