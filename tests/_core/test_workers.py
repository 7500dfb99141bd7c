"""Loops by workers: the same to the bit, whoever dies; and what is wrong is said with what to type."""

import os
import pickle
import re
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import genelight as gl
from genelight._core import workers as file
from genelight._core.workers import each, workers
from genelight.cli import main
from genelight.errors import GenelightError, InputError, ResourceError, UnknownNameError

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs="CRITICAL", memory_limit="2GB"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def cohort():
    return gl.simulate.cohort(30, n_genes=320)


@pytest.fixture(scope="module")
def contrast(cohort):
    return gl.Contrast.of(
        cohort.obs, case='condition == "case"', control='condition == "control"', subject="subject"
    )  # fmt: skip


def square(item: int, plus: int) -> tuple[int, int]:
    return item**2 + plus, os.getpid()


def slow(item: int, folder: Path) -> float:
    (folder / f"{item}-{os.getpid()}").touch()
    deadline = time.monotonic() + 60
    while not (folder / "go").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return float(np.random.default_rng(item).normal())


def dies(item: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuses(item: int) -> None:
    raise UnknownNameError("layer", item, ["1", "2"])


def refused(where) -> None:
    with workers(where):
        pass


def test_tasks_come_back_in_order_from_other_processes(client):
    with workers(client) as found:
        got = each(square, range(20), shared=(1,))
    assert [value for value, _ in got] == [i**2 + 1 for i in range(20)]
    assert os.getpid() not in {pid for _, pid in got}
    assert re.match(r"20 tasks by 2 workers at tcp://.*, 2.0 GB of memory each$", found.account)
    assert [pid for _, pid in each(square, range(3), shared=(1,))] == [os.getpid()] * 3


def test_loops_are_the_same_to_the_bit(client, cohort, contrast):
    from threadpoolctl import threadpool_limits

    def found():
        pca = gl.models.PCA(4, subject="subject").fit(cohort)
        deep = gl.models.Deep((8, 3, 8), subject="subject", recipe=gl.models.DeepRecipe(rank=8, epochs=2))
        vae = gl.models.Autoencoder((8, 4, 8), "vae", subject="subject", epochs=2).fit(cohort)
        folds = gl.Folds.by_subject(cohort, vae.spec, k=3)
        members = [
            *gl.models.Ensemble.fit(cohort, deep.fit(cohort), seeds=2),
            *gl.models.Ensemble.fit(cohort, vae, seeds=2),
        ]
        module = gl.disease_module(cohort, pca, contrast=contrast, method="joint", bootstraps=20, size=30)
        groups = gl.stratify(cohort, pca, subject="subject", resamples=20)
        null = gl.modules.permutation_test(cohort, pca, contrast=contrast, draws=9).null
        return (
            [folds.model(fold).digest for fold in range(3)],
            [member.digest for member in members],
            module.table.to_csv(),
            groups.stability.to_csv(),
            null.tobytes(),
        )  # fmt: skip

    with threadpool_limits(limits=1):
        alone = found()
        with workers(client) as helped:
            by_two = found()
    assert by_two == alone
    assert helped.tasks > 40


def test_a_worker_that_dies_is_counted_and_its_task_begun_again(client, tmp_path):
    import threading

    def kill_one() -> None:
        deadline = time.monotonic() + 60
        while not (begun := list(tmp_path.glob("*-*"))) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(int(begun[0].name.partition("-")[2]), signal.SIGKILL)
        (tmp_path / "go").touch()

    killer = threading.Thread(target=kill_one)
    killer.start()
    with workers(client) as found:
        got = each(slow, range(6), shared=(tmp_path,))
    killer.join()
    assert got == [float(np.random.default_rng(item).normal()) for item in range(6)]
    assert found.retried >= 1
    assert f"{found.retried} of them begun again because a worker had died" in found.account


def test_errors_of_tasks_and_tasks_that_end_workers(client):
    with workers(client), pytest.raises(UnknownNameError, match=r"unknown layer '[56]'; there are 2: 1, 2"):
        each(refuses, range(5, 7))
    client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 0))
    client.wait_for_workers(2, timeout=60)
    with workers(client), pytest.raises(ResourceError, match=r"a task ended 1 workers .*memory.*--memory-limit"):
        each(dies, range(2))


def test_what_cannot_serve_is_refused_with_what_to_type(monkeypatch):
    monkeypatch.setattr(file, "WAIT", 0.5)
    with pytest.raises(ResourceError, match=r"no Dask scheduler answers at dask://127.*dask scheduler --port"):
        refused("dask://127.0.0.1:9")
    with pytest.raises(InputError, match=r"'many' is neither a number.*write 4 for"):
        refused("many")
    settings = {"processes": False, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(1, threads_per_worker=2, **settings) as cluster, cluster.get_client() as found:
        for said in (r"1 of 1 workers have several threads .*--nthreads 1", "has no workers; start some: dask worker"):
            with pytest.raises(GenelightError, match=said):
                refused(found)
            cluster.scale(0)
            while found.scheduler_info()["workers"]:
                time.sleep(0.01)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"genelight\[cluster\]"):
        refused(2)


def test_a_worker_with_other_software_is_refused():
    with pytest.raises(InputError, match=r"a worker has genelight code .*start workers from the same environment"):
        file._check_software("genelight code 0")


@pytest.mark.parametrize(
    "error", [UnknownNameError("layer", "L9", ["L1"]), InputError("a"), GenelightError("b"), ResourceError("c")]
)
def test_errors_cross_processes(error):
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))


def test_a_command_says_who_helped(client, cohort, tmp_path, capsys, monkeypatch):
    cohort.write_h5ad(tmp_path / "c.h5ad")
    gl.models.PCA(4, subject="subject").fit(cohort).save(tmp_path / "pca")
    command = [
        "stratify",
        tmp_path / "c.h5ad",
        "--model",
        tmp_path / "pca",
        "--subject",
        "subject",
        "--out",
        tmp_path / "g",
    ]
    client.wait_for_workers(2, timeout=60)
    address = client.scheduler.address.replace("tcp", "dask")
    monkeypatch.setattr(sys, "argv", ["genelight", *map(str, command), "--workers", address])
    with pytest.raises(SystemExit, match=r"^0$"):
        main()
    assert re.search(r"[0-9]+ tasks by 2 workers at tcp://", capsys.readouterr().out)
