"""Evidence: assess, scorecard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from anndata import AnnData

import genelight as gl

from ..errors import InputError, first_three
from ..io.id_kinds import detect_ids
from ..nouns.contrast_checks import check_people
from ..pp.features import FEATURES, kinds_named_by
from ..pp.project import map_where_needed
from ._cohort import Cohort, RescaledPeopled
from ._command import Result, command, note
from ._shared import File, ModelFolders, Seed, fresh, listed

commands = typer.Typer(rich_help_panel="Evidence")

FeatureGenes = Annotated[
    Path | None,
    typer.Option(help="of features that are no genes: table of features and genes, one pair a row or several a cell"),
]
Tested = Annotated[Path, typer.Argument(help="what light-up (.parquet) or disease-module (.tsv) wrote")]
Top = Annotated[
    str,
    typer.Option(
        help="genes of a node that are tested; or knee: as many as stand out, up to where its sorted values stop "
        "falling steeply"
    ),
]
Network = Annotated[str, typer.Option(help="edge table, FILE@700 to cut it, 'embedded' or 'none'")]
SetsFile = Annotated[str, typer.Option(help="GMT file, 'embedded' or 'none'")]
Label = Annotated[list[str] | None, typer.Option(help="sample column that layers should know; repeat")]
Batch = Annotated[list[str] | None, typer.Option(help="sample column that they should not know; repeat")]


@dataclass(frozen=True, kw_only=True)
class Put:
    """What is put to the test."""

    tested: Tested
    feature_genes: FeatureGenes = None


@command(commands, "genelight assess nodes.parquet --out evidence.parquet")
def assess(
    given: Put,
    out: File,
    network: Network = "embedded",
    sets: Annotated[str | None, typer.Option(help="GMT file, 'embedded' (default with --table) or 'none'")] = None,
    table: Annotated[Path | None, typer.Option(help="expression: matched nulls, and the tests of gene sets")] = None,
    case: Annotated[str | None, typer.Option(help="of a module: which samples of the table are cases")] = None,
    control: Annotated[str | None, typer.Option(help="and which are controls")] = None,
    subject: Annotated[str | None, typer.Option(help="sample column: whose sample it is")] = None,
    tests: Annotated[str | None, typer.Option(help="name tests, such as hypergeometric,loci; see methods")] = None,
    cut: Annotated[float, typer.Option(help="smallest weight of the network to keep")] = 0.0,
    top: Top = "150",
    seed: Seed = 0,
) -> Result:
    """Test nodes or a module against a network and gene sets, each with its null.

    Gene sets need --table: their genes go together, and what counts them as independent is run when named only.
    """
    from ..evidence._registry import calibrated

    fresh(out)
    put = nodes_or_module(given.tested, given.feature_genes)
    adata = None if table is None else Cohort(table=table).read()
    named = listed(tests) or None
    _check_asked(sets, network, (case, control), given=adata is not None, named=named is not None)
    edges = None if network == "none" else cut_network(network, put.genes, cut=cut)
    untested = adata is None and named is None
    collections = sets_of(sets or ("none" if untested else "embedded"), put.genes)
    x_ng: np.ndarray | gl.evidence.Compared | None = None
    if adata is not None:
        pairs = given.feature_genes
        x_ng = expression(adata, put.genes) if pairs is None else _carried(adata, put.genes, pairs)
    if adata is not None and x_ng is not None and case is not None and control is not None:
        contrast = gl.Contrast.of(adata.obs, case=case, control=control, subject=subject)
        check_people(adata.obs, contrast)
        x_ng = gl.evidence.Compared(np.asarray(x_ng), contrast)
    evidence = gl.assess(put, network=edges, sets=collections, n_top=size_of(top), x_ng=x_ng, tests=named, seed=seed)
    text, facts = saved(evidence, out)
    lines = [text]
    if untested and not collections:
        lines.append("gene sets were not tested: they need expression, --table")
    doubtful = sorted(set(evidence.table.loc[~calibrated(evidence.table["test"]), "test"]))
    if doubtful:
        lines.append(f"not calibrated, for they count genes as independent: {', '.join(doubtful)}")
    return Result("\n".join(lines), {**facts, "not_calibrated": doubtful})


def _check_asked(
    sets: str | None, network: str, groups: tuple[str | None, str | None], *, given: bool, named: bool
) -> None:
    """Stop where options need one another."""
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
    id_map = map_where_needed(adata, to=genes.namespace)
    adata = adata if id_map is None else id_map.transform(adata)
    place_g = genes.align(gl.Genes(tuple(adata.var_names), genes.namespace)).index
    x_ng = np.full((adata.n_obs, len(genes)), np.nan)
    x_ng[:, place_g >= 0] = np.asarray(adata.X, dtype=np.float64)[:, place_g[place_g >= 0]]
    return x_ng


def _carried(adata: AnnData, genes: gl.Genes, feature_genes: Path) -> np.ndarray:
    """Each gene's mean over its features, these as a model would learn from them."""
    from ..pp.to_genes import gene_means

    kind = next(iter(kinds_named_by(detect_ids(adata.var_names).kind)), None)
    preparation = gl.prepare(adata, scale="auto", features=kind, above_floor=0.0)
    return gene_means(np.nan_to_num(preparation.transform(adata)), preparation.genes, feature_genes, genes=genes)


@command(commands, "genelight scorecard cohort.h5ad --model model --label disease --out card")
def scorecard(
    cohort: RescaledPeopled,
    model: ModelFolders,
    out: File,
    label: Label = None,
    batch: Batch = None,
    network: Network = "embedded",
    sets: SetsFile = "embedded",
) -> Result:
    """Ask every layer, and controls of the same widths, what biology it holds, and say what that shows."""
    from ..study._readings import expression

    fresh(out)
    trained = [gl.load(folder) for folder in model]
    adata = cohort.genes_of(model[0])
    genes = trained[0].genes
    samples = gl.evidence.Samples(adata.obs, labels=label or [], batch=batch or [], subject=cohort.subject)
    edges = None if network == "none" else cut_network(network, genes)
    collections = sets_of(sets, genes)
    x_ng = expression(trained[0], adata)
    read = gl.study.readings(adata, trained)
    card = gl.evidence.scorecard(read, samples, network=edges, sets=collections, x_ng=x_ng)
    card.save(out)
    lines = [
        *card.verdicts["sentence"],
        f"{out}: {len(card.table)} figures of {len(read)} layers and controls, {len(card.verdicts)} verdicts",
    ]
    return Result("\n".join(lines), {"out": out, "verdicts": card.verdicts, "table": card.table})


def nodes_or_module(path: Path, feature_genes: Path | None = None) -> gl.NodeGenes | gl.Module:
    """What light-up (Parquet) or disease-module (TSV) wrote; features that are no genes carried to genes by a table.

    Raises
    ------
    InputError
        If they are no genes, and there is no table.
    """
    from ..evidence._tested import NAMES_GENES

    found: gl.NodeGenes | gl.Module = gl.Module.load(path) if path.suffix == ".tsv" else gl.NodeGenes.load(path)
    kind = found.genes.namespace
    if feature_genes is None:
        if any(kind in e.what.ids or kind == e.name for e in FEATURES.show()) and kind not in NAMES_GENES:
            msg = (
                f"{path} is over features of kind {kind} ({first_three(found.genes.ids)}), and networks, gene sets and "
                "genetics know genes: add --feature-genes TABLE, a column of features and one of their genes"
            )
            raise InputError(msg)
        return found
    carried = gl.pp.to_genes(found, feature_genes)
    through = carried.about["through"].items()
    note("; ".join(f"{what} {value:.3g}" if isinstance(value, float) else f"{what} {value}" for what, value in through))
    return carried


def saved(evidence: gl.Evidence, out: Path) -> tuple[str, dict[str, object]]:
    """Write results; how many there are, and the same for a program with the best of each test."""
    evidence.save(out)
    sure = int((evidence.table["q"] <= 0.05).sum())
    best = evidence.table.sort_values("q").groupby("test", sort=False).head(5)
    facts = {"out": out, "results": len(evidence), "significant": sure, "best": best}
    return f"{out}: {len(evidence)} results, {sure} with q <= 0.05", facts


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


def cut_network(name: str, genes: gl.Genes, *, cut: float = 0.0) -> gl.Edges:
    """The network of an option such as ``string.csv.gz@700``; with a `cut` all of the name is the file's.

    Raises
    ------
    InputError
        If what stands after the @ is no number.
    """
    file, at, least = name.rpartition("@")
    if at and not cut and not Path(name).exists():
        try:
            name, cut = file, float(least)
        except ValueError as error:
            msg = f"--network {name}: {least!r} is no number; write FILE@700"
            raise InputError(msg) from error
    edges = gl.demo.network() if name == "embedded" else gl.io.read_network(name, cut=cut, ids=genes.namespace)
    return gl.pp.map_edges(edges, genes, network=True)


def sets_of(name: str, genes: gl.Genes) -> list[gl.Edges]:
    """The sets of an option: a GMT file, those that ship, or none; their genes under the names that the data have."""
    if name == "none":
        return []
    sets = gl.demo.sets() if name == "embedded" else gl.io.read_sets(name, ids=genes.namespace)
    return [gl.pp.map_edges(sets, genes)]
