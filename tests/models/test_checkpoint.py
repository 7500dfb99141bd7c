"""A training that is killed goes on where it was, and ends with the same weights to the bit."""

import os
import resource
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from genelight import load, models, simulate
from genelight.errors import FormatError, InputError, ResourceError
from genelight.models.training import checkpoint as checkpoint_file

SETTINGS = {"widths": (16, 8, 4), "subject": "subject", "epochs": 10}
RUN = """
import sys
from genelight import models, simulate
from genelight.models.training import checkpoint
checkpoint.EVERY = 0.0
adata = simulate.cohort(24, visits=2, n_genes=400)
print("ready", flush=True)
spec = models.Autoencoder((32, 8, 32), "vae", subject="subject", epochs=60)
model = spec.fit(adata, checkpoint=sys.argv[1])
model.save(sys.argv[2])
"""


def fit(adata, *, checkpoint=None, **settings):
    return models.Autoencoder(**settings).fit(adata, checkpoint=checkpoint)


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(checkpoint_file, "EVERY", 0.0)


def command(tmp_path, out: str) -> list[str]:
    return [sys.executable, "-c", RUN, str(tmp_path / "kept"), str(tmp_path / out)]


def kill_when(folder, ready, argv) -> None:
    """Start it, and end it by force as soon as `ready` of the folder holds."""
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, env=os.environ)
    try:
        deadline = time.monotonic() + 60
        while not ready(folder) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL, "it had ended before it could be killed"


def test_killed_it_ends_with_the_same_weights_to_the_bit(tmp_path, cohort):
    kept = tmp_path / "kept"
    kill_when(kept, lambda folder: (folder / "choice-0.safetensors").exists(), command(tmp_path, "model"))
    assert not (tmp_path / "model").exists()
    resumed = fit(cohort, preset="vae", widths=(32, 8, 32), subject="subject", epochs=60, checkpoint=kept)
    whole = fit(cohort, preset="vae", widths=(32, 8, 32), subject="subject", epochs=60)
    assert resumed.digest == whole.digest
    assert resumed.history == whole.history
    for name, value in resumed.net.state_dict().items():
        np.testing.assert_array_equal(value, whole.net.state_dict()[name])
    whole.save(tmp_path / "model")
    assert load(tmp_path / "model").digest == resumed.digest


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_interrupted_after_any_epoch_the_rest_is_the_same(tmp_path, cohort, preset, monkeypatch):
    whole = fit(cohort, preset=preset, **SETTINGS)
    save, left = checkpoint_file.Checkpoint.save, [3, 4, 5]

    def stop(self, state, **settings):
        save(self, state, **settings)
        left[0] -= 1
        if not left[0]:
            left.pop(0)
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint_file.Checkpoint, "save", stop)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            fit(cohort, preset=preset, checkpoint=tmp_path, **SETTINGS)
    monkeypatch.setattr(checkpoint_file.Checkpoint, "save", save)
    resumed = fit(cohort, preset=preset, checkpoint=tmp_path, **SETTINGS)
    assert (resumed.digest, resumed.history) == (whole.digest, whole.history)


@pytest.fixture(scope="module")
def done(tmp_path_factory, cohort):
    folder = tmp_path_factory.mktemp("done")
    fit(cohort, checkpoint=folder, **SETTINGS)
    return folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 1}, "belongs to a fit with other settings"),
        ({"widths": (16, 8)}, "belongs to a fit with other settings"),
        ({"epochs": 11}, "belongs to a fit with other settings"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(done, cohort, change, said):
    with pytest.raises(InputError, match=f"{said} .*name another checkpoint folder, or remove this one"):
        fit(cohort, checkpoint=done, **{**SETTINGS, **change})


def test_a_checkpoint_of_another_table_is_refused(done, cohort):
    other = simulate.cohort(24, visits=2, n_genes=400, seed=1)
    with pytest.raises(InputError, match="belongs to another table, or to other subjects"):
        fit(other, checkpoint=done, **SETTINGS)
    shuffled = cohort.copy()
    shuffled.obs["subject"] = shuffled.obs["subject"].astype(str).to_numpy()[::-1]
    with pytest.raises(InputError, match="belongs to another table, or to other subjects"):
        fit(shuffled, checkpoint=done, **SETTINGS)


@pytest.mark.parametrize(("name", "said"), [("FORMAT", "another version of genelight"), ("torch", "version of torch")])
def test_a_checkpoint_of_another_version_is_refused(done, cohort, name, said, monkeypatch):
    if name == "FORMAT":
        monkeypatch.setattr(checkpoint_file, "FORMAT", 99)
    else:
        monkeypatch.setattr(checkpoint_file, "torch", SimpleNamespace(__version__="99.0"))
    with pytest.raises(InputError, match=said):
        fit(cohort, checkpoint=done, **SETTINGS)


def test_a_damaged_checkpoint_is_named(tmp_path, cohort):
    (tmp_path / "choice-0.safetensors").write_bytes(b"not a checkpoint")
    with pytest.raises(FormatError, match=r"choice-0\.safetensors is damaged .*remove it and train from the start"):
        fit(cohort, checkpoint=tmp_path, **SETTINGS)


def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path, cohort, monkeypatch):
    save, before = checkpoint_file.Checkpoint.save, {}

    def fill(self, state, **settings):
        if len(state.history) < 4:
            save(self, state, **settings)
            before[self.path] = self.path.read_bytes()
            return
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
        try:
            save(self, state, **settings)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    monkeypatch.setattr(checkpoint_file.Checkpoint, "save", fill)
    with pytest.raises(ResourceError, match=r"cannot be written .*free the disk and run the same again"):
        fit(cohort, checkpoint=tmp_path, **SETTINGS)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    monkeypatch.setattr(checkpoint_file.Checkpoint, "save", save)
    resumed = fit(cohort, checkpoint=tmp_path, **SETTINGS)
    assert resumed.digest == fit(cohort, **SETTINGS).digest


def test_a_finished_fit_is_read_and_not_done_again(done, cohort, monkeypatch):
    monkeypatch.setattr("genelight.models.training.loop.Stepper.step", None)
    assert fit(cohort, checkpoint=done, **SETTINGS).widths == {"L1": 16, "L2": 8, "L3": 4}


def test_between_two_checkpoints_there_is_time(tmp_path, cohort, monkeypatch):
    monkeypatch.setattr(checkpoint_file, "EVERY", 1e6)
    written = []
    write = checkpoint_file.save_file
    monkeypatch.setattr(checkpoint_file, "save_file", lambda *a, **k: (written.append(1), write(*a, **k)))
    model = fit(cohort, preset="plain", checkpoint=tmp_path, **SETTINGS)
    assert len(written) == 1 + (model.settings["stop"] > 0)


def test_a_deep_training_goes_on_where_it_was(tmp_path, cohort, monkeypatch):
    monkeypatch.setattr("genelight.models.deep.LEAST_GAIN", -1.0)
    monkeypatch.setattr("genelight.models.deep._LeftOut.pays", True)
    spec = models.Deep((16, 4, 16), subject="subject", recipe=models.DeepRecipe(rank=12, epochs=4, batch=20))
    whole = spec.fit(cohort)
    assert whole.deep
    save, left = checkpoint_file.Checkpoint.save, [2, 4]

    def stop(self, state, **settings):
        save(self, state, **settings)
        left[0] -= 1
        if not left[0]:
            left.pop(0)
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint_file.Checkpoint, "save", stop)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            spec.fit(cohort, checkpoint=tmp_path)
    monkeypatch.setattr(checkpoint_file.Checkpoint, "save", save)
    resumed = spec.fit(cohort, checkpoint=tmp_path)
    assert (resumed.digest, resumed.history) == (whole.digest, whole.history)
    with pytest.raises(InputError, match="belongs to a fit with other settings"):
        models.Deep((16, 3, 16), subject="subject", recipe=spec.recipe).fit(cohort, checkpoint=tmp_path)
