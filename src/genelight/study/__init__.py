"""One study from beginning to end: a TOML file of what is wanted, and the verbs in order, one artefact each.

>>> import genelight as gl
>>> gl.study.Study.demo().contrast.case
'condition == "symptomatic" and hours >= 45'
"""

from ._check import Checked, check
from ._draft import draft
from ._readings import CONTROLS, expression, readings
from ._rerun import Compared, rerun
from ._run import Outcome, run
from ._settings import Study
from ._template import template
from ._verify import Verified, verify
from .atlas import write_atlas

__all__ = [
    "CONTROLS",
    "Checked",
    "Compared",
    "Outcome",
    "Study",
    "Verified",
    "check",
    "draft",
    "expression",
    "readings",
    "rerun",
    "run",
    "template",
    "verify",
    "write_atlas",
]
