"""The page, and what its reader looks up: other names of genes, sets, neighbours, samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ... import nodes, report
from ..._core.disk import writing
from ..._core.tables import write_parquet, write_plain
from ...io.id_table import IdTable
from ...nouns import Edges, Module
from .._inputs import Inputs
from .._settings import Study
from .._template import to_toml
from ._step import Bench, step

HEAT_GENES = 100
FORMAT = 1


@step(
    "look_up",
    "writing what the report looks up",
    after=("prepare", "fit", "derive"),
    depends=lambda bench: [bench.contrast_digest, bench.inputs.priors, bench.study.data.ids],
    outputs=lambda _: [
        "01_aliases.tsv",
        "01_sets.parquet",
        "01_neighbours.parquet",
        "02_samples.tsv",
        "04_codes.parquet",
        "05_module_expression.parquet",
    ],
)
def look_up(bench: Bench) -> None:
    """Tables that the page searches and draws; nothing here is decided upon."""
    folder, inputs = bench.folder, bench.inputs
    genes, way = list(inputs.preparation.genes.ids), inputs.through
    leads = pd.DataFrame({"gene": genes, "target": genes}) if way is None else way.rows
    aliases = _aliases(genes, inputs.preparation.genes.namespace) if way is None else _genes_of(genes, leads)
    write_plain(folder / "01_aliases.tsv", aliases)
    sets = [edges.table.assign(collection=edges.name) for edges in inputs.sets]
    _keep(folder / "01_sets.parquet", "gene sets", _members(sets, leads))
    _keep(folder / "01_neighbours.parquet", "neighbours", _neighbours(inputs.network, genes))
    write_plain(folder / "02_samples.tsv", _samples(bench))
    x_ng = bench.values_ng
    codes = _codes(bench)
    if not any(str(column).startswith("PC.") for column in codes):
        codes = pd.concat([codes, _axes(x_ng)], axis=1)
    _keep(folder / "04_codes.parquet", "codes", codes)
    table = Module.load(folder / "05_module.tsv").table
    chosen = table.loc[table["selected"], "gene"].head(HEAT_GENES)
    columns = [genes.index(gene) for gene in chosen]
    heat = pd.DataFrame(x_ng[:, columns].T.astype(np.float32), columns=_numbers(len(x_ng)))
    heat.insert(0, "gene", list(chosen))
    _keep(folder / "05_module_expression.parquet", "module expression", heat)


@step(
    "report",
    "writing the report",
    after=None,
    depends=lambda bench: [bench.study.model_dump(mode="json")],
    outputs=lambda _: ["study.toml", "report.html", "report.json"],
)
def write_report(bench: Bench) -> None:
    """One page over everything that the run folder holds, its numbers, and the study as it was resolved."""
    # Settings first, for the page shows them.
    with writing(bench.folder / "study.toml") as draft:
        draft.write_text(to_toml(_resolved(bench.study, bench.inputs).seen_from(bench.folder)), encoding="utf-8")
    report.report(bench.folder)


def _resolved(study: Study, inputs: Inputs) -> Study:
    """The study with what was decided for the user written in."""
    network = study.network and study.network.model_copy(
        update={"name": inputs.network.name if inputs.network else None}
    )
    sets = [s.model_copy(update={"name": edges.name}) for s, edges in zip(study.sets, inputs.sets, strict=False)]
    widths = inputs.widths if inputs.reference is None else None
    model = study.model.model_copy(update={"widths": widths})
    contrast = study.contrast.model_copy(update={"name": inputs.contrast.name})
    return study.model_copy(update={"network": network, "sets": sets, "model": model, "contrast": contrast})


def _keep(path: Path, kind: str, table: pd.DataFrame) -> None:
    write_parquet(path, table.reset_index(drop=True), kind=kind, version=FORMAT, about={})


def _numbers(n: int) -> list[str]:
    return [str(i + 1) for i in range(n)]


def _aliases(genes: Sequence[str], namespace: str) -> pd.DataFrame:
    """Other names of each gene by the table that ships: its symbol of today first, then all others."""
    table = IdTable.shipped()
    symbols, aliases = table.names("symbol"), table.entrez_of("alias")
    # Data may have a symbol that has been withdrawn, which is an alias now.
    own = {**aliases, **table.entrez_of(namespace)} if namespace in table.kinds else {}
    if namespace == "entrez":
        own = {name: (gene,) for gene, name in table.names("entrez").items()}
    others: dict[int, list[str]] = {}
    for alias, found in aliases.items():
        for entrez in found:
            others.setdefault(entrez, []).append(alias)
    rows = []
    for gene in genes:
        found = own.get(gene, ())
        names = [symbols[found[0]], *others.get(found[0], [])] if len(found) == 1 and found[0] in symbols else []
        rows.append("|".join(dict.fromkeys(name for name in names if name != gene)))
    return pd.DataFrame({"gene": list(genes), "aliases": rows})


def _genes_of(features: Sequence[str], leads: pd.DataFrame) -> pd.DataFrame:
    """The genes that each feature leads to, by which it is found as well."""
    named = leads.groupby("gene")["target"].agg("|".join)
    return pd.DataFrame({"gene": list(features), "aliases": [named.get(feature, "") for feature in features]})


def _members(sets: Sequence[pd.DataFrame], leads: pd.DataFrame) -> pd.DataFrame:
    """Which measured genes, or features that lead to such, are in which set."""
    columns = ["collection", "source", "target"]
    joined = pd.concat([s[columns] for s in sets], ignore_index=True) if sets else pd.DataFrame(columns=columns)
    found = joined.merge(leads, on="target").drop(columns="target").rename(columns={"source": "set"})
    return found[["collection", "set", "gene"]].drop_duplicates().reset_index(drop=True).astype(str)


def _neighbours(network: Edges | None, genes: Sequence[str]) -> pd.DataFrame:
    """Edges of the network between measured genes, the heaviest first."""
    if network is None:
        return pd.DataFrame({"source": [], "target": [], "weight": []}).astype({"source": str, "target": str})
    table = network.table[["source", "target", "weight"]]
    table = table[table["source"].isin(genes) & table["target"].isin(genes)]
    return table.sort_values("weight", ascending=False, kind="stable")


def _samples(bench: Bench) -> pd.DataFrame:
    """One row per sample under a running number: id, subject, group, and the sample table."""
    adata, contrast = bench.inputs.adata, bench.inputs.contrast
    group = np.where(contrast.case_n, "case", np.where(contrast.control_n, "control", "neither"))
    first = {"number": _numbers(adata.n_obs), "sample_id": list(adata.obs_names)}
    first |= {"subject_id": [str(s) for s in contrast.subject_n], "contrast_group": list(group)}
    kept = adata.obs.drop(columns=[c for c in first if c in adata.obs])
    return pd.concat([pd.DataFrame(first), kept.reset_index(drop=True)], axis=1)


def _axes(x_ng: np.ndarray, *, most: int = 3) -> pd.DataFrame:
    """Where a map shows each sample, of a study that fits no PCA: the first principal components of its genes."""
    from sklearn.decomposition import PCA

    place_nk = PCA(min(most, *x_ng.shape), svd_solver="randomized", random_state=0).fit_transform(x_ng)
    return pd.DataFrame(place_nk.astype(np.float32), columns=[f"axis.{k}" for k in range(place_nk.shape[1])])


def _codes(bench: Bench) -> pd.DataFrame:
    """Every sample's activation of every node, and its principal and independent components."""
    parts = {"number": _numbers(bench.inputs.adata.n_obs)}
    table = [pd.DataFrame(parts)]
    for model in bench.models():
        for layer, width in model.widths.items():
            h_nk = nodes.encode(bench.inputs.adata, model, layer=layer)
            table.append(pd.DataFrame(h_nk.astype(np.float32), columns=[f"{layer}.{k}" for k in range(width)]))
    return pd.concat(table, axis=1)
