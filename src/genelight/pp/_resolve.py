"""From ids of any kind to genes: ever weaker evidence, each used only where the stronger found nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from ..errors import InputError, UnknownNameError, first_three
from ..io._axis import BETWEEN_GENES
from ..io.id_kinds import ID_KINDS, PLATFORMS
from ..io.id_table import IdTable
from ._excel import candidates, renamed
from .user_table import UserTable

__all__ = ["VIAS", "plain", "resolve"]

# How an id led to its gene, the strongest evidence first.
VIAS: dict[str, str] = {
    "id": "the id itself",
    "table": "listed under the id",
    "mended": "a date that Excel made of a symbol",
    "renamed": "a symbol that HGNC renamed because of Excel",
    "loc": "LOC and the Entrez id",
    "alias": "an alias or withdrawn symbol",
    "case": "a symbol in other case",
}
# An Ensembl id before or behind the other name of its gene.
_JOINED = re.compile(r"(?P<id>ENS[A-Z]{0,4}G\d{6,})(\.\d+)?([|_:](?P<behind>.*))?$")
_DIRECT = ("entrez", "ensembl", "ensp", "enst", "uniprot", "refseq")
Step = Callable[[str], tuple[int, ...]]


def plain(ids: Iterable[object], kind: str) -> pd.Series:
    """Ids as the table writes them: no version, taxon, isoform or database around them."""
    texts = pd.Series([str(i).strip() for i in ids], dtype=object)
    if kind in ("ensembl", "enst"):
        return texts.str.replace(r"\.\d+(_PAR_Y)?$|_PAR_Y$", "", regex=True)
    if kind == "ensp":
        return texts.str.replace(r"^\d+\.(?=ENS)", "", regex=True).str.replace(r"\.\d+$", "", regex=True)
    if kind == "refseq":
        return texts.str.replace(r"\.\d+$", "", regex=True)
    if kind == "entrez":
        return texts.str.replace(r"\.0$", "", regex=True)
    if kind == "uniprot":
        return texts.str.replace(r"^\w+\|([^|]+)\|.*$", r"\1", regex=True).str.replace(r"-\d+$", "", regex=True)
    return texts


def resolve(ids: Iterable[object], kind: str, *, shipped: IdTable, own: UserTable | None = None) -> pd.DataFrame:
    """The genes that each id stands for.

    Parameters
    ----------
    ids
        As they stand in a file.
    kind
        Their kind; anything where `own` lists them.
    shipped
        The table that comes with the package.
    own
        A user's table, which goes before it.

    Returns
    -------
    Columns ``column`` (position in `ids`), ``entrez``, ``via`` (a key of ``VIAS``); a row for each pair of id and
    gene, none for an id without a gene.

    Raises
    ------
    InputError
        If there is no table for ids of that kind; says what to give.
    UnknownNameError
        If there is no such kind.
    """
    if own is not None:
        return _by_own(ids, own, shipped)
    texts = list(plain(ids, kind))
    steps = _steps(kind, texts, shipped)
    rows = []
    for column, text in enumerate(texts):
        for via, step in steps.items():
            genes = step(text)
            if genes:
                rows += [(column, gene, via) for gene in genes]
                break
    return pd.DataFrame(rows, columns=["column", "entrez", "via"]).astype({"column": np.int64, "entrez": np.int64})


def _steps(kind: str, texts: Sequence[str], shipped: IdTable) -> dict[str, Step]:
    """What is tried for an id, in turn, by the name of the evidence it gives."""
    if kind == "entrez":
        return {"table": lambda text: _entrez(text, shipped)}
    if kind in _DIRECT:
        by_id = shipped.entrez_of(kind)
        return {"table": lambda text: by_id.get(text, ())}
    if kind == "symbol":
        return _symbol_steps(texts, shipped)
    if kind == "symbol|entrez":
        first = {"id": lambda text: _entrez(text.rpartition("|")[2], shipped)}
        return first | {via: _before_bar(step) for via, step in _symbol_steps(texts, shipped).items()}
    if kind == "ensembl|symbol":
        halves = dict(zip(texts, map(_halves, texts), strict=True))
        by_id = shipped.entrez_of("ensembl")
        steps = _symbol_steps([symbol for _, symbol in halves.values()], shipped)
        first = {"id": lambda text: by_id.get(halves[text][0], ())}
        return first | {via: _of_symbol(step, halves) for via, step in steps.items()}
    if kind not in ID_KINDS or kind == "unknown":
        raise UnknownNameError("kind of gene id", kind, [k for k in ID_KINDS if k != "unknown"], where="ids")
    msg = (
        f"the ids are of kind {kind} ({ID_KINDS[kind]}: {first_three(texts)}), of which genelight has no table that it "
        f"may pass on; add --table {PLATFORMS.get(kind, 'GPL...')} (in a study id_table, in Python table=) "
        f"to fetch GEO's for {'these' if kind in PLATFORMS else 'their platform'} once, or --table FILE with one that "
        "you have: a column of ids and one of genes"
    )
    raise InputError(msg)


def _symbol_steps(texts: Sequence[str], shipped: IdTable) -> dict[str, Step]:
    symbols, aliases, any_case = shipped.entrez_of("symbol"), shipped.entrez_of("alias"), shipped.any_case
    mended = _mended(texts, shipped)

    def listed(text: str) -> tuple[int, ...]:
        """A symbol's gene; of a probe's name the genes of all its symbols."""
        parts = BETWEEN_GENES.split(text) if text not in symbols else [text]
        return tuple(dict.fromkeys(gene for part in parts for gene in symbols.get(part, ())))

    return {
        "table": listed,
        "mended": lambda text: mended.get(text, ()),
        "renamed": lambda text: symbols.get(renamed(text), ()),
        "loc": lambda text: _entrez(text.removeprefix("LOC"), shipped) if text.startswith("LOC") else (),
        "alias": lambda text: aliases.get(text, ()),
        "case": lambda text: any_case.get(text.upper(), ()),
    }


def _halves(text: str) -> tuple[str, str]:
    """Ensembl id, without its version, and symbol of both joined."""
    found = _JOINED.search(text)
    if found is None:
        return "", text
    before = text[: found.start()].rstrip("|_:")
    return found["id"], before or (found["behind"] or "").split("|")[0]


def _of_symbol(step: Step, halves: Mapping[str, tuple[str, str]]) -> Step:
    """The symbol beside an Ensembl id, for where the table has no such id."""
    return lambda text: step(halves[text][1])


def _before_bar(step: Step) -> Step:
    """The symbol of ``SYMBOL|ENTREZ``, for where NCBI has withdrawn the Entrez id."""
    return lambda text: step(text.rpartition("|")[0])


def _entrez(text: str, shipped: IdTable) -> tuple[int, ...]:
    number = int(text) if text.isdecimal() and len(text) < 12 else 0
    return (number,) if number in shipped.genes else ()


def _mended(texts: Sequence[str], shipped: IdTable) -> dict[str, tuple[int, ...]]:
    """Genes of dates: of the symbols that one may have been, the first that the file has nowhere else.

    A date that stands there twice was two genes once, and nothing tells which is which.
    """
    symbols, aliases = shipped.entrez_of("symbol"), shipped.entrez_of("alias")
    taken = {*texts, *map(renamed, texts)}
    fits = {text: [s for s in candidates(text) if (s in symbols or s in aliases) and s not in taken] for text in texts}
    said = Counter(fits[text][0] for text in texts if fits[text])
    found = {}
    for text, names in fits.items():
        chosen = names if names and said[names[0]] > 1 else names[:1]
        found[text] = tuple(gene for name in chosen for gene in symbols.get(name, aliases.get(name, ())))
    return found


def _by_own(ids: Iterable[object], own: UserTable, shipped: IdTable) -> pd.DataFrame:
    """By a user's table; its genes, which may be old symbols, by the shipped one."""
    genes = own.rows["gene"].unique()
    resolved = resolve(genes, own.gene_kind, shipped=shipped)
    of_gene = resolved.assign(gene=genes[resolved["column"]]).drop(columns="column")
    rows = own.rows.merge(of_gene, on="gene").assign(id=lambda t: _without_version(t["id"]))
    columns = pd.DataFrame({"id": _without_version(pd.Series([str(i).strip() for i in ids], dtype=object))})
    pairs = columns.rename_axis("column").reset_index().merge(rows, on="id")[["column", "entrez", "via"]]
    return pairs.drop_duplicates(["column", "entrez"]).sort_values("column", kind="stable", ignore_index=True)


def _without_version(ids: pd.Series) -> pd.Series:
    return ids.str.replace(r"^(ENS\w+)\.\d+$", r"\1", regex=True)
