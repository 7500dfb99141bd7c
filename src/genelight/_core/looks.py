"""Several checks one after another, so that all that is wrong is said at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..errors import GenelightError, InputError

__all__ = ["Looks"]

T = TypeVar("T")


class Looks:
    """Looks at one thing after another, and keeps what is wrong or stops at the first.

    Attributes
    ----------
    stop
        Whether it stops.
    problems
        What was wrong, each once.
    """

    def __init__(self, *, stop: bool) -> None:
        self.stop, self.problems = stop, list[GenelightError]()

    def look(self, work: Callable[[], T], *, where: str = "") -> T | None:
        """What `work` gives, None where it finds something wrong; `where` goes before what is said of several.

        Raises
        ------
        GenelightError
            What `work` raises, if that stops.
        """
        try:
            return work()
        except GenelightError as error:
            if self.stop:
                raise
            if str(error) not in map(str, self.problems):
                self.problems.append(InputError(f"{where}: {error}") if where else error)
            return None

    def settle(self) -> None:
        """Stop where anything was wrong.

        Raises
        ------
        GenelightError
            What was found alone, or one error with all of it.
        """
        if len(self.problems) == 1:
            raise self.problems[0]
        if self.problems:
            raise InputError("; ".join(map(str, self.problems)))
