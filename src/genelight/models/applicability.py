"""How far off held-out subjects lie, so that a model by itself can say whether it has seen the like of a sample."""

from __future__ import annotations

import numpy as np
import torch

from .network import Stack
from .objective import HeldOut

__all__ = ["held_out_distances"]


@torch.inference_mode()
def held_out_distances(net: Stack, c_nk: np.ndarray, held_out: HeldOut, *, genes: int) -> dict[str, list[float]]:
    """Reconstruction error per gene and distance of the last layer's codes, sorted, of every held-out sample.

    Parameters
    ----------
    net
        Trained without the held-out subjects.
    c_nk
        Coordinates of the samples it was trained on: distances are from their mean code, in standard deviations.
    held_out
        The others.
    genes
        How many there are.
    """
    depth = len(net.widths)
    seen_nk, new_nk = (net.encode(c, depth).double().numpy() for c in (torch.from_numpy(c_nk), held_out.c_nk))
    sd_k = seen_nk.std(0)
    off_nk = (new_nk - seen_nk.mean(0)) / np.where(sd_k > 0, sd_k, np.inf)
    error_s, distance_s = np.sort(held_out.errors(net) / genes), np.sort(np.linalg.norm(off_nk, axis=1))
    return {"error_s": error_s.tolist(), "distance_s": distance_s.tolist()}
