"""A model of many other samples in place of one of the study's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .. import models
from ..errors import GenelightError, InputError
from ..models.bundle import model_folder
from ..models.reference.domain import fit_of
from ..models.reference.panel import Panel
from ..modules.methods._reference import check_df
from ..nouns import Contrast, Genes, Model
from ..pp.preparation import Preparation
from ..pp.project import map_where_needed
from ..stats.moderated import Design
from ..stats.subjects import count_subjects, indexed

if TYPE_CHECKING:
    from anndata import AnnData

    from ._settings import Study

SHIPPED = "human"
"""The model that ships."""
SMALL = 20
"""People in the smaller group up from which a study trains a model of its own unless it says otherwise."""
SMALL_SAYS = (
    f"fewer than {SMALL} people in a group: up to 12 against 12, a model of their own was measured to add nothing to "
    "tests of single genes, where one of thousands of other samples does (python -m studies small_cohorts)"
)


class Measured:
    """The measured values themselves, for derivations that read no codes.

    Parameters
    ----------
    preparation
        Of the study's samples.
    """

    name = "expression"
    widths: ClassVar[dict[str, int]] = {}

    def __init__(self, preparation: Preparation) -> None:
        self.preparation = preparation
        self.genes, self.digest = preparation.genes, preparation.digest

    def prepare(self, adata: AnnData) -> np.ndarray:
        """Standardised values, shape ``(n, g)``."""
        return self.preparation.transform(adata)


def reference_for(adata: AnnData, people: Sequence[int], *, table: str | Path | None = None) -> str | None:
    """``"human"`` for a cohort that is too small to train a model on and whose genes that model has; else None.

    Parameters
    ----------
    adata
        Samples x columns, as read.
    people
        How many there are in either group.
    table
        Table of ids and genes, for probes.
    """
    if not people or min(people) >= SMALL:
        return None
    model = models.load(SHIPPED)
    try:
        id_map = map_where_needed(adata, to=model.genes, table=table)
        ids = list(adata.var_names) if id_map is None else sorted(set(id_map.pairs["target"]))
        model.preparation.align(ids)  # type: ignore[attr-defined]
    except GenelightError:
        return None
    return SHIPPED


def given(study: Study) -> Model | None:
    """The model that a study names; None where it trains one.

    Raises
    ------
    InputError
        If the study also says how to train one, or the model cannot be read so.
    """
    settings = study.model
    if settings.reference is None:
        return None
    asked = [name for name in ("group", "widths", "epochs", "learning_rate") if getattr(settings, name) is not None]
    asked += ["preset"] * (settings.preset != "default")
    if asked:
        msg = f"[model] reference = {settings.reference!r} is trained already; leave out {', '.join(asked)}"
        raise InputError(msg)
    if study.scorecard is not None:
        msg = "[scorecard] judges how a model is trained, and this one is given; leave it out, or reference of [model]"
        raise InputError(msg)
    model = models.load(folder_of(study))
    if not hasattr(model, "complete"):
        msg = f"[model] reference = {settings.reference!r} is a {model.name}; give an autoencoder, a PCA or an ICA"
        raise InputError(msg)
    if model.genes.namespace != study.data.ids:
        msg = (
            f"[model] reference = {settings.reference!r} has genes by {model.genes.namespace}; write "
            f'ids = "{model.genes.namespace}" under [data], to which columns of another kind are mapped'
        )
        raise InputError(msg)
    return model


def folder_of(study: Study) -> Path:
    """Where the model lies."""
    return model_folder(Path(study.model.reference or ""))


def panel(model: Model, preparation: Preparation) -> Panel:
    """The model on the genes that it has in common with a table.

    Raises
    ------
    GeneMismatchError
        If those carry too little of its genes' variance.
    """
    whole: Preparation = model.preparation  # type: ignore[assignment]
    whole.align(preparation.genes.ids)
    known = model.genes.position
    shared = tuple(gene for gene in preparation.genes.ids if gene in known)
    return Panel(model, Genes(shared, model.genes.namespace), scale=preparation.scale)


def check_fit(panel: Panel, adata: AnnData, study: Study) -> None:
    """Stop where the values are no expression as the model knows it.

    Raises
    ------
    InputError
        If the genes of most samples do not stand in its order.
    """
    fit = fit_of(panel, adata)
    if fit.verdict == "foreign":
        msg = (
            f"[model] reference = {study.model.reference!r} cannot read these samples: {fit}. Give intensities, counts "
            "or normalised values of its own species, or train a model of your own: leave out reference"
        )
        raise InputError(msg)


def fewest(contrast: Contrast) -> int:
    """People in the smaller group."""
    return min(count_subjects(contrast.subject_n[mask_n]) for mask_n in (contrast.case_n, contrast.control_n))


def check_people(contrast: Contrast) -> None:
    """Stop where there are too few people to tell how much they vary.

    Raises
    ------
    InputError
        If fewer than two degrees of freedom are left.
    """
    used = contrast.take(contrast.used_n)
    check_df(contrast.name, Design.of(np.zeros((int(contrast.used_n.sum()), 1)), indexed(used)).df)


def account(panel: Panel, study: Study, people: int) -> str:
    """What is read through what, and how to have it otherwise."""
    size = panel.about.get("studies") or []
    samples = sum(each["samples"] for each in size)
    of = f", of {samples:,} samples of {len(size)} other studies" if samples else ""
    why = f"; {SMALL_SAYS}" if people < SMALL else ""
    genes = f"{len(panel.genes):,} of its {len(panel.whole.genes):,} genes"
    return (
        f"read through the model {study.model.reference}{of}, on {genes}; none is trained here{why}; to train one of "
        "their own: leave out reference under [model] (--model none)"
    )
