"""A folder of tables of one sample each: HTSeq, STAR, RSEM, Salmon, Kallisto and their like."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from ...errors import FormatError, InputError, UnknownNameError, first_three
from .._asked import Asked
from .._read import DECLARED, READERS, Input
from ..sides._axis import OF_PROGRAMS, is_sum
from ..sides._orientation import Side
from ._csv import rows_of
from ._dialect import Dialect, sniff
from ._lines import blocks, check_last_line, cut_line, head
from ._signs import NO_ID, NUMBER, SKIP, TEXT, is_number

if TYPE_CHECKING:
    from anndata import AnnData

_NAME = re.compile(r".*\.(csv|tsv|txt|tab|sf|results|counts?|htseq)(\.gz)?$", re.IGNORECASE)
_ENDINGS = re.compile(
    r"(\.(gz|csv|tsv|txt|tab|sf|counts?|htseq|results|genes|isoforms|out))+$|[._]?ReadsPerGene\.out\.tab(\.gz)?$",
    re.IGNORECASE,
)
# Salmon and Kallisto write one folder per sample.
_NESTED = ("quant.sf", "quant.sf.gz", "abundance.tsv", "abundance.tsv.gz", "quant.genes.sf")
_STAR = ("unstranded", "forward", "reverse")


@READERS.register("samples")
class SampleTables:
    """a folder of tables of one sample each."""

    suffixes: ClassVar[tuple[str, ...]] = ("/",)
    declared: ClassVar[bool] = True
    options: ClassVar[frozenset[str]] = DECLARED | {"column"}

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether a folder holds two or more text tables and nothing that another reader knows."""
        others = any("matrix.mtx" in name or name in ("zarr.json", ".zgroup") for name in given.names)
        return given.is_folder and not others and len(_tables(given)) > 1

    @staticmethod
    def read(given: Input, asked: Asked) -> AnnData:
        """Samples in the order of their names; genes that a sample lacks are NaN there, counted in ``uns["read"]``.

        Raises
        ------
        FormatError
            If a table is damaged, or repeats a gene.
        InputError
            If tables have several columns of numbers and none was named.
        UnknownNameError
            If a table has no column of that name.
        """
        import anndata

        series = {}
        for name, path in _tables(given).items():
            series[name] = _one(path, asked.column)
        genes = list(dict.fromkeys(gene for one in series.values() for gene in one.index))
        x_ng = np.full((len(series), len(genes)), np.nan)
        place = pd.Index(genes)
        for row, one in enumerate(series.values()):
            x_ng[row, place.get_indexer(one.index)] = one.to_numpy()
        absent = int(len(series) * len(genes) - sum(len(one) for one in series.values()))
        note = f"{absent} values of genes that a table lacks are missing" if absent else ""
        about = {"format": "a table per sample", "column": str(next(iter(series.values())).name), "notes": note}
        obs, var = pd.DataFrame(index=list(series)), pd.DataFrame(index=genes)
        return anndata.AnnData(x_ng, obs=obs, var=var, uns={"read": about})


def _tables(given: Input) -> dict[str, Path]:
    """Tables by the name of their sample."""
    found = {}
    for name in given.names:
        path = given.path / name
        if path.is_dir():
            inside = next((path / n for n in _NESTED if (path / n).is_file()), None)
            if inside is not None:
                found[name] = inside
        elif _NAME.match(name) and not name.startswith((".", "_")):
            found[_ENDINGS.sub("", name) or name] = path
    return found


def _one(path: Path, asked: str | None) -> pd.Series:
    """One sample's values by gene."""
    check_last_line(path)
    dialect = _headless(path) or sniff(path)
    numbers = [c for c in dialect.names(NUMBER) if not OF_PROGRAMS.fullmatch(c)]
    column = _choose(path, numbers, asked)
    names = _names(dialect)
    if names is None:
        msg = f"{path}: no column names the genes"
        raise FormatError(msg)
    kinds = np.full(len(dialect.columns), SKIP, np.uint8)
    kinds[[names, dialect.columns.index(column)]] = TEXT, NUMBER
    only = replace(dialect, kinds=kinds)
    genes: list[str] = []
    parts = []
    with blocks(path, skip=only.skip) as text:
        for cells in rows_of(only, text):
            genes += cells.texts[0]
            parts.append(cells.values_rc[:, 0])
    one = pd.Series(np.concatenate(parts) if parts else [], index=genes, name=column)
    one = one[[not is_sum(gene) and gene not in NO_ID for gene in one.index]]
    repeated = one.index[one.index.duplicated()].unique()
    if len(repeated):
        msg = f"{path}: {len(repeated)} genes occur more than once ({first_three(repeated)}); keep one row of each"
        raise FormatError(msg)
    return one


def _names(dialect: Dialect) -> int | None:
    """The column of text that looks most as gene ids do."""
    texts = dialect.places(TEXT)
    if len(texts) < 2:
        return next(iter(texts), None)
    body = [cut_line(line, dialect.separator) for line in head(dialect.path, dialect.skip + 60)[dialect.skip :]]
    return max(texts, key=lambda i: Side([row[i] for row in body if i < len(row)]).geneness()[0])


def _headless(path: Path) -> Dialect | None:
    """HTSeq's two columns or STAR's four, which have no header."""
    rows = [cut_line(line, "\t") for line in head(path, 30) if line.strip()]
    widths = {len(row) for row in rows}
    if widths not in ({2}, {4}) or not all(is_number(cell) for row in rows for cell in row[1:]):
        return None
    names = ("count",) if widths == {2} else _STAR
    kinds = np.array([TEXT] + [NUMBER] * len(names), np.uint8)
    return Dialect(path, "\t", ".", 0, ("gene", *names), kinds)


def _choose(path: Path, numbers: list[str], asked: str | None) -> str:
    if asked is not None:
        if asked not in numbers:
            raise UnknownNameError("column", asked, numbers, where=str(path))
        return asked
    if len(numbers) != 1:
        told = first_three(numbers, n=8) or "none"
        msg = f"{path} has {len(numbers)} columns of numbers ({told}); say column='...' (--column)"
        raise InputError(msg)
    return numbers[0]
