"""Disease modules: disease-module, module validate, module network, atlas."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

import genelight as gl

from .._core.provenance import file_name
from .._core.tables import write_plain
from ..nouns.module import DERIVATION
from ._genes import as_genes, read_as
from ._shared import File, Folder, ModelFolder, ModelFolders, Scale, Subject, Table, fresh, listed, named_queries

commands = typer.Typer()
module = typer.Typer(no_args_is_help=True, help="Ask further of a disease module.")
commands.add_typer(module, name="module")

ModuleFile = Annotated[Path, typer.Argument(help="module that genelight wrote, such as RUN/05_module.tsv")]
Case = Annotated[str, typer.Option(help="which samples are cases, a query on obs columns")]
Control = Annotated[str, typer.Option(help="which samples are controls")]
Covariates = Annotated[str | None, typer.Option(help="obs columns to adjust for, with commas: age,sex,batch")]
Method = Annotated[str, typer.Option(help="see: genelight methods")]
Size = Annotated[int, typer.Option(help="how many genes; 0 for as many as the data support")]
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
    subject_pattern: Pattern = None,
    covariates: Covariates = None,
    method: Method = DERIVATION,
    layer: Annotated[str | None, typer.Option(help="hidden layer to read; unset to choose by cross-validation")] = None,
    size: Size = 200,
    stability: Annotated[
        Path | None, typer.Option(help="TSV to write: how often halves of the subjects agree on each gene, with bounds")
    ] = None,
) -> None:
    """Derive the disease module of a contrast, as TSV."""
    target, genes = fresh(out), fresh(stability) if stability else None
    adata = read_as(model, table)
    contrast = gl.Contrast.of(
        adata.obs,
        case=case,
        control=control,
        subject=subject,
        subject_pattern=subject_pattern,
        covariates=listed(covariates),
    )
    trained = gl.load(model)
    module = gl.disease_module(adata, trained, contrast=contrast, method=method, layer=layer, size=size or None)
    module.save(target)
    _tell(out, module)
    supported = gl.modules.stability(adata, trained, contrast=contrast, method=method, layer=layer)
    print(supported)
    if genes:
        write_plain(genes, supported.table)


@commands.command()
def disease_modules(
    table: Table,
    model: ModelFolder,
    case: Annotated[
        list[str],
        typer.Option(help="obs column that names the disease; or, several times, a query with a name: flu=QUERY"),
    ],
    control: Control,
    out: Folder,
    subject: Subject = None,
    subject_pattern: Pattern = None,
    covariates: Covariates = None,
    method: Method = DERIVATION,
    size: Size = 200,
) -> None:
    """Derive the modules of several diseases from one head, and say how far they agree."""
    target = fresh(out)
    adata = read_as(model, table)
    contrasts = gl.Contrast.several(
        adata.obs,
        case=case[0] if len(case) == 1 and "=" not in case[0] else named_queries(case, "--case"),
        control=control,
        subject=subject,
        subject_pattern=subject_pattern,
        covariates=listed(covariates),
    )
    found = gl.modules.disease_modules(adata, gl.load(model), contrasts=contrasts, method=method, size=size or None)
    target.mkdir(parents=True)
    for name, one in found.items():
        path = target / f"{file_name(name)}.tsv"
        one.save(fresh(path))
        _tell(path, one)
    pairs = gl.modules.compare_modules(found)
    write_plain(target / "pairs.tsv", pairs)
    print(pairs.round(3).to_string(index=False))


def _tell(path: Path, module: gl.Module) -> None:
    """How many genes there are, which lead, and why they were derived so."""
    chosen = module.selected
    print(f"{path}: {len(chosen)} genes" + (f", first {', '.join(chosen[:5])}" if chosen else ": no stable module"))
    if module.about.get("because"):
        print(f"derived by {module.about['because']}")


@module.command()
def agree(
    table: Table,
    model: ModelFolders,
    case: Case,
    control: Control,
    subject: Subject = None,
    subject_pattern: Pattern = None,
    covariates: Covariates = None,
    methods: Annotated[str | None, typer.Option(help="derivations, with commas; unset for all")] = None,
    size: Annotated[int, typer.Option(help="genes of each module")] = 200,
    out: Annotated[Path | None, typer.Option(help="folder to write: pairs.tsv, genes.tsv")] = None,
) -> None:
    """Ask whether the module depends on how it is derived: agreement of derivations, layers and trainings."""
    target = fresh(out) if out else None
    adata = read_as(model[0], table)
    contrast = gl.Contrast.of(
        adata.obs,
        case=case,
        control=control,
        subject=subject,
        subject_pattern=subject_pattern,
        covariates=listed(covariates),
    )
    found = gl.modules.module_agreement(
        adata, [gl.load(path) for path in model], contrast=contrast, methods=listed(methods) or None, size=size
    )
    print(found.summary.round(3).to_string(index=False))
    everywhere = found.genes.loc[found.genes["modules"] == 1, "gene"]
    print(
        f"{len(everywhere)} genes in every one of {len(found.modules)} modules of {size}: {', '.join(everywhere[:10])}"
    )
    if target:
        target.mkdir(parents=True)
        for name in ("pairs", "genes"):
            write_plain(target / f"{name}.tsv", getattr(found, name))


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
    result = gl.modules.preservation(found, adata, contrast=contrast, prepared=prepared)
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
    picture: Annotated[Path | None, typer.Option(help="picture to draw as well: .svg, .png or .pdf")] = None,
) -> None:
    """Place a module on a network: core, connectors and parts, for Cytoscape and others."""
    found = gl.Module.load(module)
    ppi = gl.io.read_network(edges, cut=cut, ids=found.genes.namespace) if edges else gl.demo.network()
    placed = gl.modules.module_network(found, ppi, connectors=connectors)
    placed.save(fresh(out))
    about = placed.about
    print(
        f"{out}: {about['in_network']} of {about['module_genes']} genes in {about['network']}; core {about['core']}, "
        f"connectors {about['connectors']}, parts {about['parts']}"
    )
    if picture:
        gl.pl.save(lambda ax: gl.pl.module_network(placed.nodes, placed.edges, ax), fresh(picture), size=(7.0, 6.0))


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
