"""Tests of what a node or module holds, one file each; importing them registers them."""
