"""Evidence: assess, scorecard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from anndata import AnnData

import genelight as gl

from ..errors import InputError
from ._genes import as_genes, read_as
from ._shared import File, ModelFolders, Seed, Subject, Table, fresh, listed

__all__ = ["Top", "cut_network", "expression", "nodes_or_module", "sets_of", "size_of"]

commands = typer.Typer()

Top = Annotated[str, typer.Option(help="genes of a node, or knee: as many as stand out in its profile")]


@commands.command()
def assess(
    tested: Annotated[Path, typer.Argument(help="what light-up (.parquet) or disease-module (.tsv) wrote")],
    out: File,
    network: Annotated[str, typer.Option(help="edge table, 'embedded' or 'none'")] = "embedded",
    sets: Annotated[str | None, typer.Option(help="GMT file, 'embedded' (default with --table) or 'none'")] = None,
    table: Annotated[Path | None, typer.Option(help="expression: matched nulls, and the tests of gene sets")] = None,
    case: Annotated[str | None, typer.Option(help="of a module: which samples of the table are cases")] = None,
    control: Annotated[str | None, typer.Option(help="and which are controls")] = None,
    subject: Subject = None,
    tests: Annotated[str | None, typer.Option(help="name tests, such as hypergeometric,loci; see methods")] = None,
    cut: Annotated[float, typer.Option(help="smallest weight of the network to keep")] = 0.0,
    top: Top = "150",
    seed: Seed = 0,
) -> None:
    """Test nodes or a module against a network and gene sets, each with its null.

    Gene sets need --table: their genes go together, and what counts them as independent is run when named only.
    """
    put = nodes_or_module(tested)
    adata = None if table is None else gl.read(table, dense=True)
    ids, named = put.genes.namespace, listed(tests) or None
    _check_asked(sets, network, (case, control), given=adata is not None, named=named is not None)
    edges = None if network == "none" else _network(network, cut, ids)
    untested = adata is None and named is None
    collections = [] if sets == "none" or (sets is None and untested) else [sets_of(sets or "embedded", ids)]
    x_ng: np.ndarray | gl.evidence.Compared | None = None if adata is None else expression(adata, put.genes)
    if adata is not None and case is not None and control is not None:
        contrast = gl.Contrast.of(adata.obs, case=case, control=control, subject=subject)
        x_ng = gl.evidence.Compared(expression(adata, put.genes), contrast)
    evidence = gl.assess(put, network=edges, sets=collections, n_top=size_of(top), x_ng=x_ng, tests=named, seed=seed)
    evidence.save(fresh(out))
    print(f"{out}: {len(evidence)} results, {int((evidence.table['q'] <= 0.05).sum())} with q <= 0.05")
    if untested and not collections:
        print("gene sets were not tested: they need expression, --table")
    doubtful = sorted(set(evidence.table.loc[~gl.evidence.calibrated(evidence.table["test"]), "test"]))
    if doubtful:
        print(f"not calibrated, for they count genes as independent: {', '.join(doubtful)}")


def _check_asked(
    sets: str | None, network: str, groups: tuple[str | None, str | None], *, given: bool, named: bool
) -> None:
    """Stop where options need one another.

    Raises
    ------
    InputError
        If sets are given without expression or named tests, nothing is left to test against, or one of case and control
        stands alone, or without a table.
    """
    case, control = groups
    if network == "none" and sets in (None, "none") and not (given or named):
        msg = "nothing to test against: gene sets need expression; give --table, or leave --network none off"
        raise InputError(msg)
    if sets not in (None, "none") and not (given or named):
        msg = (
            f"--sets {sets} needs --table: the calibrated tests of gene sets need expression, for co-expression; "
            "or name others that count genes as independent: --tests hypergeometric"
        )
        raise InputError(msg)
    if (case is None) != (control is None) or (case is not None and not given):
        msg = "--case and --control say what a module was derived from; give both, and the --table that they are of"
        raise InputError(msg)


def expression(adata: AnnData, genes: gl.Genes) -> np.ndarray:
    """Expression with a column for each gene, NaN where the table lacks it."""
    adata, _ = as_genes(adata, to=genes.namespace)
    place_g = genes.align(gl.Genes(tuple(adata.var_names), genes.namespace)).index
    x_ng = np.full((adata.n_obs, len(genes)), np.nan)
    x_ng[:, place_g >= 0] = np.asarray(adata.X, dtype=np.float64)[:, place_g[place_g >= 0]]
    return x_ng


@commands.command()
def scorecard(
    table: Table,
    model: ModelFolders,
    out: File,
    label: Annotated[list[str] | None, typer.Option(help="obs column that layers should know")] = None,
    batch: Annotated[list[str] | None, typer.Option(help="obs column that they should not know")] = None,
    subject: Subject = None,
    network: Annotated[str, typer.Option(help="edge table, FILE@700 to cut it, 'embedded' or 'none'")] = "embedded",
    sets: Annotated[str, typer.Option(help="GMT file, 'embedded' or 'none'")] = "embedded",
) -> None:
    """Ask every layer, and controls of the same widths, what biology it holds, and say what that shows."""
    fresh(out)
    trained = [gl.load(folder) for folder in model]
    adata = read_as(model[0], table)
    ids = trained[0].genes.namespace
    samples = gl.evidence.Samples(adata.obs, labels=label or [], batch=batch or [], subject=subject)
    edges = None if network == "none" else cut_network(network, ids)
    collections = [] if sets == "none" else [sets_of(sets, ids)]
    x_ng = gl.study.expression(trained[0], adata)
    read = gl.study.readings(trained, adata)
    card = gl.evidence.scorecard(read, samples, network=edges, sets=collections, x_ng=x_ng)
    card.save(out)
    print("\n".join(card.verdicts["sentence"]))
    print(f"{out}: {len(card.table)} figures of {len(read)} layers and controls, {len(card.verdicts)} verdicts")


def nodes_or_module(path: Path) -> gl.NodeGenes | gl.Module:
    """What light-up (Parquet) or disease-module (TSV) wrote."""
    return gl.Module.load(path) if path.suffix == ".tsv" else gl.NodeGenes.load(path)


def size_of(top: str) -> int | str:
    """A number of genes, or a word that the tests know.

    Raises
    ------
    InputError
        If it is neither.
    """
    if top.isdigit() or top == "knee":
        return int(top) if top.isdigit() else top
    msg = f"--top {top} is no size; write a number of genes, or knee for as many as stand out in each profile"
    raise InputError(msg)


def _network(name: str, cut: float, ids: str) -> gl.Edges:
    return gl.demo.network() if name == "embedded" else gl.io.read_network(name, cut=cut, ids=ids)


def cut_network(name: str, ids: str) -> gl.Edges:
    """The network of an option such as ``string.csv.gz@700``.

    Raises
    ------
    InputError
        If what stands after the @ is no number.
    """
    file, at, cut = name.rpartition("@")
    if not at or Path(name).exists():
        return _network(name, 0.0, ids)
    try:
        least = float(cut)
    except ValueError as error:
        msg = f"--network {name}: {cut!r} is no number; write FILE@700"
        raise InputError(msg) from error
    return _network(file, least, ids)


def sets_of(name: str, ids: str) -> gl.Edges:
    """The sets of an option: a GMT file, or those that ship."""
    return gl.demo.sets() if name == "embedded" else gl.io.read_sets(name, ids=ids)
