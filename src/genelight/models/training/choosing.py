"""What is open about a training, chosen on subjects that it leaves out: how samples weigh, sparsity, epochs.

Codes are sparse where that costs nothing that PCA has. How far off held-out subjects lie is measured on the way, so
that a model by itself can say whether it has seen the like of a sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..._core.ranks import ranks
from ..recipe import Recipe
from .loop import Enough, History, settle
from .network import Stack
from .objective import HeldOut
from .plan import Plan, Samples
from .shrink import Weighing

__all__ = ["PATIENCE", "Rows", "choose", "choose_recipe", "held_out_distances"]

Rows = np.ndarray | slice
Trial = Callable[[Recipe, str, Enough], tuple[History, float]]

PATIENCE = 20
ROUNDING = 1e-6


def choose(
    samples: Samples, inner: Rows, outer: Rows, *, plan: Plan, measure: bool
) -> tuple[Recipe, Weighing, History, dict[str, Any]]:
    """Recipe with sparsity and epochs by what serves the subjects held out, and how samples weigh by the others alone.

    With `measure` also how far off they then lie; it takes a copy of the coordinates. Learners and held-out samples are
    looked at less the learners' mean: about everyone's, the two lie opposite to each other, and look alike to PCA.
    """
    learners, unseen = (Samples(samples.x_ng[i], samples.subject_n[i], samples.genes) for i in (inner, outer))
    centre_g = learners.x_ng.mean(0)
    for part in (learners, unseen):
        np.subtract(part.x_ng, centre_g, out=part.x_ng)
    chosen = _chosen(learners, unseen, plan=plan, measure=measure)
    if isinstance(inner, slice):  # what slices give are views
        np.add(samples.x_ng, centre_g, out=samples.x_ng)
    return chosen


def _chosen(
    learners: Samples, unseen: Samples, *, plan: Plan, measure: bool
) -> tuple[Recipe, Weighing, History, dict[str, Any]]:
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

    def trial(recipe: Recipe, name: str, enough: Enough) -> tuple[History, float]:
        history, net = plan.trial(name, start, recipe=recipe, held_out=held_out, enough=enough)
        trained[recipe.sparsity] = net
        return history, ranks().agreed(held_out.doubt(net))

    recipe, history = choose_recipe(trial, replace(settled, sparsity=0.0), sparsities=plan.preset.sparsities)
    if not measure:
        return recipe, weighing, history, {}
    net, c_nk = trained[recipe.sparsity] if recipe.last else start.net, start.space.coordinates(learners.x_ng)
    far = held_out_distances(net, c_nk, held_out, genes=learners.genes)
    return recipe, weighing, history, {"applicability": far}


def choose_recipe(trial: Trial, recipe: Recipe, *, sparsities: tuple[float, ...]) -> tuple[Recipe, History]:
    """The recipe with a sparsity and an epoch to stop at, and the history that speaks for it.

    Without `sparsities` training stops at the epoch that reconstructs held-out subjects best, or at its end if codes
    are held to a normal distribution, which costs reconstruction and is meant to. With them, a training
    without penalty shows how far ahead of PCA the network can come. Then the first of `sparsities`, from the
    largest, is taken that keeps half of that lead, and more of it than its standard error over subjects, until the last
    epoch that does. Where none does, the training without penalty is taken if its own gain over the start exceeds
    its standard error, and else the start itself: a network at the PCA solution stays there.

    Parameters
    ----------
    trial
        Trains a copy of the start by a recipe, under a name, until it is told that it is enough; returns the
        history, and the standard error of the lead over PCA at the end.
    recipe
        Without penalty.
    sparsities
        Weights of the penalty to try.
    """
    if not sparsities:
        history, _ = trial(recipe, "choice-0", lambda _: False)
        return replace(recipe, stop=len(history) - 1 if recipe.divergence else _best(history)), history
    straight, doubt = trial(recipe, "choice-0", lambda history: len(history) - 1 - _best(history) >= PATIENCE)
    start, pca, best = straight[0]["held_out_r2"], straight[0]["held_out_r2_pca"], _best(straight)
    gain = straight[best]["held_out_r2"] - start
    lead = max(start, straight[best]["held_out_r2"] if gain > doubt else start) - pca
    least = pca + max(lead / 2, 0.0)

    def lost(history: History) -> bool:
        return len(history) - 1 - _last(history, least) >= PATIENCE

    # Without a lead there is nothing to pay with.
    for i, sparsity in enumerate(sorted(sparsities, reverse=True) if lead > ROUNDING else (), start=1):
        sparse = replace(recipe, sparsity=sparsity)
        history, doubt_sparse = trial(sparse, f"choice-{i}", lost)
        stop = _last(history, max(least, pca + doubt_sparse))
        if stop:
            return replace(sparse, stop=stop), history
    return replace(recipe, stop=best if gain > doubt else 0), straight


def _best(history: History) -> int:
    """The epoch that reconstructs held-out subjects best; 0 when no training helps."""
    return int(max(history, key=lambda record: record["held_out_r2"])["epoch"])


def _last(history: History, least: float) -> int:
    """The last epoch with an R² of at least `least`; 0 if there is none."""
    return max((int(record["epoch"]) for record in history if record["held_out_r2"] >= least), default=0)


@torch.inference_mode()
def held_out_distances(net: Stack, c_nk: np.ndarray, held_out: HeldOut, *, genes: int) -> dict[str, list[float]]:
    """Reconstruction error per gene and distance of the last layer's codes, sorted, of every held-out sample.

    `c_nk` are coordinates of the samples that `net` was trained on: distances are from their mean code, in standard
    deviations.
    """
    depth = len(net.widths)
    seen_nk, new_nk = (net.encode(c, depth).double().numpy() for c in (torch.from_numpy(c_nk), held_out.c_nk))
    sd_k = seen_nk.std(0)
    off_nk = (new_nk - seen_nk.mean(0)) / np.where(sd_k > 0, sd_k, np.inf)
    error_s, distance_s = np.sort(held_out.errors(net) / genes), np.sort(np.linalg.norm(off_nk, axis=1))
    return {"error_s": error_s.tolist(), "distance_s": distance_s.tolist()}
