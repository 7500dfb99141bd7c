"""Derivations of disease modules, one file each; importing them registers them, in this order."""

from . import _auto, _joint, _direction, _arithmetic, _head_gradient, _paper, _de, _random, _variance, _reference  # noqa: F401, I001
