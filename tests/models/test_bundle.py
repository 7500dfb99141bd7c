import json
import os
import pickle
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genelight import load
from genelight._core.provenance import sealed
from genelight.errors import FormatError, InputError, ResourceError
from genelight.models.shelf import find_models

FILES = {"CARD.md", "config.json", "genes.tsv", "history.csv", "prepare.json", "weights.safetensors"}
KINDS = ["autoencoder", "plain", "pca", "deep"]


@pytest.fixture(params=KINDS)
def model(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def saved(model, tmp_path):
    model.save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture(scope="module")
def kept(pca, tmp_path_factory):
    """A saved PCA for tests that alter copies of it."""
    folder = tmp_path_factory.mktemp("kept") / "model"
    pca.save(folder)
    return folder


def config(folder: Path, **changes) -> None:
    """Change a configuration and seal it again, as only someone who means to would."""
    path = folder / "config.json"
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(sealed({key: value for key, value in content.items() if value != "absent"})))


def test_a_saved_model_comes_back_to_the_bit(model, saved, cohort):
    back = load(saved)
    assert type(back) is type(model)
    assert (back.digest, back.name, back.genes, back.widths) == (model.digest, model.name, model.genes, model.widths)
    x_ng = model.prepare(cohort)
    np.testing.assert_array_equal(back.prepare(cohort), x_ng)
    for layer in model.widths:
        h_nk = model.encode(x_ng, layer)
        np.testing.assert_array_equal(back.encode(x_ng, layer), h_nk)
        np.testing.assert_array_equal(back.decode(h_nk, layer), model.decode(h_nk, layer))
        for part in ("minimum", "maximum", "mean", "sd"):
            np.testing.assert_array_equal(getattr(back.code_range(layer), part), getattr(model.code_range(layer), part))
    if model.name == "autoencoder":
        assert (back.settings | {"lost_variance": 0}, back.history) == (
            model.settings | {"lost_variance": 0},
            model.history,
        )


def test_saving_what_was_loaded_gives_the_same_files(saved, tmp_path):
    load(saved).save(tmp_path / "again")
    for name in FILES - {"weights.safetensors", "history.csv"}:
        assert (tmp_path / "again" / name).read_text() == (saved / name).read_text()
    assert load(tmp_path / "again").digest == load(saved).digest


def test_what_is_known_of_a_model_travels_with_it(pca, tmp_path):
    held_out = {"r2": 0.53, "r2_interval": [0.5, 0.56], "pca_r2": 0.52, "pca_width": 8}
    pca.about["held_out"] = held_out
    try:
        pca.save(tmp_path / "model")
    finally:
        pca.about.clear()
    assert load(tmp_path / "model").about == {"held_out": held_out}
    card = (tmp_path / "model" / "CARD.md").read_text()
    assert "less than 80% of the genes' variance is refused" in card
    assert "R² 0.5300 (95% interval over subjects 0.5000 to 0.5600); PCA of width 8: 0.5200." in card


def test_the_folder_and_its_card_can_be_read_by_people(model, saved):
    assert {path.name for path in saved.iterdir()} == FILES
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in saved.iterdir())
    assert (saved / "genes.tsv").read_text().split() == ["gene", *model.genes.ids]
    card = (saved / "CARD.md").read_text()
    assert card.startswith(f"# Model card: {model.name}\n")
    assert f"\nDigest {model.digest}.\n" in card
    assert "48 samples x 400 genes (symbol ids, scale log2)" in card
    if "held_out" in model.about:
        held_out = model.about["held_out"]
        assert f"## Held-out subjects\n\nR² {held_out['r2']:.4f} (95% interval over subjects " in card
        assert f"on {held_out['samples']} samples of 5 subjects that training did not see" in card
    else:
        assert "## Held-out subjects\n\nNot measured.\n" in card
    assert "| width | 8 |" in card or f"| widths | {list(model.widths.values())} |" in card


@pytest.mark.parametrize("name", ["weights.safetensors", "prepare.json", "config.json"])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(FormatError, match=name.replace(".", r"\.")):
        load(saved)


def test_what_is_there_for_people_may_be_missing(saved):
    digest = load(saved).digest
    for name in ("CARD.md", "genes.tsv", "history.csv"):
        (saved / name).unlink()
    assert load(saved).digest == digest


@pytest.mark.parametrize("place", ["nowhere", "empty", "file"])
def test_something_else_is_no_saved_model(tmp_path, place):
    path = tmp_path / place
    if place == "empty":
        path.mkdir()
    if place == "file":
        path.write_text("model")
    with pytest.raises(FormatError, match=r"is no saved model .*pass the folder that model\.save wrote"):
        load(path)


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_no_altered_byte_of_the_weights_passes(kept, tmp_path, place, bit):
    folder = tmp_path / "altered"
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    content = bytearray((kept / "weights.safetensors").read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    (folder / "weights.safetensors").write_bytes(content)
    with pytest.raises(FormatError):
        load(folder)


@pytest.mark.parametrize("size", [0, 7, 8, 100, 1000, -1])
def test_truncated_weights_are_named(kept, tmp_path, size):
    folder = shutil.copytree(kept, tmp_path / "model")
    content = (folder / "weights.safetensors").read_bytes()
    (folder / "weights.safetensors").write_bytes(content[:size])
    with pytest.raises(FormatError, match=r"weights\.safetensors is missing or damaged"):
        load(folder)


def test_an_altered_preparation_is_seen(kept, tmp_path):
    folder = shutil.copytree(kept, tmp_path / "model")
    content = json.loads((folder / "prepare.json").read_text())
    content["mean"][0] += 1e-6
    (folder / "prepare.json").write_text(json.dumps(content))
    with pytest.raises(FormatError, match=r"prepare\.json was altered"):
        load(folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 4}, r"has format 4, newer than 3; upgrade with pip install -U genelight"),
        ({"format": 2}, r"has format 2, older than 3, which keeps no spec; fit the model anew"),
        ({"format": "1"}, "is no configuration that genelight wrote"),
        ({"format": "absent"}, "is no configuration that genelight wrote"),
        ({"kind": "absent"}, "lacks the key 'kind'"),
        ({"settings": "absent"}, "lacks the key 'settings'"),
        ({"settings": [1]}, "is no configuration that genelight wrote"),
        ({"digest": "absent"}, "were altered"),
        ({"digest": "0" * 16}, "were altered"),
        ({"kind": "autoencoder"}, "were altered"),
        ({"kind": "transformer"}, "were altered"),
    ],
)
def test_an_altered_configuration_says_what_is_wrong(kept, tmp_path, changes, said):
    folder = shutil.copytree(kept, tmp_path / "model")
    config(folder, **changes)
    with pytest.raises(FormatError, match=said):
        load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "3"])
def test_a_configuration_of_something_else_is_refused(kept, tmp_path, text):
    folder = shutil.copytree(kept, tmp_path / "model")
    (folder / "config.json").write_text(text)
    with pytest.raises(FormatError, match=r"config\.json"):
        load(folder)


@pytest.mark.parametrize(
    "changes",
    [{"widths": [16, 8]}, {"widths": 3}, {"widths": [16, 8, 5]}],
)
def test_settings_that_do_not_fit_the_weights_are_refused(autoencoder, tmp_path, changes):
    folder = tmp_path / "model"
    autoencoder.save(folder)
    kept = json.loads((folder / "config.json").read_text())["settings"]
    config(folder, settings=kept | changes)
    with pytest.raises(FormatError, match=r"config\.json does not fit the weights beside it|altered"):
        load(folder)
    config(folder, settings={key: value for key, value in kept.items() if key not in changes})
    with pytest.raises(FormatError):
        load(folder)


def test_altered_settings_are_seen_by_the_seal(autoencoder, tmp_path):
    autoencoder.save(tmp_path / "model")
    kept = json.loads((tmp_path / "model" / "config.json").read_text())
    forged = (
        {"settings": kept["settings"] | {"seed": 7}},
        {"spec": kept["spec"] | {"seed": 7}},
        {"held_out": {"r2": 0.999, "pca_r2": 0.1}},
    )
    for changes in forged:
        (tmp_path / "model" / "config.json").write_text(json.dumps(kept | changes))
        with pytest.raises(FormatError, match=r"config\.json was altered since it was written"):
            load(tmp_path / "model")


def test_a_forged_figure_is_not_listed(autoencoder, tmp_path):
    autoencoder.save(tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    content = json.loads(path.read_text())
    known = content["held_out"]["r2"]
    assert (find_models(tmp_path)[0].r2, find_models(tmp_path)[0].altered) == (known, False)
    path.write_text(json.dumps(content | {"held_out": content["held_out"] | {"r2": 0.999}}))
    assert (find_models(tmp_path)[0].r2, find_models(tmp_path)[0].altered) == (None, True)


@pytest.mark.parametrize("text", ["epoch,train_loss\n0,x\n", "epoch,train_loss\n0\n"])
def test_an_altered_history_is_named(kept, tmp_path, text):
    folder = shutil.copytree(kept, tmp_path / "model")
    (folder / "history.csv").write_text(text)
    with pytest.raises(FormatError, match=r"history\.csv"):
        load(folder)


class Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("name", sorted(FILES - {"CARD.md", "genes.tsv"}))
def test_a_pickle_is_never_run(kept, tmp_path, name):
    folder, mark = shutil.copytree(kept, tmp_path / "model"), tmp_path / "mark"
    (folder / name).write_bytes(pickle.dumps(Trap(mark), protocol=0))
    with pytest.raises(FormatError):
        load(folder)
    assert not mark.exists()
    pickle.loads((folder / name).read_bytes())
    assert mark.exists()


def test_a_link_to_something_else_is_read_as_data(kept, tmp_path):
    folder, mark = shutil.copytree(kept, tmp_path / "model"), tmp_path / "mark"
    (tmp_path / "trap.pkl").write_bytes(pickle.dumps(Trap(mark)))
    (folder / "weights.safetensors").unlink()
    (folder / "weights.safetensors").symlink_to(tmp_path / "trap.pkl")
    with pytest.raises(FormatError, match=r"weights\.safetensors"):
        load(folder)
    assert not mark.exists()


def test_a_newer_model_takes_the_older_ones_place(pca, autoencoder, tmp_path):
    pca.save(tmp_path / "model")
    (tmp_path / "model" / "note.txt").write_text("of the older one")
    autoencoder.save(tmp_path / "model")
    assert load(tmp_path / "model").digest == autoencoder.digest
    assert {path.name for path in (tmp_path / "model").iterdir()} == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_model_is_saved_through_a_link(pca, autoencoder, tmp_path):
    pca.save(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    autoencoder.save(tmp_path / "link")
    assert load(tmp_path / "real").digest == autoencoder.digest
    assert (tmp_path / "link").is_symlink()


def test_an_empty_folder_is_filled_and_any_other_left_alone(pca, tmp_path):
    (tmp_path / "empty").mkdir()
    pca.save(tmp_path / "empty")
    assert load(tmp_path / "empty").digest == pca.digest
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "table.tsv").write_text("years of work")
    with pytest.raises(InputError, match="is there and no saved model; name a new folder"):
        pca.save(tmp_path / "results")
    with pytest.raises(InputError, match="name a new folder"):
        pca.save(tmp_path / "results" / "table.tsv")
    assert (tmp_path / "results" / "table.tsv").read_text() == "years of work"


@pytest.mark.parametrize("room", [0, 1_000, 20_000])
def test_a_full_disk_leaves_the_older_model(pca, autoencoder, tmp_path, room):
    pca.save(tmp_path / "model")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limit[1]))
    try:
        with pytest.raises(ResourceError, match=r"cannot write .*model"):
            autoencoder.save(tmp_path / "model")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert load(tmp_path / "model").digest == pca.digest
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_place_that_cannot_be_made_is_named(pca, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match=r"cannot write .*file/model"):
        pca.save(tmp_path / "file" / "model")


@pytest.mark.parametrize(
    ("interval", "stop", "said"),
    [
        ((0.001, 0.003), 40, "It reconstructs them better than PCA."),
        ((-0.001, 0.003), 40, "no better than PCA: here depth buys no reconstruction."),
        ((-0.002, -0.001), 40, "worse than PCA: for reconstruction, take PCA."),
        ((0.0, 0.0), 0, "depth buys no reconstruction. No epoch of training helped, and none was kept"),
    ],
)
def test_the_card_says_what_depth_bought(autoencoder, tmp_path, interval, stop, said):
    held_out = autoencoder.about["held_out"] | {"gain_interval": list(interval)}
    settings = autoencoder.settings | {"stop": stop}
    ranges = {layer: autoencoder.code_range(layer) for layer in autoencoder.widths}
    parts = {"spec": autoencoder.spec, "ranges": ranges, "settings": settings}
    parts |= {"history": autoencoder.history, "about": {"held_out": held_out}}
    model = type(autoencoder)(autoencoder.preparation, autoencoder.space, autoencoder.net, **parts)
    model.save(tmp_path / "model")
    assert said in (tmp_path / "model" / "CARD.md").read_text()
    assert said in load(tmp_path / "model").verdict
