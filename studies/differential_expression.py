"""Genes found between small groups of a lupus cohort: moderated t on log2, on standardised genes, and R's limma.

GSE65391 (children, one sample of each: the first): random subsets of 6, 10, 20 and 40 patients against as many healthy
children, five of each, 11,540 genes. How many genes have q <= 0.05 by moderated t on standardised genes (what was done
before), on the measured scale (what is done), with trend and outliers kept out, and by limma's lmFit and eBayes, and
how often the leading 200 are among the leading 200 of all children left out. Then 60 draws without meaning (half of
twelve, or of forty, patients against the other half): in how many is any gene found. The value is the largest
difference of a t from limma's, in all subsets; limma is asked through Rscript, and where R or limma is not there, its
columns stay empty and the value is the number of null draws with a discovery.

Standardised, all genes have one variance, so that the prior's degrees of freedom are infinite, or hundreds, and at six
against six next to nothing is found. On the measured scale the two give the same t to the digits that R writes.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from benchmarks._harness import Result
from benchmarks._measure import Figure

from genelight import pp
from genelight.nouns import Contrast
from genelight.stats.moderated import Design, Moderated
from genelight.stats.pvalues import adjust

from ._modules import children

SIZES, DRAWS, NULLS, LEADING = (6, 10, 20, 40), 5, 60, 200
R = """
suppressMessages(library(limma))
x <- as.matrix(read.csv("x.csv", header = FALSE))
case <- scan("case.txt", quiet = TRUE)
write.table(eBayes(lmFit(t(x), model.matrix(~case)))$t[, 2], "t.txt", row.names = FALSE, col.names = FALSE)
write.table(eBayes(lmFit(t(x), model.matrix(~case)))$p.value[, 2], "p.txt", row.names = FALSE, col.names = FALSE)
cat(as.character(packageVersion("limma")))
"""


def run(*, quick: bool) -> Result:
    x_ng, case_n = _first_samples()
    rows, gaps, version = [], [], None
    for size in SIZES[:1] if quick else SIZES:
        found = [_subset(x_ng, case_n, size=size, seed=seed) for seed in range(1 if quick else DRAWS)]
        gaps += [gap for _, gap, _ in found if gap is not None]
        version = version or found[0][2]
        rows += list(_rows(size, pd.DataFrame([row for row, _, _ in found])))
    for size in (6, 20):
        called = [_null(x_ng[case_n], size=size, seed=seed) for seed in range(3 if quick else NULLS)]
        for scale in called[0]:
            rows.append(
                {
                    "subset": f"{size} against {size}, no disease",
                    "t": scale,
                    "draws": len(called),
                    "draws with a discovery": sum(one[scale] > 0 for one in called),
                }
            )
    data = f"GSE65391, {x_ng.shape[1]} genes, {len(x_ng)} children"
    value = max(gaps) if gaps else float(sum(row.get("draws with a discovery", 0) for row in rows))
    return Result("value", Figure(value, None, len(gaps)), data, rows, "limma" if version else None, version)


def _first_samples() -> tuple[np.ndarray, np.ndarray]:
    """Log2 values of each child's first sample, and who is ill."""
    adata, contrast = children()
    _, first = np.unique(contrast.subject_n, return_index=True)
    first = first[contrast.used_n[first]]
    kept = pp.prepare(adata)
    return kept.restore(kept.transform(adata[first])), contrast.case_n[first]


def _subset(
    x_ng: np.ndarray, case_n: np.ndarray, *, size: int, seed: int
) -> tuple[dict[str, float], float | None, str | None]:
    """Figures of one random subset, the largest difference from limma, and its version."""
    rng = np.random.default_rng(seed)
    drawn = np.concatenate([rng.choice(np.flatnonzero(mask), size, replace=False) for mask in (case_n, ~case_n)])
    rest = np.setdiff1d(np.arange(len(case_n)), drawn)
    later = set(_leading(_tested(x_ng[rest], case_n[rest]).t_bg[0]))
    z_ng = (x_ng - x_ng.mean(0)) / x_ng.std(0)
    part, ill = x_ng[drawn], case_n[drawn]
    tests = {
        "standardised": _tested(z_ng[drawn], ill),
        "measured": _tested(part, ill),
        "measured, trend and robust": _tested(part, ill, trend=True),
    }
    columns = {name: (result.t_bg[0], result.p_bg()[0]) for name, result in tests.items()}
    gap, version = None, None
    peer = _limma(part, ill)
    if peer is not None:
        *columns["limma"], version = peer
        gap = float(np.abs(columns["limma"][0] - columns["measured"][0]).max())
    row: dict[str, float] = {"prior df": float(tests["measured"].prior_df_b[0])}
    row["prior df, standardised"] = float(tests["standardised"].prior_df_b[0])
    for name, (t_g, p_g) in columns.items():
        row[f"found, {name}"] = int((adjust(p_g) <= 0.05).sum())
        row[f"again, {name}"] = len(later.intersection(_leading(t_g)))
    return row, gap, version


def _rows(size: int, found: pd.DataFrame) -> Iterator[dict[str, object]]:
    for column in [c for c in found if str(c).startswith("found, ")]:
        name = str(column).removeprefix("found, ")
        prior = found["prior df, standardised" if name == "standardised" else "prior df"]
        yield {
            "subset": f"{size} against {size}",
            "t": name,
            "draws": len(found),
            "genes with q <= 0.05": ", ".join(map(str, found[column])),
            "median": float(found[column].median()),
            "of leading 200 again": float(found[f"again, {name}"].mean()),
            "prior df": "" if name in ("limma", "measured, trend and robust") else f"{prior.median():.3g}",
        }


def _null(x_ng: np.ndarray, *, size: int, seed: int) -> dict[str, int]:
    """Discoveries between two random halves of twice as many patients."""
    drawn = np.random.default_rng((seed, 1)).choice(len(x_ng), 2 * size, replace=False)
    case_n = np.arange(2 * size) < size
    return {
        name: int((adjust(_tested(x_ng[drawn], case_n, trend=trend).p_bg()[0]) <= 0.05).sum())
        for name, trend in (("measured", False), ("measured, trend and robust", True))
    }


def _tested(x_ng: np.ndarray, case_n: np.ndarray, *, trend: bool = False) -> Moderated:
    contrast = Contrast(case_n, ~case_n, np.arange(len(case_n)), "")
    return Design.of(x_ng, contrast, trend=trend, robust=trend).moderated()


def _leading(t_g: np.ndarray) -> np.ndarray:
    return np.argsort(-np.abs(t_g), kind="stable")[:LEADING]


def _limma(x_ng: np.ndarray, case_n: np.ndarray) -> tuple[np.ndarray, np.ndarray, str] | None:
    """T and p of R's limma, and its version; None where it is not there."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        np.savetxt(Path(folder) / "x.csv", x_ng, delimiter=",", fmt="%.10g")
        np.savetxt(Path(folder) / "case.txt", case_n.astype(int), fmt="%d")
        command = ["Rscript", "-e", R]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            return None
        return np.loadtxt(Path(folder) / "t.txt"), np.loadtxt(Path(folder) / "p.txt"), done.stdout.strip()
