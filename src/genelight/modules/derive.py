"""Which genes make the difference between cases and controls, as the model sees it, of one disease or several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from .._core.checks import check_positive
from .._core.workers import each
from ..errors import InputError, first_three
from ..nodes.layers import chunks
from ..nouns import Contrast, Genes, Model, Module
from ..nouns.contrast import check_contrast
from ..nouns.module import DERIVATION
from ..stats.subjects import bootstrap_counts, group_sizes, kinds, numbered
from ._registry import DERIVATIONS, Derivation, Question, ask
from .generic import generic_of
from .stability import stability_of

__all__ = ["derive", "disease_module", "disease_modules"]

PAIRS = 50


def disease_module(
    adata: AnnData,
    model: Model,
    *,
    contrast: Contrast,
    method: str = DERIVATION,
    layer: str | None = None,
    size: int | None = 200,
    bootstraps: int = 200,
    seed: int = 0,
) -> Module:
    """Derive the disease module of a contrast: every gene scored, the `size` strongest selected.

    Parameters
    ----------
    adata
        Samples x genes on the scale the model was trained on.
    model
        A trained model; a PCA gives the linear baseline of ``"direction"``.
    contrast
        Cases and controls, see :class:`genelight.nouns.contrast.Contrast`.
    method
        ``"auto"`` (default) is ``"joint"``, what a layer of the model and the genes by themselves say together,
        unless ``"de"`` alone replicates better between halves of these very subjects: ``about["chosen"]`` says which
        it was, ``about["replication"]`` has the figures, ``about["because"]`` the reason in words.
        ``"direction"``, ``"arithmetic"``, ``"gradient"`` and ``"paper"`` read a layer of the model; ``"de"``,
        ``"variance"`` and ``"random"`` are baselines that do not.
    layer
        Hidden layer to read. Unless given, the one on whose codes a head has the smallest squared error on
        held-out subjects, the deepest on a tie; ``about["layers"]`` has the figures of each.
    size
        How many genes to select; None for as many as the data support: the genes that nine in ten halves of the
        subjects agree on and that differ by themselves, or, where the cohort lacks the power for that, the leading ones
        of those that differ (:func:`genelight.modules.stability`). There may be none. ``about["sizes"]`` then has the
        figures of every size, the paper's 1,000 among them, ``about["supported"]`` the interval of the size.
    bootstraps
        Draws of subjects, within each group, behind ``frequency``; 0 for none.
    seed
        Seed of folds and draws.

    Returns
    -------
    The module. Scores are signed, above zero for up in cases, in the method's unit (``direction`` and ``paper``:
    prepared units; ``de``: moderated t). ``frequency`` is how often a gene is among the `size` strongest
    over the bootstraps. ``about`` has contrast, layer, AUC on held-out subjects, each node's share.

    Raises
    ------
    UnknownNameError
        If there is no such method or layer.
    InputError
        If the contrast does not belong to `adata`, or `size` is not between 1 and the number of genes.

    Notes
    -----
    One weighted fit per bootstrap in code space and one batched decode; linear in samples x nodes² and in
    bootstraps x genes.

    References
    ----------
    Haufe et al. 2014, doi 10.1016/j.neuroimage.2013.10.067; Smyth 2004, doi 10.2202/1544-6115.1027;
    Dwivedi et al. 2020, doi 10.1038/s41467-020-14666-6.

    Examples
    --------
    >>> import genelight as gl
    >>> from genelight import Contrast
    >>> adata = gl.demo.cohort()
    >>> ill = Contrast.of(
    ...     adata.obs, case='condition == "symptomatic" and hours >= 45', control="hours == 0", subject="subject"
    ... )
    >>> model = gl.models.PCA(8).fit(adata)
    >>> module = gl.modules.disease_module(adata, model, contrast=ill, bootstraps=20)
    >>> "IFI44L" in module.selected[:50]
    True
    """
    question = ask(adata, model, contrast=contrast, layer=layer, seed=seed)
    return _of_measured(derive(question, method=method, size=size, bootstraps=bootstraps))


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
        As in :func:`disease_module`. Methods that read no head derive each module by itself.
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
    Cost: number of diseases times that of :func:`disease_module` on all their samples.

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
    _check_several(adata, contrasts)
    used_n = np.any([contrast.used_n for contrast in contrasts.values()], axis=0)
    part = adata[used_n]
    x_ng = model.prepare(part)
    parts = {name: contrast.take(used_n) for name, contrast in contrasts.items()}
    case_nd = np.column_stack([contrast.case_n for contrast in parts.values()])
    modules = {}
    for d, (name, contrast) in enumerate(parts.items()):
        asked = replace(contrast, subject_n=numbered(contrast.subject_n)[1])
        question = Question(x_ng, part, asked, model, layer, seed, np.delete(case_nd, d, axis=1))
        module = _of_measured(derive(question, method=method, size=size, bootstraps=bootstraps))
        modules[name] = replace(module, about={**module.about, "head": list(contrasts)})
    return modules


def derive(question: Question, *, method: str, size: int | None, bootstraps: int) -> Module:
    """The module of a question that is already prepared; see :func:`disease_module`.

    Raises
    ------
    UnknownNameError
        If there is no such method.
    InputError
        If `size` is not between 1 and the number of genes.
    """
    genes, contrast = question.model.genes, question.contrast
    if size is not None:
        check_positive(size=size)
        measured = len(genes) if question.there_g is None else int(question.there_g.sum())
        if size > measured:
            msg = f"size = {size}, but only {measured} genes are measured; choose a smaller size"
            raise InputError(msg)
    derivation = DERIVATIONS[method](question)
    about = {**_about(question), **derivation.about, "bootstraps": bootstraps}
    eligible_g = None
    if size is None:
        supported = stability_of(derivation, question, pairs=PAIRS)
        size = supported.size
        eligible_g = np.isin(np.asarray(genes.ids, dtype=object), supported.supported_g)
        about |= {
            "sizes": supported.sizes.to_dict("records"),
            "drawn": supported.drawn,
            "supported": {
                "interval": list(supported.interval),
                "stable": supported.stable,
                "seen": dict(supported.seen),
            },
            "stability": dict(supported.about),
        }
    score_g = derivation.score(np.ones((1, int(contrast.subject_n.max()) + 1), dtype=np.int64))[0]
    frequency_g = None
    if bootstraps and size:
        count_bs = bootstrap_counts(contrast, draws=bootstraps, seed=question.seed)
        frequency_g = _frequency(derivation, count_bs, size=size, genes=len(genes))
    about["size"] = size
    module = Module.from_scores(
        score_g,
        genes,
        size=size,
        name=contrast.name,
        method=method,
        frequency_g=frequency_g,
        eligible_g=eligible_g,
        about=about,
    )
    # What a derivation that tests genes says of each: fold change, t, p.
    return _beside_generic(_with(module, getattr(derivation, "columns", {})), question.model, score_g)


def _of_measured(module: Module) -> Module:
    """Without genes of the model that the table lacks, where these had no score: no test may count them as measured."""
    if "t" not in module.table or module.table["t"].notna().all():
        return module
    table = module.table[module.table["t"].notna()].reset_index(drop=True)
    table["rank"] = np.arange(1, len(table) + 1)
    there = set(table["gene"])
    genes = Genes(tuple(gene for gene in module.genes.ids if gene in there), module.genes.namespace)
    return replace(module, table=table, genes=genes)


def _with(module: Module, columns: Mapping[str, Any]) -> Module:
    """With further columns, of which each has the genes in the model's order."""
    beside = pd.DataFrame(columns, index=list(module.genes.ids)).loc[module.table["gene"]]
    return replace(module, table=module.table.assign(**{str(c): beside[c].to_numpy() for c in beside}))


def _beside_generic(module: Module, model: Model, score_g: np.ndarray) -> Module:
    """With how often each gene changes in any contrast and the ranking without it, through a model that knows."""
    generic = generic_of(model)
    if generic is None:
        return module
    specific_g = generic.taken_out(score_g)
    rank_g = np.empty(len(score_g), dtype=np.int64)
    rank_g[np.argsort(-specific_g, kind="stable")] = np.arange(1, len(score_g) + 1)
    selected_g = np.isin(np.asarray(module.genes.ids, dtype=object), module.selected)
    size = int(selected_g.sum())
    kept = int((selected_g & (rank_g <= size)).sum())
    found = generic.auroc(selected_g)
    told = {
        "auroc": found,
        "kept": kept,
        "contrasts": generic.contrasts,
        "diseases": generic.diseases,
        "says": f"how often genes change in any of {generic.contrasts} contrasts of {generic.diseases} diseases finds "
        f"the module's {size} genes with an AUROC of {found:.2f} (0.5 is chance); {kept} of them are among the {size} "
        "leading ones with that taken out",
    }
    with_columns = _with(module, {"generic": generic.share_g, "rank_specific": rank_g})
    return replace(with_columns, about={**module.about, "generic": told} if size else module.about)


def _frequency(derivation: Derivation, count_bs: np.ndarray, *, size: int, genes: int) -> np.ndarray:
    """Share of draws in which each gene is among the `size` strongest, shape ``(g,)``."""
    parts = [count_bs[part] for part in chunks(len(count_bs), columns=genes)]
    hits = each(_hits, parts, shared=(derivation, size, genes), says="bootstrapping subjects")
    return np.sum(hits, axis=0) / len(count_bs)


def _hits(count_bs: np.ndarray, derivation: Derivation, size: int, genes: int) -> np.ndarray:  # noqa: PLR0917
    """In how many of some draws each gene is among the strongest."""
    strength_bg = np.abs(derivation.score(count_bs))
    return np.bincount(np.argpartition(-strength_bg, size - 1, axis=1)[:, :size].ravel(), minlength=genes)


def _about(question: Question) -> Mapping[str, Any]:
    contrast = question.contrast
    kind_s = kinds(contrast)
    cases, controls = group_sizes(kind_s)
    return {
        "contrast": contrast.name,
        "model": question.model.name,
        "model_digest": question.model.digest,
        "layer": None,
        "cases": {"samples": int(contrast.case_n.sum()), "subjects": cases},
        "controls": {"samples": int(contrast.control_n.sum()), "subjects": controls},
        "subjects_in_both": int(np.sum(kind_s == 3)),
        "seed": question.seed,
    }


def _check_several(adata: AnnData, contrasts: Mapping[str, Contrast]) -> None:
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
