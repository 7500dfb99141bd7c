"""The account of a mapping, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..io.id_kinds import ID_KINDS

__all__ = ["describe"]

_LINES = {
    "unmapped": "no gene found, dropped",
    "not_asked": "of other genes, not used",
    "mended": "dates that Excel made of symbols, mended",
    "renamed": "renamed by HGNC because of Excel",
    "loc": "found by the Entrez id behind LOC",
    "alias": "found by alias or withdrawn symbol",
    "case": "found in other case",
    "yielded": "dropped since another column leads to the same gene more directly",
}


def describe(account: Mapping[str, Any]) -> str:
    """Lines of text; what did not occur is left out."""
    kind = ID_KINDS.get(account["ids"], account["ids"])
    lines = [
        f"ids: {account['columns']:,} of kind {account['ids']} ({kind}; {account['first']}), to {account['to']}",
        f"by {account['table']}",
    ]
    for key, words in _LINES.items():
        if account.get(key):
            lines.append(f"  {account[key]:,} {words} ({account[f'{key}_first']})")
    if account["several"]:
        what = "dropped" if account["several_rule"] == "drop" else "copied to each"
        lines.append(f"  {account['several']:,} of several genes, {what} ({account['several_first']})")
    if account["collapsed"]:
        lines.append(
            f"  {account['collapsed']:,} columns of {account['collapsed_genes']:,} genes that have several, one each "
            f"by {account['collapse']} over {account['samples']} samples"
        )
    lines.append(f"{account['genes']:,} genes")
    if "asked" in account:
        lines[-1] = (
            f"of {account['asked']:,} genes asked for {account['genes']:,} found, {account['missing']:,} missing"
            + (f" ({account['missing_first']})" if account["missing"] else "")
        )
    if account.get("absent"):
        lines.append(f"  {account['absent']:,} genes lack their column in this file ({account['absent_first']})")
    return "\n".join(lines)
