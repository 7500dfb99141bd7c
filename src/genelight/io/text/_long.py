"""Tables with one row for each gene and sample, brought to a matrix."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import InputError, UnknownNameError, first_three
from ..sides._axis import gene_kin
from ._lines import InMemory
from ._signs import NO_ID

_MOST_COLUMNS, _SAMPLED, _DENSE, _SPARSE, _OFTEN, _TWICE = 8, 2000, 0.5, 0.05, 3, 0.1
Notes = dict[str, Any]
Long = tuple[np.ndarray, list[str], list[str], Notes, Notes, str]


def pivoted(
    path: Path | InMemory,
    texts: Mapping[str, Sequence[str]],
    values_rc: np.ndarray,
    *,
    columns: Sequence[str],
    asked: str | None,
) -> Long | None:
    """Values, samples, genes, what describes each, and what was done; None where rows are not pairs.

    Rows are pairs of gene and sample where one column of text holds genes, each several times, another one samples,
    no pair occurs twice, and at least half of all pairs are there; fewer where genes occur three times and more. Of
    columns of numbers, those that say one thing of each sample, or of each gene, describe it.

    Raises
    ------
    InputError
        If several columns hold values and none was asked for, or some pairs occur twice.
    UnknownNameError
        If there is no column of the name asked for.
    """
    rows = len(values_rc)
    if len(texts) < 2 or len(columns) > _MOST_COLUMNS or rows < 4:
        return None
    codes = {name: pd.factorize(pd.Series(list(cells), dtype=object)) for name, cells in texts.items()}
    genes = _gene_column(texts, codes, rows)
    if genes is None:
        return None
    gene_r, gene_names = codes[genes]
    samples = _sample_column(path, codes, genes, rows=rows)
    if samples is None:
        return None
    sample_r, sample_names = codes[samples]
    numbers = {name: pd.factorize(values_rc[:, i]) for i, name in enumerate(columns)}
    place = {name: i for i, name in enumerate(columns)}
    about_samples, about_genes = (
        _constant(numbers, place_r, len(names), empty=np.nan)
        for place_r, names in ((sample_r, sample_names), (gene_r, gene_names))
    )
    beside = {*about_samples, *about_genes} - {asked}
    values = [name for name in columns if name not in beside] or list(columns)
    column = _value_column(path, values, asked, of=columns)
    x_ng = np.full((len(sample_names), len(gene_names)), np.nan)
    x_ng[sample_r, gene_r] = values_rc[:, place[column]]
    notes = {name: coded for name, coded in codes.items() if name not in (genes, samples)}
    of_samples = _constant(notes, sample_r, len(sample_names))
    of_genes = {n: cells for n, cells in _constant(notes, gene_r, len(gene_names)).items() if n not in of_samples}
    lost = [name for name in notes if name not in of_samples and name not in of_genes]
    of_samples |= {name: np.array(cells) for name, cells in about_samples.items() if name != column}
    of_genes |= {name: np.array(c) for name, c in about_genes.items() if name != column and name not in of_samples}
    absent = int(x_ng.size - rows)
    said = [
        f"one row for each gene ({genes!r}) and sample ({samples!r}), brought to a matrix of {column!r}",
        f"{absent} pairs are absent, their values missing" if absent else "",
        f"columns that differ within samples and genes left out ({first_three(lost)})" if lost else "",
    ]
    names = list(map(str, sample_names)), list(map(str, gene_names))
    return x_ng, *names, of_samples, of_genes, "; ".join(filter(None, said))


def _gene_column(texts: Mapping[str, Sequence[str]], codes: Mapping[str, tuple], rows: int) -> str | None:
    """The column of text that holds genes, each of them several times."""
    likely = {}
    for name, cells in texts.items():
        some = [str(g) for g in codes[name][1] if g not in NO_ID][:_SAMPLED]
        kin = gene_kin(some) if len(some) > 1 and len(codes[name][1]) <= rows / 2 else None
        if kin is not None and any(cell not in NO_ID for cell in cells):
            likely[name] = kin.share - 0.5 * kin.kind.startswith("names such")
    return max(likely, key=lambda name: likely[name], default=None)


def _sample_column(path: Path | InMemory, codes: Mapping[str, tuple], genes: str, *, rows: int) -> str | None:
    """The column of text that holds samples: with the genes it makes pairs of which none occurs twice."""
    gene_r, gene_names = codes[genes]
    often = rows >= _OFTEN * len(gene_names)
    least = _SPARSE if often else _DENSE
    repeated: tuple[str, np.ndarray] | None = None
    for name, (code_r, labels) in codes.items():
        pairs = len(labels) * len(gene_names)
        if name == genes or len(labels) < 2 or len(labels) == rows or rows < least * pairs:
            continue
        twice = pd.Series(gene_r.astype(np.int64) * len(labels) + code_r).duplicated().to_numpy()
        if not twice.any():
            return name
        if often and repeated is None and twice.mean() <= _TWICE:
            repeated = name, twice
    if repeated is not None:
        name, twice = repeated
        code_r, labels = codes[name]
        told = first_three(f"{gene_names[gene_r[r]]} of {labels[code_r[r]]}" for r in np.flatnonzero(twice))
        msg = (
            f"{path} has a row for each gene ({genes!r}) and sample ({name!r}), and {int(twice.sum())} rows repeat a "
            f"pair ({told}); keep one row of each pair in the file"
        )
        raise InputError(msg)
    return None


def _value_column(path: Path | InMemory, columns: Sequence[str], asked: str | None, *, of: Sequence[str]) -> str:
    if asked is not None:
        if asked not in of:
            raise UnknownNameError("column", asked, of, where=str(path))
        return asked
    if len(columns) != 1:
        file = shlex.quote(str(path))
        msg = (
            f"{path} has a row for each gene and sample and {len(columns)} columns of numbers "
            f"({first_three(columns, n=8)}); say which is expression: genelight read {file} "
            f"--column {shlex.quote(columns[0])} --out cohort.h5ad"
        )
        raise InputError(msg)
    return columns[0]


def _constant(notes: Mapping[str, tuple], place_r: np.ndarray, size: int, *, empty: Any = "nan") -> Notes:
    """Columns that say one thing of each sample, or of each gene."""
    found: Notes = {}
    for name, (code_r, labels) in notes.items():
        first = np.zeros(size, np.int64)
        first[place_r[::-1]] = code_r[::-1]
        if (first[place_r] == code_r).all():
            found[name] = [labels[c] if c >= 0 else empty for c in first]
    return found
