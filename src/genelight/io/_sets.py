"""Gene sets in GMT files."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pandas as pd

from ..errors import FormatError
from ..nouns import Edges
from ._files import existing
from ._ids import check_kind, check_namespace, clean_ids
from ._names import plain_name
from ._text import lines

__all__ = ["read_sets"]


def read_sets(path: str | Path, *, name: str | None = None, ids: str = "symbol") -> Edges:
    r"""Read gene sets from a GMT file, plain or gzip: ``set <tab> description <tab> gene <tab> gene ...``.

    A set without a name goes by its description. Genes that a source glued together with blanks are
    parted; sets of one name and unequal genes are kept apart, the later ones with their line number.

    Parameters
    ----------
    path
        The file.
    name
        What to call the collection in reports, with its version; by default the file's name.
    ids
        Kind of gene id in the file: ``"symbol"``, ``"entrez"``, ``"ensembl"`` or ``"ensp"``.

    Returns
    -------
    Edges with the set in ``source`` and its member in ``target``, whose account counts sets, genes named
    twice in a set, empty lines, empty and glued cells, and sets whose name repeats.

    Raises
    ------
    ResourceError
        If there is no such file.
    UnknownNameError
        If there is no such kind of id.
    InputError
        If genes are of another kind of id than asked for.
    FormatError
        If a line is damaged, with its number, or the file is.

    Examples
    --------
    >>> import genelight as gl, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "toy.gmt"
    ...     _ = path.write_text("ANTIVIRAL\t-\tMX1\tISG15\tMX1\n")
    ...     sets = gl.io.read_sets(path)
    >>> list(sets.table["target"]), sets.account["genes named twice"]
    (['MX1', 'ISG15'], 1)
    """
    path = existing(Path(path))
    check_namespace(ids)
    account: Counter[str] = Counter(
        {"empty lines": 0, "empty cells": 0, "glued cells": 0, "genes named twice": 0, "repeated names": 0}
    )
    sets: dict[str, list[str]] = {}
    with lines(path) as text:
        for number, line in enumerate(text, start=1):
            if not line.strip():
                account["empty lines"] += 1
                continue
            label, genes = _read_line(line, account, f"{path}, line {number}")
            _add(sets, label, genes, number=number, account=account)
    pairs = [(label, gene) for label, genes in sets.items() for gene in genes]
    table = pd.DataFrame(pairs, columns=["source", "target"], dtype=object).assign(weight=1.0)
    table["target"] = clean_ids(table["target"], ids)
    check_kind(table["target"], ids, path)
    return Edges(name or plain_name(path), table, ids, {"sets": len(sets), "members": len(table), **account})


def _read_line(line: str, account: Counter[str], where: str) -> tuple[str, list[str]]:
    cells = [cell.strip() for cell in line.rstrip("\r\n").split("\t")]
    if len(cells) < 3:
        msg = f"{where}: {len(cells)} tab-separated cells; GMT needs a set, a description and at least one gene"
        raise FormatError(msg)
    label = cells[0] or cells[1]
    genes = [gene for cell in cells[2:] for gene in cell.split()]
    if not label or not genes:
        msg = f"{where}: a set without {'genes' if label else 'a name'}; remove the line"
        raise FormatError(msg)
    unique = list(dict.fromkeys(genes))
    account["empty cells"] += cells[2:].count("")
    account["glued cells"] += sum(bool(re.search(r"\s", cell)) for cell in cells[2:])
    account["genes named twice"] += len(genes) - len(unique)
    return label, unique


def _add(sets: dict[str, list[str]], label: str, genes: list[str], *, number: int, account: Counter[str]) -> None:
    if label in sets:
        account["repeated names"] += 1
        if set(sets[label]) == set(genes):
            return
        label = f"{label} (line {number})"
    sets[label] = genes
