"""How many genes of a module the data support, how sure each of them is, and what could have been seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from .._core.checks import check_positive
from .._core.printed import Card, Printed, leading
from .._core.workers import each
from ..errors import InputError
from ..nodes.layers import chunks
from ..nouns import Contrast, Genes, Model
from ..nouns.module import DERIVATION
from ..stats.moderated import POWER, Moderated, detectable
from ..stats.pvalues import adjust
from ..stats.subjects import half_counts
from ._registry import DERIVATIONS, Derivation, Question, ask

__all__ = ["Stability", "bound_factor", "stability", "stability_of"]

PAPER = 1000
GRID = (10, 25, 50, 100, 200, 400, 700, PAPER, 1500, 2000, 3000, 4000)
THRESHOLD = 0.9
MOST_FALSE = 0.1
LEVEL = 0.05
LEAST = GRID[0]


@dataclass(frozen=True, repr=False)
class Stability(Printed):
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
        How many genes the data support: those that are stable, where they are ten or more. Where they are not, for want
        of power, as many of the genes that differ by themselves as halves agree on best; 0 only where none differs.
    interval
        Within which the size lies: from the genes that are sure one by one to all those that differ (q of at most
        0.05). Wide in a cohort of little power.
    drawn
        The row of `sizes` that `size` was read from: the one with most stable genes of which at most a tenth are
        expected to be false; where these are too few, the one with the highest agreement.
    supported_g
        Genes that a module of this size is taken from, as ids.
    seen
        What could have been seen: ``sd``, the difference in a gene's standard deviations that has a q of at most 0.05
        with a power of 0.8 in all subjects, ``sd_half`` the same in halves, where it would be stable; ``log2``, `sd`
        times the typical gene's, in the values' own units.
    about
        Pairs, threshold, settings.

    ``str()`` of it says the size, how sure it is, and what could have been seen, beside the paper's 1,000.
    """

    table: pd.DataFrame
    sizes: pd.DataFrame
    size: int
    interval: tuple[int, int]
    drawn: int
    supported_g: Sequence[str]
    seen: Mapping[str, float]
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stable(self) -> int:
        """How many genes are sure one by one."""
        return int(self.table["stable"].sum())

    def _card(self) -> Card:
        low, high = self.interval
        return f"the data support a module of {self.size:,} genes", [
            ("between", f"{low:,} and {high:,}"),
            ("stable", f"{self.stable:,} of {len(self.table):,} genes: {leading(self.supported_g)}"),
            ("could be seen", f"a difference of {self.seen['sd']:.2f} standard deviations"),
            ("next", "str() has it in words"),
        ]

    def __str__(self) -> str:
        low, high = self.interval
        size = f"the data support a module of {self.size:,} genes (between {low:,} and {high:,})"
        if not self.size:
            size, sure = "the data support no module: no gene differs by itself at q <= 0.05", "none is sure"
        elif self.stable:
            sure = f"{self.stable:,} of them are each found again in nine of ten halves of the subjects"
        else:
            share = self.sizes.set_index("drawn").loc[self.drawn, "agreement"]
            sure = (
                "none of them is sure by itself, as halves of so few subjects do not agree on single genes "
                f"(they share {share:.0%} of what they can beyond chance)"
            )
        paper = self.sizes[self.sizes["drawn"] == PAPER]
        if len(paper):
            row = paper.iloc[0]
            sure += (
                f"; of the {PAPER:,} that the paper takes, {int(row['stable']):,} are stable, up to "
                f"{row['expected_false']:,.0f} of them by chance (halves of the subjects share {row['agreement']:.0%} "
                "of what they can beyond chance)"
            )
        return (
            f"{size}; {sure}. With a power of 80% this cohort sees differences of {self.seen['sd']:.1f} standard "
            f"deviations of a gene ({self.seen['log2']:.2f} in the values' units for a typical one), and halves of it "
            f"{self.seen['sd_half']:.1f}; smaller ones may be there"
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
        As in :func:`disease_module`.
    pairs
        Number of splits into two halves that share no subject.

    Returns
    -------
    Frequencies, bounds, the size of module that the data support, its interval, and what could have been seen.

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
    genes = len(question.model.genes)
    parts = [count_bs[part] for part in chunks(len(count_bs), columns=genes)]
    rank_bg = np.concatenate(each(_ranks, parts, shared=(derivation,), says="halving subjects"))
    result = question.design.moderated()
    q_g = adjust(result.p_bg()[0])
    differ = int((q_g <= LEVEL).sum())
    sizes = pd.DataFrame([_size_row(rank_bg, q_g, drawn=drawn) for drawn in GRID if drawn <= genes // 2])
    sound = sizes[(sizes["stable"] > 0) & (sizes["expected_false"] <= MOST_FALSE * sizes["stable"])]
    sound = sound.sort_values("stable", kind="stable")
    stable = int(sound["stable"].iloc[-1]) if len(sound) else 0
    enough = stable >= LEAST
    # Up to as many genes as differ (the first size at least), that on which halves agree best last.
    known = sizes[sizes["drawn"] <= max(differ, int(sizes["drawn"].min()))].sort_values("agreement", kind="stable")
    drawn = int((sound if enough else known)["drawn"].iloc[-1])
    sure_g = _is_stable((rank_bg < int(sound["drawn"].iloc[-1])).mean(0), q_g) if stable else np.zeros(genes, bool)
    table = _gene_table(question.model.genes, rank_bg, q_g, stable_g=sure_g, drawn=drawn)
    size = stable if enough else max(stable, min(drawn, differ))
    chosen = table[table["stable"] if enough else table["q"] <= LEVEL]["gene"]
    return Stability(
        table,
        sizes,
        size,
        (stable, max(stable, differ)),
        drawn,
        tuple(chosen),
        _seen(question, result, differ=differ),
        {"pairs": pairs, "threshold": THRESHOLD, "most_false": MOST_FALSE, "seed": question.seed},
    )


def _seen(question: Question, result: Moderated, *, differ: int) -> dict[str, float]:
    """Differences that all subjects and halves of them see, at the p that a q of 0.05 asks for here."""
    p = LEVEL * max(differ, 1) / result.t_bg.shape[1]
    half = question.design.moderated(half_counts(question.contrast, pairs=1, seed=question.seed)[:1])
    # A gene's posterior variance, out of its t; one without a difference has none to show.
    there_g = result.t_bg[0] != 0
    variance_g = (result.effect_bg[0] / result.t_bg[0])[there_g] ** 2 / result.unit_b[0]
    spread = float(np.median(np.sqrt(variance_g)))
    sd = detectable(result, p=p)
    return {"power": POWER, "p": p, "sd": sd, "sd_half": detectable(half, p=p), "log2": sd * spread}


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


def _ranks(count_bs: np.ndarray, derivation: Derivation) -> np.ndarray:
    """Rank of every gene by absolute score on each half, 0 the strongest, shape ``(b, g)``."""
    score_bg = np.abs(derivation.score(count_bs))
    rank_bg = np.empty(score_bg.shape, dtype=np.int32)
    order_bg = np.argsort(-score_bg, axis=1, kind="stable")
    np.put_along_axis(rank_bg, order_bg, np.arange(score_bg.shape[1], dtype=np.int32)[None], axis=1)
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


def _gene_table(
    genes: Genes, rank_bg: np.ndarray, q_g: np.ndarray, *, stable_g: np.ndarray, drawn: int
) -> pd.DataFrame:
    frequency_g = (rank_bg < drawn).mean(0)
    false_g = bound_factor(frequency_g, len(rank_bg) // 2) * drawn**2 / len(genes)
    columns = {
        "gene": list(genes.ids),
        "stable": stable_g,
        "frequency": frequency_g,
        "expected_false": false_g,
        "q": q_g,
    }
    return pd.DataFrame(columns).sort_values("frequency", ascending=False, kind="stable", ignore_index=True)
