"""Whether the genes of a set rank high or low in a whole profile, without a cut."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata

from ._collections import Collection
from ._registry import TESTS, Against, Findings
from ._subjects import Subjects
from .enrichment import KEPT, worth_keeping
from .nulls import adjust

__all__ = ["camera", "mean_correlation", "rank_sum", "rank_variance"]


@TESTS.register("rank_sum", doi="10.1214/aoms/1177730491")
def rank_sum(subjects: Subjects, against: Against) -> Findings | None:
    """Ranks of a set's genes in the signed profile, higher or lower than those of the other measured genes.

    Wilcoxon's rank sum test, two-sided, with ties and continuity allowed for. ``statistic`` is the AUROC, ``effect``
    its z. q: as for ``hypergeometric``. Genes count as independent, which co-expressed ones are not.
    """
    return _ranked(subjects, against, correlated=False)


@TESTS.register("camera", doi="10.1093/nar/gks461")
def camera(subjects: Subjects, against: Against) -> Findings | None:
    """The rank sum test with its variance inflated by the mean correlation of the set's genes over samples.

    As in CAMERA with ranks (Wu and Smyth 2012). A correlation below zero counts as none.
    """
    return _ranked(subjects, against, correlated=True) if against.x_ng is not None else None


def mean_correlation(x_ng: np.ndarray, collection: Collection) -> np.ndarray:
    """Mean correlation over samples between two genes of each set, shape ``(s,)``; genes that never vary count as 0.

    From the variance of the set's mean, without any pair of genes.
    """
    centred_ng = np.asarray(x_ng, dtype=np.float32) - x_ng.mean(0, dtype=np.float64).astype(np.float32)
    length_g = np.sqrt((centred_ng.astype(np.float64) ** 2).sum(0))
    unit_ng = centred_ng / np.where(length_g > 0, length_g, np.inf).astype(np.float32)
    sum_ns = (collection.member_gs.T.astype(np.float32) @ unit_ng.T).T.astype(np.float64)
    varying_s = collection.member_gs.T @ (length_g > 0)
    pairs_s = collection.size_s * (collection.size_s - 1)
    total_s = (sum_ns**2).sum(0) - varying_s
    return np.divide(total_s, pairs_s, out=np.zeros(len(pairs_s)), where=pairs_s > 0)


def rank_variance(
    inside: np.ndarray | float, outside: np.ndarray | float, correlation: np.ndarray | float
) -> np.ndarray:
    """Variance of the Mann-Whitney U of normal variables whose pairs inside the set are so correlated.

    Parameters
    ----------
    inside, outside
        Genes in the set and not in it.
    correlation
        Mean correlation inside.

    Examples
    --------
    >>> from genelight.evidence.ranks import rank_variance
    >>> float(rank_variance(5, 10, 0.0).round(4))
    66.6667
    """
    both = inside * outside
    total = np.arcsin(1.0) * both + np.arcsin(0.5) * both * (outside - 1)
    total = total + np.arcsin(correlation / 2) * both * (inside - 1) * (outside - 1)
    total = total + np.arcsin((correlation + 1) / 2) * both * (inside - 1)
    return np.asarray(total / (2 * np.pi))


def _ranked(subjects: Subjects, against: Against, *, correlated: bool) -> Findings | None:
    if not against.sets:
        return None
    live_k = np.ptp(subjects.value_kg, axis=1) > 0
    tables, families, mean_rho = [], {}, {}
    for collection in against.sets:
        rho_s = np.zeros(len(collection.sets))
        if correlated and against.x_ng is not None:
            rho_s = np.maximum(mean_correlation(against.x_ng, collection), 0.0)
            mean_rho[collection.name] = float(rho_s.mean())
        for of_family in subjects.families:
            tested = of_family[live_k[of_family]]
            if len(tested):
                names = np.asarray(subjects.names, dtype=object)[tested]
                tables.append(_rows(names, subjects.value_kg[tested], collection, rho_s=rho_s))
                families[f"{subjects.family_k[tested[0]]} against {collection.name}"] = len(tested) * len(rho_s)
    if not tables:
        return None
    about = {
        "universe": len(subjects.genes),
        "collections": {c.name: dict(c.account) for c in against.sets},
        "subjects": len(subjects),
        "profiles without a difference": int((~live_k).sum()),
        "tests adjusted over": families,
        "rows kept": KEPT,
        **({"mean correlation within sets": mean_rho} if correlated else {}),
    }
    return Findings(pd.concat(tables, ignore_index=True), about)


def _rows(names: np.ndarray, value_kg: np.ndarray, collection: Collection, *, rho_s: np.ndarray) -> pd.DataFrame:
    """One family against one collection, the pairs worth keeping."""
    inside_s = collection.size_s.astype(np.float64)
    outside_s = value_kg.shape[1] - inside_s
    rank_kg = rankdata(value_kg, axis=1)
    u_ks = (collection.member_gs.T @ rank_kg.T).T - inside_s * (inside_s + 1) / 2
    mean_s = inside_s * outside_s / 2
    sd_ks = np.sqrt(rank_variance(inside_s, outside_s, rho_s) * _ties(rank_kg)[:, None])
    # Half a rank towards the mean, as for any whole number that is taken as normal.
    z_ks = (np.maximum(np.abs(u_ks - mean_s) - 0.5, 0.0)) / sd_ks
    p_ks = np.minimum(2 * norm.sf(z_ks), 1.0)
    q_ks = adjust(p_ks.ravel()).reshape(p_ks.shape)
    k, s = np.nonzero(worth_keeping(p_ks, q_ks))
    pairs_s = inside_s * outside_s
    return pd.DataFrame(
        {
            "subject": names[k],
            "reference": [f"{collection.name}: {name}" for name in collection.sets[s]],
            "n": inside_s[s],
            "statistic": u_ks[k, s] / pairs_s[s],
            "effect": (np.sign(u_ks - mean_s) * z_ks)[k, s],
            "null_mean": 0.5,
            "null_sd": sd_ks[k, s] / pairs_s[s],
            "p": p_ks[k, s],
            "q": q_ks[k, s],
            "draws": 0,
            "seed": 0,
        }
    )


def _ties(rank_kg: np.ndarray) -> np.ndarray:
    """What ties leave of the variance of each profile's rank sums, shape ``(k,)``."""
    genes = rank_kg.shape[1]
    left = []
    for rank_g in rank_kg:
        count = np.unique(rank_g, return_counts=True)[1].astype(np.float64)
        left.append(1 - (count**3 - count).sum() / (genes**3 - genes))
    return np.array(left)
