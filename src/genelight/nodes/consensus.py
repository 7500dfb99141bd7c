"""Programmes that an ensemble agrees on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from .._core.checks import check_positive
from .._core.printed import Card, Printed
from .._core.progress import progress
from .._core.threads import one_thread
from ..errors import InputError
from ..nouns import NodeGenes
from .reproduce import assign, check_genes, random_rotation, unit_profiles

__all__ = ["Consensus", "consensus"]

CUT_QUANTILE = 0.99
SIGNIFICANT, SHOWN = 0.05, 3


@dataclass(frozen=True, repr=False)
class Consensus(Printed):
    """Consensus programmes and how far the members agree on each.

    Attributes
    ----------
    nodes
        Programmes ``"C.0"``, ``"C.1"``, ... by genes, the best agreed on first.
    table
        One row per programme: ``node``; ``support``, in how many members it has a node; ``correlation``, the mean
        absolute correlation between these nodes; ``agreement``, the same over all pairs of members, 0 where one has
        none; ``p`` and ``q``.
    members
        One row per node that a programme is made of: ``programme``, ``member``, ``node``, ``sign``.
    """

    nodes: NodeGenes
    table: pd.DataFrame
    members: pd.DataFrame

    def _card(self) -> Card:
        told = (
            (str(row.node), f"in {row.support}, correlation {row.correlation:.2f}") for row in self.table.itertuples()
        )
        return f"{len(self.table):,} programmes of {self.nodes.about.get('members', 'several')} models", [
            ("layer", str(self.nodes.about.get("layer", ""))),
            ("genes", f"{len(self.nodes.genes):,} by {self.nodes.genes.namespace}"),
            ("sure", f"{(self.table['q'] <= SIGNIFICANT).sum():,} at q <= {SIGNIFICANT}"),
            *islice(told, SHOWN),
            ("next", "nodes.top(10) has their genes"),
        ]


@dataclass(frozen=True)
class _Cluster:
    """One node of each member that has one: positions among all live nodes."""

    chosen: np.ndarray
    correlation: float
    agreement: float


def consensus(nodes: Sequence[NodeGenes], *, support: float = 0.5, draws: int = 20, seed: int = 0) -> Consensus:
    """Gather the nodes of an ensemble into programmes, and say which of them chance would not give.

    Parameters
    ----------
    nodes
        One layer of every member of an ensemble (:meth:`genelight.models.Ensemble.fit`); PCA and ICA serve as well.
    support
        A programme has nodes of more than this share of the members. Members trained on draws from one table share
        subjects, so that a few of them may agree on noise; that most of them do is another matter.
    draws
        Draws of the null.
    seed
        Of the draws.

    Returns
    -------
    Programmes that most members have. Their values are means over the members' nodes, signs aligned, as
    most of these nodes have it.

    Raises
    ------
    InputError
        If there are fewer than two members, all nodes of one are dead, or `support` is no share.
    GeneMismatchError
        If genes differ.

    Notes
    -----
    Live nodes of all members are joined by average linkage on one minus the absolute correlation of their profiles
    and cut where nodes correlate no better than matched nodes do under the null (99th percentile). Of several nodes
    of one member in a programme the most central speaks for it. The null is that of :func:`reproducibility`, a
    random rotation of each member's nodes, clustered in the same way with the same cut. ``p`` is the share of null
    clusters (single nodes included) with at least this agreement; ``q`` the number of them expected in one draw,
    over the number of programmes found with as much, made monotone.

    A programme is what follows one course over samples: one whose genes answer in two ways, half to a switch and half
    to a product with another, comes back as two, one for each half (the study ``programmes``).

    That programmes shared over trainings are the ones to read is the idea of DeepProfile (Qiu et al. 2024,
    doi 10.1038/s41551-024-01290-8), which clusters latent variables over samples instead.

    Cost: correlations and linkage of all nodes, O((m k)² (g + draws)); 10 x 128 nodes take 2 s.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> ica = gl.models.ICA(8).fit(adata)
    >>> again = gl.models.Ensemble.fit(adata, ica, seeds=4, subject="subject")
    >>> found = gl.nodes.consensus([gl.light_up(m, "IC") for m in again])
    >>> found.nodes.nodes[0], bool(found.table["q"][0] < 0.05)
    ('C.0', True)
    """
    if len(nodes) < 2:
        msg = f"an ensemble of {len(nodes)} has nothing to agree on; pass the nodes of two members or more"
        raise InputError(msg)
    check_positive(draws=draws)
    if not 0 <= support < 1:
        msg = f"support = {support} must be a share of the members, from 0 to below 1"
        raise InputError(msg)
    check_genes(nodes)
    profiles, live = zip(*(unit_profiles(part) for part in nodes), strict=True)
    member = np.repeat(np.arange(len(nodes)), [len(part) for part in live])
    profile_kg = np.vstack(profiles)
    r_kk = profile_kg @ profile_kg.T
    rng = np.random.default_rng(seed)
    cut = float(np.quantile(_matched(_rotated(r_kk, member, rng), member), CUT_QUANTILE))
    found = _clusters(r_kk, member, cut)
    chance = []
    with one_thread(), progress("rotating nodes", draws) as step:
        for _ in range(draws):
            chance += [c.agreement for c in _clusters(_rotated(r_kk, member, rng), member, cut)]
            step()
    found = sorted((c for c in found if len(c.chosen) > support * len(nodes)), key=lambda c: -c.agreement)
    table = _table(found, np.sort(chance), draws=draws)
    about = {
        "members": len(nodes),
        "cut": cut,
        "least_support": support,
        "draws": draws,
        "seed": seed,
        "nodes_live": len(member),
    }
    return _assemble(nodes, found, table, member=member, position=np.concatenate(live), r_kk=r_kk, about=about)


def _rotated(r_kk: np.ndarray, member: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Correlations of all nodes after a random rotation of each member's."""
    mixed = np.array(r_kk, dtype=np.float64)
    for m in np.unique(member):
        own = np.flatnonzero(member == m)
        block = slice(own[0], own[-1] + 1)
        rotation_kk = random_rotation(len(own), rng)
        mixed[block] = rotation_kk @ mixed[block]
        mixed[:, block] = mixed[:, block] @ rotation_kk.T
    norm = np.sqrt(np.maximum(np.diag(mixed), 1e-12))
    return mixed / np.outer(norm, norm)


def _matched(r_kk: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Absolute correlations of matched nodes, over all pairs of members."""
    blocks = [np.flatnonzero(member == m) for m in np.unique(member)]
    pairs = [r_kk[np.ix_(a, b)] for i, a in enumerate(blocks) for b in blocks[:i]]
    return np.concatenate([np.abs(r_ab[assign(r_ab)]) for r_ab in pairs]) if pairs else np.zeros(1)


def _clusters(r_kk: np.ndarray, member: np.ndarray, cut: float) -> list[_Cluster]:
    distance = np.clip(1 - np.abs(r_kk), 0, 1)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    label = fcluster(tree, 1 - cut, "distance")
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    return [_cluster(group, r_kk, member) for group in groups]


def _cluster(group: np.ndarray, r_kk: np.ndarray, member: np.ndarray) -> _Cluster:
    """The most central node of each member in the group, and how far they agree."""
    r = np.abs(r_kk[np.ix_(group, group)])
    central = np.argsort(-r.sum(1), kind="stable")
    _, first = np.unique(member[group[central]], return_index=True)
    chosen = central[first]
    n, members = len(chosen), member[-1] + 1
    total = float(r[np.ix_(chosen, chosen)].sum()) - n
    return _Cluster(group[chosen], total / max(1, n * (n - 1)), total / (members * (members - 1)))


def _table(found: Sequence[_Cluster], chance: np.ndarray, *, draws: int) -> pd.DataFrame:
    agreement = np.array([c.agreement for c in found])
    beyond = len(chance) - np.searchsorted(chance, agreement)
    expected = (1 + beyond) / draws / np.arange(1, len(found) + 1)
    q = np.minimum(1, np.minimum.accumulate(expected[::-1])[::-1])
    columns = {
        "node": [f"C.{i}" for i in range(len(found))],
        "support": [len(c.chosen) for c in found],
        "correlation": [c.correlation for c in found],
        "agreement": agreement,
        "p": (1 + beyond) / (1 + len(chance)),
        "q": q,
    }
    return pd.DataFrame(columns)


def _assemble(
    nodes: Sequence[NodeGenes],
    found: Sequence[_Cluster],
    table: pd.DataFrame,
    *,
    member: np.ndarray,
    position: np.ndarray,
    r_kk: np.ndarray,
    about: Mapping[str, object],
) -> Consensus:
    first = nodes[0]
    values_kg = np.zeros((len(found), len(first.genes)), dtype=np.float32)
    rows = []
    for i, cluster in enumerate(found):
        sign = _signs(r_kk[np.ix_(cluster.chosen, cluster.chosen)])
        for node, s in zip(cluster.chosen, sign, strict=True):
            part = nodes[member[node]]
            values_kg[i] += s / len(sign) * part.values_kg[position[node]]
            rows.append((f"C.{i}", int(member[node]), part.nodes[position[node]], int(s)))
    about = {**about, "layer": first.layer, "method": first.method}
    programmes = NodeGenes(values_kg, tuple(table["node"]), first.genes, "C", first.source, "consensus", about)
    return Consensus(programmes, table, pd.DataFrame(rows, columns=["programme", "member", "node", "sign"]))


def _signs(r_kk: np.ndarray) -> np.ndarray:
    """Signs under which the nodes agree, as most of them have it."""
    sign = np.where(np.linalg.eigh(r_kk)[1][:, -1] < 0, -1, 1)
    return sign if sign.sum() >= 0 else -sign
