"""Excel workbooks: rows of text, for tables and sample sheets alike; a table's are read as any delimited text."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import zipfile
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ...errors import FormatError, InputError, UnknownNameError, first_three
from .._asked import Asked
from .._budget import check_bytes, free_bytes
from .._files import describe
from .._read import READERS, Input
from ..text._csv import read_delimited
from ..text._lines import InMemory
from ..text._signs import is_number

if TYPE_CHECKING:
    from anndata import AnnData

# What a cell takes as an object beside what it takes in the file, measured on sheets of numbers.
_TIMES = 6
_LARGEST_RATIO = 300
# For the reader itself, and for cells that stand far away from the others.
_BESIDE = 1 << 30
_OLD = b"\xd0\xcf\x11\xe0"


def worksheets(path: Path) -> dict[str, list[list[str]]]:
    """Every worksheet by its name, cell by cell as it is shown; empty cells at the end of a row are left out.

    Raises
    ------
    FormatError
        If it cannot be read as a workbook, or unpacks to repetition without end.
    ResourceError
        If it declares more than there is memory for.
    """
    most = min(_BESIDE + _TIMES * _size(path), free_bytes())
    program = str(Path(__file__).with_name("_workbook_child.py"))
    # In a process of its own: what a damaged workbook makes the library do ends that one.
    done = subprocess.run(  # noqa: S603 - our own program, no shell
        [sys.executable, "-P", program, os.fspath(path), str(most)], capture_output=True, check=False
    )
    try:
        found = json.loads(done.stdout)
    except ValueError:
        far = "cells that stand far away from the others"
        found = {"error": f"it is damaged, or has {far} and would take more than {most >> 20:,} MB"}
    if "error" in found:
        msg = f"{path} is {describe(path)} that cannot be read ({found['error']}); save it again as .xlsx or .csv"
        raise FormatError(msg)
    return {str(name): rows for name, rows in found["sheets"].items()}


def _size(path: Path) -> int:
    """Bytes of what is in a workbook; stops where it is none, or they do not fit into memory."""
    with path.open("rb") as handle:
        if handle.read(len(_OLD)) == _OLD:
            return path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        msg = f"{path} is {describe(path)} that cannot be read ({error}); save it again as .xlsx or .csv"
        raise FormatError(msg) from error
    if "xl/workbook.xml" not in {member.filename for member in members}:
        msg = f"{path} is {describe(path)} and no .xlsx workbook; save it again as .xlsx or .csv"
        raise FormatError(msg)
    size = sum(member.file_size for member in members)
    if size > _LARGEST_RATIO * path.stat().st_size + (1 << 24):
        msg = f"{path} unpacks to {size >> 20} MB of repetition; this is no table"
        raise FormatError(msg)
    check_bytes(path, _TIMES * size, f"{size >> 20} MB of sheets")
    return size


@READERS.register("excel")
class Workbook:
    """a sheet of an Excel workbook."""

    suffixes: ClassVar[tuple[str, ...]] = (".xlsx", ".xlsm", ".xls")
    options: ClassVar[frozenset[str]] = frozenset({"orientation", "annotations", "column", "modality"})

    @staticmethod
    def recognises(given: Input) -> bool:
        """Whether a file is a zip archive that holds a workbook, or an old workbook."""
        if given.start.startswith(b"\xd0\xcf\x11\xe0"):
            return True
        if not given.start.startswith(b"PK\x03\x04"):
            return False
        try:
            with zipfile.ZipFile(given.path) as archive:
                return "xl/workbook.xml" in archive.namelist()
        except (zipfile.BadZipFile, OSError):
            return False

    @staticmethod
    def read(given: Input, asked: Asked) -> AnnData:
        """The only sheet that holds numbers, or the one asked for; read as delimited text is.

        Raises
        ------
        FormatError
            If the workbook is damaged, or the sheet no regular table.
        InputError
            If several sheets hold numbers and none was named.
        UnknownNameError
            If there is no such sheet.
        """
        sheets = {name: rows for name, rows in worksheets(given.path).items() if any(map(any, rows))}
        name = _choose(given.path, sheets, asked.modality)
        text = _as_text(sheets[name])
        about = {"format": f"Excel workbook, sheet {name!r}"}
        return read_delimited(InMemory(given.path, text), asked, about=about)


def _choose(path: Path, sheets: dict[str, list[list[str]]], asked: str | None) -> str:
    if asked is not None:
        if asked not in sheets:
            raise UnknownNameError("sheet", asked, list(sheets), where=str(path))
        return asked
    tables = [name for name, rows in sheets.items() if sum(map(is_number, chain.from_iterable(rows))) > 1] or [*sheets]
    if not tables:
        msg = f"{path} holds no sheet that is not empty; save the table again"
        raise InputError(msg)
    if len(tables) > 1:
        file, name = shlex.quote(str(path)), shlex.quote(tables[0])
        msg = (
            f"{path} holds {len(tables)} sheets that are not empty ({first_three(tables, n=6)}); name one: "
            f"genelight read {file} --modality {name} --out cohort.h5ad"
        )
        raise InputError(msg)
    return tables[0]


def _as_text(rows: list[list[str]]) -> bytes:
    """Cells parted by tabs, in lines of equal length; empty rows and the empty columns behind the table left out."""
    texts = [[_quoted(cell) for cell in row] for row in rows if any(row)]
    width = max((i + 1 for row in texts for i, cell in enumerate(row) if cell), default=0)
    lines = ["\t".join((row + [""] * width)[:width]) for row in texts]
    return ("\n".join(lines) + "\n").encode()


def _quoted(cell: str) -> str:
    """A cell that holds quotation marks, between such."""
    return '"' + cell.replace('"', '""') + '"' if '"' in cell else cell
