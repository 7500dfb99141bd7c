"""Cases against controls, with the subject as the unit of independence."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .._core.checks import check_column, check_filled, select_samples
from .._core.printed import Card, Printed
from ..errors import InputError, first_three
from .confounding import check_batches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from anndata import AnnData

__all__ = ["Contrast", "Until", "check_contrast", "measure_of", "persons"]

LEAST_SUBJECTS = 3
MOST_CLASSES = 4


@dataclass(frozen=True, repr=False)
class Contrast(Printed):
    """Which samples are cases, which controls, and whose they are.

    Samples of one subject are never independent: they share a fold, a bootstrap draw and one unit of weight.

    Attributes
    ----------
    case_n, control_n
        Boolean, shape ``(n,)``; never both true.
    subject_n
        Subject of each sample as text, shape ``(n,)``.
    name
        The contrast in words.
    covariate_nc
        What is adjusted for, one column each (classes as several), shape ``(n, c)``; None without.
    """

    case_n: np.ndarray
    control_n: np.ndarray
    subject_n: np.ndarray
    name: str
    covariate_nc: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        obs: pd.DataFrame,
        *,
        case: str,
        control: str,
        subject: str | None,
        subject_pattern: str | None = None,
        covariates: Sequence[str] = (),
    ) -> Contrast:
        """Build and check a contrast from two expressions over ``obs``.

        Parameters
        ----------
        obs
            Sample table.
        case, control
            Expressions, see :func:`genelight._core.checks.select_samples`.
        subject
            Column that says whose sample it is; without it every sample counts as a subject of its own.
        subject_pattern
            Regular expression whose first group is the part of that column that names the person: of titles such as
            ``P28V2`` (patient and visit), ``"(.+)V[0-9]+$"``.
        covariates
            Columns to adjust for: age, sex, batch, cell percentages. Numbers are taken as quantities, anything else
            as classes; a batch that is a number must be made text. Of cell percentages name all that were counted: the
            rise of one is the fall of others.

        Raises
        ------
        UnknownNameError
            If a column does not exist.
        InputError
            If a query selects nothing, cases and controls overlap, a group has fewer than three subjects, a column
            that is called a batch (or plate, site, study, ...) has no level with both groups, or a covariate is
            missing for a sample or tells cases from controls completely, so that nothing could tell its effect from
            the disease's.
        """
        case_n = select_samples(obs, case, role="case")
        control_n = select_samples(obs, control, role="control")
        both = int((case_n & control_n).sum())
        if both:
            msg = (
                f"{both} of {len(obs)} samples are case ({case}) and control ({control}) at once; "
                "make the two queries exclude each other"
            )
            raise InputError(msg)
        # Asked of all columns at once, so that one answer does for all.
        used = obs[case_n | control_n]
        check_filled((obs, subject, "subject"), *((used, name, "covariate") for name in covariates))
        subject_n = persons(obs, subject, subject_pattern)
        for role, query, mask in (("case", case, case_n), ("control", control, control_n)):
            subjects = len(np.unique(subject_n[mask]))
            if subjects < LEAST_SUBJECTS:
                msg = (
                    f"the {role} group has {int(mask.sum())} samples of {subjects} subjects, at least "
                    f"{LEAST_SUBJECTS} subjects are needed; widen {role} = {query!r}"
                )
                raise InputError(msg)
        check_batches(obs, case_n=case_n, control_n=control_n, subject_n=subject_n, asked=f"{case} {control}")
        name = f"{case} against {control}" + (f", adjusted for {', '.join(covariates)}" if covariates else "")
        covariate_nc = _covariates(obs, covariates, case_n=case_n, used_n=case_n | control_n) if covariates else None
        return cls(case_n, control_n, subject_n, name, covariate_nc)

    @classmethod
    def several(
        cls,
        obs: pd.DataFrame,
        *,
        case: Mapping[str, str] | str,
        control: str,
        subject: str | None,
        subject_pattern: str | None = None,
        covariates: Sequence[str] = (),
    ) -> dict[str, Contrast]:
        """Several diseases against the same controls, by name of the disease.

        Parameters
        ----------
        obs, control, subject, subject_pattern, covariates
            As in :meth:`of`.
        case
            A query by name of each disease; a sample may have more than one of them. Or a column that names the
            disease: every level of it that is not a control's is one, missing values are none.

        Raises
        ------
        UnknownNameError
            If a column does not exist.
        InputError
            If there are fewer than two diseases, or one of them makes no contrast, see :meth:`of`.

        Examples
        --------
        >>> import pandas as pd
        >>> obs = pd.DataFrame({"disease": ["lupus"] * 5 + ["flu"] * 5 + ["none"] * 5})
        >>> found = Contrast.several(obs, case="disease", control='disease == "none"', subject=None)
        >>> {name: int(contrast.case_n.sum()) for name, contrast in found.items()}
        {'flu': 5, 'lupus': 5}
        """
        queries = _level_queries(obs, case, control) if isinstance(case, str) else dict(case)
        if len(queries) < 2:
            msg = f"{len(queries)} disease ({first_three(list(queries))}) is no case of several; use Contrast.of"
            raise InputError(msg)
        made = {
            name: cls.of(
                obs,
                case=query,
                control=control,
                subject=subject,
                subject_pattern=subject_pattern,
                covariates=covariates,
            )
            for name, query in queries.items()
        }
        if not covariates:
            return made
        # In one head a covariate is one quantity for all: scaled over every sample that enters.
        used_n = np.asarray(np.any([contrast.used_n for contrast in made.values()], axis=0))
        used = obs.loc[used_n]
        joined_nc = _spread(_independent(np.hstack([_columns(used, name) for name in covariates])), used_n)
        return {name: replace(contrast, covariate_nc=joined_nc) for name, contrast in made.items()}

    def _card(self) -> Card:
        sides = {"cases": self.case_n, "controls": self.control_n}
        whose = {side: set(self.subject_n[mask]) for side, mask in sides.items()}
        both, left = len(whose["cases"] & whose["controls"]), int((~self.used_n).sum())
        return f"contrast of {self.name}", [
            *((side, f"{mask.sum():,} samples of {len(whose[side]):,} subjects") for side, mask in sides.items()),
            ("paired", f"{both:,} subjects are in both" if both else ""),
            ("not in it", f"{left:,} samples" if left else ""),
            ("adjusted for", "" if self.covariate_nc is None else f"{self.covariate_nc.shape[1]} columns"),
        ]

    @property
    def used_n(self) -> np.ndarray:
        """Samples in either group, boolean, shape ``(n,)``."""
        return self.case_n | self.control_n

    def take(self, keep_n: np.ndarray) -> Contrast:
        """The same contrast on some of the samples (a mask or positions); group sizes are not checked again."""
        covariate_nc = None if self.covariate_nc is None else self.covariate_nc[keep_n]
        return Contrast(self.case_n[keep_n], self.control_n[keep_n], self.subject_n[keep_n], self.name, covariate_nc)

    def weight_n(self) -> np.ndarray:
        """Weights that give every subject the same say within its group; each group sums to one.

        Examples
        --------
        >>> import numpy as np
        >>> from genelight import Contrast
        >>> case = np.array([True, True, True, False])
        >>> Contrast(case, ~case, np.array(["a", "a", "b", "c"]), "").weight_n()
        array([0.25, 0.25, 0.5 , 1.  ])
        """
        return self._weight_n.copy()

    @cached_property
    def _weight_n(self) -> np.ndarray:
        weight = np.zeros(len(self.subject_n))
        for mask in (self.case_n, self.control_n):
            _, inverse, counts = np.unique(self.subject_n[mask], return_inverse=True, return_counts=True)
            weight[mask] = 1.0 / (counts[inverse] * len(counts))
        return weight


@dataclass(frozen=True)
class Until:
    """Time to an event, as two columns of ``obs``.

    Attributes
    ----------
    time
        Column of numbers: from the sample to the event, or to the end of observation.
    event
        Column of 1 where the event came, 0 where observation ended before it.
    """

    time: str
    event: str

    @property
    def name(self) -> str:
        """In words, as :func:`measure_of` reads them."""
        return f"{self.time} until {self.event}"


def measure_of(obs: pd.DataFrame, text: str, *, subject: str | None) -> str | Contrast | Until:
    """A measure of severity as a study file or command line gives it.

    A column, ``QUERY against QUERY``, or ``TIME until EVENT``, these two being columns.

    Raises
    ------
    UnknownNameError
        If a query names a column that does not exist.
    InputError
        If the queries make no contrast, see :meth:`Contrast.of`.
    """
    case, against, control = text.partition(" against ")
    if against:
        return Contrast.of(obs, case=case, control=control, subject=subject)
    time, until, event = text.partition(" until ")
    return Until(time.strip(), event.strip()) if until and text not in obs else text


def persons(obs: pd.DataFrame, subject: str | None, pattern: str | None = None) -> np.ndarray:
    """Subject of each sample as text, shape ``(n,)``; without a column each sample is its own, by its name.

    Raises
    ------
    UnknownNameError
        If there is no such column.
    InputError
        If the pattern is no regular expression with a group, or does not fit every value.
    """
    if subject is None:
        return np.asarray(obs.index.astype(str), dtype=object)
    text = check_column(obs, subject, role="subject").astype(str)
    if pattern is None:
        return np.asarray(text, dtype=object)
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        msg = f"subject_pattern = {pattern!r} cannot be read ({error}); write for example '(.+)V[0-9]+$'"
        raise InputError(msg) from error
    if not groups:
        msg = f"subject_pattern = {pattern!r} has no group in brackets; write for example '(.+)V[0-9]+$'"
        raise InputError(msg)
    part = text.str.extract(pattern).iloc[:, 0]
    if part.isna().any():
        msg = (
            f"subject_pattern = {pattern!r} does not fit {int(part.isna().sum())} of {len(part)} values of {subject!r} "
            f"({first_three(text[part.isna()])}); change it so that its first group names the person in every value"
        )
        raise InputError(msg)
    return np.asarray(part, dtype=object)


def _covariates(obs: pd.DataFrame, names: Sequence[str], *, case_n: np.ndarray, used_n: np.ndarray) -> np.ndarray:
    """Columns to adjust for, redundant ones left out, zero outside the contrast, shape ``(n, c)``."""
    used = obs[used_n]
    parts = [_columns(used, name) for name in names]
    for name, part_nc in zip([*names, " and ".join(names)], [*parts, np.hstack(parts)], strict=True):
        if _explains(part_nc, case_n[used_n]):
            msg = (
                f"{name} tells all cases from all controls, so its effect cannot be told from the disease's: "
                f"a difference between the groups may be either. No adjustment mends this; compare samples that share "
                f"{name}, or leave it out of covariates and read the module as one of both"
            )
            raise InputError(msg)
    return _spread(_independent(np.hstack(parts)), used_n)


def _independent(column_nc: np.ndarray) -> np.ndarray:
    """Columns without those that others explain."""
    kept: list[int] = []
    for c in range(column_nc.shape[1]):
        if not _explains(column_nc[:, kept], column_nc[:, c]):
            kept.append(c)
    return column_nc[:, kept]


def _spread(column_uc: np.ndarray, used_n: np.ndarray) -> np.ndarray:
    """Columns over all samples, zero for those that are not used."""
    covariate_nc = np.zeros((len(used_n), column_uc.shape[1]))
    covariate_nc[used_n] = column_uc
    return covariate_nc


def _level_queries(obs: pd.DataFrame, column: str, control: str) -> dict[str, str]:
    """A query for every level of a column that controls do not have."""
    control_n = select_samples(obs, control, role="control")
    levels = check_column(obs, column, role="case").astype(object)
    theirs = set(levels[control_n].dropna())
    rest = {str(level): level for level in levels[~control_n].dropna().unique()}
    shared = [name for name, level in rest.items() if level in theirs]
    if shared:
        msg = (
            f"{column} is {first_three(shared)} in controls and in others, so it does not name the disease; "
            f"make control = {control!r} select every sample of that level, or give a query for each disease"
        )
        raise InputError(msg)
    return {name: f"`{column}` == {rest[name]!r}" for name in sorted(rest)}


def _columns(used: pd.DataFrame, name: str) -> np.ndarray:
    """One covariate as standardised numbers, or as one column of zeros and ones per class but the first."""
    values = check_column(used, name, role="covariate")
    if values.dtype.kind in "fiu":
        number = values.to_numpy(np.float64)[:, None]
        spread = number.std()
        return (number - number.mean()) / spread if spread > 0 else number - number.mean()
    classes, code_n = np.unique(values.astype(str).to_numpy(), return_inverse=True)
    if len(classes) > len(used) / MOST_CLASSES:
        msg = (
            f"covariate {name!r} has {len(classes)} classes in {len(used)} samples ({first_three(classes)}), too many "
            "to adjust for; if it is a number, store it as one"
        )
        raise InputError(msg)
    return (code_n[:, None] == np.arange(1, len(classes))).astype(np.float64)


def _explains(part_nc: np.ndarray, column_n: np.ndarray) -> bool:
    """Whether a column is a linear combination of others and a constant."""
    design = np.column_stack((np.ones(len(column_n)), part_nc))
    target = column_n.astype(np.float64)
    left = target - design @ np.linalg.lstsq(design, target, rcond=None)[0]
    return bool(left @ left <= 1e-10 * max(float(target @ target), 1e-30))


def check_contrast(adata: AnnData, contrast: Contrast) -> None:
    """Stop when a contrast does not belong to the table.

    Raises
    ------
    InputError
        If their numbers of samples differ.
    """
    if len(contrast.subject_n) != adata.n_obs:
        msg = (
            f"the contrast was made for {len(contrast.subject_n)} samples, but the table has {adata.n_obs}; "
            "make it from this table: Contrast.of(adata.obs, case=..., control=..., subject=...)"
        )
        raise InputError(msg)
