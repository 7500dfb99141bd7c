"""Kinds of feature beside genes: how their ids look, on which scales they are measured, and what that asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from .._core.registry import Registry
from ..errors import InputError, UnknownNameError, first_three
from ..io import Store
from ..io.id_kinds import detect_ids
from ..io.scales import SCALE_NAMES, detect_scale
from .scale import SCALES
from .settings import PreparationSettings

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = [
    "AUTO",
    "FEATURES",
    "GENES",
    "FeatureKind",
    "check_subject",
    "kind_of",
    "kinds_named_by",
    "scale_of",
    "settled",
    "told_by_ids",
]

AUTO = "auto"
GENES = "gene"
_BARCODE = re.compile(r"(.*[_#:])?[ACGT]{12,}([-_.].*)?$")
_MOST_LOOKED_AT = 200


@dataclass(frozen=True, kw_only=True)
class FeatureKind:
    """What general code has to know of a kind of feature.

    Attributes
    ----------
    scales
        What a user may call the values' scale, and the name in ``SCALES`` that this is.
    ids
        Kinds of id that its columns may have; columns of any other are named by the kind itself.
    tell
        Which of `scales` values look like that nobody named; None where they look like none.
    by_ids
        Whether ids of these kinds alone say that a table is of this kind.
    genes
        Whether its columns are genes, so that networks and gene sets know them.
    cells
        Whether a row is a cell, of which many come from one donor.
    censored
        Whether what is missing tends to lie low, under the limit of detection.
    above_floor
        Share of samples in which a feature has to be seen to be kept, if nobody says.
    """

    scales: Mapping[str, str]
    ids: tuple[str, ...] = ()
    tell: Callable[[Any], str | None] = field(repr=False)
    by_ids: bool = False
    genes: bool = False
    cells: bool = False
    censored: bool = False
    above_floor: float = 0.5


FEATURES: Registry[FeatureKind] = Registry("kind of feature")
"""By name. A kind joins by being registered; general code names none but genes."""

_TAKEN_AS = {
    "counts": "counts",
    "tpm": "linear",
    "intensity": "linear",
    "linear": "linear",
    "log2": "log2",
    "ln": "ln",
    "scores": "log2",
}


def _as_expression(x_ng: Any) -> str | None:
    return _TAKEN_AS.get(detect_scale(x_ng).name)


def _as_methylation(x_ng: Any) -> str:
    v = _some(x_ng)
    return "beta" if ((v >= 0) & (v <= 1)).mean() > 0.9 else "m"


def _as_parts(x_ng: Any) -> str:
    v = _some(x_ng)
    return "counts" if bool((v == np.round(v)).all()) else "fractions"


def _some(x_ng: Any) -> np.ndarray:
    """Values of some samples that are there."""
    some = x_ng[:: max(1, x_ng.shape[0] // _MOST_LOOKED_AT)]
    v = np.asarray(some.toarray() if sp.issparse(some) else some, dtype=np.float64)
    return v[np.isfinite(v)]


_OF_EXPRESSION = {name: name for name in ("log2", "counts", "linear", "ln")}
_OF_SPECTROMETRY = {"log2": "log2", "linear": "intensity", "ln": "ln"}

FEATURES.register(GENES, summary="expression of genes")(
    FeatureKind(scales=_OF_EXPRESSION, tell=_as_expression, genes=True)
)
FEATURES.register("cpg", doi="10.1186/1471-2105-11-587", summary="methylation of CpGs, learned from as M values")(
    FeatureKind(scales={"beta": "beta", "m": "m"}, ids=("cpg",), tell=_as_methylation, by_ids=True)
)
FEATURES.register(
    "protein", doi="10.1093/bioinformatics/btad200", summary="proteins, log2 of intensities; what is missing lies low"
)(
    FeatureKind(
        scales=_OF_SPECTROMETRY, ids=("uniprot", "ensp", "symbol", "ensembl"), tell=_as_expression, censored=True
    )
)
FEATURES.register(
    "metabolite", doi="10.1007/s11306-018-1420-2", summary="metabolites, log2 of intensities; what is missing lies low"
)(FeatureKind(scales=_OF_SPECTROMETRY, ids=("metabolite",), tell=_as_expression, by_ids=True, censored=True))
FEATURES.register("mirna", doi="10.1186/gb-2014-15-2-r29", summary="microRNA, log2 of counts per million + 1")(
    FeatureKind(scales=_OF_EXPRESSION, ids=("mirna",), tell=_as_expression, by_ids=True)
)
FEATURES.register("taxon", doi="10.3389/fmicb.2017.02224", summary="microbial taxa, centred log ratios of a whole")(
    FeatureKind(
        scales={"counts": "composition", "fractions": "composition"},
        ids=("taxon",),
        tell=_as_parts,
        by_ids=True,
        above_floor=0.1,
    )
)
FEATURES.register("cell", doi="10.1038/s41592-023-01814-1", summary="genes of single cells, ln(1 + molecules)")(
    FeatureKind(scales={"counts": "molecules"}, tell=lambda _: "counts", genes=True, cells=True, above_floor=0.01)
)


def told_by_ids(ids: Any) -> str:
    """The kind of feature that ids alone speak for; genes where they speak for none other."""
    found = detect_ids(ids).kind
    return next((e.name for e in FEATURES.show() if e.what.by_ids and found in e.what.ids), GENES)


def kinds_named_by(ids: str) -> list[str]:
    """Kinds of feature that ids of a kind name, where these do not name genes too."""
    return [e.name for e in FEATURES.show() if ids in e.what.ids and ids not in ("symbol", "ensembl")]


def settled(adata: AnnData | Store, asked: PreparationSettings) -> tuple[PreparationSettings, dict[str, Any]]:
    """Settings with what they leave open decided by the kind of feature, and an account of how.

    Parameters
    ----------
    adata
        Samples x features.
    asked
        Its `features` may be None; its `scale` ``"auto"``, or the default where the kind has no such scale.

    Raises
    ------
    UnknownNameError
        If there is no such kind, or the kind has no such scale.
    InputError
        If rows look like cells and nobody said so, or the values speak for no scale.
    """
    name = asked.features or told_by_ids(adata.var_names)
    kind = FEATURES[name]
    if asked.features is None:
        _ask_about_cells(adata)
    if name == GENES:
        scale, account = scale_of(adata, asked.scale)
        return replace(asked, scale=scale), account
    said = asked.scale
    if said == AUTO or (said not in kind.scales and said not in kind.scales.values()):
        if said not in (AUTO, PreparationSettings.scale):
            raise UnknownNameError(f"scale of features of kind {name}", said, (AUTO, *kind.scales))
        said = _told_scale(adata, name)
    found = detect_ids(adata.var_names).kind
    ids = asked.ids if kind.genes else found if found in kind.ids else name
    scale = kind.scales.get(said, said)
    account = {
        "features": name,
        "features_told_by": "you" if asked.features else f"their ids ({first_three(adata.var_names)})",
        "unit": SCALES[scale].unit,
    }
    missing = asked.missing or (
        not isinstance(adata, Store) and SCALES[scale].alone and bool(SCALES[scale].gaps(adata.X).any())
    )
    return replace(asked, features=name, scale=scale, ids=ids, missing=missing), account


def scale_of(adata: AnnData | Store, scale: str) -> tuple[str, dict[str, str]]:
    """The scale named, or for ``"auto"`` the one that values of expression speak for, with what speaks for it.

    Raises
    ------
    InputError
        If they speak for none that can be brought to log2.
    """
    if scale != AUTO:
        return scale, {}
    found = detect_scale(_values(adata))
    if found.name not in _TAKEN_AS:
        msg = (
            f"cannot tell the scale: the values look like {found.name} ({SCALE_NAMES[found.name]}; {found.evidence}); "
            f"if they are one of {', '.join(_OF_EXPRESSION)} all the same, say which with scale="
        )
        raise InputError(msg)
    return _TAKEN_AS[found.name], {"scale_detected": found.name, "scale_evidence": found.evidence}


def kind_of(settings: PreparationSettings) -> FeatureKind:
    """The kind of feature that settings are for; of several blocks, what holds of all of them."""
    said = settings.features or GENES
    if "=" not in said:
        return FEATURES[said]
    kinds = [FEATURES[part.partition("=")[2].strip()] for part in said.split(",")]
    return FeatureKind(scales={}, tell=_as_expression, cells=any(kind.cells for kind in kinds))


def check_subject(settings: PreparationSettings, subject: str | None) -> None:
    """Stop where cells would count as people of their own.

    Raises
    ------
    InputError
        If rows are cells and nobody says whose they are.
    """
    if subject is None and kind_of(settings).cells:
        msg = (
            "the rows are cells, and many cells of one donor are one subject: say whose each is with subject='donor' "
            "(--subject donor), the column that names the donor, or add them up: gl.pp.pseudobulk(adata, "
            "subject='donor'), genelight pseudobulk CELLS --subject donor --out bulk.h5ad"
        )
        raise InputError(msg)


def _values(adata: AnnData | Store) -> Any:
    return adata.rows(0, min(adata.n_obs, 256)) if isinstance(adata, Store) else adata.X


def _told_scale(adata: AnnData | Store, name: str) -> str:
    kind = FEATURES[name]
    said = kind.tell(_values(adata))
    if said is None or said not in kind.scales:
        found = detect_scale(_values(adata))
        msg = (
            f"cannot tell the scale: values of kind {name} are {' or '.join(kind.scales)}, and these look like "
            f"{found.name} ({found.evidence}); say which they are with scale= (--scale)"
        )
        raise InputError(msg)
    return said


def _ask_about_cells(adata: AnnData | Store) -> None:
    names = adata.obs_names[:: max(1, adata.n_obs // _MOST_LOOKED_AT)]
    if len(names) and np.mean([_BARCODE.match(str(name)) is not None for name in names]) > 0.5:
        msg = (
            f"the rows are named as cells are ({first_three(names)}): say features='cell' and whose they are "
            "(--features cell --subject donor), add them up by donor (genelight pseudobulk), or, if each is a sample, "
            f"say features='{GENES}' (--features {GENES})"
        )
        raise InputError(msg)
