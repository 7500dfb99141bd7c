"""Studies of features that are no genes, and how they come to what networks and gene sets know."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from ..errors import InputError, first_three
from ..evidence._tested import NAMES_GENES
from ..nouns import Edges, Genes, Module, NodeGenes
from ..pp.features import FEATURES, check_subject, told_by_ids
from ..pp.settings import PreparationSettings
from ..pp.to_genes import Pairs, gene_means, to_genes
from ..pp.user_table import read_id_table

if TYPE_CHECKING:
    from anndata import AnnData

    from ._settings import Data, Study

T = TypeVar("T", bound=NodeGenes | Module)


@dataclass(frozen=True)
class Through:
    """Features and their genes: the way from what was measured to what is known.

    Attributes
    ----------
    features
        Those that are kept.
    pairs
        A feature in ``source``, one of its genes in ``target``.
    """

    features: Genes
    pairs: Edges

    @cached_property
    def _found(self) -> Pairs:
        return Pairs.of(self.features, self.pairs)

    @property
    def genes(self) -> Genes:
        """Genes that a feature leads to."""
        return self._found.genes

    @property
    def rows(self) -> pd.DataFrame:
        """Each kept feature (``gene``, as tables call what was measured) and the genes it leads to (``target``)."""
        found = self._found
        gene_e = np.repeat(np.arange(len(found.genes)), found.count_g)
        features, genes = (np.asarray(each.ids, dtype=object) for each in (self.features, found.genes))
        return pd.DataFrame({"gene": features[found.feature_e], "target": genes[gene_e]})

    @property
    def account(self) -> str:
        """What leads where, in counts."""
        found = self._found.account
        return (
            f"features lead to {found['genes']:,} genes by {found['table']}: {found['features without a gene']:,} of "
            f"{found['features']:,} to none, {found['features of several genes']:,} to several; a gene has "
            f"{found['features of a gene, median']:g} of them, the median, and at most "
            f"{found['features of a gene, most']}"
        )

    @property
    def digest(self) -> str:
        """Identity of the pairs."""
        return self.pairs.digest

    def carry(self, tested: T) -> T:
        """Profiles, or a module, over genes in place of features."""
        return to_genes(tested, self.pairs)

    def means(self, x_nf: np.ndarray) -> np.ndarray:
        """Each gene's mean over its features, shape ``(n, g)``."""
        return gene_means(x_nf, self.features, self.pairs, genes=self.genes)


def kind_of_study(data: Data, adata: AnnData) -> str:
    """The kind of feature that a study names, or that the ids of its table tell.

    Raises
    ------
    UnknownNameError
        If there is no such kind.
    InputError
        If several blocks are asked for at once.
    """
    asked = data.features
    if data.modality == "all" or "=" in (asked or ""):
        msg = (
            'a study is of one kind of feature at a time: name one block, modality = "cpg" under [data], and its kind, '
            'features = "cpg"; several together are trained by genelight fit --modality all'
        )
        raise InputError(msg)
    if asked is not None:
        FEATURES.entry(asked)
    return asked or told_by_ids(adata.var_names)


def check_cells(data: Data) -> None:
    """Stop where cells would count as people of their own.

    Raises
    ------
    InputError
        If rows are cells and no column says whose they are.
    """
    check_subject(PreparationSettings(features=data.features), data.subject)


def through(study: Study, features: Genes, kind: str) -> Through | None:
    """What leads from the kept features of a study to genes; None of genes, and where nothing is asked of genes.

    Raises
    ------
    InputError
        If network, sets or genetics are to be asked of features that no table leads to genes, or genes have a table.
    GeneMismatchError
        If the features lead to fewer than ten genes.
    """
    data = study.data
    if FEATURES[kind].genes:
        if data.feature_genes is not None:
            msg = (
                f"[data] feature_genes = {data.feature_genes!r} leads from features to genes, and the columns are "
                f"genes ({first_three(features.ids)}); leave it out, or say what they are, such as "
                'features = "protein"; a table from probes to genes is id_table'
            )
            raise InputError(msg)
        return None
    if data.feature_genes is None:
        asked = [("network", study.network), ("sets", study.sets), ("genetics", study.genetics)]
        if named := [name for name, given in asked if given]:
            msg = (
                f"the columns are features of kind {kind} ({first_three(features.ids)}), and {', '.join(named)} "
                'know genes: name a table of both, feature_genes = "manifest.csv" under [data], or ask nothing of '
                "genes: write network = false and sets = [] as the first lines of the study file, without [network], "
                "[[sets]] and [[genetics]]"
            )
            raise InputError(msg)
        return None
    pairs = read_id_table(data.feature_genes).edges
    if pairs.namespace not in NAMES_GENES:
        pairs = replace(pairs, namespace=data.ids)
    found = Through(features, pairs)
    _ = found.genes  # a table that leads nowhere is told here
    return found
