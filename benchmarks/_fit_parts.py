"""One fit from a store, taken apart: what processes do for ``cost_curves``."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from threadpoolctl import threadpool_limits
from torch.utils._python_dispatch import TorchDispatchMode

import genelight as gl
from benchmarks.gpu import _step
from benchmarks.memory_flat import _over_again
from genelight.io import Store
from genelight.models import deep
from genelight.models.subspace import sketch
from genelight.models.training.deep_net import DeepNet
from genelight.pp.stream import PreparedStore

__all__ = ["EPOCHS", "LEARNERS", "PARTS", "STEPS", "draws", "fit", "forked", "steps", "whole"]

PARTS = ("prepare", "pilot", "passes", "epoch", "refine", "rest")
EPOCHS, STEPS = 40, 20
LEARNERS = 0.8


def forked(work: Callable[..., Mapping[str, float]], *given: Any, **named: Any) -> dict[str, float]:
    """What work finds in a copy of this process, with one thread, and its peak memory in GB.

    Imports are not done again, and nothing that the copy takes up stays here.

    Raises
    ------
    RuntimeError
        If the work fails there; it has said why.
    """
    come, go = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            torch.set_num_threads(1)
            os.environ["GENELIGHT_THREADS"] = "1"
            with threadpool_limits(1), os.fdopen(go, "w") as told:
                json.dump(work(*given, **named), told)
            code = 0
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(go)
    with os.fdopen(come) as heard:
        text = heard.read()
    _, status, usage = os.wait4(child, 0)
    if status:
        msg = f"{work.__name__}{given} failed in its process"
        raise RuntimeError(msg)
    return {**json.loads(text), "peak GB": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9}


def whole(part: Mapping[str, float], *, epochs: int = EPOCHS) -> float:
    """Seconds of a deep model with the recipe's steps, from those of its parts.

    Axes are found, and the network trained, without a fifth of the groups and on everyone; codes are refined of those
    left out, of the others, and of everyone.
    """
    axes = 2 * (part["pilot"] + part["passes"])
    return part["prepare"] + axes + epochs * (1 + LEARNERS) * part["epoch"] + 2 * STEPS * part["refine"] + part["rest"]


def fit(path: Path, samples: int, widths: tuple[int, int, int], *, epochs: int, steps: int) -> dict[str, float]:
    """The seconds of each part, those of everything, and the bytes read."""
    store = gl.io.Store.open(path)
    store = store if samples == store.n_obs else _over_again(store, samples)
    recipe = gl.models.DeepRecipe(epochs=epochs, refine=steps)
    clock, wall, began = _Clock(), time.perf_counter(), time.process_time()
    with clock.watching():
        preparation = clock.timed("prepare", gl.prepare)(store)
        model = gl.models.Deep(widths, recipe=recipe).fit(store, preparation=preparation)
    seconds, wall = time.process_time() - began, time.perf_counter() - wall
    taken = clock.seconds
    axes = taken["axes"] - taken["pilot"]
    return {
        "prepare": taken["prepare"],
        "pilot": taken["pilot"] / 2,
        "passes": axes / 2,
        "epoch": taken["train"] / (clock.rows["train"] * recipe.epochs) * samples,
        "refine": taken["branches"] / (clock.rows["branches"] * recipe.refine) * samples,
        "rest": seconds - sum(taken[name] for name in ("prepare", "axes", "train", "branches")),
        "everything": seconds,
        "clock": wall,
        "bytes read": clock.rows["read"],
        "deep": float(model.deep),
    }


def draws(count: int) -> dict[str, float]:
    """The seconds of as many permutations of a module's labels, on the influenza cohort through PCA."""
    adata = gl.demo.cohort()
    case = 'condition == "symptomatic" and hours >= 45'
    ill = gl.Contrast.of(adata.obs, case=case, control="hours == 0", subject="subject")
    model = gl.models.PCA(32).fit(adata)
    gl.modules.permutation_test(adata, model, contrast=ill, draws=1)  # what is compiled at first use
    began = time.process_time()
    gl.modules.permutation_test(adata, model, contrast=ill, draws=count)
    return {"seconds": time.process_time() - began}


class _Clock:
    """Seconds of the processor by what they were spent on, and samples or bytes that it was done to."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()

    def timed(self, name: str, work: Callable[..., Any], *, rows: int | None = None) -> Callable[..., Any]:
        """The work, watched; `rows` is the position of the argument whose length counts."""

        def watched(*given: Any, **named: Any) -> Any:
            began = time.process_time()
            try:
                return work(*given, **named)
            finally:
                self.seconds[name] += time.process_time() - began
                self.rows[name] += 0 if rows is None else len(given[rows])

        return watched

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the parts of a deep model's fit."""
        read = Store._read

        def counted(store: Store, sorted_n: Any) -> Any:
            x_ng = read(store, sorted_n)
            self.rows["read"] += x_ng.nbytes
            return x_ng

        with ExitStack() as stack:
            for where, name, said, rows in (
                (deep, "train_deep", "train", 1),
                (DeepNet, "branches", "branches", 1),
                (deep, "deep_axes", "axes", None),
                (sketch, "_pilot_axes", "pilot", None),
                (PreparedStore, "take", "pilot", None),
            ):
                watched = self.timed(said, getattr(where, name), rows=rows)
                stack.enter_context(mock.patch.object(where, name, watched))
            stack.enter_context(mock.patch.object(Store, "_read", counted))
            yield


def steps(few: int) -> dict[str, float]:
    """The seconds of a training step of 128 samples and of `few`, and the operations that one starts."""

    class Counted(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: PLR0917
            del types
            self.count += 1
            return func(*args, **(kwargs or {}))

    where = torch.device("cpu")
    seconds = []
    for batch in (128, few):
        step = _step(where, batch, "float32")
        times = []
        for _ in range(60):
            began = time.process_time()
            step()
            times.append(time.process_time() - began)
        seconds.append(statistics.median(times))
    with Counted() as counted:
        step()
    return {"step": seconds[0], "small_step": seconds[1], "operations": counted.count}
