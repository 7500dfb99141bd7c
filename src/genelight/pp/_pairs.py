"""Which column of a file is which gene: found by ever weaker evidence, chosen among several, and counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError, UnknownNameError, first_three
from ..io.id_kinds import ID_KINDS, PLATFORMS
from ..io.id_table import IdTable
from ..io.sides._axis import BETWEEN_GENES
from ..nouns import Genes
from .user_table import UserTable

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
_RANKS = {via: rank for rank, via in enumerate(VIAS)}
Step = Callable[[str], tuple[int, ...]]

# A month, and the families of genes whose symbols Excel reads as a day in it; the likeliest family first.
_FAMILIES: dict[str, tuple[str, ...]] = {
    "mar": ("MARCHF{}", "MTARC{}"),
    "sep": ("SEPTIN{}", "SEP{}"),
    "dec": ("DELEC{}", "DEC{}"),
    "oct": ("OCT{}",),
    "apr": ("APR{}", "APR-{}"),
    "nov": ("NOV{}",),
    "feb": ("FEB{}",),
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = "|".join(_FAMILIES)
# R puts an X before a name that starts with a digit; a second column of a name gets a number behind it.
_REPEAT = r"(?:[.-]\d{1,2})?"
_DAY_MONTH = re.compile(rf"X?(\d{{1,2}})[-. ]({_NAMES}){_REPEAT}", re.IGNORECASE)
_MONTH_DAY = re.compile(rf"({_NAMES})[-. ](\d{{1,2}}){_REPEAT}", re.IGNORECASE)
_DATE = re.compile(r"X?(\d{4})[-.](\d{2})[-.](\d{2})(?: 00:00:00)?")
_OLD = re.compile(r"(MARCH|SEPT|MARC|DEC)(\d{1,2})")
_NEW = {"MARCH": "MARCHF{}", "SEPT": "SEPTIN{}", "MARC": "MTARC{}", "DEC": "DELEC{}"}


def labels(ids: Sequence[object]) -> pd.Index:
    """A name for each column, also where ids repeat: ``A, B, A (2)``."""
    texts = pd.Series([str(i) for i in ids], dtype=object)
    nth = texts.groupby(texts).cumcount() + 1
    return pd.Index(texts.where(nth == 1, texts + " (" + nth.astype(str) + ")").tolist(), dtype=object)


def find(ids: Sequence[str], kind: str, *, to: str | Genes, shipped: IdTable, own: UserTable | None) -> pd.DataFrame:
    """Pairs of column and gene.

    Returns
    -------
    Columns ``column`` (position), ``via``, ``target`` (the gene as asked for, missing where it was not) and ``gene``
    (what to call it).
    """
    namespace = to.namespace if isinstance(to, Genes) else to
    same = _the_same(ids, kind, to) if kind == namespace and own is None else None
    if same is not None and not isinstance(to, Genes):
        return same
    pairs = _resolve(ids, kind, shipped=shipped, own=own)
    names = _names(to, shipped) if isinstance(to, Genes) else shipped.names(to)
    symbols = shipped.names("symbol")
    pairs["target"] = [names.get(gene) for gene in pairs["entrez"]]
    pairs["gene"] = [names.get(gene) or symbols.get(gene, str(gene)) for gene in pairs["entrez"]]
    if same is not None:
        pairs = pd.concat([same, pairs[~pairs["column"].isin(same["column"])]], ignore_index=True)
    return pairs


def choose(pairs: pd.DataFrame, ids: Sequence[str], *, several: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The pairs that count, and an account of those that do not.

    A column of several genes is dropped, or copied to each; a column that leads to a gene by weaker evidence than
    another one (an alias beside the symbol itself) makes room for it.
    """
    texts = [str(i) for i in ids]
    account: dict[str, Any] = {"columns": len(texts)}

    def count(name: str, examples: Sequence[str]) -> None:
        account[name] = len(examples)
        account[f"{name}_first"] = first_three(examples)

    count("unmapped", _at(texts, np.setdiff1d(np.arange(len(texts)), pairs["column"])))
    shared = pairs[pairs["column"].duplicated(keep=False)]
    together = shared.groupby("column")["gene"].agg(" and ".join)
    count("several", [f"{t} is {g}" for t, g in zip(_at(texts, together.index), together, strict=True)])
    kept = pairs.drop(index=shared.index) if several == "drop" else pairs
    count("not_asked", _at(texts, kept.loc[kept["target"].isna(), "column"].unique()))
    kept = kept.dropna(subset="target")
    rank = kept["via"].map(_RANKS)
    weaker = rank > rank.groupby(kept["target"]).transform("min")
    count("yielded", _said(kept[weaker], texts))
    kept = kept[~weaker]
    for via in ("mended", "renamed", "loc", "alias", "case"):
        count(via, _said(kept[kept["via"] == via], texts))
    return kept.sort_values(["target", "column"], kind="stable", ignore_index=True), account


def _said(pairs: pd.DataFrame, texts: Sequence[str]) -> list[str]:
    return [f"{t} is {g}" for t, g in zip(_at(texts, pairs["column"]), pairs["target"], strict=True)]


def _at(texts: Sequence[str], positions: Iterable[int]) -> list[str]:
    return [texts[p] for p in positions]


def _the_same(ids: Sequence[str], kind: str, to: str | Genes) -> pd.DataFrame | None:
    """Columns whose id is one that was asked for; None for symbols, which may be old ones."""
    texts = _plain(ids, kind)
    if isinstance(to, Genes):
        asked = pd.Series(to.ids, index=_plain(to.ids, kind))
        target = texts.map(asked[~asked.index.duplicated(keep=False)]).dropna()
    elif kind == "symbol":
        return None
    else:
        target = texts[texts != ""]
    return pd.DataFrame({"column": target.index, "via": "id", "target": target, "gene": target}).reset_index(drop=True)


def _names(to: Genes, shipped: IdTable) -> dict[int, str]:
    """From Entrez id to the id in a list of genes, where both stand for one another alone."""
    pairs = _resolve(to.ids, to.namespace, shipped=shipped)
    pairs = pairs[~pairs["column"].duplicated(keep=False)]
    pairs = pairs.assign(rank=pairs["via"].map(_RANKS)).sort_values("rank", kind="stable")
    best = pairs["rank"] == pairs.groupby("entrez")["rank"].transform("min")
    pairs = pairs[best]
    pairs = pairs[~pairs["entrez"].duplicated(keep=False)]
    return {int(gene): to.ids[c] for gene, c in zip(pairs["entrez"], pairs["column"], strict=True)}


def _plain(ids: Iterable[object], kind: str) -> pd.Series:
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


def _resolve(ids: Iterable[object], kind: str, *, shipped: IdTable, own: UserTable | None = None) -> pd.DataFrame:
    """The genes that each id stands for; a user's table goes before the one that comes with the package.

    Returns
    -------
    Columns ``column`` (position in `ids`), ``entrez``, ``via`` (a key of ``VIAS``); a row for each pair of id and
    gene, none for an id without a gene.
    """
    if own is not None:
        return _by_own(ids, own, shipped)
    texts = list(_plain(ids, kind))
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
        # The symbol is for where NCBI has withdrawn the Entrez id.
        first = {"id": lambda text: _entrez(text.rpartition("|")[2], shipped)}
        steps = _symbol_steps(texts, shipped)
        return first | {via: _of_part(step, lambda text: text.rpartition("|")[0]) for via, step in steps.items()}
    if kind == "ensembl|symbol":
        halves = dict(zip(texts, map(_halves, texts), strict=True))
        by_id = shipped.entrez_of("ensembl")
        steps = _symbol_steps([symbol for _, symbol in halves.values()], shipped)
        first = {"id": lambda text: by_id.get(halves[text][0], ())}
        return first | {via: _of_part(step, lambda text: halves[text][1]) for via, step in steps.items()}
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
        "renamed": lambda text: symbols.get(_renamed(text), ()),
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


def _of_part(step: Step, part: Callable[[str], str]) -> Step:
    """What is tried for a part of an id."""
    return lambda text: step(part(text))


def _entrez(text: str, shipped: IdTable) -> tuple[int, ...]:
    number = int(text) if text.isdecimal() and len(text) < 12 else 0
    return (number,) if number in shipped.genes else ()


def _mended(texts: Sequence[str], shipped: IdTable) -> dict[str, tuple[int, ...]]:
    """Genes of dates: of the symbols that one may have been, the first that the file has nowhere else.

    A date that stands there twice was two genes once, and nothing tells which is which.
    """
    symbols, aliases = shipped.entrez_of("symbol"), shipped.entrez_of("alias")
    taken = {*texts, *map(_renamed, texts)}
    fits = {text: [s for s in _mangled(text) if (s in symbols or s in aliases) and s not in taken] for text in texts}
    said = Counter(fits[text][0] for text in texts if fits[text])
    found = {}
    for text, names in fits.items():
        chosen = names if names and said[names[0]] > 1 else names[:1]
        found[text] = tuple(gene for name in chosen for gene in symbols.get(name, aliases.get(name, ())))
    return found


def _by_own(ids: Iterable[object], own: UserTable, shipped: IdTable) -> pd.DataFrame:
    """By a user's table; its genes, which may be old symbols, by the shipped one."""
    genes = own.rows["gene"].unique()
    resolved = _resolve(genes, own.gene_kind, shipped=shipped)
    of_gene = resolved.assign(gene=genes[resolved["column"]]).drop(columns="column")
    rows = own.rows.merge(of_gene, on="gene").assign(id=lambda t: _without_version(t["id"]))
    columns = pd.DataFrame({"id": _without_version(pd.Series([str(i).strip() for i in ids], dtype=object))})
    pairs = columns.rename_axis("column").reset_index().merge(rows, on="id")[["column", "entrez", "via"]]
    return pairs.drop_duplicates(["column", "entrez"]).sort_values("column", kind="stable", ignore_index=True)


def _without_version(ids: pd.Series) -> pd.Series:
    return ids.str.replace(r"^(ENS\w+)\.\d+$", r"\1", regex=True)


def _mangled(text: str) -> tuple[str, ...]:
    """Current symbols that Excel may have turned into `text`, the likeliest first.

    Examples
    --------
    >>> _mangled("2-Sep"), _mangled("2001-03-01"), _mangled("TP53")
    (('SEPTIN2', 'SEP2'), ('MARCHF1', 'MTARC1'), ())
    """
    found = _month_and_number(text)
    if found is None:
        return ()
    month, number = found
    return tuple(family.format(number) for family in _FAMILIES[month])


def _renamed(text: str) -> str:
    """What HGNC renamed a symbol to because of Excel (MARCH1, SEPT2, MARC1, DEC1), or ``""``.

    As aliases these stand for several genes; as the symbols they were, each for one.
    """
    match = _OLD.fullmatch(text)
    return _NEW[match[1]].format(int(match[2])) if match else ""


def _month_and_number(text: str) -> tuple[str, int] | None:
    if match := _DAY_MONTH.fullmatch(text):
        return match[2].lower(), int(match[1])
    if match := _MONTH_DAY.fullmatch(text):
        return match[1].lower(), int(match[2])
    if match := _DATE.fullmatch(text):
        year, month, day = (int(part) for part in match.groups())
        name = _MONTHS[month - 1] if 1 <= month <= 12 else ""
        # "Mar-01" becomes the first of March 2001, "1-Mar" the first of March of the year it was typed in.
        number = year - 2000 if day == 1 and 2001 <= year <= 2015 else day
        return (name, number) if name in _FAMILIES else None
    return None
