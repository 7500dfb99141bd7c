"""What every command does alike: options in bundles, -q, -v, --json, what a stop leaves, and a result shown once."""

from __future__ import annotations

import inspect
import json
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import numpy as np
import pandas as pd
import typer
from typer.core import TyperGroup

from .._core.progress import show_progress

__all__ = ["GROUPS", "DefaultCommand", "Result", "command", "kept_when_stopped", "note", "wants_trace"]

GROUPS = """--case 'group == "ill"' --control 'group == "well"'"""  # as the examples of the help have them
STOPPED = 130  # as shells have it for Ctrl-C

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="no progress, no accounts: the result alone")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="how long each step took; the whole trace of an error")]
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
    notes: list[str] = field(default_factory=list)
    kept: Callable[[], str] = str


_call = _Call()


class DefaultCommand(TyperGroup):
    """A group whose command ``run`` need not be named: ``module TABLE`` is ``module run TABLE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name in where none is."""
        named = args[:1] and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named or not args else ["run", *args])


def note(account: object) -> None:
    """Tell what became of what was read: printed at once, and among the facts under ``--json``."""
    _call.notes.append(str(account))
    if not (_call.as_json or _call.quiet):
        print(account)


def kept_when_stopped(words: Callable[[], str]) -> None:
    """Say what Ctrl-C leaves from now on; asked for only then."""
    _call.kept = words


def wants_trace() -> bool:
    """Whether the running command was asked for the whole trace of an error."""
    return _call.verbose


def command(
    app: typer.Typer, *, room: str, example: str, name: str | None = None
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Make a function that returns a :class:`Result` a command.

    Parameters
    ----------
    app
        Where it belongs.
    room
        The heading it stands under in the help.
    example
        A line to type.
    name
        By default the function's, with dashes.

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
            show_progress("quiet" if _call.quiet else "verbose" if _call.verbose else "lines")
            made = {
                key: kind(**{f.name: given.pop(f.name) for f in fields(kind)})  # type: ignore[operator]
                for key, kind in bundles.items()
            }
            try:
                result = function(**made, **given)
            except KeyboardInterrupt:
                sys.stderr.write(f"\nstopped; {_call.kept() or 'nothing was kept'}. To go on: {_typed()}\n")
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
        app.command(name, help=said, rich_help_panel=room, epilog=f"Example: {example}")(run)
        return function

    return register


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
    for name, kind in (("quiet", Quiet), ("verbose", Verbose), ("as_json", Json)):
        yield _option(name, kind, default=False)


def _option(name: str, kind: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _show(result: Result) -> None:
    if not _call.as_json:
        print(result.text)
        return
    facts = {**result.facts, **({"notes": _call.notes} if _call.notes else {})}
    print(json.dumps(_plain(facts), allow_nan=False))


def _plain(value: Any) -> Any:
    """Containers and numbers that JSON has; what is not a number is null."""
    match value:
        case pd.DataFrame():
            return [_plain(row) for row in value.to_dict("records")]
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset() | pd.Series() | np.ndarray():
            return [_plain(each) for each in value]
    return _scalar(value)


def _scalar(value: Any) -> str | int | float | bool | None:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return None if value is pd.NA or value is pd.NaT else str(value)


def _typed() -> str:
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
