"""One study from beginning to end: a TOML file of what is wanted, and the verbs in order, one artefact each.

>>> import genelight as gl
>>> gl.study.Study.demo().contrast.case
'condition == "symptomatic" and hours >= 45'
"""

from ._check import Checked, check
from ._draft import draft
from ._readings import CONTROLS, expression, readings
from ._run import Outcome, run
from ._settings import Study
from ._template import template
from .atlas import write_atlas

__all__ = [
    "CONTROLS",
    "Checked",
    "Outcome",
    "Study",
    "check",
    "draft",
    "expression",
    "readings",
    "run",
    "template",
    "write_atlas",
]
