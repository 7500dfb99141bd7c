"""A picture as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from .._core.disk import writing
from ..errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes

__all__ = ["FORMATS", "save"]

FORMATS = (".png", ".svg", ".pdf")
"""What a picture's file name ends in."""
DPI = 160


def save(draw: Callable[[Axes], object], path: Path, *, size: tuple[float, float] = (4.8, 3.2)) -> None:
    """Draw off screen and write a file, whole or not at all.

    Parameters
    ----------
    draw
        Draws on the axes it is given: ``lambda ax: pl.node(card, ax)``.
    path
        Its ending says the format, one of :data:`FORMATS`.
    size
        Inches.

    Raises
    ------
    InputError
        If there is no such format.
    ResourceError
        If the file cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "line.png")
    ...     save(lambda ax: ax.plot([0, 1]), path)
    ...     path.read_bytes()[1:4]
    b'PNG'
    """
    if path.suffix not in FORMATS:
        msg = f"a picture cannot be written to {path}; choose a name that ends in {', '.join(FORMATS)}"
        raise InputError(msg)
    figure = Figure(figsize=size, layout="constrained")
    draw(figure.subplots())
    with writing(path) as draft:
        figure.savefig(draft, dpi=DPI)
