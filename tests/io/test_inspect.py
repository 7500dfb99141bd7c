"""What inspect says of a table, against tables of which that is known."""

import json
import re
import sys
import warnings
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from genelight import cli
from genelight.io import inspect
from genelight.io.scales import find_floor

RNG = np.random.default_rng(0)
SYMBOLS = ["TP53", "MX1", "ISG15", "ACTB", *(f"ABC{i}" for i in range(96))]


def table(x, genes=None, **obs) -> ad.AnnData:
    index = [f"GSM{i}" for i in range(x.shape[0])]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not unique")
        return ad.AnnData(x, obs=pd.DataFrame(obs, index=index), var=pd.DataFrame(index=genes or SYMBOLS))


def log2(n=40):
    return RNG.normal(6, 3, 100).clip(3.3) + RNG.normal(0, 0.5, (n, 100)).clip(0)


def standardised(x):
    return (x - x.mean(0)) / x.std(0)


def saved(adata, tmp_path, name="x.h5ad") -> Path:
    adata.write_h5ad(tmp_path / name)
    return tmp_path / name


def test_everything_of_a_cohort(tmp_path):
    obs = {
        "disease": ["sle"] * 30 + ["healthy"] * 10,
        "subject": [f"p{i // 2}" for i in range(40)],
        "plate": ["a", "b"] * 20,
        "platelets": range(40),
        "age": range(40),
    }
    found = inspect(saved(table(log2(), **obs), tmp_path))
    assert (found.samples, found.genes, found.ids.kind, found.scale.name) == (40, 100, "symbol", "log2")
    assert [c.name for c in found.labels] == ["disease"]
    assert found.labels[0].counts == {"sle": 30, "healthy": 10}
    assert [c.name for c in found.subjects] == ["subject"]
    assert [c.name for c in found.batches] == ["plate"]
    assert found.next == f"genelight fit {found.path} --scale log2 --subject subject --out model"
    assert found.format == "h5ad"


def test_people_in_titles_are_found_where_no_column_names_them(tmp_path):
    titles = [f"C{i // 2}P{i // 2}V{i % 2 + 1}" if i < 36 else f"HC{i}" for i in range(40)]
    found = inspect(saved(table(log2(), title=titles), tmp_path))
    assert [(c.name, len(c.counts), c.pattern) for c in found.subjects] == [("title", 22, "(.+?)(?:[Vv][0-9]+)?$")]
    assert "title by subject_pattern '(.+?)(?:[Vv][0-9]+)?$' (22 values: C0P0 2" in found.to_text()
    assert "--subject" not in found.next
    spaced = [f"donor {i // 4}, day {i % 4}" for i in range(40)]
    assert [len(c.counts) for c in inspect(saved(table(log2(), title=spaced), tmp_path, "y.h5ad")).subjects] == [10]
    for other in ([f"x{i}" for i in range(40)], [f"all V{i}" for i in range(40)], list(range(40))):
        assert not inspect(saved(table(log2(), title=other), tmp_path, "z.h5ad")).subjects


def test_gaps_dates_copies_and_versions_are_counted(tmp_path):
    x = log2()
    x[2, 3:6] = np.nan
    x[1, 1] = np.inf
    found = inspect(saved(table(x, ["1-Mar", "2-Sep", "TP53", "TP53", *SYMBOLS[4:]]), tmp_path))
    assert (found.missing, found.infinite, found.mangled, found.repeated) == (3, 1, 2, 1)
    assert "map-ids" in found.next
    found = inspect(saved(table(log2(), [f"ENSG{i:011}.{i % 3}" for i in range(100)]), tmp_path, "y.h5ad"))
    assert (found.ids.kind, found.versioned, found.mangled) == ("ensembl", 100, 0)


@pytest.mark.parametrize(
    ("probes", "platform", "said"),
    [
        ([f"155{i:04}_at" for i in range(100)], "GPL570", r"--table GPL570 .*fetches GEO's table of GPL570 once"),
        ([f"20{i:04}_s_at" for i in range(100)], "GPL96", "--table GPL96 "),
        ([f"ILMN_{i}" for i in range(100)], "GPL10558", "--table GPL10558 "),
        ([f"A_23_P{i}" for i in range(100)], "", "--table FILE .*where FILE is a table that you have.*such as GPL570"),
    ],
)
def test_probes_come_with_the_command_that_gives_them_genes(probes, platform, said, tmp_path):
    found = inspect(saved(table(log2(), probes), tmp_path))
    assert found.platform == platform
    assert re.search(rf"genelight map-ids \S+ {said}", found.next)
    adata = table(log2(), probes)
    adata.uns["read"] = {"platform": "GPL6947"}
    assert "--table GPL6947 " in inspect(saved(adata, tmp_path)).next


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_floor_and_counts(tmp_path, form):
    x = RNG.poisson(0.7, (40, 100)).astype(float) * RNG.poisson(300, 100)
    found = inspect(saved(table(form(x)), tmp_path))
    assert found.floor == (0.0, pytest.approx((x == 0).mean()))
    assert found.scale.name == "counts"
    assert "--scale counts" in found.next


def test_a_value_that_many_share_in_the_middle_is_no_floor():
    assert find_floor(np.round(RNG.normal(6, 1, (50, 50)), 1)) is None
    assert find_floor(np.full((2, 2), np.nan)) is None
    assert find_floor(RNG.normal(size=(20, 20))) is None


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (standardised(RNG.normal(6, 1, (40, 100))), "before they were standardised"),
        (RNG.normal(0, 0.3, (40, 100)), "before they were divided by a reference"),
        (np.ones((40, 100)), "no scale of expression fits"),
        (np.where(np.arange(100) == 7, np.nan, log2()), r"missing values \(40 in all\)"),
        (2 ** log2(), "--scale linear"),
    ],
)
def test_what_comes_next_depends_on_what_there_is(tmp_path, x, said):
    assert re.search(said, inspect(saved(table(x), tmp_path)).next)


def call(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["genelight", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_the_command_prints_it_and_the_next_one_works(tmp_path, monkeypatch, capsys):
    path = tmp_path / "my table.csv"
    path.write_text("id,x,y\na,1.5,2\nb,3,4.25\n")
    assert call(monkeypatch, "inspect", path) == 2
    assert "say orientation='genes-in-rows'" in capsys.readouterr().err
    assert call(monkeypatch, "inspect", path, "--orientation", "genes-in-rows", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["samples"], told["genes"], told["ids"]["kind"]) == (2, 2, "symbol")
    assert told["next"] == f"genelight read '{path}' --orientation genes-in-rows --out cohort.h5ad"
    assert call(monkeypatch, "read", path, "--orientation", "genes-in-rows", "--out", tmp_path / "cohort.h5ad") == 0
    assert ad.read_h5ad(tmp_path / "cohort.h5ad").X.tolist() == [[1.5, 3], [2, 4.25]]
    assert call(monkeypatch, "inspect", tmp_path / "cohort.h5ad") == 0
    assert "2 samples x 2 genes" in capsys.readouterr().out
