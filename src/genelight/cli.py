"""The command line: one sub-command per verb, no science."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import genelight as gl

from ._core.errors import GenelightError, InputError, ResourceError
from ._core.provenance import writing

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Lift the lid of deep models of gene expression.",
)

Table = Annotated[Path, typer.Argument(help="h5ad file, samples x genes")]
Folder = Annotated[Path, typer.Option("--out", help="folder to write")]
File = Annotated[Path, typer.Option("--out", help="file to write")]
ModelFolder = Annotated[Path, typer.Option("--model", help="model folder, such as RUN/03_model")]
Subject = Annotated[str | None, typer.Option(help="obs column: whose sample it is; a subject is never split")]
Scale = Annotated[str, typer.Option(help="scale of the values: log2, counts or linear")]
Layer = Annotated[str, typer.Option(help="hidden layer, such as L1")]
Seed = Annotated[int, typer.Option(help="for everything that is drawn")]


def main() -> None:
    """Run the command line; an error of ours is one line on standard error and exit code 2."""
    try:
        app()
    except GenelightError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)


def _say(words: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"· {words}\n")


def _fresh(path: Path) -> Path:
    if path.exists():
        msg = f"{path} exists already; choose another --out or remove it, nothing was written"
        raise ResourceError(msg)
    return path


def _finish(outcome: gl.study.Outcome) -> None:
    print(f"report: {outcome.report}")
    for number, finding in enumerate(outcome.findings, start=1):
        print(f"{number}. {finding}")


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="print the version and end")] = False) -> None:
    if version:
        print(gl.__version__)
        raise typer.Exit


@app.command()
def demo(out: Folder = Path("genelight-demo")) -> None:
    """Run the embedded study: influenza against baseline, from expression to a report."""
    _finish(gl.study.run(gl.study.Study.demo(), out, say=_say))


@app.command()
def init(path: Annotated[Path, typer.Argument(help="study file to write")] = Path("study.toml")) -> None:
    """Write a commented study file to fill in."""
    with writing(_fresh(path)) as draft:
        draft.write_text(gl.study.template())
    print(f"wrote {path}; fill it in, then: genelight run {path} --out RUN")


@app.command()
def run(
    study: Annotated[Path, typer.Argument(help="study file, see: genelight init")],
    out: Folder,
) -> None:
    """Run a study file from expression to a report; what is done already is not done again."""
    _finish(gl.study.run(gl.study.Study.load(study), out, say=_say))


@app.command()
def read(table: Table) -> None:
    """Read a table and say what it holds."""
    adata = gl.read(table)
    print(f"{adata.n_obs} samples x {adata.n_vars} genes, first {', '.join(adata.var_names[:3])}")
    print(f"values {float(adata.X.min()):g} to {float(adata.X.max()):g}")
    for name, column in adata.obs.items():
        values = ", ".join(map(str, column.dropna().unique()[:4]))
        print(f"obs {name}: {column.nunique()} values ({values}{', ...' if column.nunique() > 4 else ''})")


@app.command()
def prepare(table: Table, out: File, scale: Scale = "log2", above_floor: float = 0.5) -> None:
    """Learn how to prepare a table: genes kept, their mean and standard deviation."""
    preparation = gl.prepare(gl.read(table, dense=True), scale=scale, above_floor=above_floor)
    preparation.save(_fresh(out))
    for name, value in preparation.account.items():
        print(f"{name}: {value}")


@app.command()
def fit(
    table: Table,
    out: Folder,
    subject: Subject = None,
    widths: Annotated[str | None, typer.Option(help="hidden layers, for example 128,64,32")] = None,
    preset: Annotated[str, typer.Option(help="see: genelight methods")] = "default",
    scale: Scale = "log2",
    seed: Seed = 0,
) -> None:
    """Train an autoencoder on all samples of a table, without labels."""
    adata = gl.read(table, dense=True)
    preparation = gl.prepare(adata, scale=scale)
    sizes = _widths(widths)
    model = gl.fit(adata, preset=preset, widths=sizes, subject=subject, preparation=preparation, seed=seed)
    model.save(_fresh(out))
    chosen = model.history[int(model.settings["stop"])]
    print(f"{out}: layers {', '.join(f'{layer} of {width}' for layer, width in model.widths.items())}")
    print(
        f"held-out R² {chosen['held_out_r2']:.4f}, PCA of {min(model.widths.values())}: {chosen['held_out_r2_pca']:.4f}"
    )


@app.command()
def encode(table: Table, model: ModelFolder, layer: Layer, out: File) -> None:
    """Write a copy of a table with a layer's codes in its obsm."""
    adata = gl.read(table, dense=True)
    gl.encode(gl.load(model), adata, layer=layer, key_added=f"X_{layer}")
    adata.write_h5ad(_fresh(out))
    print(f"{out}: obsm['X_{layer}'] of shape {adata.obsm[f'X_{layer}'].shape}")


@app.command()
def light_up(
    model: ModelFolder,
    layer: Layer,
    out: File,
    rest: Annotated[str, typer.Option(help="other nodes: minimum, mean or zero")] = "minimum",
    level: Annotated[str, typer.Option(help="the lit node: max, +2sd, ...")] = "max",
) -> None:
    """Write what each node of a layer stands for: a value per gene, as Parquet."""
    nodes = gl.light_up(gl.load(model), layer, rest=rest, level=level)
    nodes.save(_fresh(out))
    print(f"{out}: {len(nodes.nodes)} nodes x {len(nodes.genes)} genes")


@app.command()
def node(
    name: Annotated[str, typer.Argument(help="node, such as L2.17")],
    model: ModelFolder,
    table: Annotated[Path | None, typer.Option(help="h5ad file: adds sample columns and neighbours")] = None,
    subject: Subject = None,
    evidence: Annotated[Path | None, typer.Option(help="what assess wrote, such as RUN/06_evidence.parquet")] = None,
) -> None:
    """Print the card of one hidden node: its genes, where it is active, its evidence."""
    adata = None if table is None else gl.read(table, dense=True)
    found = None if evidence is None else gl.Evidence.load(evidence)
    print(gl.tl.node_card(gl.load(model), name, adata=adata, subject=subject, evidence=found).to_text())


@app.command()
def disease_module(
    table: Table,
    model: ModelFolder,
    case: Annotated[str, typer.Option(help="which samples are cases, a query on obs columns")],
    control: Annotated[str, typer.Option(help="which samples are controls")],
    out: File,
    subject: Subject = None,
    method: Annotated[str, typer.Option(help="see: genelight methods")] = "direction",
    size: Annotated[int, typer.Option(help="how many genes")] = 200,
) -> None:
    """Derive the disease module of a contrast, as TSV."""
    adata = gl.read(table, dense=True)
    contrast = gl.Contrast.of(adata.obs, case=case, control=control, subject=subject)
    module = gl.disease_module(adata, gl.load(model), contrast=contrast, method=method, size=size)
    module.save(_fresh(out))
    print(f"{out}: {size} genes, first {', '.join(module.selected[:5])}")


@app.command()
def assess(
    subject: Annotated[Path, typer.Argument(help="what light-up (.parquet) or disease-module (.tsv) wrote")],
    out: File,
    network: Annotated[str, typer.Option(help="edge table, 'embedded' or 'none'")] = "embedded",
    sets: Annotated[str, typer.Option(help="GMT file, 'embedded' or 'none'")] = "embedded",
    cut: Annotated[float, typer.Option(help="smallest weight of the network to keep")] = 0.0,
    seed: Seed = 0,
) -> None:
    """Test nodes or a module against a network and gene sets, each with its null."""
    tested = gl.Module.load(subject) if subject.suffix == ".tsv" else gl.NodeGenes.load(subject)
    ids = tested.genes.namespace
    edges = None if network == "none" else _network(network, cut, ids)
    collections = [] if sets == "none" else [_sets(sets, ids)]
    evidence = gl.assess(tested, network=edges, sets=collections, seed=seed)
    evidence.save(_fresh(out))
    print(f"{out}: {len(evidence)} results, {int((evidence.table['q'] <= 0.05).sum())} with q <= 0.05")


@app.command()
def report(folder: Annotated[Path, typer.Argument(help="run folder")]) -> None:
    """Write the report of a run folder anew."""
    print(gl.report.report(folder))


@app.command()
def methods() -> None:
    """List every registered method with what it does and its source."""
    registries = (gl.models.PRESETS, gl.models.ACTIVATIONS, gl.tl.ATTRIBUTIONS, gl.tl.DERIVATIONS, gl.evidence.TESTS)
    for registry in registries:
        print(f"{registry.kind}:")
        for entry in registry.show():
            control = " [control]" if entry.control else ""
            print(f"  {entry.name:<22}{control} {entry.summary}{f' doi {entry.doi}' if entry.doi else ''}")


def _network(name: str, cut: float, ids: str) -> gl.Edges:
    return gl.demo.network() if name == "embedded" else gl.io.read_network(name, cut=cut, ids=ids)


def _sets(name: str, ids: str) -> gl.Edges:
    return gl.demo.sets() if name == "embedded" else gl.io.read_sets(name, ids=ids)


def _widths(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        msg = f"--widths {text} cannot be read; write whole numbers with commas: --widths 128,64,32"
        raise InputError(msg) from error
