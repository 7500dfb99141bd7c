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

from .._core.errors import InputError
from .._core.types import Model
from ..models import Differentiable, Steps
from ._layers import chunks

__all__ = ["captum_for", "each_output", "steps_of"]


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

    Parameters
    ----------
    x_bk
        Where to ask, one row per output.
    attribute
        Given some rows and the output to ask each for.
    copies
        How many rows the method makes of one, for the size of a chunk.
    """
    values_bk = np.empty(x_bk.shape, dtype=np.float32)
    for part in chunks(len(x_bk), columns=copies * x_bk.shape[1]):
        rows = torch.from_numpy(np.ascontiguousarray(x_bk[part], dtype=np.float32)).requires_grad_()
        found = attribute(rows, torch.arange(part.start, part.stop))
        values_bk[part] = found.detach().numpy()
    return values_bk
