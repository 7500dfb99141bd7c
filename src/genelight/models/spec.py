"""How a model is fitted: everything that is needed to fit it again, to the same samples, draws of them, or others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from .._core.registry import Registry
from ..errors import InputError
from ..io import Store
from ..nouns import Model
from ..nouns.contrast import persons
from ..pp import PreparationSettings
from ..pp.features import check_subject
from ..pp.preparation import Preparation
from ..pp.prepare import prepare_as
from .bundle import Bundle
from .subspace.exact import Subspace
from .training.shrink import Weighing, rotate

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["BASELINES", "Baseline", "Draw", "Spec"]

DEFAULT = PreparationSettings()


@dataclass(frozen=True)
class Draw:
    """Samples in the whole table's subspace, and which of them were drawn.

    Attributes
    ----------
    x_ng, c_nk
        Prepared values of all samples, and their coordinates in `whole`.
    subject_n
        Whose they are.
    rows
        Positions of the drawn samples; one may be drawn several times.
    seed
        Of the start and the order of samples.
    """

    x_ng: np.ndarray
    whole: Subspace
    c_nk: np.ndarray
    subject_n: np.ndarray
    rows: np.ndarray
    seed: int

    def rotated(self, weighing: Weighing) -> tuple[np.ndarray, np.ndarray, Subspace, np.ndarray]:
        """Centre ``(k,)``, rotation ``(k, k)``, subspace on the drawn samples' axes, and their coordinates there."""
        drawn_nk = self.c_nk[self.rows]
        centre_k = drawn_nk.mean(0)
        drawn_nk = weighing.apply(drawn_nk - centre_k, self.subject_n[self.rows])
        k = len(centre_k)
        own = rotate(Subspace(np.eye(k, dtype=np.float32), self.whole.variance_k, self.whole.lost), drawn_nk)
        rotation_kk = own.basis_gk
        subspace = Subspace(self.whole.basis_gk @ rotation_kk, own.variance_k, self.whole.lost)
        return centre_k, rotation_kk, subspace, drawn_nk @ rotation_kk


@dataclass(frozen=True, kw_only=True)
class Spec(ABC):
    """What a model is fitted from; a fitted model keeps its own as ``model.spec``.

    Attributes
    ----------
    preparation
        How a table is prepared.
    seed
        For everything that is drawn.
    subject
        Column of ``obs`` that says whose sample it is; without it every sample counts as a subject of its own.
    subject_pattern
        Regular expression whose first group is the part of that column that names the person: of titles such as
        ``P28V2`` (patient and visit), ``"(.+)V[0-9]+$"``.
    """

    preparation: PreparationSettings = DEFAULT
    seed: int = 0
    subject: str | None = None
    subject_pattern: str | None = None

    kind: ClassVar[str]

    @abstractmethod
    def fit(
        self, adata: AnnData | Store, *, subject: str | None = None, preparation: Preparation | None = None
    ) -> Model:
        """The model of a table.

        Parameters
        ----------
        adata
            Samples x genes.
        subject
            In place of the spec's.
        preparation
            Learned from the table already; the model's spec has its settings. By default it is learned here.
        """

    @classmethod
    @abstractmethod
    def open(cls, bundle: Bundle) -> Model:
        """The fitted model that a bundle holds."""

    def sized(self, subjects: Sequence[np.ndarray], *, genes: int) -> Self:  # noqa: ARG002 - some kinds use it
        """The same for several tables at once: what depends on their size is decided by the smallest of them.

        Parameters
        ----------
        subjects
            Whose the samples of each table are.
        genes
            Fewest genes of any of them.
        """
        return self

    def members(self, model: Model, draws: Sequence[Draw], widths: tuple[int, ...]) -> Sequence[Model]:  # noqa: ARG002
        """Such models, fitted to draws of the samples in the place of `model`; see :meth:`.Ensemble.fit`.

        Raises
        ------
        InputError
            If this kind of model cannot be fitted to draws.
        """
        msg = f"a model of kind {self.kind} makes no ensemble; use an autoencoder, PCA, ICA or eigengenes"
        raise InputError(msg)

    def subjects(self, adata: AnnData | Store) -> np.ndarray:
        """Whose each sample is, shape ``(n,)``.

        Raises
        ------
        UnknownNameError
            If there is no such column.
        InputError
            If it has missing values, or the pattern does not fit every value.
        """
        if self.subject is None:
            return np.arange(adata.n_obs)
        return np.asarray(persons(adata.obs, self.subject, self.subject_pattern).astype(str))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` gave."""
        return cls(**{**content, "preparation": PreparationSettings.from_dict(content["preparation"])})

    def _prepared(
        self, adata: AnnData | Store, subject: str | None, preparation: Preparation | None
    ) -> tuple[Self, Preparation]:
        """The spec with what a single call changes, and the preparation."""
        preparation = preparation or prepare_as(adata, self.preparation)
        spec = replace(self, preparation=preparation.settings)
        spec = spec if subject is None else replace(spec, subject=subject)
        check_subject(preparation.settings, spec.subject)
        return spec, preparation


class Baseline(Protocol):
    """What an autoencoder is compared with: models that find structure without depth, or depth without learning."""

    def __call__(self, widths: tuple[int, ...], *, seed: int = 0) -> Spec:
        """Its spec beside an autoencoder of `widths`; one layer has the narrowest of them."""
        ...


BASELINES: Registry[Baseline] = Registry("baseline")


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return [_plain(part) for part in value] if isinstance(value, tuple | list) else value
