"""Models that have each been fitted without some subjects, and are shared by all who judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Self

import numpy as np
import pandas as pd
from anndata import AnnData

from .._core.printed import Card, Printed
from .._core.workers import at_work, done
from ..errors import InputError, first_three
from ..nouns import Contrast, Model
from ..nouns.contrast import check_contrast
from ..pp.preparation import Preparation
from ..pp.prepare import prepare_as
from ..stats.folds import folds_of, subject_folds
from ..stats.subjects import count_subjects, kinds, numbered
from .spec import Spec

__all__ = ["Folds"]


class Folds(Printed):
    """Folds of subjects, and the model of each, fitted without it, preparation included, when it is first asked for.

    Made by :meth:`by_subject`. What judges a model on subjects not seen takes the folds: ``hold_out`` of a module,
    ``severity``, ``stratify``; each fold's model is trained once, however many ask.

    Attributes
    ----------
    adata
        Samples x genes.
    spec
        What the models are fitted from.
    subject_n
        Whose each sample is, shape ``(n,)``.
    fold_n
        The fold of each sample, shape ``(n,)``, from 0.
    """

    def __init__(self, adata: AnnData, spec: Spec, *, subject_n: np.ndarray, fold_n: np.ndarray) -> None:
        self.adata = adata
        self.spec = spec
        self.subject_n = subject_n
        self.fold_n = fold_n
        self._preparations: list[Preparation] = []
        self._sized: Spec | None = None
        self._models: dict[int, Model] = {}
        self._spec_of: Callable[[int], Spec] | None = None

    @classmethod
    def by_subject(
        cls,
        adata: AnnData,
        spec: Spec,
        *,
        k: int = 5,
        contrast: Contrast | None = None,
        seed: int = 0,
    ) -> Self:
        """Folds of whole subjects.

        Parameters
        ----------
        adata
            Samples x genes.
        spec
            What to fit: ``gl.models.PCA(16, subject="subject")``, or a fitted model's ``model.spec``. Its column says
            whose samples are whose.
        k
            Number of folds.
        contrast
            Cases and controls among the samples, who are then spread evenly; it says whose samples are whose.
            Without one, folds have about as many samples each.
        seed
            Of the folds.

        Raises
        ------
        InputError
            If there are fewer than two folds or more folds than subjects (with a contrast, in a group), or names of
            samples are not unique.

        Notes
        -----
        Cost: k preparations and k fits, once.

        Examples
        --------
        >>> import genelight as gl
        >>> adata = gl.demo.cohort()
        >>> folds = gl.Folds.by_subject(adata, gl.models.PCA(8, subject="subject"), k=3)
        >>> model = folds.model(0)
        >>> model is folds.model(0), model.widths
        (True, {'PC': 8})
        """
        if not adata.obs_names.is_unique:
            twice = adata.obs_names[adata.obs_names.duplicated()].unique()
            msg = f"{len(twice)} names of samples stand more than once ({first_three(twice)}); make them unique"
            raise InputError(msg)
        subject_n = spec.subjects(adata)
        if contrast is not None:
            check_contrast(adata, contrast)
            subject_n = np.asarray(contrast.subject_n).astype(str)
        subjects, position_n = numbered(subject_n)
        if not 2 <= k <= len(subjects):
            msg = f"k = {k}: {len(subjects)} subjects make 2 to {len(subjects)} folds"
            raise InputError(msg)
        if contrast is None:
            return cls(adata, spec, subject_n=subject_n, fold_n=subject_folds(subject_n, folds=k, seed=seed))
        whole = Contrast(contrast.case_n, contrast.control_n, position_n, contrast.name)
        fold_n = folds_of(kinds(whole), folds=k, seed=seed)[position_n]
        return cls(adata, spec, subject_n=subject_n, fold_n=fold_n)

    @classmethod
    def given(cls, adata: AnnData, model: Model, *, k: int, contrast: Contrast, seed: int = 0) -> Self:
        """Folds whose model is one and the same, trained on other samples, so that it has seen none of these subjects.

        Parameters
        ----------
        adata, k, contrast, seed
            As in :meth:`by_subject`.
        model
            A fitted model.

        Raises
        ------
        InputError
            As :meth:`by_subject`.
        """
        spec = replace(model.spec, subject=None, subject_pattern=None)  # type: ignore[attr-defined]
        found = cls.by_subject(adata, spec, k=k, contrast=contrast, seed=seed)
        found._models = dict.fromkeys(range(k), model)
        return found

    def _card(self) -> Card:
        count_f = np.bincount(self.fold_n, minlength=len(self))
        return f"{len(self)} folds of {count_subjects(self.subject_n):,} subjects", [
            ("samples", f"{len(self.fold_n):,}, {count_f.min():,} to {count_f.max():,} in a fold"),
            ("models", f"{self.spec.kind}, seed {self.spec.seed}; {len(self._models)} of {len(self)} are fitted"),
            ("next", "model(0) has not seen the subjects of fold 0"),
        ]

    def __len__(self) -> int:
        return int(self.fold_n.max()) + 1

    def __iter__(self) -> Iterator[Model]:
        return (self.model(fold) for fold in range(len(self)))

    def beside(self, spec: Spec) -> Folds:
        """The same folds with other models, which share these ones' preparations where they prepare alike."""
        other = Folds(self.adata, spec, subject_n=self.subject_n, fold_n=self.fold_n)
        if spec.preparation == self.spec.preparation:
            other._preparations = self._prepared()
        return other

    def beside_each(self, spec_of: Callable[[Model], Spec]) -> Folds:
        """The same folds, each with a model whose spec is made from this one's model: PCA weighed as it is, say."""
        other = self.beside(self.spec)
        other._spec_of = lambda fold: spec_of(self.model(fold))
        return other

    def model(self, fold: int) -> Model:
        """The model that has not seen a fold's subjects.

        Raises
        ------
        InputError
            If it cannot be fitted to the other folds' samples.
        """
        if fold not in self._models:
            # Workers fit all of them at once; alone, one is fitted when it is asked for.
            wanted = [i for i in range(len(self)) if i not in self._models] if at_work() else [fold]
            preparations = self._prepared()
            items = [(self._spec(i), preparations[i], self.fold_n != i) for i in wanted]
            says = "fitting folds" if len(wanted) > 1 else ""
            for place, model in done(_fitted, items, shared=(self.adata,), says=says):
                self._models[wanted[place]] = model
        return self._models[fold]

    def of(self, adata: AnnData, subject_n: np.ndarray, *, model: Model | None = None) -> np.ndarray:
        """The fold of each sample of a table, shape ``(n,)``, told by its name.

        Parameters
        ----------
        adata
            Some of the samples, or all.
        subject_n
            Whose they are, in the eyes of who asks.
        model
            For whom the fold models stand: of their kind, and prepared as they are.

        Raises
        ------
        InputError
            If samples are not among those that were folded, a subject's samples lie in several folds, or the fold
            models are of another kind than `model`, or prepare otherwise.
        """
        self._check_model(model)
        index_n = pd.Index(self.adata.obs_names).get_indexer(adata.obs_names)
        absent = adata.obs_names[index_n < 0]
        if len(absent):
            msg = f"{len(absent)} of {adata.n_obs} samples are in no fold ({first_three(absent)}); fold this table"
            raise InputError(msg)
        fold_n = self.fold_n[index_n]
        split = pd.Series(fold_n).groupby(np.asarray(subject_n).astype(str)).nunique()
        split = split[split > 1]
        if len(split):
            msg = (
                f"{len(split)} subjects have samples in several folds ({first_three(split.index)}): a model has "
                "seen whom it judges; make the folds with a spec of the same subject column"
            )
            raise InputError(msg)
        return fold_n

    def _check_model(self, model: Model | None) -> None:
        spec: Spec | None = getattr(model, "spec", None)
        if model is None or spec is None:
            return
        if self.spec.kind != model.name:
            msg = f"the folds are of kind {self.spec.kind}, the model is of kind {model.name}; fold model.spec"
            raise InputError(msg)
        if self.spec.preparation != spec.preparation:
            msg = (
                f"the folds prepare by {self.spec.preparation}, the model by {spec.preparation}; what one leaves of a "
                "sample says nothing about the other: fold model.spec"
            )
            raise InputError(msg)

    def _spec(self, fold: int) -> Spec:
        """What the model of a fold is fitted from."""
        if self._spec_of is not None:
            return self._spec_of(fold)
        if self._sized is None:
            genes = min(len(preparation.genes) for preparation in self._prepared())
            whose_n = self.spec.subjects(self.adata)
            subjects = [whose_n[self.fold_n != i] for i in range(len(self))]
            self._sized = self.spec.sized(subjects, genes=genes)
        return self._sized

    def _prepared(self) -> list[Preparation]:
        if not self._preparations:
            settings = self.spec.preparation
            others = (self.adata[self.fold_n != fold].copy() for fold in range(len(self)))
            self._preparations = [prepare_as(each, settings) for each in others]
        return self._preparations


def _fitted(item: tuple[Spec, Preparation, np.ndarray], adata: AnnData) -> Model:
    """One fold's model."""
    spec, preparation, others_n = item
    return spec.fit(adata[others_n].copy(), preparation=preparation)
