"""From a table of samples to the arrays that derivations read."""

from __future__ import annotations

from anndata import AnnData

from .._core.contrast import Contrast
from .._core.errors import InputError
from .._core.types import Model
from ._registry import Question
from ._subjects import indexed

__all__ = ["ask", "check_contrast"]


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


def check_contrast(adata: AnnData, contrast: Contrast) -> None:
    """Stop when a contrast does not belong to the table.

    Raises
    ------
    InputError
        If their numbers of samples differ.
    """
    if len(contrast.subject_n) != adata.n_obs:
        msg = (
            f"the contrast was made for {len(contrast.subject_n)} samples, but the table has {adata.n_obs}; "
            "make it from this table: Contrast.of(adata.obs, case=..., control=..., subject=...)"
        )
        raise InputError(msg)
