"""Models at hand, and those that a registry names."""

import pytest

from genelight._core.errors import FormatError, UnknownNameError
from genelight.models import find_models, read_registry

GOOD = {"name": "blood", "url": "https://example.org/blood.tar.gz", "sha256": "ab" * 32}


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
        ({"url": "http://example.org/a"}, "model 1: url 'http://example.org/a' does not begin with https://"),
        ({"url": "file:///etc/passwd"}, "does not begin with https://"),
        ({"sha256": "ab" * 16}, "sha256 is to have 64 hexadecimal digits"),
        ({"sha256": ""}, "model 1 lacks sha256"),
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
