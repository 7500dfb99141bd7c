"""Models of expression behind one protocol: autoencoders, and PCA as the baseline."""

from .autoencoder import Autoencoder
from .baselines import BASELINES, Baseline
from .bundle import KINDS, load
from .ensemble import Ensemble, fit_ensemble, load_ensemble
from .fit import PRESETS, Preset, choose_widths, fit
from .ica import ICA, fit_ica
from .ica import LAYER as ICA_LAYER
from .network import ACTIVATIONS, STARTS
from .nmf import LAYER as NMF_LAYER
from .nmf import NMF, fit_nmf
from .pca import LAYER as PCA_LAYER
from .pca import PCA, fit_pca
from .random import Untrained, fit_random
from .reconstruct import r2, squared_errors
from .steps import Differentiable, Steps
from .subspace import Subspace, find_subspace
from .training import Recipe

__all__ = [
    "ACTIVATIONS",
    "BASELINES",
    "ICA",
    "ICA_LAYER",
    "KINDS",
    "NMF",
    "NMF_LAYER",
    "PCA",
    "PCA_LAYER",
    "PRESETS",
    "STARTS",
    "Autoencoder",
    "Baseline",
    "Differentiable",
    "Ensemble",
    "Preset",
    "Recipe",
    "Steps",
    "Subspace",
    "Untrained",
    "choose_widths",
    "find_subspace",
    "fit",
    "fit_ensemble",
    "fit_ica",
    "fit_nmf",
    "fit_pca",
    "fit_random",
    "load",
    "load_ensemble",
    "r2",
    "squared_errors",
]
