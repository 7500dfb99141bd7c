"""One study from beginning to end: a TOML file of what is wanted, and the verbs in order, one artefact each.

>>> import genelight as gl
>>> gl.study.Study.demo().contrast.case
'condition == "symptomatic" and hours >= 45'
"""

from ._check import check
from ._draft import draft
from ._readings import readings
from ._rerun import rerun
from ._run import run
from ._settings import Study
from ._verify import verify

__all__ = [
    "Study",
    "check",
    "draft",
    "readings",
    "rerun",
    "run",
    "verify",
]
