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
from ..nouns.genes import check_coverage
from ..nouns.people import check_people
from ..pp.project import map_where_needed
from ._settings import Second

__all__ = ["SecondCohort"]

LEAST_SHARED = 10


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
    preparation: pp.Preparation
    digest: str
    sheet: SheetMatch | None = None

    @classmethod
    def read(cls, settings: Second, genes: Genes) -> SecondCohort:
        """Read and check it; columns of another kind of id become genes of the first cohort's kind.

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
        try:
            id_map = map_where_needed(adata, to=genes, table=settings.id_table)
        except GeneMismatchError as error:
            msg = f"the second cohort {settings.expression}: {error}"
            raise GeneMismatchError(msg) from error
        adata = id_map.transform(adata) if id_map else adata
        adata, _ = pp.fill_gaps(adata)
        contrast = Contrast.of(
            adata.obs,
            case=settings.case,
            control=settings.control,
            subject=settings.subject,
            subject_pattern=settings.subject_pattern,
        )
        check_people(adata.obs, contrast)
        preparation = pp.prepare(adata, scale=settings.scale, ids=genes.namespace)
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
        return cls(adata, contrast, preparation, identity, sheet)
