"""Disease modules: disease-module, module validate, module network, atlas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

import genelight as gl

from .._core.disk import writing
from .._core.provenance import file_name
from .._core.tables import write_plain
from ..nouns.module import DERIVATION
from ._cohort import ContrastedCohort, Control, RescaledContrasted, RescaledQuestioned
from ._command import GROUPS, DefaultCommand, Result, command, note
from ._shared import File, Folder, ModelFolder, ModelFolders, Scale, fresh, listed, named_queries

commands = typer.Typer(rich_help_panel="Disease")
module_commands = typer.Typer(
    cls=DefaultCommand,
    rich_help_panel="Disease",
    no_args_is_help=True,
    help="Find a disease module in one line, and ask further of it: genelight module TABLE --samples SHEET ...",
)
commands.add_typer(module_commands, name="module", rich_help_panel="Disease")
LEAST_TO_HALVE = 4

ModuleFile = Annotated[Path, typer.Argument(help="module that genelight wrote, such as RUN/05_module.tsv")]
Method = Annotated[
    str,
    typer.Option(
        help="how genes are scored: auto (through a model of many studies reference, its axes as a prior; else what "
        "replicates better between halves of the subjects: joint, the model and the genes together, or de, the genes "
        "by themselves); others, see: genelight methods"
    ),
]
Size = Annotated[int, typer.Option(help="how many genes; 0 for as many as the data support")]


@command(commands, f"genelight disease-module cohort.h5ad --model model {GROUPS} --out module.tsv")
def disease_module(
    cohort: RescaledContrasted,
    model: ModelFolder,
    out: File,
    method: Method = DERIVATION,
    layer: Annotated[str | None, typer.Option(help="hidden layer to read; unset to choose by cross-validation")] = None,
    size: Size = 200,
    stability: Annotated[
        Path | None, typer.Option(help="TSV to write: how often halves of the subjects agree on each gene, with bounds")
    ] = None,
) -> Result:
    """Derive the disease module of a contrast, as TSV, with a forecast of what other cohorts will find again."""
    fresh(out, stability)
    adata = cohort.genes_of(model)
    contrast = cohort.contrast(adata)
    trained = gl.load(model)
    module = gl.disease_module(adata, trained, contrast=contrast, method=method, layer=layer, size=size or None)
    told = gl.modules.replication(adata, trained, contrast=contrast, method=method, layer=layer)
    module = replace(module, about={**module.about, "forecast": told.to_dict()})
    module.save(out)
    fewest = min(len(set(contrast.subject_n[side_n])) for side_n in (contrast.case_n, contrast.control_n))
    if fewest < LEAST_TO_HALVE and stability is None:
        few = f"{fewest} subjects in the smaller group have no halves to compare, so nothing is said of the size"
        return Result(f"{_told(out, module)}\n{few}\n{forecast_told(module)}", module_facts(out, module))
    supported = gl.modules.stability(adata, trained, contrast=contrast, method=method, layer=layer)
    if stability:
        write_plain(stability, supported.table)
    facts = {**module_facts(out, module), "supported": supported.size, "sizes": supported.sizes}
    return Result(f"{_told(out, module)}\n{supported}\n{forecast_told(module)}", facts)


@command(
    commands, "genelight disease-modules a.h5ad --model model --case disease --control 'disease == \"no\"' --out mods"
)
def disease_modules(
    cohort: RescaledQuestioned,
    model: ModelFolder,
    case: Annotated[
        list[str],
        typer.Option(help="sample column that names the disease; or, several times, a query with a name: flu=QUERY"),
    ],
    control: Control,
    out: Folder,
    method: Method = DERIVATION,
    size: Size = 200,
) -> Result:
    """Derive the modules of several diseases from one head, and say how far they agree."""
    fresh(out)
    adata = cohort.genes_of(model)
    contrasts = gl.Contrast.several(
        adata.obs,
        case=case[0] if len(case) == 1 and "=" not in case[0] else named_queries(case, "--case"),
        control=control,
        subject=cohort.subject,
        subject_pattern=cohort.subject_pattern,
        covariates=listed(cohort.covariates),
    )
    found = gl.modules.disease_modules(adata, gl.load(model), contrasts=contrasts, method=method, size=size or None)
    paths = {name: out / f"{file_name(name)}.tsv" for name in found}
    pairs = gl.modules.atlas(found).pairs
    with writing(out) as draft:
        for name, one in found.items():
            fresh(draft / paths[name].name)
            one.save(draft / paths[name].name)
        write_plain(draft / "pairs.tsv", pairs)
    lines = [*(_told(paths[name], one) for name, one in found.items()), pairs.round(3).to_string(index=False)]
    facts = {name: module_facts(paths[name], one) for name, one in found.items()}
    return Result("\n".join(lines), {"out": out, "modules": facts, "pairs": pairs})


def _told(path: Path, module: gl.Module) -> str:
    """How many genes there are, which lead, and why they were derived so."""
    chosen = module.selected
    first = f", first {', '.join(chosen[:5])}" if chosen else ": no stable module"
    because = f"\nderived by {module.about['because']}" if module.about.get("because") else ""
    return f"{path}: {len(chosen)} genes{first}{because}"


def module_facts(path: Path, module: gl.Module) -> dict[str, Any]:
    """The same for a program."""
    chosen = list(module.selected)
    about = module.about
    return {
        "out": path,
        "name": module.name,
        "genes": chosen,
        "because": about.get("because"),
        "forecast": about.get("forecast"),
    }


def forecast_told(module: gl.Module) -> str:
    """What other cohorts are expected to find of it."""
    return f"forecast: {module.about['forecast']['says']}"


@command(module_commands, f"genelight module agree cohort.h5ad --model one --model two {GROUPS}")
def agree(
    cohort: RescaledContrasted,
    model: ModelFolders,
    methods: Annotated[str | None, typer.Option(help="derivations, with commas; unset for all")] = None,
    size: Annotated[int, typer.Option(help="genes of each module")] = 200,
    out: Annotated[Path | None, typer.Option(help="folder to write: pairs.tsv, genes.tsv")] = None,
) -> Result:
    """Ask whether the module depends on how it is derived: agreement of derivations, layers and trainings."""
    fresh(out)
    adata = cohort.genes_of(model[0])
    contrast = cohort.contrast(adata)
    found = gl.modules.module_agreement(
        adata, [gl.load(path) for path in model], contrast=contrast, methods=listed(methods) or None, size=size
    )
    everywhere = found.genes.loc[found.genes["modules"] == 1, "gene"]
    if out:
        with writing(out) as draft:
            for name in ("pairs", "genes"):
                write_plain(draft / f"{name}.tsv", getattr(found, name))
    lines = [
        found.summary.round(3).to_string(index=False),
        f"{len(everywhere)} genes in every one of {len(found.modules)} modules of {size}: {', '.join(everywhere[:10])}",
    ]
    return Result("\n".join(lines), {"out": out, "summary": found.summary, "everywhere": everywhere})


@command(module_commands, f"genelight module validate RUN/05_module.tsv other.csv --samples other.xlsx {GROUPS}")
def validate(
    module: ModuleFile,
    cohort: ContrastedCohort,
    scale: Scale = "log2",
    out: Annotated[Path | None, typer.Option(help="TSV to write")] = None,
) -> Result:
    """Ask a second cohort whether it has the module too: one table and a verdict."""
    from ..pp.gaps import fill_gaps
    from ..pp.prepare import prepare_as

    fresh(out)
    found = gl.Module.load(module)
    adata, _ = cohort.genes(to=found.genes)
    adata, gaps = fill_gaps(adata)
    if gaps:
        note(gaps)
    contrast = cohort.contrast(adata)
    prepared = prepare_as(adata, gl.pp.PreparationSettings(scale=scale, ids=found.genes.namespace))
    result = gl.modules.preservation(adata, found, contrast=contrast, prepared=prepared)
    about = result.about
    if out:
        result.save(out)
    lines = [
        result.table.round(4).to_string(index=False),
        f"{about['samples']} samples of {about['case_subjects']} cases and {about['control_subjects']} controls; "
        f"{about['module_genes_shared']} of {about['module_genes']} module genes and {about['genes_shared']} of "
        f"{len(found.genes)} measured genes found; {_account(prepared.account)}",
        f"verdict: {result.verdict}",
    ]
    return Result("\n".join(lines), {"out": out, "verdict": result.verdict, "table": result.table, "about": about})


def _account(account: Mapping[str, Any]) -> str:
    """What preparation read, kept and dropped."""
    return (
        f"of {account['genes_read']} genes read {account['genes_kept']} kept, {account['genes_constant']} constant, "
        f"{account['genes_on_floor']} on the floor"
    )


@command(module_commands, "genelight module network RUN/05_module.tsv --out module.cx2")
def network(
    module: ModuleFile,
    out: Annotated[Path, typer.Option(help="file to write: .graphml, .cx2 (Cytoscape), .gmt or .tsv")],
    edges: Annotated[Path | None, typer.Option("--network", help="edge table; the embedded STRING otherwise")] = None,
    cut: Annotated[float, typer.Option(help="smallest weight to keep")] = 0.0,
    connectors: Annotated[int, typer.Option(help="at most so many genes are added")] = 50,
    picture: Annotated[Path | None, typer.Option(help="picture to draw as well: .svg, .png or .pdf")] = None,
) -> Result:
    """Place a module on a network: core, connectors and parts, for Cytoscape and others."""
    fresh(out, picture)
    found = gl.Module.load(module)
    ppi = gl.io.read_network(edges, cut=cut, ids=found.genes.namespace) if edges else gl.demo.network()
    ppi = gl.pp.map_edges(ppi, found.genes, network=True)
    placed = gl.modules.module_network(found, ppi, connectors=connectors)
    placed.save(out)
    about = placed.about
    if picture:
        from ..pl._picture import save

        save(lambda ax: gl.pl.module_network(placed.nodes, placed.edges, ax), picture, size=(7.0, 6.0))
    text = (
        f"{out}: {about['in_network']} of {about['module_genes']} genes in {about['network']}; core {about['core']}, "
        f"connectors {about['connectors']}, parts {about['parts']}"
    )
    return Result(text, {"out": out, **about})


@command(commands, "genelight atlas diseases.tsv --out atlas")
def atlas(
    table: Annotated[Path, typer.Argument(help="CSV or TSV: a cohort a row, or a gene a row with a score per disease")],
    out: Folder,
    size: Annotated[int, typer.Option(help="genes of each module")] = 200,
    names: Annotated[Path | None, typer.Option(help="table of what the score columns are called")] = None,
) -> Result:
    """Compare the modules of many diseases: overlaps, shared and specific genes, a map."""
    from ..study.atlas import write_atlas

    found = write_atlas(table, out, size=size, names=names)
    kinds = found.genes["kind"].value_counts()
    text = (
        f"{out}: {found.about['diseases']} modules, {int((found.pairs['q'] <= 0.05).sum())} of "
        f"{len(found.pairs)} pairs alike, {kinds.get('shared', 0)} genes shared, {kinds.get('specific', 0)} specific, "
        f"{len(found.programmes)} programmes"
    )
    return Result(text, {"out": out, "pairs": found.pairs, "programmes": len(found.programmes), **found.about})
