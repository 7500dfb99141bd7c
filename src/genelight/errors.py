"""Every error genelight raises on purpose, on one page.

::

    GenelightError            anything of ours; catch this to catch them all
    ├── InputError            (ValueError) what you passed does not fit
    │   ├── GeneMismatchError genes of two things do not match well enough
    │   └── UnknownNameError  a name that does not exist; says which one you may have meant
    ├── FormatError           (ValueError) a file is not what it should be; names file and line or key
    └── ResourceError         (OSError) disk, memory or a file that cannot be had

A message says what was found, where, and what to type. The command line prints it as one line and
ends with exit code 2; the library never exits.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "FormatError",
    "GeneMismatchError",
    "GenelightError",
    "InputError",
    "ResourceError",
    "UnknownNameError",
]


class GenelightError(Exception):
    """Root of every error genelight raises on purpose.

    Examples
    --------
    >>> import genelight as gl
    >>> try:
    ...     gl.read("absent.csv")
    ... except gl.GenelightError as error:
    ...     print(type(error).__name__)
    ResourceError
    """


class InputError(GenelightError, ValueError):
    """An argument, a table or a study file does not fit; the message says what to type.

    Examples
    --------
    >>> import genelight as gl
    >>> try:
    ...     gl.models.Grid(widths=())
    ... except gl.errors.InputError as error:
    ...     print(error)
    widths is empty: there is nothing to compare
    """


class GeneMismatchError(InputError):
    """Two gene lists share too little for the result to mean anything.

    Examples
    --------
    >>> import genelight as gl
    >>> model = gl.models.PCA(4).fit(gl.demo.cohort())
    >>> try:
    ...     gl.encode(gl.demo.cohort()[:, :60].copy(), model, layer="PC")
    ... except gl.errors.GeneMismatchError as error:
    ...     print(str(error).partition(" (")[0])
    only 60 of the model's 4147 genes are in this table
    """


class UnknownNameError(InputError):
    """A name that does not exist among the known ones.

    Parameters
    ----------
    what
        The kind of thing named, such as ``"obs column"``.
    name
        What was asked for.
    known
        What there is.
    where
        Where it was looked for, such as a file name.

    Examples
    --------
    >>> import genelight as gl
    >>> try:
    ...     gl.models.Grid(preset="defalt")
    ... except gl.errors.UnknownNameError as error:
    ...     print(error)
    unknown preset 'defalt'; did you mean 'default'?
    """

    def __init__(self, what: str, name: object, known: Iterable[object], *, where: str = "") -> None:
        names = [str(k) for k in known]
        folded = {k.casefold(): k for k in names}
        close = [folded[k] for k in difflib.get_close_matches(str(name).casefold(), folded, n=3, cutoff=0.6)]
        place = f" in {where}" if where else ""
        if close:
            hint = "did you mean " + " or ".join(repr(c) for c in close) + "?"
        elif names:
            hint = f"there are {len(names)}: {first_three(names, n=8)}"
        else:
            hint = "there are none"
        super().__init__(f"unknown {what} {str(name)!r}{place}; {hint}")

    def __reduce__(self) -> tuple[object, ...]:
        """As it goes from one process to another: by its message."""
        return _with_message, (type(self), str(self))


class FormatError(GenelightError, ValueError):
    """A file is damaged or not of the format it claims; the message names file and line or key.

    Examples
    --------
    >>> import genelight as gl, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "study.toml"
    ...     _ = path.write_text("[data")
    ...     try:
    ...         gl.study.Study.load(path)
    ...     except gl.errors.FormatError as error:
    ...         print(str(error).replace(folder, ""))
    /study.toml is not valid TOML: Expected ']' at the end of a table declaration (at end of document)
    """


class ResourceError(GenelightError, OSError):
    """A file, disk space or memory that cannot be had.

    Examples
    --------
    >>> import genelight as gl
    >>> try:
    ...     gl.read("absent.csv")
    ... except gl.errors.ResourceError as error:
    ...     print(error)
    absent.csv does not exist
    """


def _with_message(kind: type[GenelightError], message: str) -> GenelightError:
    error = kind.__new__(kind, message)
    error.args = (message,)
    return error


def first_three(items: Iterable[object], *, n: int = 3) -> str:
    """The first `n` items as text, with the count of the rest: ``A, B, C and 7 more``."""
    texts = [str(i) for i in items]
    rest = len(texts) - n
    return ", ".join(texts[:n]) + (f" and {rest} more" if rest > 0 else "")
