"""Cohorts, models and judges of the studies of small cohorts and of replication."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import stats

import genelight as gl
from genelight import Contrast, pp
from genelight._core.provenance import digest
from genelight.models.linear import FittedLinear
from genelight.models.reference.missing import leading_axes, training_values
from genelight.models.reference.within import keep_within
from genelight.models.subspace.exact import Subspace
from genelight.pp.prepare import prepare_as
from genelight.stats.moderated import Design

from ._modules import DATA, adults, children

COMPENDIUM = DATA / "compendium/human_bulk.h5ad"
HEALTHY = ("19435", "29536", "34608", "41055", "56153", "62525", "84076", "107104")
LATENT = ("107991", "107992", "112104")
TB = tuple(f"TB_GSE{number}" for number in HEALTHY + LATENT)
PAIRS = {
    "prostate cancer": ("KEGG_GSE6956AA", "KEGG_GSE6956C"),
    "AML": ("KEGG_GSE14924_CD4", "KEGG_GSE14924_CD8"),
    "CML": ("KEGG_GSE24739_G0", "KEGG_GSE24739_G1"),
    "ovarian cancer": ("KEGG_GSE38666_epithelia", "KEGG_GSE38666_stroma"),
    "tuberculosis": ("TB_GSE107991", "TB_GSE112104"),
}
WIDTH, WIDTHS = 128, (32, 64, 128)
SETTINGS = pp.PreparationSettings(missing=True, standardise="centre", above_floor=0.0)
TOP, FLOOR, SHARE_ABOVE = 200, 3.4, 0.3
LEAST_JUDGES = 5


@dataclass(frozen=True)
class SmallCohort:
    """One sample of each person of a cohort, and what other cohorts say of its genes.

    Attributes
    ----------
    adata
        Normal scores, the compendium's genes; NaN where the cohort lacks one.
    measured_ng
        Values that t is taken on: the same, or log2.
    case_n
        Who is ill.
    truth_g
        Mean t of other cohorts, NaN where too few of them measured the gene.
    left_out
        Studies that a model is trained without, by the name of that choice.
    judges
        Values and cases of each of the other cohorts.
    """

    name: str
    disease: str
    adata: AnnData
    measured_ng: np.ndarray
    case_n: np.ndarray
    truth_g: np.ndarray
    left_out: dict[str, tuple[str, ...]]
    judges: tuple[tuple[np.ndarray, np.ndarray], ...] = ()

    @property
    def there_g(self) -> np.ndarray:
        """Genes that the cohort and its judges have."""
        return ~np.isnan(self.measured_ng).any(0) & ~np.isnan(self.truth_g)

    def draw(self, size: int, seed: int) -> np.ndarray:
        """Positions of so many cases and as many controls."""
        rng = np.random.default_rng(seed)
        sides = (np.flatnonzero(self.case_n), np.flatnonzero(~self.case_n))
        return np.concatenate([rng.choice(side, size, replace=False) for side in sides])

    @property
    def largest(self) -> int:
        """Most people that each side can give."""
        return int(min(self.case_n.sum(), (~self.case_n).sum()))


def contrast_of(case_n: np.ndarray, of: np.ndarray | None = None) -> Contrast:
    """Cases against controls, one sample a person; adjusted for the groups named by `of`."""
    covariate_nc = None if of is None else pd.get_dummies(of, drop_first=True).to_numpy(dtype=np.float64)
    return Contrast(case_n, ~case_n, np.arange(len(case_n)), "ill against well", covariate_nc)


def t_of(measured_ng: np.ndarray, case_n: np.ndarray, of: np.ndarray | None = None) -> np.ndarray:
    """Moderated t of every gene that has no missing value, shape ``(g,)``; within the groups named by `of` if any."""
    there_g = ~np.isnan(measured_ng).any(0)
    t_g = np.full(measured_ng.shape[1], np.nan)
    t_g[there_g] = Design.of(measured_ng[:, there_g], contrast_of(case_n, of)).moderated().t_bg[0]
    return t_g


@cache
def compendium() -> AnnData:
    """The compendium, read once."""
    return gl.read(COMPENDIUM, dense=True)


def _people(study: str) -> tuple[AnnData, np.ndarray]:
    """First sample of each person of a study who is a case or a control, and who is a case."""
    adata = compendium()
    obs = adata.obs
    status_n = obs["tb_status"].astype(str) if study.startswith("TB") else obs["group"].astype(str)
    case, control = ("PTB", "LTBI" if study[6:] in LATENT else "Control") if study.startswith("TB") else PAIR_LABELS
    rows = np.flatnonzero((obs["study"].astype(str) == study) & status_n.isin((case, control)))
    _, first = np.unique(obs["patient"].astype(str).to_numpy()[rows], return_index=True)
    rows = rows[np.sort(first)]
    return adata[rows].copy(), (status_n.to_numpy()[rows] == case)


PAIR_LABELS = ("disease", "control")


def tuberculosis() -> Iterator[SmallCohort]:
    """Eleven cohorts of the compendium, each judged by the mean t of the other ten."""
    people = {study: _people(study) for study in TB}
    t = {study: t_of(np.asarray(adata.X, dtype=np.float64), case_n) for study, (adata, case_n) in people.items()}
    everything = tuple(sorted({s for s in compendium().obs["study"].astype(str) if s.startswith("TB_")}))
    for study, (adata, case_n) in people.items():
        others_sg = np.stack([t[other] for other in TB if other != study])
        enough_g = (~np.isnan(others_sg)).sum(0) >= LEAST_JUDGES
        truth_g = np.full(len(enough_g), np.nan)
        truth_g[enough_g] = np.nanmean(others_sg[:, enough_g], axis=0)
        left_out = {"cohort": (study,), "disease": everything}
        judges = tuple((np.asarray(people[o][0].X, dtype=np.float64), people[o][1]) for o in TB if o != study)
        yield SmallCohort(
            study, "tuberculosis", adata, np.asarray(adata.X, dtype=np.float64), case_n, truth_g, left_out, judges
        )


def lupus() -> Iterator[SmallCohort]:
    """Children judged by adults and adults by children, t on log2; the compendium has no lupus."""
    genes = compendium().var_names
    everything = tuple(sorted({s for s in compendium().obs["study"].astype(str) if s.startswith("TB_")}))
    found = {}
    for name, (adata, contrast) in {"children": children(), "adults": adults()}.items():
        _, first = np.unique(contrast.subject_n, return_index=True)
        first = np.sort(first[contrast.used_n[first]])
        frame = pd.DataFrame(np.asarray(adata.X[first], dtype=np.float64), columns=adata.var_names)
        x_ng = frame.loc[:, ~frame.columns.duplicated()].reindex(columns=genes).to_numpy()
        x_ng[:, (np.nan_to_num(x_ng) > FLOOR).mean(0) < SHARE_ABOVE] = np.nan
        found[name] = x_ng, contrast.case_n[first]
    for name, other in (("children", "adults"), ("adults", "children")):
        x_ng, case_n = found[name]
        obs = pd.DataFrame(index=[f"{name}{i}" for i in range(len(x_ng))])
        adata = AnnData(normal_scores(x_ng), obs=obs, var=pd.DataFrame(index=genes))
        left_out = {"cohort": (), "disease": everything}
        yield SmallCohort(f"lupus {name}", "lupus", adata, x_ng, case_n, t_of(*found[other]), left_out, (found[other],))


def pairs() -> Iterator[SmallCohort]:
    """Diseases in two studies, each judged by the other; the model has seen neither."""
    everything = tuple(sorted(study for studies in PAIRS.values() for study in studies))
    for disease, studies in PAIRS.items():
        for study, other in (studies, studies[::-1]):
            adata, case_n = _people(study)
            judge, ill_n = _people(other)
            truth_g = t_of(np.asarray(judge.X, dtype=np.float64), ill_n)
            measured_ng = np.asarray(adata.X, dtype=np.float64)
            judges = ((np.asarray(judge.X, dtype=np.float64), ill_n),)
            yield SmallCohort(study, disease, adata, measured_ng, case_n, truth_g, {"all ten": everything}, judges)


def pooled() -> SmallCohort:
    """The cohorts with healthy controls as one, judged by those with latent infection: large groups."""
    people = [(study, *_people(study)) for study in TB if study[6:] not in LATENT]
    x_ng = np.concatenate([np.asarray(adata.X, dtype=np.float64) for _, adata, _ in people])
    case_n = np.concatenate([case_n for _, _, case_n in people])
    of = [study for study, _, ill in people for _ in ill]
    obs = pd.DataFrame({"study": of}, index=[f"p{i}" for i in range(len(of))])
    judges_sg = [t_of(np.asarray(a.X, dtype=np.float64), c) for a, c in (_people(s) for s in TB if s[6:] in LATENT)]
    everything = tuple(sorted({s for s in compendium().obs["study"].astype(str) if s.startswith("TB_")}))
    adata = AnnData(x_ng.astype(np.float32), obs=obs, var=pd.DataFrame(index=compendium().var_names))
    truth_g = np.mean(judges_sg, axis=0)
    return SmallCohort("pooled", "tuberculosis", adata, x_ng, case_n, truth_g, {"disease": everything})


def normal_scores(x_ng: np.ndarray) -> np.ndarray:
    """Normal scores within each sample over the genes it has, as the compendium has them."""
    scored_ng = np.full(x_ng.shape, np.nan, dtype=np.float32)
    for row_g, score_g in zip(x_ng, scored_ng, strict=True):
        there_g = ~np.isnan(row_g)
        score_g[there_g] = stats.norm.ppf((stats.rankdata(row_g[there_g]) - 0.5) / there_g.sum())
    return scored_ng


@cache
def model_without(studies: tuple[str, ...]) -> FittedLinear:
    """PCA of the compendium without some studies, with how its codes vary within studies.

    ``GENELIGHT_STUDY_MODELS`` names a folder where fitted models are kept from one run to the next.
    """
    kept = os.environ.get("GENELIGHT_STUDY_MODELS")
    folder = Path(kept) / f"pca{WIDTH}-{digest(list(studies))[:12]}" if kept else None
    if folder and folder.is_dir():
        return gl.load(folder)
    study_n = compendium().obs["study"].astype(str).to_numpy()
    rest = compendium()[~np.isin(study_n, studies)].copy()
    preparation = prepare_as(rest, SETTINGS)
    x_ng = training_values(preparation, rest)
    basis_gk, variance_k = leading_axes(x_ng, WIDTH)
    lost = 1 - float(variance_k.sum()) * len(x_ng) / float(np.einsum("ng,ng->", x_ng, x_ng, dtype=np.float64))
    spec = gl.models.PCA(WIDTH, preparation=SETTINGS)
    model = spec.of(preparation, x_ng, subspace=Subspace(basis_gk, variance_k, lost))
    keep_within(model, model.encode(x_ng), rest.obs["study"].astype(str).to_numpy(), group="study")
    if folder:
        model.save(folder)
    return model


def agreement(score_g: np.ndarray, truth_g: np.ndarray, there_g: np.ndarray) -> dict[str, float]:
    """Rank concordance, share of the leading 200 found again, and sign agreement among the leading 200."""
    score_g, truth_g = score_g[there_g], truth_g[there_g]
    leading, again = (np.argsort(-np.abs(v), kind="stable")[:TOP] for v in (score_g, truth_g))
    return {
        "rank": float(stats.spearmanr(score_g, truth_g)[0]),
        "top": len(np.intersect1d(leading, again)) / TOP,
        "sign": float(np.mean(np.sign(score_g[leading]) == np.sign(truth_g[leading]))),
    }


def interval(value_c: np.ndarray, *, draws: int = 2000) -> tuple[float, float]:
    """95% percentile interval of the mean over cohorts."""
    rng = np.random.default_rng(0)
    mean_b = value_c[rng.integers(0, len(value_c), (draws, len(value_c)))].mean(1)
    low, high = np.quantile(mean_b, (0.025, 0.975))
    return float(low), float(high)
