"""Which genes are the disease? Derivations, how sure they are, and whether a second cohort has them."""

from . import methods  # noqa: F401
from ._registry import DERIVATIONS
from .agreement import ModuleAgreement, module_agreement
from .atlas import Atlas, atlas, modules_of_scores
from .compare import compare_modules
from .derive import disease_module, layer_modules
from .judge import HeldOut, auc_interval, hold_out, r2_interval
from .network import ModuleNetwork, module_network
from .permutation_test import Permutation, permutation_test
from .reversal import reversal
from .second_cohort import Preservation, preservation
from .several import disease_modules
from .stability import Stability, stability

__all__ = [
    "DERIVATIONS",
    "Atlas",
    "HeldOut",
    "ModuleAgreement",
    "ModuleNetwork",
    "Permutation",
    "Preservation",
    "Stability",
    "atlas",
    "auc_interval",
    "compare_modules",
    "disease_module",
    "disease_modules",
    "hold_out",
    "layer_modules",
    "module_agreement",
    "module_network",
    "modules_of_scores",
    "permutation_test",
    "preservation",
    "r2_interval",
    "reversal",
    "stability",
]
