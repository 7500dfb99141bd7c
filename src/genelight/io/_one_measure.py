"""Of a table with several measures of each sample, one: the others stand beside the genes."""

from __future__ import annotations

from dataclasses import replace

from ..errors import InputError, UnknownNameError, first_three
from ._measures import Measures, measures_by_values, measures_of
from ._sides import Sides

__all__ = ["of_one_measure"]


def of_one_measure(sides: Sides) -> Sides:
    """Where columns hold several measures of each sample, one of them; the others stand beside the genes.

    Raises
    ------
    InputError
        If several may be expression and none was asked for, or there are none to ask for.
    UnknownNameError
        If there is no measure of the name asked for.
    """
    asked = sides.asked.column
    if sides.asked.closed and asked is None:
        return sides
    table = sides.moved_samples([i for i, s in enumerate(sides.samples) if s in sides.asked.named])
    found = None
    if table.in_columns:
        found = measures_of([*table.samples, *table.of_genes]) or measures_by_values(table.samples, table.x_ng)
    if found is not None:
        return _chosen(table, found, asked)
    if asked is not None:
        msg = f"{sides.path} has one value for each gene and sample, no {asked!r} among several; leave --column out"
        raise InputError(msg)
    return sides


def _chosen(table: Sides, found: Measures, asked: str | None) -> Sides:
    numbers = [m for m, columns in found.columns.items() if set(columns) <= set(table.samples)]
    likely = [m for m in found.values() if m in numbers]
    known = {name or "sample": name for name in numbers}
    if asked is None and (len(likely) != 1 or not found.known()):
        names = [name or "sample" for name in likely or numbers]
        others = set(table.samples).difference(*found.columns.values())
        left = [*table.asked.named, *(s for s in table.samples if s in others)]
        samples = table.asked.typed(table.path, annotations=left, closed=True)
        alike = "" if found.known() else f"; if every column is a sample: genelight read {samples}"
        msg = (
            f"{table.path}: columns hold {len(found.columns)} measures of each of {len(found.samples)} samples "
            f"({first_three((name or 'sample' for name in found.columns), n=8)}); say which is expression: "
            f"genelight read {table.asked.typed(table.path, column=names[0])}{alike}"
        )
        raise InputError(msg)
    if asked is not None and asked not in known:
        raise UnknownNameError("measure", asked, known, where=str(table.path))
    chosen = likely[0] if asked is None else known[asked]
    place = {name: i for i, name in enumerate(table.samples)}
    beside = [place[c] for m in numbers if m != chosen for c in found.columns[m]]
    name_of = dict(zip(found.columns[chosen], found.samples, strict=True))
    kept = table.moved_samples(sorted(beside))
    said = (
        f"{len(found.columns)} measures of each of {len(found.samples)} samples, of which "
        f"{chosen or 'the one without a name'} is taken"
    )
    return replace(kept, samples=[name_of.get(s, s) for s in kept.samples], said=(*kept.said, said))
