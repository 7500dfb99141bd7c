"""Words: on the screen a term that not everyone knows is said in plain words; code has the words of the field."""

import ast
import contextlib
import re
import shlex
import sys
import threading
from types import SimpleNamespace

import pytest
from typer.main import get_command

import genelight as gl
from genelight import cli
from genelight._core import progress
from genelight.cli._command import TERMS, explained
from genelight.errors import GenelightError
from genelight.study._template import template

from .test_house import MODULES

# What must stand beside a term in a line of the help and of a study file.
PLAIN = {
    r"\bjoint\b": r"model and (the )?genes",
    r"\bde\b": r"genes alone|genes by themselves|see: genelight methods",
    r"\bknee\b": r"stand out|stop falling",
    r"above.floor": r"lowest value",
    r"\bauto\b": r"to tell (it|them)|replicates better|for human where|for a GPU where",
    r"\blfsr\b": r"false sign",
    r"\bcombat\b": r"batch",
}


def leaves(group, name="genelight"):
    for word, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from leaves(each, f"{name} {word}")
        else:
            yield f"{name} {word}", each


HELP = {
    f"{name} {' '.join(p.opts)}": p.help for name, each in leaves(get_command(cli.app)) for p in each.params if p.help
}
LINES = HELP | {line.split("=")[0].strip("# "): line for line in template().splitlines() if "=" in line}


def test_every_option_is_said_in_words():
    bare = [f"{name} {p.name}" for name, each in leaves(get_command(cli.app)) for p in each.params if not p.help]
    assert not bare


@pytest.mark.parametrize("term", PLAIN)
def test_a_term_of_the_help_stands_beside_its_plain_name(term):
    unsaid = [where for where, said in LINES.items() if re.search(term, said) and not re.search(PLAIN[term], said)]
    assert not unsaid


def test_the_terms_are_looked_for_where_they_can_be_found():
    for term in (r"\bjoint\b", r"\bknee\b", r"above.floor", r"\bauto\b"):
        assert any(re.search(term, said) for said in LINES.values()), term


@pytest.mark.parametrize("term", TERMS)
def test_a_term_of_a_result_is_explained_beneath_it_once(term):
    (line,) = explained(f"RUN: {term} 0.93, and {term} again")
    assert line == f"  {term}: {TERMS[term]}"
    assert len(line) < 120
    assert not list(explained(f"{term}: said already"))
    assert not list(explained(f"x{term}x, pre-{term}"))


def test_a_result_comes_with_its_words_and_without_them_when_quiet(monkeypatch, capsys, tmp_path):
    gl.demo.cohort()[:8, :20].copy().write_h5ad(tmp_path / "few.h5ad")
    for option, told in (("--verbose", True), ("--quiet", False)):
        words = ["pack", str(tmp_path / "few.h5ad"), "--out", str(tmp_path / f"{option}.zarr"), option]
        monkeypatch.setattr(sys, "argv", ["genelight", *words])
        with pytest.raises(SystemExit):
            cli.main()
        said = capsys.readouterr().out
        assert "digest " in said
        assert ("digest: a fingerprint" in said) == told


LONG = {
    "pack": "few.h5ad --out {0}.zarr",
    "fit": "few.h5ad --preset pca --widths 2 --out {0}",
    "light-up": "--model model --layer PC --out {0}.parquet",
    "severity": "few.h5ad --model model --measure absent --out {0}.parquet",
    "stratify": "few.h5ad --model model --explain absent --out {0}.parquet",
    "meta-module": "few.h5ad --by sex --case 'hours >= 45' --control 'hours == 0' --out {0}.tsv",
    "response": "few.h5ad --by sex --model none --out {0}",
}


class AtOnce:
    """In place of a thread that says a line once two seconds are over."""

    def __init__(self, *, args, **_):
        self.words = args[0]

    def start(self):
        progress._line(self.words)


@pytest.mark.parametrize("command", LONG)
def test_what_takes_long_says_what_it_does_and_nothing_when_quiet(command, monkeypatch, capsys, tmp_path):
    adata = gl.demo.cohort()[:30, :60].copy()
    monkeypatch.chdir(tmp_path)
    adata.write_h5ad("few.h5ad")
    gl.models.PCA(2).fit(adata).save("model")
    # As if two seconds were over at once.
    monkeypatch.setattr(progress, "threading", SimpleNamespace(Thread=AtOnce, Event=threading.Event))
    for option, told in (("--verbose", True), ("--quiet", False)):
        words = [command, *shlex.split(LONG[command].format(option.strip("-"))), option]
        monkeypatch.setattr(sys, "argv", ["genelight", *words])
        # A command that stops, and so says what is missing, has read its table before.
        with contextlib.suppress(SystemExit, GenelightError):
            cli.main()
        lines = capsys.readouterr().err.splitlines()
        assert any(line.startswith((f"genelight {command}", "reading few.h5ad")) for line in lines) == told


# What was once called otherwise, and the word that the field has for it.
OF_THE_FIELD = {
    r"stead(y|ied|ies)": "smoothed",
    r"taught|teach(es)?": "targets, trained",
    r"spelt": "feature weights",
    r"familiar(ity)?": "applicability domain",
    r"borne|bears?": "supported",
    r"bend(s|ing)?|bent": "activation, nonlinear",
    r"temper(s|ed|ing)?": "sphering",
}
# As names alone: in a sentence they say more than that.
NAMES = {r"again": "refit", r"turn(s|ed|ing)?": "rotate; transpose"}
NAMES_THAT_STAY = {
    ("models.training.deep_net", "turn"): "a buffer, and so a key of weights on disk, `net.turn`",
    ("modules.replication", "again"): "how much is found again, no refit: a public field and a saved column",
}
OLD_NAME = re.compile("|".join([*OF_THE_FIELD, *NAMES]), re.IGNORECASE)
# Samples and lines are drawn in proportion, in bootstraps and in colour; values were winsorised.
OLD_SENTENCE = re.compile(
    rf"\b({'|'.join(OF_THE_FIELD)})\b|drawn in\b(?! proportion| each| colour)|\bturn(s|ed|ing)? .{{0,30}}\bax[ei]s\b",
    re.IGNORECASE,
)


def parts_of(name: str) -> list[str]:
    """Words of an identifier: between underscores, and where small letters end."""
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)


def names_in(tree: ast.AST) -> set[str]:
    """Every identifier: what is defined, assigned, asked of a thing, or passed by name."""
    found = (getattr(node, what, None) for node in ast.walk(tree) for what in ("id", "attr", "name", "arg", "asname"))
    return {name for name in found if isinstance(name, str)}


def strings_in(tree: ast.AST) -> list[str]:
    """Docstrings, and those that stand below an assignment."""
    alone = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    return [str(each.value) for each in alone if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def old_names(tree: ast.AST) -> set[str]:
    return {name for name in names_in(tree) if any(OLD_NAME.fullmatch(part) for part in parts_of(name))}


def old_sentences(tree: ast.AST) -> list[str]:
    lines = (line.strip() for text in strings_in(tree) for line in text.splitlines())
    return [line for line in lines if OLD_SENTENCE.search(line)]


@pytest.mark.parametrize("name", MODULES)
def test_code_and_docstrings_have_the_words_of_the_field(name):
    tree = MODULES[name].tree
    assert not {each for each in old_names(tree) if (name, each) not in NAMES_THAT_STAY}
    assert not old_sentences(tree)


def test_every_name_that_stays_is_there():
    assert all(name in names_in(MODULES[module].tree) for module, name in NAMES_THAT_STAY)


def test_old_words_are_seen():
    tree = ast.parse(
        'class Bend:\n    """Codes are turned to axes."""\n    def turn_to(self, x_taught): _again = SPELT'
    )
    assert old_names(tree) == {"Bend", "turn_to", "x_taught", "_again", "SPELT"}
    assert old_sentences(tree) == ["Codes are turned to axes."]
    sound = ast.parse('def returned(bearing, against): """Each in turn is drawn in colour."""')
    assert not old_names(sound)
    assert not old_sentences(sound)
