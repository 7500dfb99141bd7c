"""Sparsity and number of epochs, chosen on held-out subjects: sparse codes where they cost nothing that PCA has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .recipe import Recipe

__all__ = ["Enough", "choose_recipe"]

History = list[dict[str, float]]
Enough = Callable[[History], bool]
Trial = Callable[[Recipe, str, Enough], tuple[History, float]]

PATIENCE = 20
ROUNDING = 1e-6


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
