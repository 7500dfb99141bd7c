"""Which nodes come back when the model is refitted: gene profiles, matched, against a null."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import linear_sum_assignment

from .._core.checks import check_positive
from .._core.progress import progress
from .._core.threads import one_thread
from ..errors import GeneMismatchError, InputError, UnknownNameError
from ..nouns import NodeGenes

__all__ = [
    "assign",
    "check_genes",
    "match_nodes",
    "random_rotation",
    "rank_nodes",
    "reproducibility",
    "unit_profiles",
]

SUPPORT_QUANTILE = 0.99
LIVE = 1e-6  # a profile that varies less over genes than this share of the layer's liveliest is dead


def match_nodes(a: NodeGenes, b: NodeGenes) -> pd.DataFrame:
    """Match the nodes of two models one to one by what they stand for.

    Parameters
    ----------
    a, b
        Profiles over the same genes, from :func:`light_up`; numbers of nodes may differ.

    Returns
    -------
    One row per node of `a`, in order: ``node``; ``match``, the node of `b` that the assignment with the largest sum
    of absolute correlations gives it, empty for a dead node (no response of any gene) or one left over;
    ``correlation`` of the two profiles over genes, signed, 0 without a match.

    Raises
    ------
    InputError
        If all nodes of a model are dead.
    GeneMismatchError
        If genes differ.

    Notes
    -----
    Cost: one product of profiles and one assignment, O(k² g + k³); 0.1 s for 512 nodes x 11,000 genes.

    Examples
    --------
    >>> import genelight as gl
    >>> from genelight.nodes.reproduce import match_nodes
    >>> nodes = gl.light_up(gl.models.PCA(4).fit(gl.demo.cohort()), "PC")
    >>> match_nodes(nodes, nodes)["correlation"].round(3).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    check_genes([a, b])
    (a_kg, live_a), (b_kg, live_b) = unit_profiles(a), unit_profiles(b)
    r_ab = a_kg @ b_kg.T
    i, j = assign(r_ab)
    match = np.full(len(a.nodes), "", dtype=object)
    correlation = np.zeros(len(a.nodes))
    match[live_a[i]] = np.asarray(b.nodes, dtype=object)[live_b[j]]
    correlation[live_a[i]] = r_ab[i, j]
    return pd.DataFrame({"node": a.nodes, "match": match, "correlation": correlation})


def reproducibility(
    reference: NodeGenes, others: Sequence[NodeGenes], *, draws: int = 50, seed: int = 0
) -> pd.DataFrame:
    """Score every node of a model by how well other trainings find it again, against a null.

    Parameters
    ----------
    reference
        Nodes of the model in question.
    others
        The same layer of the members of an ensemble (:meth:`genelight.models.Ensemble.fit`), the reference not among
        them. Members should rest on other draws of the subjects: matched on one and the same table, noise that the
        table holds comes back too.
    draws
        Draws of the null; each gives one value per live node.
    seed
        Of the draws.

    Returns
    -------
    One row per node of `reference`: ``node``; ``layer``; ``reproducibility``, the mean over the others of the absolute
    correlation with the matched node (0 for a dead node); ``support``, in how many of the others that correlation is
    beyond the 99th percentile of single matches under the null; ``members``, how many others there are; ``null_mean``;
    ``p``, one-sided; ``q``, Benjamini-Hochberg over the nodes. Tables of several layers may be joined.

    Raises
    ------
    InputError
        If there are no others, or all nodes of a model are dead.
    GeneMismatchError
        If genes differ.

    Notes
    -----
    The null asks whether a node is more than an arbitrary direction of the space that its layer writes to. In each
    draw the nodes of every model are mixed by a random rotation, ``P -> R P`` with P the unit profiles, and matched
    again. The space, and the gene-gene covariance ``P'P`` of what the nodes write, stay as they are; only which
    directions in it are nodes is lost. Shuffling genes would break the correlation between genes, and then any two
    directions of a low-dimensional space look alike beyond chance; matching picks the best of many pairs, and does
    so under the null as well. Nodes are exchangeable under the rotation, so one null serves all of them.

    Nodes beyond every draw of the null are then taken off, with their matches, and the others are compared again,
    among themselves only, until there is no such node: directions left over in a smaller space meet by chance more
    closely than the whole space would have it. It says nothing of causes: what all subjects share for technical
    reasons is reproducible too.

    Cost: per round ``draws * len(others)`` assignments and rotations, O(k³), whatever the number of genes.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> pca = gl.models.PCA(8).fit(adata)
    >>> again = gl.models.Ensemble.fit(adata, pca, seeds=3, subject="subject")
    >>> table = gl.nodes.reproducibility(gl.light_up(pca, "PC"), [gl.light_up(m, "PC") for m in again], draws=20)
    >>> table["node"][0], bool(table["q"][0] < 0.05)
    ('PC.0', True)
    """
    if not others:
        msg = "an ensemble of one: there is no other training to compare with; pass two members or more"
        raise InputError(msg)
    check_positive(draws=draws)
    check_genes([reference, *others])
    (profile_kg, live), *rest = [unit_profiles(nodes) for nodes in (reference, *others)]
    cross = [profile_kg @ other_kg.T for other_kg, _ in rest]
    grams = [part @ part.T for part in (profile_kg, *(other_kg for other_kg, _ in rest))]
    found = _step_down(cross, grams, draws=draws, rng=np.random.default_rng(seed))
    dead = {"reproducibility": 0.0, "support": 0.0, "null_mean": np.nan, "p": 1.0}
    table = pd.DataFrame(found, index=live).reindex(np.arange(len(reference.nodes))).fillna(dead)
    table.insert(0, "node", reference.nodes)
    table.insert(1, "layer", reference.layer)
    table.insert(4, "members", len(others))
    return table.astype({"support": int}).assign(q=stats.false_discovery_control(table["p"]))


def rank_nodes(reproducibility: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """Order nodes by reproducibility times effect, so that nobody studies an artefact.

    Parameters
    ----------
    reproducibility
        From :func:`reproducibility`; several layers' tables may be joined.
    effects
        From :func:`node_activity`: columns ``node`` and ``effect``, and whatever else is to be kept.

    Returns
    -------
    Rows of `effects` for the nodes scored, with ``reproducibility`` and its ``q`` as ``q_reproducibility``, and
    ``rank_score``, the product of reproducibility and absolute effect; the largest first.

    Raises
    ------
    UnknownNameError
        If a column is absent, or a node scored has no effect.

    Examples
    --------
    >>> import pandas as pd
    >>> from genelight.nodes.reproduce import rank_nodes
    >>> scored = pd.DataFrame({"node": ["L1.0", "L1.1"], "reproducibility": [0.9, 0.2], "q": [0.01, 0.8]})
    >>> rank_nodes(scored, pd.DataFrame({"node": ["L1.0", "L1.1"], "effect": [-1.0, 2.0]}))["node"].tolist()
    ['L1.0', 'L1.1']
    """
    for table, name, needed in (
        (reproducibility, "reproducibility", ("node", "reproducibility", "q")),
        (effects, "effects", ("node", "effect")),
    ):
        for column in needed:
            if column not in table:
                raise UnknownNameError("column", column, table.columns, where=f"the table of {name}")
    for node in set(reproducibility["node"]) - set(effects["node"]):
        raise UnknownNameError("node", node, effects["node"], where="the table of effects")
    scored = reproducibility[["node", "reproducibility", "q"]].rename(columns={"q": "q_reproducibility"})
    ranked = effects.merge(scored, on="node", validate="one_to_one")
    ranked["rank_score"] = ranked["reproducibility"] * ranked["effect"].abs()
    return ranked.sort_values("rank_score", ascending=False, kind="stable", ignore_index=True)


def check_genes(nodes: Sequence[NodeGenes]) -> None:
    """Stop unless all have the same genes in the same order.

    Raises
    ------
    GeneMismatchError
        If one has others; says which, and how many are shared with the first.
    """
    first = nodes[0].genes
    for i, other in enumerate(nodes):
        if other.genes.digest != first.digest:
            shared = first.align(other.genes).found
            msg = (
                f"member {i} has {len(other.genes)} genes, of which {shared} are among the {len(first)} of member 0; "
                "nodes are matched on their genes: train all members on one table with one preparation"
            )
            raise GeneMismatchError(msg)


def unit_profiles(nodes: NodeGenes) -> tuple[np.ndarray, np.ndarray]:
    """Centred profiles of length one, shape ``(k', g)``, float32, and the positions ``(k',)`` of these live nodes.

    The product of two profiles is their correlation. Dead nodes (no response of any gene) are left out.

    Raises
    ------
    InputError
        If all nodes are dead.
    """
    centred_kg = nodes.values_kg - nodes.values_kg.mean(1, keepdims=True)
    norm_k = np.linalg.norm(centred_kg, axis=1)
    (live,) = np.nonzero(norm_k > LIVE * max(norm_k.max(initial=0.0), 1e-30))
    if not len(live):
        msg = f"all {len(nodes.nodes)} nodes of layer {nodes.layer} ({nodes.source}) are dead; train the model anew"
        raise InputError(msg)
    return (centred_kg[live] / norm_k[live, None]).astype(np.float32, copy=False), live


def assign(r_ab: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows and columns, each used once, with the largest sum of absolute correlations."""
    return linear_sum_assignment(np.abs(r_ab), maximize=True)


def random_rotation(k: int, rng: np.random.Generator) -> np.ndarray:
    """A rotation of k dimensions drawn uniformly (QR of a Gaussian matrix, signs fixed; Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.standard_normal((k, k)))
    return q * np.sign(np.diag(r))


def _step_down(
    cross: Sequence[np.ndarray], grams: Sequence[np.ndarray], *, draws: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Score, support, null mean and p of every live node of the reference; each round takes off what it found."""
    left, others_left = np.arange(len(grams[0])), [np.arange(len(gram)) for gram in grams[1:]]
    match_mk, matched_mk = _match(cross)
    found = {name: np.zeros(len(left)) for name in ("support", "null_mean", "p")}
    while len(left) and all(len(rest) for rest in others_left):
        part = [r_ab[np.ix_(left, rest)] for r_ab, rest in zip(cross, others_left, strict=True)]
        part_grams = [gram[np.ix_(rest, rest)] for gram, rest in zip(grams, (left, *others_left), strict=True)]
        null_dmk = _null(part, part_grams, draws=draws, rng=rng)
        null = np.sort(null_dmk.mean(1).ravel())
        score = matched_mk[:, left].mean(0)
        p = (1 + len(null) - np.searchsorted(null, score)) / (1 + len(null))
        found["support"][left] = (matched_mk[:, left] > np.quantile(null_dmk, SUPPORT_QUANTILE)).sum(0)
        found["null_mean"][left] = null.mean()
        found["p"][left] = np.maximum(found["p"][left], p)
        sure = score > null[-1]
        if not sure.any():
            break
        others_left = [
            np.setdiff1d(rest, match_k[left[sure]]) for rest, match_k in zip(others_left, match_mk, strict=True)
        ]
        left = left[~sure]
    return {"reproducibility": matched_mk.mean(0), **found}


def _match(cross: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Match of every node of the reference in each other model (-1 for none), and its absolute correlation."""
    match_mk, matched_mk = np.full((len(cross), len(cross[0])), -1), np.zeros((len(cross), len(cross[0])))
    for match_k, matched_k, r_ab in zip(match_mk, matched_mk, cross, strict=True):
        i, j = assign(r_ab)
        match_k[i], matched_k[i] = j, np.abs(r_ab[i, j])
    return match_mk, matched_mk


def _null(
    cross: Sequence[np.ndarray], grams: Sequence[np.ndarray], *, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Absolute correlations of matches after random rotations of every model's nodes, shape ``(draws, m, k)``."""
    null_dmk = np.empty((draws, len(cross), len(cross[0])))
    with one_thread(), progress("rotating nodes", draws) as step:
        for null_mk in null_dmk:
            (rotation_a, norm_a), *rest = [_rotation(gram, rng) for gram in grams]
            rotated = [
                rotation_a @ r_ab @ rotation_b.T / np.outer(norm_a, norm_b)
                for r_ab, (rotation_b, norm_b) in zip(cross, rest, strict=True)
            ]
            null_mk[:] = _match(rotated)[1]
            step()
    return null_dmk


def _rotation(gram: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A random rotation and the lengths of the mixed profiles."""
    rotation_kk = random_rotation(len(gram), rng)
    return rotation_kk, np.sqrt(np.maximum(np.einsum("ij,ij->i", rotation_kk @ gram, rotation_kk), 1e-12))
