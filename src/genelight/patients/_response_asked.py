"""What has to be said before response can be read: all of it at once, with what to type."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..errors import InputError

__all__ = ["Question", "ask"]


@dataclass(frozen=True)
class Question:
    """One thing that nobody said and that is never guessed.

    Attributes
    ----------
    found
        What was found, in which cohorts.
    how
        What an answer may be; empty where what is typed says it.
    name, answer
        Argument of a plan and option of the command line, with what it may be set to; several for words.
    """

    found: str
    name: str
    answer: str | Mapping[str, str]
    how: str = field(default="", kw_only=True)

    @property
    def option(self) -> str:
        """As the command line takes it."""
        given = [self.answer] if isinstance(self.answer, str) else [f"{k}={v}" for k, v in self.answer.items()]
        return " ".join(f"--{self.name}{'=' if each[:1] == '-' else ' '}{shlex.quote(each)}" for each in given)


def ask(questions: Iterable[Question | None]) -> None:
    """Stop where anything has to be said.

    Raises
    ------
    InputError
        If so: one message that has it all.
    """
    open_ = [question for question in questions if question is not None]
    if not open_:
        return
    found = "; ".join(question.found for question in open_)
    how = "".join(f"; {question.how}" for question in open_ if question.how)
    plan = ", ".join(f"{question.name}={question.answer!r}" for question in open_)
    msg = f"{found}. Say what holds, such as {plan} (on the command line {' '.join(q.option for q in open_)}){how}"
    raise InputError(msg)
