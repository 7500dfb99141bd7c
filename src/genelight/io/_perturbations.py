"""Signatures of drugs and other perturbations: genes in rows and perturbations in columns, or one row for each pair."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..errors import InputError, first_three
from ._delimited import Layout, numbers
from ._files import existing
from ._ids import check_kind, check_namespace, clean_ids

__all__ = ["read_perturbations"]

_GENE = ("gene", "gene_symbol", "symbol", "gene_id", "entrez", "ensembl", "id", "target")
_PERTURBATION = ("perturbation", "drug", "compound", "pert_iname", "pert", "pert_id", "treatment", "source")
_VALUE = ("value", "score", "z", "zscore", "z_score", "t", "logfc", "log2fc", "log2foldchange", "lfc", "weight")


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
    gene, who, value = (layout.usual(usual) for usual in (_GENE, _PERTURBATION, _VALUE))
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
