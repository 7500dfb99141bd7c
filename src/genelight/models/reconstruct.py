"""How much of the variance a model gives back."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from ..nouns import Model
from ..nouns.model import Stored, bottleneck
from ..pp.blocks import JoinedPreparation
from ..pp.preparation import Preparation

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["block_r2", "r2", "r2_redrawn", "reconstruct", "squared_errors"]

DRAWS = 1000


def reconstruct(model: Model, x_ng: np.ndarray) -> np.ndarray:
    """Prepared values as a model gives them back, shape ``(n, g)``: in its own way, else from its bottleneck."""
    own = getattr(model, "reconstruct", None)
    layer = bottleneck(model)
    return model.decode(model.encode(x_ng, layer), layer) if own is None else own(x_ng)


def squared_errors(
    model: Model, x_ng: np.ndarray, *, seen_ng: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Squared error of each sample's reconstruction, and of predicting the training mean.

    Parameters
    ----------
    model
        Any model.
    x_ng
        Prepared values.
    seen_ng
        Which of them were measured, shape ``(n, g)``; others do not count. By default all.

    Returns
    -------
    ``(sse_n, sst_n)``, each of shape ``(n,)``.
    """
    preparation: Preparation | None = getattr(model, "preparation", None)
    centre_g = np.float32(0.0) if preparation is None else preparation.centre_g.astype(np.float32)
    parts = [x_ng - reconstruct(model, x_ng), x_ng - centre_g]
    if seen_ng is not None:
        parts = [part * seen_ng for part in parts]
    sse_n, sst_n = (np.einsum("ng,ng->n", part, part, dtype=np.float64) for part in parts)
    return sse_n, sst_n


def r2(model: Model, x_ng: np.ndarray | Stored) -> float:
    """Share of the variance about the training mean that the reconstruction explains, over all genes and samples.

    Parameters
    ----------
    model
        Any model.
    x_ng
        Prepared values of samples, shape ``(n, g)``; for a figure to report, of subjects the model never saw.
        Or a store of such samples, which the model prepares itself, block by block.

    Examples
    --------
    >>> import genelight as gl
    >>> cohort = gl.demo.cohort()
    >>> model = gl.models.PCA(32).fit(cohort)
    >>> round(gl.models.r2(model, model.prepare(cohort)), 1)
    0.8
    """
    blocks = (model.prepare(block) for _, block in x_ng.tables()) if isinstance(x_ng, Stored) else [x_ng]
    sums = np.sum([[each.sum() for each in squared_errors(model, block_ng)] for block_ng in blocks], axis=0)
    return 1.0 - float(sums[0] / sums[1])


def r2_redrawn(sse_s: np.ndarray, pca_s: np.ndarray, sst_s: np.ndarray, *, seed: int = 0) -> dict[str, float]:
    """R² of a model and of PCA from sums by subject; 95% bootstraps of subjects for the first and the difference."""
    subjects = len(sst_s)
    count_bs = np.random.default_rng(seed).multinomial(subjects, np.full(subjects, 1 / subjects), DRAWS)
    total_b = count_bs @ sst_s
    low, high = np.quantile(1 - count_bs @ sse_s / total_b, (0.025, 0.975))
    gain_low, gain_high = np.quantile(count_bs @ (pca_s - sse_s) / total_b, (0.025, 0.975))
    return {
        "held_out_r2": float(1 - sse_s.sum() / sst_s.sum()),
        "held_out_r2_pca": float(1 - pca_s.sum() / sst_s.sum()),
        "held_out_low": float(low),
        "held_out_high": float(high),
        "gain_low": float(gain_low),
        "gain_high": float(gain_high),
    }


def block_r2(model: Model, adata: AnnData) -> dict[str, float]:
    """As :func:`r2`, of each block of a joined table by itself, over the values that were measured.

    Parameters
    ----------
    model
        Of a joined table.
    adata
        Samples, joined as :func:`genelight.io.join_blocks` does; for a figure to report, of subjects the model never
        saw.
    """
    preparation = cast("JoinedPreparation", model.preparation)
    x_ng, seen_ng = model.prepare(adata), ~preparation.gaps(adata)
    found = {}
    for name, columns in preparation.columns().items():
        mine = np.zeros(seen_ng.shape[1], bool)
        mine[columns] = True
        sse_n, sst_n = squared_errors(model, x_ng, seen_ng=seen_ng & mine)
        found[name] = 1.0 - float(sse_n.sum() / sst_n.sum())
    return found
