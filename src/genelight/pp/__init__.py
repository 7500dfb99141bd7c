"""From an expression table to the numbers a model sees, and the same again for any later table."""

from .prepare import Preparation, prepare

__all__ = ["Preparation", "prepare"]
