"""Which nodes not to trust, and how alike nodes are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..nouns.model import CodeRange

__all__ = ["code_correlation", "is_dead", "states_of"]

DEAD_SPAN = 1e-6
EDGE, EDGE_SHARE = 0.01, 0.95
SAME = 0.99
ONE_SHARE, FEWEST = 0.5, 20


def is_dead(span: CodeRange) -> np.ndarray:
    """Whether each node has one value over the training samples, shape ``(k,)``."""
    width_k = span.maximum - span.minimum
    return width_k <= DEAD_SPAN * np.maximum(np.abs(span.maximum), np.abs(span.minimum))


def states_of(h_nk: np.ndarray, span: CodeRange, names: Sequence[str]) -> list[str]:
    """What is wrong with each node, empty where nothing is."""
    width_k, dead_k = span.maximum - span.minimum, is_dead(span)
    low_k = (h_nk <= span.minimum + EDGE * width_k).mean(0)
    high_k = (h_nk >= span.maximum - EDGE * width_k).mean(0)
    saturated_k = np.maximum(low_k, high_k) >= EDGE_SHARE
    one_k = _one_sample(h_nk)
    alike_kk = np.abs(code_correlation(h_nk, h_nk)) > SAME
    states: list[str] = []
    for i in range(len(names)):
        twins = [int(j) for j in np.nonzero(alike_kk[i, :i])[0] if not states[j]]
        flags = {"dead": dead_k[i], "driven by one sample": one_k[i], "saturated": saturated_k[i]}
        states.append(next((state for state, found in flags.items() if found), _twin(twins, names)))
    return states


def _one_sample(h_nk: np.ndarray) -> np.ndarray:
    """Whether one sample has more than half of each node's variance; of fewer than twenty one may by chance."""
    if len(h_nk) < FEWEST:
        return np.zeros(h_nk.shape[1], dtype=bool)
    square_nk = (h_nk - h_nk.mean(0)) ** 2
    return square_nk.max(0) > ONE_SHARE * square_nk.sum(0)


def _twin(twins: Sequence[int], names: Sequence[str]) -> str:
    return f"duplicate of {names[twins[0]]}" if len(twins) else ""


def code_correlation(a_nk: np.ndarray, b_nm: np.ndarray) -> np.ndarray:
    """Correlation of nodes over samples, shape ``(k, m)``; zero for nodes that do not vary."""
    return _unit(a_nk).T @ _unit(b_nm)


def _unit(h_nk: np.ndarray) -> np.ndarray:
    centred_nk = h_nk - h_nk.mean(0)
    norm_k = np.linalg.norm(centred_nk, axis=0)
    return np.divide(centred_nk, norm_k, out=np.zeros_like(centred_nk), where=norm_k > 0)
