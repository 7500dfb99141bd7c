"""A reference model: trained by the script, small, read by name, and aware of the samples that it has seen."""

import runpy
import subprocess
import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import genelight as gl
from genelight import simulate
from genelight._core.provenance import file_digest, read_json
from genelight.errors import FormatError
from genelight.models import bundle
from genelight.models.fitted_deep import TrainingSamplesWarning

SCRIPT = Path(__file__).parents[2] / "scripts" / "train_reference.py"


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> list[Path]:
    """Ten studies in one table, and a cohort on another scale that lacks genes."""
    folder = tmp_path_factory.mktemp("tables")
    made = simulate.Compendium(400, 200, rank=6, nonlinear=0.8, noise=0.5)
    x_ng, genes = made.rows(0, 400), list(made.genes.ids)
    obs = pd.DataFrame(
        {"study": [f"s{i % 10}" for i in range(300)]}, index=[f"s{i % 10}|GSM{100000 + i}" for i in range(300)]
    )
    AnnData(x_ng[:300], obs=obs, var=pd.DataFrame(index=genes)).write_h5ad(folder / "many.h5ad")
    rest = pd.DataFrame(index=[f"GSM{200000 + i}" for i in range(100)])
    AnnData(2 ** x_ng[300:, :185], obs=rest, var=pd.DataFrame(index=genes[:185])).write_h5ad(folder / "one.h5ad")
    return [folder / "many.h5ad", folder / "one.h5ad"]


@pytest.fixture(scope="module")
def reference(tables, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("models") / "small"
    about = out.parent / "studies.tsv"
    about.write_text("study\taccession\tlicence\ns1\tGSE1\tCC0\n")
    arguments = [str(out), *map(str, tables), "--widths", "64,4,256", "--folds", "2", "--rank", "32"]
    arguments += ["--about", str(about), "--limits", "It has seen no tissue at all."]
    runpy.run_path(str(SCRIPT))["main"](arguments)
    return out


@pytest.mark.slow
def test_it_is_read_by_its_name_and_its_card_has_every_study(reference, monkeypatch):
    monkeypatch.setattr(bundle, "SHIPPED", reference.parent)
    model = gl.load("small")
    assert model.digest == gl.load(reference).digest
    assert model.deep
    card = (reference / "CARD.md").read_text()
    assert "| s1 | 30 | GSE1 | CC0 |" in card
    assert "| one | 100 |" in card
    assert "no tissue at all" in card
    assert sum(path.stat().st_size for path in reference.iterdir()) < 1e6
    with pytest.raises(FormatError, match="is no saved model"):
        gl.load("smaller")


@pytest.mark.slow
def test_weights_of_eight_bits_give_samples_back_as_well(reference, tables):
    model, adata = gl.load(reference), gl.io.read(tables[0])
    with pytest.warns(TrainingSamplesWarning):
        x_ng = model.prepare(adata)
    left = np.square(x_ng - model.reconstruct(x_ng)).sum() / np.square(x_ng - x_ng.mean(0)).sum()
    pca = gl.models.PCA(4, preparation=model.preparation.settings).fit(adata)
    assert left < 1 - gl.models.r2(pca, x_ng)


@pytest.mark.slow
def test_samples_of_its_training_are_known_on_any_scale_and_under_any_name(reference, tables):
    model, adata = gl.load(reference), ad.read_h5ad(tables[0])[:50].copy()
    adata.obs_names = [f"patient {i}" for i in range(50)]
    adata.X = np.round(np.exp(adata.X / 3), 3)
    seen = model.seen_in_training(adata[:, adata.var_names[::-1]].copy())
    assert len(seen) == 50
    assert seen.iloc[3] == "s3"
    strangers = AnnData(np.random.default_rng(7).normal(size=(30, 200)) + 8, var=adata.var)
    assert model.seen_in_training(strangers).empty
    strangers.obs_names = [f"GSM{100000 + i}" for i in range(30)]
    with pytest.warns(TrainingSamplesWarning, match="30 of 30 samples, or their like, were in this model's training"):
        model.prepare(strangers)


@pytest.mark.slow
def test_a_store_may_stand_in_place_of_tables(tables, tmp_path):
    gl.io.pack([tables[0]], tmp_path / "all.zarr")
    out = tmp_path / "model"
    arguments = [str(out), str(tmp_path / "all.zarr"), "--widths", "32,4,64", "--rank", "32"]
    runpy.run_path(str(SCRIPT))["main"](arguments)
    model = gl.load(out)
    assert model.preparation.normalisation.name == "rank"
    assert len(model.seen_in_training(ad.read_h5ad(tables[0]))) == 300


def test_the_model_that_ships_knows_its_studies_and_has_not_seen_the_demo():
    model, adata = gl.load("human"), gl.demo.cohort()
    studies = pd.DataFrame(model.about["studies"])
    assert len(studies) == 67
    assert studies["samples"].sum() == 4708 == model.preparation.account["samples"]
    assert (studies["licence"] != "").all()
    assert (studies["accession"] + studies["source"] != "").all()
    assert (studies["R² within"] > studies["PCA R² within"]).mean() > 0.8
    assert model.deep
    assert model.seen_in_training(adata).empty
    codes = gl.encode(adata, model, layer="L2")
    assert np.isfinite(codes).all()
    assert codes.shape == (252, 64)


def test_the_card_that_ships_is_the_one_that_saving_writes_and_names_digest_and_date(tmp_path):
    model, shipped = gl.load("human"), bundle.SHIPPED / "human"
    model.save(tmp_path / "human")
    card = (shipped / "CARD.md").read_text()
    assert card == (tmp_path / "human" / "CARD.md").read_text()
    assert f"\nDigest {model.digest}, trained {model.about['date']}.\n" in card
    assert read_json(shipped / "config.json")["files"]["CARD.md"] == file_digest(shipped / "CARD.md")


def test_the_model_that_ships_tells_a_panel_that_is_too_small():
    with pytest.raises(gl.errors.GeneMismatchError, match="at least 20% is needed"):
        gl.encode(gl.demo.cohort()[:, :900].copy(), gl.load("human"), layer="L2")


def test_the_command_line_tells_of_seen_samples_once_and_not_as_python_does(reference, tables, tmp_path):
    command = [sys.executable, "-c", "from genelight.cli import main; main()", "encode", str(tables[0])]
    command += ["--model", str(reference), "--layer", "L2", "--out", str(tmp_path / "codes.h5ad")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.count("300 of 300 samples, or their like, were in this model's training") == 1
    assert "Warning" not in done.stdout + done.stderr
