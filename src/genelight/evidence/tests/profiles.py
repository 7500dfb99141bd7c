"""Which tissue or cell type a node's profile looks like, against averages that others published."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata

from ...errors import InputError
from ...nouns import Evidence, Genes, NodeGenes
from ...stats.pvalues import adjust
from .._tested import check_shared

__all__ = ["reference_profiles"]


def reference_profiles(
    nodes: NodeGenes, reference: pd.DataFrame, *, name: str, log: bool = False, namespace: str = "symbol"
) -> Evidence:
    """Correlate node profiles with what sets each type of a reference apart from the others.

    Parameters
    ----------
    nodes
        Node profiles.
    reference
        Mean expression, genes in rows and types (tissues, cell types) in columns.
    name
        What to call the reference, with its version.
    log
        Take log2(1 + x) first: for averages on a linear scale.
    namespace
        Kind of gene id of the reference.

    Returns
    -------
    Evidence with one row for each node and type: ``statistic`` is Spearman's correlation over the shared genes
    between the node's values and the type's difference from the mean of all types, ``effect`` the same as a z against
    shuffled genes, p two-sided, since a node has no sign of its own, and q over all nodes and types. Genes count as
    independent, which they are not: q sorts, the types beside one another judge.

    Raises
    ------
    InputError
        If there are fewer than three types, or values are missing.
    GeneMismatchError
        If fewer than ten genes are shared.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from genelight.nouns import Genes
    >>> from genelight.nouns import NodeGenes
    >>> from genelight.evidence import reference_profiles
    >>> names = [f"G{i}" for i in range(60)]
    >>> types = pd.DataFrame(np.eye(3).repeat(20, axis=0), index=names, columns=["T", "B", "NK"])
    >>> node = NodeGenes(types[["B"]].to_numpy().T, ("L1.0",), Genes(tuple(names)), "L1", "toy", "toy")
    >>> reference_profiles(node, types, name="toy cells").of("L1.0")["reference"].iloc[0]
    'toy cells: B'
    """
    values_ut = reference.to_numpy(np.float64)
    if values_ut.shape[1] < 3 or not np.isfinite(values_ut).all():
        bad = int((~np.isfinite(values_ut)).sum())
        msg = f"{name} has {values_ut.shape[1]} types and {bad} missing values; three types without missing are needed"
        raise InputError(msg)
    kept = ~reference.index.duplicated()
    repeated = int((~kept).sum())
    genes = Genes(tuple(reference.index[kept].astype(str)), namespace)
    place_g = check_shared(nodes.genes, genes, reference=name)
    shared_g = place_g >= 0
    values_ut = values_ut[kept][place_g[shared_g]]
    values_ut = np.log2(1 + values_ut) if log else values_ut
    apart_ut = values_ut - values_ut.mean(1, keepdims=True)
    one, other = _unit_ranks(nodes.values_kg[:, shared_g]), _unit_ranks(apart_ut.T)
    r_kt = one @ other.T
    z_kt = r_kt * np.sqrt(shared_g.sum() - 1)
    p_kt = 2 * norm.sf(np.abs(z_kt))
    table = pd.DataFrame(
        {
            "tested": np.repeat(np.asarray(nodes.nodes, dtype=object), r_kt.shape[1]),
            "test": "reference_profiles",
            "reference": [f"{name}: {column}" for column in reference.columns] * len(r_kt),
            "n": int(shared_g.sum()),
            "statistic": r_kt.ravel(),
            "effect": z_kt.ravel(),
            "null_mean": 0.0,
            "null_sd": 1 / np.sqrt(shared_g.sum() - 1),
            "p": p_kt.ravel(),
            "q": adjust(p_kt.ravel()),
            "draws": 0,
            "seed": 0,
        }
    )
    about = {"shared genes": int(shared_g.sum()), "types": len(reference.columns), "repeated genes": repeated}
    return Evidence(table, {"reference_profiles": about})


def _unit_ranks(values_kg: np.ndarray) -> np.ndarray:
    """Ranks of each row, centred and of length one; zero where a row is flat."""
    rank_kg = rankdata(values_kg, axis=1)
    rank_kg -= rank_kg.mean(1, keepdims=True)
    length_k = np.linalg.norm(rank_kg, axis=1, keepdims=True)
    return np.divide(rank_kg, length_k, out=np.zeros_like(rank_kg), where=length_k > 0)
