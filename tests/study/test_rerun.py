"""A run verified and done again: every file is as it was written, and what is not is named."""

import shutil
import sys

import numpy as np
import pandas as pd
import pytest

import genelight as gl
from genelight import cli, study
from genelight._core.provenance import read_steps
from genelight.errors import GenelightError, InputError

FLIPS = 60
STUDY = """
[data]
expression = "flu.h5ad"
subject = "subject"
[contrast]
case = 'condition == "symptomatic" and hours >= 45'
control = "hours == 0"
[model]
widths = [16, 8]
epochs = 4
seeds = 0
[network]
file = "network.csv"
[module]
size = 20
folds = 3
bootstraps = 5
permutations = 19
[tests]
n_top = 40
draws = 99
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rerun")
    flu = gl.demo.cohort()[:, :400].copy()
    flu.write_h5ad(folder / "flu.h5ad")
    pairs = np.random.default_rng(0).choice(flu.var_names, (2_000, 2))
    pd.DataFrame(pairs, columns=["source", "target"]).assign(weight=1.0).to_csv(folder / "network.csv", index=False)
    (folder / "study.toml").write_text(STUDY)
    study.run(study.Study.load(folder / "study.toml"), folder / "RUN")
    return folder


@pytest.fixture
def copied(done, tmp_path):
    return shutil.copytree(done, tmp_path / "study")


def call(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["genelight", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    return ended.value.code, said.out, said.err


def test_a_run_done_again_is_the_same_to_the_byte(done, monkeypatch, capsys):
    code, said, err = call(monkeypatch, capsys, "rerun", done / "RUN")
    assert code == 0, said + err
    files = {file for step in read_steps(done / "RUN").values() for file in step["outputs"]}
    assert f"{len(files)} files are the same, none differs" in said
    assert {path.name for path in done.iterdir()} == {"flu.h5ad", "network.csv", "study.toml", "RUN"}
    assert study.verify(done / "RUN").whole


def test_the_order_of_samples_and_genes_in_the_file_changes_no_byte(copied, monkeypatch, capsys):
    rng, table = np.random.default_rng(1), gl.read(copied / "flu.h5ad")
    shuffled = table[rng.permutation(table.n_obs), rng.permutation(table.n_vars)].copy()
    assert not np.array_equal(shuffled.X, table.X)
    shuffled.write_h5ad(copied / "flu.h5ad")
    code, said, err = call(monkeypatch, capsys, "rerun", copied / "RUN")
    assert code == 0, said + err
    assert "none differs" in said


def test_what_comes_out_otherwise_is_named(copied, monkeypatch, capsys):
    # As if other libraries had drawn other numbers.
    draw = np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda seed=0: draw([seed, 1] if isinstance(seed, int) else seed))
    code, said, _ = call(monkeypatch, capsys, "rerun", copied / "RUN")
    assert code == 1
    assert "05_module.tsv: differs by at most" in said
    assert not (copied / "RUN.again").exists()


def test_other_data_and_altered_files_are_told_before_anything_is_done(copied, monkeypatch, capsys):
    with pytest.raises(InputError, match="is no finished run"):
        study.rerun(copied)
    adata = gl.read(copied / "flu.h5ad")
    adata.X[0, 0] += 1
    adata.write_h5ad(copied / "flu.h5ad")
    code, _, err = call(monkeypatch, capsys, "rerun", copied / "RUN")
    assert code == 2
    assert "the expression table of" in err
    assert not (copied / "RUN.again").exists()
    (copied / "RUN" / "05_module.tsv").write_text("gene\n")
    with pytest.raises(InputError, match=r"not as it was written .05_module.tsv.; see: genelight verify"):
        study.rerun(copied / "RUN")


def test_no_flipped_bit_of_a_run_goes_unseen(copied):
    run = copied / "RUN"
    files = sorted(path for path in run.rglob("*") if path.is_file() and path.stat().st_size)
    rng = np.random.default_rng(0)
    for i in range(max(FLIPS, len(files))):
        path = files[i % len(files)]
        whole = path.read_bytes()
        flipped = bytearray(whole)
        place = int(rng.integers(8 * len(whole)))
        flipped[place // 8] ^= 1 << (place % 8)
        path.write_bytes(flipped)
        assert not study.verify(run).whole, f"bit {place} of {path.name}"
        path.write_bytes(whole)
    assert study.verify(run).whole


def test_a_report_is_not_written_from_altered_files(copied):
    noted = sorted(file for step in read_steps(copied / "RUN").values() for file in step["outputs"])
    for name in [name for name in noted if not name.startswith("report") and name != "study.toml"]:
        path = copied / "RUN" / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 4]))
        with pytest.raises(GenelightError):
            gl.report.report(copied / "RUN")
        path.write_bytes(whole)
