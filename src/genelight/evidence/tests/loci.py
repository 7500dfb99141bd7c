"""Overlap with the known genes of a disease, counted in loci: neighbours that one signal names count once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .._registry import TESTS, Against, Findings
from .._tested import LEAST_GENES, Items
from .enrichment import KEPT, rows_of

__all__ = ["loci"]


@TESTS.register("loci", doi="10.1093/bioinformatics/bts191", calibrated=False)
def loci(tested: Items, against: Against) -> Findings | None:
    """Loci of a disease that hold a gene of the list, more than of a list of other genes.

    For collections that say which genes share a locus. ``n`` is the size of the list, ``statistic`` the number of loci,
    ``effect`` its fold of the expected number. The chance of each locus is exact for its genes, with mean and variance
    of expression matched where they are given; loci count as independent, which makes p a trifle too large. q: as for
    ``hypergeometric``.
    """
    bin_g = np.zeros(len(tested.genes), dtype=np.int64) if against.bin_g is None else against.bin_g
    size_k = np.array([len(chosen) for chosen in tested.chosen[0]])
    tables, families, counted = [], {}, {}
    for collection in against.sets:
        if collection.loci is None:
            continue
        counted[collection.name] = sum(int(locus_m.max()) + 1 for _, locus_m in collection.loci)
        for of_family in tested.families:
            own_k = of_family[size_k[of_family] >= LEAST_GENES]
            if not len(own_k):
                continue
            lists = [tested.chosen[0][k] for k in own_k]
            found = [_one_set(lists, genes_m, locus_m, bin_g=bin_g) for genes_m, locus_m in collection.loci]
            hit_ks, mean_ks, sd_ks, p_ks = np.stack(found, axis=2)
            fold_ks = np.divide(hit_ks, mean_ks, out=np.full(hit_ks.shape, np.nan), where=mean_ks > 0)
            columns = {"n": size_k[own_k, None], "statistic": hit_ks, "effect": fold_ks}
            columns |= {"null_mean": mean_ks, "null_sd": sd_ks, "p": p_ks}
            tables.append(rows_of(np.asarray(tested.names, dtype=object)[own_k], collection, columns))
            families[f"{tested.family_k[own_k[0]]} against {collection.name}"] = p_ks.size
    if not tables:
        return None
    about = {
        "universe": len(tested.genes),
        "loci": counted,
        "too few genes": int((size_k < LEAST_GENES).sum()),
        "tests adjusted over": families,
        "rows kept": KEPT,
    }
    return Findings(pd.concat(tables, ignore_index=True), about)


def _one_set(lists: Sequence[np.ndarray], genes_m: np.ndarray, locus_m: np.ndarray, *, bin_g: np.ndarray) -> np.ndarray:
    """Loci that each list hits, their expected number, its standard deviation and p, shape ``(4, k)``."""
    count = int(locus_m.max()) + 1
    size_b = np.bincount(bin_g)
    drawn_kb = np.stack([np.bincount(bin_g[chosen], minlength=len(size_b)) for chosen in lists])
    # The i-th gene of a locus in one bin is missed by what misses the i before it.
    place = pd.DataFrame({"locus": locus_m, "bin": bin_g[genes_m]})
    before_m = place.groupby(["locus", "bin"]).cumcount().to_numpy()
    left_km = size_b[bin_g[genes_m]] - before_m
    missed_km = np.maximum(left_km - drawn_kb[:, bin_g[genes_m]], 0) / left_km
    missed_kl = np.ones((len(lists), count))
    for m, locus in enumerate(locus_m):
        missed_kl[:, locus] *= missed_km[:, m]
    hit_k = np.array([len(np.unique(locus_m[np.isin(genes_m, chosen)])) for chosen in lists])
    chance_kl = 1 - missed_kl
    sd_k = np.sqrt((chance_kl * missed_kl).sum(1))
    return np.stack([hit_k, chance_kl.sum(1), sd_k, _tail(chance_kl, hit_k)])


def _tail(chance_kl: np.ndarray, hit_k: np.ndarray) -> np.ndarray:
    """P(at least so many of independent events), all terms positive, shape ``(k,)``."""
    items, count = chance_kl.shape
    p_kh = np.zeros((items, count + 1))
    p_kh[:, 0] = 1.0
    for i in range(count):
        chance_k1 = chance_kl[:, i : i + 1]
        p_kh[:, 1 : i + 2] = p_kh[:, 1 : i + 2] * (1 - chance_k1) + p_kh[:, : i + 1] * chance_k1
        p_kh[:, :1] *= 1 - chance_k1
    tail_kh = np.cumsum(p_kh[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(tail_kh[np.arange(items), hit_k], 1.0)
