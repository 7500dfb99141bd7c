"""Rows of the study ``calibration``: what is found between groups whose labels were drawn, and limma on the same."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from genelight import models, modules
from genelight.nouns import Contrast
from genelight.stats.moderated import Design
from genelight.stats.pvalues import adjust

from ._cohorts import as_table, drawn_labels, people

__all__ = ["discoveries", "limma_counts", "row", "supported"]

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
    size, rng, called = min(size, len(x_sg) // 2), np.random.default_rng((19, size)), []
    for seed in range(draws):
        picked, contrast = drawn_labels(len(x_sg), size, rng)
        adata = as_table(x_sg[picked], genes)
        model = models.PCA(4).fit(adata)
        found = modules.stability(adata, model, contrast=contrast, method="joint", pairs=25, seed=seed)
        called.append((found.size > 0, found.stable > 0))
    made = np.array(called)
    name = f"of permuted labels, {cohort}, {size} against {size}"
    yield row(f"stability, a module {name}", made[:, 0], LEVEL)
    yield row(f"stability, a gene called stable {name}", made[:, 1], LEVEL)
