"""What every section of the page answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from ...pl._picture import svg

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from .._read import Run

Figure = dict[str, str]


class Section(ABC):
    """One section: what a run found of one kind, as plain values, pictures and a part of the template.

    The template stands in ``templates/sections``, ``NAME.html.j2`` for the page and, where Markdown
    shows the section too, ``NAME.md.j2``.

    Attributes
    ----------
    name
        Its key in the summary, and the name of its templates.
    anchor
        Where links to it point.
    label
        What the navigation calls it.
    empty
        Its value where the run has nothing of the kind.
    optional
        Whether it is left out then, rather than saying which file would fill it.
    """

    name: ClassVar[str]
    anchor: ClassVar[str]
    label: ClassVar[str]
    empty: ClassVar[Any] = None
    optional: ClassVar[bool] = False

    @abstractmethod
    def gather(self, run: Run, evidence: pd.DataFrame) -> Any:
        """What the run found, as plain values fit for JSON, without the id of any sample or subject.

        `evidence` is the run's evidence with further columns, see :func:`.by_kind`.
        """

    def missing(self, found: Any) -> dict[str, str]:
        """What is not there, by name: a sentence that says which file would fill it."""
        return {}

    def figures(self, run: Run, found: Any) -> dict[str, Figure]:
        """Pictures by name, from what :meth:`gather` gave."""
        return {}


def figure(
    draw: Callable[[Any], object],
    *,
    name: str,
    alt: str,
    table: pd.DataFrame,
    caption: str = "",
    height: float = 3.2,
    width: float = 4.8,
) -> dict[str, Figure]:
    """A picture with a caption to read, a description for those who cannot see it, and the numbers behind it."""
    numbers = table.to_csv(index=False, float_format="%.6g")
    return {name: {"svg": svg(draw, name=name, alt=alt, size=(width, height)), "caption": caption, "csv": numbers}}
