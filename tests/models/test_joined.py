"""Two and four processes on this machine train what one trains, and say once what is wrong."""

import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from genelight import load, models, prepare, simulate
from genelight.io import Store, pack
from genelight.models.training.deep_net import DeepRecipe

WIDTHS = (16, 8, 4)
RECIPE = DeepRecipe(rank=24, epochs=3, batch=50, refine=3)
SPECS = {
    "default": models.Autoencoder(WIDTHS, subject="subject", epochs=6),
    "plain": models.Autoencoder(WIDTHS, "plain", subject="subject", epochs=4),
    "vae": models.Autoencoder(WIDTHS, "vae", dropout=0.2, noise=0.1, subject="subject", epochs=4),
    "deep": models.Deep((20, 6, 24), subject="subject", recipe=RECIPE),
}
BEFORE = """
import json, os, pathlib, sys
os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
os.environ["GENELIGHT_PATIENCE"] = "30"
sys.stdout = sys.stderr = open(f"{folder}/said-{rank}", "w", buffering=1)
folder = pathlib.Path(folder)
import torch
torch.set_num_threads(1)
from genelight import models, prepare
from genelight.io import Store
from genelight.models import deep
from genelight.models.training import checkpoint
from genelight.models.training.deep_net import DeepRecipe
from genelight.models.training.joined import joined
checkpoint.EVERY = 0.0
deep.LEAST_GAIN, deep._LeftOut.pays = -1.0, True
"""


@dataclass(frozen=True)
class Job:
    """Processes under way."""

    folder: Path
    processes: list

    def end(self, within: float = 400.0) -> list[int]:
        """Exit codes; whoever is not over in time is ended by force."""
        deadline = time.monotonic() + within
        for process in self.processes:
            process.join(max(0.1, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
        return [process.exitcode for process in self.processes]

    def said(self, rank: int) -> str:
        return (self.folder / f"said-{rank}").read_text()


@pytest.fixture(scope="module")
def start():
    """Start a script in some processes, all forked from one that has imported what takes long."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["genelight.cli", "genelight.models.training.joined", "torch.nn.parallel"])
    jobs = []

    def begin(folder: Path, size: int, script: str, **known) -> Job:
        folder.mkdir(exist_ok=True)
        (folder / "script.py").write_text(BEFORE + script)
        port = free_port()
        processes = []
        for rank in range(size):
            given = {"rank": rank, "size": size, "port": port, "folder": str(folder), **known}
            process = context.Process(target=runpy.run_path, args=(str(folder / "script.py"), given))
            process.start()
            processes.append(process)
        jobs.append(Job(folder, processes))
        return jobs[-1]

    yield begin
    for job in jobs:
        job.end(0)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Store:
    folder = tmp_path_factory.mktemp("joined")
    adata = simulate.cohort(30, visits=3, n_genes=320)
    adata.X[adata.X < 5] = 5.0
    adata.write_h5ad(folder / "cohort.h5ad")
    return pack([folder / "cohort.h5ad"], folder / "cohort.zarr")


@pytest.fixture
def always_deep(monkeypatch):
    monkeypatch.setattr("genelight.models.deep.LEAST_GAIN", -1.0)
    monkeypatch.setattr("genelight.models.deep._LeftOut.pays", True)


TRAIN = """
import numpy as np
from genelight.models import fit
from genelight.models.subspace import streaming, sketch
from genelight.pp.stream import PreparedStore

with joined() as group:
    store = Store.open(where)
    read = []
    taken = type(store)._read
    type(store)._read = lambda self, index_n: (read.extend(index_n.tolist()), taken(self, index_n))[1]
    preparation = prepare(store)
    if rank == 0:
        preparation.save(folder / "prepare.json")
    read.clear()
    table = PreparedStore(store, preparation)
    table._short_way
    read.clear()
    x_ng = streaming.in_memory(table)
    (folder / f"read-{rank}.json").write_text(json.dumps(read))
    digests = {}
    for name, (kind, content) in specs.items():
        spec = getattr(models, kind).from_dict(content)
        model = spec.fit(store)
        digests[name] = model.digest
        if rank == 0:
            model.save(folder / name)
    streaming.EXACT_UP_TO = 10
    sketch.EXTRA_AXES = 4
    reduced = streaming.reduce_store(table, rank=12, learners=np.arange(60))
    if rank == 0:
        np.savez(folder / "sketch.npz", c=reduced.c_nk, basis=reduced.subspace.basis_gk, outside=reduced.outside_n)
    (folder / f"digests-{rank}.json").write_text(json.dumps(digests))
"""


@pytest.fixture(scope="module")
def four(start, stored, tmp_path_factory):
    """A store with what four processes made of it."""
    folder = tmp_path_factory.mktemp("four")
    specs = {name: (type(spec).__name__, spec.to_dict()) for name, spec in SPECS.items()}
    job = start(folder, 4, TRAIN, where=str(stored.path), specs=specs)
    assert job.end() == [0] * 4, "".join(job.said(rank) for rank in range(4))
    return folder


@pytest.mark.usefixtures("always_deep")
@pytest.mark.parametrize("name", SPECS)
def test_four_processes_train_what_one_trains(four, stored, name):
    one, found = SPECS[name].fit(stored), load(four / name)
    assert found.settings.keys() == one.settings.keys()
    assert all(found.settings[key] == pytest.approx(value) for key, value in one.settings.items())
    assert len(found.history) == len(one.history)
    for got, want in zip(found.history, one.history, strict=True):
        assert got == pytest.approx(want, rel=1e-3, abs=2e-4)
    assert found.about["held_out"]["r2"] == pytest.approx(one.about["held_out"]["r2"], abs=5e-4)
    x_ng = np.concatenate([block.X for _, block in stored.tables()])
    x_ng = (x_ng[:, : len(one.genes)] - x_ng.mean(0)[: len(one.genes)]).astype(np.float32)
    for layer in one.widths:
        want_nk, got_nk = one.encode(x_ng, layer), found.encode(x_ng, layer)
        np.testing.assert_allclose(got_nk, want_nk, atol=1e-2 * np.abs(want_nk).max())


def test_every_process_ends_with_the_same_weights(four):
    digests = [json.loads((four / f"digests-{rank}.json").read_text()) for rank in range(4)]
    assert all(other == digests[0] for other in digests)


def test_every_sample_is_read_once_in_a_pass(four, stored):
    read = [json.loads((four / f"read-{rank}.json").read_text()) for rank in range(4)]
    assert sorted(index for part in read for index in part) == list(range(stored.n_obs))
    assert all(len(part) >= stored.n_obs // 4 for part in read)


def test_preparation_and_axes_are_those_of_one(four, stored, monkeypatch):
    from genelight.models.subspace import sketch, streaming
    from genelight.pp.preparation import Preparation
    from genelight.pp.stream import PreparedStore

    want, got = prepare(stored), Preparation.load(four / "prepare.json")
    assert (got.genes.ids, got.account) == (want.genes.ids, want.account)
    np.testing.assert_allclose(got.mean_g, want.mean_g, rtol=1e-12)
    np.testing.assert_allclose(got.sd_g, want.sd_g, rtol=1e-9)
    monkeypatch.setattr(streaming, "EXACT_UP_TO", 10)
    monkeypatch.setattr(sketch, "EXTRA_AXES", 4)
    one = streaming.reduce_store(PreparedStore(stored, want), rank=12, learners=np.arange(60))
    found = np.load(four / "sketch.npz")
    np.testing.assert_allclose(found["c"], one.c_nk, atol=1e-3)
    np.testing.assert_allclose(found["basis"], one.subspace.basis_gk, atol=1e-4)
    np.testing.assert_allclose(found["outside"], one.outside_n, rtol=1e-3)


REFUSED = """
from genelight._core.ranks import ranks
from genelight.errors import GenelightError
from genelight.models.training import joined as file

def tell(work):
    try:
        work()
    except GenelightError as error:
        print(json.dumps(f"{type(error).__name__}: {error}"))

def other():
    file.software = lambda: f"genelight code {rank}"
    with joined():
        pass

with joined() as group:
    tell(lambda: group.parts(1))
    tell(lambda: group.check_same("store", f"digest {rank}", advice="copy one"))
    tell(lambda: group.first(lambda: Store.open("nowhere.zarr")))
os.environ["MASTER_PORT"] = str(second)
tell(other)
"""


def test_what_is_wrong_is_said_in_every_process_once(start, tmp_path):
    job = start(tmp_path / "refused", 2, REFUSED, second=free_port())
    assert job.end() == [0, 0], job.said(0) + job.said(1)
    for rank in range(2):
        said = [json.loads(line) for line in job.said(rank).splitlines() if line.startswith('"')]
        assert [re.sub(r"process 2.*", "...", text) for text in said] == [
            "InputError: 1 samples for 2 processes: 1 of them would see none; start at most 1, for example torchrun "
            "--nproc-per-node 1",
            "InputError: ...",
            "ResourceError: nowhere.zarr does not exist",
            "InputError: ...",
        ]
        assert "process 2 of 2 has another store (digest 1) than process 1 (digest 0); copy one" in said[1]
        assert "another software (genelight code 1)" in said[3]
        assert "install the same on every machine" in said[3]


GOES_ON = """
restore = checkpoint.Checkpoint.restore

def told(self, state):
    restore(self, state)
    if state.history:
        print("goes on from epoch", len(state.history) - 1)

checkpoint.Checkpoint.restore = told
"""
KILLED = """
from genelight.cli import main
sys.argv = ["genelight", "fit", where, "--subject", "subject", "--preset", "vae,epochs=60", "--widths", "16,8,4",
            "--out", str(folder / "model")]
main()
"""


def test_a_killed_process_ends_the_job_and_the_next_start_goes_on(start, stored, tmp_path):
    folder = tmp_path / "job"
    job = start(folder, 2, KILLED, where=str(stored.path))
    kept = folder / ".model.training" / "choice-0.safetensors"
    deadline = time.monotonic() + 60
    while not kept.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(job.processes[1].pid, signal.SIGKILL)
    assert job.end(100) == [2, -signal.SIGKILL], job.said(0)
    wrong = [line for line in job.said(0).splitlines() if line.startswith("error")]
    assert len(wrong) == 1
    assert re.match(r"error: process 1 of 2: another process of this job has ended .* start the same command", wrong[0])
    assert not (folder / "model").exists()
    again = start(folder, 2, GOES_ON + KILLED, where=str(stored.path))
    assert again.end() == [0, 0], again.said(0) + again.said(1)
    assert "goes on from epoch" in again.said(0)
    model = load(folder / "model")
    assert len(model.history) > 1
    assert not kept.exists()
    assert "held-out" in again.said(0)
    assert re.fullmatch(r"goes on from epoch [1-9][0-9]*\n", again.said(1))


def test_torchrun_in_front_of_the_command(stored, tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "genelight", "fit"]
    options = ["--subject", "subject", "--widths", "16,8,4", "--preset", "default,epochs=6", "--out"]
    run = subprocess.run(
        [*command, str(stored.path), *options, str(tmp_path / "model")],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("difference ") == 1, run.stdout
    one = SPECS["default"].fit(Store.open(stored.path))
    found = load(tmp_path / "model")
    assert found.about["held_out"]["r2"] == pytest.approx(one.about["held_out"]["r2"], abs=5e-4)
