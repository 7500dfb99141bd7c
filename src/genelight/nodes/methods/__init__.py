"""Attribution methods, one file each; importing them registers them, in this order."""

from . import _light_up, _weights, _gradient, _integrated_gradients, _saliency, _traversal  # noqa: F401, I001
