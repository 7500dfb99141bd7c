"""No flipped bit changes a number silently: sixty in every kind of file, and what is read is as written or refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from genelight import io, models, study
from genelight._core.provenance import digest
from genelight.errors import GenelightError
from genelight.models.shelf import find_models
from genelight.nouns import Evidence, Genes, Groups, Module, NodeGenes, Severity
from genelight.nouns.changes import Changes
from genelight.nouns.evidence import EVIDENCE_COLUMNS
from genelight.pp.preparation import Preparation

FLIPS = 60
# Where a store keeps its names, which depends on how pandas keeps text.
NAMES = f"var/_index/{'values/' * bool(pd.options.future.infer_string)}c/0"
ARCHIVE = Path(__file__).parent / "nouns" / "archive" / "v1"
GENES = Genes(tuple(f"GENE{i}" for i in range(40)))
RNG = np.random.default_rng(7)


@dataclass(frozen=True)
class Kind:
    """How something is written, which file of it is flipped, and all that can be read of it."""

    write: Callable[[Path], object]
    read: Callable[[Path], str]
    file: str = "."
    size: int | None = None


def cohort() -> AnnData:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 60)) + rng.normal(size=(40, 60)) + 8
    return AnnData(x, var=pd.DataFrame(index=[f"GENE{i}" for i in range(60)]))


def frame(table: pd.DataFrame) -> str:
    return table.to_csv() + str(sorted(map(str, table.columns)))


def node_genes(path: Path) -> None:
    NodeGenes(RNG.normal(size=(8, 40)).astype(np.float32), tuple(f"L1.{k}" for k in range(8)), GENES, *"abc").save(path)


def read_nodes(path: Path) -> str:
    lit = NodeGenes.load(path)
    return digest(lit.values_kg, lit.nodes, lit.genes.ids, lit.layer, lit.source, lit.method, dict(lit.about))


def evidence(path: Path) -> None:
    rows = {name: RNG.random(30) if kind == "float64" else np.arange(30) for name, kind in EVIDENCE_COLUMNS.items()}
    rows |= {name: [f"{name} {i}" for i in range(30)] for name, kind in EVIDENCE_COLUMNS.items() if kind == "object"}
    Evidence(pd.DataFrame(rows), {"universe": 40}).save(path)


def read_evidence(path: Path) -> str:
    found = Evidence.load(path)
    return frame(found.table) + json.dumps(dict(found.about))


def module(path: Path) -> None:
    Module.from_scores(RNG.normal(size=40), GENES, size=10, name="a", method="b").save(path)


def read_module(path: Path) -> str:
    found = Module.load(path)
    return frame(found.table) + found.name + found.method + json.dumps(dict(found.about))


def changes(path: Path) -> None:
    table = pd.DataFrame({"name": ["a\tb", "c"], "effect": [0.1, 1 / 3], "low": 0.0, "high": 1.0, "p": 0.5, "q": 0.5})
    Changes(table, {"n": 3}).save(path)


def read_changes(path: Path) -> str:
    found = Changes.load(path)
    return frame(found.table) + json.dumps(dict(found.about))


@pytest.fixture(scope="module")
def model():
    pca = models.PCA(3).fit(cohort())
    pca.about["held_out"] = {"r2": 0.53, "r2_interval": [0.5, 0.56], "pca_r2": 0.52, "pca_width": 8}
    return pca


def read_model(path: Path) -> str:
    found = models.load(path)
    x_ng = np.linspace(-1, 1, len(found.genes), dtype=np.float32)[None]
    listed = find_models(path)[0]
    return digest(
        found.encode(x_ng, "PC"),
        dict(found.about),
        str((listed.widths, listed.r2, listed.altered)),
        found.preparation.account,
    )


def store(path: Path) -> None:
    adata = cohort()
    adata.obs["age"] = RNG.normal(size=40)
    adata.write_h5ad(path.with_suffix(".h5ad"))
    io.pack([path.with_suffix(".h5ad")], path)


def read_store(path: Path) -> str:
    found = io.Store.open(path)
    rows = found.take(np.array([3, 1, 30])), *(x_ng for _, x_ng in found.blocks(7))
    return digest(*rows, found.genes.ids, frame(found.obs), dict(found.account))


def preparation(path: Path) -> None:
    models.PCA(3).fit(cohort()).preparation.save(path)


def read_preparation(path: Path) -> str:
    found = Preparation.load(path)
    return digest(found.mean_g, found.sd_g, found.genes.ids, found.scale, dict(found.account))


def severity(path: Path) -> None:
    Severity.load(ARCHIVE / "severity.parquet").save(path)


def read_severity(path: Path) -> str:
    found = Severity.load(path)
    tables = (found.heads, found.held_out, found.figures, found.residuals, found.calibration)
    return "".join(map(frame, tables)) + str(found.intercept) + json.dumps(dict(found.about))


def groups(path: Path) -> None:
    Groups.load(ARCHIVE / "groups.parquet").save(path)


def read_groups(path: Path) -> str:
    found = Groups.load(path)
    tables = (found.centres, found.members, found.stability, found.described)
    return "".join(map(frame, tables)) + json.dumps(dict(found.about))


KINDS = {
    # Behind the values of the forty samples comes room for others, which nobody reads.
    "store X/c/0/0": Kind(store, read_store, "X/c/0/0", 4 * 40 * 60),
    "nodes": Kind(node_genes, read_nodes),
    "evidence": Kind(evidence, read_evidence),
    "module": Kind(module, read_module),
    "changes": Kind(changes, read_changes),
    "severity": Kind(severity, read_severity),
    "groups": Kind(groups, read_groups),
    "preparation": Kind(preparation, read_preparation),
    **{
        f"model {file}": Kind(models.load, read_model, file)  # saved by the fixture
        for file in ("weights.safetensors", "config.json", "prepare.json")
    },
    **{
        f"store {file}": Kind(store, read_store, file)
        for file in ("X/zarr.json", "zarr.json", "obs/zarr.json", "obs/age/c/0", NAMES)
    },
}


@pytest.fixture(scope="module")
def written(tmp_path_factory, model) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("flips")

    def give(name: str) -> Path:
        path = folder / f"{name.split(maxsplit=1)[0]}.zarr"
        if not path.exists() and name.startswith("model"):
            model.save(path)
        elif not path.exists():
            KINDS[name].write(path)
        return path

    return give


@pytest.mark.parametrize("name", KINDS)
def test_no_flipped_bit_changes_a_number_silently(written, tmp_path, name):
    kind, path = KINDS[name], written(name)
    as_written = kind.read(path)
    copy = tmp_path / path.name
    (shutil.copytree if path.is_dir() else shutil.copy)(path, copy)
    whole = (copy / kind.file).read_bytes()
    rng = np.random.default_rng(len(whole))
    refused = 0
    for place in rng.integers(8 * (kind.size or len(whole)), size=FLIPS):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << (place % 8)
        (copy / kind.file).write_bytes(flipped)
        try:
            assert kind.read(copy) == as_written, f"bit {place} of {name}"
        except GenelightError:
            refused += 1
    assert refused > FLIPS / 10
    (copy / kind.file).write_bytes(whole)
    assert kind.read(copy) == as_written


@pytest.mark.parametrize("name", [name for name in KINDS if name.startswith(("model", "store"))])
def test_verify_names_the_file_with_the_flipped_bit(written, tmp_path, name):
    kind, path = KINDS[name], written(name)
    copy = shutil.copytree(path, tmp_path / path.name)
    assert study.verify(copy).whole
    content = bytearray((copy / kind.file).read_bytes())
    content[(kind.size or len(content)) // 3] ^= 4
    (copy / kind.file).write_bytes(content)
    assert set(study.verify(copy).wrong) == {kind.file}
    (copy / kind.file).unlink()
    if (copy / ("config.json" if name.startswith("model") else "zarr.json")).exists():
        assert kind.file in study.verify(copy).wrong
