"""Tables from probe, or any other id, to gene, as users have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import pandas as pd

from .._core.fetch import fetch
from .._core.provenance import file_digest
from ..errors import FormatError, InputError, UnknownNameError, first_three
from ..io._files import existing
from ..io.id_kinds import detect_ids
from ..io.text._lines import cut_line, lines
from ..io.text._signs import NO_ID
from ..nouns import Edges

__all__ = ["UserTable", "read_id_table"]

# Several genes of one probe, as GEO, Affymetrix, Illumina and Bioconductor write them.
_BETWEEN_GENES = r"\s*(?:///|//|[;,|])\s*"
_ID_COLUMNS = (
    *("probe set id", "probeset_id", "probe_id", "probeid", "probe", "id", "ensembl_gene_id", "ensembl"),
    *("feature", "cpg", "ilmnid", "uniprot", "protein", "hmdb", "hmdb_id", "metabolite", "mirna"),
)
# An Entrez id stays what it is when a symbol is withdrawn, so it is preferred where a table has both.
_GENE_COLUMNS = (
    *("entrez", "entrezid", "entrez_id", "entrez_gene_id", "entrez gene", "entrezgene", "gene id", "gene_id"),
    *("symbol", "gene symbol", "gene_symbol", "genesymbol", "hgnc_symbol", "ilmn_gene", "gene", "gene_name"),
    "ucsc_refgene_name",
)


@dataclass(frozen=True)
class UserTable:
    """Ids and genes as a user's file pairs them: columns ``id`` and ``gene``, a row for each pair."""

    rows: pd.DataFrame
    name: str

    @property
    def gene_kind(self) -> str:
        """Kind of id its genes have."""
        return detect_ids(self.rows["gene"]).kind

    @property
    def edges(self) -> Edges:
        """Ids as sources and genes as targets, for :func:`genelight.pp.to_genes`."""
        table = pd.DataFrame({"source": self.rows["id"], "target": self.rows["gene"], "weight": 1.0})
        return Edges(self.name, table, self.gene_kind)

    def __str__(self) -> str:
        return self.name


def read_id_table(path: str | Path, *, ids: str | None = None, genes: str | None = None) -> UserTable:
    r"""Read a table from probe, or any other id, to gene.

    Two columns are enough. GEO's platform tables (``GPL570.annot.gz``, ``GPL570-55999.txt``, family files in SOFT),
    Affymetrix' annotation and Illumina's manifests (``.bgx``), GSEA's ``.chip`` files and what Bioconductor's
    annotation packages print are known by their headers. Several genes in one cell stand apart by ``///``, ``//``,
    ``;``, ``,`` or ``|``.

    Parameters
    ----------
    path
        CSV or TSV, plain or gzip; or the name of a GEO platform, such as ``"GPL570"``, whose table is fetched once.
    ids, genes
        Columns, where their names do not tell. Genes are symbols (old ones too), Entrez or Ensembl ids.

    Raises
    ------
    ResourceError
        If there is no such file, or GEO's cannot be had.
    FormatError
        If columns cannot be told or the file is damaged.
    UnknownNameError
        If a column asked for is not there.
    InputError
        If no id has a gene.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from genelight.pp.user_table import read_id_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "chip.tsv"
    ...     _ = path.write_text("ID\tGene symbol\n1007_s_at\tMIR4640///DDR1\n1053_at\tRFC2\nAFFX-1_at\t\n")
    ...     read_id_table(path).rows.to_dict("list")
    {'id': ['1007_s_at', '1007_s_at', '1053_at'], 'gene': ['MIR4640', 'DDR1', 'RFC2']}
    """
    named = re.fullmatch(r"GPL\d+", str(path)) and not Path(path).exists()
    path = fetch(str(path))[0] if named else existing(Path(path))
    with lines(path) as text:
        rows = _rows(path, text)
        header = [cell.strip() for cell in next(rows)]
        id_column, gene_column = _columns(header, ids, genes, path=path)
        places = (header.index(id_column), header.index(gene_column))
        table = pd.DataFrame(_pairs(rows, places, path), columns=["id", "gene"])
    table["gene"] = table["gene"].str.split(_BETWEEN_GENES, regex=True)
    table = table.explode("gene", ignore_index=True)
    table["gene"] = table["gene"].str.strip()
    table = table[~table["gene"].isin(NO_ID) & ~table["id"].isin(NO_ID)].drop_duplicates(ignore_index=True)
    if table.empty:
        msg = f"{path}: no id of column {id_column!r} has a gene in column {gene_column!r}; say which columns are meant"
        raise InputError(msg)
    return UserTable(table, f"{path.name}, sha256 {file_digest(path)}")


def _rows(path: Path, text: Iterable[str]) -> Iterator[list[str]]:
    """Header and rows."""
    inside = _inside(text)
    first = next(inside, "")
    separator = next((s for s in ("\t", ",", ";") if s in first), None)
    if separator is None:
        msg = f"{path} has no header with two or more columns; a table needs one for ids and one for genes"
        raise FormatError(msg)
    cut = _cut_tabs if separator == "\t" else partial(cut_line, separator=separator)
    yield from (cut(line) for line in chain([first], inside))


def _cut_tabs(line: str) -> list[str]:
    """Cells between tabs; a quote is one of the text (5'- or 3") unless it is around a whole cell."""
    cells = (cell.strip() for cell in line.split("\t"))
    return [cell[1:-1].strip() if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell for cell in cells]


def _inside(lines: Iterable[str]) -> Iterator[str]:
    """Lines of the table, without what GEO, Affymetrix and Illumina write around it."""
    inside = True
    for line in lines:
        if line.startswith("["):
            inside = line.strip().lower() == "[probes]"
        elif line.lower().startswith("!platform_table_end"):
            return
        elif inside and line.strip() and not line.startswith(("#", "^", "!")):
            yield line


def _pairs(rows: Iterator[list[str]], places: tuple[int, int], path: Path) -> Iterator[tuple[str, str]]:
    for number, cells in enumerate(rows, start=1):
        if len(cells) <= max(places):
            msg = f"{path}: data row {number} has only {len(cells)} cells ({first_three(cells)}); fetch the file again"
            raise FormatError(msg)
        yield cells[places[0]].strip(), cells[places[1]]


def _columns(header: Sequence[str], ids: str | None, genes: str | None, *, path: Path) -> tuple[str, str]:
    for asked in (ids, genes):
        if asked is not None and asked not in header:
            raise UnknownNameError("column", asked, header, where=str(path))
    named = [column for column in header if column]
    id_column = ids or _usual(named, _ID_COLUMNS, but=genes)
    gene_column = genes or _usual(named, _GENE_COLUMNS, but=id_column)
    if len(named) == 2:
        id_column = id_column or next(c for c in named if c != gene_column)
        gene_column = gene_column or next(c for c in named if c != id_column)
    if id_column is None or gene_column is None:
        msg = (
            f"{path}: cannot tell the columns of id and gene among {first_three(map(repr, named), n=8)}; "
            "call them id and gene in the line of names"
        )
        raise FormatError(msg)
    return id_column, gene_column


def _usual(columns: Sequence[str], usual: Sequence[str], *, but: str | None) -> str | None:
    by_lower = {column.lower(): column for column in reversed(columns) if column != but}
    return next((by_lower[name] for name in usual if name in by_lower), None)
