"""Whether a disease module found in one cohort is there in another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import stats

from .._core.checks import check_positive
from .._core.printed import Card, Printed
from .._core.tables import read_tsv, write_tsv
from ..nodes.layers import chunks
from ..nouns import Contrast, Module
from ..nouns.contrast import check_contrast
from ..nouns.contrast_checks import check_people
from ..stats.intervals import TAILS
from ..stats.pvalues import empirical_p
from ._cohort import Prepared, SecondCohort, matched_draws

__all__ = ["Preservation", "preservation"]

LEVEL = 0.03
"""Of 134 joint modules of permuted labels of lupus children 7% have a q of 0.05 or less in the adults, 4% of 0.03."""
DECISIVE = ("transfer AUC", "effect", "overlap")
LABELS, MODULES, MATCHED = "shuffled labels", "modules of shuffled labels", "matched genes"


@dataclass(frozen=True, repr=False)
class Preservation(Printed):
    """What became of a module in a second cohort.

    Attributes
    ----------
    table
        One row per measure and null: ``measure``, ``null``, ``value``, ``low`` and ``high`` (95% interval over
        bootstraps of subjects, NaN where there is none), ``null_mean``, ``null_sd``, ``p`` (one-sided), ``q``: of a
        measure that decides, the largest p of its two nulls and of the measures before it; NaN of the others.
    verdict
        ``"preserved"``, ``"preserved in part"`` or ``"not preserved"``, see :func:`preservation`.
    about
        Samples, subjects and genes of the second cohort that entered, settings.
    """

    table: pd.DataFrame
    verdict: str
    about: Mapping[str, Any] = field(default_factory=dict)

    FORMAT: ClassVar[int] = 1

    def _card(self) -> Card:
        decide, about = self.table.dropna(subset=["q"]).drop_duplicates("measure"), self.about
        return f"module in a second cohort: {self.verdict}", [
            *((str(row.measure), f"{row.value:.3f}, q = {row.q:.2g}") for row in decide.itertuples()),
            ("module", str(about.get("module", ""))),
            ("asked of", str(about.get("contrast", ""))),
            ("samples", f"{about.get('samples', '?')}"),
            (
                "measured",
                f"{about.get('module_genes_shared', '?')} of {about.get('module_genes', '?')} of its genes",
            ),
        ]

    def save(self, path: Path) -> None:
        """Write as TSV under one comment line."""
        about = {"verdict": self.verdict, "about": dict(self.about)}
        write_tsv(path, self.table, kind="preservation", version=self.FORMAT, about=about)

    @classmethod
    def load(cls, path: Path) -> Preservation:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FormatError
            If the file is absent, damaged or of another kind.
        """
        table, about = read_tsv(path, kind="preservation", newest=cls.FORMAT, text=("measure", "null"))
        return cls(table, about["verdict"], about["about"])


def preservation(
    adata: AnnData,
    module: Module,
    *,
    contrast: Contrast,
    prepared: Prepared,
    draws: int = 1000,
    seed: int = 0,
) -> Preservation:
    """Ask a second cohort about a module, which stays as the first cohort made it.

    Repeated samples of a subject are averaged first, so that subjects are the unit throughout. Measures, those of the
    contrast's covariates adjusted for where it has any:

    ================ ==============================================================
    transfer AUC     cases against controls by the signed mean of the module's genes
    effect           mean moderated t of the module's genes, signed as they were
    sign concordance share of the module's genes that change as they did
    overlap          share of the module among as many genes of largest absolute t
    rank concordance Spearman correlation of all genes' scores with moderated t
    coherence        mean correlation of its signed genes within the groups
    ================ ==============================================================

    Two nulls decide, and both keep the genes' correlation. *Shuffled labels*: the labels of the second cohort, shuffled
    over whole subjects (within the subject where groups are paired, and where covariates leave it open), say whether
    the module has to do with the disease there at all. *Modules of shuffled labels*: as many genes, those of largest t
    under each shuffle with the signs they have there, are held against the true labels. A module of a first cohort
    where labels meant nothing is such a module: it follows whatever moves most genes in such samples, which a disease
    moves as well, so it too may seem to be there. The p of a measure is the larger of the two.

    *Matched genes*, random ones of like mean and spread, are shown and decide nothing: drawn as if they were
    independent they vary too little, and nearly a third of modules that mean nothing would pass. Nor do the rank
    and the sign concordance decide, which are as wide as the cohort's strongest axis, nor coherence, since genes may
    follow a disease without following one another. It is measured on what is left when each group's mean is taken off.

    Parameters
    ----------
    module
        A module of the first cohort.
    adata, contrast
        The second cohort and its cases and controls.
    prepared
        ``genelight.prepare`` of the second cohort: its genes, their mean, spread and scale.
    draws
        Shuffles, matched modules and bootstraps; the smallest p is ``1 / (draws + 1)``.
    seed
        Seed of all draws.

    Returns
    -------
    The table, and a verdict, from tests in a fixed sequence: transfer AUC, effect, overlap. ``"not preserved"``
    when transfer AUC has a q above 0.03, ``"preserved"`` when all three have one of at most 0.03, else
    ``"preserved in part"``. Transfer AUC comes first because it alone holds its level however the module's genes
    were chosen: a method that takes the genes of largest loading where the null takes those of largest t has more
    effect and overlap without a disease. ``python -m studies calibration`` has how often either is said of modules
    that mean nothing, and of true ones.

    Raises
    ------
    GeneMismatchError
        If fewer than ten of the module's genes are in the second cohort.
    InputError
        If the contrast does not belong to `adata`, or takes every sample for a person of its own where a column of the
        table says that people come back.

    Notes
    -----
    Cost: draws x subjects x genes for the shuffles, draws x module size x subjects for the matched modules.

    References
    ----------
    Langfelder et al. 2011, doi 10.1371/journal.pcbi.1001057; Goeman and Bühlmann 2007 on why labels and not genes
    are shuffled, doi 10.1093/bioinformatics/btm051.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> kind = {"case": 'condition == "symptomatic" and hours >= 45', "control": "hours == 0", "subject": "subject"}
    >>> ill = gl.Contrast.of(adata.obs, **kind)
    >>> module = gl.disease_module(adata, gl.models.PCA(8).fit(adata), contrast=ill, bootstraps=0)
    >>> found = gl.modules.preservation(adata, module, contrast=ill, prepared=gl.prepare(adata), draws=99)
    >>> found.verdict
    'preserved'
    """
    check_contrast(adata, contrast)
    check_positive(draws=draws)
    check_people(adata.obs, contrast)
    cohort = SecondCohort.of(module, adata, contrast=contrast, prepared=prepared)
    t_g, t_bg = cohort.t_under_bootstrap(draws, seed=seed)
    case_br = cohort.shuffles(draws, seed=seed)
    table = pd.DataFrame(
        [
            *_against_labels(cohort, t_g, t_bg, case_br=case_br, seed=seed),
            *_against_genes(cohort, t_g, draws=draws, seed=seed),
        ]
    )
    decides = table["measure"].isin(DECISIVE) & table["null"].isin((LABELS, MODULES))
    q = table[decides].groupby("measure")["p"].max().reindex(DECISIVE).cummax()
    table["q"] = table["measure"].map(q).where(decides)
    about = {
        "module": module.name,
        "method": module.method,
        "contrast": contrast.name,
        "samples": int(contrast.used_n.sum()),
        "case_subjects": int(cohort.rows.case_n.sum()),
        "control_subjects": int(cohort.rows.control_n.sum()),
        "paired": cohort.design.paired,
        "genes_shared": len(t_g),
        "module_genes": len(module.selected),
        "module_genes_shared": len(cohort.top),
        "draws": draws,
        "seed": seed,
    }
    return Preservation(table, _verdict(q.to_numpy()), about)


def _verdict(q: np.ndarray) -> str:
    if q[0] > LEVEL:
        return "not preserved"
    return "preserved" if (q <= LEVEL).all() else "preserved in part"


def _against_labels(
    cohort: SecondCohort, t_g: np.ndarray, t_bg: np.ndarray, *, case_br: np.ndarray, seed: int
) -> list[dict[str, Any]]:
    """Rows of every measure but coherence: the module under other labels, and modules of other labels."""
    top_1m, sign_g = cohort.top[None], np.sign(cohort.score_g)
    case_1r = cohort.rows.case_n[None]
    own_1r = cohort.score_br(top_1m, sign_g[top_1m])
    under: list[dict[str, np.ndarray]] = []
    modules: list[dict[str, np.ndarray]] = []
    for part in chunks(len(case_br), columns=len(t_g)):
        null_bg = cohort.t_under_labels(case_br[part])
        auc_b = cohort.auc_b(own_1r, case_br[part])
        under.append(_measures(cohort.score_g[None], null_bg, top_1m) | {"transfer AUC": auc_b})
        drawn_bm = _strongest(null_bg, len(cohort.top))
        score_br = cohort.score_br(drawn_bm, np.sign(np.take_along_axis(null_bg, drawn_bm, axis=1)))
        auc_b = cohort.auc_b(score_br, case_1r)
        modules.append(_measures(null_bg, t_g[None], drawn_bm) | {"transfer AUC": auc_b})
    own = _measures(cohort.score_g[None], t_g[None], top_1m) | {"transfer AUC": cohort.auc_b(own_1r, case_1r)}
    draws = _measures(cohort.score_g[None], t_bg, top_1m)
    draws["transfer AUC"] = cohort.auc_under_bootstrap(own_1r[0], draws=len(t_bg), seed=seed)
    return [
        _row((name, null), own[name][0], null_b=np.concatenate([values[name] for values in drawn]), draw_b=draws[name])
        for name in ("transfer AUC", "effect", "sign concordance", "overlap", "rank concordance")
        for null, drawn in ((LABELS, under), (MODULES, modules))
    ]


def _against_genes(cohort: SecondCohort, t_g: np.ndarray, *, draws: int, seed: int) -> list[dict[str, Any]]:
    """Rows of what random genes of like mean and spread have, which decide nothing."""
    draw_bm = matched_draws(cohort.bin_g, cohort.top, draws=draws, seed=seed)
    top_1m, score_1g, t_1g = cohort.top[None], cohort.score_g[None], t_g[None]
    own, null = _measures(score_1g, t_1g, top_1m), _measures(score_1g, t_1g, draw_bm)
    unit_rg = cohort.unit_residuals()
    own["coherence"] = _coherence(cohort, unit_rg, top_1m)
    null["coherence"] = _coherence(cohort, unit_rg, draw_bm)
    shown = ("effect", "sign concordance", "overlap", "coherence")
    return [_row((name, MATCHED), own[name][0], null_b=null[name]) for name in shown]


def _strongest(t_bg: np.ndarray, size: int) -> np.ndarray:
    """Positions of the genes of largest absolute t, shape ``(b, size)``."""
    return np.argpartition(-np.abs(t_bg), size - 1, axis=1)[:, :size]


def _measures(score_bg: np.ndarray, t_bg: np.ndarray, draw_bm: np.ndarray) -> dict[str, np.ndarray]:
    """What t says of lists of genes whose first cohort gave these scores; each has one row, or one a draw."""
    rows = max(len(score_bg), len(t_bg), len(draw_bm))
    draw_bm = np.broadcast_to(draw_bm, (rows, draw_bm.shape[1]))
    strong_bg = np.zeros(t_bg.shape, dtype=bool)
    np.put_along_axis(strong_bg, _strongest(t_bg, draw_bm.shape[1]), values=True, axis=1)
    sign_bm, t_bm, strong_bm = (_along(values_bg, draw_bm) for values_bg in (np.sign(score_bg), t_bg, strong_bg))
    rank = [_unit(stats.rankdata(values_bg, axis=1)) for values_bg in (score_bg, t_bg)]
    return {
        "effect": (sign_bm * t_bm).mean(1),
        "sign concordance": (np.sign(t_bm) == sign_bm).mean(1),
        "overlap": strong_bm.mean(1),
        "rank concordance": np.broadcast_to(np.einsum("bg,bg->b", *np.broadcast_arrays(*rank)), rows),
    }


def _along(values_bg: np.ndarray, draw_bm: np.ndarray) -> np.ndarray:
    return values_bg[0][draw_bm] if len(values_bg) == 1 else np.take_along_axis(values_bg, draw_bm, axis=1)


def _coherence(cohort: SecondCohort, unit_rg: np.ndarray, draw_bm: np.ndarray) -> np.ndarray:
    """Mean correlation of each list's genes, signed as in the first cohort, shape ``(b,)``."""
    signed_rg = unit_rg * np.sign(cohort.score_g)
    size = draw_bm.shape[1]
    total_br = np.stack([signed_rg[:, genes].sum(1) for genes in draw_bm])
    own_b = (signed_rg**2).sum(0)[draw_bm].sum(1)
    return np.asarray(((total_br**2).sum(1) - own_b) / (size * (size - 1)))


def _unit(rank_bg: np.ndarray) -> np.ndarray:
    centred_bg = rank_bg - rank_bg.mean(-1, keepdims=True)
    return centred_bg / np.linalg.norm(centred_bg, axis=-1, keepdims=True)


def _row(
    name: tuple[str, str], value: float, *, null_b: np.ndarray, draw_b: np.ndarray | None = None
) -> dict[str, Any]:
    low, high = (np.nan, np.nan) if draw_b is None else np.quantile(draw_b, TAILS)
    return {
        "measure": name[0],
        "null": name[1],
        "value": float(value),
        "low": float(low),
        "high": float(high),
        "null_mean": float(null_b.mean()),
        "null_sd": float(null_b.std()),
        "p": float(empirical_p(np.array([value]), null_b[:, None], sign=1)[0]),
    }
