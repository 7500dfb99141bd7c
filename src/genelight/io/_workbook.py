"""Excel workbooks as rows of text, for tables and sample sheets alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from ..errors import FormatError
from ._budget import check_bytes, free_bytes
from ._files import describe

__all__ = ["worksheets"]

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
    """Bytes of what is in it; stops where they do not fit into memory.

    Raises
    ------
    FormatError
        If it is no workbook of a kind that is read, or unpacks to repetition without end.
    """
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
