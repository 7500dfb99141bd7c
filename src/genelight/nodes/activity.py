"""How active each hidden node is in cases and controls, and which nodes not to trust."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import stats

from ..nouns import Contrast, Model
from ..nouns.contrast import check_contrast
from ..nouns.model import CodeRange
from ..stats.moderated import pairs_of
from ..stats.subjects import indexed, subject_means
from .layers import check_layer, node_names

__all__ = ["code_correlation", "is_dead", "node_activity", "states_of"]

DEAD_SPAN = 1e-6
EDGE, EDGE_SHARE = 0.01, 0.95
SAME = 0.99
ONE_SHARE, FEWEST = 0.5, 20


def node_activity(
    adata: AnnData, model: Model, *, contrast: Contrast, layers: Sequence[str] | None = None
) -> pd.DataFrame:
    """Compare the activity of every hidden node between cases and controls.

    Parameters
    ----------
    adata
        Samples x genes on the scale the model was trained on.
    model
        A trained model.
    contrast
        Cases and controls among the samples.
    layers
        Hidden layers; all unless given.

    Returns
    -------
    One row per node, in order of layers. Columns: ``node``; ``layer``; ``mean`` and ``sd`` of its code over all
    samples of `adata`; ``effect``, the difference of the groups' subject means over their pooled standard deviation,
    above zero where cases are higher; ``p``, two-sided Welch t on subject means, or paired t where at least five
    subjects and half of the smaller group are in both groups (1 for a node that does not vary); ``q``,
    Benjamini-Hochberg over all rows; ``state``: empty, or ``"dead"`` (one value over the training samples),
    ``"driven by one sample"`` (which has more than half of its variance, of twenty samples or more), ``"saturated"``
    (at least 95% of samples within 1% of one end of its range), ``"duplicate of L1.3"`` (correlation above
    0.99 in size with that node of its layer).

    Raises
    ------
    UnknownNameError
        If there is no such layer.
    InputError
        If the contrast does not belong to `adata`.

    Examples
    --------
    >>> import genelight as gl
    >>> from genelight import Contrast
    >>> adata = gl.demo.cohort()
    >>> ill = Contrast.of(
    ...     adata.obs, case='condition == "symptomatic" and hours >= 45', control="hours == 0", subject="subject"
    ... )
    >>> model = gl.models.PCA(4).fit(adata)
    >>> len(gl.nodes.node_activity(adata, model, contrast=ill))
    4
    """
    check_contrast(adata, contrast)
    x_ng = model.prepare(adata)
    wanted = model.widths if layers is None else [check_layer(model, layer) for layer in layers]
    tables = [_layer_table(model, layer, x_ng=x_ng, contrast=contrast) for layer in wanted]
    table = pd.concat(tables, ignore_index=True)
    table["q"] = stats.false_discovery_control(table["p"])
    return table[["node", "layer", "mean", "sd", "effect", "p", "q", "state"]]


def _layer_table(model: Model, layer: str, *, x_ng: np.ndarray, contrast: Contrast) -> pd.DataFrame:
    h_nk = model.encode(x_ng, layer).astype(np.float64)
    names = node_names(model, layer)
    effect_k, p_k = _compare(h_nk[contrast.used_n], indexed(contrast))
    columns = {
        "node": names,
        "layer": layer,
        "mean": h_nk.mean(0),
        "sd": h_nk.std(0),
        "effect": effect_k,
        "p": p_k,
        "state": states_of(h_nk, model.code_range(layer), names),
    }
    return pd.DataFrame(columns)


def _compare(h_nk: np.ndarray, contrast: Contrast) -> tuple[np.ndarray, np.ndarray]:
    """Standardised mean difference and p of each node, both ``(k,)``."""
    case_sk, case_s = subject_means(h_nk, contrast.case_n, contrast.subject_n)
    control_sk, control_s = subject_means(h_nk, contrast.control_n, contrast.subject_n)
    gap_k = case_sk.mean(0) - control_sk.mean(0)
    sd_k = np.sqrt((_variance(case_sk) + _variance(control_sk)) / 2)
    pair_s = pairs_of(contrast)
    if len(pair_s):
        step_sk = case_sk[np.isin(case_s, pair_s)] - control_sk[np.isin(control_s, pair_s)]
        tested_k, error_k, df_k = (
            step_sk.mean(0),
            _variance(step_sk) / len(step_sk),
            np.full(len(gap_k), len(step_sk) - 1.0),
        )
    else:
        tested_k = gap_k
        case_error_k, control_error_k = _variance(case_sk) / len(case_sk), _variance(control_sk) / len(control_sk)
        error_k = case_error_k + control_error_k
        spread_k = case_error_k**2 / (len(case_sk) - 1) + control_error_k**2 / (len(control_sk) - 1)
        df_k = np.divide(error_k**2, spread_k, out=np.ones_like(error_k), where=spread_k > 0)
    t_k = np.divide(tested_k, np.sqrt(error_k), out=np.zeros_like(error_k), where=error_k > 0)
    effect_k = np.divide(gap_k, sd_k, out=np.zeros_like(gap_k), where=sd_k > 0)
    return effect_k, 2 * stats.t.sf(np.abs(t_k), df_k)


def _variance(x_sk: np.ndarray) -> np.ndarray:
    return x_sk.var(axis=0, ddof=1)


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
        twin = f"duplicate of {names[twins[0]]}" if twins else ""
        flags = {"dead": dead_k[i], "driven by one sample": one_k[i], "saturated": saturated_k[i]}
        states.append(next((state for state, found in flags.items() if found), twin))
    return states


def _one_sample(h_nk: np.ndarray) -> np.ndarray:
    """Whether one sample has more than half of each node's variance; of fewer than twenty one may by chance."""
    if len(h_nk) < FEWEST:
        return np.zeros(h_nk.shape[1], dtype=bool)
    square_nk = (h_nk - h_nk.mean(0)) ** 2
    return square_nk.max(0) > ONE_SHARE * square_nk.sum(0)


def code_correlation(a_nk: np.ndarray, b_nm: np.ndarray) -> np.ndarray:
    """Correlation of nodes over samples, shape ``(k, m)``; zero for nodes that do not vary."""
    return _unit(a_nk).T @ _unit(b_nm)


def _unit(h_nk: np.ndarray) -> np.ndarray:
    centred_nk = h_nk - h_nk.mean(0)
    norm_k = np.linalg.norm(centred_nk, axis=0)
    return np.divide(centred_nk, norm_k, out=np.zeros_like(centred_nk), where=norm_k > 0)
