"""Weights at eight bits each, for a model small enough to ship inside a package."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = ["LEAST_PACKED", "pack", "rounded", "unpack"]

LEAST_PACKED = 4097  # entries; smaller arrays stay as they are, the rotation of 64 nodes among them
_STEPS, _LEAST_UNIT = 127, 1e-30
_BYTES, _UNIT = ".eighth", ".unit"


def rounded(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same weights, float32, each matrix on the grid that :func:`pack` keeps."""
    return unpack(pack(weights))


def pack(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Large matrices as whole numbers from -127 to 127 and one unit for each index of their shorter side.

    A value is off by at most half a unit, which is 1/254 of the largest value that shares it. Packing what
    :func:`unpack` gave changes nothing.
    """
    found: dict[str, np.ndarray] = {}
    for name, weight in weights.items():
        if weight.ndim != 2 or weight.size < LEAST_PACKED or weight.dtype != np.float32:
            found[name] = weight
            continue
        longer = int(np.argmax(weight.shape))
        unit = np.abs(weight).max(longer, keepdims=True) / np.float32(_STEPS)
        unit[unit < _LEAST_UNIT] = 1.0
        found[name + _BYTES] = np.rint(weight / unit).astype(np.int8)
        found[name + _UNIT] = unit
    return found


def unpack(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What :func:`pack` was given, float32; weights that were not packed stay.

    Raises
    ------
    ValueError
        If a matrix has no units, or units of another shape: their product could be of any size.
    """
    found: dict[str, np.ndarray] = {}
    for name, weight in weights.items():
        if name.endswith(_BYTES):
            plain = name.removesuffix(_BYTES)
            unit = weights.get(plain + _UNIT)
            if unit is None or weight.ndim != 2 or unit.shape not in ((len(weight), 1), (1, weight.shape[1])):
                msg = f"{name} has no units that go with its shape {weight.shape}"
                raise ValueError(msg)
            found[plain] = weight.astype(np.float32) * unit
        elif not (name.endswith(_UNIT) and name.removesuffix(_UNIT) + _BYTES in weights):
            found[name] = weight
    return found
