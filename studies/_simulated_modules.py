"""Simulated cohorts whose disease genes are known: is the module theirs, and is there none where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import roc_auc_score

from genelight import Contrast, models, simulate, tl

if TYPE_CHECKING:
    from anndata import AnnData

SUBJECTS, EFFECTS, SEEDS = (20, 60, 200, 600, 2000), (0.0, 0.5, 1.0, 2.0), 5
CELLS = tuple(f"cells {i + 1}" for i in range(4))
NUISANCES: dict[str, tuple[simulate.Nuisance | None, tuple[str, ...]]] = {
    "unconfounded": (None, ()),
    "batch": (simulate.Nuisance(batches=2, batch=1.0, confounding=0.6), ("batch",)),
    "composition": (simulate.Nuisance(composition=1.0, confounding=1.0), CELLS),
}
QUESTION = {"case": 'condition == "case"', "control": 'condition == "control"', "subject": "subject"}
GENES, WIDTH = 1000, 8


def rows(*, quick: bool) -> Iterator[dict[str, object]]:
    """One row per confounder, number of subjects and effect, means over seeds."""
    for confounder in NUISANCES:
        for subjects in (60,) if quick else SUBJECTS:
            for effect in EFFECTS[::2] if quick else EFFECTS:
                yield _row(confounder, subjects, effect=effect, seeds=range(2 if quick else SEEDS))


def _row(confounder: str, subjects: int, *, effect: float, seeds: Sequence[int]) -> dict[str, object]:
    found = [_derive(confounder, subjects, effect=effect, seed=seed) for seed in seeds]
    row: dict[str, object] = {
        "cohort": f"simulated, {confounder}",
        "measure": f"{subjects} subjects, effect {effect:g}",
    }
    if effect:
        row["AUROC"] = float(np.mean([auroc for _, _, auroc in found]))
    row["genes"] = float(np.mean([size for size, _, _ in found]))
    row["false share"] = float(np.mean([false / max(1, size) for size, false, _ in found]))
    row["called"] = float(np.mean([size > 0 for size, _, _ in found]))
    return row


def _derive(confounder: str, subjects: int, *, effect: float, seed: int) -> tuple[int, int, float]:
    """Size of the module that the data bear, how many of it are false, and the AUROC of its scores."""
    nuisance, covariates = NUISANCES[confounder]
    adata = _cohort(subjects, effect=effect, nuisance=nuisance, seed=seed)
    contrast = Contrast.of(adata.obs, **QUESTION, covariates=covariates)
    model = models.fit_pca(adata, width=WIDTH)
    module = tl.disease_module(adata, model, contrast=contrast, size=None, bootstraps=0, seed=seed)
    truth = adata.var["module"].to_numpy(bool)
    false = sum(not adata.var.loc[gene, "module"] for gene in module.selected)
    auroc = float(roc_auc_score(truth, np.abs(module.score_g()))) if truth.any() else float("nan")
    return len(module.selected), false, auroc


def _cohort(subjects: int, *, effect: float, nuisance: simulate.Nuisance | None, seed: int) -> AnnData:
    adata = simulate.cohort(
        subjects,
        visits=1,
        n_genes=GENES,
        programmes=simulate.Programmes(effect=effect),
        nuisance=nuisance,
        seed=seed,
    )
    # One type's rise is the others' fall: all of them are needed.
    for i, name in enumerate(CELLS):
        adata.obs[name] = np.log(adata.obsm["composition"][:, i])
    return adata
