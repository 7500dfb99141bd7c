"""Named methods with their sources: registering one is all it takes to offer it everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..errors import UnknownNameError
from .printed import Card, Printed

__all__ = ["Entry", "Registry"]

T = TypeVar("T")
E = TypeVar("E")


@dataclass(frozen=True, repr=False)
class Entry(Printed, Generic[T]):
    """One registered method."""

    name: str
    what: T
    summary: str
    doi: str
    control: bool
    calibrated: bool = True

    def _card(self) -> Card:
        kind = "a control" if self.control else "" if self.calibrated else "not calibrated"
        return self.name, [("does", self.summary), ("doi", self.doi), ("is", kind)]


class Shown(list[E]):
    """A list that prints each of its items on lines of its own."""

    def __repr__(self) -> str:
        return "\n".join(map(repr, self))


@dataclass(repr=False)
class Registry(Printed, Generic[T]):
    """A set of methods of one kind, looked up by name.

    Parameters
    ----------
    kind
        What its members are, in words, for messages: ``"disease module method"``.

    Examples
    --------
    >>> METHODS = Registry("greeting")
    >>> @METHODS.register("hello")
    ... def hello() -> str:
    ...     "Say hello."
    ...     return "hello"
    >>> METHODS["hello"]()
    'hello'
    """

    kind: str
    _entries: dict[str, Entry[T]] = field(default_factory=dict)

    def register(
        self, name: str, *, doi: str = "", control: bool = False, calibrated: bool = True, summary: str = ""
    ) -> Callable[[T], T]:
        """Decorator that adds a method under `name`.

        Parameters
        ----------
        name
            The name users type.
        doi
            Source of the method.
        control
            Whether it is a baseline or control rather than a method to recommend.
        calibrated
            Whether p values of what holds nothing are uniform on data as they are; others are run when named only, and
            no headline rests on them.
        summary
            What it does, in one line; by default the first line of its docstring.

        Raises
        ------
        ValueError
            On decorating, if the name is taken.
        """

        def add(what: T) -> T:
            if name in self._entries:
                msg = f"{self.kind} {name!r} is registered twice"
                raise ValueError(msg)
            first = (getattr(what, "__doc__", "") or "").strip().partition("\n")[0]
            self._entries[name] = Entry(name, what, summary or first, doi, control, calibrated)
            return what

        return add

    def _card(self) -> Card:
        kinds: dict[str, list[str]] = {"names": [], "controls": [], "uncalibrated": []}
        for entry in self.show():
            kinds["controls" if entry.control else "names" if entry.calibrated else "uncalibrated"].append(entry.name)
        said = [(kind, ", ".join(names)) for kind, names in kinds.items()]
        return f"{self.kind}, {len(self)} to choose from", [
            *said,
            ("next", "show() has what each does, and its source"),
        ]

    def __getitem__(self, name: str) -> T:
        return self.entry(name).what

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def entry(self, name: str) -> Entry[T]:
        """The record of one method.

        Raises
        ------
        UnknownNameError
            If nothing is registered under `name`; says what may have been meant.
        """
        if name not in self._entries:
            raise UnknownNameError(self.kind, name, self._entries)
        return self._entries[name]

    def show(self) -> Shown[Entry[T]]:
        """All records, in the order of registration; printed, one below the other."""
        return Shown(self._entries.values())
