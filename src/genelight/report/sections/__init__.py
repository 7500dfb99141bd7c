"""What the page shows, in order: one file a section, listed here once."""

from __future__ import annotations

from ._cards import Cards
from ._findings import findings
from ._genetics import Genetics
from ._held_out import HeldOut
from ._layers import Layers
from ._methods import Methods
from ._module import Module
from ._module_network import ModuleNetwork
from ._nodes import Nodes
from ._patients import Patients
from ._reproducibility import Reproducibility
from ._scorecard import Scorecard
from ._scores import Scores
from ._second_cohort import SecondCohort
from ._section import Figure, Section

__all__ = ["SECTIONS", "Figure", "Section", "findings"]

SECTIONS: tuple[Section, ...] = (
    Module(),
    ModuleNetwork(),
    SecondCohort(),
    Genetics(),
    Nodes(),
    Cards(),
    Reproducibility(),
    Layers(),
    Scorecard(),
    HeldOut(),
    Scores(),
    Patients(),
    Methods(),
)
"""In the order of the page, below the findings."""
