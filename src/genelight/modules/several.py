"""Several diseases read from one head: a module for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from anndata import AnnData

from ..errors import InputError, first_three
from ..nouns import Contrast, Model, Module
from ..nouns.contrast import check_contrast
from ..nouns.module import DERIVATION
from ..stats.subjects import numbered
from ._registry import Question
from .derive import derive

__all__ = ["disease_modules"]


def disease_modules(
    adata: AnnData,
    model: Model,
    *,
    contrasts: Mapping[str, Contrast],
    method: str = DERIVATION,
    layer: str | None = None,
    size: int | None = 200,
    bootstraps: int = 200,
    seed: int = 0,
) -> dict[str, Module]:
    """Derive the modules of several diseases that share their controls, from one supervised head.

    The head on a layer's codes has an output per disease, fitted together: a patient of another disease counts as
    not having this one. Layer and penalty are one for all. The step of a disease from the controls is what the outputs
    together carry of it (Haufe's transformation for several outputs), so diseases that are alike are told apart where
    the codes can.

    Parameters
    ----------
    adata, model, method, layer, size, bootstraps, seed
        As in :func:`genelight.modules.derive`. Methods that read no head derive each module by itself.
    contrasts
        Two or more by name of the disease, see :meth:`genelight.Contrast.several`.

    Returns
    -------
    A module per disease; ``about["head"]`` has the names of all outputs.

    Raises
    ------
    UnknownNameError
        If there is no such method or layer.
    InputError
        If there are fewer than two diseases, their controls differ, a contrast does not belong to `adata`, or `size`
        is not between 1 and the number of genes.

    Notes
    -----
    Cost: number of diseases times that of :func:`genelight.modules.derive` on all their samples.

    References
    ----------
    Dwivedi et al. 2020, doi 10.1038/s41467-020-14666-6; Haufe et al. 2014, doi 10.1016/j.neuroimage.2013.10.067.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> adata = adata[(adata.obs["hours"] == 0) | (adata.obs["hours"] >= 45)].copy()
    >>> adata.obs["state"] = adata.obs["condition"].astype(str).where(adata.obs["hours"] > 0, "before")
    >>> several = gl.Contrast.several(adata.obs, case="state", control="hours == 0", subject="subject")
    >>> modules = gl.modules.disease_modules(adata, gl.models.PCA(8).fit(adata), contrasts=several, bootstraps=0)
    >>> [(name, "IFI44L" in module.selected[:50]) for name, module in modules.items()]
    [('asymptomatic', False), ('symptomatic', True)]
    """
    _check(adata, contrasts)
    used_n = np.any([contrast.used_n for contrast in contrasts.values()], axis=0)
    part = adata[used_n]
    x_ng = model.prepare(part)
    parts = {name: contrast.take(used_n) for name, contrast in contrasts.items()}
    case_nd = np.column_stack([contrast.case_n for contrast in parts.values()])
    modules = {}
    for d, (name, contrast) in enumerate(parts.items()):
        asked = replace(contrast, subject_n=numbered(contrast.subject_n)[1])
        question = Question(x_ng, part, asked, model, layer, seed, np.delete(case_nd, d, axis=1))
        module = derive(question, method=method, size=size, bootstraps=bootstraps)
        modules[name] = replace(module, about={**module.about, "head": list(contrasts)})
    return modules


def _check(adata: AnnData, contrasts: Mapping[str, Contrast]) -> None:
    if len(contrasts) < 2:
        msg = f"{len(contrasts)} disease ({first_three(contrasts)}) is no case of several; use disease_module"
        raise InputError(msg)
    first, *others = contrasts.values()
    for contrast in (first, *others):
        check_contrast(adata, contrast)
    for name, other in zip(list(contrasts)[1:], others, strict=True):
        if not np.array_equal(first.control_n, other.control_n):
            msg = (
                f"{name} has other controls than {next(iter(contrasts))}; diseases of one head share them: "
                "make all with Contrast.several(obs, case={...}, control=..., subject=...)"
            )
            raise InputError(msg)
