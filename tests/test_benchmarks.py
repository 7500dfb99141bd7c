"""The commands that every published figure comes from."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
KEYS = {"name", "value", "interval", "peer", "peer_version", "runs", "spread", "machine", "data", "rows"}


@pytest.fixture
def measure(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks._measure")


@pytest.fixture
def harness(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks._harness")


@pytest.fixture
def laws(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks._laws")


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("collection", ["benchmarks", "studies"])
def test_every_file_is_listed_and_runnable(collection, harness):
    files = {p.stem for p in (ROOT / collection).glob("[!_]*.py")}
    docs = harness.Collection(collection, ROOT / collection, "LOG.md").docs()  # raises for a file without run
    assert set(docs) == files
    listed = command(collection)
    assert listed.returncode == 0, listed.stderr
    assert all(name in listed.stdout for name in files)


def test_a_file_without_run_is_named(tmp_path, harness):
    (tmp_path / "idle.py").write_text('"""Does nothing."""\n')
    with pytest.raises(TypeError, match=r"idle\.py needs a docstring and a function run"):
        harness.Collection("benchmarks", tmp_path, "LOG.md").docs()


def test_last_line_is_json_of_the_agreed_keys():
    done = command("benchmarks", "import_time", "--quick", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout.strip().splitlines()[-1])
    assert set(record) == KEYS
    assert record["name"] == "import_time"
    low, high = record["interval"]
    assert 0 < low <= record["value"] <= high
    assert record["runs"] == 3
    assert 'python -c "import genelight"' in done.stdout  # the table for people comes first


def test_unknown_name_and_missing_peer_say_what_to_do(measure):
    done = command("benchmarks", "improt_time")
    assert done.returncode == 2
    assert "unknown name 'improt_time'" in done.stderr
    assert "import_time" in done.stderr
    with pytest.raises(measure.PeerMissingError, match=r"pip install -e '\.\[peers\]'"):
        measure.require("no-such-peer-of-genelight")


def test_log_holds_docstring_headline_and_rows(tmp_path, harness, measure, monkeypatch):
    (tmp_path / "twice.py").write_text('"""Twice as fast.\n\nWhat it means."""\n\n\ndef run(*, quick): ...\n')
    figure = measure.Figure.of([2.0, 2.1, 1.9])
    result = harness.Result(
        "ratio", figure, "ten numbers", [{"what": "ours", "seconds": np.float32(0.5)}], "tick", "1.0"
    )
    record = result.record("twice")
    (tmp_path / "broken.py").write_text('"""Never finished."""\n\n\ndef run(*, quick): ...\n')
    collection = harness.Collection("studies", tmp_path, "LOG.md")
    collection.keep({**record, "data": "an older run"})
    collection.keep(record)
    text = (tmp_path / "LOG.md").read_text()
    assert "| ours | 0.5 |" in text
    assert "What it means." in text
    assert "ratio 2 [1.9, 2.1], 3 runs, against tick 1.0" in text
    assert "Never run in full: broken." in text
    assert "ten numbers" in text
    assert "an older run" not in text
    json.dumps(record, allow_nan=False)


def test_interval_of_repeats(measure):
    figure = measure.Figure.of(range(1, 10))
    assert figure.value == 5
    assert figure.interval == (2, 8)  # nine runs: P(Binomial(9, 1/2) <= 1) = 0.0195 on either side
    assert measure.Figure.of([3.0, 1.0, 2.0]).interval == (1, 3)
    assert measure.Figure.of([7.0]).spread is None


def test_pairs_are_interleaved_and_their_ratio_is_peer_over_ours(measure, monkeypatch):
    monkeypatch.setattr(measure, "gc", SimpleNamespace(collect=lambda: None))  # of all that tests hold: seconds each
    calls = []
    pairs = measure.paired(lambda: calls.append("a"), lambda: calls.append("b"), runs=3)
    assert "".join(calls) == "ab" * 4  # one round to warm up
    assert len(pairs.ours) == len(pairs.peer) == 3
    assert measure.Pairs((1.0, 1.0, 2.0), (4.0, 6.0, 10.0)).ratio.value == 5


def test_peak_of_a_child_is_its_own(measure):
    ballast = np.ones(40_000_000)  # 320 MB that must not count as the child's
    small = measure.child([sys.executable, "-c", "print('done')"])
    large = measure.child([sys.executable, "-c", "x = bytearray(b'1') * 200_000_000"])
    assert small.output == "done\n"
    assert small.peak_bytes < 100e6 < 200e6 < large.peak_bytes < ballast.nbytes
    with pytest.raises(RuntimeError, match="ended with code 3"):
        measure.child([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_law_has_the_exponent_that_costs_were_made_by_within_its_interval(laws):
    size = np.array([1e3, 3e3, 1e4, 3e4, 1e5])
    exact = laws.Law.of(size, 2e-4 * size**0.9)
    assert (exact.exponent, exact.at_one) == (pytest.approx(0.9), pytest.approx(2e-4))
    assert exact.at(1e6) == pytest.approx(2e-4 * 1e6**0.9)
    noise, held = np.random.default_rng(0), 0
    for _ in range(400):
        law = laws.Law.of(size, size**0.9 * np.exp(noise.normal(0, 0.1, len(size))))
        held += law.low <= 0.9 <= law.high
    assert 0.92 < held / 400 < 0.98


def test_a_law_of_too_few_sizes_or_of_nothing_is_refused(laws):
    for size, cost, says in (
        ([1, 2], [1, 2], "three or more"),
        ([1, 2, 3], [1, 2], "as many of each"),
        ([1, 2, 3], [1, 0, 2], "above zero"),
        ([2, 2, 2], [1, 2, 3], "sizes differ"),
    ):
        with pytest.raises(ValueError, match=says):
            laws.Law.of(size, cost)
    assert laws.off_by(2.0, 4.0) == laws.off_by(4.0, 2.0) == 2.0


def test_a_cost_is_carried_on_by_its_work_with_what_is_fixed(laws):
    amounts = [(1.0, n) for n in (10, 100, 1_000, 10_000)]
    work = laws.Work.of(amounts, [5 + 2e-3 * n for _, n in amounts])
    assert work.rates == pytest.approx((5, 2e-3))
    assert work.at((1.0, 1e6)) == pytest.approx(2005)
    # What falls with size by chance has no rate below zero.
    assert laws.Work.of(amounts, [5.0, 5.1, 4.9, 4.8]).at((1.0, 1e6)) >= 4
    for few in (amounts[:1], [*amounts[:3], (1.0,)]):
        with pytest.raises(ValueError, match=r"costs|shape|inhomogeneous"):
            laws.Work.of(few, [5.0] * len(few))


def test_a_million_samples_cost_what_their_parts_and_the_assumptions_say(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    million = importlib.import_module("benchmarks._million")
    part = {"prepare": 7200.0, "pilot": 0.0, "passes": 3600.0 * 8, "epoch": 50.0, "refine": 90.0 * 8, "rest": 0.0}
    measured = million.Measured(lambda n, g: part, lambda n, g: 5e9, 0.01, 0.01, 100)
    rows = {row["what"]: row for row in million.calculation(measured) if " x 20,000 " in row["what"]}
    one = rows["1,000,000 x 20,000 on 1 CPU node, in hours"]
    # Two hours of preparing, two searches of an hour, 72 epochs of 50 s, 40 steps of 720 s shared by 8 cores' worth.
    assert [one[name] for name in ("prepare", "passes", "epoch", "refine")] == pytest.approx([2.0, 2.0, 1.0, 1.0])
    assert (one["fit"], one["$ assumed"]) == (pytest.approx(6.0), pytest.approx(6.0 * million.CPU_HOUR))
    many = rows[f"1,000,000 x 20,000 on {million.NODES} CPU nodes, in hours"]
    assert many["prepare"] == pytest.approx(2.0 / million.NODES)
    assert many["epoch"] > one["epoch"]  # the step is no shorter, and gradients are exchanged
    assert many["GB read"] == one["GB read"] == 5 * 80


def test_what_a_forked_process_finds_comes_back_with_its_own_memory(monkeypatch, capfd):
    monkeypatch.syspath_prepend(str(ROOT))
    parts = importlib.import_module("benchmarks._fit_parts")
    small = parts.forked(lambda: {"found": 1.5})
    large = parts.forked(lambda: {"found": float(np.ones(50_000_000).sum())})
    assert (small["found"], large["found"]) == (1.5, 5e7)
    assert large["peak GB"] > small["peak GB"] + 0.35
    with pytest.raises(RuntimeError, match="failed in its process"):
        parts.forked(lambda: {"found": 1 / 0})
    assert "ZeroDivisionError" in capfd.readouterr().err
