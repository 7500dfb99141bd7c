r"""Train a reference model on a compendium, or on any store, and write it small enough to ship.

    python scripts/train_reference.py OUT TABLE [TABLE ...] [--study COLUMN] [--about STUDIES.tsv] [--limits TEXT]

Several tables are joined on the genes of the first; what a table lacks stays missing and is completed by the model.
Every sample is brought to normal scores over the genes that it has, so tables may be on any scale that keeps the
order of a sample's genes. One store (``genelight pack``) may stand in place of tables, of any size. Each study is left
out once, in folds of whole studies, for the figures on the card; the model that is written is trained on all.

The one inside the package was made by::

    python scripts/train_reference.py src/genelight/models/data/human COMPENDIUM.h5ad GSE65391.h5ad GSE49454.h5ad \
        TCGA.h5ad --about STUDIES.tsv
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from anndata import AnnData
from sklearn.model_selection import GroupKFold

import genelight as gl
from genelight.io import Store
from genelight.io.stores.store import is_store
from genelight.models import Deep, DeepRecipe
from genelight.models.fitted_deep import FittedDeep, straight_line
from genelight.models.packing import rounded
from genelight.models.reference.known import Known
from genelight.models.reference.within import learn_within
from genelight.nouns import Genes
from genelight.pp import PreparationSettings
from genelight.pp.normalise import Normalisation
from genelight.pp.preparation import Preparation
from genelight.pp.prepare import prepare_as

COPIED = ("tissue", "disease", "accession", "licence", "source")


def main(arguments: list[str] | None = None) -> None:
    """Train, judge, write."""
    asked = _asked(arguments)
    settings = PreparationSettings(scale=asked.scale, normalise="rank", standardise="centre", above_floor=0.0)
    table: AnnData | Store
    if is_store(Path(asked.tables[0])):
        table = gl.io.Store.open(asked.tables[0])
        group, rows, blocks = asked.study, table.take, (block_ng for _, block_ng in table.blocks())
    else:
        table = _joined(asked.tables, asked.study)
        settings = dataclasses.replace(settings, scale="log2", missing=True)
        group, rows, blocks = "study", table.X.__getitem__, iter([table.X])
    widths = tuple(map(int, asked.widths.split(",")))
    spec = Deep(widths, group=group, preparation=settings, recipe=DeepRecipe(rank=asked.rank))
    study_n = table.obs[group].astype(str).to_numpy()
    figures = list(_left_out(spec, table, study_n, folds=asked.folds)) if isinstance(table, AnnData) else []
    model = spec.fit(table, preparation=_short(prepare_as(table, settings)))
    if isinstance(table, AnnData):
        learn_within(table, model, group=group)
    some = np.sort(np.random.default_rng(0).choice(table.n_obs, min(table.n_obs, 300), replace=False))
    names = [str(name).rpartition("|")[2] for name in table.obs_names]
    model.known = Known.of(rows(some), blocks, names=names, studies=study_n)
    model.about |= {
        "studies": _told(study_n, figures, asked.about),
        "limits": asked.limits,
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
    }
    bundle = model._bundle()
    bundle.weights = rounded(bundle.weights)
    bundle.save(asked.out, packed=True)
    small = gl.load(asked.out)
    size = sum(path.stat().st_size for path in asked.out.iterdir()) / 2**20
    print(f"{asked.out}: {small!r}\n{size:.1f} MB, digest {small.digest}")


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("tables", nargs="+", help="h5ad, CSV or whatever genelight reads; or one store")
    parser.add_argument("--study", default="study", help="column that names the study; a table without it is one study")
    parser.add_argument("--widths", default="512,64,2048", help="nodes of the three layers")
    parser.add_argument("--folds", type=int, default=5, help="of whole studies, for the figures on the card")
    parser.add_argument("--scale", default="log2", help="of a store: log2, counts or linear; tables are ranked anyway")
    parser.add_argument("--rank", type=int, default=256, help="axes of the straight line that are kept")
    parser.add_argument("--about", type=Path, help="table with a row for each study: accession, licence, tissue, ...")
    parser.add_argument("--limits", default="", help="where the model has not been, for the card")
    return parser.parse_args(arguments)


def _joined(paths: Iterable[str], study: str) -> AnnData:
    """All samples on the genes of the first table, NaN where a table lacks one."""
    found: list[AnnData] = []
    for path in map(Path, paths):
        adata = gl.io.read(path, dense=True)
        if found:
            if adata.var_names.isin(found[0].var_names).sum() < 0.8 * found[0].n_vars:
                adata = gl.map_ids(adata, to=Genes(tuple(found[0].var_names), "symbol"))
            on_first = adata.to_df().reindex(columns=found[0].var_names)
            adata = AnnData(on_first.to_numpy(dtype=np.float64), obs=adata.obs, var=found[0].var)
        adata.X = Normalisation.of(adata.X, "rank").apply(np.asarray(adata.X, dtype=np.float64))
        adata.obs["study"] = adata.obs[study].astype(str) if study in adata.obs else path.name.partition(".")[0]
        adata.obs = adata.obs[["study"]]
        print(f"{path.name}: {adata.n_obs} samples, {1 - np.isnan(adata.X).mean():.1%} of the values", file=sys.stderr)
        found.append(adata)
    joined = ad.concat(found)
    joined.X = np.asarray(joined.X, dtype=np.float32)
    return joined


def _short(learned: Preparation) -> Preparation:
    """The same to five decimals: values are normal scores, and the file is a third as large."""
    reference = dataclasses.replace(learned.normalisation, reference_q=learned.normalisation.reference_q.round(5))
    numbers = {name: getattr(learned, name).round(5) for name in ("mean_g", "sd_g", "shift_g")}
    return dataclasses.replace(learned, normalisation=reference, **numbers)


def _left_out(spec: Deep, table: AnnData, study_n: np.ndarray, *, folds: int) -> Iterator[dict[str, Any]]:
    """How the samples of each study fare with a model that was trained without it."""
    parts = GroupKFold(min(folds, len(set(study_n))), shuffle=True, random_state=0)
    for train, test in parts.split(study_n, groups=study_n):
        model = spec.fit(table[train].copy())
        for study in np.unique(study_n[test]):
            row = _figures(model, table[test[study_n[test] == study]].copy())
            print(study, row, file=sys.stderr, flush=True)
            yield {"study": str(study), **row}


def _figures(model: FittedDeep, adata: AnnData) -> dict[str, float]:
    """R² of one study over the values that were measured, with each way about the training mean and the study's own."""
    seen_ng = ~np.isnan(model.preparation.transform(adata))
    x_ng = model.prepare(adata)
    line_ng = model.space.genes(straight_line(model.net, model.space.coordinates(x_ng)))
    deep_ng = model.reconstruct(x_ng, cohort=["one"] * len(x_ng))
    lost = {name: _squares((x_ng - back_ng) * seen_ng, seen_ng) for name, back_ng in (("", deep_ng), ("PCA ", line_ng))}
    whole = _squares((x_ng - model.space.centre_g) * seen_ng, seen_ng)
    return {
        f"{name}R² {how}": float(1 - left[how] / whole[how])
        for name, left in lost.items()
        for how in ("raw", "within")
        if how == "raw" or len(x_ng) > 1
    }


def _squares(left_ng: np.ndarray, seen_ng: np.ndarray) -> dict[str, float]:
    raw = float(np.square(left_ng, dtype=np.float64).sum())
    within_ng = (left_ng - left_ng.sum(0) / np.maximum(seen_ng.sum(0), 1)) * seen_ng
    return {"raw": raw, "within": max(float(np.square(within_ng, dtype=np.float64).sum()), 1e-12)}


def _told(study_n: np.ndarray, figures: list[dict[str, Any]], about: Path | None) -> list[dict[str, Any]]:
    """What the card says of each study."""
    known = pd.read_csv(about, sep="\t", index_col=0, keep_default_na=False) if about else pd.DataFrame()
    fared = {row["study"]: row for row in figures}
    return [
        {
            "study": study,
            "samples": int(size),
            **{key: str(known[key].get(study, "")) for key in COPIED if key in known},
            **fared.get(study, {}),
        }
        for study, size in pd.Series(study_n).value_counts().sort_index().items()
    ]


if __name__ == "__main__":
    main()
