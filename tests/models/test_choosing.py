"""Which sparsity and epoch are taken, given what trainings report."""

import pytest

from genelight.models.recipe import Recipe
from genelight.models.training.choosing import PATIENCE, choose_recipe

RECIPE = Recipe(1e-3, epochs=6)


def told(curves: dict[float, list[float]], doubt: float = 0.0, pca: float = 0.5):
    """A trial that reports the given R² after each epoch, by sparsity."""

    def trial(recipe, name, enough):
        history = []
        for epoch, r2 in enumerate(curves[recipe.sparsity]):
            if history and enough(history):
                break
            history.append({"epoch": epoch, "held_out_r2": r2, "held_out_r2_pca": pca})
        return history, doubt

    return trial


@pytest.mark.parametrize(
    ("curves", "doubt", "want"),
    [
        # The sparsest that keeps half of the start's lead, until the last epoch that does.
        ({0.0: [0.6, 0.59], 0.03: [0.6, 0.57, 0.55, 0.54], 0.01: [0.6, 0.59]}, 0.0, (0.03, 2)),
        ({0.0: [0.6, 0.59], 0.03: [0.6, 0.54], 0.01: [0.6, 0.58, 0.52]}, 0.0, (0.01, 1)),
        # Half of the lead is less than its doubt.
        ({0.0: [0.6, 0.59], 0.03: [0.6, 0.57, 0.55], 0.01: [0.6, 0.59]}, 0.08, (0.01, 1)),
        # Where training itself is what leads, half of what it can reach has to be kept.
        ({0.0: [0.5, 0.7], 0.03: [0.5, 0.55], 0.01: [0.5, 0.61]}, 0.01, (0.01, 1)),
        # Where no penalty is free, training without one, if it gains.
        ({0.0: [0.5, 0.6, 0.58], 0.03: [0.5, 0.4], 0.01: [0.5, 0.4]}, 0.01, (0.0, 1)),
        # A gain within its doubt is none: the start, which is PCA, stays.
        ({0.0: [0.5, 0.501], 0.03: [0.5, 0.501], 0.01: [0.5, 0.5]}, 0.01, (0.0, 0)),
        ({0.0: [0.5, 0.49], 0.03: [0.5, 0.49], 0.01: [0.5, 0.49]}, 0.0, (0.0, 0)),
    ],
)
def test_the_sparsest_that_costs_nothing_pca_has(curves, doubt, want):
    recipe, history = choose_recipe(told(curves, doubt), RECIPE, sparsities=(0.01, 0.03))
    assert (recipe.sparsity, recipe.stop) == want
    assert [record["held_out_r2"] for record in history] == curves[want[0]]


def test_without_a_penalty_the_best_epoch_is_taken_whatever_pca_has():
    recipe, _ = choose_recipe(told({0.0: [0.1, 0.3, 0.2]}), RECIPE, sparsities=())
    assert (recipe.sparsity, recipe.stop) == (0.0, 1)


def test_a_variational_training_goes_to_its_end():
    recipe, _ = choose_recipe(told({0.0: [0.1, 0.3, 0.2]}), Recipe(1e-3, epochs=2, divergence=1.0), sparsities=())
    assert recipe.stop == 2


def test_a_training_that_gets_nowhere_is_left():
    long = {0.0: [0.5] + [0.4] * 90, 0.03: [0.5] + [0.4] * 90}
    lengths = []
    trial = told(long)

    def counted(recipe, name, enough):
        history, doubt = trial(recipe, name, enough)
        lengths.append(len(history) - 1)
        return history, doubt

    choose_recipe(counted, RECIPE, sparsities=(0.03,))
    # Without a lead over PCA no penalty is tried.
    assert lengths == [PATIENCE]
