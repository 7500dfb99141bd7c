"""Tests of labels where genes go together as they do in blood: permuted labels of the lupus cohorts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from genelight import models, modules, pp
from genelight.nouns import Contrast
from genelight.stats.labels import Labels
from genelight.stats.subjects import indexed, numbered

from ._modules import adults, children

if TYPE_CHECKING:
    from anndata import AnnData

GENES, WIDTH, SHUFFLES, DRAWS = 3000, 8, 99, 199
TOGETHER, SUBJECTS, BATCH = 0.8, 20, 1.0
PRESERVED = ("de", "joint")


def label_p(seeds: int) -> dict[str, np.ndarray]:
    """P of the permutation test of a module as a whole, by what labels go with: nothing, or a batch (0.8)."""
    found = [_label_p(seed) for seed in range(seeds)]
    return {name: np.array([one[name] for one in found]) for name in found[0]}


def rows(*, quick: bool) -> Iterator[dict[str, object]]:
    """How often a module is called preserved in the adults: derived under permuted labels, and under true ones."""
    for what, sizes, seeds, draw in (
        ("permuted labels", (40,), 2 if quick else 100, _permuted),
        ("true labels", (10, 20, 40), 1 if quick else 20, _as_they_are),
    ):
        for size in sizes[:1] if quick else sizes:
            verdicts = [_verdicts(size, seed, draw) for seed in range(seeds)]
            for method in PRESERVED:
                said = [one[method] for one in verdicts]
                yield _row(f"{what}, {size} against {size} children, {method}", said)


def _row(test: str, said: list[str]) -> dict[str, object]:
    called = sum(verdict != "not preserved" for verdict in said)
    interval = stats.binomtest(called, len(said)).proportion_ci(method="wilson")
    return {
        "test": f"preserved in the adults: {test}",
        "p values": len(said),
        "preserved or in part": called / len(said),
        "95%": f"[{interval.low:.3f}, {interval.high:.3f}]",
        "preserved": said.count("preserved") / len(said),
    }


def _permuted(contrast: Contrast, rng: np.random.Generator) -> Contrast:
    made = indexed(contrast)
    return Labels.of(made, rng).draw(rng)


def _as_they_are(contrast: Contrast, rng: np.random.Generator) -> Contrast:  # noqa: ARG001 - both are called alike
    return contrast


def _verdicts(size: int, seed: int, draw: Callable[[Contrast, np.random.Generator], Contrast]) -> dict[str, str]:
    adata, contrast = _children()
    rng = np.random.default_rng((seed, size))
    drawn = [rng.choice(np.flatnonzero(mask), size, replace=False) for mask in (contrast.case_n, contrast.control_n)]
    part = adata[np.concatenate(drawn)].copy()
    asked = draw(contrast.take(np.concatenate(drawn)), rng)
    model = models.PCA(WIDTH).fit(part)
    second, other, prepared = _adults()
    verdicts = {}
    for method in PRESERVED:
        module = modules.disease_module(part, model, contrast=asked, method=method, bootstraps=0)
        found = modules.preservation(second, module, contrast=other, prepared=prepared, draws=DRAWS, seed=seed)
        verdicts[method] = found.verdict
    return verdicts


def _label_p(seed: int) -> dict[str, float]:
    """Patients in two batches that differ in a third of the genes; labels drawn alone, or with the batch."""
    adata, contrast = _children()
    rng = np.random.default_rng((seed, 2))
    drawn = rng.choice(np.flatnonzero(contrast.case_n), 2 * SUBJECTS, replace=False)
    part = adata[drawn].copy()
    batch_n = rng.permutation(np.arange(2 * SUBJECTS) % 2)
    shift_g = BATCH * part.X.std(0) * (rng.random(part.n_vars) < 1 / 3) * rng.choice((-1, 1), part.n_vars)
    part.X = part.X + np.outer(batch_n, shift_g)
    alone_n = rng.permutation(np.arange(2 * SUBJECTS) % 2) == 1
    together_n = np.where(rng.random(2 * SUBJECTS) < TOGETHER, batch_n, 1 - batch_n) == 1
    model = models.PCA(WIDTH).fit(part)
    subject_n = np.arange(2 * SUBJECTS)
    covariate_nc = batch_n[:, None].astype(float)
    asked = {
        "labels that go with nothing": Contrast(alone_n, ~alone_n, subject_n, ""),
        "labels that go with a batch, adjusted for": Contrast(together_n, ~together_n, subject_n, "", covariate_nc),
    }
    return {
        name: modules.permutation_test(part, model, contrast=one, permutations=SHUFFLES, seed=seed).p
        for name, one in asked.items()
    }


@cache
def _children() -> tuple[AnnData, Contrast]:
    """Each child's first sample, in the genes of most variance on the log2 scale."""
    adata, contrast = children()
    first = np.unique(numbered(contrast.subject_n)[1], return_index=True)[1]
    first = first[contrast.used_n[first]]
    adata = adata[first, :].copy()
    kept = np.argsort(-np.asarray(adata.X).std(0), kind="stable")[:GENES]
    return adata[:, np.sort(kept)].copy(), contrast.take(first)


@cache
def _adults() -> tuple[AnnData, Contrast, pp.Preparation]:
    adata, contrast = adults()
    adata = adata[:, adata.var_names.isin(_children()[0].var_names)].copy()
    return adata, contrast, pp.prepare(adata)
