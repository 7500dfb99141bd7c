"""Whether samples are of the kind that a model has seen; no label is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...nouns import Model
from ...nouns.model import Applicability, bottleneck
from ..reconstruct import reconstruct

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["LEAST_ORDER", "Fit", "fit_of", "reconstruction_error", "remembered"]

LEAST_ORDER = 0.3
"""Correlation of a sample with the training mean below which it is no expression as the model knows it.

Of 900 samples of the 64 studies of ``compendium/human_bulk.h5ad`` the lowest has 0.38 with the model that ships, and
the median 0.75; blood and tumours that were centred gene by gene have 0.01 and 0.03, and with genes mixed up 0.00.
"""
MOST_UNLIKE = 0.5


@dataclass(frozen=True)
class Fit:
    """How far a model holds for samples; arrays of shape ``(n,)``.

    Attributes
    ----------
    order_n
        Correlation over genes of each sample with the mean of the training samples, both before standardising.
    r2_n
        Share of what sets each sample apart from that mean which the model gives back.
    inside_n
        Whether a sample is no further off than 99 of 100 samples of groups left out in training; None where the model
        keeps no record of those.
    deep_n
        Whether the deep branch is taken; None of models without one.
    """

    order_n: np.ndarray
    r2_n: np.ndarray
    inside_n: np.ndarray | None
    deep_n: np.ndarray | None

    @property
    def verdict(self) -> str:
        """``"fits"``, ``"unlike"`` (far from what it has seen), or ``"foreign"`` (no expression as it knows it)."""
        if np.median(self.order_n) < LEAST_ORDER:
            return "foreign"
        return "unlike" if self.inside_n is not None and self.inside_n.mean() < MOST_UNLIKE else "fits"

    def __str__(self) -> str:
        n, order = len(self.order_n), float(np.median(self.order_n))
        if self.verdict == "foreign":
            return (
                f"the genes of these samples do not stand in the order that the model knows (correlation {order:.2f} "
                "with its mean sample, expression has 0.4 to 0.9): ratios, values centred gene by gene, another "
                "species, or gene names that were mixed up"
            )
        inside = "" if self.inside_n is None else f"{int(self.inside_n.sum())} of {n} samples are as near as those it "
        inside += "was judged on without having seen their studies; " if inside else ""
        back = f"it gives back {np.median(self.r2_n):.0%} of what sets a sample apart from its mean sample"
        if self.verdict == "unlike":
            return f"{inside}{back}: another tissue or platform than it has seen, so read what it adds with care"
        return f"{inside}{back}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values over all samples."""
        return {
            "verdict": self.verdict,
            "says": str(self),
            "samples": len(self.order_n),
            "order": float(np.median(self.order_n)),
            "r2": float(np.median(self.r2_n)),
            "inside": None if self.inside_n is None else int(self.inside_n.sum()),
            "deep": None if self.deep_n is None else int(self.deep_n.sum()),
        }


def fit_of(model: Model, adata: AnnData) -> Fit:
    """How far a model holds for samples.

    Parameters
    ----------
    model
        A fitted model.
    adata
        Samples x genes on the scale that it reads.

    Raises
    ------
    InputError
        If the table does not fit the model.
    """
    x_ng = model.prepare(adata)
    preparation: Any = model.preparation
    y_ng = preparation.restore(x_ng)
    y_ng -= y_ng.mean(1, keepdims=True)
    mean_g = preparation.mean_g - preparation.mean_g.mean()
    size_n = np.linalg.norm(y_ng, axis=1) * np.linalg.norm(mean_g)
    order_n = np.divide(y_ng @ mean_g, size_n, out=np.zeros(len(y_ng)), where=size_n > 0)
    error_n = reconstruction_error(model, x_ng)
    apart_n = np.square(x_ng - preparation.centre_g, dtype=np.float64).mean(1)
    known, branches = remembered(model), getattr(model, "branches", None)
    inside_n = None
    if known is not None:
        inside_n = known.inside(error_n, known.distance(model.encode(x_ng, known.layer)))
    return Fit(
        order_n,
        1 - error_n / np.maximum(apart_n, 1e-12),
        inside_n,
        None if branches is None else branches(x_ng).deep_n,
    )


def remembered(model: Model) -> Applicability | None:
    """The domain that the samples tell which a model's own training held out; None where it kept no record.

    Codes are each in their own standard deviations, and samples of few subjects stand for unseen ones.
    """
    kept = getattr(model, "about", {}).get("applicability")
    if not kept:
        return None
    span = model.code_range(bottleneck(model))
    whiten_kk = np.diag(1.0 / np.where(span.sd > 0, span.sd, np.inf))
    return Applicability.of({"layer": bottleneck(model), "centre_k": span.mean, "whiten_kk": whiten_kk, **kept})


def reconstruction_error(model: Model, x_ng: np.ndarray) -> np.ndarray:
    """Mean squared error over genes of each sample, as the model gives it back."""
    error_ng = x_ng - reconstruct(model, x_ng)
    return np.einsum("ng,ng->n", error_ng, error_ng) / x_ng.shape[1]
