"""How to prepare a table: what was asked for, apart from what was learned from one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .adjust import Adjust

__all__ = ["PreparationSettings"]


@dataclass(frozen=True, kw_only=True)
class PreparationSettings:
    """Everything that :func:`genelight.pp.prepare` was asked for, so that another table can be prepared alike.

    A :class:`.Preparation` remembers its settings, and :func:`.prepare_as` learns anew by them.

    Attributes
    ----------
    scale, above_floor, variable, normalise, standardise, adjust, features
        As in :func:`genelight.pp.prepare`.
    ids
        Kind of gene id.
    missing
        Whether values may be missing (NaN): they stay so, and a model completes them from the others. Genes that more
        than half of the samples lack are left out. Of tables in memory, on scales of which each value comes alone.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> settings = gl.pp.PreparationSettings(variable=1000, normalise="rank")
    >>> preparation = gl.models.PCA(2, preparation=settings).fit(adata).preparation
    >>> len(preparation.genes), preparation.settings == settings
    (1000, True)
    """

    scale: str = "log2"
    ids: str = "symbol"
    above_floor: float | None = None
    variable: int | None = None
    normalise: str | None = None
    standardise: str = "zscore"
    adjust: Adjust | None = None
    missing: bool = False
    features: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> PreparationSettings:
        """What :meth:`to_dict` gave."""
        adjust = content["adjust"]
        if adjust is not None:
            adjust = Adjust(tuple(adjust["covariates"]), adjust["batch"], adjust["method"])
        return cls(**{**content, "adjust": adjust})
