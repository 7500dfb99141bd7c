"""Rebuild the data embedded in ``genelight.demo`` from their downloaded sources.

    python scripts/build_demo_data.py SOURCE_FOLDER

SOURCE_FOLDER holds, in any of its sub-folders, the files named in ``SOURCES``; where each comes from and on
which terms stands in ``src/genelight/demo/data/README.md``. The files written are the same to the byte on
every run with the same versions of the libraries; ``manifest.json`` records digests of sources and results.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from anndata import AnnData
from anndata.io import write_elem

import genelight.io as gio
from genelight.nouns import Edges

DATA = Path(__file__).parents[1] / "src" / "genelight" / "demo" / "data"
SOURCES = {
    "cohort": "flu_challenge_GSE30550.h5ad",
    "edges": "string_v12_physical900_ensp.csv.gz",
    "symbols": "string_v12_ensp_symbols.csv.gz",
    "sets": "reactome.gmt.gz",
}


def build_cohort(source: Path) -> Path:
    """Store the matrix as whole thousandths, losing nothing: the source has three decimals."""
    adata = gio.read(source)
    thousandths = np.rint(adata.X.astype(np.float64) * 1000)
    if not np.array_equal((thousandths / 1000).astype(np.float32), adata.X):
        sys.exit(f"{source} has more than three decimals; the file would not hold it exactly")
    path = DATA / "influenza_GSE30550.h5ad"
    with h5py.File(path, "w") as file:
        write_elem(file, "/", AnnData(obs=adata.obs, var=adata.var, uns=adata.uns))
        packed = {"compression": "gzip", "compression_opts": 9, "shuffle": True, "chunks": (adata.n_obs, 64)}
        write_elem(file, "X", thousandths.astype(np.uint16), dataset_kwargs=packed)
    return path


def map_to_symbols(network: Edges, symbols: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Replace each protein by one symbol: where genes share a protein (histones), the shortest, then the first.

    Giving such an edge to every gene of the protein would draw complete blocks that no experiment saw.
    """
    ranked = symbols.assign(length=symbols["symbol"].str.len()).sort_values(["length", "symbol"])
    symbol_of = ranked.drop_duplicates("ensp").set_index("ensp")["symbol"]
    table = network.table
    proteins = pd.unique(table[["source", "target"]].to_numpy().ravel())
    shared = set(symbols.loc[symbols["ensp"].duplicated(), "ensp"])
    mapped = pd.DataFrame({c: table[c].map(symbol_of) for c in ("source", "target")}).dropna()
    ordered = pd.DataFrame(np.sort(mapped.to_numpy(str), axis=1), columns=["source", "target"])
    edges = ordered[ordered["source"] != ordered["target"]].drop_duplicates().sort_values(["source", "target"])
    account = {
        "protein edges": len(table),
        "proteins": len(proteins),
        "proteins without a symbol": int((~pd.Index(proteins).isin(symbol_of.index)).sum()),
        "proteins of several genes": len(shared.intersection(proteins)),
        "edges without a symbol": len(table) - len(mapped),
        "self loops and duplicates": len(ordered) - len(edges),
        "edges": len(edges),
        "genes": len(pd.unique(edges.to_numpy().ravel())),
    }
    return edges, account


def write_pairs(table: pd.DataFrame, name: str) -> Path:
    """Write two columns as gzip TSV without a time stamp, so that equal content is an equal file."""
    text = io.StringIO()
    table[["source", "target"]].to_csv(text, sep="\t", index=False, lineterminator="\n")
    path = DATA / f"{name}.tsv.gz"
    path.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))
    return path


def describe(path: Path, sources: list[Path], **facts: object) -> dict[str, object]:
    """One entry of the manifest."""
    digests = {source.name: hashlib.sha256(source.read_bytes()).hexdigest() for source in sources}
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "sources": digests, **facts}


def main() -> None:
    """Build the three files and the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source_folder", type=Path)
    folder = parser.parse_args().source_folder
    found = {role: next(folder.rglob(name), None) for role, name in SOURCES.items()}
    absent = [SOURCES[role] for role, path in found.items() if path is None]
    if absent:
        sys.exit(f"not found under {folder}: {', '.join(absent)}")
    source = {role: path for role, path in found.items() if path is not None}

    cohort = build_cohort(source["cohort"])
    proteins = gio.read_network(source["edges"], ids="ensp")
    edges, account = map_to_symbols(proteins, pd.read_csv(source["symbols"], keep_default_na=False))
    network = write_pairs(edges, "string_v12_physical900")
    pathways = gio.read_sets(source["sets"])
    sets = write_pairs(pathways.table, "reactome")
    manifest = {
        "influenza": describe(cohort, [source["cohort"]], name="Influenza H3N2 challenge (GSE30550)"),
        "string_v12_physical900": describe(
            network,
            [source["edges"], source["symbols"]],
            name="STRING v12 physical, score >= 900 (CC BY 4.0)",
            account=account,
        ),
        "reactome": describe(
            sets, [source["sets"]], name="Reactome, 1615 pathways (CC BY 4.0)", account=dict(pathways.account)
        ),
    }
    (DATA / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
