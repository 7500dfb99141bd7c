"""A study's model, nodes and module are the same to the byte with one thread and with two."""

import os
import subprocess
import sys

import pytest

import genelight as gl

STUDY = """
[data]
expression = "flu.h5ad"
subject = "subject"
[contrast]
case = 'condition == "symptomatic" and hours >= 45'
control = "hours == 0"
[model]
widths = [32, 4, 32]
group = "subject"
epochs = 1
seeds = 0
[module]
size = 20
folds = 2
bootstraps = 2
permutations = 3
"""
# The run ends where the report begins: what comes after is read from these files.
RUN = """
import sys
import genelight as gl
def until_report(words):
    if "report" in words:
        raise SystemExit
gl.study.run(gl.study.Study.load("study.toml"), sys.argv[1], say=until_report)
"""


@pytest.mark.slow
def test_a_deep_study_is_the_same_with_one_thread_and_with_two(tmp_path):
    gl.demo.cohort()[:, :400].copy().write_h5ad(tmp_path / "flu.h5ad")
    (tmp_path / "study.toml").write_text(STUDY)
    left = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    started = [
        subprocess.Popen([sys.executable, "-c", RUN, count], cwd=tmp_path, env=left | {"GENELIGHT_THREADS": count})
        for count in ("1", "2")
    ]
    assert [one.wait() for one in started] == [0, 0]
    one, two = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("0*") if path.is_file()}
        | {path.relative_to(folder): path.read_bytes() for path in (folder / "03_model").iterdir()}
        for folder in (tmp_path / "1", tmp_path / "2")
    )
    assert gl.load(tmp_path / "1" / "03_model").deep
    assert {"05_module.tsv", "04_nodes_L1.parquet", "weights.safetensors"} <= {path.name for path in one}
    assert [path for path in one if one[path] != two.get(path)] == []
    assert one.keys() == two.keys()
