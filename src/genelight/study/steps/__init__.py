"""What a run does, in order: one file a step, listed here once."""

from __future__ import annotations

from ._assess import Assess
from ._derive import Derive
from ._ensemble import Ensemble
from ._fit import Fit
from ._hold_out import HoldOut
from ._light_up import LightUp
from ._look_up import LookUp
from ._module_network import ModuleNetwork
from ._nodes import Nodes
from ._patients import Patients
from ._prepare import Prepare
from ._reference import Reference
from ._report import Report
from ._scorecard import Scorecard
from ._second_cohort import SecondCohort
from ._step import Bench, Step

__all__ = ["STEPS", "Bench", "Step"]

STEPS: tuple[Step, ...] = (
    Prepare(),
    HoldOut(),
    Fit(),
    LightUp(),
    Ensemble(),
    Derive(),
    Reference(),
    LookUp(),
    ModuleNetwork(),
    SecondCohort(),
    Nodes(),
    Assess(),
    Scorecard(),
    Patients(),
    Report(),
)
"""In this order; a step stands behind those it reads from. The report is last."""
