"""Patient groups that come back over resamples more clearly than in a cohort without groups, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from anndata import AnnData
from sklearn.preprocessing import PowerTransformer

from .._core.workers import each
from ..errors import InputError, UnknownNameError
from ..models import Folds
from ..nodes.layers import check_layer
from ..nouns import Groups, Model
from ..nouns.contrast import persons
from ..nouns.model import bottleneck
from ..stats.subjects import numbered
from ._applicability import seen
from ._consensus_clusters import ambiguity, consensus_of, grouped
from ._describe import describe, explained

__all__ = ["Read", "groups_of", "means_of", "stratify"]

NUMBERS = range(2, 7)
LEAST_SUBJECTS = 20
LEAST_SHARE = 0.05
AXES = 10
REACH = 2.5
NULLS, TRIAL = 49, 50
ALPHA = 0.02


@dataclass(frozen=True)
class Read:
    """Whose the samples of a table are.

    Attributes
    ----------
    subjects, subject_n, position_n
        Names of the subjects, each sample's, and its position among them.
    """

    subjects: tuple[str, ...]
    subject_n: np.ndarray
    position_n: np.ndarray

    @classmethod
    def of(cls, adata: AnnData, subject_n: np.ndarray) -> Read:
        """Count them.

        Raises
        ------
        InputError
            If there are fewer than twenty.
        """
        subjects, position_n = numbered(subject_n)
        if len(subjects) < LEAST_SUBJECTS:
            msg = (
                f"{adata.n_obs} samples of {len(subjects)} subject{'' if len(subjects) == 1 else 's'} hold no groups "
                f"to speak of, at least {LEAST_SUBJECTS} subjects are needed"
            )
            raise InputError(msg)
        return cls(tuple(subjects), subject_n, position_n)


@dataclass(frozen=True)
class _Axes:
    """Subjects on the principal axes of their mean codes, winsorised, and as they were."""

    centre_k: np.ndarray
    axes_ka: np.ndarray
    a_sa: np.ndarray
    whole_sa: np.ndarray


def stratify(
    adata: AnnData,
    model: Model,
    *,
    subject: str | None = None,
    layer: str | None = None,
    explain: Sequence[str] = (),
    folds: Folds | None = None,
    resamples: int = 200,
    seed: int = 0,
) -> Groups:
    """Look for groups of subjects by consensus clustering, and say so if there are none.

    Each subject's codes are averaged over its samples and read along their first ten principal axes. Two to six groups
    are tried: k-means on resamples of four fifths of the subjects, each from another start. The share of pairs that
    fall together neither nearly always nor nearly never is held against the same in 49 cohorts without groups, drawn
    from a Gaussian with the subjects' covariance, and in 49 that are as skewed along each axis as the subjects are. The
    number that stands out most counts if it does so more than any number does in any of the 49, in both; by chance
    either happens in 2 of 100 cohorts without groups.

    Parameters
    ----------
    adata
        Samples x genes.
    model
        A trained model.
    subject
        Column that says whose sample it is.
    layer
        Whose codes to read, by default the last layer's.
    explain
        Columns of ``obs`` that groups should not be: batch, cell percentages. ``about["explained"]`` is how well they
        alone tell the groups apart on held-out subjects (balanced accuracy; 0 at chance, 1 if wholly).
    folds
        Fold models of the model's spec: how far off unseen samples lie is told by models that have not seen them.
    resamples
        Of the final grouping.
    seed
        Seed of everything drawn.

    Returns
    -------
    Groups with their centres, members, stability by number, and what goes with them; one centre if there are none.

    Raises
    ------
    UnknownNameError
        If a column or layer does not exist.
    InputError
        If there are fewer than 20 subjects, or their codes do not vary.

    Notes
    -----
    Monti et al. 2003, doi 10.1023/A:1023949509487; the null as in M3C, John et al. 2020,
    doi 10.1038/s41598-020-58766-1. Values beyond 2.5 standard deviations of an axis are winsorised, so that a few
    outliers are no group. A cohort whose axes are heavy-tailed together differs from the nulls without having groups.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()[::4].copy()
    >>> model = gl.models.PCA(4).fit(adata)
    >>> gl.patients.stratify(adata, model, resamples=50).members.shape
    (63, 3)
    """
    layer = check_layer(model, bottleneck(model) if layer is None else layer)
    read = Read.of(adata, persons(adata.obs, subject))
    # What does not fit is told before the clustering, which takes long.
    for name in explain:
        if name not in adata.obs:
            raise UnknownNameError("column to explain by", name, adata.obs.columns, where="obs")
    if folds is not None:
        folds.of(adata, read.subject_n, model=model)
    x_ng = model.prepare(adata)
    h_sk = means_of(model.encode(x_ng, layer), read.position_n)
    found, _ = groups_of(adata, model, h_sk, read=read, subject=subject, layer=layer, resamples=resamples, seed=seed)
    group_s = found.members["group"].to_numpy(dtype=object)
    about = dict(found.about) | {"explain": list(explain)}
    about["explained"] = explained(adata.obs, explain, position_n=read.position_n, group_s=group_s, seed=seed)
    known = seen(adata, model, x_ng, subject_n=read.subject_n, folds=folds, seed=seed)
    return replace(found, about=about | {"applicability": known.plain()})


def groups_of(
    adata: AnnData,
    model: Model,
    h_sk: np.ndarray,
    *,
    read: Read,
    subject: str | None,
    layer: str,
    resamples: int,
    seed: int,
) -> tuple[Groups, np.ndarray]:
    """Groups of subjects by their mean codes, and the subjects on the axes, shape ``(s, a)``."""
    axes = _axes(h_sk)
    stability, number = _stability(axes, seed=seed)
    label_s, confidence_s = np.zeros(len(h_sk), dtype=np.int64), np.full(len(h_sk), np.nan)
    if number:
        label_s, confidence_s = grouped(consensus_of(axes.a_sa, number, resamples=resamples, seed=seed), number)
    names = [chr(ord("A") + g) for g in range(label_s.max() + 1)]
    group_s = np.array(names, dtype=object)[label_s] if number else np.full(len(h_sk), "", dtype=object)
    centres = np.stack([axes.a_sa[label_s == g].mean(0) for g in range(len(names))])
    about = {
        "model": model.name,
        "model_digest": model.digest,
        "centre": axes.centre_k.tolist(),
        "axes": axes.axes_ka.tolist(),
        "spread": np.maximum((axes.a_sa - centres[label_s]).std(0), 1e-9).tolist(),
        "shares": (np.bincount(label_s) / len(label_s)).tolist(),
        "layer": layer,
        "seed": seed,
        "resamples": resamples,
        "subjects": len(h_sk),
    }
    columns = [f"axis{i + 1}" for i in range(len(centres.T))]
    found = Groups(
        pd.DataFrame(centres, index=pd.Index(names, name="group"), columns=columns),
        pd.DataFrame({"subject": read.subjects, "group": group_s, "confidence": confidence_s}),
        stability,
        describe(h_sk, layer, adata.obs, position_n=read.position_n, group_s=group_s, subject=subject),
        about,
    )
    return found, axes.a_sa


def _stability(axes: _Axes, *, seed: int) -> tuple[pd.DataFrame, int]:
    """Every number of groups against cohorts without groups, and the number that stands out; 0 if none does."""
    rng, a_sa = np.random.default_rng((seed, 4)), axes.a_sa
    # Gaussian cohorts with the spread of each axis, and those as skewed as the subjects.
    normal = [_winsorised(_uncorrelated(a_sa.shape, rng)) * a_sa.std(0) for _ in range(NULLS)]
    cohorts = [a_sa, *normal, *_skewed(axes.whole_sa, rng)]
    tasks = [(cohort_sa, seed + d) for d, cohort_sa in enumerate(cohorts)]
    value_dk = np.array(each(_ambiguities, tasks, says="clustering cohorts without groups"))
    normal_dk, skewed_dk = value_dk[1 : 1 + NULLS], value_dk[1 + NULLS :]
    z_k, p_k = _against(value_dk[0], normal_dk)
    p_k = np.maximum(p_k, _against(value_dk[0], skewed_dk)[1])
    mean_k = normal_dk.mean(0)
    columns = {"groups": list(NUMBERS), "statistic": value_dk[0], "null_mean": mean_k, "null_sd": normal_dk.std(0)}
    table = pd.DataFrame(columns).assign(z=z_k, p=p_k)
    # Which of the numbers that stand out: z would prefer those with little spread in the null.
    gain_k = np.where(p_k <= ALPHA, np.log(mean_k / np.maximum(value_dk[0], 0.01)), -np.inf)
    best = int(gain_k.argmax())
    return table, NUMBERS[best] if p_k[best] <= ALPHA and _large_enough(a_sa, NUMBERS[best], seed=seed) else 0


def _ambiguities(task: tuple[np.ndarray, int]) -> list[float]:
    """Of one cohort, by number of groups."""
    cohort_sa, seed = task
    return [ambiguity(consensus_of(cohort_sa, number, resamples=TRIAL, seed=seed)) for number in NUMBERS]


def _against(value_k: np.ndarray, null_dk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far each number stands out from cohorts without groups, and p over all numbers."""
    mean_k, sd_k = null_dk.mean(0), np.maximum(null_dk.std(0), 1e-3)
    z_k, z_dk = (mean_k - value_k) / sd_k, (mean_k - null_dk) / sd_k
    return z_k, (1.0 + (z_dk.max(1)[:, None] >= z_k).sum(0)) / (1.0 + len(null_dk))


def _uncorrelated(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Gaussian subjects whose axes are uncorrelated in the sample, as principal axes are; unit variance."""
    left_sa, _ = np.linalg.qr((drawn := rng.normal(size=shape)) - drawn.mean(0))
    return left_sa * np.sqrt(len(left_sa))


def _skewed(whole_sa: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Cohorts of one peak, as skewed along each axis as the subjects are.

    Gaussians through the inverse of the power that makes the axis most normal (Yeo and Johnson 2000,
    doi 10.1093/biomet/87.4.954).
    """
    sd_a = whole_sa.std(0)
    power = PowerTransformer().fit(whole_sa / sd_a)
    low_a, high_a = whole_sa.min(0) / sd_a, whole_sa.max(0) / sd_a
    for _ in range(NULLS):
        with np.errstate(all="ignore"):
            skewed_sa = power.inverse_transform(_uncorrelated(whole_sa.shape, rng))
        # Beyond what the power can give lies the end of the tail.
        end_a = np.where(high_a > -low_a, 2 * high_a, 2 * low_a)
        skewed_sa = np.clip(np.where(np.isfinite(skewed_sa), skewed_sa, end_a), 2 * low_a, 2 * high_a)
        yield _winsorised((skewed_sa - skewed_sa.mean(0)) / skewed_sa.std(0)) * sd_a


def _large_enough(a_sa: np.ndarray, number: int, *, seed: int) -> bool:
    label_s, _ = grouped(consensus_of(a_sa, number, resamples=TRIAL, seed=seed), number)
    return bool(np.bincount(label_s, minlength=number).min() >= max(3, LEAST_SHARE * len(a_sa)))


def _axes(h_sk: np.ndarray) -> _Axes:
    """Principal axes of the subjects' codes, winsorised."""
    centre_k = h_sk.mean(0)
    _, size_r, axis_rk = np.linalg.svd(h_sk - centre_k, full_matrices=False)
    kept = int((size_r > 1e-6 * max(size_r[0], 1e-12)).sum())
    if size_r[0] <= 1e-9:
        msg = f"the codes of all {len(h_sk)} subjects are the same; choose another layer or check the table"
        raise InputError(msg)
    axes_ka = axis_rk[: min(AXES, kept)].T
    whole_sa = (h_sk - centre_k) @ axes_ka
    return _Axes(centre_k, axes_ka, _winsorised(whole_sa), whole_sa)


def _winsorised(a_sa: np.ndarray) -> np.ndarray:
    reach_a = REACH * a_sa.std(0)
    return np.clip(a_sa, -reach_a, reach_a)


def means_of(h_nk: np.ndarray, position_n: np.ndarray) -> np.ndarray:
    """One profile per subject."""
    total_sk = np.zeros((position_n.max() + 1, h_nk.shape[1]))
    np.add.at(total_sk, position_n, h_nk)
    return total_sk / np.bincount(position_n)[:, None]
