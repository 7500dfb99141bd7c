"""Inner loops in machine code: kept on the disk where there is a place for it, compiled anew where there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar, cast

import numba

__all__ = ["compiled"]

Loop = TypeVar("Loop", bound=Callable[..., object])


def compiled(*, inline: Literal["never", "always"] = "never") -> Callable[[Loop], Loop]:
    """Compile a function that lets other threads run.

    What was compiled is kept beside the source, else in the user's cache. Where neither can be written (a package
    installed by root, a home that is read-only), each process compiles it anew, about a second for each function.

    Parameters
    ----------
    inline
        ``"always"`` puts the function's body where it is called.
    """

    def make(function: Loop) -> Loop:
        try:
            return cast("Loop", numba.njit(nogil=True, cache=True, inline=inline)(function))
        except RuntimeError:  # no place to keep it
            return cast("Loop", numba.njit(nogil=True, inline=inline)(function))

    return make
