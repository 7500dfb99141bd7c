"""Rows of the study ``calibration``: permutation tests, and whether modules of drawn labels are called preserved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from genelight import models, modules, pp
from genelight.nouns import Contrast, Genes
from genelight.pp.preparation import Preparation
from genelight.stats.subjects import Labels, indexed, numbered

from ._calibration_labels import LEVEL, row
from ._cohorts import as_table, compendium_study, people
from ._modules import adults, children

if TYPE_CHECKING:
    from anndata import AnnData

GENES, WIDTH, SHUFFLES, DRAWS = 3000, 8, 99, 199
TOGETHER, SUBJECTS, BATCH, LEAST = 0.8, 20, 1.0, 4
PRESERVED = ("de", "joint")


def label_rows(cohort: str, draws: int) -> Iterator[dict[str, object]]:
    """P of the permutation test of a module as a whole, by what labels go with: nothing, or a batch (0.8)."""
    found = [_label_p(cohort, seed) for seed in range(draws)]
    for name in found[0]:
        p = np.array([one[name] for one in found])
        yield row(
            f"permutation test, {name}, {cohort}", p <= LEVEL, LEVEL, **{"p up to 0.01": float((p <= 0.01).mean())}
        )


def preserved(pair: str, size: int, draws: int, *, truly: bool = False) -> Iterator[dict[str, object]]:
    """How often a module is called preserved, or so in part, elsewhere: of permuted labels, or of true ones."""
    draw = _as_they_are if truly else _permuted
    verdicts = [_verdicts(pair, size, seed=seed, draw=draw) for seed in range(draws)]
    for method in PRESERVED:
        said = np.array([one[method] for one in verdicts])
        name = (
            f"preserved or in part, {'true' if truly else 'permuted'} labels, {pair}, {size} against {size}, {method}"
        )
        whole = {"in full": float((said == "preserved").mean())}
        made = row(name, said != "not preserved", LEVEL, **whole)
        yield made | {"level": None, "p of more than level": None} if truly else made


def _permuted(contrast: Contrast, rng: np.random.Generator) -> Contrast:
    made = indexed(contrast)
    return Labels.of(made, rng).draw(rng)


def _as_they_are(contrast: Contrast, rng: np.random.Generator) -> Contrast:  # noqa: ARG001 - both are called alike
    return contrast


def _verdicts(
    pair: str, size: int, *, seed: int, draw: Callable[[Contrast, np.random.Generator], Contrast]
) -> dict[str, str]:
    adata, contrast, second, other, prepared = PAIRS[pair]()
    rng = np.random.default_rng((seed, size, 1))
    drawn = np.concatenate(
        [rng.choice(np.flatnonzero(side), size, replace=False) for side in (contrast.case_n, contrast.control_n)]
    )
    part = adata[drawn].copy()
    asked = draw(contrast.take(drawn), rng)
    model = models.PCA(WIDTH).fit(part)
    verdicts = {}
    for method in PRESERVED:
        module = modules.disease_module(part, model, contrast=asked, method=method, bootstraps=0)
        found = modules.preservation(second, module, contrast=other, prepared=prepared, draws=DRAWS, seed=seed)
        verdicts[method] = found.verdict
    return verdicts


def _label_p(cohort: str, seed: int) -> dict[str, float]:
    """People in two batches that differ in a third of the genes; labels drawn alone, or with the batch."""
    x_sg, genes = people(cohort)
    rng = np.random.default_rng((seed, 2))
    kept = np.sort(np.argsort(-x_sg.std(0), kind="stable")[:GENES])
    size = min(SUBJECTS, len(x_sg) // 2)
    x_ng = x_sg[np.ix_(rng.choice(len(x_sg), 2 * size, replace=False), kept)]
    batch_n = rng.permutation(np.arange(2 * size) % 2)
    shift_g = BATCH * x_ng.std(0) * (rng.random(len(kept)) < 1 / 3) * rng.choice((-1, 1), len(kept))
    part = as_table(x_ng + np.outer(batch_n, shift_g), Genes(tuple(genes.ids[g] for g in kept)))
    alone_n = rng.permutation(np.arange(2 * size) % 2) == 1
    together_n = np.zeros(2 * size, dtype=bool)
    while min(together_n.sum(), (~together_n).sum()) < LEAST:
        together_n = np.where(rng.random(2 * size) < TOGETHER, batch_n, 1 - batch_n) == 1
    model = models.PCA(WIDTH).fit(part)
    subject_n = np.arange(2 * size)
    covariate_nc = batch_n[:, None].astype(float)
    asked = {
        "labels that go with nothing": Contrast(alone_n, ~alone_n, subject_n, ""),
        "labels that go with a batch, adjusted for": Contrast(together_n, ~together_n, subject_n, "", covariate_nc),
    }
    return {
        name: modules.permutation_test(part, model, contrast=one, draws=SHUFFLES, seed=seed).p
        for name, one in asked.items()
    }


Pair = tuple["AnnData", Contrast, "AnnData", Contrast, Preparation]


@cache
def _lupus() -> Pair:
    """First samples of the children, in the genes of most variance on the log2 scale, and all of the adults."""
    adata, contrast = children()
    first = np.unique(numbered(contrast.subject_n)[1], return_index=True)[1]
    first = first[contrast.used_n[first]]
    second, other = adults()
    return _paired(adata[first, :].copy(), contrast.take(first), second=second, other=other)


@cache
def _tuberculosis() -> Pair:
    """Two cohorts of latent and active tuberculosis."""
    first, second = compendium_study("TB_GSE107991"), compendium_study("TB_GSE107992")
    asked = {"case": 'tb_status == "PTB"', "control": 'tb_status == "LTBI"', "subject": "patient"}
    return _paired(first, Contrast.of(first.obs, **asked), second=second, other=Contrast.of(second.obs, **asked))


def _paired(adata: AnnData, contrast: Contrast, *, second: AnnData, other: Contrast) -> Pair:
    adata = adata[:, adata.var_names.isin(second.var_names)]
    kept = np.sort(np.argsort(-np.asarray(adata.X).std(0), kind="stable")[:GENES])
    adata = adata[:, kept].copy()
    second = second[:, second.var_names.isin(adata.var_names)].copy()
    return adata, contrast, second, other, pp.prepare(second)


PAIRS: Mapping[str, Callable[[], Pair]] = MappingProxyType(
    {"lupus, children to adults": _lupus, "tuberculosis, GSE107991 to GSE107992": _tuberculosis}
)
