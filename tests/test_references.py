"""Cross references in docstrings and pages: each leads to something that is there, and is of the kind it says.

Sphinx is silent about those that lead nowhere, since not all that is named has a place on a page.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from .test_house import MODULES, ROOT, Module

ROLE = re.compile(r":(?:py:)?(func|class|meth|mod|data|attr|exc|obj|const):`([^`]*)`")
# As pages in MyST write them.
PAGE_ROLE = re.compile(r"\{(?:py:)?(func|class|meth|mod|data|attr|exc|obj|const)\}`([^`]*)`")
NOTHING = object()
# What a class says that its instances have.
FIELD = object()


def is_value(thing: Any) -> bool:
    return not (inspect.ismodule(thing) or inspect.isclass(thing) or inspect.isroutine(thing))


KINDS = {
    "func": inspect.isroutine,
    "meth": inspect.isroutine,
    "class": inspect.isclass,
    "exc": lambda thing: inspect.isclass(thing) and issubclass(thing, BaseException),
    "data": is_value,
    "const": is_value,
    "attr": is_value,
    "obj": lambda thing: thing is not NOTHING,
}


@cache
def loaded(name: str) -> ModuleType | None:
    """The module of a dotted name, though its room may call something else so; None if there is none."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        return None


def here(module: Module) -> ModuleType | None:
    """A file of ours, imported."""
    return loaded("genelight" if module.name == "__init__" else f"genelight.{module.name}")


def member(thing: Any, name: str) -> Any:
    """What a module or a class has by a name; a file is its folder's where nothing else is called so."""
    found = inspect.getattr_static(thing, name, NOTHING)
    if isinstance(found, staticmethod | classmethod):
        return found.__func__
    if found is NOTHING and inspect.ismodule(thing):
        found = getattr(thing, name, NOTHING)
        found = (loaded(f"{thing.__name__}.{name}") or NOTHING) if found is NOTHING else found
    if found is NOTHING and inspect.isclass(thing):
        return FIELD if any(name in inspect.get_annotations(base) for base in thing.__mro__) else NOTHING
    return found


def down(thing: Any, names: list[str]) -> Any:
    """What is found from one thing by one name after another; ``NOTHING`` where one is not there."""
    for name in names:
        thing = NOTHING if thing is None or thing is NOTHING else member(thing, name)
    return thing


def candidates(target: str, module: Module | None, within: list[str]) -> Iterator[Any]:
    """All that a target may mean.

    With a dot in front it is sought in every file, as Sphinx does; else, where it does not begin with the package, in
    the classes around it, in its file, among what the file imports (for types alone, too) and in its room.
    """
    names = target.split(".")
    if names[0] == "genelight":
        yield down(loaded("genelight"), names[1:])
    elif target.startswith("."):
        yield from (down(here(each), names[1:]) for each in MODULES.values() if hasattr(here(each), names[1]))
        yield from (down(here(MODULES[name]), names[2:]) for name in MODULES if name.endswith(f".{names[1]}"))
    elif module is not None:
        yield from (down(here(module), [*within[:depth], *names]) for depth in range(len(within), -1, -1))
        for _, imported in module.imports():
            base, _, last = imported.rpartition(".")
            if last == names[0]:
                yield down(loaded(base), names)
        yield down(loaded(f"genelight.{module.room}"), names)


def dead(role: str, target: str, module: Module | None = None, within: list[str] | None = None) -> bool:
    """Whether a role leads to nothing, or to something of another kind."""
    inner = re.search(r"<([^<>]+)>$", target)
    wanted = (inner[1] if inner else target).strip("~! ").removesuffix("()")
    if role == "mod":
        return loaded(wanted) is None
    found = candidates(wanted, module, within or [])
    return not any(thing is not NOTHING and KINDS[role](thing) for thing in found)


def strings(node: ast.AST, within: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Docstrings, and those below an assignment, with the classes that they stand in."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant) and isinstance(child.value.value, str):
            yield child.value.value, within
        yield from strings(child, [*within, child.name] if isinstance(child, ast.ClassDef) else within)


def dead_in(module: Module) -> list[str]:
    roles = [(*role, within) for text, within in strings(module.tree, []) for role in ROLE.findall(text)]
    return [f":{role}:`{target}`" for role, target, within in roles if dead(role, target, module, within)]


@pytest.mark.parametrize("name", MODULES)
def test_every_reference_of_a_docstring_leads_somewhere(name):
    assert not dead_in(MODULES[name])


def test_every_reference_of_a_page_leads_somewhere():
    pages = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
    found = [(page.name, *role) for page in pages for role in PAGE_ROLE.findall(page.read_text(encoding="utf-8"))]
    assert not [each for each in found if dead(each[1], each[2])]


@pytest.mark.parametrize(
    ("role", "target", "is_there"),
    [
        ("func", "genelight.modules.disease_module", True),
        ("func", "genelight.modules.derive", False),  # a file
        ("mod", "genelight.modules.derive", True),
        ("func", "~genelight.models.training.loop.train", True),
        ("func", "genelight.models.find_rate", False),
        ("func", ".find_rate", True),
        ("class", ".find_rate", False),
        ("meth", ".Ensemble.fit", True),
        ("meth", ".Ensemble.unfit", False),
        ("meth", "save", True),
        ("attr", "table", True),
        ("func", "text <genelight.load>", True),
    ],
)
def test_dead_references_are_told_from_others(role, target, is_there):
    assert dead(role, target, MODULES["nouns.evidence"], ["Evidence"]) != is_there
