"""Gradients through captum, for every node or gene of a layer at once, in bounded memory.

captum attributes one output of each row of a batch. Because a model's way out to genes is linear behind its last
hidden layer, and a gradient is linear in the output asked for, w attributions of that layer's units (one row each)
give those of all g genes by one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import numpy as np
import torch

from ..errors import InputError
from ..models.steps import Differentiable, Steps
from ..nouns import Model
from .layers import chunks

__all__ = ["captum_for", "each_output", "path_gradients", "steps_of"]


def captum_for(method: str) -> ModuleType:
    """The module ``captum.attr``.

    Raises
    ------
    InputError
        If captum is not installed.
    """
    try:
        return import_module("captum.attr")
    except ImportError as error:
        msg = (
            f"method {method!r} takes gradients by captum, which is not here ({error}); install it with "
            "pip install 'genelight[attribution]', or use method='light_up'"
        )
        raise InputError(msg) from error


def steps_of(model: Model, *, method: str) -> Steps:
    """The inside of a model.

    Raises
    ------
    InputError
        If the model does not show one.
    """
    if not isinstance(model, Differentiable):
        msg = f"{method} reads weights or gradients, which model {model.name} does not show; use method='light_up'"
        raise InputError(msg)
    return model.steps


def each_output(
    x_bk: np.ndarray, attribute: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], *, copies: int = 1
) -> np.ndarray:
    """Attributions of output ``b`` at row ``b`` of `x_bk`, shape ``(b, k)``.

    `attribute` is given some rows and the output to ask each for, and makes so many `copies` of each row.
    """
    values_bk = np.empty(x_bk.shape, dtype=np.float32)
    for part in chunks(len(x_bk), columns=copies * x_bk.shape[1]):
        rows = torch.from_numpy(np.ascontiguousarray(x_bk[part], dtype=np.float32)).requires_grad_()
        found = attribute(rows, torch.arange(part.start, part.stop))
        values_bk[part] = found.detach().numpy()
    return values_bk


def path_gradients(
    steps: Steps, from_ng: np.ndarray, change_ng: np.ndarray, *, layer: str, weight_k: np.ndarray, points: int
) -> np.ndarray:
    """Integrated gradients of a weighting of a layer's nodes along straight ways, by the midpoint rule.

    Parameters
    ----------
    steps
        The inside of the model.
    from_ng, change_ng
        Where each way begins and how far it goes, prepared values.
    layer, weight_k
        Whose nodes, and how they are weighted.
    points
        On each way.

    Returns
    -------
    Each gene's part of the change, shape ``(n, g)`` (Sundararajan et al. 2017, doi 10.48550/arXiv.1703.01365).
    """
    encoder, weight = steps.encoder(layer), torch.from_numpy(weight_k.astype(np.float32))
    from_nc, change_nc = (
        torch.from_numpy(np.ascontiguousarray(x_ng @ steps.entry_gc, dtype=np.float32)) for x_ng in (from_ng, change_ng)
    )
    slope_nc = torch.zeros_like(change_nc)
    for point in (np.arange(points) + 0.5) / points:
        here = (from_nc + float(point) * change_nc).requires_grad_()
        (slope,) = torch.autograd.grad((encoder(here) @ weight).sum(), here)
        slope_nc += slope / points
    return change_ng * (slope_nc.numpy() @ steps.entry_gc.T)
