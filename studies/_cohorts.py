"""People whose expression goes together as it does in life: lupus, influenza and studies of the compendium."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

import numpy as np
import pandas as pd
from anndata import AnnData

from genelight import Contrast, Genes, demo, io

from ._modules import DATA

__all__ = ["COHORTS", "COMPENDIUM", "as_table", "compendium_study", "drawn_labels", "people", "person_means"]

FLOOR, MOST = 3.33, 12_000
COMPENDIUM = ("TB_GSE56153", "DM_nakayama", "CMS_crcTCGAsubset")


def people(name: str) -> tuple[np.ndarray, Genes]:
    """One row of values per person of a cohort, and its genes."""
    return COHORTS[name]()


def as_table(x_ng: np.ndarray, genes: Genes) -> AnnData:
    """Rows as samples of their own."""
    obs = pd.DataFrame(index=[f"s{i}" for i in range(len(x_ng))])
    return AnnData(x_ng, obs=obs, var=pd.DataFrame(index=list(genes.ids)))


def person_means(adata: AnnData, subject: str) -> np.ndarray:
    """Each person's mean, people in order of their names."""
    x_ng, who_n = np.asarray(adata.X, dtype=np.float64), adata.obs[subject].astype(str).to_numpy()
    return np.stack([x_ng[who_n == s].mean(0) for s in np.unique(who_n)])


def drawn_labels(people: int, size: int | None, rng: np.random.Generator) -> tuple[np.ndarray, Contrast]:
    """Some people in a random order, the first half of them cases."""
    picked = rng.permutation(people)[: people if size is None else 2 * size]
    case_n = np.arange(len(picked)) < len(picked) // 2
    return picked, Contrast(case_n, ~case_n, np.arange(len(picked)), "drawn labels")


@cache
def compendium_study(name: str) -> AnnData:
    """One study of the compendium in the genes that it measured; values are normal scores within each sample."""
    adata = io.read(DATA / "compendium/human_bulk.h5ad", dense=True)
    adata = adata[adata.obs["study"] == name]
    return adata[:, np.isfinite(np.asarray(adata.X)).all(0)].copy()


@cache
def _influenza() -> tuple[np.ndarray, Genes]:
    """Each volunteer's mean from 45 hours on."""
    adata = demo.cohort()
    return person_means(adata[adata.obs["hours"] >= 45], "subject"), Genes(tuple(adata.var_names))


@cache
def _lupus(file: str, subject: str) -> tuple[np.ndarray, Genes]:
    """Each person's mean, genes that lie above the floor in most samples and are expressed most."""
    adata = io.read(DATA / file, dense=True)
    if "set" in adata.obs:
        adata = adata[adata.obs["set"] != "technical_replicate"]
    middle_g = np.median(np.asarray(adata.X), axis=0)
    adata = adata[:, (middle_g > FLOOR) & (middle_g >= np.sort(middle_g)[-MOST:][0])].copy()
    adata.obs["person"] = adata.obs[subject].astype(str).str.extract("^(.+?)(?:V[0-9]+)?$", expand=False)
    return person_means(adata, "person"), Genes(tuple(adata.var_names))


def _of_compendium(name: str) -> Callable[[], tuple[np.ndarray, Genes]]:
    def found() -> tuple[np.ndarray, Genes]:
        adata = compendium_study(name)
        return person_means(adata, "patient"), Genes(tuple(adata.var_names))

    return found


COHORTS: Mapping[str, Callable[[], tuple[np.ndarray, Genes]]] = MappingProxyType(
    {
        "influenza": _influenza,
        "lupus, children": lambda: _lupus("sle_blood_GSE65391.h5ad", "subject"),
        "lupus, adults": lambda: _lupus("sle_blood_GSE49454.h5ad", "Sample_title"),
        **{name: _of_compendium(name) for name in COMPENDIUM},
    }
)
