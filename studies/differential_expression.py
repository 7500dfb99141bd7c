"""Genes found between small groups of a lupus cohort: moderated t on log2, on standardised genes, and R's limma.

GSE65391 (children, one sample of each: the first): random subsets of 6, 10, 20 and 40 patients against as many healthy
children, five of each, 11,540 genes. How many genes have q <= 0.05 by moderated t on standardised genes (what was done
before), on the measured scale (what is done), with a trend, with outliers kept out, with both, and by limma's lmFit and
eBayes with the same options, and how often the leading 200 are among the leading 200 of all children left out. Then 200
draws without meaning (half of twelve, or of forty, patients against the other half): in how many is any gene found, by
this t and by limma's. The value is the largest difference of a t from limma's in all subsets, trend and outliers
together left out; limma is asked through Rscript, and where R or limma is not there, its columns stay empty and the
value is the number of null draws with a discovery.

Standardised over the cohort, genes have nearly one variance, so that the prior's degrees of freedom are 20 at six
against six and 100 at forty against forty where log2 has 6 to 7, and variances are drawn towards one that no gene has.
That costs small groups: at six against six three of five subsets had no gene where log2 has 93, 1 and 0, and 43 of the
leading 200 came back in the other children, 58 on log2, 63 with trend and outliers kept out. From forty on there is no
difference. On the measured scale t is limma's to eight digits, plain, with a trend, and with outliers kept out. With
both, limma smooths the variances by lowess (span 0.4) where the spline of the trend is kept here: the two t differ by
at most 0.5 at six against six and 0.14 at forty, and about as many genes are found.

Not as hoped: halves of patients against halves had a gene in 13 of 200 draws at six against six, 5 of 200 at twenty,
where an earlier trial of 60 had at most 1. A q of 0.05 promises a gene in 5% of such draws, and limma, whose p values
these are, finds one in 13 and 5 of the very same draws; with trend and outliers kept out 15 and 5 (limma 14 and 5).
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

from ._calibration_labels import limma_counts
from ._modules import children

SIZES, DRAWS, NULLS, LEADING = (6, 10, 20, 40), 5, 200, 200
PEERS = ("", ", trend", ", robust", ", trend and robust")
R = """
suppressMessages(library(limma))
case <- scan("case.txt", quiet = TRUE)
x <- matrix(scan("x.csv", sep = ",", quiet = TRUE), ncol = length(case))
fit <- lmFit(x, model.matrix(~case))
fits <- list(eBayes(fit), eBayes(fit, trend = TRUE), eBayes(fit, robust = TRUE),
             eBayes(fit, trend = TRUE, robust = TRUE))
table <- sapply(fits, function(f) c(f$t[, 2], f$p.value[, 2]))
write.table(table, "found.txt", row.names = FALSE, col.names = FALSE)
cat(as.character(packageVersion("limma")))
"""


def run(*, quick: bool) -> Result:
    x_ng, case_n = _first_samples()
    rows: list[dict[str, object]] = []
    gaps: list[float] = []
    version = None
    for size in SIZES[:1] if quick else SIZES:
        found = [_subset(x_ng, case_n, size=size, seed=seed) for seed in range(1 if quick else DRAWS)]
        gaps += [row[f"gap, limma{name}"] for row, _ in found for name in PEERS[:3] if f"gap, limma{name}" in row]
        version = version or found[0][1]
        rows += list(_rows(size, pd.DataFrame([row for row, _ in found])))
    for size in (6, 20):
        rows += _null(x_ng[case_n], size=size, draws=3 if quick else NULLS)
    data = f"GSE65391, {x_ng.shape[1]} genes, {len(x_ng)} children"
    value = max(gaps) if gaps else float(sum(int(str(row.get("draws with a discovery", 0))) for row in rows))
    return Result("value", Figure(value, None, len(gaps)), data, rows, "limma" if version else None, version)


def _first_samples() -> tuple[np.ndarray, np.ndarray]:
    """Log2 values of each child's first sample, and who is ill."""
    adata, contrast = children()
    _, first = np.unique(contrast.subject_n, return_index=True)
    first = first[contrast.used_n[first]]
    kept = pp.prepare(adata)
    return kept.restore(kept.transform(adata[first])), contrast.case_n[first]


def _subset(x_ng: np.ndarray, case_n: np.ndarray, *, size: int, seed: int) -> tuple[dict[str, float], str | None]:
    """Figures of one random subset, with the largest differences of t from limma's, and its version."""
    rng = np.random.default_rng(seed)
    drawn = np.concatenate([rng.choice(np.flatnonzero(mask), size, replace=False) for mask in (case_n, ~case_n)])
    rest = np.setdiff1d(np.arange(len(case_n)), drawn)
    later = set(_leading(_tested(x_ng[rest], case_n[rest]).t_bg[0]))
    z_ng = (x_ng - x_ng.mean(0)) / x_ng.std(0)
    part, ill = x_ng[drawn], case_n[drawn]
    tests = {
        "standardised": _tested(z_ng[drawn], ill),
        "measured": _tested(part, ill),
        "measured, trend": _tested(part, ill, trend=True),
        "measured, robust": _tested(part, ill, robust=True),
        "measured, trend and robust": _tested(part, ill, trend=True, robust=True),
    }
    columns = {name: (result.t_bg[0], result.p_bg()[0]) for name, result in tests.items()}
    version, gaps = None, {}
    peer = _limma(part, ill)
    if peer is not None:
        found_gc, version = peer
        for name, t_g, p_g in zip(PEERS, found_gc[: part.shape[1]].T, found_gc[part.shape[1] :].T, strict=True):
            columns[f"limma{name}"] = t_g, p_g
            gaps[f"gap, limma{name}"] = float(np.abs(t_g - columns[f"measured{name}"][0]).max())
    row: dict[str, float] = {"prior df": float(tests["measured"].prior_df_b[0])} | gaps
    row["prior df, standardised"] = float(tests["standardised"].prior_df_b[0])
    for name, (t_g, p_g) in columns.items():
        row[f"found, {name}"] = int((adjust(p_g) <= 0.05).sum())
        row[f"again, {name}"] = len(later.intersection(_leading(t_g)))
    return row, version


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
            "prior df": f"{prior.median():.3g}" if name in ("standardised", "measured") else "",
            "largest difference of t": float(found[f"gap, {name}"].max()) if f"gap, {name}" in found else "",
        }


def _null(x_ng: np.ndarray, *, size: int, draws: int) -> list[dict[str, object]]:
    """Draws with a discovery between two random halves of twice as many patients, and limma's on the same draws."""
    order_bs = np.stack(
        [np.random.default_rng((seed, 1)).choice(len(x_ng), 2 * size, replace=False) for seed in range(draws)]
    )
    limma_b2 = limma_counts(x_ng, order_bs)
    case_n, rows = np.arange(2 * size) < size, list[dict[str, object]]()
    for column, (name, trend) in enumerate((("measured", False), ("measured, trend and robust", True))):
        found = [
            int((adjust(_tested(x_ng[drawn], case_n, trend=trend, robust=trend).p_bg()[0]) <= 0.05).sum())
            for drawn in order_bs
        ]
        row: dict[str, object] = {"subset": f"{size} against {size}, no disease", "t": name, "draws": draws}
        row["draws with a discovery"] = int(np.sum(np.array(found) > 0))
        if limma_b2 is not None:
            row["of limma on the same"] = int((limma_b2[:, column] > 0).sum())
        rows.append(row)
    return rows


def _tested(x_ng: np.ndarray, case_n: np.ndarray, *, trend: bool = False, robust: bool = False) -> Moderated:
    contrast = Contrast(case_n, ~case_n, np.arange(len(case_n)), "")
    return Design.of(x_ng, contrast, trend=trend, robust=robust).moderated()


def _leading(t_g: np.ndarray) -> np.ndarray:
    return np.argsort(-np.abs(t_g), kind="stable")[:LEADING]


def _limma(x_ng: np.ndarray, case_n: np.ndarray) -> tuple[np.ndarray, str] | None:
    """T and below them p of R's limma, a column for each of `PEERS`, and its version; None where it is not there."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        np.savetxt(Path(folder) / "x.csv", x_ng, delimiter=",", fmt="%.10g")
        np.savetxt(Path(folder) / "case.txt", case_n.astype(int), fmt="%d")
        command = ["Rscript", "-e", R]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            return None
        return np.loadtxt(Path(folder) / "found.txt"), done.stdout.strip()
