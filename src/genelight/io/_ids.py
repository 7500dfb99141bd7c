"""Kinds of gene id: told from how ids look, cleaned of what sources put around them."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from ..errors import InputError, UnknownNameError, first_three
from ._missing import is_empty

__all__ = ["NAMESPACES", "check_kind", "check_namespace", "clean_ids"]

# How ids of a kind look; symbols are what is left.
_LOOKS: dict[str, re.Pattern[str]] = {
    "entrez": re.compile(r"\d+$"),
    "ensembl": re.compile(r"ENS[A-Z]*G\d{6,}(\.\d+)?$"),
    "ensp": re.compile(r"(\d+\.)?ENS[A-Z]*P\d{6,}(\.\d+)?$"),
}
NAMESPACES = ("symbol", *_LOOKS)
_SAMPLED = 500


def check_namespace(ids: str) -> str:
    """`ids` itself if it names a kind of gene id.

    Raises
    ------
    UnknownNameError
        If it does not.
    """
    if ids not in NAMESPACES:
        raise UnknownNameError("kind of gene id", ids, NAMESPACES, where="ids")
    return ids


def check_kind(values: pd.Series, ids: str, path: Path) -> None:
    """Stop when most ids look like another kind than the one asked for.

    Raises
    ------
    InputError
        If they do; says which kind to ask for.
    """
    sample = values.drop_duplicates().head(_SAMPLED)
    if sample.empty:
        return
    shares = {kind: float(sample.str.match(pattern).mean()) for kind, pattern in _LOOKS.items()}
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
    return values.mask(is_empty(values), "")
