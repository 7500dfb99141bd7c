"""Models of expression behind one protocol: autoencoders, and PCA as the baseline."""

from .autoencoder import Autoencoder
from .bundle import load
from .deep import Deep
from .eigengenes import Eigengenes
from .ensemble import Ensemble
from .fit import fit
from .folds import Folds
from .ica import ICA
from .nmf import NMF
from .pca import PCA
from .presets import PRESETS
from .random import Random
from .reconstruct import r2
from .reference.within import learn_within
from .sweep import Grid
from .training.deep_net import DeepRecipe

__all__ = [
    "ICA",
    "NMF",
    "PCA",
    "PRESETS",
    "Autoencoder",
    "Deep",
    "DeepRecipe",
    "Eigengenes",
    "Ensemble",
    "Folds",
    "Grid",
    "Random",
    "fit",
    "learn_within",
    "load",
    "r2",
]
