"""Models of expression behind one protocol: autoencoders, and PCA as the baseline."""

from .bundle import load
from .deep_fit import Deep
from .deep_net import DeepRecipe
from .eigengenes import Eigengenes
from .ensemble import fit_ensemble, load_ensemble
from .fit import Autoencoder
from .folds import Folds
from .ica import ICA
from .named import fit
from .nmf import NMF
from .pca import PCA
from .presets import PRESETS, preset
from .random import Random
from .reconstruct import r2
from .spec import Spec
from .sweep import Grid, sweep
from .within import learn_within

__all__ = [
    "ICA",
    "NMF",
    "PCA",
    "PRESETS",
    "Autoencoder",
    "Deep",
    "DeepRecipe",
    "Eigengenes",
    "Folds",
    "Grid",
    "Random",
    "Spec",
    "fit",
    "fit_ensemble",
    "learn_within",
    "load",
    "load_ensemble",
    "preset",
    "r2",
    "sweep",
]
