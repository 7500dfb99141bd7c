"""What a cohort shows and what a model of many other samples lets expect, weighed by how well each is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ...errors import InputError
from ...models.within import AXES, wide_axes
from ...nodes.layers import check_layer
from ...nouns import Model
from ...nouns.model import bottleneck
from ...stats.moderated import Design, Remembered
from ...stats.shared_effects import Axes, SharedEffects, shared_effects
from .._registry import DERIVATIONS, Question

__all__ = ["Reference", "check_df", "loadings"]

LEAST_DF = 2
SURE = 0.05
FITS = 0.25


@DERIVATIONS.register("reference", doi="10.1038/s41588-018-0268-8")
class Reference:
    """Posterior mean of every gene's effect, with a model of many other samples as the prior of what goes together.

    Moderated t on the measured scale says what the cohort shows, the model which genes change together: each node's
    step, decoded, is an axis. How far the change along these axes, and of each gene by itself, is believed is
    learned from this cohort, residuals included, so that the model has little say where it does not fit, and less the
    more subjects there are (:func:`genelight.stats.shared_effects.shared_effects`). For small cohorts, with a model of
    other samples than the cohort's own; the table has ``lfsr``, the local false sign rate, beside the moderated ``t``.
    Genes that the cohort lacks have a score of zero.
    """

    reads_codes: ClassVar[bool] = True

    def __init__(self, question: Question) -> None:
        design: Remembered = question.design
        check_df(question.contrast.name, design.df)
        model = question.model
        self._layer = bottleneck(model) if question.layer is None else check_layer(model, question.layer)
        self._design = design
        gaps_ng = getattr(model.preparation, "gaps", None)
        lacks_g = gaps_ng(question.samples).all(0) if gaps_ng else np.zeros(len(model.genes), dtype=bool)
        self._there_g = ~lacks_g
        axes = Axes.of(loadings(model, self._layer)[self._there_g])
        self._found = self._shared(design.design, axes)
        self.columns: Mapping[str, np.ndarray] = self._columns()
        self.about: Mapping[str, Any] = self._told()

    def score(self, count_bs: np.ndarray) -> np.ndarray:
        """Posterior means in standard deviations of each gene, shape ``(b, g)``; weights are those of all subjects."""
        result = self._design.moderated(count_bs)
        effect_bg = result.t_bg * np.sqrt(result.unit_b)[:, None]
        return self._spread(self._found.means(effect_bg[:, self._there_g]))

    @property
    def axes(self) -> Axes:
        """The model's axes, over the genes that were measured."""
        return self._found.axes

    def along(self) -> tuple[np.ndarray, np.ndarray]:
        """Change along each axis in standard deviations of genes, and how much of it is believed, each ``(k,)``."""
        result = self._design.moderated()
        effect_g = (result.t_bg[0] * np.sqrt(result.unit_b[0]))[self._there_g]
        return effect_g @ self._found.axes.basis_gk, self._found.weight_k

    def _shared(self, design: Design, axes: Axes) -> SharedEffects:
        result = self._design.moderated()
        sd_g = np.sqrt(result.variance_bg[0])
        return shared_effects(
            (result.t_bg[0] * np.sqrt(result.unit_b[0]))[self._there_g],
            (design.residual_rg / np.where(sd_g > 0, sd_g, 1.0))[:, self._there_g],
            df=float(self._design.df),
            total_df=float(np.median(result.df_bg[0])),
            unit=float(result.unit_b[0]),
            axes=axes,
        )

    def _spread(self, value_bg: np.ndarray, *, absent: float = 0.0) -> np.ndarray:
        """Values of the measured genes among all, shape ``(b, g)``."""
        full_bg = np.full((len(value_bg), len(self._there_g)), absent)
        full_bg[:, self._there_g] = value_bg
        return full_bg

    def _columns(self) -> dict[str, np.ndarray]:
        result, found = self._design.moderated(), self._found
        return {
            "logfc": np.where(self._there_g, result.effect_bg[0], np.nan),
            "t": np.where(self._there_g, result.t_bg[0], np.nan),
            "posterior_sd": self._spread(found.sd_g[None], absent=np.nan)[0],
            "lfsr": self._spread(found.lfsr_g[None], absent=np.nan)[0],
        }

    def _told(self) -> dict[str, Any]:
        found = self._found
        sure = int((found.lfsr_g < SURE).sum())
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
    spread_g = getattr(model.preparation, "spread_g", None)
    unit_g = np.ones(change_kg.shape[1]) if spread_g is None else np.asarray(spread_g, dtype=np.float64)
    return np.asarray((change_kg / np.where(unit_g > 0, unit_g, 1.0)).T)


def _steps(lower: list[list[float]]) -> np.ndarray:
    """A step of one standard deviation along each principal axis of a covariance, of which the lower half is kept."""
    size = len(lower)
    variance_k, turn_kk = np.linalg.eigh(np.array([[*row, *np.zeros(size - len(row))] for row in lower]), UPLO="L")
    return np.asarray((turn_kk * np.sqrt(np.maximum(variance_k, 0.0))).T, dtype=np.float32)
