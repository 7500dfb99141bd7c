"""GEO series matrix files: values, what is known of each sample, and the platform."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from ...errors import FormatError, first_three
from .._asked import Asked
from .._read import READERS, Input, check_once
from ..sides._notes import as_column, plain_text
from ._csv import grid_of, rows_of
from ._dialect import Dialect
from ._lines import BOM, LONGEST_LINE, blocks, cut_line, decoded, reading
from ._signs import NUMBER, TEXT

if TYPE_CHECKING:
    from anndata import AnnData

_BEGIN, _END = "!series_matrix_table_begin", b"!series_matrix_table_end"
_AT_END = re.compile(rb'^"?' + re.escape(_END), re.MULTILINE)
_MOST_LINES = 1_000_000


@READERS.register("geo", doi="10.1093/nar/gks1193")
class SeriesMatrix:
    """GEO series matrix, plain or gzip."""

    suffixes: ClassVar[tuple[str, ...]] = ("_series_matrix.txt", "_series_matrix.txt.gz")
    options: ClassVar[frozenset[str]] = frozenset({"annotations"})

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether a file starts with what GEO says of a series."""
        return given.start.removeprefix(BOM).lstrip(b'"').startswith((b"!Series_", b"!Sample_"))

    @staticmethod
    def read(given: Input, asked: Asked) -> AnnData:
        """Samples x probes; characteristics in ``obs``, the series and its platform in ``uns``.

        Raises
        ------
        FormatError
            If the file is cut short, damaged, or holds no values.
        """
        series, samples, skip, header = _about(given.path)
        if len(header) < 2:
            msg = f"{given.path}, line {skip}: the header of the values names no sample; fetch it again"
            raise FormatError(msg)
        check_once(header[1:], given.path)
        kinds = np.array([TEXT] + [NUMBER] * (len(header) - 1), np.uint8)
        dialect = Dialect(given.path, "\t", ".", skip, tuple(header), kinds)
        platform = ", ".join(dict.fromkeys(series.get("platform_id", [])))
        try:
            with blocks(given.path, skip=skip) as text:
                rows = rows_of(dialect, _until_end(given.path, text))
                grid = grid_of(dialect, rows, about={"format": "GEO series matrix", "platform": platform})
        except FormatError as error:
            if "no rows" not in str(error):
                raise
            msg = f"{given.path} holds no values, as series of sequencing do; read the series' supplementary files"
            raise FormatError(msg) from error
        adata = replace(grid, fixed=True, asked=asked).adata()
        adata.obs = _characteristics(given.path, samples, list(adata.obs_names))
        adata.uns["series"] = {key: " ".join(values) for key, values in series.items()}
        return adata


def _about(path: Path) -> tuple[dict[str, list[str]], list[tuple[str, list[str]]], int, list[str]]:
    """What is said of the series and of its samples, lines before the values, and their header."""
    series: dict[str, list[str]] = {}
    samples: list[tuple[str, list[str]]] = []
    with reading(path) as handle:
        number = 0
        while number < _MOST_LINES:
            raw = handle.readline(LONGEST_LINE)
            if not raw:
                break
            number += 1
            # A cell may hold line ends between its quotes.
            while raw.count(b'"') % 2 and number < _MOST_LINES and len(raw) < LONGEST_LINE:
                more = handle.readline(LONGEST_LINE)
                if not more or more.startswith(b"!"):
                    msg = f"{path}, line {number}: a quote is opened and not closed; fetch it again"
                    raise FormatError(msg)
                raw += more
                number += 1
            line = decoded(path, raw.removeprefix(BOM), number).rstrip("\r\n")
            if line.strip('"').startswith(_BEGIN):
                header = decoded(path, handle.readline(LONGEST_LINE), number + 1).rstrip("\r\n")
                return series, samples, number + 1, _cells(header)
            cells = _cells(line) if line.strip() else [""]
            if cells[0].startswith("!Series_"):
                series.setdefault(cells[0].removeprefix("!Series_"), []).extend(cells[1:])
            elif cells[0].startswith("!Sample_"):
                samples.append((cells[0].removeprefix("!Sample_"), cells[1:]))
    msg = f"{path} is truncated or damaged: no line {_BEGIN} in it; fetch it again"
    raise FormatError(msg)


def _cells(line: str) -> list[str]:
    return [plain_text(cell) for cell in cut_line(line, "\t")]


def _until_end(path: Path, text: Iterable[bytes]) -> Iterator[bytes]:
    for block in text:
        end = _AT_END.search(block)
        values = block[: end.start()] if end else block
        if values:
            yield values
        if end:
            return
    msg = f"{path} is truncated: no line {_END.decode()} in it; fetch it again"
    raise FormatError(msg)


def _characteristics(path: Path, samples: list[tuple[str, list[str]]], names: list[str]) -> pd.DataFrame:
    """One column per thing said of samples; ``key: value`` cells go to the column of their key, whatever their line."""
    accessions = next((cells for name, cells in samples if name == "geo_accession"), names)
    if sorted(accessions) != sorted(names):
        odd = sorted(set(accessions) ^ set(names))
        msg = f"{path}: !Sample_geo_accession and the header of the values differ in {first_three(odd)}"
        raise FormatError(msg)
    columns: dict[str, list[object]] = {}
    for name, cells in samples:
        if len(cells) != len(accessions):
            msg = f"{path}: !Sample_{name} has {len(cells)} cells for {len(accessions)} samples"
            raise FormatError(msg)
        for i, cell in enumerate(cells):
            key, colon, value = cell.partition(":")
            split = name.startswith("characteristics") and bool(colon)
            place = _free(key.strip() if split else name, i, columns)
            columns.setdefault(place, [None] * len(cells))[i] = (value.strip() if split else cell) or None
    columns.pop("geo_accession", None)
    typed = {name: as_column(cells) for name, cells in columns.items() if any(cell is not None for cell in cells)}
    return pd.DataFrame(typed, index=pd.Index(accessions, dtype=object)).loc[names]


def _free(name: str, i: int, columns: dict[str, list[object]]) -> str:
    """The column that has nothing yet for a sample: the one of that name, or with a number behind it."""
    names = itertools.chain([name], (f"{name}.{n}" for n in itertools.count(2)))
    return next(n for n in names if n not in columns or columns[n][i] is None)
