"""genelight: lift the lid of deep models of gene expression.

Importing this loads neither torch nor matplotlib; each room is loaded when it is first used.

>>> import genelight as gl
>>> adata = gl.demo.cohort()
>>> adata.shape
(252, 4147)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import demo, evidence, io, models, pl, pp, report, simulate, study, tl
    from ._core.contrast import Contrast
    from ._core.errors import GenelightError
    from ._core.genes import Genes
    from ._core.types import Edges, Evidence, Model, Module, NodeGenes
    from .evidence import assess
    from .io import read
    from .models import fit, load
    from .pp import map_ids, prepare
    from .tl import disease_module, encode, light_up

__version__ = "0.1.0"

__all__ = [
    "Contrast",
    "Edges",
    "Evidence",
    "GenelightError",
    "Genes",
    "Model",
    "Module",
    "NodeGenes",
    "assess",
    "demo",
    "disease_module",
    "encode",
    "evidence",
    "fit",
    "io",
    "light_up",
    "load",
    "map_ids",
    "models",
    "pl",
    "pp",
    "prepare",
    "read",
    "report",
    "simulate",
    "study",
    "tl",
]

_ROOMS = ("demo", "evidence", "io", "models", "pl", "pp", "report", "simulate", "study", "tl")
_HOME = {
    "Contrast": "_core.contrast",
    "GenelightError": "_core.errors",
    "Genes": "_core.genes",
    **dict.fromkeys(("Edges", "Evidence", "Model", "Module", "NodeGenes"), "_core.types"),
    "assess": "evidence",
    "read": "io",
    "fit": "models",
    "load": "models",
    **dict.fromkeys(("map_ids", "prepare"), "pp"),
    **dict.fromkeys(("disease_module", "encode", "light_up"), "tl"),
}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return __all__
