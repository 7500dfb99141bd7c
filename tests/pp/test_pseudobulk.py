import numpy as np
import pandas as pd
import pytest

from genelight import simulate
from genelight.errors import InputError, UnknownNameError
from genelight.pp import pseudobulk

CELLS = simulate.features("cell", 6, visits=60, n_features=80)


def test_sums_are_those_of_a_group_by():
    frame = pd.DataFrame(CELLS.X.toarray(), columns=CELLS.var_names)
    keys = [CELLS.obs["subject"].astype(str).to_numpy(), CELLS.obs["cell_type"].astype(str).to_numpy()]
    want = frame.groupby(keys).sum()
    size = frame.groupby(keys).size()
    bulk = pseudobulk(CELLS, subject="subject", by="cell_type", least_cells=10)
    want = want[size >= 10]
    np.testing.assert_array_equal(bulk.X, want.to_numpy())
    assert list(bulk.obs_names) == [f"{donor}_{kind}" for donor, kind in want.index]
    assert bulk.uns["pseudobulk"]["too few cells"] == (size < 10).sum() > 0
    dense = CELLS.copy()
    dense.X = CELLS.X.toarray()
    np.testing.assert_array_equal(pseudobulk(dense, subject="subject", by="cell_type").X, bulk.X)


def test_what_all_cells_of_a_donor_share_is_kept_and_nothing_else():
    bulk = pseudobulk(CELLS, subject="subject")
    assert {"subject", "condition", "age", "sex", "cells"} <= set(bulk.obs)
    assert not {"visit", "cell_type", "severity"} & set(bulk.obs) - {"severity"}
    assert bulk.obs["cells"].tolist() == [60] * 6


def test_what_is_no_count_is_told():
    spoilt = CELLS.copy()
    spoilt.X = np.log1p(CELLS.X)
    with pytest.raises(InputError, match=r"cells need counts of molecules.*layers\['counts'\]"):
        pseudobulk(spoilt, subject="subject")
    spoilt.layers["counts"] = CELLS.X
    np.testing.assert_array_equal(
        pseudobulk(spoilt, subject="subject", layer="counts").X, pseudobulk(CELLS, subject="subject").X
    )
    with pytest.raises(UnknownNameError, match=r"layer of the table 'count'.*did you mean 'counts'"):
        pseudobulk(spoilt, subject="subject", layer="count")
    with pytest.raises(UnknownNameError, match="donor"):
        pseudobulk(CELLS, subject="donor")
    with pytest.raises(InputError, match=r"no sum is over 100 cells: 6 of subject have 60 to 60"):
        pseudobulk(CELLS, subject="subject", least_cells=100)
