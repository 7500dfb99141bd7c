"""How often each gene changes in any contrast at all, and what of a module is left without it."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import stats

from .._core.checks import check_positive
from ..errors import InputError
from ..io import Store
from ..nouns import Contrast, Genes, Model
from ..stats.intervals import auc_of_each
from ..stats.moderated import Design
from ..stats.subjects import indexed

__all__ = ["Generic", "generic_of", "learn_generic"]

KEY = "generic"
STEPS = 255
LEAST = 3


@dataclass(frozen=True)
class Generic:
    """How far up genes stand on average among those that change, over contrasts of many diseases.

    Attributes
    ----------
    genes
        In order.
    share_g
        0 to 1: mean share of the measured genes that change less, diseases counting alike; one half is chance.
    contrasts, diseases
        How many it was learned from.
    """

    genes: Genes
    share_g: np.ndarray
    contrasts: int
    diseases: int

    def auroc(self, selected_g: np.ndarray) -> float:
        """How well it finds the genes of a mask: the chance that one of them stands above one of the others."""
        return float(auc_of_each(self.share_g[None], selected_g[None])[0])

    def taken_out(self, score_g: np.ndarray) -> np.ndarray:
        """Strength of each gene with the generic part taken out: normal scores, less their regression on its own."""
        strength_g, generic_g = _normal(np.abs(score_g)), _normal(self.share_g)
        return strength_g - generic_g * (strength_g @ generic_g) / max(float(generic_g @ generic_g), 1e-12)

    def to_about(self) -> dict[str, Any]:
        """For a model's `about`; shares to one in 255."""
        small_g = np.rint(self.share_g * STEPS).astype(np.uint8)
        text = base64.b64encode(small_g.tobytes()).decode()
        return {"contrasts": self.contrasts, "diseases": self.diseases, "share": text}


def learn_generic(model: Model, contrasts: Iterable[tuple[AnnData | Store, Contrast, str]]) -> Generic:
    """How often genes change in any contrast, kept in ``model.about["generic"]`` and saved with the model.

    A predictor that knows nothing of an experiment but this finds most of the genes that change in it (Crow et al.
    2019, AUROC 0.83 on average). Modules through the model then say how much of them it explains, and have the ranking
    with it taken out beside the plain one.

    Parameters
    ----------
    model
        A fitted model; its `about` is written to.
    contrasts
        Of each its samples (a table, or a store of any size, of which only the contrast's samples are read), cases and
        controls, and the disease: contrasts of one disease together count as one.

    Returns
    -------
    Shares of the model's genes; a gene that no contrast has measured has one half.

    Raises
    ------
    InputError
        If there are fewer than three diseases, or a table does not fit the model.

    Notes
    -----
    Cost: a moderated t of each contrast, on the values that the model prepares.

    References
    ----------
    Crow et al. 2019, doi 10.1073/pnas.1802973116.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> model = gl.models.PCA(4).fit(adata)
    >>> hours = {f"after {h} hours": f"hours == {h}" for h in (45, 60, 77)}
    >>> asked = [
    ...     (adata, gl.Contrast.of(adata.obs, case=case, control="hours == 0", subject="subject"), name)
    ...     for name, case in hours.items()
    ... ]
    >>> from genelight.modules.generic import learn_generic
    >>> found = learn_generic(model, asked)
    >>> found.contrasts, float(found.share_g.max()) <= 1
    (3, True)
    """
    ranks: dict[str, list[np.ndarray]] = defaultdict(list)
    for table, contrast, disease in contrasts:
        ranks[disease].append(_shares(table, contrast, model))
    check_positive(contrasts=sum(map(len, ranks.values())))
    if len(ranks) < LEAST:
        msg = f"contrasts of {len(ranks)} diseases, at least {LEAST} are needed to say what changes in any"
        raise InputError(msg)
    by_disease = pd.DataFrame({name: pd.DataFrame(each).mean() for name, each in ranks.items()})
    share_g = by_disease.mean(axis=1).fillna(0.5).to_numpy()
    found = Generic(model.genes, share_g, sum(map(len, ranks.values())), len(ranks))
    model.about[KEY] = found.to_about()  # type: ignore[attr-defined]
    return found


def generic_of(model: Model) -> Generic | None:
    """What a model knows of how often genes change, for its genes; None where it was not told."""
    kept: Mapping[str, Any] | None = getattr(model, "about", {}).get(KEY)
    if kept is None:
        return None
    # Of a model read through some of its genes, those.
    genes: Genes = getattr(model, "whole", model).genes
    share_g = np.frombuffer(base64.b64decode(kept["share"]), dtype=np.uint8) / STEPS
    if len(share_g) != len(genes):
        return None
    return Generic(model.genes, share_g[model.genes.align(genes).index], kept["contrasts"], kept["diseases"])


def _shares(table: AnnData | Store, contrast: Contrast, model: Model) -> np.ndarray:
    """Share of the measured genes that change less than each, shape ``(g,)``, NaN of those that are not measured."""
    part = _part(table, np.flatnonzero(contrast.used_n))
    preparation: Any = model.preparation
    lacks_g = preparation.gaps(part).any(0)
    design = Design.of(preparation.restore(model.prepare(part))[:, ~lacks_g], indexed(contrast))
    if design.df < 1:
        msg = f"{contrast.name}: no degrees of freedom are left to tell how much samples vary"
        raise InputError(msg)
    share_g = np.full(len(lacks_g), np.nan)
    rank_g = stats.rankdata(np.abs(design.moderated().t_bg[0]))
    share_g[~lacks_g] = (rank_g - 0.5) / max(len(rank_g), 1)
    return share_g


def _part(table: AnnData | Store, rows: np.ndarray) -> AnnData:
    if not isinstance(table, Store):
        return table[rows].copy()
    names = pd.DataFrame(index=list(table.var_names))
    return AnnData(table.take(rows), obs=table.obs.iloc[rows].copy(), var=names)


def _normal(value_g: np.ndarray) -> np.ndarray:
    """Normal scores of values."""
    return np.asarray(stats.norm.ppf((stats.rankdata(value_g) - 0.5) / len(value_g)))
