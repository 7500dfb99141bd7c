"""Gene sets: GMT files, and long tables of genes by disease or any other label."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from ...errors import FormatError, InputError, UnknownNameError
from ...nouns import Edges
from .._files import existing, plain_name
from ..id_kinds import check_kind, check_namespace, clean_ids
from ..text._delimited import Dropped, Layout, numbers
from ..text._lines import lines

_LABEL = ("disease", "disease_name", "diseaseName", "doid_name", "trait", "set", "category", "source")
_GENE: dict[str, tuple[str, ...]] = {
    "symbol": ("symbol", "gene_symbol", "geneSymbol", "gene", "target"),
    "entrez": ("entrez", "entrez_id", "gene_id", "geneId", "gene", "target"),
    "ensembl": ("ensembl", "ensembl_id", "gene_id", "gene", "target"),
    "ensp": ("ensp", "protein", "target"),
}


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


def read_gene_lists(
    path: str | Path,
    *,
    disease: str | Sequence[str] | None = None,
    keep: Mapping[str, str | Sequence[str]] | None = None,
    ids: str = "symbol",
    name: str | None = None,
    source: str | None = None,
    target: str | None = None,
    weight: str | None = None,
) -> Edges:
    r"""Read a CSV or TSV, plain or gzip, with one row per disease and gene.

    The GWAS catalog and DisGeNET tables are known by their columns (``doid_name, symbol``;
    ``diseaseName, geneSymbol``); so are marker lists with ``Gene, Category``. For one disease per
    line, as in GMT files, use :func:`read_sets`.

    Parameters
    ----------
    path
        The file.
    disease
        One or more diseases to keep, as written in the file; all by default.
    keep
        Further conditions, column to allowed values: ``{"status": ["HC-P", "HC-S"]}``.
    ids
        Kind of gene id to read: ``"symbol"``, ``"entrez"``, ``"ensembl"`` or ``"ensp"``.
    name
        What to call it in reports, with its version; by default the file's name.
    source, target
        Columns of disease and gene, where their names do not tell.
    weight
        Column of a score; every gene weighs 1 without it.

    Returns
    -------
    Edges with the disease in ``source`` and the gene in ``target``, and where the file has a column ``locus`` that too,
    so that tests can count a locus once; its account counts rows, those of other
    diseases, those that `keep` drops, empty ids, duplicates and genes.

    Raises
    ------
    ResourceError
        If there is no such file.
    UnknownNameError
        If a column, a disease or a value to keep is not in the file; says which may have been meant.
    InputError
        If genes are of another kind of id than asked for, or no row is left.
    FormatError
        If columns cannot be told, a weight is no number, or the file is damaged.

    Examples
    --------
    >>> import genelight as gl, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "toy.tsv"
    ...     _ = path.write_text("disease\tsymbol\nlupus\tIRF5\nlupus\tIRF5\nasthma\tORMDL3\n")
    ...     lupus = gl.io.read_gene_lists(path, disease="lupus")
    >>> lupus.table.to_dict("records")
    [{'source': 'lupus', 'target': 'IRF5', 'weight': 1.0}]
    """
    path = existing(Path(path))
    check_namespace(ids)
    layout = Layout.of(path)
    columns = {
        "source": layout.choose("source", source, _LABEL),
        "target": layout.choose("target", target, _GENE[ids]),
    }
    conditions = {column: layout.choose("keep", column, ()) for column in keep or {}}
    extra = {"weight": layout.choose("weight", weight, ())} if weight else {}
    locus = layout.usual(("locus",))
    if locus is not None:
        extra["locus"] = locus
    rows = Dropped(layout.read({**columns, **extra, **{f"keep {c}": c for c in conditions}}))
    _keep(rows, "source", disease, what="disease", path=path, reason="other diseases")
    for column, values in (keep or {}).items():
        _keep(rows, f"keep {column}", values, what=f"value of {column}", path=path, reason=f"other {column}")
    table = rows.table.assign(
        source=rows.table["source"].str.strip(),
        target=clean_ids(rows.table["target"], ids),
        weight=numbers(rows.table["weight"], str(weight), path) if weight else 1.0,
    )
    rows.table = table[["source", "target", "weight", *(["locus"] if locus else [])]]
    rows.where((rows.table["source"] == "") | (rows.table["target"] == ""), "empty ids")
    check_kind(rows.table["target"], ids, path)
    rows.table = rows.table.sort_values("weight", ascending=False, kind="stable")
    rows.where(rows.table.duplicated(["source", "target"]), "duplicates")
    rows.table = rows.table.sort_index()
    if rows.table.empty:
        counts = ", ".join(f"{n} {reason}" for reason, n in rows.account.items())
        msg = f"{path}: no gene is left ({counts}); widen disease or keep"
        raise InputError(msg)
    account = {**rows.account, "genes": rows.table["target"].nunique()}
    return Edges(name or plain_name(path), rows.table.reset_index(drop=True), ids, account)


def _keep(
    rows: Dropped, column: str, values: str | Sequence[str] | None, *, what: str, path: Path, reason: str
) -> None:
    if values is None:
        return
    wanted = [values] if isinstance(values, str) else [str(value) for value in values]
    there = rows.table[column].str.strip()
    known = pd.unique(there)
    for value in wanted:
        if value not in known:
            raise UnknownNameError(what, value, known, where=str(path))
    rows.where(~there.isin(wanted), reason)
