"""Whether the genes of a set rank high or low in a whole profile, without a cut."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata
from scipy.stats import t as student

from .._collections import Collection
from .._registry import TESTS, Against, Findings
from .._tested import Items
from .enrichment import KEPT, rows_of

__all__ = ["camera", "rank_sum"]

MOST_SAMPLES = 1000
LEAST_SAMPLES = 3


# What profiles and sets gave, as columns of Evidence.
Columns = dict[str, np.ndarray | float]
Compare = Callable[[np.ndarray, Collection], Columns]


@TESTS.register("rank_sum", doi="10.1214/aoms/1177730491", calibrated=False)
def rank_sum(tested: Items, against: Against) -> Findings | None:
    """Ranks of a set's genes in the signed profile, higher or lower than those of the other measured genes.

    Wilcoxon's rank sum test, two-sided, with ties and continuity allowed for. ``statistic`` is the AUROC, ``effect``
    its z. q: as for ``hypergeometric``. Genes count as independent, which co-expressed ones are not: not calibrated,
    more than half of the p values of profiles without meaning are up to 0.05.
    """
    return _ranked(tested, against, _by_ranks)


@TESTS.register("camera", doi="10.1093/nar/gks461")
def camera(tested: Items, against: Against) -> Findings | None:
    """Whether a set sticks out of the profile further than out of samples, in which genes go together.

    As in CAMERA (Wu and Smyth 2012) the variance of a set's mean is inflated by the correlation of its genes; here by
    all correlation, that of the other genes too. CAMERA takes that as none, and its p values are too small where the
    others go together as well (study ``calibration``). ``statistic`` is the mean normal score of the set's genes less
    that of the others; its variance is that of the same difference in the samples, each gene standardized over them,
    and at least that of independent genes. p is two-sided, by Student's t with a degree of freedom for each sample but
    one. Of more than a thousand samples a thousand are taken. Cost: one ranking of the genes in each.
    """
    if against.x_ng is None or len(against.x_ng) < LEAST_SAMPLES or not against.sets:
        return None
    score_ng = _sample_scores(against.x_ng)
    return _ranked(tested, against, lambda value_kg, collection: _beside(score_ng, value_kg, collection))


def _by_ranks(value_kg: np.ndarray, collection: Collection) -> Columns:
    inside_s = collection.size_s.astype(np.float64)
    outside_s = value_kg.shape[1] - inside_s
    rank_kg, pairs_s = rankdata(value_kg, axis=1), inside_s * outside_s
    apart_ks = (collection.member_gs.T @ rank_kg.T).T - inside_s * (inside_s + 1) / 2 - pairs_s / 2
    sd_ks = np.sqrt(pairs_s * (value_kg.shape[1] + 1) / 12 * _ties(rank_kg)[:, None])
    # Half a rank towards the mean, as for any whole number that is taken as normal.
    z_ks = np.sign(apart_ks) * np.maximum(np.abs(apart_ks) - 0.5, 0.0) / sd_ks
    found: Columns = {"n": collection.size_s, "statistic": apart_ks / pairs_s + 0.5, "effect": z_ks}
    p_ks = np.minimum(2 * norm.sf(np.abs(z_ks)), 1.0)
    return found | {"null_mean": 0.5, "null_sd": sd_ks / pairs_s, "p": p_ks}


def _ties(rank_kg: np.ndarray) -> np.ndarray:
    """What ties leave of the variance of each profile's rank sums, shape ``(k,)``."""
    genes = rank_kg.shape[1]
    left = []
    for rank_g in rank_kg:
        count = np.unique(rank_g, return_counts=True)[1].astype(np.float64)
        left.append(1 - (count**3 - count).sum() / (genes**3 - genes))
    return np.array(left)


def _beside(score_ng: np.ndarray, value_kg: np.ndarray, collection: Collection) -> Columns:
    """The profile as one more sample: its difference beside those of the others."""
    apart_ks, degrees = _apart(_normal_scores(value_kg), collection), len(score_ng) - 1
    inside_s = collection.size_s.astype(np.float64)
    independent_s = 1 / inside_s + 1 / (value_kg.shape[1] - inside_s)
    variance_s = np.maximum((_apart(score_ng, collection) ** 2).sum(0) / degrees, independent_s)
    sd_s = np.sqrt(variance_s)
    found: Columns = {"n": collection.size_s, "statistic": apart_ks, "effect": apart_ks / sd_s}
    p_ks = np.minimum(2 * student.sf(np.abs(apart_ks / sd_s), degrees), 1.0)
    return found | {"null_mean": 0.0, "null_sd": sd_s, "p": p_ks}


def _apart(score_kg: np.ndarray, collection: Collection) -> np.ndarray:
    """Mean score in each set less that outside of it, shape ``(k, s)``; the scores of a row sum to zero."""
    inside_s = collection.size_s.astype(np.float64)
    sum_ks = (collection.member_gs.T @ score_kg.T).T
    return np.asarray(sum_ks * (1 / inside_s + 1 / (score_kg.shape[1] - inside_s)))


def _sample_scores(x_ng: np.ndarray) -> np.ndarray:
    """Normal scores of the genes in up to a thousand samples, spread over the table, each gene standardized first."""
    taken = np.linspace(0, len(x_ng) - 1, min(len(x_ng), MOST_SAMPLES)).round().astype(np.int64)
    z_ng = np.asarray(x_ng[taken], dtype=np.float64)
    z_ng -= z_ng.mean(0)
    sd_g = z_ng.std(0)
    return _normal_scores(np.divide(z_ng, sd_g, out=np.zeros_like(z_ng), where=sd_g > 0))


def _normal_scores(value_kg: np.ndarray) -> np.ndarray:
    """Normal scores of the ranks in each row, of mean 0 and variance 1."""
    score_kg = norm.ppf((rankdata(value_kg, axis=1) - 0.5) / value_kg.shape[1])
    score_kg -= score_kg.mean(1, keepdims=True)
    sd_k = score_kg.std(1, keepdims=True)
    return np.asarray(np.divide(score_kg, sd_k, out=np.zeros_like(score_kg), where=sd_k > 0))


def _ranked(tested: Items, against: Against, compare: Compare) -> Findings | None:
    """Every family against every collection, the pairs worth keeping."""
    live_k = np.ptp(tested.value_kg, axis=1) > 0
    tables, families = [], {}
    for collection in against.sets:
        for of_family in tested.families:
            own_k = of_family[live_k[of_family]]
            if len(own_k):
                names = np.asarray(tested.names, dtype=object)[own_k]
                tables.append(rows_of(names, collection, compare(tested.value_kg[own_k], collection)))
                count = len(own_k) * len(collection.sets)
                families[f"{tested.family_k[own_k[0]]} against {collection.name}"] = count
    if not tables:
        return None
    about = {
        "universe": len(tested.genes),
        "collections": {c.name: dict(c.account) for c in against.sets},
        "tested": len(tested),
        "profiles without a difference": int((~live_k).sum()),
        "tests adjusted over": families,
        "rows kept": KEPT,
    }
    return Findings(pd.concat(tables, ignore_index=True), about)
