"""Small changes to a source file: a comparison turned round, an operator exchanged, a number moved."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

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
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
COMPOUND = (ast.FunctionDef, ast.ClassDef, ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match)


@dataclass(frozen=True)
class Place:
    """A node of a file that can be changed.

    Attributes
    ----------
    path
        The file.
    number
        Which node, in the order of a walk.
    lines
        Those of its statement, as a tracer reports them.
    at_import
        Whether it is run when the file is loaded, and not when a test calls; what is compiled counts as such.
    """

    path: Path
    number: int
    lines: tuple[int, ...]
    at_import: bool

    def tree(self) -> ast.Module:
        """The changed file, its lines where they were."""
        return ast.fix_missing_locations(self._changed()[0])

    def mutant(self) -> str:
        """Its source."""
        return ast.unparse(self.tree())

    def what(self) -> str:
        """The node before and after."""
        return f"{ast.unparse(list(ast.walk(_tree(self.path)))[self.number])} -> {ast.unparse(self._changed()[1])}"

    def _changed(self) -> tuple[ast.Module, ast.AST]:
        tree = copy.deepcopy(_tree(self.path))
        node = list(ast.walk(tree))[self.number]
        if isinstance(node, ast.Compare):
            node.ops[0] = TURNED[type(node.ops[0])]()
        elif isinstance(node, ast.BinOp | ast.BoolOp):
            node.op = TURNED[type(node.op)]()
        elif isinstance(node, ast.Constant):
            node.value = not node.value if isinstance(node.value, bool) else node.value + 1  # type: ignore[operator]
        return tree, node


@lru_cache(maxsize=2)
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _can_change(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare):
        return type(node.ops[0]) in TURNED
    if isinstance(node, ast.BinOp | ast.BoolOp):
        return type(node.op) in TURNED
    return isinstance(node, ast.Constant) and type(node.value) in (int, float, bool)


def _within(node: ast.AST, *, inside: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Nodes, and whether a function's body holds them; types are left out."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_comment"):
            continue
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        called = inside or (name == "body" and function and not _is_compiled(node))
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child, called
                yield from _within(child, inside=called)


def _is_compiled(node: ast.AST) -> bool:
    """Whether a function is one in machine code."""
    return any("compiled" in ast.unparse(each) for each in getattr(node, "decorator_list", []))


def places(path: Path) -> list[Place]:
    """All of a file's."""
    tree = _tree(path)
    number = {id(node): i for i, node in enumerate(ast.walk(tree))}
    statement: dict[int, ast.stmt] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            # A walk comes to the inner statements later.
            statement.update({id(child): node for child in ast.walk(node)})
    found = []
    for node, called in _within(tree, inside=False):
        if _can_change(node):
            lines = _lines(statement[id(node)])
            found.append(Place(path, number[id(node)], lines, at_import=not called))
    return found


def _lines(statement: ast.stmt) -> tuple[int, ...]:
    """Lines of a statement, of one that holds others its head's."""
    last = statement.end_lineno or statement.lineno
    if isinstance(statement, COMPOUND):
        body = statement.cases[0].pattern if isinstance(statement, ast.Match) else statement.body[0]
        last = max(statement.lineno, body.lineno - 1)
    return tuple(range(statement.lineno, last + 1))
