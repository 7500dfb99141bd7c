"""Everything a study needs, read and checked before the first file is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from anndata import AnnData

from .. import demo, io, models, modules, patients, pp
from .._core.checks import select_samples
from .._core.provenance import digest
from ..errors import InputError, UnknownNameError
from ..nouns import Contrast, Edges, Genes
from ..nouns.contrast import measure_of
from ..nouns.genes import check_coverage
from ..patients.stratify import LEAST_SUBJECTS
from ._second import SecondCohort
from ._settings import EMBEDDED, Genetics, Sets, Study

__all__ = ["Inputs", "patients_of"]

LEAST_SHARED = 10
TESTED_SIZES = (5, 500)


@dataclass(frozen=True)
class Inputs:
    """A study's data: samples kept, contrast, preparation and priors.

    Attributes
    ----------
    widths
        Hidden layers, decided once for the whole study so that every fold has the same.
    digest
        Identity of expression and sample table.
    id_map
        How the file's columns became genes, where they were none.
    second
        The cohort that is asked for the module too.
    """

    study: Study
    adata: AnnData
    contrast: Contrast
    preparation: pp.Preparation
    widths: tuple[int, ...]
    network: Edges | None
    sets: Sequence[Edges]
    digest: str
    id_map: pp.IdMap | None = None
    second: SecondCohort | None = None

    @classmethod
    def read(cls, study: Study) -> Inputs:
        """Read and check all files of a study.

        Raises
        ------
        GenelightError
            If anything does not fit; nothing has been written then.
        """
        data = study.data
        adata = demo.cohort() if data.expression == EMBEDDED else io.read(data.expression, dense=True)
        id_map = pp.map_where_needed(adata, to=data.ids, table=data.id_table)
        adata = id_map.transform(adata) if id_map else adata
        if data.drop:
            adata = adata[~select_samples(adata.obs, data.drop, role="drop")].copy()
        contrast = Contrast.of(
            adata.obs,
            case=study.contrast.case,
            control=study.contrast.control,
            subject=data.subject,
            subject_pattern=data.subject_pattern,
            covariates=study.contrast.covariates,
        )
        if study.contrast.name:
            contrast = replace(contrast, name=study.contrast.name)
        preparation = prepare(adata, study, id_map=id_map)
        smallest = _smallest_training(adata.n_obs, study.module.folds)
        widths = models.widths_of(
            study.model.preset, study.model.widths, samples=smallest, genes=len(preparation.genes)
        )
        _check_module(study, contrast, genes=preparation.genes, layers=len(widths))
        _check_patients(study, adata, contrast)
        network = _network(study)
        sets = [_sets(s, data.ids) for s in study.sets] + [_genetics(g, data.ids) for g in study.genetics]
        for edges in [*sets, *([network] if network else [])]:
            known = set(edges.table["target"]) | (set(edges.table["source"]) if edges is network else set())
            shared = preparation.genes.align(known)
            check_coverage(shared, least=LEAST_SHARED, what="the data", reference=edges.name)
        for collection in sets:
            _check_sizes(collection, preparation.genes)
        identity = digest(np.asarray(adata.X), list(adata.obs_names), list(adata.var_names), adata.obs.to_csv())
        second = SecondCohort.read(study.second, preparation.genes) if study.second else None
        return cls(study, adata, contrast, preparation, widths, network, sets, identity, id_map, second)

    @property
    def priors(self) -> str:
        """Identity of network and sets."""
        return digest(self.network.digest if self.network else "", [s.digest for s in self.sets])

    @property
    def spec(self) -> models.Autoencoder | models.Deep:
        """What this study's autoencoder is fitted from, on all samples or on a fold's."""
        data, model = self.study.data, self.study.model
        return models.spec_of(
            model.preset,
            self.widths,
            epochs=model.epochs,
            learning_rate=model.learning_rate,
            preparation=self.preparation.settings,
            subject=data.subject,
            subject_pattern=data.subject_pattern,
            seed=model.seed,
        )

    @property
    def baselines(self) -> tuple[models.PCA, models.ICA]:
        """Principal and independent components, as many as the narrowest layer has nodes."""
        width, preparation, seed = min(self.widths), self.preparation.settings, self.study.model.seed
        return models.PCA(width, preparation=preparation), models.ICA(width, preparation=preparation, seed=seed)

    @property
    def persons(self) -> AnnData:
        """The samples, the subject column naming persons."""
        found, subject = self.adata.copy(), self.study.data.subject
        if subject is not None:
            found.obs[subject] = self.contrast.subject_n.astype(str)
        return found


def patients_of(study: Study, adata: AnnData, contrast: Contrast) -> AnnData:
    """The samples that severity and groups are of, the subject column naming persons."""
    asked, subject = study.patients, study.data.subject
    found = adata.copy()
    if subject is not None:
        found.obs[subject] = contrast.subject_n.astype(str)
    if asked is None or not asked.drop:
        return found
    return found[~select_samples(found.obs, asked.drop, role="drop")].copy()


def _check_patients(study: Study, adata: AnnData, contrast: Contrast) -> None:
    asked = study.patients
    if asked is None:
        return
    kept, subject = patients_of(study, adata, contrast), study.data.subject
    measure = measure_of(kept.obs, asked.measure, subject=subject)
    patients.check_measure(kept, measure, subject=subject, time=asked.time, beside=asked.beside)
    for name in asked.explain:
        if name not in kept.obs:
            raise UnknownNameError("explain column", name, kept.obs.columns, where="obs")
    subjects = kept.obs[subject].nunique() if subject else kept.n_obs
    if asked.groups and subjects < LEAST_SUBJECTS:
        msg = f"[patients] groups = true needs {LEAST_SUBJECTS} subjects, there are {subjects}; set groups = false"
        raise InputError(msg)


def prepare(adata: AnnData, study: Study, *, id_map: pp.IdMap | None = None) -> pp.Preparation:
    """The study's preparation, learned from these samples; with it goes how their columns became genes."""
    data = study.data
    learned = pp.prepare(adata, scale=data.scale, ids=data.ids, above_floor=data.above_floor, variable=data.variable)
    return replace(learned, id_map=id_map)


def _smallest_training(samples: int, folds: int) -> int:
    # A fold leaves out 1/folds of the subjects, and fitting sets aside a fifth of the rest; subjects differ in
    # their number of samples, hence the margin.
    return int(samples * (1 - 1 / folds) * 0.75)


def _check_module(study: Study, contrast: Contrast, *, genes: Genes, layers: int) -> None:
    settings = study.module
    modules.DERIVATIONS.entry(settings.method)
    if settings.layer is not None and settings.layer not in (names := [f"L{i + 1}" for i in range(layers)]):
        raise UnknownNameError("layer", settings.layer, names, where="[module] of the study")
    if settings.size > len(genes) // 2:
        msg = f"[module] size = {settings.size} is more than half of the {len(genes)} genes kept; choose a smaller one"
        raise InputError(msg)
    fewest = min(len(np.unique(contrast.subject_n[mask])) for mask in (contrast.case_n, contrast.control_n))
    if settings.folds > fewest:
        msg = f"[module] folds = {settings.folds}, but a group has only {fewest} subjects; use folds = {fewest}"
        raise InputError(msg)


def _check_sizes(collection: Edges, genes: Genes) -> None:
    low, high = TESTED_SIZES
    sizes = collection.table[collection.table["target"].isin(genes.ids)].groupby("source").size()
    if not sizes.between(low, high).any():
        msg = (
            f"{collection.name}: of {len(sizes)} sets none has {low} to {high} measured genes (they have "
            f"{sizes.min()} to {sizes.max()}); such sets are not tested, choose smaller or larger ones"
        )
        raise InputError(msg)


def _network(study: Study) -> Edges | None:
    settings = study.network
    if not settings:
        return None
    if settings.file == EMBEDDED:
        return demo.network()
    return io.read_network(settings.file, cut=settings.cut, name=settings.name, ids=study.data.ids)


def _sets(settings: Sets, ids: str) -> Edges:
    return demo.sets() if settings.file == EMBEDDED else io.read_sets(settings.file, name=settings.name, ids=ids)


def _genetics(settings: Genetics, ids: str) -> Edges:
    keep = settings.keep or None
    return io.read_gene_lists(settings.file, disease=settings.disease, keep=keep, name=settings.name, ids=ids)
