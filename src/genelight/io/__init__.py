"""Reading: expression tables by content, and every prior as one edge table ``source, target, weight``."""

from . import _arrow as _arrow  # each reader registers itself
from . import _csv as _csv
from . import _folder as _folder
from . import _gct as _gct
from . import _geo as _geo
from . import _hdf5 as _hdf5
from . import _tenx as _tenx
from . import _xlsx as _xlsx
from . import _zarr as _zarr
from ._blocks import join_blocks
from ._exchange import from_table, to_table
from ._gene_values import read_gene_pvalues, read_perturbations
from ._inspect import inspect
from ._network import read_network
from ._read import read
from ._sets import read_gene_lists, read_sets
from .sheet import match_sheet
from .store import Store, pack

__all__ = [
    "Store",
    "from_table",
    "inspect",
    "join_blocks",
    "match_sheet",
    "pack",
    "read",
    "read_gene_lists",
    "read_gene_pvalues",
    "read_network",
    "read_perturbations",
    "read_sets",
    "to_table",
]
