"""The embedded default: an influenza cohort, a protein network and pathways, with their sources and terms."""

from ._load import cohort, network, sets

__all__ = ["cohort", "network", "sets"]
