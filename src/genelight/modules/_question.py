"""From a table of samples to the arrays that derivations read."""

from __future__ import annotations

from anndata import AnnData

from ..nouns import Contrast, Model
from ..nouns.contrast import check_contrast
from ..stats.subjects import indexed
from ._registry import Question

__all__ = ["ask"]


def ask(adata: AnnData, model: Model, *, contrast: Contrast, layer: str | None = None, seed: int = 0) -> Question:
    """Prepare the contrast's samples once for every derivation.

    Raises
    ------
    InputError
        If the contrast was made for another table.
    """
    check_contrast(adata, contrast)
    part = adata[contrast.used_n]
    return Question(model.prepare(part), part, indexed(contrast), model, layer, seed)
