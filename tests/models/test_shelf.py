"""Models at hand, and those that a registry names; these come from a file server on the loopback address."""

import functools
import hashlib
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import typer

import genelight as gl
from genelight.cli import app
from genelight.errors import FormatError, ResourceError, UnknownNameError
from genelight.models.shelf import fetch_model, find_models, read_registry

GOOD = {"name": "blood", "url": "https://example.org/blood.zip", "sha256": "ab" * 32}


def written(tmp_path, *entries: dict) -> object:
    text = "".join("[[model]]\n" + "".join(f'{key} = "{value}"\n' for key, value in e.items()) for e in entries)
    path = tmp_path / "models.toml"
    path.write_text(text)
    return path


def test_models_are_found_below_a_folder_with_their_figures(tmp_path, autoencoder, pca):
    autoencoder.save(tmp_path / "run" / "03_model")
    pca.save(tmp_path / "pca")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text('{"editor": "dark"}')
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    found = {model.folder.name: model for model in find_models(tmp_path)}
    assert set(found) == {"03_model", "pca"}
    assert (found["pca"].kind, found["pca"].widths, found["pca"].r2) == ("pca", (8,), None)
    assert found["03_model"].widths == (16, 8, 4)
    assert found["03_model"].r2 == autoencoder.about["held_out"]["r2"]


def test_a_place_that_is_no_folder(tmp_path):
    with pytest.raises(FormatError, match="is no folder; name the one that holds your models"):
        find_models(tmp_path / "nowhere")


def test_a_registry_is_read_by_name(tmp_path):
    path = written(tmp_path, GOOD, GOOD | {"name": "brain", "about": "cortex"})
    found = read_registry(path)
    assert list(found) == ["blood", "brain"]
    assert (found["brain"].about, found["blood"].sha256) == ("cortex", "ab" * 32)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "http://example.org/a.zip"}, "model 1: url 'http://example.org/a.zip' does not begin with https://"),
        ({"url": "file:///etc/passwd"}, "does not begin with https://"),
        ({"sha256": "ab" * 16}, "sha256 is to have 64 hexadecimal digits"),
        ({"sha256": ""}, "model 1 lacks sha256"),
        ({"url": "https://example.org/blood.tar.gz"}, "does not end with .zip; zip the model folder"),
        ({"name": "../blood"}, "the name '../blood' has other signs than letters"),
    ],
)
def test_an_entry_that_is_wrong_is_named(tmp_path, change, said):
    with pytest.raises(FormatError, match=said):
        read_registry(written(tmp_path, GOOD | change))


def test_other_faults_of_a_registry(tmp_path):
    with pytest.raises(UnknownNameError, match=r"unknown key 'sha265' .* did you mean 'sha256'"):
        read_registry(written(tmp_path, GOOD | {"sha265": "x"}))
    with pytest.raises(FormatError, match="the name 'blood' is there twice"):
        read_registry(written(tmp_path, GOOD, GOOD))
    with pytest.raises(FormatError, match="cannot be read"):
        read_registry(tmp_path / "none.toml")
    (tmp_path / "models.toml").write_text("[model]\nname = 'a'\n")
    with pytest.raises(FormatError, match=r"models are written as \[\[model\]\]"):
        read_registry(tmp_path / "models.toml")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


@pytest.fixture
def shared(tmp_path, autoencoder, monkeypatch):
    """A registry in the environment whose one model lies on a server; the folder that is served."""
    served = tmp_path / "served"
    autoencoder.save(tmp_path / "blood")
    shutil.make_archive(str(served / "blood"), "zip", tmp_path, "blood")
    sha256 = hashlib.sha256((served / "blood.zip").read_bytes()).hexdigest()
    monkeypatch.setenv("GENELIGHT_MODELS", str(written(tmp_path, GOOD | {"sha256": sha256})))
    monkeypatch.setenv("GENELIGHT_CACHE", str(tmp_path / "cache"))
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(served))) as server:
        mirrors = tmp_path / "mirrors.toml"
        mirrors.write_text(f'[mirrors]\n"https://example.org/" = "http://127.0.0.1:{server.server_port}/"\n')
        monkeypatch.setenv("GENELIGHT_MIRRORS", str(mirrors))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def test_a_shared_model_is_loaded_by_its_name(shared, autoencoder, cohort):
    model = gl.load("blood")
    assert model.digest == autoencoder.digest
    assert gl.encode(cohort, model, layer="L1").shape == (cohort.n_obs, 16)
    (shared / "blood.zip").unlink()
    assert gl.load("blood").digest == autoencoder.digest, "the second time it comes from the cache"


def test_every_command_takes_a_shared_model_by_its_name(shared):
    found = {}
    for path, command in commands(typer.main.get_command(app)):
        for param in command.params:
            if "--model" in param.opts:
                value = ["blood", "blood"] if param.multiple else "blood"
                folders = param.process_value(typer.Context(command), value)
                found[path] = folders[-1] if param.multiple else folders
    assert {"encode", "map-ids", "project", "scorecard", "score", "module agree"} <= set(found)
    assert all(Path(folder, "config.json").is_file() for folder in found.values()), found


def commands(group, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def test_an_archive_that_is_another_one_is_refused(shared):
    with (shared / "blood.zip").open("ab") as archive:
        archive.write(b"x")
    with pytest.raises(FormatError, match="is not the file whose checksum is pinned"):
        gl.load("blood")


def test_an_archive_that_is_not_there(shared):
    (shared / "blood.zip").unlink()
    with pytest.raises(ResourceError, match="answered 404"):
        gl.load("blood")


def test_an_archive_without_a_model(shared, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.txt").write_text("a")
    shutil.make_archive(str(shared / "blood"), "zip", tmp_path / "empty")
    sha256 = hashlib.sha256((shared / "blood.zip").read_bytes()).hexdigest()
    with pytest.raises(FormatError, match="is the zip archive of 0 model folders"):
        fetch_model("blood", registry=written(tmp_path, GOOD | {"sha256": sha256}))


def test_a_name_that_no_registry_has(shared, monkeypatch):
    with pytest.raises(UnknownNameError, match=r"unknown model 'blod' .* did you mean 'blood'"):
        gl.load("blod")
    monkeypatch.delenv("GENELIGHT_MODELS")
    with pytest.raises(UnknownNameError, match="GENELIGHT_MODELS names none"):
        fetch_model("blood")
    with pytest.raises(FormatError, match="is no saved model"):
        gl.load("blood")


def test_a_folder_of_that_name_comes_first(shared, pca, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(tmp_path / "blood")
    pca.save(tmp_path / "blood")
    assert gl.load("blood").digest == pca.digest


def test_the_command_line_takes_the_name_too(shared, cohort, tmp_path):
    from typer.testing import CliRunner

    from genelight.cli import app

    cohort.write_h5ad(tmp_path / "t.h5ad")
    argv = ["encode", str(tmp_path / "t.h5ad"), "--model", "blood", "--layer", "L1", "--out", str(tmp_path / "o.h5ad")]
    done = CliRunner().invoke(app, argv)
    assert "obsm['X_L1']" in done.output
    assert done.exit_code == 0
