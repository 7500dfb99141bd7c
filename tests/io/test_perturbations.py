"""Tables of perturbations: wide and long give the same, what is dropped is counted, what is no number is named."""

import numpy as np
import pandas as pd
import pytest

import genelight as gl
from genelight.errors import FormatError, InputError, ResourceError


@pytest.fixture
def wide():
    values = np.random.default_rng(0).normal(size=(5, 3)).round(3)
    return pd.DataFrame(values, index=["ISG15", "MX1", "OAS1", "TP53", "MYC"], columns=["aspirin", "ibrutinib", "x"])


@pytest.mark.parametrize("suffix", ["csv", "tsv", "csv.gz"])
def test_wide_and_long_are_one(tmp_path, wide, suffix):
    separator = "," if "csv" in suffix else "\t"
    wide.to_csv(tmp_path / f"wide.{suffix}", sep=separator, index_label="probe")
    long = wide.rename_axis("symbol").reset_index().melt("symbol", var_name="pert_iname", value_name="logFC")
    long.to_csv(tmp_path / f"long.{suffix}", sep=separator, index=False)
    for name in ("wide", "long"):
        found = gl.io.read_perturbations(tmp_path / f"{name}.{suffix}")
        pd.testing.assert_frame_equal(found.loc[wide.index, wide.columns], wide)
        counted = {"rows": 15, "genes": 5, "perturbations": 3, "averaged rows": 0, "repeated columns": 0}
        assert found.attrs["account"] == counted


def test_doses_are_averaged_and_gaps_kept(tmp_path):
    (tmp_path / "long.csv").write_text("gene,drug,z\nMX1,a,1\nMX1,a,3\nOAS1,b,2\nTP53,a,\n,a,5\n")
    found = gl.io.read_perturbations(tmp_path / "long.csv")
    assert found.loc["MX1", "a"] == 2.0
    assert np.isnan(found.loc["OAS1", "a"])
    counted = {"rows": 5, "genes": 2, "perturbations": 2, "averaged rows": 2, "repeated columns": 0}
    assert found.attrs["account"] == counted


def test_what_is_no_table_of_perturbations_is_refused(tmp_path, wide):
    path = tmp_path / "bad.csv"
    with pytest.raises(ResourceError):
        gl.io.read_perturbations(path)
    path.write_text("gene,a,b\nMX1,1,high\nOAS1,2,3\n")
    with pytest.raises(FormatError, match="column 'b' holds 1 cells that are no finite number, the first 'high'"):
        gl.io.read_perturbations(path)
    path.write_text("gene\nMX1\n")
    with pytest.raises(InputError, match="no gene with a number is left"):
        gl.io.read_perturbations(path)
    wide.set_axis(["4599", "9636", "1", "2", "3"]).to_csv(path)
    with pytest.raises(InputError, match="look like entrez"):
        gl.io.read_perturbations(path)
