"""The forecast of replication: what is learned from cohorts, and whether it holds where they are left out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from genelight.modules.replication import LEARNED, Learned, forecast

LEAST = 3  # cohorts or diseases that a mean is taken over


def learn(found: pd.DataFrame) -> Learned:
    """Factor between what two bootstraps share and what other cohorts find: by cohort, diseases counting alike."""
    share_n, again_n = found["agreement"], found["top"]
    factor_c = (share_n * again_n).groupby(found["cohort"]).sum() / (share_n**2).groupby(found["cohort"]).sum()
    within = float((again_n - share_n * found["cohort"].map(factor_c)).std())
    disease_c = found.groupby("cohort")["disease"].first().reindex(factor_c.index)
    weight_c = 1 / disease_c.map(disease_c.value_counts()).to_numpy(dtype=np.float64)
    weight_c /= weight_c.sum()
    mean = float(weight_c @ factor_c.to_numpy())
    spread = float(weight_c @ (factor_c.to_numpy() - mean) ** 2) / (1 - float((weight_c**2).sum()))
    return Learned(mean, spread**0.5, within, len(factor_c), int(disease_c.nunique()))


def forecast_rows(found: pd.DataFrame) -> Iterator[dict[str, object]]:
    """What is learned, what ships, and errors and coverage when each cohort, or each disease, is left out."""
    for method, part in found.groupby("method", sort=False):
        ships = LEARNED["de" if method == "t" else str(method)]
        for name, one in (("nothing: learned", learn(part)), ("nothing: ships", ships)):
            yield {"cohorts": "forecast", "method": method, "left out": name, **_told(one)}
        for left in ("cohort", "disease"):
            if part[left].nunique() >= LEAST:
                yield {"cohorts": "forecast", "method": method, "left out": left, **_held(part, left)}
        yield from _later(part)


def _told(learned: Learned) -> dict[str, object]:
    return {"factor": learned.factor, "between": learned.between, "within": learned.within, "of": learned.cohorts}


def _held(found: pd.DataFrame, left: str) -> dict[str, object]:
    """Mean error, of the plain mean as well, and share of forecasts whose interval holds, each part counting alike."""
    rows = []
    for name, own in found.groupby(left, sort=False):
        others = found[found[left] != name]
        learned = learn(others)
        drawn = [forecast(share, learned) for share in own["agreement"]]
        said_n, again_n = np.array([middle for middle, _ in drawn]), own["top"].to_numpy()
        inside_n = np.array([low <= y <= high for (_, (low, high)), y in zip(drawn, again_n, strict=True)])
        plain = others.groupby("cohort")["top"].mean().mean()
        rows.append(
            {
                "found": again_n.mean(),
                "said": said_n.mean(),
                "error": np.abs(said_n - again_n).mean(),
                "error of the mean": np.abs(plain - again_n).mean(),
                "bootstrap alone": own["agreement"].mean(),
                "covered": inside_n.mean(),
                "width": np.mean([high - low for _, (low, high) in drawn]),
            }
        )
    table = pd.DataFrame(rows)
    return {**table.mean().to_dict(), "of": len(table), "worst covered": float(table["covered"].min())}


def _later(found: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Forecasts of twice and four times as many subjects, beside what cohorts of that size have."""
    for size, times in ((6, 2), (3, 4), (4, 2), (3, 2)):
        small, large = (found[found["n"] == n].groupby("cohort") for n in (size, size * times))
        grown = small[f"agreement x{times}"].mean()
        both = grown.index.intersection(large["agreement"].mean().index)
        if len(both) < LEAST:
            continue
        learned = learn(found[found["n"] == size])
        yield {
            "cohorts": f"forecast, {size * times} told from {size}",
            "method": found["method"].iloc[0],
            "n": size,
            "of": len(both),
            "said": float(learned.factor * grown[both].mean()),
            "found": float(large["top"].mean()[both].mean()),
            "bootstrap alone": float(grown[both].mean()),
        }
