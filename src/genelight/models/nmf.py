"""Non-negative parts of expression: programmes that only add, for comparison."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.optimize import nnls
from sklearn import decomposition
from sklearn.exceptions import ConvergenceWarning

from ..io import Store
from ..nouns.model import CodeRange
from ..pp.preparation import Preparation
from ._fitted import OneLayer
from .bundle import KINDS, Bundle, unpack_ranges
from .linear import check_width
from .reference.missing import training_values
from .spec import BASELINES, Spec

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["NMF", "FittedNMF"]

LAYER = "NF"
ITERATIONS = 200


@KINDS.register("nmf", doi="10.1038/44565", control=True)
@dataclass(frozen=True)
class NMF(Spec):
    """Non-negative matrix factorisation of expression above each gene's lowest value; the one layer is ``"NF"``.

    Factorised is what stands above each gene's lowest prepared value over the samples. A part raises genes and never
    lowers them, so that a sample is a sum of parts instead of a balance of opposites.

    Attributes
    ----------
    width
        Number of parts.

    References
    ----------
    Lee and Seung 1999, doi 10.1038/44565; coordinate descent in scikit-learn's implementation.

    Examples
    --------
    >>> import genelight as gl
    >>> gl.models.NMF(4).fit(gl.demo.cohort()).widths
    {'NF': 4}
    """

    width: int

    kind: ClassVar[str] = "nmf"
    layer: ClassVar[str] = LAYER

    def fit(
        self, adata: AnnData | Store, *, subject: str | None = None, preparation: Preparation | None = None
    ) -> FittedNMF:
        """The model of all samples of a table; see :meth:`Spec.fit`.

        Raises
        ------
        InputError
            If `width` exceeds what samples and genes allow.
        """
        spec, preparation = self._prepared(adata, subject, preparation)
        x_ng = training_values(preparation, adata)
        check_width(self.width, min(x_ng.shape), shape=x_ng.shape)
        lowest_g = x_ng.min(0)
        factorisation = decomposition.NMF(self.width, init="nndsvda", max_iter=ITERATIONS, random_state=self.seed)
        with warnings.catch_warnings():
            # Parts that still drift in the third digit serve a comparison.
            warnings.simplefilter("ignore", ConvergenceWarning)
            factorisation.fit(x_ng - lowest_g)
        # A part's size is arbitrary: with its genes at length one, codes are on one scale.
        parts_kg = factorisation.components_
        length_k = np.linalg.norm(parts_kg, axis=1)
        parts_kg = np.ascontiguousarray(parts_kg / np.where(length_k > 0, length_k, 1.0)[:, None], dtype=np.float32)
        code_range = CodeRange.of(mixture(x_ng - lowest_g, parts_kg))
        return FittedNMF(preparation, parts_kg, lowest_g=lowest_g, spec=spec, code_range=code_range)

    @classmethod
    def open(cls, bundle: Bundle) -> FittedNMF:
        """The fitted model that a bundle holds."""
        weights, spec = bundle.weights, cls.from_dict(bundle.spec)
        code_range = unpack_ranges(weights, [LAYER])[LAYER]
        lowest_g, about = weights["lowest"], bundle.about
        return FittedNMF(
            bundle.preparation, weights["parts"], lowest_g=lowest_g, spec=spec, code_range=code_range, about=about
        )


class FittedNMF(OneLayer):
    """Fitted non-negative parts; made by :meth:`NMF.fit` or :func:`genelight.load`.

    Parameters
    ----------
    preparation
        How input is prepared.
    parts_kg
        What one unit of each part adds to the genes, shape ``(k, g)``, none below zero.
    lowest_g
        Prepared value of each gene from which parts add up.
    spec
        What it was fitted from.
    code_range
        Range of each code over the training samples.
    about
        What is known of it.
    """

    def __init__(
        self,
        preparation: Preparation,
        parts_kg: np.ndarray,
        *,
        lowest_g: np.ndarray,
        spec: NMF,
        code_range: CodeRange,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(preparation, spec=spec, code_range=code_range, about=about)
        self.parts_kg = parts_kg
        self.lowest_g = lowest_g

    def encode(self, x_ng: np.ndarray, layer: str | None = None) -> np.ndarray:
        """How much of each part is in a sample, shape ``(n, k)``: its best non-negative mixture."""
        self._check(layer)
        return mixture(np.asarray(x_ng, dtype=np.float32) - self.lowest_g, self.parts_kg)

    def decode(self, h_nk: np.ndarray, layer: str | None = None) -> np.ndarray:
        """Gene values of mixtures, shape ``(n, g)``."""
        self._check(layer)
        return np.asarray(h_nk, dtype=np.float32) @ self.parts_kg + self.lowest_g

    def _arrays(self) -> dict[str, np.ndarray]:
        return {"parts": self.parts_kg, "lowest": self.lowest_g}


def mixture(y_ng: np.ndarray, parts_kg: np.ndarray) -> np.ndarray:
    """Non-negative codes that mix `parts_kg` to the nearest of `y_ng`, which may be below zero, shape ``(n, k)``.

    Lawson and Hanson's active set, exact, sample by sample in the coordinates that the parts span.
    """
    basis_gk, parts_kk = np.linalg.qr(parts_kg.T.astype(np.float64))
    codes = [nnls(parts_kk, y_k, maxiter=100 * len(parts_kg))[0] for y_k in y_ng @ basis_gk]
    return np.array(codes, dtype=np.float32).reshape(len(y_ng), len(parts_kg))


@BASELINES.register("nmf", doi="10.1038/44565", control=True)
def _baseline(widths: tuple[int, ...], *, seed: int = 0) -> NMF:
    """Non-negative parts, as many as the narrowest width."""
    return NMF(min(widths), seed=seed)
