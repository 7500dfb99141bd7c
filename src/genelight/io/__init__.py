"""Reading: expression tables by content, and every prior as one edge table ``source, target, weight``."""

# isort: off
# Each reader registers itself, and a file is asked about in this order.
from .containers import _arrow as _arrow
from .text import _csv as _csv
from .text import _folder as _folder
from .text import _gct as _gct
from .text import _geo as _geo
from .containers import _hdf5 as _hdf5
from .containers import _tenx as _tenx
from .containers import _xlsx as _xlsx
from .containers import _zarr as _zarr

# isort: on
from ._blocks import join_blocks
from ._exchange import from_table, to_table
from ._inspect import inspect
from ._read import read
from .priors._gene_values import read_gene_pvalues, read_perturbations
from .priors._network import read_network
from .priors._sets import read_gene_lists, read_sets
from .sheet import match_sheet
from .stores.store import Store, pack

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
