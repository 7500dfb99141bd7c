"""Kinds of id, of genes and of other features: told from how the ids look, cleaned of what sources put around them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ..errors import InputError, UnknownNameError, first_three
from .text._signs import NO_ID

__all__ = [
    "ID_KINDS",
    "PLATFORMS",
    "PROBES",
    "IdKind",
    "check_kind",
    "check_namespace",
    "clean_ids",
    "detect_ids",
    "looks_like",
]

# Each kind in words; pp.map_ids brings them to one another.
ID_KINDS: dict[str, str] = {
    "symbol": "gene symbol",
    "entrez": "Entrez (NCBI) gene id",
    "ensembl": "Ensembl gene id",
    "ensp": "Ensembl protein id",
    "enst": "Ensembl transcript id",
    "symbol|entrez": "symbol and Entrez id, joined",
    "ensembl|symbol": "Ensembl gene id and symbol, joined",
    "uniprot": "UniProt accession",
    "refseq": "RefSeq accession",
    "gpl570": "Affymetrix HG-U133 Plus 2.0 probe set (GPL570)",
    "hgu133a": "Affymetrix HG-U133A probe set (GPL96)",
    "affymetrix": "probe set of another Affymetrix chip",
    "illumina": "Illumina BeadChip probe, such as of HT-12",
    "agilent": "Agilent probe",
    "cpg": "CpG of an Illumina methylation array",
    "mirna": "microRNA of miRBase",
    "metabolite": "metabolite of HMDB, KEGG, ChEBI or by its InChIKey",
    "taxon": "microbial taxon, by its lineage or as an OTU or ASV",
    "unknown": "none of the known kinds",
}
# GEO's platform of a kind of probe, the usual one where it does not tell; its table can be fetched.
PLATFORMS = {"gpl570": "GPL570", "hgu133a": "GPL96", "illumina": "GPL10558"}
PROBES = frozenset((*PLATFORMS, "affymetrix", "agilent"))
# The first that fits an id is its kind: a symbol is what fits nothing else.
_LOOKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("cpg", re.compile(r"(cg\d{6,8}(_[TB][CO]\d{2})?|ch\.[0-9XY]{1,2}\.\d+[FR]?)$")),
    ("mirna", re.compile(r"(([a-z]{3}-)?(miR|mir|let)-[0-9][\w.*-]*|MIMAT\d{7}(_\d+)?)$")),
    ("metabolite", re.compile(r"(HMDB\d{5,7}|C\d{5}|(CHEBI:|chebi:)\d+|[A-Z]{14}-[A-Z]{10}-[A-Z])$")),
    ("taxon", re.compile(r"([dkpcofgst]__.*|(OTU|ASV|Otu|Zotu|zOTU)[_.-]?\d+)$")),
    ("ensembl", re.compile(r"ENS[A-Z]{0,4}G\d{6,}(\.\d+)?(_PAR_Y)?$")),
    ("ensembl|symbol", re.compile(r"(ENS[A-Z]{0,4}G\d{6,}(\.\d+)?[|_:]\S+|\S+[|_:]ENS[A-Z]{0,4}G\d{6,}(\.\d+)?)$")),
    ("ensp", re.compile(r"(\d+\.)?ENS[A-Z]{0,4}P\d{6,}(\.\d+)?$")),
    ("enst", re.compile(r"ENS[A-Z]{0,4}T\d{6,}(\.\d+)?$")),
    ("symbol|entrez", re.compile(r"\S+\|\d+$")),
    ("entrez", re.compile(r"\d{1,9}(\.0)?$")),
    ("illumina", re.compile(r"ILMN_\d+$")),
    ("affymetrix", re.compile(r"(AFFX-\S+|\d+(_[a-z]{1,2}){0,2}_at|\S+_at|\S+_st)$")),
    ("agilent", re.compile(r"(A_\d+_P\d+|A_19_P\d+|\(\+\)E1A_\S+|DCP_\d+_\d+)$")),
    ("refseq", re.compile(r"[NX][MRP]_\d{6,}(\.\d+)?$")),
    ("uniprot", re.compile(r"([OPQ]\d[A-Z0-9]{3}\d|[A-NR-Z]\d([A-Z][A-Z0-9]{2}\d){1,2})(-\d+)?$")),
    ("symbol", re.compile(r"([A-Za-z][A-Za-z0-9._@/-]{0,29}|\d{1,2}-(Mar|Sep|Dec)|[57]S\w+|\?)$")),
)
# HG-U133 Plus 2.0 is HG-U133A (200000 to 222999), HG-U133B (222000 to 244999) and the numbers from 1552000 on.
_OF_U133 = re.compile(r"(AFFX-\S+|\d{2,5}(_[a-z])?_at|(2\d{5}|15[567]\d{4})(_[a-z])?_at)$")
_ONLY_PLUS_2 = re.compile(r"15[567]\d{4}(_[a-z])?_at$")
_NOT_A = re.compile(r"2(2[3-9]|[34]\d)\d{3}(_[a-z])?_at$")
# Transcript clusters of the Gene ST chips, seven digits where human Entrez ids have at most six, or nine.
_GENE_ST = re.compile(r"(7[89]|8[01]|16|17)\d{5,6}$")
# All of them in one pass; a name of a group cannot be the kind's.
_ANY_LOOK = re.compile("|".join(f"(?P<k{i}>{look.pattern})" for i, (_, look) in enumerate(_LOOKS)))
_SAMPLED, _FEW, _REMEMBERED = 20_000, 0.01, 1 << 16
# How ids of a kind look; symbols are what is left.
_NAMESPACE_LOOKS: dict[str, re.Pattern[str]] = {
    "entrez": re.compile(r"\d+$"),
    "ensembl": re.compile(r"ENS[A-Z]*G\d{6,}(\.\d+)?$"),
    "ensp": re.compile(r"(\d+\.)?ENS[A-Z]*P\d{6,}(\.\d+)?$"),
}
_NAMESPACES = ("symbol", *_NAMESPACE_LOOKS)
_CHECKED = 500


class IdKind(NamedTuple):
    """A kind of gene id, how many ids look like it, and the first of them.

    Attributes
    ----------
    kind
        One of ``ID_KINDS``.
    share
        Of the ids looked at, those that look like it.
    examples
        Up to three.
    """

    kind: str
    share: float
    examples: tuple[str, ...]


def detect_ids(ids: Iterable[object]) -> IdKind:
    """The kind of gene id that most of `ids` look like.

    Judged on up to 20,000 of them, evenly spaced. Where fewer than half look like one kind, it is ``"unknown"``.
    Ensembl ids are ``"ensembl"`` with and without a version (``ENSG00000141510.5``).

    Parameters
    ----------
    ids
        Anything that reads as text.

    Examples
    --------
    >>> from genelight.io.id_kinds import detect_ids
    >>> detect_ids(["TP53", "HLA-A", "1-Mar", "C1orf112"]).kind
    'symbol'
    >>> detect_ids(["TP53|7157", "?|100130426"])
    IdKind(kind='symbol|entrez', share=1.0, examples=('TP53|7157', '?|100130426'))
    """
    texts = [str(i).strip() for i in ids]
    # Numbers that only count the columns are no Entrez ids, though 1, 2, 9 are some gene's.
    start = int(texts[0]) if len(texts) > 1 and texts[0] in ("0", "1") else None
    if start is not None and texts == [str(i) for i in range(start, start + len(texts))]:
        return IdKind("unknown", 0.0, tuple(texts[:3]))
    texts = texts[:: max(1, len(texts) // _SAMPLED)]
    by_kind: dict[str, list[str]] = {kind: [] for kind in ID_KINDS}
    for text in texts:
        by_kind[_kind_of(text)].append(text)
    kind = max(by_kind, key=lambda k: len(by_kind[k]))
    share = len(by_kind[kind]) / max(1, len(texts))
    if share < 0.5:
        return IdKind("unknown", share, tuple(texts[:3]))
    members = by_kind[kind]
    if kind == "entrez" and sum(_GENE_ST.match(i) is not None for i in members) > 0.9 * len(members):
        kind = "affymetrix"
    elif kind == "affymetrix":
        kind = _chip(members)
    return IdKind(kind, share, tuple(members[:3]))


def looks_like(ids: Iterable[object]) -> list[str]:
    """The kind that each of `ids` looks like by itself."""
    return [_kind_of(str(i).strip()) for i in ids]


@lru_cache(_REMEMBERED)
def _kind_of(text: str) -> str:
    """Remembered, since the names along one side are asked about several times."""
    found = _ANY_LOOK.match(text)
    return _LOOKS[int(str(found.lastgroup)[1:])][0] if found else "unknown"


def _chip(probes: list[str]) -> str:
    """Which Affymetrix chip probe sets come from."""

    def fitting(look: re.Pattern[str]) -> int:
        return sum(look.match(p) is not None for p in probes)

    if fitting(_OF_U133) < 0.9 * len(probes):
        return "affymetrix"
    # Shares, for a few probes more or less do not make another chip: 4.5% of HG-U133 Plus 2.0 are its own.
    few = _FEW * len(probes)
    if fitting(_ONLY_PLUS_2) > few:
        return "gpl570"
    return "affymetrix" if fitting(_NOT_A) > few else "hgu133a"


def check_namespace(ids: str) -> None:
    """Stop where `ids` names no kind of gene id.

    Raises
    ------
    UnknownNameError
        If so.
    """
    if ids not in _NAMESPACES:
        raise UnknownNameError("kind of gene id", ids, _NAMESPACES, where="ids")


def check_kind(values: pd.Series, ids: str, path: Path) -> None:
    """Stop when most ids look like another kind than the one asked for.

    Raises
    ------
    InputError
        If they do; says which kind to ask for.
    """
    sample = values.drop_duplicates().head(_CHECKED)
    if sample.empty:
        return
    shares = {kind: float(sample.str.match(pattern).mean()) for kind, pattern in _NAMESPACE_LOOKS.items()}
    kind, share = max(shares.items(), key=lambda item: item[1])
    looks = kind if share > 0.5 else "symbol"
    if looks != ids:
        msg = f"{path}: the gene ids look like {looks} ({first_three(sample)}), not {ids}; pass ids={looks!r}"
        raise InputError(msg)


def clean_ids(values: pd.Series, ids: str) -> pd.Series:
    """Ids without blanks around them, ``.0`` behind Entrez ids, ``9606.`` before proteins; empty ones as ``""``."""
    values = values.fillna("").str.strip()
    if ids == "entrez":
        # Programs that take ids for numbers write 7157.0.
        values = values.str.replace(r"^(\d+)\.0+$", r"\1", regex=True)
    if ids == "ensp":
        values = values.str.replace(r"^\d+\.", "", regex=True)
    return values.mask(values.isin(NO_ID), "")
