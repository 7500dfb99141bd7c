"""Every message that says what to type is brought about by bad input, and what it says is typed.

A kind of message is known by a phrase. Its case in `tests/advice` gets the message, takes the advice out of the text
and runs it: the message must be gone. `NOT_RUN` lists what cannot be run here, with the reason; `ELSEWHERE` what
another test runs. A message with advice that is in none of them fails.
"""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import Path

import pytest
from tests.advice import calls, commands, files  # noqa: F401 - their cases
from tests.advice.desk import CASES, Desk, shared_files

import genelight

SRC = Path(genelight.__file__).parent
VERBS = "|".join(
    [
        "read",
        "inspect",
        "fit",
        "pack",
        "map-ids",
        "init",
        "check",
        "run",
        "report",
        "verify",
        "module",
        "ensemble",
        "pseudobulk",
        "project",
        "light-up",
        "severity",
        "stratify",
        "score",
        "disease-module",
        "methods",
        "prepare",
        "response",
    ]
)
# What can be pasted: a command, an option, a call, an argument or a key of a study file, a line for the shell.
TYPED = re.compile(
    rf"genelight ({VERBS})\b|(?<![\w-])--[a-z]|\bgl\.\w|\b[a-z_]+=|\b[a-z_]+ = |\[[a-z]+\]|\bof\(|_subject\(|adata\[|"
    r"export |pip install|rm -r|torchrun|dask worker|write for example|…='|on the command line"
)
# It stands behind a word that asks for it.
ASKED = re.compile(
    r"\b(write|set|pass|say|give|use|add|type|leave|choose|name|see|make|start|install|map|bring|lower|ask|pack|keep|"
    r"export|read the|such as|for example|widen|go on|put|Set|Map|Pass|Give|Say)\b"
)

NOT_RUN = {
    # Needs several processes, or a cluster.
    "are no process of a job; start it by torchrun": "needs torchrun",
    "of them would see none; start at most": "needs torchrun",
    "type it without torchrun": "needs torchrun",
    "train together on a store alone": "needs torchrun",
    "has no workers; start some": "needs a cluster of Dask",
    "start them with: dask worker": "needs a cluster of Dask",
    "workers one after another, most likely for want of memory": "needs a cluster of Dask that is short of memory",
    # Needs a library to be absent, and a package index to install it from.
    "pip install": "needs a package index",
    # Needs a machine in a state that a test cannot bring about.
    "needs more memory than there is; pack it": "needs memory to run out",
    "GB of memory where there are": "needs a table beyond the machine's memory",
    "leave --port out for any that is free": "starts a server that waits",
    "nothing else is read from object storage": "needs object storage",
    # Needs a program of others, which no test depends on.
    "scanpy.get.rank_genes_groups_df": "needs scanpy",
    # Names what to look at; which of them to change only the user knows.
    "keep one biopsy of each: --drop, or before=": "which biopsy to keep only the user knows",
    "keep one of each: --drop": "which of two samples to drop only the user knows",
    "give a query for each disease": "which samples are controls only the user knows",
    "widen ": "which further samples are cases only the user knows",
    "give more cohorts": "needs cohorts that nobody has",
    # Needs minutes of training, or a finished run.
    "make it with: genelight ensemble": "trains a model several times",
    "give what genelight ensemble wrote": "trains a model several times",
    "allow a bottleneck of": "trains a deep model",
    "write for example sqlite:///sweep.db": "trains a network for each setting of a sweep",
    "has no report; write it with": "needs a finished run",
    "which says whose number is whose": "needs a finished run with patients",
    "run the same study with --out": "needs a finished run",
    "see: genelight verify": "needs a finished run",
    "make it again with genelight run": "needs a whole run to be damaged",
    "holds no study.toml": "names the folder of a run, no command",
    "is not a folder; pass the folder": "names the folder of a run, no command",
    "is no run folder, no model folder": "names what verify takes, no command",
}
OF_FEATURES = "tests/study/test_features.py::test_what_does_not_fit_is_said_before_anything_is_computed"
RANK_ONE = "tests/models/test_presets.py::test_a_stack_through_one_node_is_refused_with_the_ways_out"
ELSEWHERE = {
    "add --feature-genes TABLE": "tests/test_cli_features.py::test_nodes_over_cpgs_are_carried_to_genes_by_a_table",
    "; write n_top = ": "tests/test_cli_sheet.py::test_check_lists_all_that_is_wrong_and_its_advice_mends_it",
    "of one kind of feature at a time": OF_FEATURES,
    "leads from features to genes, and": OF_FEATURES,
    "know genes: name a table of both": OF_FEATURES,
    "is more than half of the": "tests/test_cli_sheet.py::test_check_lists_all_that_is_wrong_and_its_advice_mends_it",
    "make a model of rank one": RANK_ONE,
    "but a group has only": "tests/test_cli_sheet.py::test_check_lists_all_that_is_wrong_and_its_advice_mends_it",
}


def words(node: ast.expr) -> str:
    """The text of an expression, three dots in place of every value."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else "…"
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "…" for v in node.values)
    if isinstance(node, ast.BinOp):
        return words(node.left) + words(node.right)
    return "…"


def messages() -> dict[str, str]:
    """Every message that says what to type, by file and line."""
    found = {}
    for path in sorted(SRC.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "msg":
                texts = [node.value]
            elif isinstance(node, ast.Call) and re.search(r"Error$", ast.unparse(node.func)):
                texts = node.args
            else:
                continue
            for text in map(words, texts):
                asked = ASKED.search(text)
                if asked and TYPED.search(text, asked.start()):
                    found[f"{path.relative_to(SRC)}:{node.lineno}"] = text
    return found


MESSAGES = messages()


def of_kind(phrase: str) -> list[str]:
    """What the messages of a kind look like, as patterns."""
    return [re.escape(text).replace("…", ".*") for text in MESSAGES.values() if phrase in text]


def test_every_message_with_advice_is_run_or_listed():
    known = [*CASES, *NOT_RUN, *ELSEWHERE]
    bare = [f"{where}: {text}" for where, text in MESSAGES.items() if not any(phrase in text for phrase in known)]
    assert not bare, "\n".join(["neither run in tests/advice nor listed:", *bare])


def test_no_case_and_no_line_of_the_lists_is_left_over():
    gone = [phrase for phrase in (*CASES, *NOT_RUN, *ELSEWHERE) if not of_kind(phrase)]
    assert not gone
    root = Path(__file__).parents[1]
    for where in ELSEWHERE.values():
        path, _, name = where.partition("::")
        assert f"def {name}(" in (root / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return shared_files(tmp_path_factory.mktemp("advice"))


@pytest.mark.parametrize("phrase", CASES)
def test_what_a_message_says_to_type_mends_what_it_is_about(phrase, folder, tmp_path, monkeypatch, capsys):
    desk = Desk(folder, monkeypatch, capsys, of_kind(phrase))
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        CASES[phrase](desk)
    assert desk.seen, "the message was not brought about"
    assert desk.mended, "the advice was not run"


@pytest.mark.parametrize(
    "text", ["x; give --table FILE", "x; write size = 7", "pass sets=...", "type: genelight fit X"]
)
def test_advice_is_seen(text):
    asked = ASKED.search(text)
    assert asked
    assert TYPED.search(text, asked.start())
