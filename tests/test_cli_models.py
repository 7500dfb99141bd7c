"""The commands of the models' room."""

import anndata
import numpy as np
import pytest
from typer.testing import CliRunner

from genelight import load, models, simulate
from genelight.cli import app
from genelight.models.fitted_autoencoder import FittedAutoencoder


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "cohort.h5ad"
    simulate.cohort(24, visits=2, n_genes=320).write_h5ad(path)
    return path


def told(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_fit_takes_changes_of_a_preset_and_models_lists_what_it_wrote(table, tmp_path):
    preset = "plain,activation=gelu,learning_rate=find,epochs=3,tied=no,noise=0.1"
    out = tmp_path / "model"
    text = told("fit", table, "--out", out, "--subject", "subject", "--widths", "6", "--preset", preset)
    assert "layers L1 of 6" in text
    assert "PCA of 6" in text
    model = load(out)
    assert (model.settings["activation"], model.settings["epochs"], model.settings["noise"]) == ("gelu", 3, 0.1)
    assert 1e-6 < model.settings["learning_rate"] < 1
    listed = told("models", tmp_path)
    assert f"{out}: autoencoder of 6, held-out R² {model.about['held_out']['r2']:.4f}" in listed
    (tmp_path / "none").mkdir()
    assert "no saved model" in told("models", tmp_path / "none")


def test_fit_takes_the_deep_preset(table, tmp_path):
    words = ("--subject", "subject", "--widths", "16,4,16", "--preset", "deep")
    text = told("fit", table, "--out", tmp_path / "model", *words)
    assert "layers L2 of 4" in text
    assert "so the model is PCA of width 4" in text
    model = load(tmp_path / "model")
    assert model.verdict in text
    told("encode", table, "--model", tmp_path / "model", "--layer", "L2", "--out", tmp_path / "codes.h5ad")
    assert anndata.read_h5ad(tmp_path / "codes.h5ad").obsm["X_L2"].shape == (48, 4)


def test_a_killed_fit_goes_on_with_the_same_command(table, tmp_path, monkeypatch):
    words = ("--subject", "subject", "--widths", "6,4", "--preset", "default,epochs=3")
    told("fit", table, "--out", tmp_path / "whole", *words)
    save = FittedAutoencoder.save

    def stop(self, folder):
        raise RuntimeError("killed")

    monkeypatch.setattr(FittedAutoencoder, "save", stop)
    with pytest.raises(RuntimeError, match="killed"):
        told("fit", table, "--out", tmp_path / "again", *words)
    assert list((tmp_path / ".again.training").glob("*.safetensors"))
    monkeypatch.setattr(FittedAutoencoder, "save", save)
    told("fit", table, "--out", tmp_path / "again", *words)
    assert load(tmp_path / "whole").digest == load(tmp_path / "again").digest
    assert not (tmp_path / ".again.training").exists()


@pytest.mark.parametrize(
    ("preset", "said"),
    [
        ("plain,activaton=gelu", "unknown setting 'activaton' .* did you mean 'activation'"),
        ("plain,tied=maybe", "tied = 'maybe' is not yes or no"),
        ("plain,noise=much", "noise = 'much' is not a number"),
        ("plain,learning_rate=fnd", "learning_rate = 'fnd'; give a number such as 1e-3, or 'find'"),
        ("deep,epochs=3", "preset deep takes no changes"),
        ("plan", "unknown preset 'plan'; did you mean 'plain'"),
    ],
)
def test_changes_that_cannot_be_read(table, tmp_path, preset, said):
    with pytest.raises(ValueError, match=said):
        told("fit", table, "--out", tmp_path / "model", "--preset", preset)


def test_a_registry_is_listed(tmp_path):
    registry = tmp_path / "models.toml"
    registry.write_text(f'[[model]]\nname = "blood"\nurl = "https://example.org/b.zip"\nsha256 = "{"ab" * 32}"\n')
    assert "blood: no description; https://example.org/b.zip" in told("models", tmp_path, "--registry", registry)


def test_a_table_on_another_scale_is_encoded_once_that_is_said(table, tmp_path):
    adata = anndata.read_h5ad(table)
    models.PCA(4).fit(adata).save(tmp_path / "model")
    amounts = adata.copy()
    amounts.X = np.exp2(np.asarray(adata.X, dtype=float)) - 1
    amounts.write_h5ad(tmp_path / "amounts.h5ad")
    words = ("encode", "--model", tmp_path / "model", "--layer", "PC")
    told(*words, table, "--out", tmp_path / "a.h5ad")
    told(*words, tmp_path / "amounts.h5ad", "--scale", "linear", "--out", tmp_path / "b.h5ad")
    a, b = (anndata.read_h5ad(tmp_path / f"{name}.h5ad").obsm["X_PC"] for name in "ab")
    np.testing.assert_allclose(a, b, atol=1e-4)
    with pytest.raises(ValueError, match=r"look like scale = 'linear': say so \(--scale linear\)"):
        told(*words, tmp_path / "amounts.h5ad", "--out", tmp_path / "c.h5ad")
    with pytest.raises(ValueError, match="unknown scale 'linar'; did you mean 'linear'"):
        told(*words, tmp_path / "amounts.h5ad", "--scale", "linar", "--out", tmp_path / "c.h5ad")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_sweep_prints_its_table(table):
    pytest.importorskip("optuna", reason="the extra sweep")
    text = told("sweep", table, "--subject", "subject", "--widths", "4", "--depths", "1", "--preset", "vae")
    # Where it takes long, lines on how far it is come first.
    *_, header, row = text.strip().splitlines()
    assert header.split()[:4] == ["activation", "depth", "width", "r2"] or "gain_low" in header
    assert "prelu" in row
