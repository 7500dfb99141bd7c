"""What a cohort shows and what a model of many other samples lets expect, weighed by how well each is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from anndata import AnnData
from scipy import stats

from ...errors import InputError
from ...models.reference.within import AXES, wide_axes
from ...nodes.layers import check_layer
from ...nouns import Contrast, Model
from ...nouns.model import bottleneck
from ...stats.moderated import Moderated, Remembered
from ...stats.shared_effects import Axes, shared_effects
from .._registry import DERIVATIONS, Question, ask

LEAST_DF = 2
SURE = 0.05
FITS = 0.25
SHARED = 2.0  # of the three parts that a score has, those of the posterior mean
TOWARDS_CHANGE = 0.25  # power of a gene's standard deviation: 0 ranks by standard deviations, 1 by change
LEAD = 25  # genes by either ranking that are shown
MOVERS = 3  # axes that move a gene
NAMED = 8  # genes that say what an axis is


@DERIVATIONS.register("reference", doi="10.1038/s41588-018-0268-8")
class Reference:
    """Every gene's effect, with a model of many other samples as the prior of what goes together.

    Moderated t on the measured scale says what the cohort shows, the model which genes change together: each node's
    step, decoded, is an axis. How far the change along these axes, and of each gene by itself, is believed is
    learned from this cohort, residuals included, so that the model has little say where it does not fit, and less the
    more subjects there are (:func:`genelight.stats.shared_effects.shared_effects`). For small cohorts, with a model of
    other samples than the cohort's own.

    The score has three parts, each over its root mean square. Two are the posterior mean, times the fourth root of the
    gene's standard deviation, which favours genes that change by more. One is shared by the plain change along the
    axes, which has the square of the share of effects that lies on them (``on_axes``), and t, which has the rest. The
    sum is scaled to the spread of t. Beside it the table has the posterior ``effect`` in standard deviations and its
    ``posterior_sd``, the local false sign rate ``lfsr`` of the score's sign, and the moderated ``t``. The rate is of
    the whole effect in the people that the cohort was drawn from, ``effect`` of the part that others would share. Genes
    that the cohort lacks have a score of zero.
    """

    reads_codes: ClassVar[bool] = True

    def __init__(self, question: Question) -> None:
        design: Remembered = question.design
        check_df(question.contrast.name, design.df)
        model = self._model = question.model
        self._layer = bottleneck(model) if question.layer is None else check_layer(model, question.layer)
        self._design = design
        there_g = question.there_g
        self._there_g = np.ones(len(model.genes), dtype=bool) if there_g is None else there_g
        result = design.moderated()
        sd_g = np.sqrt(result.variance_bg[0])
        self._found = shared_effects(
            self._effects(result)[0],
            (design.design.residual_rg / np.where(sd_g > 0, sd_g, 1.0))[:, self._there_g],
            df=float(design.df),
            total_df=float(np.median(result.df_bg[0])),
            unit=float(result.unit_b[0]),
            axes=Axes.of(loadings(model, self._layer)[self._there_g]),
        )
        self._sd_g = (sd_g / spreads(model))[self._there_g]
        self._weights = self._weigh()
        self.columns: Mapping[str, np.ndarray] = self._columns()
        self.about: Mapping[str, Any] = self._told()

    def score(self, count_bs: np.ndarray) -> np.ndarray:
        """Combined scores, shape ``(b, g)``; weights are those of all subjects."""
        return self._spread(self._combined(self._design.moderated(count_bs)))

    @property
    def axes(self) -> Axes:
        """The model's axes, over the genes that were measured."""
        return self._found.axes

    def along(self) -> tuple[np.ndarray, np.ndarray]:
        """Change along each axis in standard deviations of genes, and how much of it is believed, each ``(k,)``."""
        return self._effects(self._design.moderated())[0] @ self.axes.basis_gk, self._found.weight_k

    def by_axis(self) -> np.ndarray:
        """What each axis gives to the score of every measured gene, shape ``(g, k)``; the rest is the gene's own."""
        along_k, weight_k = self.along()
        shared, plain, _ = self._weights
        change_k = self._changes(self._design.moderated())[0] @ self.axes.basis_gk
        shared_g = shared * self._sd_g**TOWARDS_CHANGE
        return np.asarray(self.axes.basis_gk * (shared_g[:, None] * weight_k * along_k + plain * change_k))

    def _weigh(self) -> tuple[float, float, float]:
        """What the three estimates are multiplied by: their say over their size, all to the spread of t."""
        result, trust = self._design.moderated(), self._found.on_axes**2
        say = SHARED, trust, 1 - trust
        shared, plain, own = (w / _size(each_bg) for w, each_bg in zip(say, self._estimates(result), strict=True))
        self._weights = shared, plain, own
        scale = _size(result.t_bg[:, self._there_g]) / _size(self._combined(result))
        return shared * scale, plain * scale, own * scale

    def _combined(self, result: Moderated) -> np.ndarray:
        """Scores of the measured genes, shape ``(b, g)``."""
        estimates = zip(self._weights, self._estimates(result), strict=True)
        return np.asarray(sum(weight * each_bg for weight, each_bg in estimates))

    def _estimates(self, result: Moderated) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Shared effects, changes along the axes, and effects as they are, each ``(b, g)`` of the measured genes."""
        effect_bg, basis_gk = self._effects(result), self.axes.basis_gk
        shared_bg = self._found.means(effect_bg) * self._sd_g**TOWARDS_CHANGE
        return shared_bg, (self._changes(result) @ basis_gk) @ basis_gk.T, effect_bg

    def _effects(self, result: Moderated) -> np.ndarray:
        """Differences in standard deviations of each gene, shape ``(b, g)``."""
        return np.asarray((result.t_bg * np.sqrt(result.unit_b)[:, None])[:, self._there_g])

    def _changes(self, result: Moderated) -> np.ndarray:
        """Differences in units of the genes' spread in the model's training, shape ``(b, g)``."""
        return np.asarray(result.effect_bg[:, self._there_g] / spreads(self._model)[self._there_g])

    def _spread(self, value_bg: np.ndarray, *, absent: float = 0.0) -> np.ndarray:
        """Values of the measured genes among all, shape ``(b, g)``."""
        full_bg = np.full((len(value_bg), len(self._there_g)), absent)
        full_bg[:, self._there_g] = value_bg
        return full_bg

    def _columns(self) -> dict[str, np.ndarray]:
        result, found = self._design.moderated(), self._found
        lfsr_g = found.false_sign(self._combined(result)[0])
        return {
            "logfc": np.where(self._there_g, result.effect_bg[0], np.nan),
            "t": np.where(self._there_g, result.t_bg[0], np.nan),
            "effect": self._spread(found.mean_g[None], absent=np.nan)[0],
            "posterior_sd": self._spread(found.sd_g[None], absent=np.nan)[0],
            "lfsr": self._spread(lfsr_g[None], absent=np.nan)[0],
        }

    def _told(self) -> dict[str, Any]:
        found = self._found
        sure = int((self.columns["lfsr"] < SURE).sum())
        weight = float(np.average(found.weight_k, weights=found.axes.spectrum_k))
        fits = found.on_axes >= FITS
        verdict = (
            "reference (moderated t and the model's axes together): "
            f"{found.on_axes:.0%} of the change that exceeds noise lies along the model's {len(found.weight_k)} axes, "
            f"of which {weight:.0%} is believed, and {found.own:.0%} of what genes do by themselves; the sign of "
            f"{sure:,} genes is sure (local false sign rate below {SURE:.0%})"
        )
        if not fits:
            verdict += "; the model holds little of this cohort's change, so the ranking is nearly that of t"
        return {
            "layer": self._layer,
            "paired": self._design.paired,
            "df": self._design.df,
            "genes_absent": int((~self._there_g).sum()),
            "axes": len(found.weight_k),
            "on_axes": found.on_axes,
            "axes_weight": weight,
            "own_weight": found.own,
            "sure": sure,
            "because": verdict,
        }


def through_reference(adata: AnnData, model: Model, *, contrast: Contrast) -> dict[str, Any]:
    """The leading genes by moderated t and through the model, with the axes that move them.

    Parameters
    ----------
    adata, model, contrast
        As in :func:`genelight.modules.disease_module`; every gene of the model is measured.

    Returns
    -------
    Plain values: ``concordance``, rank correlation of both rankings; ``genes``, one record for each that leads either,
    with the part of its score that each of three axes, the others together and the gene by itself give; ``axes``, one
    record for each of those three, with the genes that it raises and lowers in this contrast.

    Raises
    ------
    InputError
        If the contrast does not belong to `adata`, or too few people are left to tell how much they vary.
    """
    question = ask(adata, model, contrast=contrast)
    reference = Reference(question)
    ids = np.asarray(model.genes.ids, dtype=object)
    count_bs = np.ones((1, int(question.contrast.subject_n.max()) + 1), dtype=np.int64)
    score_g, t_g, lfsr_g = reference.score(count_bs)[0], reference.columns["t"], reference.columns["lfsr"]
    rank_g, rank_t_g = (stats.rankdata(-np.abs(each), method="ordinal").astype(int) for each in (score_g, t_g))
    leading = np.flatnonzero((rank_g <= LEAD) | (rank_t_g <= LEAD))
    leading = leading[np.argsort(rank_g[leading])]
    basis_gk = reference.axes.basis_gk
    along_k, weight_k = reference.along()
    part_gk = reference.by_axis()[leading]
    most_gk = np.argsort(-np.abs(part_gk), axis=1)[:, :MOVERS]
    genes = [
        {
            "gene": str(ids[g]),
            "rank": int(rank_g[g]),
            "rank_t": int(rank_t_g[g]),
            "score": float(score_g[g]),
            "t": float(t_g[g]),
            "lfsr": float(lfsr_g[g]),
            "axes": [{"axis": int(k) + 1, "part": float(part_gk[i, k])} for k in most_gk[i]],
            "others": float(part_gk[i].sum() - part_gk[i, most_gk[i]].sum()),
            "own": float(score_g[g] - part_gk[i].sum()),
        }
        for i, g in enumerate(leading)
    ]
    concordance = float(stats.spearmanr(score_g, t_g).statistic)
    named = np.unique(most_gk)
    total = float((along_k**2).sum())
    axes = [_axis(ids, basis_gk[:, k] * along_k[k], k) | {
        "weight": float(weight_k[k]), "share": float(along_k[k] ** 2 / total) if total > 0 else 0.0
    } for k in named]  # fmt: skip
    return {"concordance": concordance, "genes": genes, "axes": axes}


def _axis(ids: np.ndarray, change_g: np.ndarray, k: int) -> dict[str, Any]:
    """Which genes an axis raises and lowers most in this contrast."""
    order = np.argsort(-change_g)
    up, down = (
        ids[[g for g in way[:NAMED] if change_g[g] * sign > 0]] for way, sign in ((order, 1), (order[::-1], -1))
    )
    return {"axis": int(k) + 1, "up": [str(g) for g in up], "down": [str(g) for g in down]}


def check_df(name: str, df: int) -> None:
    """Stop where too few people are left to tell how much they vary.

    Raises
    ------
    InputError
        If there are fewer than two degrees of freedom.
    """
    if df < LEAST_DF:
        msg = (
            f"{name}: {df} degrees of freedom are left to tell how much samples vary, at least {LEAST_DF} are needed; "
            "widen case or control, or name fewer covariates"
        )
        raise InputError(msg)


def loadings(model: Model, layer: str) -> np.ndarray:
    """What a standard deviation of each node does to the genes, in units of each gene's spread, shape ``(g, k)``.

    Nodes vary as they do within groups where the model knows (:func:`genelight.models.learn_within`): then columns are
    the principal axes of that. Else they vary as over all training samples, one by one.
    """
    known = model.code_range(layer)
    within, axes_gk = getattr(model, "about", {}).get("within") or {}, wide_axes(model)
    if within.get("layer") == AXES and axes_gk is not None and layer == bottleneck(model):
        change_kg = _steps(within["lower"]) @ axes_gk.T
    else:
        told = within.get("layer") == layer and len(within["lower"]) == len(known.sd)
        step_kk = _steps(within["lower"]) if told else np.diag(np.asarray(known.sd, dtype=np.float32))
        rest_1k = np.asarray(known.mean, dtype=np.float32)[None]
        up_kg, down_kg = (model.decode(rest_1k + sign * step_kk, layer).astype(np.float64) for sign in (1, -1))
        change_kg = (up_kg - down_kg) / 2
    return np.asarray((change_kg / spreads(model)).T)


def spreads(model: Model) -> np.ndarray:
    """Each gene's unit in the model's decoded values, 1 where it has none, shape ``(g,)``."""
    spread_g = getattr(model.preparation, "spread_g", None)
    unit_g = np.ones(len(model.genes)) if spread_g is None else np.asarray(spread_g, dtype=np.float64)
    return np.where(unit_g > 0, unit_g, 1.0)


def _size(value_bg: np.ndarray) -> float:
    """Root mean square."""
    return max(float(np.sqrt(np.mean(value_bg**2))), 1e-12)


def _steps(lower: list[list[float]]) -> np.ndarray:
    """A step of one standard deviation along each principal axis of a covariance, of which the lower half is kept."""
    size = len(lower)
    variance_k, axes_kk = np.linalg.eigh(np.array([[*row, *np.zeros(size - len(row))] for row in lower]), UPLO="L")
    return np.asarray((axes_kk * np.sqrt(np.maximum(variance_k, 0.0))).T, dtype=np.float32)
