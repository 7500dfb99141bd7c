"""Simulated cohorts whose disease genes are known: is the module theirs, and is there none where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score

from genelight import Contrast, models, modules, simulate

if TYPE_CHECKING:
    from anndata import AnnData

SUBJECTS, EFFECTS = (20, 60, 200, 600, 2000), (0.0, 0.5, 1.0, 2.0)
SEEDS, FEW_SEEDS, SMALL = 20, 5, 60
CELLS = tuple(f"cells {i + 1}" for i in range(4))
NUISANCES: dict[str, tuple[simulate.Nuisance | None, tuple[str, ...]]] = {
    "unconfounded": (None, ()),
    "batch": (simulate.Nuisance(batches=2, batch=1.0, confounding=0.6), ("batch",)),
    "composition": (simulate.Nuisance(composition=1.0, confounding=1.0), CELLS),
}
QUESTION = {"case": 'condition == "case"', "control": 'condition == "control"', "subject": "subject"}
GENES, WIDTH = 1000, 8


def rows(*, quick: bool) -> Iterator[dict[str, object]]:
    """One row per confounder, number of subjects and effect, means over seeds; then all cohorts without a disease."""
    for confounder in NUISANCES:
        healthy: list[_Found] = []
        for subjects in (60,) if quick else SUBJECTS:
            for effect in EFFECTS[::2] if quick else EFFECTS:
                # Small cohorts vary most, and a false call is rare.
                seeds = 2 if quick else SEEDS if subjects <= SMALL or not effect else FEW_SEEDS
                found = [_derive(confounder, subjects, effect=effect, seed=seed) for seed in range(seeds)]
                healthy += [] if effect else found
                yield _row(confounder, f"{subjects} subjects, effect {effect:g}", found)
        called = stats.binomtest(sum(cohort.size > 0 for cohort in healthy), len(healthy)).proportion_ci()
        yield _row(confounder, f"no disease, {len(healthy)} cohorts", healthy) | {
            "low": called.low,
            "high": called.high,
        }


def _row(confounder: str, measure: str, found: Sequence[_Found]) -> dict[str, object]:
    row: dict[str, object] = {"cohort": f"simulated, {confounder}", "measure": measure}
    if found[0].has_disease:
        row["AUROC"] = float(np.mean([cohort.auroc for cohort in found]))
        row["oracle"] = float(np.mean([cohort.oracle for cohort in found]))
    row["genes"] = float(np.mean([cohort.size for cohort in found]))
    row["false share"] = float(np.mean([cohort.false / max(1, cohort.size) for cohort in found]))
    row["called"] = float(np.mean([cohort.size > 0 for cohort in found]))
    return row


@dataclass(frozen=True)
class _Found:
    """Size of the module that the data support, how many of it are false, AUROC of its scores and of the oracle's."""

    size: int
    false: int
    auroc: float
    oracle: float

    @property
    def has_disease(self) -> bool:
        return not np.isnan(self.auroc)


def _derive(confounder: str, subjects: int, *, effect: float, seed: int) -> _Found:
    nuisance, covariates = NUISANCES[confounder]
    adata = _cohort(subjects, effect=effect, nuisance=nuisance, seed=seed)
    contrast = Contrast.of(adata.obs, **QUESTION, covariates=covariates)
    model = models.PCA(WIDTH).fit(adata)
    module = modules.disease_module(adata, model, contrast=contrast, size=None, bootstraps=0, seed=seed)
    truth = adata.var["module"].to_numpy(bool)
    false = sum(not adata.var.loc[gene, "module"] for gene in module.selected)
    if not truth.any():
        return _Found(len(module.selected), false, float("nan"), float("nan"))
    scores = (module.score_g(), _oracle(adata, contrast))
    auroc, oracle = (float(roc_auc_score(truth, np.abs(score_g))) for score_g in scores)
    return _Found(len(module.selected), false, auroc, oracle)


def _oracle(adata: AnnData, contrast: Contrast) -> np.ndarray:
    """Scores of one who sees the true activities of all programmes in these subjects, shape ``(g,)``.

    It has to estimate, adjusted for the same covariates, no more than which activities differ between the groups and
    which genes follow them; a model can at best have found the activities themselves.
    """
    covariate_nc = np.zeros((adata.n_obs, 0)) if contrast.covariate_nc is None else contrast.covariate_nc
    one_n1, activity_nk = np.ones((adata.n_obs, 1)), adata.obsm["programmes"]
    groups = np.hstack((contrast.case_n[:, None], one_n1, covariate_nc))
    change_k = np.linalg.lstsq(groups, activity_nk, rcond=None)[0][0]
    x_ng = stats.zscore(np.asarray(adata.X, dtype=np.float64))
    loading_kg = np.linalg.lstsq(np.hstack((activity_nk, one_n1, covariate_nc)), x_ng, rcond=None)[0]
    return change_k @ loading_kg[: len(change_k)]


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
