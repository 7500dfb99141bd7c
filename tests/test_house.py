"""The house rules, held on the syntax tree: lazy and typing-only imports count like any other.

Each rule is a function from one module to what it finds wrong there; `PLANTED` breaks every rule once.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "genelight"

# Lowest first: an import goes down, never up or sideways.
FLOORS = (
    ("errors",),
    ("_core",),
    ("nouns",),
    ("stats",),
    ("io", "simulate", "demo", "evidence", "pl"),
    ("pp",),
    ("models",),
    ("nodes", "modules", "patients"),
    ("report",),
    ("study",),
    ("__init__",),
    ("cli",),
    ("__main__",),
)
# What a node stands for is asked by those who read diseases and patients through nodes.
SIDEWAYS = {("modules", "nodes"), ("patients", "nodes")}
# Rooms that draw and write, and compute nothing, see the nouns alone.
SHOWS = {"report": {"errors", "_core", "nouns", "pl"}, "pl": {"errors", "_core", "nouns"}}
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# Libraries that only some rooms, or only one file, may use.
ONLY: dict[str, tuple[str, ...]] = {
    "torch": ("models", "nodes"),
    "captum": ("nodes.gradients",),
    "matplotlib": ("pl",),
    "seaborn": ("pl",),
    "plotly": ("pl",),
    **dict.fromkeys(
        ("requests", "httpx", "aiohttp", "pooch", "urllib.request", "urllib3", "ftplib", "socket"),
        ("_core.fetch",),
    ),
    "distributed": ("_core.workers",),
    "fsspec": ("io.stores._bucket",),
    # Answers this machine's own browser; asks nobody.
    "http": ("_core.fetch", "cli._viewer"),
}
# What stats is written in; tables where tables are what is asked.
ARRAYS, TABLES = {"numpy", "scipy"}, ("stats.conformal", "stats.intervals")
# Who shuffles outside stats, and what: no subject, and no label of one.
MAY_SHUFFLE = {
    "models.sweep.Grid.sweep": "the order in which fits are done, so that several at work do different ones",
    "nodes.between_layers._permuted": "weights of a network among the nodes they lead to",
    "evidence.scorecard._permuted": "the names of genes, for a control that means nothing",
    "patients._response_judge.learning_curve": "which cohorts are left out of a learning curve",
    "patients._response_calibration.calibrate": "which patients of a new cohort are known; drawn on with one generator",
}
Function = ast.FunctionDef | ast.AsyncFunctionDef
MOST_LINES, MOST_FUNCTION_LINES, MOST_ARGUMENTS = 400, 60, 8
# The parameters of a command are options that a user names on the command line, never arguments of a call.
MOST_OPTIONS = 12


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str
    source: str
    is_package: bool = False

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @property
    def room(self) -> str:
        return self.name.split(".")[0]

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full dotted name of everything imported, ours beginning with ``genelight``."""
        package = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        package = [part for part in package if part != "__init__"]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                up = ["genelight", *package][: 2 + len(package) - node.level] if node.level else []
                base = ".".join([*up, *([node.module] if node.module else [])])
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield node.lineno, str(first.value)

    def functions(self) -> Iterator[tuple[str, Function]]:
        """Dotted name and node of every function; one inside another has ``<inner>`` before its name."""
        yield from _functions(self.tree, "")


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield f"{prefix}{child.name}", child
            yield from _functions(child, f"{prefix}{child.name}.<inner>.")
        else:
            yield from _functions(child, f"{prefix}{child.name}." if isinstance(child, ast.ClassDef) else prefix)


def load() -> dict[str, Module]:
    """Every source file by its dotted name within the package; a package by that of its folder."""
    modules = {}
    for path in sorted(SRC.rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        is_package = parts[-1] == "__init__" and len(parts) > 1
        name = ".".join(parts[:-1] if is_package else parts)
        modules[name] = Module(name, path.read_text(encoding="utf-8"), is_package)
    return modules


def inner(name: str) -> str | None:
    """The part of one of our dotted names behind ``genelight``; None for other libraries."""
    if name.split(".", maxsplit=1)[0] != "genelight":
        return None
    return name.partition(".")[2] or "__init__"


def calls(module: Module) -> Iterator[ast.Call]:
    """Every call in a file."""
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))


def may_import(room: str, other: str) -> bool:
    """Whether a room stands above another, or is one of those that may ask beside it."""
    if room == other or (room, other) in SIDEWAYS:
        return True
    return FLOOR[other] < FLOOR[room] and other in SHOWS.get(room, FLOOR)


def walls(module: Module) -> Iterator[str]:
    """Rooms import only the rooms that stand below them."""
    for line, name in module.imports():
        ours = inner(name)
        room = ours.split(".")[0] if ours else module.room
        # A name that is no room is one of the face: genelight.__version__, or genelight itself.
        room = room if room in FLOOR else "__init__"
        if ours and not may_import(module.room, room):
            yield f"{line}: {module.room} imports {name}"


def libraries(module: Module) -> Iterator[str]:
    """Heavy and reaching libraries stay in their rooms."""
    for line, name in module.imports():
        for library, places in ONLY.items():
            inside = f"{name}.".startswith(f"{library}.")
            if inside and not any(f"{module.name}.".startswith(f"{place}.") for place in places):
                yield f"{line}: {name} belongs in {' and '.join(places) or 'no room'}"


def asserts(module: Module) -> Iterator[str]:
    """Checks of input outlive ``python -O``."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assert):
            yield f"{node.lineno}: assert"


def subjects(module: Module) -> Iterator[str]:
    """Whose a sample is is told in nouns.contrast, and subjects are numbered in stats.subjects, nowhere else."""
    if module.room in ("stats", "nouns"):
        return
    for node in calls(module):
        text, name = ast.unparse(node), ast.unparse(node.func)
        numbers = name == "np.unique" or name.endswith("factorize")
        if (numbers and re.search("subject|person|patient|donor", text)) or "role='subject'" in text:
            yield f"{node.lineno}: {text}"


def draws(module: Module) -> Iterator[str]:
    """Folds, and permutations of subjects and labels, are drawn in stats; simulate draws the data themselves."""
    if module.room in ("stats", "simulate"):
        return
    for line, name in module.imports():
        if re.match(r"sklearn\.model_selection\.(\w*(Fold|Split|Out)|train_test_split)$", name):
            yield f"{line}: {name} is what stats.folds is for"
    named = [node for name, node in module.functions() if f"{module.name}.{name}" in MAY_SHUFFLE]
    may = {id(inside) for node in named for inside in ast.walk(node)}
    for node in calls(module):
        shuffles = isinstance(node.func, ast.Attribute) and node.func.attr in ("permutation", "permuted", "shuffle")
        if shuffles and id(node) not in may:
            yield f"{node.lineno}: {ast.unparse(node)} is what stats.subjects is for"


def arrays(module: Module) -> Iterator[str]:
    """The statistics take arrays and give arrays, and are written in NumPy and SciPy."""
    if module.room != "stats":
        return
    known = ARRAYS | sys.stdlib_module_names | {"genelight", *(("pandas",) if module.name in TABLES else ())}
    for line, name in module.imports():
        if name.split(".", maxsplit=1)[0] not in known:
            yield f"{line}: {name} in {module.name}"


def handlers(module: Module) -> Iterator[str]:
    """A bare or broad except raises again."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler):
            broad = node.type is None or re.search(r"\b(Base)?Exception\b", ast.unparse(node.type))
            if broad and not any(isinstance(inside, ast.Raise) for inside in ast.walk(node)):
                yield f"{node.lineno}: except {ast.unparse(node.type) if node.type else ''} does not raise"


def measured(module: Module) -> Iterator[tuple[str, Function, int, int]]:
    """Every function with its lines, a docstring aside, and its arguments."""
    for name, node in module.functions():
        body = node.body[1:] if ast.get_docstring(node) else node.body
        given = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
        yield name, node, lines, len([a for a in given if a not in ("self", "cls")])


def sizes(module: Module) -> Iterator[str]:
    """Files, functions and argument lists stay small; a docstring does not count."""
    lines = module.source.count("\n")
    if lines >= MOST_LINES:
        yield f"{lines} lines"
    for name, node, length, count in measured(module):
        if length > MOST_FUNCTION_LINES:
            yield f"{node.lineno}: {name} has {length} lines"
        if count > (MOST_OPTIONS if module.room == "cli" else MOST_ARGUMENTS):
            yield f"{node.lineno}: {name} takes {count} arguments"
        # What a command is called with is what its signature says, put together from bundles of options.
        if node.args.kwarg and "number" not in node.args.kwarg.arg and module.name != "cli._command":
            yield f"{node.lineno}: {name} hides its arguments in **{node.args.kwarg.arg}"


def docstrings(module: Module) -> Iterator[str]:
    """Every public function says what it does, and which errors it raises."""
    for name, node in module.functions():
        if re.search(r"(^|\.)[_<]", name):
            continue
        text = ast.get_docstring(node) or ""
        if not text:
            yield f"{node.lineno}: {name} has no docstring"
        if any(isinstance(inside, ast.Raise) for inside in ast.walk(node)) and "Raises\n---" not in text:
            yield f"{node.lineno}: {name} raises and does not say so"


def exports(module: Module) -> Iterator[str]:
    """Every public file says which of its names are for others; a folder may have a docstring alone."""
    alone = not [node for node in module.tree.body if not isinstance(node, ast.Expr)]
    public = not alone and (module.is_package or not module.name.split(".")[-1].startswith("_"))
    named = [ast.unparse(t) for n in module.tree.body if isinstance(n, ast.Assign) for t in n.targets]
    if (
        public
        and module.name not in ("cli", "evidence.tests", "nodes.methods", "modules.methods")
        and "__all__" not in named
    ):
        yield "1: no __all__"


RULES = (walls, libraries, asserts, subjects, draws, arrays, handlers, sizes, docstrings, exports)
MODULES = load()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_holds(rule):
    found = [f"src/genelight/{m.name.replace('.', '/')}:{wrong}" for m in MODULES.values() for wrong in rule(m)]
    assert not found, "\n".join([rule.__doc__, *found])


def test_most_functions_are_shorter_and_take_less_than_the_rule_allows():
    found = [(module.room, lines, count) for module in MODULES.values() for _, _, lines, count in measured(module)]
    assert sum(lines > 40 for _, lines, _ in found) <= 14
    assert sum(count > 7 for room, _, count in found if room != "cli") <= 28


LONG = "\n".join(["def f():", '    """Do."""', *["    x = 1"] * 61])
PLANTED = [
    (walls, "models.x", "from ..nodes import light_up"),
    (walls, "nodes.x", "from .. import modules"),
    (walls, "patients.x", "from ..modules.derive import disease_module"),
    (walls, "evidence.x", "from ..io import read"),
    (walls, "pl.x", "def f():\n    import genelight.nodes.encode"),
    (walls, "pl.x", "from ..stats.intervals import weighted_auc"),
    (walls, "report.x", "from ..models import fit"),
    (walls, "_core.x", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..nouns import Genes"),
    (walls, "errors", "from ._core.checks import check_positive"),
    (walls, "evidence.x", "from genelight import demo"),
    (walls, "models.x", "import importlib\nimportlib.import_module('genelight.report')"),
    (walls, "study.x", "from .. import __version__"),
    (libraries, "evidence.x", "import torch.nn as nn"),
    (libraries, "modules.x", "import torch"),
    (libraries, "report.x", "def f():\n    from matplotlib import pyplot"),
    (libraries, "io.x", "from urllib.request import urlopen"),
    (libraries, "_core.fetcher", "import requests"),
    (libraries, "cli.x", "from http.server import HTTPServer"),
    (asserts, "nodes.x", "def f(x):\n    assert x"),
    (subjects, "models.x", "import numpy as np\nn = len(np.unique(plan.subject_n))"),
    (subjects, "study.x", "import pandas as pd\nn = pd.factorize(obs['patient'])[0]"),
    (subjects, "models.x", "subject_n = check_column(obs, subject, role='subject').astype(str)"),
    (draws, "models.x", "from sklearn.model_selection import GroupKFold"),
    (draws, "patients.x", "def f():\n    from sklearn.model_selection import GroupShuffleSplit"),
    (draws, "patients.x", "order = rng.permutation(len(subjects))"),
    (draws, "evidence.scorecard", "def g(rng, label_n):\n    rng.shuffle(label_n)"),
    (arrays, "stats.x", "import pandas as pd"),
    (arrays, "stats.intervals", "from sklearn.linear_model import Ridge"),
    (handlers, "io.x", "try:\n    f()\nexcept Exception:\n    pass"),
    (handlers, "io.x", "try:\n    f()\nexcept (OSError, BaseException):\n    x = 1"),
    (handlers, "io.x", "try:\n    f()\nexcept:\n    pass"),
    (sizes, "io.x", "x = 1\n" * 400),
    (sizes, "io.x", LONG),
    (sizes, "io.x", "class A:\n    def f(self, a, b, c, d, *, e, f, g, h, i): ..."),
    (sizes, "io.x", "def f(**options): ..."),
    (docstrings, "io.x", "def f(): ..."),
    (docstrings, "io.x", 'class A:\n    def f(self):\n        """Do."""\n        raise ValueError'),
    (exports, "io.x", "def f(): ..."),
]
SOUND = [
    (
        walls,
        "modules.x",
        "from ..models import fit\nfrom ..nouns import Model\nfrom ..nodes import encode\nfrom . import y",
    ),
    (subjects, "stats.x", "import numpy as np\nn = len(np.unique(subject_n))"),
    (draws, "stats.x", "order = rng.permutation(len(subjects))"),
    (draws, "patients.x", "from sklearn.model_selection import cross_val_predict"),
    (draws, "evidence.scorecard", "def _permuted(rng, x):\n    rng.permuted(x)"),
    (arrays, "stats.intervals", "import numpy as np\nimport pandas as pd\nfrom ..nouns import Contrast"),
    (libraries, "_core.fetch", "import pooch"),
    (libraries, "io.x", "from urllib.parse import quote\nimport torchless"),
    (
        handlers,
        "io.x",
        "try:\n    f()\nexcept Exception as e:\n    raise ValueError from e\nexcept KeyError:\n    pass",
    ),
    (sizes, "io.x", "class A:\n    def f(self, a, b, c, d, *, e, f, g, h): ..."),
    (docstrings, "io.x", "def _f():\n    raise ValueError\nclass _A:\n    def g(self): ..."),
    (exports, "io._x", "def f(): ..."),
]


@pytest.mark.parametrize(("rule", "name", "source"), PLANTED)
def test_each_rule_sees_what_breaks_it(rule, name, source):
    assert list(rule(Module(name, source)))


@pytest.mark.parametrize(("rule", "name", "source"), SOUND)
def test_each_rule_lets_sound_code_be(rule, name, source):
    assert not list(rule(Module(name, source)))


def test_who_may_shuffle_does():
    found = {f"{m.name}.{name}" for m in MODULES.values() for name, _ in m.functions()}
    assert not MAY_SHUFFLE.keys() - found


def ring(modules: dict[str, Module]) -> list[str]:
    """A ring of files that import one another, empty where there is none."""
    graph: dict[str, set[str]] = {}
    for module in modules.values():
        targets = (inner(name) for _, name in module.imports())
        # `from .x import y` names the module x unless y is a module itself.
        files = {t if t in modules else t.rpartition(".")[0] or "__init__" for t in targets if t}
        graph[module.name] = (files & modules.keys()) - {module.name}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_files_import_one_another_in_a_ring():
    assert ring(MODULES) == []


def test_a_ring_is_seen():
    sources = {"io": "from ._a import f", "io._a": "def f():\n    from ._b import g", "io._b": "from .. import io"}
    assert set(ring({n: Module(n, s, n == "io") for n, s in sources.items()})) == set(sources)


SKIPPED = {"build", "dist", "runs", "__pycache__", "node_modules"}
# Spelt so that this file does not name them itself.
WORKPLACE = re.compile(
    "|".join(("/wor" + r"k/\w", "/tmp/de" + "v", r"/roo" + r"t/\.", "/opt/whee" + "ls", "/opt/py" + "pi"))
)
TEXT = {".py", ".md", ".toml", ".txt", ".cff", ".json", ".yml", ".yaml", ".sh", ".css", ".js", ".html", ".ini", ""}


def project_texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the project, by its path from the root."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part in SKIPPED or (part.startswith(".") and part != ".ci") for part in parts[:-1])
        # In a linked working tree .git is a file that names its repository.
        if not hidden and path.name != ".git" and path.is_file() and path.suffix in TEXT and path.stat().st_size < 2e6:
            yield Path(*parts), path.read_text(encoding="utf-8", errors="ignore")


def test_the_project_names_no_machine():
    found = [f"{path}: {m.group()}" for path, text in project_texts() if (m := WORKPLACE.search(text))]
    assert not found, "paths of one machine: " + ", ".join(found)
