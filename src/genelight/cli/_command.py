"""What every command does alike: bundles of options, -q, -v, --json, what a stop leaves, a result and its terms."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import numpy as np
import pandas as pd
import typer
from typer.core import TyperCommand, TyperGroup

from .._core.progress import show_progress, waiting
from .._core.ranks import started
from .._core.workers import workers
from ..errors import InputError

GROUPS = """--case 'group == "ill"' --control 'group == "well"'"""  # as the examples of the help have them
STOPPED = 130  # as shells have it for Ctrl-C

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="no progress, no accounts: the result alone")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="how long each step took; the whole trace of an error")]
Workers = Annotated[
    str | None,
    typer.Option(
        help="who does long loops: 4 for as many processes here, dask://HOST:8786 for the workers of a Dask scheduler, "
        "or its scheduler file"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="print the result as one JSON object")]


@dataclass(frozen=True)
class Result:
    """What a command found: lines for a person, facts for a program.

    Attributes
    ----------
    text
        Printed as it is.
    facts
        Printed in its place under ``--json``; tables become lists of rows.
    code
        Exit code: not 0 where what was found stands in the way.
    """

    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    code: int = 0


@dataclass
class _Call:
    """The command that runs now."""

    quiet: bool = False
    verbose: bool = False
    as_json: bool = False
    silent: bool = False
    notes: list[str] = field(default_factory=list)
    kept: Callable[[], str] = str


_call = _Call()


TERMS: dict[str, str] = {
    "AUC": "how often a case has a higher score than a control, of all such pairs; 0.5 is guessing, 1 is always",
    "held-out R²": "share of the variance of samples not trained on that the model gives back; 1 is all of it",
    "q": "the share of false ones to expect among all that have this q or less (false discovery rate)",
    "lfsr": "the chance that a change goes the other way than is said (local false sign rate)",
    "I²": "share of the differences between cohorts that chance alone does not make",
    "joint": "genes chosen by a layer of the model and by their own differences together",
    "knee": "where sorted values stop falling steeply; the genes before it stand out",
    "digest": "a fingerprint of the content: it is another one if a single bit is",
    "calibrated": "its p values are spread evenly where there is nothing to find",
}
"""Each stands on the screen with this line wherever a result names it and does not say it itself."""
_FOUND = {term: re.compile(rf"(?<![\w-]){re.escape(term)}s?(?![\w²])") for term in TERMS}


class DefaultCommand(TyperGroup):
    """A group whose command ``run`` need not be named: ``module TABLE`` is ``module run TABLE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name in where none is."""
        named = args[:1] and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named or not args else ["run", *args])


class OnceCommand(TyperCommand):
    """A command that takes an option twice only where both count: else the first would be lost without a word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, unless an option that stands once was given two values.

        Raises
        ------
        InputError
            If one was; says how to write both.
        """
        order: list[Any] = self.make_parser(ctx).parse_args(args=list(args))[2]
        for option in dict.fromkeys(order):
            single = not getattr(option, "is_flag", True) and not option.multiple and not option.count
            values = _values(args, option.opts) if single and order.count(option) > 1 else []
            if len(set(values)) > 1:
                name = max(option.opts, key=len)
                msg = (
                    f"{name} was given {len(values)} values ({', '.join(values)}), of which the last alone would "
                    f"count; {_as_one(name, values, str(option.help))}"
                )
                raise InputError(msg)
        return super().parse_args(ctx, args)


def _values(args: list[str], names: list[str]) -> list[str]:
    """What stands behind the names of an option."""
    behind = [value for name, value in pairwise(args) if name in names]
    return behind + [arg.partition("=")[2] for arg in args if arg.partition("=")[0] in names and "=" in arg]


def _as_one(name: str, values: list[str], help_text: str) -> str:
    """How to say all of it by one option, as far as its help tells what it takes."""
    if "with commas" in help_text:
        return f"write them with commas: {name} {shlex.quote(','.join(values))}"
    if "a query" in help_text:
        return f"write one query: {name} {shlex.quote(' or '.join(f'({value})' for value in values))}"
    return f"give it once: {name} {shlex.quote(values[-1])}"


def note(account: object) -> None:
    """Tell what became of what was read: printed at once, and among the facts under ``--json``."""
    _call.notes.append(str(account))
    if not (_call.as_json or _call.quiet or _call.silent):
        print(account)


def kept_when_stopped(words: Callable[[], str]) -> None:
    """Say what Ctrl-C leaves from now on; asked for only then."""
    _call.kept = words


def wants_trace() -> bool:
    """Whether the running command was asked for the whole trace of an error."""
    return _call.verbose


def command(
    app: typer.Typer, example: str, *, name: str | None = None, in_step: bool = False
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Make a function that returns a :class:`Result` a command.

    Parameters
    ----------
    app
        Where it belongs; its panel is the heading that the command stands under in the help.
    example
        A line to type.
    name
        By default the function's, with dashes.
    in_step
        Whether several processes that a launcher starts do it together; the first of them speaks.

    Raises
    ------
    Exit
        By the command, with 130 where Ctrl-C stopped it, and with its result's code.

    Notes
    -----
    A parameter whose type is a dataclass stands for as many options as that has fields.
    """

    def register(function: Callable[..., Result]) -> Callable[..., Result]:
        bundles = {
            key: kind for key, kind in get_type_hints(function).items() if is_dataclass(kind) and key != "return"
        }

        def run(**given: Any) -> None:
            global _call  # noqa: PLW0603 - one process runs one command
            _call = _Call(given.pop("quiet"), given.pop("verbose"), given.pop("as_json"))
            helped_by = given.pop("workers")
            show_progress("quiet" if _call.quiet else "verbose" if _call.verbose else "lines")
            made = {
                key: kind(**{f.name: given.pop(f.name) for f in fields(kind)})  # type: ignore[operator]
                for key, kind in bundles.items()
            }
            try:
                with (
                    _processes(run.__name__, in_step=in_step),
                    waiting(f"genelight {run.__name__.replace('_', '-')}"),
                    workers(helped_by) as helpers,
                ):
                    result = function(**made, **given)
                if helpers:
                    note(helpers.account)
            except KeyboardInterrupt:
                typed = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
                sys.stderr.write(f"\nstopped; {_call.kept() or 'nothing was kept'}. To go on: {typed}\n")
                raise typer.Exit(STOPPED) from None
            finally:
                show_progress("bar")
            _show(result)
            if result.code:
                raise typer.Exit(result.code)

        run.__name__ = function.__name__
        run.__signature__ = inspect.Signature(list(_parameters(function, bundles)))  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in run.__signature__.parameters.values()}  # type: ignore[attr-defined]
        said = inspect.cleandoc(function.__doc__ or "").partition("\n\nRaises\n")[0]
        heading = app.rich_help_panel
        app.command(name, cls=OnceCommand, help=said, rich_help_panel=heading, epilog=f"Example: {example}")(run)
        return function

    return register


@contextmanager
def _processes(name: str, *, in_step: bool) -> Iterator[None]:
    """Among the processes that a launcher started, of which the first speaks."""
    rank, size = started()
    if size == 1:
        yield
        return
    if not in_step:
        word = name.replace("_", "-")
        msg = (
            f"genelight {word} is done by one process, and {size} were started: type it without torchrun; what several "
            "do together is genelight fit STORE"
        )
        raise InputError(msg)
    from ..models.training.joined import joined

    if rank:
        _call.silent = True
        show_progress("quiet")
    with joined():
        yield


def _parameters(function: Callable[..., Any], bundles: Mapping[str, Any]) -> Any:
    """The options of a function, those of its bundles in their place, then those that every command has."""
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in bundles:
            yield _option(name, hints[name], parameter.default)
            continue
        inside = get_type_hints(bundles[name], include_extras=True)
        for each in fields(bundles[name]):
            yield _option(
                each.name, inside[each.name], inspect.Parameter.empty if each.default is MISSING else each.default
            )
    yield _option("workers", Workers, default=None)
    for name, kind in (("quiet", Quiet), ("verbose", Verbose), ("as_json", Json)):
        yield _option(name, kind, default=False)


def _option(name: str, kind: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _show(result: Result) -> None:
    if _call.silent:
        return
    if not _call.as_json:
        print("\n".join([result.text, *(() if _call.quiet else explained(result.text))]))
        return
    facts = {**result.facts, **({"notes": _call.notes} if _call.notes else {})}
    print(json.dumps(_plain(facts), allow_nan=False))


def explained(text: str) -> Iterator[str]:
    """A line for each term of a text, in their order above; none for those that the text explains: ``q: ...``.

    Examples
    --------
    >>> list(explained("12 genes, 3 with q <= 0.05"))
    ['  q: the share of false ones to expect among all that have this q or less (false discovery rate)']
    """
    for term, meaning in TERMS.items():
        if _FOUND[term].search(text) and f"{term}: " not in text:
            yield f"  {term}: {meaning}"


def _plain(value: Any) -> Any:
    """Containers and numbers that JSON has; what is not a number is null."""
    value = value.item() if isinstance(value, np.generic) else value
    match value:
        case pd.DataFrame():
            return [_plain(row) for row in value.to_dict("records")]
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset() | pd.Series() | np.ndarray():
            return [_plain(each) for each in value]
        case float():
            return value if np.isfinite(value) else None
        case None | bool() | int() | str():
            return value
    return None if value is pd.NA or value is pd.NaT else str(value)
