"""What the page shows, in order: a file for each subject, its sections listed here once."""

from __future__ import annotations

from ._account import Account
from ._findings import findings
from ._genetics import Genetics
from ._held_out import HeldOut, Scores
from ._layers import Layers, Scorecard
from ._methods import Methods, Rerun
from ._module import Module, ModuleNetwork, SecondCohort
from ._nodes import Cards, Nodes, Unknown
from ._paragraph import paragraph
from ._patients import Patients
from ._reference import Reference
from ._reproducibility import Reproducibility
from ._section import Figure, Section
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
    Rerun(),
)
"""In the order of the page, below the verdict."""
