"""A node moved along its prior, the others drawn from theirs."""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from ...nouns import Model
from .._registry import ATTRIBUTIONS, LATENT_ONLY, Attributed
from ..layers import decode_change

DRAWS = 16
LATENT_ONLY.add("traversal")


@ATTRIBUTIONS.register("traversal", doi="10.1101/2023.10.03.560661")
def traverse(model: Model, layer: str, *, rest_k: np.ndarray, level_k: np.ndarray) -> Attributed:
    """Change of the decoded genes as one latent node goes from rest to level, the others drawn from a standard normal.

    For the latent layer of a variational model alone: elsewhere there is no prior to draw from. The mean of the
    change over 16 draws, the same for every node; ``about["spread"]`` says how much it differs between draws, as a
    share of its size, 0 where the decoder is linear.

    Raises
    ------
    InputError
        If the layer is not the latent one of a variational model.
    """
    latent = getattr(model, "latent", None)
    if latent != layer:
        what = f"layer {latent!r} is its latent one" if latent else "it has no latent layer: fit one with preset='vae'"
        msg = f"method 'traversal' needs the latent layer of a variational model, not {layer!r} of {model.name}; {what}"
        raise InputError(msg)
    draw_bk = np.random.default_rng(0).standard_normal((DRAWS, len(rest_k))).astype(np.float32)
    values_kg = np.zeros((len(rest_k), len(model.genes)), dtype=np.float32)
    spread = size = 0.0
    for k in np.flatnonzero(rest_k != level_k):
        rest_bk, change_bk = draw_bk.copy(), np.zeros_like(draw_bk)
        rest_bk[:, k], change_bk[:, k] = rest_k[k], level_k[k] - rest_k[k]
        change_bg = decode_change(model, layer, rest_bk=rest_bk, change_bk=change_bk)
        values_kg[k] = change_bg.mean(0)
        spread += float(((change_bg - values_kg[k]) ** 2).sum())
        size += float((change_bg**2).sum())
    return Attributed(values_kg, {"draws": DRAWS, "spread": (spread / size) ** 0.5 if size else 0.0})
