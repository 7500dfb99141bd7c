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
from .._core.tables import read_tsv, write_tsv
from ..nodes.layers import chunks
from ..nouns import Contrast, Module
from ..nouns.contrast import check_contrast
from ..stats.intervals import TAILS
from ._cohort import Prepared, SecondCohort, matched_draws

__all__ = ["Preservation", "preservation"]

LEVEL = 0.05
DECISIVE = ("transfer AUC", "sign concordance", "overlap", "effect")
LABELS, MATCHED = "shuffled labels", "matched genes"


@dataclass(frozen=True)
class Preservation:
    """What became of a module in a second cohort.

    Attributes
    ----------
    table
        One row per measure and null: ``measure``, ``null``, ``value``, ``low`` and ``high`` (95% interval over
        bootstraps of subjects, NaN where there is none), ``null_mean``, ``null_sd``, ``p`` (one-sided), ``q``
        (Benjamini-Hochberg over the table).
    verdict
        ``"preserved"``, ``"preserved in part"`` or ``"not preserved"``, see :func:`preservation`.
    about
        Samples, subjects and genes of the second cohort that entered, settings.
    """

    table: pd.DataFrame
    verdict: str
    about: Mapping[str, Any] = field(default_factory=dict)

    FORMAT: ClassVar[int] = 1

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
    module: Module,
    adata: AnnData,
    *,
    contrast: Contrast,
    prepared: Prepared,
    draws: int = 1000,
    seed: int = 0,
) -> Preservation:
    """Ask a second cohort about a module, which stays as the first cohort made it.

    Repeated samples of a subject are averaged first, so that subjects are the unit throughout. Measures:

    ================= ================= ==============================================================
    measure           null              what it is
    ================= ================= ==============================================================
    transfer AUC      shuffled labels   cases against controls by the signed mean of the module's genes
    rank concordance  shuffled labels   Spearman correlation of all genes' scores with moderated t
    sign concordance  matched genes     share of the module's genes that change as they did
    overlap           matched genes     share of the module among as many genes of largest absolute t
    effect            matched genes     mean t of the module's genes, signed as they were
    coherence         matched genes     mean correlation of its signed genes within the groups
    ================= ================= ==============================================================

    Shuffled labels (whole subjects; within the subject where groups are paired) keep the genes' correlation, and say
    whether there is anything. Matched genes are random ones of like mean and spread in the second cohort, with their
    own signs in the first, and say whether the module has more of it than others. Coherence is measured on what is
    left when each group's mean is taken off, so that the disease itself does not count as coherence.

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
    The table, and a verdict: ``"preserved"`` when transfer AUC, sign concordance, overlap and effect all have q of at
    most 0.05, ``"not preserved"`` when none has, else ``"preserved in part"``. Two are reported and have no say:
    under shuffled labels the rank concordance is as wide as the cohort's strongest axis, so that even a clear disease
    may not stand out; and genes may follow a disease without following one another.

    Raises
    ------
    GeneMismatchError
        If fewer than ten of the module's genes are in the second cohort.
    InputError
        If the contrast does not belong to `adata`.

    Notes
    -----
    Cost: draws x subjects x genes for the shuffles, draws x module size x subjects for the matched modules.

    References
    ----------
    Langfelder et al. 2011, doi 10.1371/journal.pcbi.1001057; Guney et al. 2016, doi 10.1038/ncomms10331.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> kind = {"case": 'condition == "symptomatic" and hours >= 45', "control": "hours == 0", "subject": "subject"}
    >>> ill = gl.Contrast.of(adata.obs, **kind)
    >>> module = gl.disease_module(adata, gl.models.PCA(8).fit(adata), contrast=ill, bootstraps=0)
    >>> found = gl.modules.preservation(module, adata, contrast=ill, prepared=gl.prepare(adata), draws=99)
    >>> found.verdict
    'preserved'
    """
    check_contrast(adata, contrast)
    check_positive(draws=draws)
    cohort = SecondCohort.of(module, adata, contrast=contrast, prepared=prepared)
    t_g, t_bg = cohort.t_under_bootstrap(draws, seed=seed)
    rows = [*_against_labels(cohort, t_g, t_bg, seed=seed), *_against_genes(cohort, t_g, t_bg, seed=seed)]
    table = pd.DataFrame(rows)
    table["q"] = stats.false_discovery_control(table["p"])
    about = {
        "module": module.name,
        "method": module.method,
        "contrast": contrast.name,
        "samples": int(contrast.used_n.sum()),
        "case_subjects": int(cohort.rows.case_n.sum()),
        "control_subjects": int(cohort.rows.control_n.sum()),
        "paired": cohort.paired,
        "genes_shared": len(t_g),
        "module_genes": len(module.selected),
        "module_genes_shared": len(cohort.top),
        "draws": draws,
        "seed": seed,
    }
    return Preservation(table, _verdict(table), about)


def _verdict(table: pd.DataFrame) -> str:
    passed = table.loc[table["measure"].isin(DECISIVE), "q"] <= LEVEL
    if passed.all():
        return "preserved"
    return "preserved in part" if passed.any() else "not preserved"


def _against_labels(cohort: SecondCohort, t_g: np.ndarray, t_bg: np.ndarray, *, seed: int) -> list[dict[str, Any]]:
    """Rows of the measures whose null is that labels mean nothing in the second cohort."""
    case_br = cohort.shuffles(len(t_bg), seed=seed)
    ranks_b = np.empty(len(t_bg))
    for part in chunks(len(case_br), columns=len(t_g)):
        ranks_b[part] = _rank_concordance(cohort, cohort.t_under_labels(case_br[part]))
    score_r = cohort.module_score_r()
    auc = cohort.auc_under_labels(score_r, cohort.rows.case_n[None])[0]
    aucs_b = cohort.auc_under_bootstrap(score_r, draws=len(t_bg), seed=seed)
    rank = _rank_concordance(cohort, t_g[None])[0]
    return [
        _row(("transfer AUC", LABELS), auc, null_b=cohort.auc_under_labels(score_r, case_br), draw_b=aucs_b),
        _row(("rank concordance", LABELS), rank, null_b=ranks_b, draw_b=_rank_concordance(cohort, t_bg)),
    ]


def _against_genes(cohort: SecondCohort, t_g: np.ndarray, t_bg: np.ndarray, *, seed: int) -> list[dict[str, Any]]:
    """Rows of the measures whose null is that other genes of like mean and spread do as well."""
    draw_bm = matched_draws(cohort.bin_g, cohort.top, draws=len(t_bg), seed=seed)
    top_1m = cohort.top[None]
    measures = {"sign concordance": _sign_concordance, "overlap": _overlap, "effect": _effect}
    rows = [
        _row(
            (name, MATCHED),
            measure(cohort, t_g, top_1m)[0],
            null_b=measure(cohort, t_g, draw_bm),
            draw_b=np.array([measure(cohort, t, top_1m)[0] for t in t_bg]),
        )
        for name, measure in measures.items()
    ]
    unit_rg = cohort.unit_residuals()
    coherence = _coherence(cohort, unit_rg, top_1m)[0]
    rows.append(_row(("coherence", MATCHED), coherence, null_b=_coherence(cohort, unit_rg, draw_bm)))
    return rows


def _rank_concordance(cohort: SecondCohort, t_bg: np.ndarray) -> np.ndarray:
    """Spearman correlation of all genes' scores with t, shape ``(b,)``."""
    return _unit(stats.rankdata(t_bg, axis=1)) @ _unit(stats.rankdata(cohort.score_g))


def _sign_concordance(cohort: SecondCohort, t_g: np.ndarray, draw_bm: np.ndarray) -> np.ndarray:
    """Share of each list that changes as it did in the first cohort, shape ``(b,)``."""
    return (np.sign(t_g) == np.sign(cohort.score_g))[draw_bm].mean(1)


def _overlap(cohort: SecondCohort, t_g: np.ndarray, draw_bm: np.ndarray) -> np.ndarray:  # noqa: ARG001 - measures are called alike
    """Share of each list among as many genes of largest absolute t, shape ``(b,)``."""
    size = draw_bm.shape[1]
    strong_g = np.zeros(len(t_g), dtype=bool)
    strong_g[np.argpartition(-np.abs(t_g), size - 1)[:size]] = True
    return strong_g[draw_bm].mean(1)


def _effect(cohort: SecondCohort, t_g: np.ndarray, draw_bm: np.ndarray) -> np.ndarray:
    """Mean t of each list with the signs of the first cohort, shape ``(b,)``."""
    return (np.sign(cohort.score_g) * t_g)[draw_bm].mean(1)


def _coherence(cohort: SecondCohort, unit_rg: np.ndarray, draw_bm: np.ndarray) -> np.ndarray:
    """Mean correlation of each list's genes, signed as in the first cohort, shape ``(b,)``."""
    signed_rg = unit_rg * np.sign(cohort.score_g)
    size = draw_bm.shape[1]
    total_br = np.stack([signed_rg[:, genes].sum(1) for genes in draw_bm])
    own_b = (signed_rg**2).sum(0)[draw_bm].sum(1)
    return ((total_br**2).sum(1) - own_b) / (size * (size - 1))


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
        "p": (1 + int(np.sum(null_b >= value - 1e-12))) / (1 + len(null_b)),
    }
