"""Which genes are the disease? Derivations, how sure they are, and whether a second cohort has them."""

from . import methods  # noqa: F401
from ._registry import DERIVATIONS
from .agreement import module_agreement
from .atlas import atlas
from .derive import disease_module, disease_modules
from .judge import hold_out
from .meta import meta_module
from .network import module_network
from .permutation_test import permutation_test
from .replication import replication
from .reversal import reversal
from .second_cohort import preservation
from .stability import stability

__all__ = [
    "DERIVATIONS",
    "atlas",
    "disease_module",
    "disease_modules",
    "hold_out",
    "meta_module",
    "module_agreement",
    "module_network",
    "permutation_test",
    "preservation",
    "replication",
    "reversal",
    "stability",
]
