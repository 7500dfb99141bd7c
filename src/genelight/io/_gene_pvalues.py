"""Gene-level p values of association studies: MAGMA, PASCAL, and plain tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError, first_three
from ..nouns import Edges
from ._delimited import Dropped, Layout, numbers
from ._files import existing
from ._ids import check_kind, check_namespace, clean_ids
from ._names import plain_name

__all__ = ["read_gene_pvalues"]

SMALLEST = 1e-300
_P = ("p", "pvalue", "pval", "p_value", "p.value", "p_val", "p.val", "p-value", "p value", "p_multi", "pvals")
_GENE: dict[str, tuple[str, ...]] = {
    "symbol": ("gene_symbol", "symbol", "gene", "gene_name", "id"),
    "entrez": ("gene_id", "entrez", "gene", "id"),
    "ensembl": ("ensembl", "gene_id", "gene", "id"),
    "ensp": ("protein", "id"),
}
_PLACE = {"chromosome": ("chr", "chromosome", "chrom"), "start": ("start",), "end": ("stop", "end")}


def read_gene_pvalues(
    path: str | Path, *, ids: str = "symbol", gene: str | None = None, p: str | None = None, name: str | None = None
) -> Edges:
    r"""Read one p value for each gene.

    MAGMA's ``.genes.out`` (columns apart by blanks), PASCAL's gene scores, results of limma, DESeq2 and edgeR, and
    tables with any usual names of the two columns are known by their header; where no header names the genes, the
    column that holds them does. Positions are kept where there are any.

    Parameters
    ----------
    path
        The file, plain or gzip.
    ids
        Kind of gene id to read: ``"symbol"``, ``"entrez"``, ``"ensembl"`` or ``"ensp"``.
    gene, p
        Columns, where their names do not tell.
    name
        What to call the trait in reports; by default the file's name.

    Returns
    -------
    Edges with the trait in ``source``, the gene in ``target`` and its p value in ``weight``, and where the file has
    them the columns ``chromosome``, ``start`` and ``end``. The account counts rows, empty ids, missing p values,
    repeated genes, and p values of 0, which are taken as 1e-300.

    Raises
    ------
    ResourceError
        If there is no such file.
    UnknownNameError
        If a column named is not in the file.
    FormatError
        If columns cannot be told, or a p value is no number.
    InputError
        If p values are below 0 or above 1, genes are of another kind of id, or no row is left.

    Examples
    --------
    >>> import genelight as gl, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "toy.genes.out"
    ...     _ = path.write_text("GENE  CHR  START  STOP  ZSTAT  P\nIRF5  7  100  900  4.1  2e-05\n")
    ...     gl.io.read_gene_pvalues(path, name="lupus").table.to_dict("records")
    [{'source': 'lupus', 'target': 'IRF5', 'weight': 2e-05, 'chromosome': '7', 'start': 100.0, 'end': 900.0}]
    """
    path = existing(Path(path))
    check_namespace(ids)
    layout = Layout.of(path)
    columns = {
        "target": layout.choose("gene", gene or (None if layout.usual(_GENE[ids]) else layout.of_genes()), _GENE[ids]),
        "weight": layout.choose("p", p, _P),
    }
    places = {new: found for new, usual in _PLACE.items() if (found := layout.usual(usual))}
    placed = len(places) == len(_PLACE)
    rows = Dropped(layout.read(columns | (places if placed else {})))
    table = rows.table.assign(
        source=name or plain_name(path),
        target=clean_ids(rows.table["target"], ids),
        weight=numbers(rows.table["weight"], columns["weight"], path),
    )
    for column in ("start", "end") if placed else ():
        table[column] = numbers(table[column], column, path)
    rows.table = table[["source", "target", "weight", *(places if placed else ())]]
    rows.where(rows.table["target"] == "", "empty ids")
    rows.where(rows.table["weight"].isna(), "missing p values")
    rows.where(rows.table.duplicated("target"), "repeated genes")
    _check(rows.table, path)
    check_kind(rows.table["target"], ids, path)
    account = {**rows.account, "p values of 0": int((rows.table["weight"] == 0).sum()), "genes": len(rows.table)}
    kept = rows.table.assign(weight=rows.table["weight"].clip(lower=SMALLEST)).reset_index(drop=True)
    return Edges(name or plain_name(path), kept, ids, account)


def _check(table: pd.DataFrame, path: Path) -> None:
    if table.empty:
        msg = f"{path}: no gene with a p value is left"
        raise InputError(msg)
    outside = (table["weight"] < 0) | (table["weight"] > 1) | ~np.isfinite(table["weight"])
    if outside.any():
        examples = first_three(f"{g} {p:g}" for g, p in table.loc[outside, ["target", "weight"]].to_numpy()[:3])
        count = int(outside.sum())
        msg = f"{path}: {count} p values are below 0 or above 1 ({examples}); name another column with p='...'"
        raise InputError(msg)
