"""Models of expression behind one protocol: autoencoders, and PCA as the baseline."""

from .activations import ACTIVATIONS
from .autoencoder import FittedAutoencoder
from .baselines import BASELINES, Baseline
from .build import torch_build
from .bundle import KINDS, load, model_folder
from .deep import Branches, FittedDeep
from .deep_fit import Deep
from .deep_net import DeepRecipe
from .eigengenes import LAYER as EIGENGENES_LAYER
from .eigengenes import Eigengenes
from .ensemble import Ensemble, fit_ensemble, load_ensemble
from .fit import Autoencoder
from .folds import Folds
from .ica import ICA
from .ica import LAYER as ICA_LAYER
from .linear import FittedLinear
from .named import fit, spec_of, widths_of
from .nmf import LAYER as NMF_LAYER
from .nmf import NMF, FittedNMF
from .pca import LAYER as PCA_LAYER
from .pca import PCA
from .presets import PRESETS, Preset, choose_widths, preset
from .random import Random
from .recipe import Recipe
from .reconstruct import r2, squared_errors
from .shelf import Found, Registered, fetch_model, find_models, read_registry
from .spec import Spec
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
    "Branches",
    "Deep",
    "DeepRecipe",
    "Differentiable",
    "Eigengenes",
    "Ensemble",
    "FittedAutoencoder",
    "FittedDeep",
    "FittedLinear",
    "FittedNMF",
    "Folds",
    "Found",
    "Grid",
    "Preset",
    "Random",
    "Recipe",
    "Registered",
    "Spec",
    "Steps",
    "Subspace",
    "choose_widths",
    "fetch_model",
    "find_models",
    "find_rate",
    "find_subspace",
    "fit",
    "fit_ensemble",
    "load",
    "load_ensemble",
    "model_folder",
    "preset",
    "r2",
    "read_registry",
    "spec_of",
    "squared_errors",
    "sweep",
    "torch_build",
    "widths_of",
]
