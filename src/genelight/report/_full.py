"""The full tables of a run, read from its files where they are asked for: searched, sorted, by pages, as CSV."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from .._core.tables import read_tsv
from ..errors import FormatError, InputError, UnknownNameError, first_three
from ..nouns.labels import set_label
from ._read import Run
from ._render import page

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds

PAGE = 100
MOST = 10_000  # rows that are paged through; to hold more in order takes the memory of all
MOST_WORDS = 20
IN_ORDER = 500_000  # rows that are put in order for a file
BATCH = 16_384
ROW = "__row__"


@dataclass(frozen=True)
class Table:
    """One kind of table: what it is called, the files it needs, its usual order, what it is of, columns on the page."""

    title: str
    files: str
    sort: str = ""
    down: bool = False
    of_one: bool = False
    columns: tuple[str, ...] = ()


TEST = ("test", "q", "p", "effect", "statistic", "n", "null_mean", "null_sd", "draws", "seed")
TABLES = {
    "genes": Table("Every gene by the module's score", "05_module.tsv"),
    "nodes": Table("Every node", "04_nodes.tsv"),
    "node": Table("Every gene of node", "04_nodes_*.parquet", sort="value", down=True, of_one=True),
    "gene": Table("Every node's value of", "04_nodes_*.parquet", sort="value", down=True, of_one=True),
    "tests": Table("Every test of", "06_evidence.parquet", sort="q", of_one=True, columns=("reference", *TEST)),
    "set": Table("Everything tested against", "06_evidence.parquet", sort="q", of_one=True, columns=("tested", *TEST)),
}
"""By the last part of their address."""


@dataclass(frozen=True)
class Query:
    """What is asked of a table.

    Parameters
    ----------
    of
        The node, gene or set that it is of.
    words
        Every row shown has each of them in one of its texts.
    sort
        Column to sort by; the file's order otherwise.
    down
        Whether the largest stands first.
    page
        From 1.
    """

    of: str = ""
    words: str = ""
    sort: str = ""
    down: bool = False
    page: int = 1


def at_hand(folder: Path) -> list[str]:
    """Names of the tables that a run folder has the files for."""
    return [name for name, table in TABLES.items() if any(folder.glob(table.files))]


def page_of(folder: Path, name: str, query: Query) -> str:
    """One page of a table as HTML.

    Raises
    ------
    InputError
        If there is no such node, gene, set or column.
    FormatError
        If a file is damaged.
    """
    table = TABLES[name]
    source, shown, query = _asked(folder, name, query)
    total = shown.count_rows()
    last = max(1, -(-min(total, MOST) // PAGE))
    query = replace(query, page=min(max(1, query.page), last))
    rows = _first(shown, query, n=query.page * PAGE).slice((query.page - 1) * PAGE)
    rows = rows.select(list(table.columns)) if table.columns else rows
    of = set_label(query.of)[1] if name == "set" else query.of
    shown_as = {
        "run": folder.resolve().name,
        "title": f"{table.title} {of}" if table.of_one else table.title,
        "name": name,
        "columns": [{"name": field.name, "number": not _is_text(field)} for field in rows.schema],
        "rows": [list(row.values()) for row in rows.to_pylist()],
        "query": query,
        "total": total,
        "of_all": source.count_rows(),
        "last": last,
        "most": MOST if total > MOST else None,
        "in_order": total <= IN_ORDER,
        "kept": _kept(folder) if name in ("tests", "set") else [],
    }
    return page("full.html.j2", shown_as)


def csv_of(folder: Path, name: str, query: Query) -> IO[bytes]:
    """Every row that is asked for as CSV, in an open file that is gone when it is closed.

    Raises
    ------
    InputError
        If there is no such node, gene, set or column.
    FormatError
        If a file is damaged.
    """
    from pyarrow import csv

    source, shown, query = _asked(folder, name, query)
    total = shown.count_rows()
    file = TemporaryFile()  # noqa: SIM115  closed by who sends it
    with csv.CSVWriter(file, source.schema) as writer:
        if total <= IN_ORDER:
            writer.write_table(_first(shown, query, n=total))
        else:
            for batch in shown.to_batches(batch_size=BATCH, batch_readahead=1):
                writer.write_batch(batch)
    return file


def _asked(folder: Path, name: str, query: Query) -> tuple[ds.Dataset, ds.Dataset, Query]:
    """A table, its rows in which the words are, and the order: its usual one where none is asked for."""
    source = _opened(folder, name, query.of)
    if not query.sort:
        query = replace(query, sort=TABLES[name].sort, down=TABLES[name].down)
    elif query.sort not in source.schema.names:
        raise UnknownNameError("column", query.sort, source.schema.names)
    return source, _holding(source, query.words), query


def _opened(folder: Path, name: str, of: str) -> ds.Dataset:
    """A table where it lies; Parquet is read a batch at a time."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    files = sorted(folder.glob(TABLES[name].files))
    if not files:
        msg = f"{folder} has no {TABLES[name].files}; the run did not come to this table, or lost it"
        raise InputError(msg)
    try:
        if name == "genes":
            return ds.dataset(pa.Table.from_pandas(_genes(folder), preserve_index=False))
        if name == "nodes":
            table = Run(folder).table(files[0].name, ("node", "layer"))
            if table is None:
                msg = f"{files[0]} is empty; run the same study with --out {folder} again"
                raise FormatError(msg)
            return ds.dataset(pa.Table.from_pandas(table, preserve_index=False))
        if name in ("node", "gene"):
            return ds.dataset(_genes_of_node(files, of) if name == "node" else _nodes_of_gene(files, of))
        source = ds.dataset(files[0]).filter(ds.field("tested" if name == "tests" else "reference") == of)
    except (pa.ArrowException, OSError) as error:
        msg = f"{first_three([str(file) for file in files])} is not readable: {error}"
        raise FormatError(msg) from error
    if not source.count_rows():
        msg = f"{files[0]} has no test {'of' if name == 'tests' else 'against'} {of!r}"
        raise InputError(msg)
    return source


def _genes(folder: Path) -> pd.DataFrame:
    """The module's whole table, with the statistics and other names of its genes."""
    run = Run(folder)
    table, _ = read_tsv(folder / "05_module.tsv", kind="module", newest=1, text=("gene",))
    further = (run.statistics, run.table("01_aliases.tsv", ("gene", "aliases")))
    for more in further:
        if more is not None:
            new = ["gene", *(c for c in more if c not in table)]
            table = table.merge(more[new].astype({"gene": str}), on="gene", how="left")
    return table


def _genes_of_node(files: Sequence[Path], node: str) -> pa.Table:
    import pyarrow.parquet as pq

    nodes = {name: file for file in files for name in pq.read_schema(file).names if name != "gene"}
    if node not in nodes:
        raise UnknownNameError("node", node, nodes)
    return pq.read_table(nodes[node], columns=["gene", node]).rename_columns(["gene", "value"])


def _nodes_of_gene(files: Sequence[Path], gene: str) -> pa.Table:
    """A gene's value in every node of every layer, from one row of each file."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    found: dict[str, float] = {}
    for file in files:
        here = ds.dataset(file).scanner(filter=ds.field("gene") == gene, batch_size=1024, batch_readahead=1)
        for row in here.to_table().drop_columns("gene").to_pylist():
            found |= row
    if not found:
        msg = f"no node of {files[0].parent} was read for a gene {gene!r}"
        raise InputError(msg)
    return pa.table({"node": list(found), "value": pa.array(found.values(), pa.float32())})


def _kept(folder: Path) -> list[str]:
    """Which tests of gene sets the run has kept, as its evidence says of itself."""
    import pyarrow.parquet as pq

    stamp = json.loads((pq.read_schema(folder / "06_evidence.parquet").metadata or {}).get(b"genelight", b"{}"))
    about = stamp.get("about") or {}
    return sorted(
        {str(facts["rows kept"]) for facts in about.values() if isinstance(facts, dict) and "rows kept" in facts}
    )


def _is_text(field: pa.Field) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_string(field.type) or kinds.is_large_string(field.type) or kinds.is_dictionary(field.type))


def _holding(source: ds.Dataset, words: str) -> ds.Dataset:
    """Rows in whose texts every word is, each in any of them."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    texts = [ds.field(field.name).cast(pa.string()) for field in source.schema if _is_text(field)]
    asked = list(dict.fromkeys(words.split()))
    if len(asked) > MOST_WORDS:
        # Each is a filter of a filter.
        msg = f"{len(asked)} words are asked for; ask for {MOST_WORDS} at most"
        raise InputError(msg)
    for word in asked:
        source = source.filter(reduce(or_, [pc.match_substring(text, word, ignore_case=True) for text in texts]))
    return source


def _first(source: ds.Dataset, query: Query, *, n: int) -> pa.Table:
    """The first `n` rows in the order asked for; no more than these and a batch are held."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not query.sort:
        return source.head(n, batch_size=BATCH, batch_readahead=1)
    keys = [(query.sort, "descending" if query.down else "ascending"), (ROW, "ascending")]
    best, seen = None, 0
    for batch in source.to_batches(batch_size=BATCH, batch_readahead=1):
        # Of rows that are alike the one that stands first in the file comes first.
        part = pa.Table.from_batches([batch]).append_column(ROW, pa.array(range(seen, seen + len(batch))))
        seen += len(batch)
        held = part if best is None else pa.concat_tables([best, part])
        best = held.take(pc.select_k_unstable(held, k=min(n, len(held)), sort_keys=keys)) if len(held) else held
    return best.drop_columns(ROW) if best is not None else source.head(0)
