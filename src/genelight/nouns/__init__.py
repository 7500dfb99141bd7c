"""The nouns that the rooms exchange: frozen, typed; those that reach a disk carry a format version."""

from .card import NodeCard
from .changes import Changes
from .contrast import Contrast, Until
from .edges import Edges
from .evidence import Evidence
from .genes import Genes
from .groups import Groups
from .model import Model
from .module import Module
from .node_genes import NodeGenes
from .response import Response
from .scorecard import Scorecard
from .severity import Severity

__all__ = [
    "Changes",
    "Contrast",
    "Edges",
    "Evidence",
    "Genes",
    "Groups",
    "Model",
    "Module",
    "NodeCard",
    "NodeGenes",
    "Response",
    "Scorecard",
    "Severity",
    "Until",
]
