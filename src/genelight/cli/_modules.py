"""Disease modules: disease-module, module validate, module network, atlas."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

import genelight as gl

from ._genes import as_genes, read_as
from ._shared import File, Folder, ModelFolder, Scale, Subject, Table, fresh

commands = typer.Typer()
module = typer.Typer(no_args_is_help=True, help="Ask further of a disease module.")
commands.add_typer(module, name="module")

ModuleFile = Annotated[Path, typer.Argument(help="module that genelight wrote, such as RUN/05_module.tsv")]
Case = Annotated[str, typer.Option(help="which samples are cases, a query on obs columns")]
Control = Annotated[str, typer.Option(help="which samples are controls")]
Pattern = Annotated[
    str | None, typer.Option(help="regular expression: its first group is the part of --subject that names the person")
]


@commands.command()
def disease_module(
    table: Table,
    model: ModelFolder,
    case: Case,
    control: Control,
    out: File,
    subject: Subject = None,
    method: Annotated[str, typer.Option(help="see: genelight methods")] = "auto",
    size: Annotated[int, typer.Option(help="how many genes; 0 for as many as the data bear")] = 200,
) -> None:
    """Derive the disease module of a contrast, as TSV."""
    adata = read_as(model, table)
    contrast = gl.Contrast.of(adata.obs, case=case, control=control, subject=subject)
    module = gl.disease_module(adata, gl.load(model), contrast=contrast, method=method, size=size or None)
    module.save(fresh(out))
    chosen = module.selected
    print(f"{out}: {len(chosen)} genes" + (f", first {', '.join(chosen[:5])}" if chosen else ": no stable module"))


@module.command()
def validate(
    module: ModuleFile,
    table: Table,
    case: Case,
    control: Control,
    subject: Subject = None,
    subject_pattern: Pattern = None,
    scale: Scale = "log2",
    out: Annotated[Path | None, typer.Option(help="TSV to write")] = None,
) -> None:
    """Ask a second cohort whether it has the module too: one table and a verdict."""
    target = fresh(out) if out else None
    found = gl.Module.load(module)
    adata, _ = as_genes(gl.read(table, dense=True), to=found.genes)
    contrast = gl.Contrast.of(adata.obs, case=case, control=control, subject=subject, subject_pattern=subject_pattern)
    prepared = gl.prepare(adata, scale=scale, ids=found.genes.namespace)
    result = gl.tl.preservation(found, adata, contrast=contrast, prepared=prepared)
    about = result.about
    print(result.table.round(4).to_string(index=False))
    print(
        f"{about['samples']} samples of {about['case_subjects']} cases and {about['control_subjects']} controls; "
        f"{about['module_genes_shared']} of {about['module_genes']} module genes and {about['genes_shared']} of "
        f"{len(found.genes)} measured genes found; {_account(prepared.account)}"
    )
    print(f"verdict: {result.verdict}")
    if target:
        result.save(target)


def _account(account: Mapping[str, Any]) -> str:
    """What preparation read, kept and dropped."""
    return (
        f"of {account['genes_read']} genes read {account['genes_kept']} kept, {account['genes_constant']} constant, "
        f"{account['genes_on_floor']} on the floor"
    )


@module.command()
def network(
    module: ModuleFile,
    out: Annotated[Path, typer.Option(help="file to write: .graphml, .cx2 (Cytoscape), .gmt or .tsv")],
    edges: Annotated[Path | None, typer.Option("--network", help="edge table; the embedded STRING otherwise")] = None,
    cut: Annotated[float, typer.Option(help="smallest weight to keep")] = 0.0,
    connectors: Annotated[int, typer.Option(help="at most so many genes are added")] = 50,
    picture: Annotated[Path | None, typer.Option(help="SVG to draw as well")] = None,
) -> None:
    """Place a module on a network: core, connectors and parts, for Cytoscape and others."""
    found = gl.Module.load(module)
    ppi = gl.io.read_network(edges, cut=cut, ids=found.genes.namespace) if edges else gl.demo.network()
    placed = gl.tl.module_network(found, ppi, connectors=connectors)
    placed.save(fresh(out))
    about = placed.about
    print(
        f"{out}: {about['in_network']} of {about['module_genes']} genes in {about['network']}; core {about['core']}, "
        f"connectors {about['connectors']}, parts {about['parts']}"
    )
    if picture:
        alt = f"core and connectors of {found.name}"
        drawn = gl.pl.svg(
            lambda ax: gl.pl.module_network(placed.nodes, placed.edges, ax), name="module", alt=alt, size=(7.0, 6.0)
        )
        fresh(picture).write_text(drawn)


@commands.command()
def atlas(
    table: Annotated[Path, typer.Argument(help="CSV or TSV: a cohort a row, or a gene a row with a score per disease")],
    out: Folder,
    size: Annotated[int, typer.Option(help="genes of each module")] = 200,
    names: Annotated[Path | None, typer.Option(help="table of what the score columns are called")] = None,
) -> None:
    """Compare the modules of many diseases: overlaps, shared and specific genes, a map."""
    found = gl.study.write_atlas(table, out, size=size, names=names)
    kinds = found.genes["kind"].value_counts()
    print(
        f"{out}: {found.about['diseases']} modules, {int((found.pairs['q'] <= 0.05).sum())} of "
        f"{len(found.pairs)} pairs alike, {kinds.get('shared', 0)} genes shared, {kinds.get('specific', 0)} specific, "
        f"{len(found.programmes)} programmes"
    )
