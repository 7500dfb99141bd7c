"""Training has its tensors on one device: what is mixed is found without a GPU, on the device that holds no numbers."""

import importlib
import json
import sys

import numpy as np
import pytest
import torch

from genelight import models, simulate
from genelight.cli import main
from genelight.errors import InputError
from genelight.models import PRESETS
from genelight.models.training.adam import Adam
from genelight.models.training.deep_net import DeepLoss, DeepNet, DeepRecipe, deep_step
from genelight.models.training.device import asked_for, check_device, device, on_device
from genelight.models.training.loop import Stepper

meta = torch.device("meta")


@pytest.fixture(autouse=True)
def no_generator(monkeypatch):
    """The device that knows shapes and places alone draws without one."""
    monkeypatch.setattr(
        "genelight.models.training.loop.generator_on", lambda where, beside: None if where == meta else beside
    )


@pytest.mark.parametrize("name", ["default", "vae", "sparse", "plain"])
def test_a_step_has_all_on_one_device(name):
    chosen = PRESETS[name].changed(dropout=0.1 if name == "plain" else None, noise=0.1)
    net = chosen.network(12, (6, 4, 6)).to(meta)
    stepper = Stepper(net, torch.randn(20, 12).to(meta), chosen.recipe, genes=12, seed=0)
    assert stepper.step(stepper.c_nk[:8], rate=1e-3).device == meta
    assert {moment.device for moments in stepper.optimizer.moments for moment in moments.values()} == {meta}


def test_a_deep_step_has_all_on_one_device():
    net, recipe = DeepNet(np.ones(12), (6, 4, 8), dropout=0.1, seed=0).to(meta), DeepRecipe()
    x, optimizer = torch.randn(20, 12).to(meta), Adam(net.parameters())
    assert deep_step(DeepLoss(net), x, optimizer, recipe=recipe, rate=1e-3, momentum=0.9).device == meta
    assert net.refined(x, recipe).device == meta


def test_a_network_stays_where_it_is_asked_for():
    net = DeepNet(np.ones(4), (3, 2, 3), dropout=0.0, seed=0)
    with asked_for("cpu") as where, on_device(net) as also:
        assert where == also == torch.device("cpu")
    assert next(net.parameters()).device == torch.device("cpu")


@pytest.mark.parametrize("asked", ["cuda", "cuda:1"])
def test_a_gpu_that_is_not_here_is_refused_before_anything_is_read(asked, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=rf"device '{asked}': no GPU is here .* type cpu, or auto, or install"):
        check_device(asked)
    assert check_device("auto") == torch.device("cpu")
    monkeypatch.setenv("GENELIGHT_DEVICE", asked)
    with pytest.raises(InputError, match="no GPU is here"):
        models.Autoencoder((4,), epochs=1).fit(simulate.cohort(20, n_genes=320))
    monkeypatch.delenv("GENELIGHT_DEVICE")
    monkeypatch.setattr(sys, "argv", ["genelight", "fit", "nowhere.h5ad", "--out", "m", "--device", asked])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "no GPU is here" in capsys.readouterr().err


def test_one_of_more_gpus_than_there_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert check_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(InputError, match="2 GPUs are here, cuda:0 to cuda:1"):
        check_device("cuda:2")
    with pytest.raises(InputError, match="device 'tpu' is none of cpu"):
        check_device("tpu")
    assert device() == torch.device("cpu")


def test_the_benchmark_of_a_gpu_says_that_there_is_none(monkeypatch, capsys):
    harness = importlib.import_module("benchmarks._harness")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    found = harness.Collection("benchmarks", harness.Path(harness.__file__).parent, "RESULTS.md")
    assert harness.main(found, ["gpu", "--quick"]) == 2
    assert "no GPU is here" in capsys.readouterr().err


def test_the_benchmark_of_a_gpu_runs_its_steps_on_the_processor():
    gpu = importlib.import_module("benchmarks.gpu")
    rows = gpu.measured(torch.device("cpu"), quick=True)
    assert json.dumps(rows)
    assert {"ceiling", "step", "agreement"} <= {row["what"] for row in rows}
