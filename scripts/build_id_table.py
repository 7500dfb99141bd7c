"""Build the gene id table that ``genelight.io`` ships, from Bioconductor's org.Hs.eg.db and STRING.

    apt-get download r-bioc-org.hs.eg.db
    python scripts/build_id_table.py r-bioc-org.hs.eg.db_3.16.0-1_all.deb string_v12_ensp_symbols.csv.gz

The first argument is Debian's package, or the ``org.Hs.eg.sqlite`` inside any release of org.Hs.eg.db; the
second a table of STRING's proteins with the columns ``symbol, ensp``, since org.Hs.eg.db holds few of the
proteins that STRING is made of. Where the facts come from, on which terms, and how the table differs from its
sources stands in ``src/genelight/io/data/README.md``. The file written is the same to the byte on every run with
the same versions of the libraries; its stamp holds sources, versions, licences and digests.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from genelight._core.provenance import file_digest
from genelight._core.tables import write_parquet

OUT = Path(__file__).parents[1] / "src" / "genelight" / "io" / "data" / "genes.parquet"
INSIDE = "usr/lib/R/site-library/org.Hs.eg.db/extdata/org.Hs.eg.sqlite"
# One row per id and gene. Rows of one kind come in the order in which they are preferred where a gene has several.
QUERIES = {
    "symbol": "SELECT symbol, _id FROM gene_info",
    "alias": "SELECT alias_symbol, _id FROM alias JOIN gene_info USING (_id) WHERE alias_symbol <> symbol",
    "ensembl": """
        SELECT ensembl_id, _id, symbol, gene_type, COALESCE(ncbi, 0) + COALESCE(ours, 0) AS agreed
        FROM ensembl JOIN gene_info USING (_id) JOIN genetype USING (_id)
        LEFT JOIN (SELECT DISTINCT _id, ensembl_id, 1 AS ncbi FROM ncbi2ensembl) USING (_id, ensembl_id)
        LEFT JOIN (SELECT DISTINCT _id, ensembl_id, 1 AS ours FROM ensembl2ncbi) USING (_id, ensembl_id)
        ORDER BY agreed DESC, ensembl_id, _id""",
    "ensp": "SELECT prot_id, _id FROM ensembl_prot",
    "enst": "SELECT trans_id, _id FROM ensembl_trans",
    "uniprot": "SELECT uniprot_id, _id FROM uniprot",
    "refseq": "SELECT accession, _id FROM refseq WHERE accession LIKE 'NM~_%' ESCAPE '~'"
    " OR accession LIKE 'NR~_%' ESCAPE '~'",
}
# Regulatory regions, and loci known from a phenotype alone, have gene ids at NCBI but no expression; some of the
# loci bear the symbol of a real gene (HBD, TEC).
GENES = (
    "SELECT _id, gene_id FROM genes JOIN genetype USING (_id) WHERE gene_type NOT IN ('biological-region', 'unknown')"
)


def rows(database: sqlite3.Connection) -> pd.DataFrame:
    """All ids of all kinds: columns kind, id, entrez."""
    genes = pd.read_sql_query(GENES, database)
    parts = []
    for kind, query in QUERIES.items():
        part = pd.read_sql_query(query, database).merge(genes, on="_id").drop(columns="_id")
        part = part.rename(columns={part.columns[0]: "id", "gene_id": "entrez"})
        part = part.astype({"entrez": "int32"}).drop_duplicates()
        part = decided(part) if kind == "ensembl" else part.sort_values(["id", "entrez"], kind="stable")
        parts.append(part.assign(kind=kind))
    table = pd.concat(parts, ignore_index=True)[["kind", "id", "entrez"]]
    return table.astype({"kind": pd.CategoricalDtype(list(QUERIES))})


def decided(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs of Ensembl id and gene that are left when the doubtful ones of an id make room for better ones.

    A gene that overlaps another is often listed under the id of both. In turn, an approved symbol goes before a LOC
    entry, a pair on which NCBI and Ensembl agree before one that only one of them lists, a gene that has no other
    id before one that has an id of its own, and a protein-coding gene before another. What none of these tells apart
    stays.
    """
    several = pairs["id"].duplicated(keep=False)
    worse = pd.DataFrame(
        {
            "loc": pairs["symbol"].str.fullmatch(r"LOC\d+").astype(int),
            "disputed": 2 - pairs["agreed"],
            "elsewhere": pairs["entrez"].isin(pairs.loc[~several, "entrez"]).astype(int),
            "no protein": pairs["gene_type"].ne("protein-coding").astype(int),
        }
    )
    for rule in worse:
        left = worse.loc[pairs.index, rule]
        pairs = pairs[left == left.groupby(pairs["id"]).transform("min")]
    return pairs


def add_proteins(table: pd.DataFrame, proteins: pd.DataFrame) -> pd.DataFrame:
    """The table with the proteins whose symbol belongs to one gene and that it does not hold yet."""
    known = set(table.loc[table["kind"] == "ensp", "id"])
    genes = pd.concat([table[table["kind"] == kind] for kind in ("symbol", "alias")])
    # A current symbol goes before the same text as another gene's alias.
    genes = genes[genes["kind"].eq("symbol") | ~genes["id"].isin(genes.loc[genes["kind"].eq("symbol"), "id"])]
    gene_of = genes.drop_duplicates("id", keep=False).set_index("id")["entrez"]
    new = proteins[~proteins["ensp"].isin(known)].assign(entrez=lambda t: t["symbol"].map(gene_of)).dropna()
    new = new.assign(kind="ensp", id=new["ensp"], entrez=new["entrez"].astype("int32"))
    joined = pd.concat([table.astype({"kind": str}), new[["kind", "id", "entrez"]].drop_duplicates()])
    joined["kind"] = joined["kind"].astype(table["kind"].dtype)
    return joined.sort_values("kind", kind="stable", ignore_index=True)


def about(database: sqlite3.Connection, sources: dict[str, Path]) -> dict[str, str]:
    """What the stamp says of the sources."""
    dates = dict(database.execute("SELECT name, value FROM metadata"))
    return {
        "name": " + ".join(sources),
        "genes": f"NCBI Gene, {dates['EGSOURCEDATE']}",
        "ensembl": f"Ensembl, {dates['ENSOURCEDATE']}",
        "uniprot": f"UniProt, {dates['UPSOURCEDATE']}",
        "licence": "Artistic-2.0 (org.Hs.eg.db, Bioconductor); CC BY 4.0 (STRING, UniProt)",
        "sources": "; ".join(f"{path.name} sha256 {file_digest(path)}..." for path in sources.values()),
    }


def main() -> None:
    """Read the sources, write the table, print what it holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("genes", type=Path, help="Debian's r-bioc-org.hs.eg.db, or org.Hs.eg.sqlite")
    parser.add_argument("proteins", type=Path, help="CSV of STRING's proteins: symbol, ensp")
    parser.add_argument("--version", help="of org.Hs.eg.db; by default from the package's name")
    arguments = parser.parse_args()
    source = arguments.genes
    version = arguments.version or source.name.partition("_")[2].partition("-")[0]
    if not version:
        sys.exit("the version cannot be told from the file's name; add --version 3.16.0")
    sources = {f"org.Hs.eg.db {version}": source, "STRING v12 proteins": arguments.proteins}
    with tempfile.TemporaryDirectory() as folder:
        path = source
        if source.suffix == ".deb":
            subprocess.run(["dpkg-deb", "-x", str(source), folder], check=True)  # noqa: S603, S607
            path = Path(folder) / INSIDE
        with sqlite3.connect(path) as database:
            table, stamp = rows(database), about(database, sources)
    table = add_proteins(table, pd.read_csv(arguments.proteins, dtype=str))
    write_parquet(OUT, table, kind="gene id table", version=1, about=stamp)
    sys.stdout.write(f"{table['kind'].value_counts().to_string()}\n")
    sys.stdout.write(f"{OUT}: {OUT.stat().st_size:,} bytes, digest {file_digest(OUT)}\n")


if __name__ == "__main__":
    main()
