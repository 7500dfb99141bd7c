"""Text from a study file or a command line is read as a question about a table, and as nothing else."""

from __future__ import annotations

import ast
import builtins
import re
import string
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genelight._core.expressions import evaluate
from genelight._core.provenance import file_name
from genelight.errors import GenelightError, InputError

SRC = Path(__file__).parents[2] / "src" / "genelight"
TABLE = pd.DataFrame(
    {
        "group": pd.Categorical(["ill", "well", "ill", None]),
        "hours": [0.0, 45.0, np.nan, 108.0],
        "treated": [True, False, True, False],
        "a b`s": [1, 2, 3, 4],
        "two words": ["x", "y", "x & y", "it's"],
        "day": pd.to_datetime(["2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01"]),
    },
    index=["s1", "s2", "s3", "s4"],
)
PATH = "/tmp/genelight-was-here"
ATTACKS = [
    f"hours.to_csv('{PATH}') == 0",
    f"hours.to_csv('{PATH}').isna()",
    "'\\x40' == 1 or @pd",
    "hours.__class__",
    "hours.\\x5f\\x5fclass\\x5f\\x5f == 1",
    "getattr(hours, '_' + '_class_' + '_') == 1",
    "(lambda: 1)() == hours",
    "[c for c in hours] == 1",
    "__import__('os').system('true') == hours",
    "hours.isna(inplace=True)",
    "hours.isna().to_csv('x')",
    "(hours > 1).to_pickle('x')",
    "hours[0] == 1",
    "hours == f'{hours}'",
    "hours == (yield 1)",
    "(hours := 3) == 3",
    "hours if treated else hours",
    "hours == {**hours}",
    "index.str.cat() == 1",
    "hours @ hours == 1",
    "hours == 10 ** 10 ** 10",
    "hours == 'a' * 10 ** 10",
    "hours == b'a'",
    "hours == ...",
    "hours == 1j",
    "hours\n=='a'\nimport os",
    "hours == 1; import os",
    "(" * 200_000,
    "not " * 5_000 + "treated",
    "not (" * 90 + "treated" + ")" * 90,
    "hours == " + "9" * 5_000,
    "hours == 1" + " or hours == 1" * 10_000,
    "\0",
    "`hours",
    "`nothing` == 1",
    "'a' == 'a'",
    "True",
    "",
]


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: text[:40])
def test_what_is_no_question_is_refused_in_one_short_line(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        evaluate(TABLE, text, role="case")
    assert len(str(caught.value)) < 900
    assert not Path(PATH).exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("treated & group == 'ill'", "1010"),
        ("treated | hours > 50", "1011"),
        ("~treated", "0101"),
        ("~(hours > 50)", "1110"),
        ("not treated and group.notna()", "0100"),
        ("0 < hours <= 45", "0100"),
        ("hours == -1 or hours.isna()", "0010"),
        ("group != 'ill'", "0101"),
        ("group not in ('ill', 'x')", "0101"),
        ("group == ['ill', 'well']", "1110"),
        ("`two words` == 'x & y'", "0010"),
        ('`two words` == "it\'s"', "0001"),
        ("day >= '2020-03-01'", "0011"),
        ("index in ['s2', 's4']", "0101"),
        ("`hours` > `a b` or treated", None),
        ("treated == True", "1010"),
        ("45 == hours", "0100"),
        # A comment ends with its line; what follows is asked all the same.
        ("treated  # who had it\nand group == 'ill' and hours == 0", "1000"),
        ("treated\r\nand hours == 0", "1000"),
        ("(treated  # (\n & hours == 0)", "1000"),
        ("`two words` == '#'  # none has", "0000"),
        ("`two words` != 'x # y' & `two words` != 'x | y'", "1111"),
    ],
)
def test_questions_are_answered_as_read(text, expected):
    if expected is None:
        with pytest.raises(GenelightError, match="unknown obs column 'a b'"):
            evaluate(TABLE, text, role="case")
        return
    assert "".join("01"[int(yes)] for yes in evaluate(TABLE, text, role="case")) == expected


class Planted:
    """Whatever is done to it leaves a trace."""

    def __init__(self) -> None:
        object.__setattr__(self, "touched", [])

    def __getattr__(self, name):
        self.touched.append(name)
        raise AttributeError(name)

    def __call__(self, *args):
        self.touched.append("call")


WORDS = [
    "hours",
    "treated",
    "group",
    "`two words`",
    "index",
    "day",
    "PLANT",
    "pd",
    "np",
    "__builtins__",
    "open",
    "isna",
]
SIGNS = [
    "==",
    "!=",
    "<",
    ">=",
    "in",
    "not in",
    "and",
    "or",
    "not",
    "&",
    "|",
    "~",
    "+",
    "*",
    "@",
    ".",
    ",",
    ":",
    ":=",
    "=",
]
SIGNS += ["(", ")", "[", "]", "{", "}", "lambda", "if", "else", "for", "await", "yield", "\n", "\\", "`", "'", '"', "#"]
VALUES = [
    "1",
    "-2.5",
    "'ill'",
    '"well"',
    "'\\x40'",
    "True",
    "None",
    "f'{PLANT()}'",
    "b'x'",
    ".to_csv('leak')",
    ".isna()",
]
TOKENS = st.lists(st.sampled_from(WORDS + SIGNS + VALUES), max_size=14).map(" ".join)


@settings(max_examples=1_500, deadline=None)
@given(st.one_of(TOKENS, st.text(string.printable, max_size=60)))
def test_no_text_does_anything_but_answer_or_refuse(text):
    done: list[str] = []

    def watch(event: str, args: tuple) -> None:
        if watching and event in ("open", "exec", "import", "os.system", "subprocess.Popen", "os.remove"):
            done.append(f"{event} {args}")

    builtins.PLANT = plant = Planted()
    watching = True
    if not hasattr(sys, "_genelight_watch"):
        sys._genelight_watch = []
        sys.addaudithook(lambda event, args: [seen(event, args) for seen in sys._genelight_watch])
    sys._genelight_watch[:] = [watch]
    try:
        answer = evaluate(TABLE, text, role="case")
        assert answer.dtype == bool
        assert answer.shape == (4,)
    except GenelightError:
        pass
    finally:
        watching = False
        sys._genelight_watch.clear()
        del builtins.PLANT
    assert not done
    assert not plant.touched


def test_agrees_with_pandas_on_plain_questions():
    rng = np.random.default_rng(0)
    for _ in range(200):
        column = rng.choice(["hours", "treated", "group", "`two words`"])
        value = {"hours": rng.choice(["45", "0", "-1"]), "treated": "True", "group": "'ill'"}.get(column, "'x'")
        sign = rng.choice(["==", "!="] if column != "hours" else ["==", "!=", "<", "<=", ">", ">="])
        text = f"{column} {sign} {value} {rng.choice(['and', 'or', '&', '|'])} not hours > 10"
        np.testing.assert_array_equal(evaluate(TABLE, text, role="case"), TABLE.eval(text, engine="python"), text)


# Every place of the package where text could become code, by file and call; each stands here with its reason.
EVALUATORS = re.compile(
    r"\.(eval|query)$|^(eval|exec|compile|__import__)$|import_module$|from_string$|Template$|from_formula$|smf\.|"
    r"^(os\.system|os\.popen)$|subprocess|pickle|marshal|shelve|yaml\.|torch\.load$|literal_eval$|Markup$"
)
KNOWN = {
    "__init__.py: import_module": "names of rooms from a fixed table",
    "_core/workers.py: import_module": "constants",
    **dict.fromkeys(
        (f"_core/workers.py: pickle.{name}" for name in ("dumps", "loads")),
        "tasks on the way to workers, which run what their client sends",
    ),
    "io/containers/_xlsx.py: subprocess.run": "this Python with a constant program; the file is an argument",
    **dict.fromkeys(
        (f"models/{name}.py: net.eval" for name in ("fitted_autoencoder", "counts", "deep", "autoencoder")),
        "torch's switch from training to use",
    ),
    **dict.fromkeys(
        (f"models/training/{name}.py: net.eval" for name in ("count_net", "deep_net")),
        "torch's switch from training to use",
    ),
    "models/sweep.py: import_module": "a constant",
    "nodes/gradients.py: import_module": "a constant",
    "patients/_until.py: import_module": "a constant",
    "patients/treatment.py: import_module": "constants",
    "report/_render.py: Markup": "the page's own script and style, and drawings whose texts pl.svg escaped",
}


def test_text_becomes_code_nowhere():
    found = set()
    for path in SRC.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                if EVALUATORS.search(name) and name != "re.compile":
                    shown = name if len(name) < 30 and "(" not in name else name.rpartition(".")[2]
                    shown = (
                        "net.eval" if shown in ("eval", "net.eval") and "torch" in path.read_text("utf-8") else shown
                    )
                    found.add(f"{path.relative_to(SRC).as_posix()}: {shown}")
    assert found <= set(KNOWN), found - set(KNOWN)


@given(st.text(max_size=200))
def test_a_name_from_data_names_one_file_in_its_folder(text):
    name = file_name(text)
    assert Path(name).name == name
    assert name.isascii()
    assert 0 < len(name) <= 100
    assert name not in (".", "..")
