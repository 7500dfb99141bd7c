"""Tests of what a node or module holds, one subject a file; importing them registers them, in this order."""

from . import enrichment, network, loci, overlap, ranks  # noqa: F401, I001
