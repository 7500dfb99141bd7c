"""Further evidence: association, novelty, proximity, profiles, groups."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

import genelight as gl

from .._core.tables import write_plain
from ..errors import FormatError, ResourceError
from ._cohort import RescaledPeopled
from ._command import Result, command, note
from ._evidence import (
    Batch,
    FeatureGenes,
    Label,
    Network,
    SetsFile,
    Tested,
    Top,
    cut_network,
    expression,
    nodes_or_module,
    saved,
    sets_of,
    size_of,
)
from ._shared import File, ModelFolder, Seed, fresh

commands = typer.Typer(rich_help_panel="Evidence")

Nodes = Annotated[Path, typer.Argument(help="what light-up wrote (.parquet)")]


@command(commands, "genelight association module.tsv --pvalues gwas.genes.out --out association.parquet")
def association(
    path: Tested,
    pvalues: Annotated[list[Path], typer.Option("--pvalues", help="gene-level p values (MAGMA, PASCAL, TSV); repeat")],
    out: File,
    ids: Annotated[str | None, typer.Option(help="kind of gene id in the files; mapped where it is another")] = None,
    table: Annotated[Path | None, typer.Option(help="expression: match genes on mean and variance")] = None,
    top: Top = "1000",
    feature_genes: FeatureGenes = None,
) -> Result:
    """Test nodes or a module against gene-level p values of diseases, and all of these together."""
    tested = nodes_or_module(path, feature_genes)
    fresh(out)
    x_ng = None if table is None else expression(gl.read(table, dense=True), tested.genes)
    kind = tested.genes.namespace
    studies = [_with_ids(gl.io.read_gene_pvalues(file, ids=ids or kind), kind) for file in pvalues]
    found = gl.evidence.genetic_association(tested, studies, n_top=size_of(top), x_ng=x_ng)
    for name, facts in found.about["genetic_association"].items():
        told = ", ".join(f"{what} {value}" for what, value in facts.items() if isinstance(value, int | str))
        note(f"{name}: {told}")
    return _told(found, out)


@command(
    commands, "genelight novelty n.parquet --reproducibility r.tsv --second b.h5ad --evidence e.parquet --out o.tsv"
)
def novelty(
    nodes: Nodes,
    reproducibility: Annotated[Path, typer.Option(help="what ensemble wrote: reproducibility.tsv")],
    second: Annotated[Path, typer.Option(help="expression of a cohort that the model was not trained on")],
    evidence: Annotated[list[Path], typer.Option("--evidence", help="what assess and others wrote; repeat")],
    out: File,
    sets: SetsFile = "embedded",
    fdr: Annotated[float, typer.Option(help="level of false discovery for all of it")] = 0.1,
    seed: Seed = 0,
) -> Result:
    """List nodes that are reproducible, coherent in a second cohort, and explained by no annotation."""
    lit = gl.NodeGenes.load(nodes)
    fresh(out)
    found = gl.evidence.novelty(
        lit,
        gl.Evidence.join([gl.Evidence.load(path) for path in evidence]),
        x_ng=expression(gl.read(second, dense=True), lit.genes),
        reproducible=_scored(reproducibility),
        references=sets_of(sets, lit.genes),
        fdr=fdr,
        seed=seed,
    )
    write_plain(out, found)
    unknown = found[found["unknown"]]
    lines = [
        f"{out}: {len(unknown)} of {len(found)} nodes are unknown patterns at a false discovery rate of {fdr:g}",
        *(f"{row.node}: {row.best_genes}; {row.known_of_genes}" for row in unknown.head(5).itertuples()),
    ]
    return Result("\n".join(lines), {"out": out, "nodes": len(found), "unknown": unknown})


@command(commands, "genelight proximity one.tsv other.tsv --out proximity.parquet")
def proximity(
    one: Tested,
    other: Tested,
    out: File,
    network: Network = "embedded",
    draws: Annotated[int, typer.Option(help="random sets for each, matched on degree")] = 1000,
    top: Top = "150",
    feature_genes: FeatureGenes = None,
    seed: Seed = 0,
) -> Result:
    """Test whether two modules, or nodes of two layers, lie near one another in a network."""
    sides = [nodes_or_module(path, feature_genes) for path in (one, other)]
    fresh(out)
    edges = cut_network(network, sides[0].genes)
    found = gl.evidence.proximity(*sides, network=edges, n_top=size_of(top), draws=draws, seed=seed)
    return _told(found, out)


@command(commands, "genelight profiles nodes.parquet --reference gtex.csv.gz --log --out profiles.parquet")
def profiles(
    nodes: Nodes,
    reference: Annotated[Path, typer.Option(help="mean expression by tissue or cell type, genes in rows")],
    out: File,
    log: Annotated[bool, typer.Option("--log", help="take log2(1 + x) first, of averages on a linear scale")] = False,
) -> Result:
    """Say which tissue or cell type each node looks like, against published averages."""
    lit = gl.NodeGenes.load(nodes)
    fresh(out)
    found = gl.evidence.reference_profiles(
        lit, _types(reference), name=reference.name.partition(".")[0], log=log, namespace=lit.genes.namespace
    )
    return _told(found, out)


@command(commands, "genelight groups cohort.h5ad --model model --label disease --batch site --out groups.parquet")
def groups(
    cohort: RescaledPeopled,
    model: ModelFolder,
    out: File,
    label: Label = None,
    batch: Batch = None,
    seed: Seed = 0,
) -> Result:
    """Measure how well each layer tells samples apart by label and by batch, against shuffles within both."""
    trained = gl.load(model)
    fresh(out)
    adata = cohort.genes_of(model)
    x_ng = trained.prepare(adata)
    samples = gl.evidence.Samples(adata.obs, labels=label or [], batch=batch or [], subject=cohort.subject)
    codes = {layer: trained.encode(x_ng, layer) for layer in trained.widths}
    found = gl.evidence.groups(codes, samples, every_column=True, seed=seed)
    return _told(found, out)


def _types(path: Path) -> pd.DataFrame:
    """Mean expression, genes in rows, from CSV or TSV."""
    try:
        return pd.read_csv(path, sep=None, engine="python", index_col=0).astype(np.float64)
    except OSError as error:
        msg = f"{path} cannot be read ({error}); give a CSV or TSV file"
        raise ResourceError(msg) from error
    except ValueError as error:
        msg = f"{path} is no table of genes by types ({error}); give genes in rows, one column of numbers for each type"
        raise FormatError(msg) from error


def _with_ids(edges: gl.Edges, namespace: str) -> gl.Edges:
    """Gene-level values under ids of another kind, each gene's first."""
    from anndata import AnnData

    if edges.namespace == namespace:
        return edges
    rows = AnnData(np.arange(len(edges), dtype=np.float64)[None], var=pd.DataFrame(index=edges.table["target"]))
    mapped = gl.pp.map_ids(rows, to=namespace, ids=edges.namespace, collapse="first")
    table = edges.table.iloc[np.asarray(mapped.X)[0].astype(np.int64)].assign(target=list(mapped.var_names))
    return gl.Edges(edges.name, table.reset_index(drop=True), namespace, edges.account)


def _scored(path: Path) -> pd.DataFrame:
    """How reproducible nodes are: a table with columns node and q."""
    try:
        table = pd.read_csv(path, sep="\t")
    except OSError as error:
        msg = f"{path} cannot be read ({error}); make it with: genelight ensemble"
        raise ResourceError(msg) from error
    if not {"node", "q"} <= set(table):
        msg = f"{path} has no columns node and q; give what genelight ensemble wrote, reproducibility.tsv"
        raise FormatError(msg)
    return table


def _told(found: gl.Evidence, out: Path) -> Result:
    """Save, and show the results with the smallest p."""
    text, facts = saved(found, out)
    lines = [
        text,
        *(
            f"{row.tested}, {row.test}, {row.reference}: {row.statistic:.3g} ({row.null_mean:.3g}), p {row.p:.2g}"
            for row in found.table.sort_values("p", kind="stable").head(5).itertuples()
        ),
    ]
    return Result("\n".join(lines), facts)
