"""A sample sheet beside a table: what it says of each sample, joined by name."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._core.printed import Card, Printed, leading
from ..errors import InputError, UnknownNameError, first_three
from ._sheet_cells import Frame, read_frames, transposed, typed

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["SheetMatch", "match_sheet"]

# Below this share of the sheet's rows and of the table's samples alike, the two do not belong together.
LEAST = 0.5
_TOKENS = re.compile(r"\d+|[^\W\d_]+|[^\w\s.-]|[-.]+$")
_LOOKS_ALIKE = 0.75


@dataclass(frozen=True, repr=False)
class SheetMatch(Printed):
    """Which row of a sample sheet belongs to which sample of a table.

    Attributes
    ----------
    file
        The sheet, with the worksheet it was found in.
    id_column
        Its column that names the samples.
    obs
        What it says of the samples that it names, in the table's order and under the table's names; text, or numbers
        where a column holds nothing else.
    samples
        How many samples the table has.
    near
        Sheet's name by the table's, of samples whose names differ in case, zeros or separators alone: ``S1``, ``S01``.
    no_row, no_sample
        Samples of the table without a row, and names in the sheet without a sample.
    alike
        For some of the latter, a sample without a row that looks like it. They are not joined.
    notes
        What reading found out: title lines, repeated rows, rows without a name.
    """

    file: str
    id_column: str
    obs: pd.DataFrame
    samples: int
    near: Mapping[str, str]
    no_row: tuple[str, ...]
    no_sample: tuple[str, ...]
    alike: Mapping[str, str]
    notes: tuple[str, ...]

    def _card(self) -> Card:
        return f"{len(self.obs):,} of {self.samples:,} samples found in a sheet", [
            ("sheet", self.file),
            ("by", f"column {self.id_column!r}" + (f", {len(self.near):,} not to the letter" if self.near else "")),
            ("columns", leading(list(self.obs.columns))),
            ("without", f"{len(self.no_row):,} samples have no row, {len(self.no_sample):,} rows no sample"),
            ("alike", f"{len(self.alike):,} of these, not joined" if self.alike else ""),
            ("next", "str() names them, join(adata) joins"),
        ]

    def __str__(self) -> str:
        lines = [
            f"samples: {len(self.obs)} of {self.samples} found in column {self.id_column!r} of {self.file}",
            *(f"  {note}" for note in self.notes),
        ]
        if self.near:
            pairs = first_three(f"{theirs!r} is taken as {name!r}" for name, theirs in self.near.items())
            lines.append(f"  {len(self.near)} by a name that differs in case, zeros or separators alone: {pairs}")
        if self.no_row:
            lines.append(
                f"  {len(self.no_row)} samples of the table have no row and are left out: {first_three(self.no_row)}"
            )
        if self.no_sample:
            lines.append(f"  {len(self.no_sample)} rows have no sample in the table: {first_three(self.no_sample)}")
        if self.alike:
            pairs = first_three(f"{theirs!r} and {name!r}" for theirs, name in self.alike.items())
            lines.append(f"  of these {len(self.alike)} look alike and were not joined; correct the sheet: {pairs}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Counts and names in plain containers, as JSON takes them."""
        return {
            "file": self.file,
            "id_column": self.id_column,
            "matched": len(self.obs),
            "samples": self.samples,
            "near": dict(self.near),
            "no_row": list(self.no_row),
            "no_sample": list(self.no_sample),
            "alike": dict(self.alike),
            "notes": list(self.notes),
        }

    def join(self, adata: AnnData) -> AnnData:
        """The samples that have a row, the sheet's columns in ``obs`` in place of the table's own of that name.

        Raises
        ------
        InputError
            If the table is not the one that was matched.
        """
        if adata.n_obs != self.samples or not self.obs.index.isin(adata.obs_names).all():
            msg = f"{self.file} was matched to another table, of {self.samples} samples; match it to this one"
            raise InputError(msg)
        # A copy of the matrix only where samples leave.
        kept = adata if len(self.obs) == adata.n_obs else adata[self.obs.index].copy()
        own = kept.obs.drop(columns=[name for name in kept.obs if name in self.obs])
        kept.obs = pd.concat([own, self.obs.loc[kept.obs_names]], axis=1)
        return kept


def match_sheet(adata: AnnData, path: str | Path, *, samples_id: str | None = None) -> SheetMatch:
    r"""Find what a sample sheet says of the samples of a table.

    Names are compared as they are, without blanks around them; then without regard to case, leading zeros and
    separators, where that leaves every name of the table and of the sheet a name of its own.

    Parameters
    ----------
    adata
        The table, samples in rows.
    path
        The sheet: CSV, TSV or other delimited text, or a workbook (``.xlsx``, ``.xls``, ``.ods``) of which the
        worksheet is taken that fits. Lines above the column names are passed over; samples may stand in columns.
    samples_id
        Its column that names the samples; by default the one that names most of them.

    Returns
    -------
    SheetMatch
        ``print`` it for the account, ``join`` it to the table.

    Raises
    ------
    ResourceError
        If there is no such file.
    FormatError
        If it holds no table.
    UnknownNameError
        If it has no column `samples_id`.
    InputError
        If it names no sample, or less than half of its rows and less than half of the samples belong together, or says
        two things of one sample.

    Examples
    --------
    >>> import genelight as gl, tempfile, pathlib
    >>> adata = gl.demo.cohort()[:3]
    >>> list(adata.obs_names)
    ['GSM757899', 'GSM757900', 'GSM757901']
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "sheet.csv"
    ...     _ = path.write_text("id,centre,code\ngsm757901,Oslo,0012\nGSM757899,Bergen,0007\nGSM757900,Oslo,0100\n")
    ...     found = gl.io.match_sheet(adata, path)
    >>> print(found)
    samples: 3 of 3 found in column 'id' of sheet.csv
      1 by a name that differs in case, zeros or separators alone: 'gsm757901' is taken as 'GSM757901'
    >>> found.join(adata.copy()).obs["code"].tolist()
    ['0007', '0100', '0012']
    """
    path, names = Path(path), [str(name) for name in adata.obs_names]
    frames = read_frames(path)
    if samples_id is not None:
        frames = [frame for frame in frames if samples_id in frame.table] or frames
    best = max((_best(frame, names, wanted=samples_id, path=path) for frame in frames), key=len)
    if not len(best):
        best = max((_best(transposed(frame), names, wanted=None, path=path) for frame in frames), key=len)
    if not len(best) or _folded(best.column) in map(_folded, names):
        raise _no_match(path, best.frame if len(best) else frames[0], names=names, wanted=samples_id)
    _check_share(path, best, names)
    return best.result(path, names, [str(name) for name in adata.obs])


@dataclass(frozen=True)
class _Pairs:
    """The rows of a frame that name samples, by one of its columns."""

    frame: Frame
    column: str
    exact: Mapping[str, int]
    near: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.exact) + len(self.near)

    def result(self, path: Path, names: Sequence[str], own: Sequence[str]) -> SheetMatch:
        table, ids = self.frame.table, self.frame.table[self.column]
        row_of = {**self.exact, **self.near}
        matched = {ids[row] for row in row_of.values()}
        notes = [*self.frame.notes, *_repeats(path, self.frame, column=self.column, matched=matched)]
        if nameless := int(ids.isna().sum()):
            notes.append(f"{nameless} rows have nothing in that column and are left out")
        order = [name for name in names if name in row_of]
        obs = table.iloc[[row_of[name] for name in order]].reset_index(drop=True)
        obs = obs.apply(typed).set_axis(pd.Index(order, dtype=object), axis=0)
        replaced = [name for name in own if name in obs and name != self.column]
        if replaced:
            notes.append(f"{len(replaced)} columns of the table's own give way to the sheet's: {first_three(replaced)}")
        no_row = tuple(name for name in names if name not in row_of)
        no_sample = tuple(dict.fromkeys(ids.dropna()[~ids.dropna().isin(matched)]))
        where = f"{path.name}, worksheet {self.frame.worksheet!r}" if self.frame.worksheet else path.name
        near = {name: ids[row] for name, row in self.near.items()}
        alike = _alike(no_sample, no_row)
        return SheetMatch(where, self.column, obs, len(names), near, no_row, no_sample, alike, tuple(notes))


def _best(frame: Frame, names: Sequence[str], *, wanted: str | None, path: Path) -> _Pairs:
    """The column that names most samples, of equals the one that names most of them exactly, then the first."""
    if wanted is not None and wanted not in frame.table:
        raise UnknownNameError("column", wanted, frame.table.columns, where=f"{path} (--samples-id, samples_id)")
    columns = frame.table.columns if wanted is None else [wanted]
    found = [_pairs(frame, column, names) for column in columns]
    return max(found, key=lambda pairs: (len(pairs), len(pairs.exact)))


def _pairs(frame: Frame, column: str, names: Sequence[str]) -> _Pairs:
    ids = frame.table[column].dropna()
    first = {value: int(row) for row, value in reversed(list(ids.items()))}
    exact = {name: first[name.strip()] for name in names if name.strip() in first}
    keys = Counter(map(_folded, names))
    theirs = Counter(map(_folded, first))
    of_key = {_folded(value): value for value in first}
    near = {}
    for name in names:
        key = _folded(name)
        if name not in exact and keys[key] == 1 and theirs[key] == 1:
            near[name] = first[of_key[key]]
    return _Pairs(frame, column, exact, near)


def _folded(name: str) -> tuple[str, ...]:
    """A name without case, leading zeros, separators between its parts, and the X that R puts before a digit."""
    tokens = [
        token.lstrip("0") or "0" if token.isdigit() else token for token in _TOKENS.findall(name.casefold().strip())
    ]
    return tuple(tokens[1:] if tokens[:1] == ["x"] and len(tokens) > 1 and tokens[1].isdigit() else tokens)


def _repeats(path: Path, frame: Frame, *, column: str, matched: set[str]) -> list[str]:
    """How many rows say again what another says; stops where two rows of one sample differ."""
    table = frame.table
    several = table[table[column].isin(matched) & table[column].duplicated(keep=False)]
    for name, rows in several.groupby(column, sort=False):
        differing = [c for c in rows if len(rows[c].unique()) > 1]
        if differing:
            said = " and ".join(repr(value) for value in rows[differing[0]].unique()[:3])
            msg = (
                f"{path}: {several[column].nunique()} samples have several rows that differ, the first {name!r}, whose "
                f"{differing[0]!r} is {said}; leave one row for each sample, or name another column: --samples-id "
                "COLUMN, in a study samples_id"
            )
            raise InputError(msg)
    copies = len(several) - several[column].nunique()
    return [f"{copies} rows repeat another word for word"] if copies else []


def _check_share(path: Path, pairs: _Pairs, names: Sequence[str]) -> None:
    """Stop where most rows and most samples are without a partner."""
    ids = pairs.frame.table[pairs.column].dropna().unique()
    if len(pairs) < LEAST * len(ids) and len(pairs) < LEAST * len(names):
        rest = [name for name in names if name not in pairs.exact and name not in pairs.near]
        theirs = [value for value in ids if value not in pairs.exact]
        msg = (
            f"{path}: column {pairs.column!r} names {len(pairs)} of {len(names)} samples in {len(ids)} rows, too few "
            f"to be of this table; it has {first_three(theirs)}, the table {first_three(rest)}. Make names alike, or "
            "name the column that has them: --samples-id COLUMN, in a study samples_id"
        )
        raise InputError(msg)


def _no_match(path: Path, frame: Frame, *, names: Sequence[str], wanted: str | None) -> InputError:
    """Why nothing matched, and what could."""
    if set(map(str, frame.table.columns)) & set(names):
        shown = ", ".join(map(str, frame.table.columns[:4]))
        return InputError(
            f"{path}: line {frame.header} ({shown}) names a sample, where the names of the columns should stand; add a "
            "line above it, for example: sample,group"
        )
    columns = frame.table.columns if wanted is None else [wanted]
    held = "; ".join(f"{c!r} has {first_three(frame.table[c].dropna().unique(), n=2)}" for c in columns[:4])
    return InputError(
        f"{path}: no column names a sample of the table, whose {len(names)} samples are {first_three(names)}; of the "
        f"sheet's {frame.table.shape[1]} columns {held}. Give one column the table's names and name it: --samples-id "
        "COLUMN, in a study samples_id"
    )


def _alike(theirs: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Names without a partner that look like one another; few enough to be compared each with each."""
    if len(theirs) * len(names) > 100_000:
        return {}
    close = {name: difflib.get_close_matches(name, names, n=1, cutoff=_LOOKS_ALIKE) for name in theirs}
    return {name: found[0] for name, found in close.items() if found}
