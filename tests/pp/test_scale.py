import numpy as np
import pytest

from genelight.errors import InputError, UnknownNameError
from genelight.pp.scale import SCALES, check_scale, to_log2

LOG2 = np.array([[3.3, 8.1, 14.2], [0.0, 5.5, -1.25]])
COUNTS = np.array([[0.0, 150.0, 90_000.0], [3.0, 200.0, 12.0]])
LINEAR = np.array([[0.0, 12.5, 900.25], [1.5, 80.0, 7.0]])


@pytest.mark.parametrize(("x", "scale"), [(LOG2, "log2"), (COUNTS, "counts"), (COUNTS, "linear"), (LINEAR, "linear")])
def test_values_that_fit_their_scale_pass(x, scale):
    check_scale(x, scale)


@pytest.mark.parametrize(
    ("x", "scale", "said"),
    [
        (COUNTS, "log2", r"go from 0 to 90000, all whole numbers, .* scale = 'counts': say so"),
        (LINEAR, "log2", r"go from 0 to 900.25, so they are not log2; they look like scale = 'linear'"),
        (-COUNTS, "counts", r"cannot have values below zero \(lowest -90000\); logged data are scale = 'log2'"),
        (-LINEAR, "linear", r"cannot have values below zero"),
        (LINEAR, "counts", r"needs whole numbers, but values from 0 to 900.25 have fractions; use 'linear'"),
        (np.abs(LOG2), "counts", r"have fractions"),
        (np.abs(LOG2), "linear", r"highest value is 5.5, as in logged data; use scale = 'log2'"),
    ],
)
def test_values_that_contradict_their_scale_name_the_likely_one(x, scale, said):
    with pytest.raises(InputError, match=said):
        check_scale(x, scale)


def test_negative_whole_numbers_are_not_called_counts():
    with pytest.raises(InputError, match="they look like scale = 'linear'"):
        check_scale(np.array([[-200.0, 90_000.0]]), "log2")


@pytest.mark.parametrize(("scale", "meant"), [("log", "log2"), ("count", "counts"), ("Linear", "linear")])
def test_an_unknown_scale_says_which_may_be_meant(scale, meant):
    with pytest.raises(UnknownNameError, match=f"unknown scale '{scale}'; did you mean '{meant}'"):
        check_scale(LOG2, scale)


def test_counts_become_log2_per_million():
    want = np.log2(COUNTS / COUNTS.sum(1, keepdims=True) * 1e6 + 1)
    np.testing.assert_allclose(to_log2(COUNTS, "counts"), want, rtol=1e-12)
    np.testing.assert_array_equal(to_log2(np.zeros((1, 3)), "counts"), np.zeros((1, 3)))


def test_linear_becomes_log2_of_one_more_and_log2_stays():
    np.testing.assert_allclose(to_log2(LINEAR, "linear"), np.log2(LINEAR + 1), rtol=1e-12)
    np.testing.assert_array_equal(to_log2(LOG2, "log2"), LOG2)


@pytest.mark.parametrize("scale", SCALES)
def test_no_samples_contradict_nothing(scale):
    check_scale(np.empty((0, 3)), scale)
