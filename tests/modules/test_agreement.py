"""Agreement of derivations, layers and trainings."""

import numpy as np
import pytest

import genelight as gl
from genelight.errors import InputError, UnknownNameError
from genelight.stats.moderated import Design, Remembered
from genelight.stats.subjects import indexed


def test_pairs_are_told_by_what_differs(cohort, linear, linear_of):
    trained = (linear, linear_of(cohort.adata, seed=1))
    found = gl.modules.module_agreement(
        cohort.adata,
        trained,
        contrast=cohort.contrast,
        methods=("direction", "joint", "de"),
        layers=("L1", "L3"),
        size=30,
    )
    assert set(found.modules) == {"de"} | {
        f"{method}, {layer}, {training}"
        for method in ("direction", "joint")
        for layer in ("L1", "L3")
        for training in (0, 1)
    }
    counts = found.summary.set_index("differ")["pairs"]
    assert counts.to_dict() == {"derivation": 4 + 8, "layer": 4, "training": 4, "several": 16}
    assert counts.sum() == len(found.pairs) == 36


def test_trainings_that_differ_by_a_rotation_agree_wholly(cohort, linear, linear_of):
    trained = (linear, linear_of(cohort.adata, seed=1))
    found = gl.modules.module_agreement(
        cohort.adata, trained, contrast=cohort.contrast, methods=("joint",), layers=("L1",), size=30
    )
    row = found.summary.set_index("differ").loc["training"]
    assert row["rank lowest"] > 0.99
    assert row["shared lowest"] >= 0.9
    planted = found.genes[found.genes["modules"] == 1].set_index("gene")
    assert (planted.loc[planted.index.isin([f"g{i}" for i in range(20)]), "up"] == 1).all()


def test_weights_agree_less_than_patterns(cohort, linear):
    found = gl.modules.module_agreement(
        cohort.adata,
        linear,
        contrast=cohort.contrast,
        methods=("direction", "joint", "random"),
        layers=("L1",),
        size=30,
    )
    pairs = found.pairs.set_index(["one", "other"])
    assert pairs.loc[("direction, L1, 0", "joint, L1, 0"), "rank"] > 0.8
    assert abs(pairs.loc[("direction, L1, 0", "random"), "rank"]) < 0.3


def test_a_design_asked_twice_answers_once(cohort):
    remembered = Remembered(Design.of(cohort.adata.X, indexed(cohort.contrast)))
    count_bs = np.random.default_rng(0).integers(1, 3, size=(4, 40))
    first = remembered.moderated(count_bs)
    assert remembered.moderated(count_bs.copy()) is first
    np.testing.assert_array_equal(remembered.moderated(count_bs[:2]).t_bg, first.t_bg[:2])


def test_there_must_be_two(cohort, linear):
    with pytest.raises(InputError, match="1 module leaves nothing to compare"):
        gl.modules.module_agreement(cohort.adata, linear, contrast=cohort.contrast, methods=("joint",), layers=("L1",))
    with pytest.raises(UnknownNameError, match="unknown layer 'L9'"):
        gl.modules.module_agreement(cohort.adata, linear, contrast=cohort.contrast, methods=("joint",), layers=("L9",))
