"""Models of expression behind one protocol: autoencoders, and PCA as the baseline."""

from .activations import ACTIVATIONS
from .again import again
from .autoencoder import Autoencoder
from .baselines import BASELINES, Baseline
from .build import torch_build
from .bundle import KINDS, load, model_folder
from .eigengenes import LAYER as EIGENGENES_LAYER
from .eigengenes import Eigengenes, fit_eigengenes
from .ensemble import Ensemble, fit_ensemble, load_ensemble
from .fit import fit
from .ica import ICA, fit_ica
from .ica import LAYER as ICA_LAYER
from .nmf import LAYER as NMF_LAYER
from .nmf import NMF, fit_nmf
from .pca import LAYER as PCA_LAYER
from .pca import PCA, fit_pca
from .presets import PRESETS, Preset, choose_widths, preset
from .random import Untrained, fit_random
from .recipe import Recipe
from .reconstruct import r2, squared_errors
from .shallow import fit_shallow
from .shelf import Found, Registered, fetch_model, find_models, read_registry
from .starts import STARTS
from .steps import Differentiable, Steps
from .subspace import Subspace, find_subspace
from .sweep import Grid, sweep
from .training import find_rate

__all__ = [
    "ACTIVATIONS",
    "BASELINES",
    "EIGENGENES_LAYER",
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
    "Eigengenes",
    "Ensemble",
    "Found",
    "Grid",
    "Preset",
    "Recipe",
    "Registered",
    "Steps",
    "Subspace",
    "Untrained",
    "again",
    "choose_widths",
    "fetch_model",
    "find_models",
    "find_rate",
    "find_subspace",
    "fit",
    "fit_eigengenes",
    "fit_ensemble",
    "fit_ica",
    "fit_nmf",
    "fit_pca",
    "fit_random",
    "fit_shallow",
    "load",
    "load_ensemble",
    "model_folder",
    "preset",
    "r2",
    "read_registry",
    "squared_errors",
    "sweep",
    "torch_build",
]
