"""The nouns that the rooms exchange: frozen, typed; those that reach a disk carry a format version."""

from .applicability import Familiar
from .card import NodeCard
from .changes import Changes
from .contrast import Contrast, Until
from .edges import Edges
from .evidence import EVIDENCE_COLUMNS, Evidence
from .genes import Alignment, Genes
from .groups import Groups
from .model import CodeRange, Model, Stored
from .module import Module
from .node_genes import NodeGenes
from .scorecard import Scorecard
from .severity import Severity

__all__ = [
    "EVIDENCE_COLUMNS",
    "Alignment",
    "Changes",
    "CodeRange",
    "Contrast",
    "Edges",
    "Evidence",
    "Familiar",
    "Genes",
    "Groups",
    "Model",
    "Module",
    "NodeCard",
    "NodeGenes",
    "Scorecard",
    "Severity",
    "Stored",
    "Until",
]
