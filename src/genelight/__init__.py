"""genelight: lift the lid of deep models of gene expression.

Importing this loads neither torch nor matplotlib; each room is loaded when it is first used.

>>> import genelight as gl
>>> adata = gl.demo.cohort()
>>> adata.shape
(252, 4147)
"""

from __future__ import annotations

__version__ = "0.1.0"
