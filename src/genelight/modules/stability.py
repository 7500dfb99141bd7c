"""How sure each gene of a module is, and how many genes the data bear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import stats

from .._core.checks import check_positive
from .._core.progress import progress
from ..errors import InputError
from ..nodes.layers import chunks
from ..nouns import Contrast, Genes, Model
from ..nouns.module import DERIVATION
from ..stats.subjects import half_counts
from ._question import ask
from ._registry import DERIVATIONS, Derivation, Question

__all__ = ["Stability", "bound_factor", "stability", "stability_of"]

PAPER = 1000
GRID = (10, 25, 50, 100, 200, 400, 700, PAPER, 1500, 2000, 3000, 4000)
THRESHOLD = 0.9
MOST_FALSE = 0.1
LEVEL = 0.05


@dataclass(frozen=True)
class Stability:
    """Selection over complementary halves of the subjects.

    Attributes
    ----------
    table
        One row per gene: ``gene``; ``stable``, whether it is one of those counted; ``frequency``, how often it is among
        the `drawn` strongest of a half; ``q``, by itself (moderated t, Benjamini-Hochberg over all genes);
        ``expected_false``, at most how many genes of low selection probability are expected among those at least as
        frequent (NaN up to a frequency of one half, where there is no bound).
    sizes
        One row per number of genes drawn: ``drawn``, ``stable`` (genes with a frequency of at least 0.9 and a q of at
        most 0.05), ``expected_false`` among the frequent, ``agreement`` (mean overlap of two halves, less chance, over
        the most possible). The paper's 1,000 is always among them where twice as many genes are measured.
    size
        How many genes the data bear: ``stable`` in the row of `drawn`; 0 for no stable module.
    drawn
        The row of `sizes` with most stable genes of which at most a tenth are expected to be false.
    about
        Pairs, threshold, settings.

    ``str()`` of it is the size in words, beside the paper's 1,000.
    """

    table: pd.DataFrame
    sizes: pd.DataFrame
    size: int
    drawn: int
    about: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        bear = (
            f"a module of {self.size:,} genes is supported: nine in ten random halves of the subjects select each"
            if self.size
            else "no module is supported: no gene is selected by nine in ten random halves of the subjects"
        )
        paper = self.sizes[self.sizes["drawn"] == PAPER]
        if paper.empty:
            return bear
        row = paper.iloc[0]
        return (
            f"{bear}; of the {PAPER:,} that the paper takes, {int(row['stable']):,} are stable, up to "
            f"{row['expected_false']:,.0f} of them by chance (halves of the subjects share {row['agreement']:.0%} of "
            "what they can beyond chance)"
        )


def stability(
    adata: AnnData,
    model: Model,
    *,
    contrast: Contrast,
    method: str = DERIVATION,
    layer: str | None = None,
    pairs: int = 50,
    seed: int = 0,
) -> Stability:
    """Select genes on complementary halves of the subjects, and bound the errors.

    Parameters
    ----------
    adata, model, contrast, method, layer, seed
        As in :func:`genelight.modules.derive`.
    pairs
        Number of splits into two halves that share no subject.

    Returns
    -------
    Frequencies, bounds, and the size of module that the data bear.

    Raises
    ------
    UnknownNameError
        If there is no such method or layer.
    InputError
        If the contrast does not belong to `adata`, or a half would have fewer than two subjects of a group.

    Notes
    -----
    With q genes drawn of g, and each gene of low selection probability drawn by a half with probability of at most
    q / g, the expected number of such genes with a frequency of at least t is at most C(t) q² / g. C is that of
    Shah & Samworth for a unimodal distribution of frequencies, which holds without any exchangeability of the genes.
    It says nothing of genes that halves agree on for another reason: layer, penalty and the model itself are settled
    on all subjects, and a gene that the model ties to a programme by chance moves with it in every half. So a stable
    gene must differ by itself as well. Cost: 2 x pairs derivations.

    References
    ----------
    Shah & Samworth 2013, doi 10.1111/j.1467-9868.2011.01034.x; Meinshausen & Bühlmann 2010,
    doi 10.1111/j.1467-9868.2010.00740.x.

    Examples
    --------
    >>> import genelight as gl
    >>> from genelight import Contrast
    >>> adata = gl.demo.cohort()
    >>> ill = Contrast.of(
    ...     adata.obs, case='condition == "symptomatic" and hours >= 45', control="hours == 0", subject="subject"
    ... )
    >>> found = gl.modules.stability(adata, gl.models.PCA(8).fit(adata), contrast=ill, pairs=10)
    >>> found.size > 10
    True
    """
    question = ask(adata, model, contrast=contrast, layer=layer, seed=seed)
    return stability_of(DERIVATIONS[method](question), question, pairs=pairs)


def stability_of(derivation: Derivation, question: Question, *, pairs: int) -> Stability:
    """The same for a derivation that is already built.

    Raises
    ------
    InputError
        If a half would have fewer than two subjects of a group.
    """
    check_positive(pairs=pairs)
    count_bs = half_counts(question.contrast, pairs=pairs, seed=question.seed)
    if not len(count_bs):
        msg = f"{question.contrast.name}: half of a group would have fewer than two subjects; pass size=200, say"
        raise InputError(msg)
    rank_bg = _ranks(derivation, count_bs, genes=len(question.model.genes))
    genes = rank_bg.shape[1]
    drawn_q = [q for q in GRID if q <= genes // 2]
    q_g = _own_q(question)
    sizes = pd.DataFrame([_size_row(rank_bg, q_g, drawn=drawn) for drawn in drawn_q])
    sound = sizes[(sizes["stable"] > 0) & (sizes["expected_false"] <= MOST_FALSE * sizes["stable"])]
    best = sound.sort_values("stable", kind="stable").tail(1)
    drawn = int(best["drawn"].iloc[0]) if len(best) else drawn_q[0]
    about = {"pairs": pairs, "threshold": THRESHOLD, "most_false": MOST_FALSE, "seed": question.seed}
    table = _gene_table(question.model.genes, rank_bg, q_g, drawn=drawn)
    if best.empty:
        table["stable"] = False
    return Stability(table, sizes, int(table["stable"].sum()), drawn, about)


def bound_factor(frequency: np.ndarray, pairs: int) -> np.ndarray:
    """C of Shah & Samworth (their equation 7) for each frequency, unimodal case; NaN where there is no bound.

    Examples
    --------
    >>> bound_factor(np.array([0.5, 0.7, 0.9, 1.0]), 50).round(3)
    array([  nan, 1.282, 0.431, 0.039])
    """
    low = frequency <= 0.75
    with np.errstate(divide="ignore", invalid="ignore"):
        left = 1 / (2 * (2 * frequency - 1 - 1 / (2 * pairs)))
    right = 4 * (1 - frequency + 1 / (2 * pairs)) / (1 + 1 / pairs)
    factor = np.where(low, left, right)
    return np.where(frequency > 0.5 + 1 / (2 * pairs), factor, np.nan)


def _ranks(derivation: Derivation, count_bs: np.ndarray, *, genes: int) -> np.ndarray:
    """Rank of every gene by absolute score on each half, 0 the strongest, shape ``(b, g)``."""
    rank_bg = np.empty((len(count_bs), genes), dtype=np.int32)
    with progress("halving subjects", len(count_bs)) as step:
        for part in chunks(len(count_bs), columns=genes):
            order_bg = np.argsort(-np.abs(derivation.score(count_bs[part])), axis=1, kind="stable")
            np.put_along_axis(rank_bg[part], order_bg, np.arange(genes, dtype=np.int32)[None], axis=1)
            step("", part.stop - part.start)
    return rank_bg


def _size_row(rank_bg: np.ndarray, q_g: np.ndarray, *, drawn: int) -> dict[str, Any]:
    picked_bg = rank_bg < drawn
    pairs, genes = len(rank_bg) // 2, rank_bg.shape[1]
    shared = (picked_bg[::2] & picked_bg[1::2]).sum(1).mean()
    chance = drawn**2 / genes
    return {
        "drawn": drawn,
        "stable": int(_is_stable(picked_bg.mean(0), q_g).sum()),
        "expected_false": float(bound_factor(np.array(THRESHOLD), pairs) * chance),
        "agreement": float((shared - chance) / (drawn - chance)),
    }


def _is_stable(frequency_g: np.ndarray, q_g: np.ndarray) -> np.ndarray:
    return (frequency_g >= THRESHOLD) & (q_g <= LEVEL)


def _own_q(question: Question) -> np.ndarray:
    """Q of each gene's moderated t, shape ``(g,)``."""
    contrast = question.contrast
    count_1s = np.ones((1, int(contrast.subject_n.max()) + 1), dtype=np.int64)
    result = question.design.moderated(count_1s)
    p_g = 2 * stats.t.sf(np.abs(result.t_bg[0]), result.df_b[0])
    return stats.false_discovery_control(p_g)


def _gene_table(genes: Genes, rank_bg: np.ndarray, q_g: np.ndarray, *, drawn: int) -> pd.DataFrame:
    frequency_g = (rank_bg < drawn).mean(0)
    false_g = bound_factor(frequency_g, len(rank_bg) // 2) * drawn**2 / len(genes)
    stable_g = _is_stable(frequency_g, q_g)
    columns = {
        "gene": list(genes.ids),
        "stable": stable_g,
        "frequency": frequency_g,
        "expected_false": false_g,
        "q": q_g,
    }
    return pd.DataFrame(columns).sort_values("frequency", ascending=False, kind="stable", ignore_index=True)
