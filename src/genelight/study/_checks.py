"""What is looked at in a study's settings once its table is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import models, modules
from ..errors import InputError, UnknownNameError
from ..models.spec import BASELINES
from ..nouns import Contrast, Edges, Genes
from ..nouns.genes import check_coverage
from ..stats.subjects import count_subjects
from ._settings import Study

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

Look = Callable[[Callable[[], Any]], Any]

LEAST_SHARED, LEAST_GENES = 10, 5
TESTED_SIZES = (5, 500)


def check_names(study: Study, look: Look) -> None:
    """Names of methods, presets and controls."""
    look(lambda: modules.DERIVATIONS.entry(study.module.method))
    look(lambda: models.PRESETS.entry(study.model.preset))
    for name in study.scorecard.controls if study.scorecard else ():
        look(lambda name=name: BASELINES.entry(name))  # type: ignore[misc]


def check_scorecard(study: Study, adata: AnnData, look: Look) -> None:
    """Columns of the scorecard."""
    card, where = study.scorecard, "[scorecard] of the study"
    for role, names in (("label", card.labels), ("batch", card.batch)) if card else ():
        for name in names:
            look(lambda role=role, name=name: check_there(adata.obs, name, role=role, where=where))  # type: ignore[misc]


def check_there(obs: pd.DataFrame, name: str, *, role: str, where: str) -> None:
    """A column is one of the sample table's.

    Raises
    ------
    UnknownNameError
        If it is not.
    """
    if name not in obs:
        raise UnknownNameError(f"{role} column", name, obs.columns, where=where)


def check_module(study: Study, contrast: Contrast, *, genes: Genes, layers: list[str], look: Look) -> None:
    """Layer, size and folds of the module.

    Raises
    ------
    UnknownNameError
        If the model has no such layer.
    InputError
        If there are fewer genes or people than that.
    """
    settings = study.module

    def layer() -> None:
        if settings.layer is not None and settings.layer not in layers:
            raise UnknownNameError("layer", settings.layer, layers, where="[module] of the study")

    def size() -> None:
        if settings.size > len(genes) // 2:
            msg = (
                f"[module] size = {settings.size} is more than half of the {len(genes)} genes kept; write "
                f"size = {max(len(genes) // 10, 1)}"
            )
            raise InputError(msg)

    def folds() -> None:
        fewest = min(count_subjects(contrast.subject_n[mask]) for mask in (contrast.case_n, contrast.control_n))
        if settings.folds > fewest:
            msg = f"[module] folds = {settings.folds}, but a group has only {fewest} subjects; write folds = {fewest}"
            raise InputError(msg)

    for check in (layer, size) if study.model.reference else (layer, size, folds):
        look(check)


def check_size(study: Study, genes: Genes, *, led: bool = False) -> None:
    """Nodes are tested by fewer genes than there are, as the tests ask for; of features, than these lead to.

    Raises
    ------
    InputError
        If they are not.
    """
    n_top = study.tests.n_top
    if isinstance(n_top, int) and n_top >= len(genes):
        why = f", by variable = {study.data.variable} of [data]" if study.data.variable else ""
        there = f"the features lead to only {len(genes)} genes" if led else f"only {len(genes)} genes are kept"
        msg = f"[tests] n_top = {n_top}, but {there}{why}; write n_top = {max(len(genes) // 10, LEAST_GENES)}"
        raise InputError(msg)


def check_prior(edges: Edges, genes: Genes, *, nodes: bool) -> None:
    """A network or a collection of gene sets has genes that were measured.

    Raises
    ------
    GeneMismatchError
        If it has too few.
    InputError
        If no set has a size that is tested.
    """
    known = set(edges.table["target"]) | (set(edges.table["source"]) if nodes else set())
    check_coverage(genes.align(known), least=LEAST_SHARED, what="the data", reference=edges.name)
    if not nodes:
        _check_sizes(edges, genes)


def _check_sizes(collection: Edges, genes: Genes) -> None:
    low, high = TESTED_SIZES
    sizes = collection.table[collection.table["target"].isin(genes.ids)].groupby("source").size()
    if not sizes.between(low, high).any():
        msg = (
            f"{collection.name}: of {len(sizes)} sets none has {low} to {high} measured genes (they have "
            f"{sizes.min()} to {sizes.max()}); such sets are not tested, choose smaller or larger ones"
        )
        raise InputError(msg)
