import numpy as np
import pandas as pd
import pytest

from genelight._core.checks import check_column, check_finite, check_positive, select_samples
from genelight.errors import GeneMismatchError, InputError, UnknownNameError
from genelight.nouns import Genes
from genelight.nouns.genes import check_coverage

OBS = pd.DataFrame(
    {
        "condition": pd.Categorical(["ill", "well", "ill", "well"]),
        "hours": [0, 45, 60, 108],
        "days since onset": [0.0, 2.0, 3.0, np.nan],
        "a-dsd": [1, 2, 3, 4],
        "cs.mg": [0, 0, 5, 5],
        "ill (1)": [1, 0, 1, 0],
        "gone?": [np.nan] * 4,
    },
    index=["s1", "s2", "s3", "s4"],
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("hours >= 45", [False, True, True, True]),
        ('condition == "ill" and hours > 0', [False, False, True, False]),
        ("condition in ['well']", [False, True, False, True]),
        ("not (hours < 50)", [False, False, True, True]),
        ("`days since onset` > 1", [False, True, True, False]),
        ("`days since onset`.isna()", [False, False, False, True]),
        ("`a-dsd` >= 3", [False, False, True, True]),
        ("`cs.mg` == 5", [False, False, True, True]),
        ("index == 's2'", [False, True, False, False]),
    ],
)
def test_a_query_selects_the_samples_it_names(query, expected):
    np.testing.assert_array_equal(select_samples(OBS, query, role="case"), expected)


@pytest.mark.parametrize(
    ("query", "error", "said"),
    [
        ("hourz >= 45", UnknownNameError, "unknown obs column 'hourz' in case = 'hourz >= 45'; did you mean 'hours'"),
        ('condition == "sick"', InputError, "selects none of 4 samples; condition has 'ill', 'well'"),
        ("`a-dsd` > 9", InputError, "selects none of 4 samples; `a-dsd` has 1, 2, 3, 4"),
        ('hours == "45"', InputError, "hours has 0, 45, 60, 108, numbers, which stand without quotes"),
        ('`ill (1)` == "1"', InputError, "selects none of 4 samples; `ill (1)` has 1, 0, numbers, which"),
        ("`gone?` > 0", InputError, "selects none of 4 samples; `gone?` has missing values only"),
        ("@print('x')", InputError, "cannot be read"),
        ("hours.__class__ == 1", InputError, "'hours.__class__', which is not known here"),
        ("hours + 1", InputError, "'add of values', which is not known here"),
        ("hours", InputError, "not a yes-or-no question; hours has 0, 45, 60, 108"),
        ("hours = 1", InputError, "write for example: hours == 1"),
        ('condition = "ill" & hours >= 45', InputError, 'write for example: condition == "ill" & hours >= 45'),
        ("condition == ill", InputError, "'ill', which is a value of condition and stands in quotes; write for"),
        ("condition == ill", InputError, 'write for example: condition == "ill"'),
        ("1 +", InputError, 'write for example: condition == "ill"'),
        ("hours >=", InputError, "cannot be read"),
        ("", InputError, "case = ''"),
        ('hours > "a"', InputError, "cannot be read"),
    ],
)
def test_a_query_that_does_not_fit_says_what_to_type(query, error, said):
    with pytest.raises(error) as caught:
        select_samples(OBS, query, role="case")
    assert said in str(caught.value)


def test_a_column_is_there_and_complete_or_named():
    assert check_column(OBS, "hours", role="label") is not None
    with pytest.raises(UnknownNameError, match="unknown subject column 'hour' in obs; did you mean 'hours'"):
        check_column(OBS, "hour", role="subject")
    with pytest.raises(InputError, match="missing for 1 of 4 samples, the first 's4'"):
        check_column(OBS, "days since onset", role="label")


@pytest.mark.parametrize(
    ("value", "said"), [(np.nan, "1 missing (NaN) and 0 infinite"), (-np.inf, "0 missing (NaN) and 1 infinite")]
)
def test_a_value_that_is_no_number_is_placed(value, said):
    x = np.zeros((2, 3), np.float32)
    check_finite(x, samples=["s1", "s2"], genes=["A", "B", "C"], where="X")
    x[1, 2] = value
    with pytest.raises(InputError) as caught:
        check_finite(x, samples=["s1", "s2"], genes=["A", "B", "C"], where="X")
    assert said in str(caught.value)
    assert "sample 's2', gene 'C'" in str(caught.value)


def test_infinities_that_cancel_are_seen():
    with pytest.raises(InputError, match="2 infinite"):
        check_finite(np.array([[np.inf, -np.inf]]), samples=["s"], genes=["A", "B"], where="X")


def test_finite_values_may_be_as_large_as_they_like():
    check_finite(np.full((2, 2), np.finfo(float).max), samples=["s", "t"], genes=["A", "B"], where="X")


@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_settings_are_above_zero(value):
    check_positive(size=1, rate=0.1)
    with pytest.raises(InputError, match=r"size = .* must be above zero"):
        check_positive(size=value)


def test_too_few_shared_genes_name_those_not_found():
    alignment = Genes(("A", "B")).align(["B"])
    check_coverage(alignment, least=1, what="the cohort", reference="STRING")
    with pytest.raises(GeneMismatchError, match=r"the cohort and STRING share 1 genes, fewer than 2 \(not found: A\)"):
        check_coverage(alignment, least=2, what="the cohort", reference="STRING")
