"""Keras 3 with TensorFlow as a peer, in an interpreter of its own.

Run as a script by that interpreter it needs neither genelight nor PyTorch. It is found as ``GENELIGHT_KERAS_PYTHON``,
else the running interpreter if Keras is there::

    python -m venv keras-env && keras-env/bin/pip install keras tensorflow-cpu
    export GENELIGHT_KERAS_PYTHON=$PWD/keras-env/bin/python
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import util
from pathlib import Path

STARTED = time.perf_counter()


def interpreter() -> str:
    """Where Keras is."""
    from benchmarks._measure import PeerMissingError

    found = os.environ.get("GENELIGHT_KERAS_PYTHON")
    if found:
        return found
    if util.find_spec("keras") and util.find_spec("tensorflow"):
        return sys.executable
    msg = (
        "this is measured against Keras with TensorFlow, which is not installed; python -m venv keras-env && "
        "keras-env/bin/pip install keras tensorflow-cpu && export GENELIGHT_KERAS_PYTHON=$PWD/keras-env/bin/python"
    )
    raise PeerMissingError(msg)


def keras(task: str, **settings: object) -> dict[str, object]:
    """Run one of the tasks below in a process of its own, and return what it found."""
    from benchmarks._measure import child

    quiet = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = child([interpreter(), __file__, task, json.dumps(settings)], env=quiet)
    return json.loads(done.output.splitlines()[-1]) | {"command seconds": done.seconds}


def _network(genes: int, widths: list[int], *, hidden: str, output: str) -> object:
    import keras as k

    layers = [k.Input((genes,)), *[k.layers.Dense(w, activation=hidden) for w in widths]]
    net = k.Sequential([*layers, k.layers.Dense(genes, activation=output)])
    net.compile(optimizer=k.optimizers.Adam(1e-3), loss="mse")
    return net


def train(
    *, table: str, held_out: str, widths: list[int], hidden: str, batch: int, seconds: float, level: float
) -> dict:
    """Train from a file on; held-out R² after each epoch, until it is `level` or time is over.

    Seconds are from the start of the process: of each epoch's end less evaluations, of imports, and of all before
    training.
    """
    import keras as k
    import numpy as np

    imported = time.perf_counter()
    k.utils.set_random_seed(0)
    x, test = np.load(table), np.load(held_out)
    mean, sd = x.mean(0), x.std(0)
    x, test = (x - mean) / sd, (test - mean) / sd
    net = _network(x.shape[1], widths, hidden=hidden, output="linear")
    total, course, measuring = float((test**2).sum()), [], 0.0
    ready = time.perf_counter()
    while True:
        net.fit(x, x, batch_size=batch, epochs=1, verbose=0)
        asked = time.perf_counter()
        r2 = 1 - float(((test - net.predict(test, batch_size=1024, verbose=0)) ** 2).sum()) / total
        course.append((asked - STARTED - measuring, r2))
        measuring += time.perf_counter() - asked
        if r2 >= level or course[-1][0] > seconds:
            break
    net.save(str(Path(table).with_suffix(".keras")))
    return {"course": course, "imports": imported - STARTED, "ready": ready - STARTED, "version": k.__version__}


def deep(*, folder: str, widths: list[int], decoders: int, batch: int, seconds: float, level: float) -> dict:
    """Train a bottleneck between two wide layers beside a straight line, from files on; R² within studies by epoch.

    Every part of the last wide layer gives back the sample by itself, and their mean is read. It ends at `level` or
    when time is over; seconds are those of :func:`train`.
    """
    import keras as k
    import numpy as np

    imported = time.perf_counter()
    k.utils.set_random_seed(0)
    x, test, seen, study = (np.load(Path(folder, f"{name}.npy")) for name in ("learners", "test", "seen", "study"))
    mean = x.mean(0)
    x, test = x - mean, test - mean
    first, narrow, last = widths
    put = k.Input((x.shape[1],))
    wide = k.layers.Dropout(0.2)(k.layers.Dense(first, activation="silu")(put))
    code = k.layers.Add()([k.layers.Dense(narrow)(put), k.layers.Dense(narrow)(wide)])
    line = k.layers.Dense(x.shape[1])(code)
    outs = []
    for _ in range(decoders):
        h = k.layers.Dropout(0.2)(k.layers.Dense(last // decoders, activation="silu")(code))
        outs.append(k.layers.Add()([line, k.layers.Dense(x.shape[1])(h)]))
    net = k.Model(put, outs)
    net.compile(optimizer=k.optimizers.Adam(1e-3), loss=["mse"] * decoders)
    course, measuring = [], 0.0
    ready = time.perf_counter()
    while True:
        net.fit(x, [x] * decoders, batch_size=batch, epochs=1, verbose=0)
        asked = time.perf_counter()
        back = np.mean(net.predict(test, batch_size=256, verbose=0), axis=0)
        course.append((asked - STARTED - measuring, within(test, back, seen_ng=seen, study_n=study)))
        measuring += time.perf_counter() - asked
        if course[-1][1] >= level or course[-1][0] > seconds:
            break
    net.save(str(Path(folder, "model.keras")))
    return {"course": course, "imports": imported - STARTED, "ready": ready - STARTED, "version": k.__version__}


def paper(*, folder: str, widths: list[int], rate: float, epochs: int, batch: int) -> dict:
    """Train the paper's sigmoid network on genes between 0 and 1, from files on; R² within studies at the end."""
    import keras as k
    import numpy as np

    k.utils.set_random_seed(0)
    x, test, seen, study = (np.load(Path(folder, f"{name}.npy")) for name in ("learners", "test", "seen", "study"))
    low = x.min(0)
    span = np.where(x.max(0) > low, x.max(0) - low, 1.0).astype(x.dtype)
    net = _network(x.shape[1], widths, hidden="sigmoid", output="sigmoid")
    steps = epochs * -(-len(x) // batch)
    net.optimizer.learning_rate = k.optimizers.schedules.CosineDecay(rate, steps)
    net.fit((x - low) / span, (x - low) / span, batch_size=batch, epochs=epochs, verbose=0)
    seconds = time.perf_counter() - STARTED
    back = net.predict((test - low) / span, batch_size=256, verbose=0) * span + low
    return {"seconds": seconds, "r2": within(test, back, seen_ng=seen, study_n=study), "version": k.__version__}


def within(test_ng: object, back_ng: object, *, seen_ng: object, study_n: object) -> float:
    """R² over measured values, the mean of each study taken out of what is and of what is left."""
    import numpy as np

    left = total = 0.0
    for study in np.unique(study_n):
        rows = study_n == study
        seen, size = seen_ng[rows], np.maximum(seen_ng[rows].sum(0), 1)
        for what, values in (("left", test_ng[rows] - back_ng[rows]), ("total", test_ng[rows])):
            about = (values - (values * seen).sum(0) / size) * seen
            squares = float((about.astype(np.float64) ** 2).sum())
            left, total = (left + squares, total) if what == "left" else (left, total + squares)
    return 1 - left / total


def step(*, genes: int, widths: list[int], batch: int, steps: int) -> dict:
    """Seconds of a training step on one batch, the paper's sigmoid network."""
    import keras as k
    import numpy as np
    import tensorflow as tf

    net = _network(genes, widths, hidden="sigmoid", output="sigmoid")
    x = tf.constant(np.random.default_rng(0).random((batch, genes), dtype=np.float32))
    times = []
    for _ in range(steps + 2):
        started = time.perf_counter()
        net.train_on_batch(x, x)
        times.append(time.perf_counter() - started)
    return {"times": times[2:], "version": k.__version__}


if __name__ == "__main__":
    print(
        json.dumps({"train": train, "deep": deep, "paper": paper, "step": step}[sys.argv[1]](**json.loads(sys.argv[2])))
    )
