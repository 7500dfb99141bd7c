"""Pictures: every function draws one noun on an axes and returns the axes; none computes a result.

>>> from matplotlib.figure import Figure
>>> import pandas as pd
>>> from genelight import pl
>>> ax = pl.history(pd.DataFrame({"epoch": [0, 1], "r2": [0.1, 0.2]}), Figure().subplots())
>>> ax.get_xlabel()
'epoch'
"""

from __future__ import annotations

from ._card import node
from ._evidence import gene_sets, layers
from ._forest import forest
from ._genes import module, node_genes
from ._layer_map import layer_map
from ._module_network import module_network
from ._patients import calibration, patients
from ._samples import held_out, history, scores
from ._save import save
from ._scorecard import scorecard
from ._strip import nodes, reproducibility

__all__ = [
    "calibration",
    "forest",
    "gene_sets",
    "held_out",
    "history",
    "layer_map",
    "layers",
    "module",
    "module_network",
    "node",
    "node_genes",
    "nodes",
    "patients",
    "reproducibility",
    "save",
    "scorecard",
    "scores",
]
