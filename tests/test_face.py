"""The face: how many names a user meets, that arguments can be made from them, and that they stand in one order."""

from __future__ import annotations

import doctest
import inspect
import re
from importlib import import_module

import pytest

import genelight as gl
from genelight._core.registry import Registry

from .test_house import MODULES, ROOT

ROOMS = [name for name in gl.__all__ if inspect.ismodule(getattr(gl, name))]
MOST_NAMES = 122
API = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "api").glob("*.md")))


def public() -> dict[str, object]:
    """Every public name of every room, by its dotted name."""
    rooms = {room: getattr(gl, room) for room in ROOMS}
    return {f"{room}.{name}": getattr(module, name) for room, module in rooms.items() for name in module.__all__}


PUBLIC = public()
FUNCTIONS = {name: thing for name, thing in PUBLIC.items() if inspect.isfunction(thing)}
CLASSES = {thing.__name__: thing for thing in PUBLIC.values() if inspect.isclass(thing)}


def our_classes() -> dict[str, str]:
    """Every public class of the package, and the module that it stands in; what only describes a shape is none."""
    found = {}
    for module in MODULES.values():
        if module.name.startswith(("report.", "stats.", "study.steps")):
            continue
        for node in module.tree.body:
            is_class = type(node).__name__ == "ClassDef" and not node.name.startswith("_")
            if is_class and not any("Protocol" in ast_name for ast_name in map(_text, node.bases)):
                found[node.name] = module.name
    return found


def _text(node: object) -> str:
    return getattr(node, "id", getattr(node, "attr", ""))


OURS = our_classes()


def named(annotation: object) -> set[str]:
    """The classes of ours that an annotation names."""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return set(re.findall(r"[A-Za-z_]\w*", text)) & OURS.keys()


def returned(function: object) -> set[str]:
    return named(inspect.signature(function).return_annotation)


def test_a_user_meets_few_names():
    names = {name for room in ROOMS for name in getattr(gl, room).__all__} | set(gl.__all__) - set(ROOMS)
    assert len(names) <= MOST_NAMES, f"{len(names)} public names"


@pytest.mark.parametrize("name", ["assess", "disease_module", "encode", "light_up", "score", "severity", "stratify"])
def test_the_verbs_of_a_study_stand_at_the_face(name):
    assert getattr(gl, name) in FUNCTIONS.values()
    assert callable(gl.report.report)


def test_every_argument_can_be_made_from_public_names():
    makeable = set(CLASSES)
    for function in FUNCTIONS.values():
        makeable |= returned(function)
    for registry in (thing for thing in PUBLIC.values() if isinstance(thing, Registry)):
        makeable |= {type(registry[name]).__name__ for name in registry}
    for cls in CLASSES.values():
        makeable |= {c.__name__ for c in OURS_LOADED if issubclass(cls, c)}
        for name, method in inspect.getmembers(cls, callable):
            if not name.startswith("_") and (inspect.isfunction(method) or inspect.ismethod(method)):
                makeable |= returned(method)
    found = [
        f"{name}({parameter.name}: {parameter.annotation})"
        for name, function in FUNCTIONS.items()
        for parameter in inspect.signature(function).parameters.values()
        if named(parameter.annotation) - makeable
    ]
    assert not found, "\n".join(found)


OURS_LOADED = [
    cls for name, module in OURS.items() if inspect.isclass(cls := getattr(import_module(f"genelight.{module}"), name))
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_table_comes_first_then_the_model_then_keywords(name):
    parameters = inspect.signature(FUNCTIONS[name]).parameters
    most = 3 if name.startswith("pl.") else 2
    placed = [p.name for p in parameters.values() if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    assert len(placed) <= most
    if "adata" in placed:
        assert placed[0] == "adata"
    if "model" in placed:
        assert placed.index("model") == int(placed[0] in ("adata", "cohorts"))


# One word each: a person is a subject, how often a null is drawn is draws, how many of the first are taken is n_top.
OTHER_WORDS = {"top", "k_top", "n", "donor", "permutations", "n_perm", "resamples"}
LISTED = {
    ("patients.stratify", "resamples"): "four fifths of the subjects, drawn without replacement: no null, no interval",
    ("patients.stratify_cohorts", "resamples"): "as in stratify",
    ("pl.gene_sets", "n"): "gene sets, of which each has its own n_top of genes behind it",
    ("pl.layer_map", "n"): "connections between two layers",
    ("nouns.NodeGenes.top", "n"): "the method is called top",
    ("nouns.NodeGenes.top_kn", "n"): "the method is called top",
}


def test_one_thing_has_one_word():
    asked = dict(FUNCTIONS)
    for name, cls in ((name, thing) for name, thing in PUBLIC.items() if inspect.isclass(thing)):
        methods = {key: value for key, value in vars(cls).items() if not key.startswith("_")}
        asked[name] = cls.__init__
        asked |= {f"{name}.{key}": getattr(cls, key) for key, value in methods.items() if callable(getattr(cls, key))}
    found = {
        (name, word)
        for name, function in asked.items()
        if inspect.isroutine(function)
        for word in inspect.signature(function).parameters.keys() & OTHER_WORDS
    }
    assert found == LISTED.keys()


def test_what_comes_back_is_documented():
    missing = {
        f"{OURS[cls]}::{cls}"
        for function in FUNCTIONS.values()
        for cls in returned(function) - CLASSES.keys()
        if f"genelight.{OURS[cls]}::{cls}" not in API
    }
    assert not missing, sorted(missing)


def test_registries_of_methods_are_public():
    kinds = {thing.kind for thing in PUBLIC.values() if isinstance(thing, Registry)}
    assert kinds == {"attribution method", "disease module method", "evidence test", "preset"}


def test_examples_import_nothing_private():
    found = [
        f"{module.name}: {line.strip()}"
        for module in MODULES.values()
        for line in module.source.splitlines()
        if re.search(r">>> .*import", line) and re.search(r"genelight[\w.]*\._|import _", line)
    ]
    assert not found, "\n".join(found)


def examples_of(thing: object) -> list[doctest.Example]:
    """Lines of the examples of a function, or of a class and its methods."""
    members = vars(thing).values() if inspect.isclass(thing) else ()
    texts = [thing, *(getattr(member, "__func__", getattr(member, "fget", member)) for member in members)]
    parser = doctest.DocTestParser()
    return [line for each in texts for line in parser.get_examples(getattr(each, "__doc__", None) or "")]


def test_every_public_name_has_an_example_of_public_names_alone():
    """What takes a whole run to show is shown and not run."""
    without = []
    for name, thing in PUBLIC.items():
        if inspect.isfunction(thing) or inspect.isclass(thing):
            lines = examples_of(thing)
            private = [line.source for line in lines if re.search(r"genelight[\w.]*\._|gl\._", line.source)]
            run = [line for line in lines if not line.options.get(doctest.SKIP)]
            if not lines or private or (not run and name != "study.rerun"):
                without.append(f"{name} {private}")
    assert not without
