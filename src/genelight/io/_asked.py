"""What a user said of a table, and the command that says so."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..errors import UnknownNameError

# The word that ends --annotations: nothing else describes samples or genes.
NONE = "none"


@dataclass(frozen=True)
class Asked:
    """What a user said of a table beyond its path; None where nothing was said.

    Attributes
    ----------
    orientation, modality, column
        As they were typed.
    backed
        Whether values stay on disk.
    annotations
        Names that describe samples or genes; what else does is told from the other names, unless there are none, or
        ``"none"`` is among them.
    """

    orientation: str | None = None
    modality: str | None = None
    column: str | None = None
    backed: bool | None = None
    annotations: tuple[str, ...] | None = None

    @property
    def closed(self) -> bool:
        """Whether nothing but what is named describes samples or genes."""
        return self.annotations is not None and (not self.annotations or NONE in self.annotations)

    @property
    def named(self) -> frozenset[str]:
        """Names that describe samples or genes."""
        return frozenset(self.annotations or ()) - {NONE}

    def check(self, there: Collection[str], path: object) -> None:
        """Stop where a name is not in the table.

        Raises
        ------
        UnknownNameError
            If one is not; says which may have been meant.
        """
        for name in sorted(self.named.difference(there)):
            raise UnknownNameError("annotation", name, sorted(there), where=str(path))

    def typed(
        self,
        path: object,
        *,
        annotations: Sequence[str] | None = None,
        closed: bool = False,
        orientation: str | None = None,
        column: str | None = None,
    ) -> str:
        """What stands behind ``genelight read`` to read the table with something more said.

        Under `closed`, nothing but `annotations` describes samples or genes.
        """
        named = self.annotations if annotations is None else [*annotations, *[NONE] * closed]
        options = {
            "orientation": orientation or self.orientation,
            "modality": self.modality,
            "column": column or self.column,
            "annotations": None if named is None else ",".join(named) or NONE,
        }
        said = [f"--{name} {shlex.quote(value)}" for name, value in options.items() if value]
        return " ".join([shlex.quote(str(path)), *said, "--out", written(path)])


NOTHING = Asked()


def written(path: object) -> str:
    """A file to write what is read of a table to, which is not the table itself."""
    return "mended.h5ad" if str(path).endswith("cohort.h5ad") else "cohort.h5ad"
