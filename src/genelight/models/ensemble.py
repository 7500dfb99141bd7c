"""Refits of one model, with other seeds and on other draws of the subjects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .._core.disk import writing
from .._core.printed import Card, Printed, leading
from .._core.provenance import check_seal, read_json, sealed, write_json
from ..errors import FormatError, InputError
from ..nouns import Model
from ..stats.subjects import numbered, redrawn, rows_of_subjects
from .bundle import load
from .fitted_autoencoder import FittedAutoencoder
from .spec import Draw, Spec
from .subspace.exact import Subspace, find_subspace

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Ensemble"]

FORMAT = 1


@dataclass(frozen=True, repr=False)
class Ensemble(Printed):
    """Models of one kind that differ by seed and by the subjects drawn; made by :meth:`fit`.

    Parameters
    ----------
    members
        Two or more.

    Raises
    ------
    InputError
        If there are fewer than two, or their genes or layers differ.
    """

    members: tuple[Model, ...]

    def __post_init__(self) -> None:
        if len(self.members) < 2:
            msg = f"an ensemble of {len(self.members)} has nothing to compare; use seeds=2 or more, 10 for a figure"
            raise InputError(msg)
        first = self.members[0]
        for i, model in enumerate(self.members):
            if model.genes.digest != first.genes.digest or dict(model.widths) != dict(first.widths):
                msg = (
                    f"member {i} has {len(model.genes)} genes and layers {dict(model.widths)}, but member 0 has "
                    f"{len(first.genes)} genes and {dict(first.widths)}; train all on one table with one set of widths"
                )
                raise InputError(msg)

    def _card(self) -> Card:
        first = self.members[0]
        seeds = [model.spec.seed for model in self.members if hasattr(model, "spec")]
        return f"{len(self)} models of kind {first.name}", [
            ("genes", f"{len(first.genes):,} by {first.genes.namespace}"),
            ("layers", ", ".join(f"{layer} ({width})" for layer, width in first.widths.items())),
            ("seeds", leading(seeds)),
            ("digests", leading([model.digest for model in self.members], n=3)),
        ]

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[Model]:
        return iter(self.members)

    def save(self, folder: Path) -> None:
        """Write a folder of model folders, ``00``, ``01``, ..., named in ``ensemble.json``; whole or not at all.

        Raises
        ------
        ResourceError
            If the folder cannot be written.
        """
        members = {f"{i:02d}": model for i, model in enumerate(self.members)}
        with writing(Path(folder)) as draft:
            for name, model in members.items():
                model.save(draft / name)  # type: ignore[attr-defined]
            digests = {name: model.digest for name, model in members.items()}
            write_json(draft / "ensemble.json", sealed({"format": FORMAT, "members": digests}))

    @classmethod
    def fit(
        cls,
        adata: AnnData,
        model: Model,
        *,
        seeds: int = 10,
        widths: tuple[int, ...] | None = None,
        subject: str | None = None,
        subject_pattern: str | None = None,
        resample: bool = True,
        seed: int = 0,
    ) -> Ensemble:
        """Refit a model with its own settings, from other seeds and on other draws of the subjects.

        What the model chose on held-out subjects (sparsity, epochs, shrinkage) is kept; the start, the order of samples
        and, with `resample`, the samples themselves are new for every member. Preparation and subspace are the model's,
        and small networks are trained side by side (see :mod:`genelight.models.training.together`).

        Parameters
        ----------
        adata
            The table that `model` was fitted to.
        model
            A fitted model.
        seeds
            How many members.
        widths
            Layers of the members, if not the model's; one call for each of several widths, all on one model's
            preparation, subspace and choices.
        subject, subject_pattern
            Whose each sample is, see :class:`Spec`; by default as the model's own spec says.
        resample
            Train every member on a bootstrap of the subjects, each drawn subject with all its samples. Without it
            members differ by seed alone, and whatever the one table holds, its noise included, tends to come back in
            all of them (the study ``programmes`` has the figures).
        seed
            Of the draws, and of the first member; the next has the next.

        Raises
        ------
        InputError
            If `seeds` is below two, a width exceeds what samples and genes allow, or the model is of a kind that cannot
            be refitted, or not with as many layers.
        UnknownNameError
            If there is no column `subject`.

        Notes
        -----
        Cost: one decomposition of the table, then each member's own training; less than a :func:`genelight.fit` for
        each, which also chooses its settings.

        Examples
        --------
        >>> import genelight as gl
        >>> adata = gl.demo.cohort()
        >>> pca = gl.models.PCA(8).fit(adata)
        >>> len(gl.models.Ensemble.fit(adata, pca, seeds=3, subject="subject"))
        3
        """
        if seeds < 2:
            msg = (
                f"seeds = {seeds}: an ensemble of {seeds} has nothing to compare; use seeds=2 or more, 10 for a figure"
            )
            raise InputError(msg)
        spec: Spec | None = getattr(model, "spec", None)
        if spec is None:
            msg = f"this {model.name} knows no spec to be fitted by again; pass a model that genelight fitted"
            raise InputError(msg)
        if subject is not None:
            spec = replace(spec, subject=subject, subject_pattern=subject_pattern)
        x_ng = model.prepare(adata)
        subject_n = numbered(spec.subjects(adata))[1]
        rows_s = rows_of_subjects(subject_n)
        space = model.space if isinstance(model, FittedAutoencoder) else None
        whole = space if isinstance(space, Subspace) else find_subspace(x_ng)
        c_nk = whole.coordinates(x_ng)
        draws = []
        for i in range(seeds):
            rows = redrawn(rows_s, np.random.default_rng((seed, i))) if resample else np.arange(len(x_ng))
            draws.append(Draw(x_ng, whole, c_nk, subject_n, rows, seed + i))
        return cls(tuple(spec.members(model, draws, widths or tuple(model.widths.values()))))

    @classmethod
    def load(cls, folder: Path | str) -> Ensemble:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FormatError
            If a file is missing, damaged or altered, a member is another than was saved, or it is from a newer
            genelight.
        """
        folder = Path(folder)
        content = check_seal(read_json(folder / "ensemble.json"), where=folder / "ensemble.json")
        if content.get("format", 0) > FORMAT:
            msg = f"{folder} has format {content['format']}, newer than {FORMAT}; upgrade with pip install -U genelight"
            raise FormatError(msg)
        members = {name: load(folder / name) for name in content["members"]}
        for name, model in members.items():
            if model.digest != content["members"][name]:
                msg = f"{folder / name} is not the model that was saved with this ensemble; save the ensemble again"
                raise FormatError(msg)
        return cls(tuple(members.values()))
