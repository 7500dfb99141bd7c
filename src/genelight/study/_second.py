"""A second cohort that is asked whether it has the module too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from anndata import AnnData

from .. import io, pp
from .._core.provenance import digest
from ..errors import GeneMismatchError
from ..io.sheet import SheetMatch
from ..nouns import Contrast, Genes
from ..nouns.contrast_checks import check_people
from ..nouns.genes import check_coverage
from ..pp.features import FEATURES, told_by_ids
from ..pp.gaps import fill_gaps
from ..pp.preparation import Preparation
from ..pp.prepare import prepare_as
from ..pp.project import map_where_needed
from ._order import by_name
from ._settings import Second

LEAST_SHARED = 10


@dataclass(frozen=True)
class Filled:
    """A cohort's preparation; a value that is missing is what its feature lets expect, lower where gaps lie low."""

    preparation: Preparation

    @property
    def genes(self) -> Genes:
        """Genes kept, in order."""
        return self.preparation.genes

    @property
    def scale(self) -> str:
        """Scale of the table."""
        return self.preparation.scale

    def transform(self, adata: AnnData) -> np.ndarray:
        """Standardised values, shape ``(n, g)``."""
        x_ng = self.preparation.transform(adata)
        gap_ng = np.isnan(x_ng)
        if not gap_ng.any():
            return x_ng
        return np.where(gap_ng, self.preparation.centre_g - self.preparation.lower(gap_ng), x_ng)

    def restore(self, z_ng: np.ndarray) -> np.ndarray:
        """Values before they were standardised, shape ``(n, g)``."""
        return self.preparation.restore(z_ng)


@dataclass(frozen=True)
class SecondCohort:
    """Its samples, groups and preparation, learned from itself.

    Attributes
    ----------
    digest
        Identity of expression, groups and subjects.
    sheet
        Which row of its sample sheet is whose.
    """

    adata: AnnData
    contrast: Contrast
    preparation: Filled
    digest: str
    sheet: SheetMatch | None = None

    @classmethod
    def read(cls, settings: Second, genes: Genes, *, features: str | None = None) -> SecondCohort:
        """Read and check it; columns of another kind of id become genes of the first cohort's kind.

        Features that are no genes, of the kind that the study says or the ids tell, stay what they are.

        Raises
        ------
        GenelightError
            If it does not fit, or shares too few of `genes`.
        """
        adata = io.read(settings.expression, dense=True)
        sheet = None
        if settings.samples:
            sheet = io.match_sheet(adata, settings.samples, samples_id=settings.samples_id)
            adata = sheet.join(adata)
        of_genes = FEATURES[features or told_by_ids(adata.var_names)].genes
        try:
            id_map = map_where_needed(adata, to=genes, table=settings.id_table) if of_genes else None
        except GeneMismatchError as error:
            msg = f"the second cohort {settings.expression}: {error}"
            raise GeneMismatchError(msg) from error
        adata = id_map.transform(adata) if id_map else adata
        adata = by_name(adata)
        if of_genes:
            adata, _ = fill_gaps(adata)
        contrast = Contrast.of(
            adata.obs,
            case=settings.case,
            control=settings.control,
            subject=settings.subject,
            subject_pattern=settings.subject_pattern,
        )
        check_people(adata.obs, contrast)
        asked = pp.PreparationSettings(scale=settings.scale, features=features, ids=genes.namespace)
        preparation = prepare_as(adata, asked)
        shared = genes.align(preparation.genes)
        check_coverage(
            shared, least=LEAST_SHARED, what="the data", reference=f"the second cohort {settings.expression}"
        )
        identity = digest(
            np.asarray(adata.X),
            list(adata.var_names),
            contrast.case_n,
            contrast.control_n,
            [str(s) for s in contrast.subject_n],
            settings.scale,
        )
        return cls(adata, contrast, Filled(preparation), identity, sheet)
