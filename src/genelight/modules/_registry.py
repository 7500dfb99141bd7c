"""Where derivations of disease modules are registered, and what each is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
from anndata import AnnData

from .._core.registry import Registry
from ..nouns import Contrast, Model
from ..nouns.contrast import check_contrast
from ..stats.moderated import Design, Remembered
from ..stats.subjects import indexed


@dataclass(frozen=True)
class Question:
    """Case against control in the arrays that a derivation reads.

    Attributes
    ----------
    x_ng
        Prepared values of the contrast's samples.
    samples
        These samples as the user gave them.
    contrast
        On these samples, subjects as positions from zero.
    model
        The trained model.
    layer
        The layer to read, None to choose one.
    seed
        Seed of folds and draws.
    other_nd
        Which samples have other diseases that share the head, one column each; None without.
    """

    x_ng: np.ndarray
    samples: AnnData
    contrast: Contrast
    model: Model
    layer: str | None = None
    seed: int = 0
    other_nd: np.ndarray | None = None

    @cached_property
    def design(self) -> Remembered:
        """Subjects' means on the measured scale, ready for moderated t; made once for all that ask."""
        return Remembered(Design.of(self.measured_ng, self.contrast, there_g=self.there_g))

    @cached_property
    def there_g(self) -> np.ndarray | None:
        """Genes that a sample at least has measured, the others come from the model; None where all are."""
        gaps = getattr(self.model.preparation, "gaps", None)
        there_g = np.ones(1, dtype=bool) if gaps is None else ~gaps(self.samples).all(0)
        return None if there_g.all() else there_g

    @property
    def measured_ng(self) -> np.ndarray:
        """Values as they were before they were standardised (log2, unless they were normalised), shape ``(n, g)``."""
        return self.model.preparation.restore(self.x_ng)

    def on(self, layer: str | None) -> Question:
        """The same of another layer, on the same design."""
        asked = replace(self, layer=layer)
        asked.__dict__["design"] = self.design
        return asked


def ask(adata: AnnData, model: Model, *, contrast: Contrast, layer: str | None = None, seed: int = 0) -> Question:
    """Prepare the contrast's samples once for every derivation.

    Raises
    ------
    InputError
        If the contrast was made for another table.
    """
    check_contrast(adata, contrast)
    part = adata[contrast.used_n]
    return Question(model.prepare(part), part, indexed(contrast), model, layer, seed)


class Derivation(Protocol):
    """One way from a question to gene scores.

    Building it settles its choices (layer, penalty) on the data once; `score` then answers for any number of
    subject bootstraps under these choices.
    """

    reads_codes: ClassVar[bool]
    """Whether scores depend on a layer of the model."""

    about: Mapping[str, Any]
    """Settings and figures, plain enough for JSON."""

    def __init__(self, question: Question) -> None: ...

    def score(self, count_bs: np.ndarray) -> np.ndarray:
        """Signed gene scores, shape ``(b, g)``, when subject ``s`` enters ``count_bs[b, s]`` times."""
        ...


DERIVATIONS: Registry[type[Derivation]] = Registry("disease module method")
