"""Values of genes in delimited text: p values of association studies, and what perturbations do to genes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ...errors import InputError, first_three
from ...nouns import Edges
from .._files import existing, plain_name
from ..id_kinds import check_kind, check_namespace, clean_ids
from ..text._delimited import Dropped, Layout, numbers

SMALLEST = 1e-300
_P = ("p", "pvalue", "pval", "p_value", "p.value", "p_val", "p.val", "p-value", "p value", "p_multi", "pvals")
_GENE: dict[str, tuple[str, ...]] = {
    "symbol": ("gene_symbol", "symbol", "gene", "gene_name", "id"),
    "entrez": ("gene_id", "entrez", "gene", "id"),
    "ensembl": ("ensembl", "gene_id", "gene", "id"),
    "ensp": ("protein", "id"),
}
_PLACE = {"chromosome": ("chr", "chromosome", "chrom"), "start": ("start",), "end": ("stop", "end")}
_ANY_GENE = ("gene", "gene_symbol", "symbol", "gene_id", "entrez", "ensembl", "id", "target")
_PERTURBATION = ("perturbation", "drug", "compound", "pert_iname", "pert", "pert_id", "treatment", "source")
_VALUE = ("value", "score", "z", "zscore", "z_score", "t", "logfc", "log2fc", "log2foldchange", "lfc", "weight")


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


def read_perturbations(path: str | Path, *, ids: str = "symbol") -> pd.DataFrame:
    r"""Read what each of some perturbations does to genes.

    Parameters
    ----------
    path
        Delimited text, plain or gzip. Long, where the header names a gene, a perturbation (``perturbation``, ``drug``,
        ``compound``, ``pert_iname``, ...) and a value (``value``, ``z``, ``logFC``, ...); else wide, with genes in the
        first column and one column of numbers per perturbation.
    ids
        Kind of gene id: ``"symbol"``, ``"entrez"``, ``"ensembl"`` or ``"ensp"``.

    Returns
    -------
    Genes in rows and perturbations in columns, NaN where nothing was measured; several rows of one gene (doses,
    probes) are averaged, several columns of one name kept as ``drug`` and ``drug.2``. ``attrs["account"]`` counts rows,
    genes, perturbations, rows that went into an average, and repeated columns.

    Raises
    ------
    ResourceError
        If there is no such file.
    FormatError
        If a value is no number, or rows are not as long as the header.
    UnknownNameError
        If there is no such kind of id.
    InputError
        If genes are of another kind of id, or nothing is left.

    Examples
    --------
    >>> import genelight as gl, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "drugs.csv"
    ...     _ = path.write_text("gene,drug,logFC\nISG15,ruxolitinib,-2.1\nMX1,ruxolitinib,-1.5\n")
    ...     gl.io.read_perturbations(path).to_dict()
    {'ruxolitinib': {'ISG15': -2.1, 'MX1': -1.5}}
    """
    path = existing(Path(path))
    check_namespace(ids)
    layout = Layout.of(path)
    gene, who, value = (layout.usual(usual) for usual in (_ANY_GENE, _PERTURBATION, _VALUE))
    if gene and who and value:
        rows = layout.read({"gene": gene, "who": who, "value": value})
        rows["value"] = numbers(rows["value"], value, path)
        rows["who"] = rows["who"].str.strip()
    else:
        first = gene or layout.of_genes() or layout.columns[0]
        names = [name for name in layout.columns if name != first]
        wide = layout.read({name: name for name in layout.columns})
        values = {name: numbers(wide[name], name, path) for name in names}
        rows = pd.DataFrame(values).assign(gene=wide[first]).melt("gene", var_name="who")
    rows["gene"] = clean_ids(rows["gene"], ids)
    known = rows[(rows["gene"] != "") & (rows["who"] != "") & rows["value"].notna()]
    if known.empty:
        msg = f"{path}: no gene with a number is left; the header has {first_three(map(repr, layout.columns), n=6)}"
        raise InputError(msg)
    check_kind(known["gene"], ids, path)
    table = known.pivot_table("value", "gene", "who", aggfunc="mean", sort=False)
    averaged = int(known.duplicated(["gene", "who"], keep=False).sum())
    table.attrs["account"] = {"rows": len(rows), "genes": len(table), "perturbations": table.shape[1]}
    table.attrs["account"]["averaged rows"] = averaged
    # Both are kept, the second as NAME.2: two columns may be two experiments.
    table.attrs["account"]["repeated columns"] = layout.repeated
    return table.rename_axis(index=None, columns=None)
