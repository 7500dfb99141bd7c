"""What is open about a training, chosen on subjects that it leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit

from .._core.ranks import ranks
from .applicability import held_out_distances
from .choice import Enough, choose_recipe
from .network import Stack
from .objective import HeldOut
from .plan import Plan, Samples
from .recipe import Recipe
from .shrink import Weighing
from .training import settle

__all__ = ["Rows", "choose", "leave_out"]

Rows = np.ndarray | slice


def leave_out(subject_n: np.ndarray, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the samples to choose from, and of the fifth of the subjects to choose on."""
    inner, outer = next(GroupShuffleSplit(1, test_size=0.2, random_state=seed).split(subject_n, None, subject_n))
    return inner, outer


@contextmanager
def _apart(samples: Samples, inner: Rows, outer: Rows) -> Iterator[tuple[Samples, Samples]]:
    """Learners and held-out samples, both less the learners' mean; slices are views, and put back afterwards.

    Centred without the held-out subjects: else they lie opposite to the others, and look like them to PCA.
    """
    learners, held_out = (Samples(samples.x_ng[i], samples.subject_n[i], samples.genes) for i in (inner, outer))
    centre_g = learners.x_ng.mean(0)
    for part in (learners, held_out):
        np.subtract(part.x_ng, centre_g, out=part.x_ng)
    yield learners, held_out
    if isinstance(inner, slice):
        np.add(samples.x_ng, centre_g, out=samples.x_ng)


def choose(
    samples: Samples, inner: Rows, outer: Rows, *, plan: Plan, measure: bool
) -> tuple[Recipe, Weighing, list[dict[str, float]], dict[str, Any]]:
    """Recipe with sparsity and epochs by what serves the subjects held out, and how samples weigh by the others alone.

    With `measure` also how far off they then lie; it takes a copy of the coordinates.
    """
    with _apart(samples, inner, outer) as (learners, unseen):
        return _chosen(learners, unseen, plan=plan, measure=measure)


def _chosen(
    learners: Samples, unseen: Samples, *, plan: Plan, measure: bool
) -> tuple[Recipe, Weighing, list[dict[str, float]], dict[str, Any]]:
    subspace = plan.subspace(learners)
    weighing = plan.weighing(learners, subspace)
    start = plan.start(learners, subspace=subspace, weighing=weighing)
    pca = plan.axes(learners, subspace)
    held_out = HeldOut.of(unseen.x_ng, start.space, pca=pca, subject_n=unseen.subject_n)
    worse = not weighing.is_even and held_out.figures(start.net)["held_out_r2"] < held_out.pca_r2
    if ranks().agreed(worse):
        weighing = Weighing()
        start = plan.start(learners, subspace=subspace, weighing=weighing)
        held_out = HeldOut.of(unseen.x_ng, start.space, pca=pca, subject_n=unseen.subject_n)
    # A rate and a precision are found by trying, which is not shared.
    settled = ranks().first(
        lambda: settle(start.net, start.c_nk, plan.preset.recipe, genes=start.genes, seed=plan.seed)
    )
    trained: dict[float, Stack] = {}

    def trial(recipe: Recipe, name: str, enough: Enough) -> tuple[list[dict[str, float]], float]:
        history, net = plan.trial(name, start, recipe=recipe, held_out=held_out, enough=enough)
        trained[recipe.sparsity] = net
        return history, ranks().agreed(held_out.doubt(net))

    recipe, history = choose_recipe(trial, replace(settled, sparsity=0.0), sparsities=plan.preset.sparsities)
    if not measure:
        return recipe, weighing, history, {}
    net, c_nk = trained[recipe.sparsity] if recipe.last else start.net, start.space.coordinates(learners.x_ng)
    far = held_out_distances(net, c_nk, held_out, genes=learners.genes)
    return recipe, weighing, history, {"applicability": far}
