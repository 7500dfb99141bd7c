"""The noun that ``inspect`` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import first_three
from .id_kinds import ID_KINDS, IdKind
from .scales import SCALE_NAMES, Scale

__all__ = ["Column", "Inspection"]


@dataclass(frozen=True)
class Column:
    """A column of ``obs`` with how many samples have each value.

    With a pattern, its values are taken by what that finds in its brackets: a person's part of a sample's title.
    A column of numbers is compared with numbers in a query.
    """

    name: str
    counts: Mapping[str, int]
    pattern: str | None = None
    numeric: bool = False

    def __str__(self) -> str:
        values = first_three((f"{value} {count}" for value, count in self.counts.items()), n=4)
        name = self.name if self.pattern is None else f"{self.name} by subject_pattern {self.pattern!r}"
        return f"{name} ({len(self.counts)} values: {values})"


@dataclass(frozen=True)
class Inspection:
    """What a table holds.

    Attributes
    ----------
    path, format
        The file, and how it is written.
    samples, genes
        The shape.
    ids
        Kind of gene id, the share of ids that look like it, examples.
    platform
        GEO's name for the array of probes, as the file says or else the usual one; empty where there is none.
    versioned, mangled, repeated
        Genes whose Ensembl id carries a version, that a spreadsheet made a date of, that occur again.
    scale
        Scale of the values and the evidence for it.
    floor
        The value that many share as the lowest, and their share; None where there is none.
    missing, infinite
        Values that are NaN or infinite.
    batches, labels, subjects
        Columns of ``obs`` that may say so.
    columns
        Every column of ``obs``, with counts where it has at most twelve values.
    notes
        What reading found out.
    next
        The command to type next.
    levels
        What is odd about the samples' levels; empty for nothing.
    no_genes
        Whether no name is a gene's, by the shipped table or by its shape: a sample sheet, or other omics.
    copies
        Samples that hold exactly the values of another one; empty for none.
    sheet
        What became of the rows of a sample sheet; None without one.
    """

    path: str
    format: str
    samples: int
    genes: int
    ids: IdKind
    platform: str
    versioned: int
    mangled: int
    repeated: int
    scale: Scale
    floor: tuple[float, float] | None
    missing: int
    infinite: int
    batches: tuple[Column, ...]
    labels: tuple[Column, ...]
    subjects: tuple[Column, ...]
    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    next: str
    levels: str = ""
    no_genes: bool = False
    copies: str = ""
    sheet: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain containers, as JSON takes them."""
        plain = asdict(self)
        return {**plain, "ids": self.ids._asdict(), "scale": self.scale._asdict()}

    def to_text(self) -> str:
        """One line for each thing found."""
        ids = f"{self.ids.kind}: {ID_KINDS[self.ids.kind]}, {self.ids.share:.0%} ({', '.join(self.ids.examples)})"
        odd = {"with a version": self.versioned, "made a date by a spreadsheet": self.mangled, "again": self.repeated}
        lines = {
            "file": f"{self.path}, {self.format}",
            "shape": f"{self.samples:,} samples x {self.genes:,} genes",
            "gene ids": "; ".join([ids, *(f"{count} {what}" for what, count in odd.items() if count)]),
            "scale": f"{self.scale.name}: {SCALE_NAMES[self.scale.name]} ({self.scale.evidence})",
            "floor": "none" if self.floor is None else f"{self.floor[0]:g}, where {self.floor[1]:.0%} of values sit",
            "levels": self.levels,
            "copies": self.copies,
            "gaps": f"{self.missing:,} missing, {self.infinite:,} infinite",
            "labels": _listed(self.labels),
            "subjects": _listed(self.subjects),
            "batches": _listed(self.batches),
            "reading": "; ".join(self.notes),
            "next": self.next,
        }
        return "\n".join(f"{name:<9} {text}" for name, text in lines.items() if text)


def _listed(columns: tuple[Column, ...]) -> str:
    return "; ".join(str(column) for column in columns[:4]) + (f"; {len(columns) - 4} more" if len(columns) > 4 else "")
