"""Model folders changed by someone who seals them again: refused in a line, or whole; never a traceback."""

import copy
import random
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import genelight as gl
from genelight._core.provenance import file_digest, read_json, sealed, write_json
from genelight.errors import GenelightError
from genelight.models.bundle import Bundle
from genelight.models.packing import unpack
from genelight.pp.preparation import Preparation

VALUES = [None, -1, 0, 1e308, 10**30, "x", [], {}, [1, 2], True, 3.5, 10**9, "\x1b[2J", "../../x", [[1]], {"a": 1}]
WEIGHTS = {
    "flat": lambda x: x.reshape(-1),
    "shorter": lambda x: x[:-1],
    "twice": lambda x: np.concatenate([x, x]),
    "deeper": lambda x: x[None],
    "none": lambda x: x[:0],
    "whole": lambda x: x.astype(np.int8),
    "wider": lambda x: x.astype(np.float64),
    "lost": lambda x: np.full_like(x, np.nan if x.dtype.kind == "f" else np.iinfo(x.dtype).max),
}


def places(node):
    """Every place in a configuration that holds a value, lists by their first five."""
    inside = node.items() if isinstance(node, dict) else enumerate(node[:5]) if isinstance(node, list) else ()
    for key, value in inside:
        yield node, key
        yield from places(value)


def altered(source, target, rng):
    """A copy of a model folder with one thing changed, its digests and its seal made to fit; says what."""
    weights, config = load_file(source / "weights.safetensors"), read_json(source / "config.json")
    if rng.random() < 0.6:
        name, how = rng.choice(sorted(weights)), rng.choice(sorted(WEIGHTS))
        weights[name] = np.ascontiguousarray(WEIGHTS[how](weights[name]))
        what = f"{name}: {how}"
    else:
        node, key = rng.choice([place for place in places(config) if place[1] not in ("seal", "digest")])
        node[key] = copy.deepcopy(rng.choice(VALUES))
        what = f"{key} = {node[key]!r}"
    shutil.copytree(source, target)
    save_file(weights, target / "weights.safetensors")
    if isinstance(config.get("files"), dict):
        config["files"]["weights.safetensors"] = file_digest(target / "weights.safetensors")
    prepared = Preparation.load(target / "prepare.json")
    parts = {"settings": {}, "spec": {}, "history": [], "about": {}}
    if isinstance(config.get("kind"), str):
        config["digest"] = Bundle(config["kind"], weights=unpack(weights), preparation=prepared, **parts).digest
    config.pop("seal")
    write_json(target / "config.json", sealed(config))
    return what


@pytest.mark.parametrize("kind", ["autoencoder", "plain", "pca", "deep"])
@pytest.mark.filterwarnings("ignore")
def test_a_change_that_was_sealed_is_refused_in_a_line_or_works(request, kind, cohort, tmp_path):
    request.getfixturevalue(kind).save(tmp_path / "model")
    rng = random.Random(0)
    refused = 0
    for i in range(30):
        what = altered(tmp_path / "model", tmp_path / str(i), rng)
        try:
            model = gl.load(tmp_path / str(i))
            for layer in model.widths:
                gl.encode(cohort, model, layer=layer)
                gl.light_up(model, layer)
            gl.models.r2(model, model.prepare(cohort))
            model.save(tmp_path / "again")
        except GenelightError as error:
            refused += 1
            said = str(error)
        except Exception as error:  # noqa: BLE001 - each is what the test looks for
            pytest.fail(f"{what}: {type(error).__name__}: {error}")
        else:
            said = ""
        assert "\n" not in said, what
        assert len(said) < 1500, what
    assert 5 < refused < 28
