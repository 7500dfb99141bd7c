"""What a run does, in order: each step a function, with what it leaves and what it depends on beside it."""

from __future__ import annotations

from ._evidence import assess, compare_nodes, scorecard
from ._model import ensemble, fit, hold_out, light_up, prepare
from ._module import derive, module_network, reference, second_cohort
from ._patients import score_patients
from ._report import look_up, write_report
from ._step import Bench, Step

__all__ = ["STEPS", "Bench", "Step"]

STEPS: tuple[Step, ...] = (
    prepare,
    hold_out,
    fit,
    light_up,
    ensemble,
    derive,
    reference,
    look_up,
    module_network,
    second_cohort,
    compare_nodes,
    assess,
    scorecard,
    score_patients,
    write_report,
)
"""In this order; a step stands behind those it reads from. The report is last."""
