"""tl: what is asked of a trained model."""

# Importing these registers them, in this order.
from . import _light_up, _weights, _gradient, _integrated_gradients, _saliency, _traversal  # noqa: F401, I001
from . import _auto, _joint, _direction, _arithmetic, _head_gradient, _paper, _de, _random, _variance  # noqa: F401
from .._core.card import NodeCard
from .._core.groups import Groups
from .._core.severity import Severity
from ._registry import ATTRIBUTIONS, DERIVATIONS
from .agreement import agreement
from .annotate import annotate
from .atlas import Atlas, atlas, modules_of_scores
from .compare_modules import compare_modules
from .consensus import Consensus, consensus
from .disease_module import disease_module, layer_modules
from .disease_modules import disease_modules
from .drivers import drivers
from .encode import encode
from .hold_out import HeldOut, auc_interval, hold_out, r2_interval
from .layer_map import layer_map
from .light_up import LEVELS, RESTS, light_up
from .light_up_pairs import light_up_pairs
from .module_agreement import ModuleAgreement, module_agreement
from .module_network import ModuleNetwork, module_network
from .node_activity import node_activity
from .node_card import node_card, node_cards
from .permutation_test import Permutation, permutation_test
from .preservation import Preservation, preservation
from .reproducibility import match_nodes, rank_nodes, reproducibility, reproducible_nodes
from .reversal import reversal
from .stability import Stability, stability
from .score import LEAST_COHORT, Scores, score
from .severity import INTERFERON, Protocol, Until, check_measure, severity
from .stratify import stratify
from .top_genes import top_genes
from .treatment import OBSERVED, Changes, contrast, trajectories

__all__ = [
    "ATTRIBUTIONS",
    "DERIVATIONS",
    "INTERFERON",
    "LEAST_COHORT",
    "LEVELS",
    "OBSERVED",
    "RESTS",
    "Atlas",
    "Changes",
    "Consensus",
    "Groups",
    "HeldOut",
    "ModuleAgreement",
    "ModuleNetwork",
    "NodeCard",
    "Permutation",
    "Preservation",
    "Protocol",
    "Scores",
    "Severity",
    "Stability",
    "Until",
    "agreement",
    "annotate",
    "atlas",
    "auc_interval",
    "check_measure",
    "compare_modules",
    "consensus",
    "contrast",
    "disease_module",
    "disease_modules",
    "drivers",
    "encode",
    "hold_out",
    "layer_map",
    "layer_modules",
    "light_up",
    "light_up_pairs",
    "match_nodes",
    "module_agreement",
    "module_network",
    "modules_of_scores",
    "node_activity",
    "node_card",
    "node_cards",
    "permutation_test",
    "preservation",
    "r2_interval",
    "rank_nodes",
    "reproducibility",
    "reproducible_nodes",
    "reversal",
    "score",
    "severity",
    "stability",
    "stratify",
    "top_genes",
    "trajectories",
]
