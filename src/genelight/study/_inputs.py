"""Everything a study needs, read and checked before the first file is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from anndata import AnnData

from .. import demo, io, models, pp
from .._core.checks import Looks, check_column, select_samples
from .._core.provenance import digest
from ..errors import GenelightError, InputError
from ..io.sheet import SheetMatch
from ..models.counts import Counts
from ..models.fit import named_for, spec_of
from ..models.presets import choose_widths
from ..models.reference.panel import Panel
from ..nouns import Contrast, Edges, Genes, Model
from ..nouns.contrast_checks import check_people, left_over
from ..patients.severity import check_measure
from ..patients.stratify import LEAST_SUBJECTS
from ..pp.features import FEATURES, GENES
from ..pp.map_ids import IdMap
from ..pp.preparation import Preparation
from ..pp.prepare import LEAST_SAMPLES, among, prepare_as
from ..pp.project import map_where_needed
from . import _reference
from ._checks import Look, check_module, check_names, check_prior, check_scorecard, check_size, check_there
from ._features import Through, check_cells, kind_of_study, through
from ._order import by_name
from ._second import SecondCohort
from ._settings import EMBEDDED, Genetics, Sets, Study

LEAST_PEOPLE = 5


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
    sheet
        Which row of the sample sheet is whose.
    reference
        The model of other samples that these are read through, on the genes that both have; None to train one.
    through
        The way from features that are no genes to genes; None of genes, and where nothing is asked of genes.
    """

    study: Study
    adata: AnnData
    contrast: Contrast
    preparation: Preparation
    widths: tuple[int, ...]
    network: Edges | None
    sets: Sequence[Edges]
    digest: str
    id_map: IdMap | None = None
    second: SecondCohort | None = None
    sheet: SheetMatch | None = None
    reference: Panel | None = None
    through: Through | None = None

    @classmethod
    def read(cls, study: Study) -> Inputs:
        """Read and check all files of a study.

        Raises
        ------
        GenelightError
            If anything does not fit; nothing has been written then.
        """
        found = _gather(study, Looks(stop=True))
        if found is None:
            msg = "the study cannot be read"
            raise InputError(msg)
        return found

    @classmethod
    def check(cls, study: Study) -> tuple[Inputs | None, list[GenelightError]]:
        """The same, going on behind what does not fit: the inputs, None where there is any, and everything found."""
        looks = Looks(stop=False)
        found = _gather(study, looks)
        return (None if looks.problems else found), looks.problems

    @property
    def accounts(self) -> tuple[str, ...]:
        """What became of the sheet's rows and of columns that were no genes, and who is in neither group, to print."""
        sheets = (self.sheet, self.second.sheet if self.second else None)
        told = str(self.adata.uns.get("read", {}).get("notes") or "")
        read = [f"reading: {told}"] if told else []
        asked = self.study.contrast
        rest = left_over(self.adata.obs, self.contrast, case=asked.case, control=asked.control)
        through = [] if self.reference is None else [_reference.account(self.reference, self.study, self.fewest)]
        known = (str(each) for each in (*sheets, self.id_map) if each is not None)
        features = [] if self.through is None else [self.through.account]
        return (*read, *known, *([rest] if rest else []), *through, *features)

    @property
    def fewest(self) -> int:
        """People in the smaller group."""
        return _reference.fewest(self.contrast)

    @property
    def of_genes(self) -> bool:
        """Whether the columns are genes."""
        return FEATURES[self.preparation.settings.features or GENES].genes

    @property
    def judged(self) -> bool:
        """Whether there are people enough to hold some out."""
        return self.fewest >= LEAST_PEOPLE

    @property
    def baselined(self) -> bool:
        """Whether there are samples enough to train baselines of their own, some held out."""
        if self.reference is None:
            return True
        left = self.adata.n_obs - -(-self.adata.n_obs // min(self.study.module.folds, self.fewest))
        return self.judged and left > LEAST_SAMPLES

    @property
    def priors(self) -> str:
        """Identity of network and sets, and of the way to their genes."""
        through = [] if self.through is None else [self.through.digest]
        return digest(self.network.digest if self.network else "", [s.digest for s in self.sets], *through)

    @property
    def spec(self) -> models.Autoencoder | models.Deep | Counts:
        """What this study's autoencoder is fitted from, on all samples or on a fold's."""
        data, model = self.study.data, self.study.model
        spec = spec_of(
            named_for(model.preset, model.widths, samples=self.adata.n_obs, group=model.group),
            self.widths,
            epochs=model.epochs,
            learning_rate=model.learning_rate,
            preparation=self.preparation.settings,
            subject=data.subject,
            subject_pattern=data.subject_pattern,
            seed=model.seed,
        )
        return replace(spec, group=model.group) if isinstance(spec, models.Deep) else spec

    @property
    def baselines(self) -> tuple[models.PCA, models.ICA]:
        """Principal and independent components, as many as the narrowest layer has nodes that the samples can train."""
        width, preparation, seed = min(self.widths), self.preparation.settings, self.study.model.seed
        if self.reference is not None:
            smallest = _smallest_training(self.adata.n_obs, min(self.study.module.folds, self.fewest))
            width = min(width, *choose_widths(None, samples=smallest, genes=len(self.preparation.genes)))
        return models.PCA(width, preparation=preparation), models.ICA(width, preparation=preparation, seed=seed)

    @property
    def persons(self) -> AnnData:
        """The samples, the subject column naming persons."""
        found, subject = self.adata.copy(), self.study.data.subject
        if subject is not None:
            found.obs[subject] = self.contrast.subject_n.astype(str)
        return found


def _gather(study: Study, looks: Looks) -> Inputs | None:
    """The inputs; what needs a thing that is wrong is not looked at."""
    look = looks.look
    reference = look(lambda: _reference.given(study))
    table = look(lambda: _table(study, reference))
    network = look(lambda: _network(study)) if study.network else None
    sets = [look(lambda s=s: _sets(s, study.data.ids)) for s in study.sets]  # type: ignore[misc]
    sets += [look(lambda g=g: _genetics(g, study.data.ids)) for g in study.genetics]  # type: ignore[misc]
    check_names(study, look)
    if table is None:
        return None
    adata, id_map, sheet, kind = table
    contrast = look(lambda: _contrast(study, adata, looks))
    learned = look(lambda: prepare(adata, study, id_map=id_map))
    panel, preparation = _through(reference, learned, adata, study=study, look=look)
    if contrast is not None:
        _check_patients(study, adata, contrast, look=look)
    check_scorecard(study, adata, look)
    if preparation is None:
        return None
    # Told once, for the parts of the samples might speak for another.
    study = study.model_copy(update={"data": study.data.model_copy(update={"scale": preparation.scale})})
    genes = preparation.genes
    given = {} if panel is None else panel.widths
    widths = tuple(given.values()) or look(lambda: _widths(study, adata.n_obs, genes))
    layers = list(given) or [f"L{i + 1}" for i in range(len(widths or ()))]
    if contrast is not None and widths is not None:
        check_module(study, contrast, genes=genes, layers=layers, look=look)
    before = len(looks.problems)
    way = look(lambda: through(study, genes, kind))
    # Features without a way to genes are told once, not again for each thing that knows genes.
    if len(looks.problems) == before:
        if network is not None or sets:
            look(lambda: check_size(study, genes if way is None else way.genes, led=way is not None))
        network, sets = _named(network, sets, genes if way is None else way.genes, look=look)
    asked = study.second
    second = look(lambda: SecondCohort.read(asked, genes, features=study.data.features)) if asked else None
    if contrast is None or widths is None or None in sets:
        return None
    identity = digest(np.asarray(adata.X), list(adata.obs_names), list(adata.var_names), adata.obs.to_csv())
    return Inputs(
        study,
        adata,
        contrast,
        preparation,
        widths,
        network,
        [s for s in sets if s],
        identity,
        id_map,
        second,
        sheet,
        panel,
        way,
    )


def _named(
    network: Edges | None, sets: Sequence[Edges | None], genes: Genes, *, look: Callable[[Callable[[], Any]], Any]
) -> tuple[Edges | None, list[Edges | None]]:
    """Network and sets under the names that the study has for genes, each looked at."""
    network = network and pp.map_edges(network, genes, network=True)
    mapped = [edges and pp.map_edges(edges, genes) for edges in sets]
    for edges in (*mapped, network):
        if edges is not None:
            look(lambda edges=edges: check_prior(edges, genes, nodes=edges is network))  # type: ignore[misc]
    return network, mapped


def _through(
    reference: Model | None,
    learned: Preparation | None,
    adata: AnnData,
    *,
    study: Study,
    look: Callable[[Callable[[], Any]], Any],
) -> tuple[Panel | None, Preparation | None]:
    """The model that was given on the genes that the samples have too, and their preparation for these genes."""
    if reference is None or learned is None:
        # Without the model that was asked for, nothing that depends on its genes is looked at.
        return None, None if study.model.reference else learned
    panel: Panel | None = look(lambda: _reference.panel(reference, learned))
    if panel is None:
        return None, None
    look(lambda: _reference.check_fit(panel, adata, study))
    return panel, among(learned, panel.genes)


def _table(study: Study, reference: Model | None) -> tuple[AnnData, IdMap | None, SheetMatch | None, str]:
    """The samples kept, with genes as columns and what the sheet says of them; which kind of feature it has."""
    data = study.data
    check_cells(data)
    adata = demo.cohort() if data.expression == EMBEDDED else io.read(data.expression, dense=True, **data.reading)
    sheet = io.match_sheet(adata, data.samples, samples_id=data.samples_id) if data.samples else None
    adata = adata if sheet is None else sheet.join(adata)
    to = data.ids if reference is None else reference.genes
    kind = kind_of_study(data, adata)
    id_map = map_where_needed(adata, to=to, table=data.id_table) if FEATURES[kind].genes else None
    adata = id_map.transform(adata) if id_map else adata
    if data.drop:
        adata = adata[~select_samples(adata.obs, data.drop, role="drop")].copy()
    return by_name(adata), id_map, sheet, kind


def _contrast(study: Study, adata: AnnData, looks: Looks) -> Contrast:
    """Cases against controls, each part of the question looked at by itself first."""
    asked, data, obs = study.contrast, study.data, adata.obs
    for role, query in (("case", asked.case), ("control", asked.control)):
        looks.look(lambda role=role, query=query: select_samples(obs, query, role=role))  # type: ignore[misc]
    named = [("subject", data.subject), *(("covariate", name) for name in asked.covariates)]
    for role, name in named:
        if name is not None and name not in obs:
            looks.look(lambda role=role, name=name: check_column(obs, name, role=role))  # type: ignore[misc]
    contrast = Contrast.of(
        obs,
        case=asked.case,
        control=asked.control,
        subject=data.subject,
        subject_pattern=data.subject_pattern,
        covariates=asked.covariates,
    )
    check_people(obs, contrast)
    if study.model.reference is not None:
        _reference.check_people(contrast)
        return replace(contrast, name=asked.name) if asked.name else contrast
    for role, query, mask_n in (("case", asked.case, contrast.case_n), ("control", asked.control, contrast.control_n)):
        people = len(set(contrast.subject_n[mask_n]))
        if people < LEAST_PEOPLE:
            msg = (
                f"the {role} group has {int(mask_n.sum())} samples of {people} subjects, at least {LEAST_PEOPLE} "
                f"subjects are needed to train a model and to try it on people left out; widen {role} = {query!r}, or "
                'read them through a model of many other samples: reference = "human" under [model]'
            )
            raise InputError(msg)
    return replace(contrast, name=asked.name) if asked.name else contrast


def patients_of(study: Study, adata: AnnData, contrast: Contrast) -> AnnData:
    """The samples that severity and groups are of, the subject column naming persons."""
    asked, subject = study.patients, study.data.subject
    found = adata.copy()
    if subject is not None:
        found.obs[subject] = contrast.subject_n.astype(str)
    if asked is None or not asked.drop:
        return found
    return found[~select_samples(found.obs, asked.drop, role="drop")].copy()


def _check_patients(study: Study, adata: AnnData, contrast: Contrast, *, look: Look) -> None:
    asked = study.patients
    if asked is None:
        return
    kept, subject = look(lambda: patients_of(study, adata, contrast)), study.data.subject
    if kept is None:
        return

    def measure() -> None:
        check_measure(kept, asked.measure, subject=subject, time=asked.time, beside=asked.beside)

    def groups() -> None:
        subjects = kept.obs[subject].nunique() if subject else kept.n_obs
        if asked.groups and subjects < LEAST_SUBJECTS:
            msg = f"[patients] groups = true needs {LEAST_SUBJECTS} subjects, there are {subjects}; set groups = false"
            raise InputError(msg)

    look(measure)
    for name in asked.explain:
        look(lambda name=name: check_there(kept.obs, name, role="explain", where="obs"))  # type: ignore[misc]
    look(groups)


def prepare(adata: AnnData, study: Study, *, id_map: IdMap | None = None) -> Preparation:
    """The study's preparation, learned from these samples; with it goes how their columns became genes."""
    data = study.data
    asked = pp.PreparationSettings(
        scale=data.scale,
        features=data.features,
        ids=data.ids,
        above_floor=data.above_floor,
        variable=data.variable,
    )
    least = LEAST_SAMPLES if study.model.reference is None else 2
    learned = prepare_as(adata, asked, least=least)
    return replace(learned, id_map=id_map)


def _smallest_training(samples: int, folds: int) -> int:
    # A fold leaves out 1/folds of the subjects, and fitting sets aside a fifth of the rest; subjects differ in
    # their number of samples, hence the margin.
    return int(samples * (1 - 1 / folds) * 0.75)


def _widths(study: Study, samples: int, genes: Genes) -> tuple[int, ...]:
    smallest = _smallest_training(samples, study.module.folds)
    model = study.model
    preset = named_for(model.preset, model.widths, samples=samples, group=model.group)
    if model.group is not None and preset != models.Deep.kind:
        msg = f"[model] group = {model.group!r} is for a deep model; leave it out, or set preset = 'deep'"
        raise InputError(msg)
    return spec_of(preset, model.widths).allowed(samples=smallest, genes=len(genes))


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
