"""What a column of delimited text is read as."""

from __future__ import annotations

__all__ = ["NUMBER", "SKIP", "TEXT"]

TEXT, NUMBER, SKIP = 0, 1, 2
