"""Gene profiles of nodes, how alike they are, and which belong together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..errors import GeneMismatchError, InputError
from ..nouns import NodeGenes

__all__ = ["LIVE", "assign", "check_genes", "random_rotation", "unit_profiles"]

LIVE = 1e-6  # a profile that varies less over genes than this share of the layer's liveliest is dead


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
