"""What every step of a run answers, and the bench that steps work at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ... import evidence, models, nodes
from ..._core.provenance import digest
from ...evidence.distances import Interactome
from ...models.ica import LAYER as ICA_LAYER
from ...models.pca import LAYER as PCA_LAYER
from ...nouns import Model, Module, NodeGenes
from ...nouns.module import DERIVATION
from .._inputs import Inputs
from .._settings import Study

T = TypeVar("T", NodeGenes, Module)

BASELINE = "pca"
WEIGHED = "pca weighed"
MOST_MATCHED = 600
BASELINE_LAYERS = (PCA_LAYER, ICA_LAYER)
CONTROLS = ("de", "variance")
MODULE_GENES = "05_module_genes.tsv"  # of features that are no genes
MODULE = "05_module.tsv"
MODULES = (MODULE, *(f"05_module_{name}.tsv" for name in (BASELINE, *CONTROLS)))


@dataclass(frozen=True)
class Bench:
    """What lies before a step: the study's inputs, and the folder with what earlier steps made.

    Attributes
    ----------
    inputs
        Everything read and checked, see :class:`Inputs`.
    folder
        Run folder.
    """

    inputs: Inputs
    folder: Path

    @property
    def study(self) -> Study:
        """The settings."""
        return self.inputs.study

    @property
    def seed(self) -> int:
        """For everything that is drawn."""
        return self.study.model.seed

    @property
    def layers(self) -> list[str]:
        """The model's hidden layers (``L1``, ``L2``, ...), as far as is known before it is trained."""
        if self.inputs.reference is not None:
            return list(self.inputs.reference.widths)
        # A deep model on which depth is lost is PCA, of one layer.
        trained = self.folder / "03_model"
        if (trained / "config.json").is_file():
            return list(models.load(trained).widths)
        return [f"L{i + 1}" for i in range(len(self.inputs.widths))]

    @property
    def matched_layers(self) -> list[str]:
        """Layers whose nodes are looked for in other trainings: those of more than 600 nodes would take hours."""
        if self.inputs.reference is not None:
            return []
        widths = {f"L{i}": width for i, width in enumerate(self.inputs.widths, start=1)}
        return [layer for layer in self.layers if widths[layer] <= MOST_MATCHED]

    @cached_property
    def folds(self) -> models.Folds:
        """The study's fold models, each trained once, whoever asks first."""
        inputs, folds = self.inputs, self.study.module.folds
        if inputs.reference is not None:
            adata, k = inputs.adata, min(folds, inputs.fewest)
            return models.Folds.given(adata, inputs.reference, k=k, contrast=inputs.contrast, seed=self.seed)
        return models.Folds.by_subject(inputs.adata, inputs.spec, k=folds, contrast=inputs.contrast, seed=self.seed)

    @cached_property
    def interactome(self) -> Interactome | None:
        """The study's network with all distances in it, searched once, whichever step asks first."""
        network = self.inputs.network
        return None if network is None else evidence.distances(network)

    @cached_property
    def _lit(self) -> dict[tuple[str, str], NodeGenes]:
        return {}

    def light_up(self, model: Model, layer: str) -> NodeGenes:
        """The light-up of one layer of one model, made once, whichever step asks first."""
        key = (model.digest, layer)
        if key not in self._lit:
            self._lit[key] = nodes.light_up(model, layer)
        return self._lit[key]

    @property
    def lit(self) -> list[NodeGenes]:
        """All light-ups that steps of this run have asked for."""
        return list(self._lit.values())

    @property
    def contrast_digest(self) -> str:
        """Identity of the groups and of whose samples they are."""
        contrast = self.inputs.contrast
        subjects = [str(s) for s in contrast.subject_n]
        return digest(contrast.case_n, contrast.control_n, subjects, contrast.name, contrast.covariate_nc)

    @property
    def model_settings(self) -> dict[str, Any]:
        """How the model is built and trained, with the widths that were decided."""
        settings = self.study.model.model_dump(mode="json", exclude={"seeds", "reference"})
        given = self.inputs.reference
        return settings | {"widths": self.inputs.widths} | ({} if given is None else {"reference": given.digest})

    @property
    def trained(self) -> Model:
        """The model that is opened: the study's own, or the one that it was given."""
        return self.inputs.reference or models.load(self.folder / "03_model")

    @property
    def refitted(self) -> bool:
        """Whether the model is refitted on other draws of the subjects."""
        return self.study.model.seeds > 0 and self.inputs.reference is None

    @property
    def method(self) -> str:
        """How the module is derived: a model given as a reference is taken for one."""
        asked, given = self.study.module.method, self.inputs.reference
        return "reference" if asked == DERIVATION and given is not None and "within" not in given.about else asked

    @property
    def baselines(self) -> tuple[str, ...]:
        """Folders of the baselines; none where there are too few people to train them."""
        return ("03_pca", "03_ica") if self.inputs.baselined else ()

    @property
    def baseline_layers(self) -> tuple[str, ...]:
        """Their layers."""
        return BASELINE_LAYERS if self.inputs.baselined else ()

    @property
    def module_files(self) -> tuple[str, ...]:
        """The disease module and its baselines."""
        return tuple(name for name in MODULES if self.inputs.baselined or BASELINE not in name)

    def models(self) -> list[Model]:
        """The trained model, PCA, ICA."""
        return [self.trained, *(models.load(self.folder / name) for name in self.baselines)]

    def node_file(self, layer: str) -> Path:
        """Where the light-up of a layer is."""
        return self.folder / f"04_nodes_{layer}.parquet"

    def node_genes(self, layers: Sequence[str]) -> list[NodeGenes]:
        """The light-up of these layers."""
        return [NodeGenes.load(self.node_file(layer)) for layer in layers]

    @cached_property
    def values_ng(self) -> np.ndarray:
        """The samples as models see them, shape ``(n, g)``; what is missing comes from the trained model."""
        x_ng = self.inputs.preparation.transform(self.inputs.adata)
        return self.trained.prepare(self.inputs.adata) if np.isnan(x_ng).any() else x_ng

    def known_ng(self) -> np.ndarray:
        """Values before standardising, of genes: where the columns are none, the means over each gene's features."""
        through = self.inputs.through
        restored_ng = self.inputs.preparation.restore(self.values_ng)
        return restored_ng if through is None else through.means(restored_ng)

    def carried(self, tested: Sequence[T]) -> list[T]:
        """Profiles or modules over genes; over features where nothing leads from them to genes."""
        through = self.inputs.through
        return [each if through is None else through.carry(each) for each in tested]

    def modules(self) -> list[Module]:
        """The disease module and its baselines, over all genes."""
        genes = self.inputs.preparation.genes
        return [Module.load(self.folder / name, genes=genes) for name in self.module_files]


Settings = Callable[[Bench], Sequence[object]]


@dataclass(frozen=True)
class Step:
    """One step of a run; it is done when anything it depends on has changed, or when a file it made is gone.

    Attributes
    ----------
    name
        Its key in ``steps.json``.
    says
        A few words for the terminal as it begins.
    work
        Leaves the files.
    outputs
        The files and folders it leaves.
    after
        Names of the steps whose files it reads; None for all before it. Those that a study does without
        may be named too.
    depends
        Settings and identities that its result depends on, besides the steps it comes after.
    wanted
        Whether this study has such a step.
    """

    name: str
    says: str
    work: Callable[[Bench], None]
    outputs: Callable[[Bench], Sequence[str]]
    after: tuple[str, ...] | None = ()
    depends: Settings = lambda _: ()
    wanted: Callable[[Bench], bool] = lambda _: True


def step(
    name: str,
    says: str,
    *,
    outputs: Callable[[Bench], Sequence[str]],
    after: tuple[str, ...] | None = (),
    depends: Settings = lambda _: (),
    wanted: Callable[[Bench], bool] = lambda _: True,
) -> Callable[[Callable[[Bench], None]], Step]:
    """Make a step of the function that does its work; the rest is what :class:`Step` says."""
    return lambda work: Step(name, says, work, outputs, after, depends, wanted)
