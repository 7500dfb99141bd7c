import pytest

from genelight import errors
from genelight.errors import (
    FormatError,
    GenelightError,
    GeneMismatchError,
    InputError,
    ResourceError,
    UnknownNameError,
    first_three,
)


@pytest.mark.parametrize("name", [n for n in errors.__all__ if n.endswith("Error")])
def test_every_error_is_ours_and_stands_in_the_docstring(name):
    assert issubclass(getattr(errors, name), GenelightError)
    assert name in errors.__doc__


@pytest.mark.parametrize(
    ("ours", "builtin"),
    [
        (InputError, ValueError),
        (GeneMismatchError, InputError),
        (UnknownNameError, InputError),
        (FormatError, ValueError),
        (ResourceError, OSError),
    ],
)
def test_errors_are_caught_as_what_python_users_expect(ours, builtin):
    assert issubclass(ours, builtin)


@pytest.mark.parametrize(
    ("known", "hint"),
    [
        (["condition", "hours"], "did you mean 'condition'?"),
        (["CONDITION", "hours"], "did you mean 'CONDITION'?"),
        (["x", "y"], "there are 2: x, y"),
        ([], "there are none"),
        ([str(i) for i in range(12)], "there are 12: 0, 1, 2, 3, 4, 5, 6, 7 and 4 more"),
    ],
)
def test_an_unknown_name_says_what_there_is(known, hint):
    error = UnknownNameError("obs column", "conditon", known, where="obs")
    assert str(error) == f"unknown obs column 'conditon' in obs; {hint}"


@pytest.mark.parametrize(
    ("items", "text"), [([], ""), ("ab", "a, b"), ("abc", "a, b, c"), ("abcde", "a, b, c and 2 more")]
)
def test_first_three(items, text):
    assert first_three(items) == text
