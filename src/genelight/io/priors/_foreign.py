"""Tables that are not expression, and the verb that reads each."""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import FormatError
from ..id_kinds import detect_ids
from ..text._lines import InMemory, cut_line, head
from ..text._signs import is_number

_PAIRS = (
    {"source", "target"},
    {"protein1", "protein2"},
    {"node1", "node2"},
    {"gene1", "gene2"},
    {"symbol1", "symbol2"},
    {"entrez1", "entrez2"},
    {"ensp1", "ensp2"},
    {"from", "to"},
)
_LABELS = {"disease", "disease_name", "diseasename", "doid_name", "trait", "category", "diseaseid"}
_GENES = {"symbol", "gene", "genes", "gene_symbol", "genesymbol", "entrez", "entrez_id", "geneid", "gene_id", "ensembl"}
_STATISTICS = {
    "pval",
    "pvalue",
    "p",
    "p_value",
    "p.value",
    "qval",
    "fdr",
    "padj",
    "adj.p.val",
    "logfc",
    "log2foldchange",
}
_PROBES = {"id", "probe", "probeid", "probe_id", "probe set id", "ensembl", "ensembl_id", "gene_id"}
# Long tables have few columns.
_FEW = 16
_SETS = "genelight.io.read_sets"
_NETWORK = "genelight.io.read_network"


def check_expression(path: Path | InMemory) -> None:
    """Stop where the first lines are those of gene sets, a network, disease genes or an id map.

    Raises
    ------
    FormatError
        If they are; names the verb that reads them.
    """
    lines = [line for line in head(path, 30) if line.strip() and not line.startswith("#")]
    if len(lines) < 2:
        return
    separator = next((s for s in ("\t", ",", ";", " ") if s in lines[0]), "\t")
    rows = [cut_line(line, separator) for line in lines]
    what = _sets(rows, separator) or _edges(rows) or _columns(rows)
    if what:
        msg = f"{path} holds {what}"
        raise FormatError(msg)


def _sets(rows: list[list[str]], separator: str) -> str | None:
    """GMT: lines of unequal length, a set and a description before genes."""
    members = [cell for row in rows for cell in row[2:12] if cell]
    unequal = len({len(row) for row in rows}) > 1
    if separator == "\t" and unequal and members and all(len(row) > 2 for row in rows):
        numbers = sum(is_number(cell) for cell in members)
        kind = detect_ids(members).kind
        entrez = kind == "entrez" and not any("." in cell for cell in members) and not is_number(rows[0][1])
        if entrez or (kind in ("symbol", "ensembl") and not numbers):
            return f"gene sets (GMT), not expression; read them with {_SETS}(path)"
    return None


def _edges(rows: list[list[str]]) -> str | None:
    """A network with a header, or SIF."""
    header = {cell.strip().lower().removeprefix("#") for cell in rows[0]}
    if len(rows[0]) <= _FEW and any(pair <= header for pair in _PAIRS):
        return f"the edges of a network, not expression; read it with {_NETWORK}(path)"
    relations = {row[1] for row in rows if len(row) == 3}
    if len(relations) == 1 and all(len(row) == 3 for row in rows) and len(relations.pop()) <= 4:
        return f"the edges of a network (SIF), not expression; read it with {_NETWORK}(path), named .sif"
    return None


def _columns(rows: list[list[str]]) -> str | None:
    """Long tables of genes by disease, and maps from one id to another."""
    header = [cell.strip().lower() for cell in rows[0]]
    if len(header) > _FEW:
        return None
    if any(re.match(r"(.*[ _.])?(sample|patient|subject|donor)", cell) for cell in header):
        return None  # a row for each gene and sample
    if _LABELS.intersection(header) and _GENES.intersection(header):
        return "genes by disease or set, not expression; read them with genelight.io.read_gene_lists(path)"
    if _STATISTICS.intersection(header):
        return (
            f"statistics of genes (column {sorted(_STATISTICS.intersection(header))[0]!r}), not expression of samples; "
            "read their p values with genelight.io.read_gene_pvalues(path)"
        )
    if len(header) <= 4 and (_GENES | {"entrezid"}).intersection(header) and _PROBES.intersection(header):
        return "a map between two kinds of gene id, not expression; give it to genelight.pp.map_ids as its table"
    return None
