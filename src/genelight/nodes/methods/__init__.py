"""Attribution methods, one subject a file; importing them registers them, in this order."""

from . import _light_up, _weights, _gradients, _traversal  # noqa: F401, I001
