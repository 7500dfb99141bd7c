"""Rows of the study ``calibration``: what is found of drawn labels and of true ones, and limma on the same draws."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from genelight import models, modules
from genelight.nouns import Contrast
from genelight.stats.moderated import Design
from genelight.stats.pvalues import adjust

from ._cohorts import as_table, drawn_labels, people
from ._modules import children

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["discoveries", "limma_counts", "row", "supported", "truly_supported"]

LEVEL = 0.05
R = """
suppressMessages(library(limma))
drawn <- as.matrix(read.csv("drawn.csv", header = FALSE))
x <- matrix(scan("x.csv", sep = ",", quiet = TRUE), ncol = PEOPLE)
half <- ncol(drawn) / 2
design <- model.matrix(~rep(c(1, 0), each = half))
count <- function(fit) sum(p.adjust(fit$p.value[, 2], "BH") <= 0.05)
found <- t(apply(drawn, 1, function(who) {
  fit <- lmFit(x[, who], design)
  c(count(eBayes(fit)), count(eBayes(fit, trend = TRUE, robust = TRUE)))
}))
write.table(found, "found.txt", row.names = FALSE, col.names = FALSE)
"""


def row(what: str, made: np.ndarray, level: float, **more: Any) -> dict[str, Any]:
    """How often a claim is made, with its interval and the chance of as many or more at the level."""
    count, draws = int(np.sum(made)), len(made)
    ends = stats.binomtest(count, draws).proportion_ci(method="wilson")
    above = float(stats.binom.sf(count - 1, draws, level))
    said = {"test": what, "draws": draws, "level": level, "claimed": count / draws}
    return said | {"95%": f"[{ends.low:.3f}, {ends.high:.3f}]", "p of more than level": above, **more}


def discoveries(cohort: str, size: int, draws: int) -> Iterator[dict[str, Any]]:
    """Draws in which any gene has a q of 0.05 or less between drawn halves: moderated t, and R's limma beside it."""
    x_sg, _ = people(cohort)
    size = min(size, len(x_sg) // 2)
    rng = np.random.default_rng((17, size))
    order_bs = np.stack([drawn_labels(len(x_sg), size, rng)[0] for _ in range(draws)])
    contrast = drawn_labels(2 * size, None, rng)[1]
    for plain, name in ((True, "moderated t"), (False, "moderated t, trend and robust")):
        found_b = np.array([_found(x_sg[order_s], contrast, plain=plain) for order_s in order_bs])
        limma_b = limma_counts(x_sg, order_bs)
        peer = {} if limma_b is None else {"limma": float((limma_b[:, 0 if plain else 1] > 0).mean())}
        yield row(f"{name}, any gene of permuted labels, {cohort}, {size} against {size}", found_b > 0, LEVEL, **peer)


def _found(x_ng: np.ndarray, contrast: Contrast, *, plain: bool) -> int:
    p_g = Design.of(x_ng, contrast, trend=not plain, robust=not plain).moderated().p_bg()[0]
    return int((adjust(p_g) <= LEVEL).sum())


def limma_counts(x_sg: np.ndarray, order_bs: np.ndarray) -> np.ndarray | None:
    """How many genes limma finds, plain and with trend and robust, shape ``(b, 2)``; None where it is not there."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        np.savetxt(Path(folder) / "x.csv", x_sg, delimiter=",", fmt="%.10g")
        np.savetxt(Path(folder) / "drawn.csv", order_bs + 1, delimiter=",", fmt="%d")
        command = ["Rscript", "-e", R.replace("PEOPLE", str(len(x_sg)))]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        return None if done.returncode else np.atleast_2d(np.loadtxt(Path(folder) / "found.txt"))


def supported(cohort: str, size: int, draws: int) -> Iterator[dict[str, Any]]:
    """Draws in which ``stability`` says of drawn labels that the data support a module of any size."""
    x_sg, genes = people(cohort)
    size, rng = min(size, len(x_sg) // 2), np.random.default_rng((19, size))
    drawn = [drawn_labels(len(x_sg), size, rng) for _ in range(draws)]
    found = [_support(as_table(x_sg[picked], genes), contrast, seed) for seed, (picked, contrast) in enumerate(drawn)]
    name = f"of permuted labels, {cohort}, {size} against {size}"
    yield row(f"stability, a module {name}", np.array([one.size > 0 for one in found]), LEVEL)
    yield row(f"stability, a gene called stable {name}", np.array([one.stable > 0 for one in found]), LEVEL)


def truly_supported(size: int, draws: int) -> Iterator[dict[str, Any]]:
    """The same of children with lupus against healthy ones, where there is a module to support: its power."""
    x_sg, genes = people("lupus, children")
    adata, contrast = children()
    who_n, rng, found = adata.obs["subject"].astype(str).to_numpy(), np.random.default_rng((23, size)), []
    sides = [np.isin(np.unique(who_n), who_n[side_n]) for side_n in (contrast.case_n, contrast.control_n)]
    for seed in range(draws):
        picked = np.concatenate([rng.choice(np.flatnonzero(side_s), size, replace=False) for side_s in sides])
        asked = drawn_labels(2 * size, None, rng)[1]
        found.append(_support(as_table(x_sg[picked], genes), asked, seed))
    name = f"of true labels, lupus, children, {size} against {size}"
    supported = {"a module": [one.size for one in found], "a gene called stable": [one.stable for one in found]}
    for what, size_b in supported.items():
        made = row(f"stability, {what} {name}", np.array(size_b) > 0, LEVEL)
        sizes = "{:.0f}, {:.0f} to {:.0f}".format(*np.quantile(size_b, (0.5, 0, 1)))
        yield made | {"level": None, "p of more than level": None, "genes: median, range": sizes}


def _support(adata: AnnData, contrast: Contrast, seed: int) -> modules.Stability:
    model = models.PCA(4).fit(adata)
    return modules.stability(adata, model, contrast=contrast, method="joint", pairs=25, seed=seed)
