"""From a table of cohorts, or of gene scores by disease, to an atlas on disk."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .. import io, models, modules
from .._core.checks import check_column
from .._core.disk import writing
from .._core.provenance import file_name
from .._core.tables import write_plain
from ..errors import FormatError, InputError, ResourceError, UnknownNameError
from ..modules.atlas import Atlas, modules_of_scores
from ..nouns import Contrast, Module
from ..pl._module_network import disease_map
from ..pl._picture import save

__all__ = ["write_atlas"]

COHORT_COLUMNS = ("name", "file", "case", "control")
GENE_COLUMNS = ("symbol", "gene", "gene_symbol")
ID_COLUMNS = ("mygene_entrez", "entrez")


def write_atlas(table: Path, out: Path, *, size: int = 200, names: Path | None = None) -> Atlas:
    """Derive or read the modules that a table lists, compare them, and write what was found.

    Parameters
    ----------
    table
        CSV or TSV, plain or gzip. Either one cohort a row, with columns ``name``, ``file`` (h5ad, from the table's own
        folder), ``case``, ``control`` and maybe ``subject``: a module is derived in each. Or one gene a row, with a
        column ``symbol`` or ``gene`` and a column of scores for each disease: these are taken as they are.
    out
        Folder to write: ``pairs.tsv``, ``genes.tsv``, ``programmes.tsv``, ``map.svg``, and for cohorts each module.
    size
        Genes of a module.
    names
        Table of what the score columns are called: their heads in the first column, a column ``name``.

    Raises
    ------
    ResourceError
        If a file is not there, or `out` is.
    UnknownNameError
        If `names` has no column ``name``.
    FormatError
        If the table cannot be read.
    InputError
        If it is neither kind of table, or fewer than two modules come of it.
    """
    if out.exists():
        msg = f"{out} exists already and was left as it is; choose another --out, or remove it (rm -r {out})"
        raise ResourceError(msg)
    rows = _read(table)
    if set(COHORT_COLUMNS) <= set(rows):
        derived = _of_cohorts(rows, folder=table.parent, size=size)
    else:
        derived = modules_of_scores(_scores(rows, table, names), size=size)
    found = modules.atlas(derived)
    side = 3 + 0.17 * len(found.order)
    with writing(out) as draft:
        for name in ("pairs", "genes", "programmes"):
            write_plain(draft / f"{name}.tsv", getattr(found, name))
        save(lambda ax: disease_map(found.pairs, found.order, ax), draft / "map.svg", size=(side + 1, side))
        if set(COHORT_COLUMNS) <= set(rows):
            for name, module in derived.items():
                module.save(draft / f"module_{file_name(name)}.tsv")
    return found


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, sep="\t" if ".tsv" in path.suffixes else ",")
    except FileNotFoundError as error:
        msg = f"{path} is not there; give a table of cohorts or of gene scores"
        raise ResourceError(msg) from error
    except (ValueError, UnicodeDecodeError, OSError) as error:
        msg = f"{path} is not readable as a table: {error}"
        raise FormatError(msg) from error


def _of_cohorts(rows: pd.DataFrame, *, folder: Path, size: int) -> dict[str, Module]:
    """A module of each cohort, by the default derivation on a model of its own."""
    names = check_column(rows, "name", role="name").astype(str)
    if names.duplicated().any():
        msg = f"the name {names[names.duplicated()].iloc[0]!r} is there twice; give every cohort a name of its own"
        raise InputError(msg)
    derived = {}
    for row in rows.to_dict("records"):
        subject = row.get("subject")
        subject = subject if isinstance(subject, str) and subject else None
        adata = io.read(folder / str(row["file"]), dense=True)
        contrast = Contrast.of(adata.obs, case=str(row["case"]), control=str(row["control"]), subject=subject)
        model = models.fit(adata, subject=subject)
        derived[str(row["name"])] = modules.disease_module(adata, model, contrast=contrast, size=size, bootstraps=0)
    return derived


def _scores(rows: pd.DataFrame, table: Path, names: Path | None) -> pd.DataFrame:
    """Genes x diseases; rows without a symbol dropped, of a symbol's rows the first kept."""
    gene = next((c for c in GENE_COLUMNS if c in rows), None)
    if gene is None:
        msg = (
            f"{table} has neither the columns {', '.join(COHORT_COLUMNS)} of a table of cohorts nor a column "
            f"{' or '.join(GENE_COLUMNS[:2])} of a table of gene scores; name its columns so"
        )
        raise InputError(msg)
    rows = rows.dropna(subset=gene).drop_duplicates(gene).set_index(gene)
    scores = rows.drop(columns=[c for c in ID_COLUMNS if c in rows])
    if names is None:
        return scores
    called = _read(names)
    if "name" not in called:
        raise UnknownNameError("column", "name", called.columns, where=str(names))
    called = called.dropna(subset="name")
    titles = dict(zip(called.iloc[:, 0].astype(str), called["name"].astype(str), strict=True))
    return scores.rename(columns=titles)
