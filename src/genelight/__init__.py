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

from ._core.threads import bound_libraries

if TYPE_CHECKING:
    from . import demo, errors, evidence, io, models, modules, nodes, nouns, patients, pl, pp, report, simulate, study
    from ._core.workers import workers
    from .errors import GenelightError
    from .evidence import assess
    from .io import read
    from .models import Folds, fit, load
    from .modules import disease_module, meta_module
    from .nodes import encode, light_up
    from .nouns import Contrast, Edges, Evidence, Genes, Model, Module, NodeGenes
    from .patients import response, score, severity, stratify
    from .pp import map_ids, prepare

__version__ = "0.1.0"

# Before numpy is loaded, whose BLAS counts its threads then.
bound_libraries()

__all__ = [
    "Contrast",
    "Edges",
    "Evidence",
    "Folds",
    "GenelightError",
    "Genes",
    "Model",
    "Module",
    "NodeGenes",
    "assess",
    "demo",
    "disease_module",
    "encode",
    "errors",
    "evidence",
    "fit",
    "io",
    "light_up",
    "load",
    "map_ids",
    "meta_module",
    "models",
    "modules",
    "nodes",
    "nouns",
    "patients",
    "pl",
    "pp",
    "prepare",
    "read",
    "report",
    "response",
    "score",
    "severity",
    "simulate",
    "stratify",
    "study",
    "workers",
]

_ROOMS = (
    "demo", "errors", "evidence", "io", "models", "modules", "nodes", "nouns", "patients", "pl", "pp", "report",
    "simulate", "study",
)  # fmt: skip
_HOME = {
    "GenelightError": "errors",
    "workers": "_core.workers",
    "assess": "evidence",
    "read": "io",
    **dict.fromkeys(("Contrast", "Edges", "Evidence", "Genes", "Model", "Module", "NodeGenes"), "nouns"),
    **dict.fromkeys(("Folds", "fit", "load"), "models"),
    **dict.fromkeys(("map_ids", "prepare"), "pp"),
    **dict.fromkeys(("encode", "light_up"), "nodes"),
    **dict.fromkeys(("disease_module", "meta_module"), "modules"),
    **dict.fromkeys(("response", "score", "severity", "stratify"), "patients"),
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
