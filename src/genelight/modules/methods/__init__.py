"""Derivations of disease modules, one subject a file; importing them registers them, in this order."""

from . import _reference, _auto, _direction, _arithmetic, _head_weights, _controls  # noqa: F401, I001
