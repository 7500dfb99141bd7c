"""What a table is called when nobody names it."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["plain_name"]


def plain_name(path: Path) -> str:
    """A file's name without its suffixes."""
    return re.sub(r"(\.(gz|csv|tsv|txt|tab|sif|gmt))+$", "", path.name, flags=re.IGNORECASE)
