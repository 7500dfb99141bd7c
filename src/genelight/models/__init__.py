"""Models of expression behind one protocol: autoencoders, and PCA as the baseline."""

from .autoencoder import Autoencoder
from .bundle import KINDS, load
from .ensemble import Ensemble, fit_ensemble, load_ensemble
from .fit import PRESETS, Preset, choose_widths, fit
from .ica import ICA, fit_ica
from .ica import LAYER as ICA_LAYER
from .network import ACTIVATIONS, STARTS
from .pca import LAYER as PCA_LAYER
from .pca import PCA, fit_pca
from .reconstruct import r2, squared_errors
from .steps import Differentiable, Steps
from .subspace import Subspace, find_subspace
from .training import Recipe

__all__ = [
    "ACTIVATIONS",
    "ICA",
    "ICA_LAYER",
    "KINDS",
    "PCA",
    "PCA_LAYER",
    "PRESETS",
    "STARTS",
    "Autoencoder",
    "Differentiable",
    "Ensemble",
    "Preset",
    "Recipe",
    "Steps",
    "Subspace",
    "choose_widths",
    "find_subspace",
    "fit",
    "fit_ensemble",
    "fit_ica",
    "fit_pca",
    "load",
    "load_ensemble",
    "r2",
    "squared_errors",
]
