"""How severely each patient is affected, what drives it, and which patients are alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from anndata import AnnData

from ... import patients
from ..._core.tables import write_plain
from ...nouns import Groups, Model, Severity
from ...stats.subjects import by_appearance
from .._inputs import patients_of
from ._step import Bench, step

TABLE, KEY, DRIVERS = "07_patients.tsv", "07_patients_key.tsv", "07_drivers.tsv"
SEVERITY, GROUPS = "07_severity.parquet", "07_groups.parquet"
GENES = 10


def _scored_by(bench: Bench) -> Sequence[object]:
    """Measure and groups, how the model is trained for a fold, samples; not what the report shows of them."""
    asked = bench.study.patients
    settings = [] if asked is None else [asked.model_dump(mode="json", exclude={"show_ids"})]
    data = bench.study.data.model_dump(mode="json", exclude={"expression"})
    trained = [bench.model_settings, bench.study.module.folds, data, bench.contrast_digest]
    return [*settings, *trained, bench.inputs.digest, bench.seed]


def _grouped(bench: Bench) -> bool:
    return bench.study.patients is not None and bench.study.patients.groups


@step(
    "patients",
    "scoring patients that the model has not seen",
    after=("fit",),
    wanted=lambda bench: bench.study.patients is not None,
    depends=_scored_by,
    outputs=lambda bench: [TABLE, KEY, DRIVERS, SEVERITY, *([GROUPS] if _grouped(bench) else [])],
)
def score_patients(bench: Bench) -> None:
    """A score with its interval for every sample, held out, and a group for every subject; ids stay in the key."""
    asked, subject = bench.study.patients, bench.study.data.subject
    if asked is None:
        return
    adata = patients_of(bench.study, bench.inputs.adata, bench.inputs.contrast)
    model = bench.trained
    score = patients.severity(
        adata,
        model,
        measure=asked.measure,
        subject=subject,
        folds=bench.folds,
        protocol=patients.Protocol(draws=asked.permutations, time=asked.time, beside=asked.beside),
        seed=bench.seed,
    )
    score.save(bench.folder / SEVERITY)
    groups = None
    if asked.groups:
        groups = patients.stratify(
            adata, model, subject=subject, explain=asked.explain, folds=bench.folds, seed=bench.seed
        )
        groups.save(bench.folder / GROUPS)
    table = _table(adata, subject, score=score, groups=groups)
    write_plain(bench.folder / TABLE, table.drop(columns=["subject_id", "sample_id"]))
    write_plain(bench.folder / KEY, table[["patient", "sample", "subject_id", "sample_id"]])
    write_plain(bench.folder / DRIVERS, _drivers(adata, model, score, table=table, shown=asked.shown))


def _table(adata: AnnData, subject: str | None, *, score: Severity, groups: Groups | None) -> pd.DataFrame:
    """One row per sample: numbers in the order of the samples, ids beside them."""
    ids = np.asarray(adata.obs_names if subject is None else adata.obs[subject], dtype=object).astype(str)
    table = pd.DataFrame({"patient": by_appearance(ids) + 1, "sample": np.arange(1, len(ids) + 1)})
    table = table.assign(subject_id=ids, sample_id=np.asarray(adata.obs_names, dtype=object))
    held_out = score.held_out[["sample", "measure", "score", "low", "high"]].rename(columns={"sample": "sample_id"})
    table = table.merge(held_out, on="sample_id", how="left")
    if groups is None:
        return table.assign(group="", confidence=np.nan)
    members = groups.members.rename(columns={"subject": "subject_id"})
    return table.merge(members[["subject_id", "group", "confidence"]], on="subject_id", how="left")


def _drivers(adata: AnnData, model: Model, score: Severity, *, table: pd.DataFrame, shown: int) -> pd.DataFrame:
    """The genes behind the highest score of each of the most severe patients."""
    first = table.dropna(subset="score").sort_values("score", ascending=False).drop_duplicates("patient").head(shown)
    found = patients.drivers(adata[list(first["sample_id"])].copy(), model, severity=score, n_top=GENES)
    numbers = first.set_index("sample_id")[["patient", "sample"]]
    found = found.rename(columns={"sample": "sample_id"}).join(numbers, on="sample_id")
    return found[["patient", "sample", "rank", "gene", "part", "gap"]]
