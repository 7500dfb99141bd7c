"""Which column of a file is which gene: found, chosen among several, and counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..errors import first_three
from ..io.id_table import IdTable
from ..nouns import Genes
from ._resolve import VIAS, plain, resolve
from .user_table import UserTable

__all__ = ["choose", "find", "labels"]

_RANKS = {via: rank for rank, via in enumerate(VIAS)}


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
    pairs = resolve(ids, kind, shipped=shipped, own=own)
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
    texts = plain(ids, kind)
    if isinstance(to, Genes):
        asked = pd.Series(to.ids, index=plain(to.ids, kind))
        target = texts.map(asked[~asked.index.duplicated(keep=False)]).dropna()
    elif kind == "symbol":
        return None
    else:
        target = texts[texts != ""]
    return pd.DataFrame({"column": target.index, "via": "id", "target": target, "gene": target}).reset_index(drop=True)


def _names(to: Genes, shipped: IdTable) -> dict[int, str]:
    """From Entrez id to the id in a list of genes, where both stand for one another alone."""
    pairs = resolve(to.ids, to.namespace, shipped=shipped)
    pairs = pairs[~pairs["column"].duplicated(keep=False)]
    pairs = pairs.assign(rank=pairs["via"].map(_RANKS)).sort_values("rank", kind="stable")
    best = pairs["rank"] == pairs.groupby("entrez")["rank"].transform("min")
    pairs = pairs[best]
    pairs = pairs[~pairs["entrez"].duplicated(keep=False)]
    return {int(gene): to.ids[c] for gene, c in zip(pairs["entrez"], pairs["column"], strict=True)}
