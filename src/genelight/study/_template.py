"""A study file to fill in, written from the settings themselves so that it cannot fall behind them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ._settings import (
    EMBEDDED,
    Contrast,
    Data,
    Genetics,
    Model,
    ModuleSettings,
    Network,
    Patients,
    ScorecardSettings,
    Second,
    Sets,
    Tests,
)

_FILL_IN = {
    "expression": "cohort.h5ad",
    "case": 'disease == "lupus"',
    "control": 'disease == "healthy"',
    "file": "disease_genes.tsv",
    "disease": "systemic lupus erythematosus",
    "subject": "subject",
    "measure": "sledai",
}
OPTIONAL = ("genetics", "scorecard", "second", "patients")


def template(
    *,
    replaced: Mapping[str, Sequence[str]] = MappingProxyType({}),
    head: Sequence[str] = (),
    optional: Sequence[str] = OPTIONAL,
) -> str:
    """A commented study file with every key, its meaning and its default.

    Parameters
    ----------
    replaced
        Lines to put in place of those of a section, by its title: ``"[data]"``.
    head
        Lines before the first section.
    optional
        Sections that stand there as comments.

    Examples
    --------
    >>> print(template().splitlines()[0])
    # A genelight study. Run it with: genelight run study.toml --out RUN
    """
    lines = [
        "# A genelight study. Run it with: genelight run study.toml --out RUN",
        "# Files are relative to this one. Lines behind # show defaults; remove the # to change them.",
        *head,
    ]
    sections: list[tuple[str, type[BaseModel]]] = [
        ("[data]", Data),
        ("[contrast]", Contrast),
        ("[model]", Model),
        ("[network]", Network),
        ("[[sets]]", Sets),
        ("[[genetics]]", Genetics),
        ("[module]", ModuleSettings),
        ("[tests]", Tests),
        ("[scorecard]", ScorecardSettings),
        ("[second]", Second),
        ("[patients]", Patients),
    ]
    for title, section in sections:
        commented = title.strip("[]") in optional
        lines += ["", f"# {(section.__doc__ or '').strip()}", f"# {title}" if commented else title]
        lines += replaced.get(title) or [
            _line(name, field, optional=commented) for name, field in section.model_fields.items()
        ]
    return "\n".join(lines) + "\n"


def section_lines(section: type[BaseModel], *, set_to: Mapping[str, Any], asked: Sequence[str]) -> list[str]:
    """Lines of a section with some keys set; those that must be given and are not `asked` for are left out."""
    lines = []
    for name, field in section.model_fields.items():
        if name in set_to:
            lines.append(f"{f'{name} = {as_toml(set_to[name])}':<46} # {field.description}")
        elif name in asked or not field.is_required():
            lines.append(_line(name, field, optional=True))
    return lines


def _line(name: str, field: FieldInfo, *, optional: bool) -> str:
    if (field.default is PydanticUndefined and field.default_factory is None) or name == "subject":
        text = f"{name} = {as_toml(_FILL_IN[name])}"
        return f"{'# ' if optional else ''}{text:<46} # {field.description}"
    default = field.get_default(call_default_factory=True)
    shown = f"{name} = {as_toml(default)}" if default not in (None, {}, []) else f"{name} ="
    if default == EMBEDDED and not optional:
        return f"{shown:<46} # {field.description}"
    return f"# {shown:<44} # {field.description}"


def to_toml(settings: BaseModel) -> str:
    """The settings in full as TOML; keys that are unset are left out."""
    lines: list[str] = []
    for name, value in settings.model_dump(mode="json", exclude_none=True).items():
        if value is False:
            lines.insert(0, f"{name} = false")
        elif isinstance(value, list):
            for part in value:
                lines += ["", f"[[{name}]]", *_pairs(part)]
        else:
            lines += ["", f"[{name}]", *_pairs(value)]
    return "\n".join(lines).lstrip() + "\n"


def _pairs(table: dict[str, Any]) -> list[str]:
    return [f"{key} = {as_toml(value)}" for key, value in table.items()]


def as_toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {as_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, str) and '"' in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    # TOML's other strings, numbers, booleans and arrays are written as JSON's, which lets one control character stand.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
