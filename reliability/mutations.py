"""Small changes to the source (a comparison turned round, a number moved): the room's tests see them."""

from __future__ import annotations

import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ._bench import Row

ROOT = Path(__file__).parents[1]
# Source, and the tests that are to see a change in it.
SAMPLED = {
    "src/genelight/_core/tables.py": ["tests/_core/test_tables.py"],
    "src/genelight/_core/disk.py": ["tests/_core/test_disk.py"],
    "src/genelight/_core/expressions.py": ["tests/_core/test_expressions.py"],
    "src/genelight/_core/checks.py": ["tests/_core/test_checks.py"],
    "src/genelight/stats/moderated.py": ["tests/stats/test_moderated.py"],
    "src/genelight/stats/subjects.py": ["tests/stats/test_subjects.py"],
    "src/genelight/evidence/combine.py": ["tests/evidence"],
}
TURNED: dict[type, type] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


def _places(tree: ast.AST) -> Iterator[int]:
    """Which nodes, in the order of a walk, can be changed."""
    for i, node in enumerate(ast.walk(tree)):
        if (
            (isinstance(node, ast.Compare) and type(node.ops[0]) in TURNED)
            or (isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in TURNED)
            or (isinstance(node, ast.Constant) and type(node.value) in (int, float, bool))
        ):
            yield i


def _mutant(tree: ast.Module, place: int) -> tuple[str, str]:
    changed = copy.deepcopy(tree)
    node = list(ast.walk(changed))[place]
    before = ast.unparse(node)
    if isinstance(node, ast.Compare):
        node.ops[0] = TURNED[type(node.ops[0])]()
    elif isinstance(node, ast.BinOp | ast.BoolOp):
        node.op = TURNED[type(node.op)]()
    elif isinstance(node, ast.Constant):
        node.value = not node.value if isinstance(node.value, bool) else node.value + 1  # type: ignore[operator]
    return ast.unparse(
        ast.fix_missing_locations(changed)
    ), f"line {getattr(node, 'lineno', '?')}: {before} -> {ast.unparse(node)}"


def trial(folder: Path, *, seconds: float, seed: int) -> list[Row]:
    """Mutants drawn from the sampled files, for so many seconds in all."""
    for part in ("src", "tests"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copy(ROOT / "pyproject.toml", folder)
    rng, rows = random.Random(seed), []
    for source, tests in SAMPLED.items():
        path, end = folder / source, time.monotonic() + seconds / len(SAMPLED)
        whole = path.read_text(encoding="utf-8")
        tree = ast.parse(whole)
        places = list(_places(tree))
        rng.shuffle(places)
        tried, survived = 0, []
        while places and (time.monotonic() < end or not tried):
            text, what = _mutant(tree, places.pop())
            path.write_text(text, encoding="utf-8")
            tried += 1
            if _passes(folder, tests):
                survived.append(what)
        path.write_text(whole, encoding="utf-8")
        seen = f"{tried - len(survived)} of {tried} seen"
        rows.append(Row(source, tried, 0, seen + ("; not seen: " + "; ".join(survived[:3]) if survived else "")))
    return rows


def _passes(folder: Path, tests: list[str]) -> bool:
    ask = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    surroundings = {**os.environ, "PYTHONPATH": str(folder / "src"), "OMP_NUM_THREADS": "1"}
    try:
        ended = subprocess.run(ask, cwd=folder, env=surroundings, capture_output=True, check=False, timeout=300)
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode == 0
