"""The embedded default: an influenza cohort, a protein network and pathways.

What the files hold, where they come from and on which terms stands in ``data/README.md``.
"""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..nouns import Edges

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["cohort", "network", "sets"]

_DATA = files(__package__) / "data"


def cohort() -> AnnData:
    """Whole blood of 17 volunteers infected with influenza H3N2, over 108 hours (GSE30550).

    Returns
    -------
    252 samples x 4147 genes (HGNC symbols), log2 intensities as float32; ``obs`` has ``subject``, ``hours``
    since infection (0 is the baseline), ``condition`` (whether the volunteer fell ill: symptomatic or
    asymptomatic), ``sex`` and ``age``.

    References
    ----------
    Huang et al. 2011, PLoS Genetics 7:e1002234, doi 10.1371/journal.pgen.1002234.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> adata.obs["subject"].nunique(), sorted(adata.obs["condition"].unique())
    (17, ['asymptomatic', 'symptomatic'])
    """
    import anndata

    with as_file(_DATA / "influenza_GSE30550.h5ad") as path:
        adata = anndata.read_h5ad(path)
    # Stored in whole thousandths, the precision of the source: half the size.
    adata.X = (adata.X / 1000).astype(np.float32)
    return adata


def network() -> Edges:
    """Physical interactions of human proteins: STRING v12, combined score 900 or more.

    Returns
    -------
    Edges between HGNC symbols; ``account`` says what the mapping from proteins to symbols dropped.

    References
    ----------
    Szklarczyk et al. 2023, Nucleic Acids Research 51:D638, doi 10.1093/nar/gkac1000.

    Examples
    --------
    >>> import genelight as gl
    >>> gl.demo.network().name
    'STRING v12 physical, score >= 900 (CC BY 4.0)'
    """
    return _edges("string_v12_physical900")


def sets() -> Edges:
    """Human pathways of Reactome.

    Returns
    -------
    Edges with the pathway in ``source`` and its gene, a HGNC symbol, in ``target``.

    References
    ----------
    Milacic et al. 2024, Nucleic Acids Research 52:D672, doi 10.1093/nar/gkad1025.

    Examples
    --------
    >>> import genelight as gl
    >>> gl.demo.sets().table["source"].nunique()
    1615
    """
    return _edges("reactome")


def _edges(name: str) -> Edges:
    about: dict[str, Any] = json.loads((_DATA / "manifest.json").read_text(encoding="utf-8"))[name]
    with as_file(_DATA / about["file"]) as path:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    return Edges(about["name"], table.assign(weight=1.0), "symbol", about["account"])
