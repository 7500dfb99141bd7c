"""What the page shows, in order: one file a section, listed here once."""

from __future__ import annotations

from ._account import Account
from ._again import Again
from ._cards import Cards
from ._findings import findings
from ._genetics import Genetics
from ._held_out import HeldOut
from ._layers import Layers
from ._methods import Methods
from ._module import Module
from ._module_network import ModuleNetwork
from ._nodes import Nodes
from ._paragraph import paragraph
from ._patients import Patients
from ._reference import Reference
from ._reproducibility import Reproducibility
from ._scorecard import Scorecard
from ._scores import Scores
from ._second_cohort import SecondCohort
from ._section import Figure, Section
from ._unknown import Unknown
from ._verdict import verdict

__all__ = ["SECTIONS", "Figure", "Section", "findings", "paragraph", "verdict"]

SECTIONS: tuple[Section, ...] = (
    Account(),
    Reference(),
    HeldOut(),
    Layers(),
    Scorecard(),
    Nodes(),
    Cards(),
    Reproducibility(),
    Module(),
    ModuleNetwork(),
    Genetics(),
    SecondCohort(),
    Scores(),
    Patients(),
    Unknown(),
    Methods(),
    Again(),
)
"""In the order of the page, below the verdict."""
