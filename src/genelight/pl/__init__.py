"""Pictures: every function draws a noun, or what the verb of its name found, on an axes and returns the axes.

None computes a result. Pictures of the tables of a run stand beside these, for the report alone.

>>> from matplotlib.figure import Figure
>>> import genelight as gl
>>> nodes = gl.light_up(gl.models.PCA(2).fit(gl.demo.cohort()), "PC")
>>> gl.pl.node_genes(nodes, "PC.0", Figure().subplots()).get_title(loc="left")
'PC.0'
"""

from __future__ import annotations

from ._card import node
from ._evidence import gene_sets
from ._forest import forest
from ._genes import module, node_genes
from ._layer_map import layer_map
from ._module_network import module_network
from ._samples import calibration
from ._scorecard import scorecard
from ._strip import reproducibility

__all__ = [
    "calibration",
    "forest",
    "gene_sets",
    "layer_map",
    "module",
    "module_network",
    "node",
    "node_genes",
    "reproducibility",
    "scorecard",
]
