"""Models of expression behind one protocol: autoencoders, and PCA as the baseline."""

from .autoencoder import Autoencoder
from .bundle import KINDS, load
from .fit import PRESETS, Preset, choose_widths, fit
from .network import ACTIVATIONS, STARTS
from .pca import LAYER as PCA_LAYER
from .pca import PCA, fit_pca
from .reconstruct import r2, squared_errors
from .subspace import Subspace, find_subspace
from .training import Recipe

__all__ = [
    "ACTIVATIONS",
    "KINDS",
    "PCA",
    "PCA_LAYER",
    "PRESETS",
    "STARTS",
    "Autoencoder",
    "Preset",
    "Recipe",
    "Subspace",
    "choose_widths",
    "find_subspace",
    "fit",
    "fit_pca",
    "load",
    "r2",
    "squared_errors",
]
