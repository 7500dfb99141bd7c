"""The nouns that the rooms exchange: frozen, typed; those that reach a disk carry a format version."""

from .contrast import Contrast
from .evidence import Evidence
from .genes import Edges, Genes
from .groups import Groups
from .model import Model
from .module import Module
from .node_genes import NodeGenes
from .response import Response
from .severity import Severity

__all__ = [
    "Contrast",
    "Edges",
    "Evidence",
    "Genes",
    "Groups",
    "Model",
    "Module",
    "NodeGenes",
    "Response",
    "Severity",
]
