"""Gene sets as a matrix over the measured genes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from ..errors import InputError
from ..nouns import Edges, Genes
from ._tested import check_shared


@dataclass(frozen=True)
class Collection:
    """Gene sets of one source, restricted to the measured genes.

    Attributes
    ----------
    name
        The collection.
    sets
        Names of the sets that are tested.
    member_gs
        1 where a gene is in a set, sparse, shape ``(g, s)``.
    size_s
        Measured genes in each set.
    loci
        For each set its genes and the number of the locus that each lies in, from 0 on, where the collection has a
        column ``locus``; else None.
    account
        Counts: sets read, tested, too small, too large; members not measured; repeated members.
    """

    name: str
    sets: np.ndarray
    member_gs: sparse.csr_matrix
    size_s: np.ndarray
    account: dict[str, int]
    loci: tuple[tuple[np.ndarray, np.ndarray], ...] | None = None


def collect(edges: Edges, genes: Genes, *, min_size: int, max_size: int) -> Collection:
    """Restrict gene sets to the measured genes and to sizes that can be tested.

    Raises
    ------
    GeneMismatchError
        If fewer than ten measured genes are in any set.
    InputError
        If names are missing, or no set has between `min_size` and `max_size` measured genes.
    """
    table = edges.table[["source", "target"]]
    missing = int(table.isna().any(axis=1).sum())
    if missing:
        msg = f"{edges.name}: {missing} of {len(table)} rows lack a set or a gene; drop them"
        raise InputError(msg)
    set_e, sets = pd.factorize(table["source"].astype(str), sort=True)
    gene_e, members = pd.factorize(table["target"].astype(str))
    place_g = check_shared(genes, Genes(tuple(members), edges.namespace), reference=edges.name)
    measured_m = np.full(len(members), -1)
    measured_m[place_g[place_g >= 0]] = np.flatnonzero(place_g >= 0)
    row_e = measured_m[gene_e]
    inside = row_e >= 0
    shape = (len(genes), len(sets))
    member_gs = sparse.csr_matrix((np.ones(int(inside.sum())), (row_e[inside], set_e[inside])), shape=shape)
    repeated = int(inside.sum()) - member_gs.nnz
    member_gs.data[:] = 1
    size_s = np.bincount(member_gs.indices, minlength=len(sets))
    small, large = size_s < min_size, size_s > max_size
    keep = ~small & ~large
    if not keep.any():
        msg = (
            f"none of the {len(sets)} sets of {edges.name} has {min_size} to {max_size} of the {len(genes)} measured "
            f"genes ({int(small.sum())} are smaller, {int(large.sum())} larger); change min_size or max_size"
        )
        raise InputError(msg)
    account = {
        "sets": len(sets),
        "sets tested": int(keep.sum()),
        "sets too small": int(small.sum()),
        "sets too large": int(large.sum()),
        "members not measured": int((measured_m < 0).sum()),
        "members measured": int((measured_m >= 0).sum()),
        "repeated members": repeated,
    }
    loci = None
    if "locus" in edges.table:
        placed = pd.DataFrame({"set": set_e, "gene": row_e, "locus": edges.table["locus"].astype(str).to_numpy()})
        loci = _loci(placed[inside], np.flatnonzero(keep))
    names = np.asarray(sets, dtype=object)[keep]
    return Collection(edges.name, names, member_gs[:, keep], size_s[keep], account, loci)


def _loci(placed: pd.DataFrame, kept: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Genes and loci of each set that is kept; a gene without a locus is one by itself."""
    placed = placed.drop_duplicates(["set", "gene"])
    alone = placed["locus"].isin(["", "nan", "None"])
    placed = placed.assign(locus=placed["locus"].where(~alone, "gene " + placed["gene"].astype(str)))
    by_set = dict(tuple(placed.groupby("set")))
    return tuple((by_set[s]["gene"].to_numpy(), pd.factorize(by_set[s]["locus"])[0]) for s in kept)
