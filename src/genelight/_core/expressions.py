"""Questions about a sample table: parsed to a syntax tree, of which only a small part is let through, and walked.

Text from a study file or a command line never reaches an evaluator: what is not named here cannot be said.
"""

from __future__ import annotations

import ast
import json
import keyword
import operator
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, UnknownNameError, first_three

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NO_SHEET", "columns_named", "evaluate", "quoted"]

NO_SHEET = 'give a sample sheet: --samples FILE, in a study samples = "FILE" in [data]'

MOST_CHARACTERS = 20_000
MOST_NESTED = 60
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
MISSING = {"isna": True, "isnull": True, "notna": False, "notnull": False}
WORDS = {"&": " and ", "|": " or "}
# What means something else inside quotes than outside: quotes come first.
PARTS = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?P<name>[^`]+)`|#[^\r\n]*|(?<![=!<>:])=(?!=)|[&|\r\n]""")
ALLOWED = "columns, numbers and text in quotes, ==, !=, <, <=, >, >=, in, and, or, not, brackets, column.isna()"


class Unreadable(Exception):  # noqa: N818 - a reason, which the caller puts into a sentence
    """Why an expression cannot be read, and what could stand in its place."""

    def __init__(self, why: str, instead: str = "") -> None:
        super().__init__(why)
        self.instead = instead


def evaluate(table: pd.DataFrame, text: str, *, role: str) -> np.ndarray:
    """Rows of a table for which an expression holds, boolean, shape ``(n,)``.

    Parameters
    ----------
    table
        Its columns are the names; ``index`` names the rows.
    text
        Comparisons (also chained), membership in a list, ``and``, ``or``, ``not`` (``&``, ``|``, ``~``), brackets, and
        ``column.isna()`` or ``column.notna()``. A name that is no Python name stands in backticks.
    role
        What the rows are for, for messages.

    Raises
    ------
    UnknownNameError
        If a column does not exist.
    InputError
        If the expression holds anything else, or compares what cannot be compared.
    """
    shown = text if len(text) <= 300 else f"{text[:300]}..."
    where = f"{role} = {shown!r}"
    try:
        tree, quoted = _parse(text)
        return _Walk(table, quoted, where).rows(tree, 0)
    except Unreadable as error:
        mended = _with_backticks(text, [str(name) for name in table.columns]) or _with_two_signs(text)
        instead = mended or error.instead or _example(table)
        msg = f"{where} {error}; write for example: {instead}"
        raise InputError(msg) from None


def quoted(name: object) -> str:
    """A column as a question names it: in backticks where it is no plain word.

    Examples
    --------
    >>> quoted("disease"), quoted("Disease status")
    ('disease', '`Disease status`')
    """
    text = str(name)
    return text if text.isidentifier() and not keyword.iskeyword(text) else f"`{text}`"


def columns_named(text: str, table: pd.DataFrame) -> list[str]:
    """Columns of a table that a question names, in order of the table; none where it cannot be read.

    Examples
    --------
    >>> import pandas as pd
    >>> columns_named("disease == 'age' and `visit day` > 3", pd.DataFrame(columns=["age", "disease", "visit day"]))
    ['disease', 'visit day']
    """
    try:
        tree, quoted = _parse(text)
    except Unreadable:
        return []
    words = {quoted.get(node.id, node.id) for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return [str(column) for column in table.columns if str(column) in words]


def _with_backticks(text: str, names: Sequence[str]) -> str:
    """The question with backticks round the names that need them; empty where that changes nothing or does not help."""
    bare = max((n for n in names if quoted(n) != n and n in text and quoted(n) not in text), key=len, default="")
    return _if_readable(text.replace(bare, quoted(bare))) if bare else ""


def _with_two_signs(text: str) -> str:
    """The question with == for every single =; empty where that changes nothing or does not help."""
    mended = PARTS.sub(lambda match: match[0] if match[0] != "=" else "==", text)
    return _if_readable(mended) if mended != text else ""


def _if_readable(text: str) -> str:
    try:
        _parse(text)
    except Unreadable:
        return ""
    return text


def _example(table: pd.DataFrame) -> str:
    """A question that this very table answers."""
    for column in [each for each in table.columns if list(table.columns).count(each) == 1]:
        values = table[column].dropna()
        if len(values) and values.dtype.kind in "iuf":
            return f"{quoted(column)} > {values.median():g}"
        if len(values) and values.dtype.kind == "O":
            return f"{quoted(column)} == {json.dumps(str(values.iloc[0]), ensure_ascii=False)}"
    return 'condition == "case" and age > 18'


def _parse(text: str) -> tuple[ast.expr, dict[str, str]]:
    """Syntax tree, and the column behind each word that stands for a name in backticks."""
    if len(text) > MOST_CHARACTERS:
        msg = f"has {len(text)} characters, at most {MOST_CHARACTERS} are read"
        raise Unreadable(msg)
    try:
        plain, quoted = _plain(text)
        return ast.parse(plain, mode="eval").body, quoted
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        said = re.sub(r" \(<unknown>, line [0-9]+\)", "", str(error)) or "too deeply nested"
        msg = f"cannot be read ({said})"
        raise Unreadable(msg) from None


def _plain(text: str) -> tuple[str, dict[str, str]]:
    """The text as Python would have it, and which name each of its plain words stands for.

    Names in backticks become words, ``&`` and ``|`` ``and`` and ``or``, which then bind as a reader expects; line
    breaks become blanks and comments go. What is inside quotes stays. Nothing here asks Python's own tokenizer, which
    from 3.12 on looks for a file called ``<string>`` where the text is no Python.
    """
    quoted: dict[str, str] = {}
    stem = "column_"
    while stem in text:
        stem += "_"

    def replace(match: re.Match[str]) -> str:
        if match["name"]:
            word = f"{stem}{len(quoted)}"
            quoted[word] = match["name"]
            return f" {word} "
        return match[0] if match[0][0] in "'\"=" else WORDS.get(match[0], " ")

    return PARTS.sub(replace, text).strip(), quoted


class _Walk:
    """Evaluates a syntax tree over the columns of a table; every kind of node it has no method for is refused."""

    def __init__(self, table: pd.DataFrame, quoted: dict[str, str], where: str) -> None:
        self.table, self.quoted, self.where = table, quoted, where

    def rows(self, node: ast.expr, depth: int) -> np.ndarray:
        """A yes or no for each row."""
        if depth > MOST_NESTED:
            msg = f"is nested more than {MOST_NESTED} deep"
            raise Unreadable(msg)
        match node:
            case ast.BoolOp(op=op, values=values):
                parts = [self.rows(value, depth + 1) for value in values]
                return np.logical_and.reduce(parts) if isinstance(op, ast.And) else np.logical_or.reduce(parts)
            case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
                return ~self.rows(operand, depth + 1)
            case ast.Compare(left=left, ops=ops, comparators=right):
                return self.compared([left, *right], ops)
            case ast.Call(func=ast.Attribute(value=ast.Name() as name, attr=asked), args=[], keywords=[]):
                return self.missing(name, asked)
            case ast.Name():
                return self.flag(node)
            case ast.Constant() | ast.List() | ast.Tuple():
                msg = f"is no question: {ast.unparse(node)} names no column"
                raise Unreadable(msg)
        raise _refused(node)

    def compared(self, sides: list[ast.expr], ops: Sequence[ast.cmpop]) -> np.ndarray:
        """A chain of comparisons: every link holds."""
        import pandas as pd

        values = [self.value(side) for side in sides]
        held = []
        for left, op, right in zip(values[:-1], ops, values[1:], strict=True):
            if not isinstance(left, pd.Series) and not isinstance(right, pd.Series):
                msg = "compares no column with anything"
                raise Unreadable(msg)
            held.append(_link(left, op, right))
        return np.logical_and.reduce(held)

    def missing(self, name: ast.Name, asked: str) -> np.ndarray:
        """Rows where a column is missing, or is not."""
        if asked not in MISSING:
            msg = f"asks for .{asked}(), which is not known here; {ALLOWED}"
            raise Unreadable(msg)
        return np.asarray(self.column(name.id).isna()) == MISSING[asked]

    def flag(self, name: ast.Name) -> np.ndarray:
        """A column of yes and no by itself."""
        values = self.column(name.id)
        if values.dtype.kind not in "bO" or not values.dropna().map(type).isin([bool, np.bool_]).all():
            there = values.dropna().unique().tolist()
            named = quoted(values.name)
            msg = f"is not a yes-or-no question; {named} has {first_three(map(repr, there), n=6)}"
            raise Unreadable(msg, f"{named} == {json.dumps(there[0], default=str)}")
        return np.asarray(values.fillna(value=False), dtype=bool)

    def value(self, node: ast.expr) -> Any:
        """One side of a comparison: a column, a literal, or a list of literals."""
        match node:
            case ast.Name():
                return self.column(node.id)
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                return [_literal(item) for item in items]
        return _literal(node)

    def column(self, word: str) -> pd.Series:
        """A column by its name, or the names of the rows."""
        name = self.quoted.get(word, word)
        found = [c for c in self.table.columns if str(c) == name]
        if len(found) == 1:
            values = self.table[found[0]]
            if values.ndim == 1:
                return values
        if found:
            msg = f"names {name!r}, which {(self.table.columns.astype(str) == name).sum()} columns are called"
            raise Unreadable(msg)
        if name in ("index", self.table.index.name):
            return self.table.index.to_series()
        if not len(self.table.columns):
            msg = f"{self.where} asks for {name!r}, but nothing is known of the samples; {NO_SHEET}"
            raise InputError(msg)
        holder = next((c for c in self.table.columns if _holds(self.table, c, name)), None)
        if holder is not None:
            msg = f"asks for a column {name!r}, which is a value of {quoted(holder)} and stands in quotes"
            raise Unreadable(msg, f"{quoted(holder)} == {json.dumps(name, ensure_ascii=False)}")
        raise UnknownNameError("obs column", name, map(quoted, self.table.columns), where=self.where)


def _holds(table: pd.DataFrame, column: object, value: str) -> bool:
    """Whether a column of text has a value."""
    found = table.loc[:, [name == column for name in table.columns]]
    return found.shape[1] == 1 and found.dtypes.iloc[0].kind == "O" and bool((found.iloc[:, 0] == value).any())


def _literal(node: ast.expr) -> str | float | bool:
    """A number, a text or a truth value."""
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = -1, node.operand
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, int | float) and (sign == 1 or not isinstance(value, bool)):
        return value if isinstance(value, bool) else sign * value
    if isinstance(value, str) and sign == 1:
        return value
    raise _refused(node)


def _link(left: Any, op: ast.cmpop, right: Any) -> np.ndarray:
    """One comparison for each row; what is missing on either side compares as pandas does."""
    import pandas as pd

    listed = isinstance(right, list) and isinstance(op, ast.In | ast.NotIn | ast.Eq | ast.NotEq)
    if not (listed and isinstance(left, pd.Series)) and (
        type(op) not in COMPARE or isinstance(left, list) or isinstance(right, list)
    ):
        msg = f'holds a comparison not known here; "in" asks for a list: group in ["a", "b"]; {ALLOWED}'
        raise Unreadable(msg)
    try:
        if listed:
            return np.asarray(left.isin(right)) == isinstance(op, ast.In | ast.Eq)
        return np.asarray(pd.Series(COMPARE[type(op)](left, right)).fillna(value=False), dtype=bool)
    except (TypeError, ValueError, OverflowError) as error:
        msg = f"cannot be read ({str(error).splitlines()[0]})"
        raise Unreadable(msg) from None


def _refused(node: ast.expr) -> Unreadable:
    said = ast.unparse(node) if not isinstance(node, ast.BinOp) else f"{type(node.op).__name__.lower()} of values"
    return Unreadable(f"holds {said[:80]!r}, which is not known here; {ALLOWED}")
