"""Overlap of a module with gene sets, beyond what labels without meaning give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from ...nouns import Contrast
from ...stats.moderated import Design
from ...stats.squeeze import squeeze
from ...stats.subjects import numbered, permuted_within
from .._collections import Collection
from .._registry import TESTS, Against, Findings
from .._tested import LEAST_GENES, Items
from .enrichment import KEPT, Pairs, overlap_rows

__all__ = ["overlap_relabelled"]

LEAST_DF, CHUNK = 3, 50


@TESTS.register("overlap_relabelled", doi="10.1073/pnas.0506580102")
def overlap_relabelled(tested: Items, against: Against) -> Findings | None:
    """Overlap of a module with a gene set, larger than modules of labels without meaning have with any set.

    A list of genes that labels without meaning select overlaps whole pathways, for its genes go together: drawing genes
    one by one, as other overlap tests do, calls that significant. Here labels are drawn anew over subjects (signs of
    differences within subjects; residuals where there are covariates, as by Freedman and Lane), and each time as many
    genes as the module has are taken by moderated t. A set counts by the smaller of two: its overlap, over genes of
    like mean and variance, and how far its genes' t lie from the others', over what subjects show of that whatever
    their labels, as in CAMERA. p: how often the set's own reaches as far; q: how often any set of the collection does
    (Westfall and Young).
    Only for modules, and where the contrast is given. ``statistic``, ``effect`` and ``null_mean`` are of the overlap.
    """
    if against.contrast is None or against.x_ng is None or against.bin_g is None or not against.sets:
        return None
    modules = [k for k in tested.modules if len(tested.chosen[0][k]) >= LEAST_GENES]
    labels = _Labels.of(against.x_ng, against.contrast) if modules else None
    if labels is None or labels.df < LEAST_DF:
        return None
    tables, families = [], {}
    for collection in against.sets:
        null = _Null(labels, collection, against.bin_g)
        for k in modules:
            chosen = tested.chosen[0][k]
            pairs = Pairs.of([chosen], collection, bin_g=against.bin_g)
            tails = null.tails(chosen, draws=against.draws, seed=against.seed)
            rows = overlap_rows(np.array([tested.names[k]], dtype=object), collection, pairs, tails=tails)
            tables.append(rows.assign(draws=against.draws, seed=against.seed))
            families[f"{tested.family_k[k]} against {collection.name}"] = len(collection.sets)
    about = {
        "universe": len(tested.genes),
        "collections": {c.name: dict(c.account) for c in against.sets},
        "matched on": "mean and variance of expression, and the correlation of genes",
        "tests adjusted over": families,
        "rows kept": KEPT,
    }
    return Findings(pd.concat(tables, ignore_index=True), about)


@dataclass(frozen=True)
class _Labels:
    """Subjects' rows less their covariates, what is tested, and the prior of moderated t."""

    rest_rg: np.ndarray
    basis_rk: np.ndarray
    tested_r: np.ndarray
    paired: bool
    df: int
    prior_df: float
    prior_variance: float

    @classmethod
    def of(cls, x_ng: np.ndarray, contrast: Contrast) -> _Labels:
        """Average, and take off what is not tested."""
        positions_n = numbered(contrast.subject_n)[1]
        design = Design.of(np.asarray(x_ng, dtype=np.float64), replace(contrast, subject_n=positions_n))
        others_rk = design.other_rk
        rest_rg = design.x_rg - others_rk @ np.linalg.lstsq(others_rk, design.x_rg, rcond=None)[0]
        own_r = design.tested_r - others_rk @ np.linalg.lstsq(others_rk, design.tested_r, rcond=None)[0]
        basis_rk = np.linalg.svd(np.column_stack((design.tested_r, others_rk)), full_matrices=False)[0]
        # The prior must not know the labels, or the drawn ones are not their equals.
        spread_g, df = (rest_rg**2).sum(0), design.df + 1.0
        prior = squeeze(spread_g[None] / df, np.array([df]))
        tested_r = own_r / np.sqrt((own_r**2).sum())
        prior_df, variance = float(prior.prior_df_bg[0, 0]), float(prior.prior_variance_bg[0, 0])
        return cls(rest_rg, basis_rk, tested_r, design.paired, design.df, prior_df, variance)

    def z(self, row_br: np.ndarray, sign_br: np.ndarray) -> np.ndarray:
        """Moderated t as normal scores when rows change places and signs, shape ``(b, g)``."""
        drawn_brk = np.zeros((len(row_br), len(self.tested_r), 1 + self.basis_rk.shape[1]))
        weights_rk = np.column_stack((self.tested_r, self.basis_rk))
        for b, (row_r, sign_r) in enumerate(zip(row_br, sign_br, strict=True)):
            drawn_brk[b, row_r] = weights_rk * sign_r[:, None]
        found_bkg = np.einsum("brk,rg->bkg", drawn_brk, self.rest_rg, optimize=True)
        left_bg = np.maximum((self.rest_rg**2).sum(0) - (found_bkg[:, 1:] ** 2).sum(1), 0.0)
        prior = min(self.prior_df, 1e6)
        df = self.df + prior
        t2_bg = found_bkg[:, 0] ** 2 / np.maximum((prior * self.prior_variance + left_bg) / df, 1e-300)
        return np.asarray(np.sign(found_bkg[:, 0]) * np.sqrt((df - 0.5) * np.log1p(t2_bg / df)))

    def drawn(self, draws: int, seed: int) -> Iterator[np.ndarray]:
        """Normal scores under labels drawn anew, some at a time."""
        rng, rows = np.random.default_rng((seed, 7)), len(self.tested_r)
        still_r, one_r = np.arange(rows), np.zeros(rows)
        for start in range(0, draws, CHUNK):
            count = min(CHUNK, draws - start)
            if self.paired:
                yield self.z(np.tile(still_r, (count, 1)), rng.choice([-1.0, 1.0], size=(count, rows)))
            else:
                yield self.z(permuted_within(still_r, one_r, draws=count, rng=rng).T, np.ones((count, rows)))


@dataclass(frozen=True)
class _Null:
    """Sets of one collection under labels without meaning."""

    labels: _Labels
    collection: Collection
    bin_g: np.ndarray

    def tails(self, chosen: np.ndarray, *, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The p and q of every set for a module's genes, shapes ``(1, s)``."""
        rows, size = len(self.labels.tested_r), len(chosen)
        z_bg = self.labels.z(np.arange(rows)[None], np.ones((1, rows)))
        sd_s = self._sd()
        own_s = self._reach([chosen], z_bg, sd_s)[0]
        as_far_s, any_s = np.ones(len(own_s)), np.ones(len(own_s))
        for drawn_bg in self.labels.drawn(draws, seed):
            lists = list(np.argpartition(-np.abs(drawn_bg), size - 1, axis=1)[:, :size])
            reach_bs = self._reach(lists, drawn_bg, sd_s)
            as_far_s += (reach_bs >= own_s).sum(0)
            any_s += (reach_bs.max(1)[:, None] >= own_s).sum(0)
        return as_far_s[None] / (draws + 1), any_s[None] / (draws + 1)

    def _sd(self) -> np.ndarray:
        """Spread of each set's difference over subjects, whatever their labels, at least that of independent genes."""
        rest_rg, df = self.labels.rest_rg, self.labels.df + 1
        sd_g = np.sqrt((rest_rg**2).sum(0) / df)
        unit_rg = np.divide(rest_rg, sd_g, out=np.zeros_like(rest_rg), where=sd_g > 1e-9 * sd_g.max())
        inside_s = self.collection.size_s.astype(np.float64)
        independent_s = 1 / inside_s + 1 / (len(sd_g) - inside_s)
        return np.sqrt(np.maximum((self._apart(unit_rg) ** 2).sum(0) / df, independent_s))

    def _apart(self, value_bg: np.ndarray) -> np.ndarray:
        """Mean in each set less the mean of the other genes, shape ``(b, s)``."""
        inside_s = self.collection.size_s.astype(np.float64)
        sum_bs = (self.collection.member_gs.T @ value_bg.T).T
        rest_bs = value_bg.sum(1, keepdims=True) - sum_bs
        return np.asarray(sum_bs / inside_s - rest_bs / (value_bg.shape[1] - inside_s))

    def _reach(self, lists: list[np.ndarray], z_bg: np.ndarray, sd_s: np.ndarray) -> np.ndarray:
        """How far each set reaches: the smaller of its overlap and of its genes' difference, in deviations."""
        size_b = np.bincount(self.bin_g).astype(np.float64)
        genes, bins = len(self.bin_g), len(size_b)
        inside_gb = sparse.csr_matrix((np.ones(genes), self.bin_g, np.arange(genes + 1)), shape=(genes, bins))
        share_sb = (self.collection.member_gs.T @ inside_gb).toarray() / size_b
        index = np.concatenate(lists)
        starts = np.concatenate(([0], np.cumsum([len(chosen) for chosen in lists])))
        picked_lg = sparse.csr_matrix((np.ones(len(index)), index, starts), shape=(len(lists), genes))
        drawn_lb = (picked_lg @ inside_gb).toarray()
        spread_lb = drawn_lb * (size_b - drawn_lb) / np.maximum(size_b - 1, 1)
        variance_ls = spread_lb @ (share_sb * (1 - share_sb)).T
        over_ls = (picked_lg @ self.collection.member_gs).toarray() - drawn_lb @ share_sb.T
        overlap_ls = np.divide(over_ls, np.sqrt(variance_ls), out=np.zeros_like(over_ls), where=variance_ls > 0)
        return np.asarray(np.minimum(overlap_ls, np.abs(self._apart(z_bg)) / sd_s))
