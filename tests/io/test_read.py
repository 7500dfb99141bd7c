import gzip

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from genelight.errors import FormatError, InputError, ResourceError
from genelight.io import read
from genelight.io._read import READERS


def table(x=None, samples=3, genes=4) -> ad.AnnData:
    x = np.arange(samples * genes, dtype=np.float32).reshape(samples, genes) if x is None else x
    obs = pd.DataFrame({"age": range(x.shape[0])}, index=[f"s{i}" for i in range(x.shape[0])])
    return ad.AnnData(x, obs=obs, var=pd.DataFrame(index=[f"G{i}" for i in range(x.shape[1])]))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "cohort.h5ad"
    table().write_h5ad(path)
    return path


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "uint16"])
def test_a_table_comes_back_as_it_was(tmp_path, dtype):
    kept = table(np.arange(12).reshape(3, 4).astype(dtype))
    kept.write_h5ad(tmp_path / "x.h5ad")
    back = read(tmp_path / "x.h5ad")
    assert back.X.dtype == dtype
    np.testing.assert_array_equal(back.X, kept.X)
    pd.testing.assert_frame_equal(back.obs, kept.obs, check_index_type=False)
    assert list(back.var_names) == list(kept.var_names)


@pytest.mark.parametrize("dtype", ["string", "string[pyarrow]"])
def test_text_as_newer_programs_write_it_can_be_written_again_anywhere(tmp_path, dtype):
    kept = table()
    kept.obs["sex"] = pd.array(["f", None, "m"], dtype=dtype)
    kept.obs.index = kept.obs.index.astype(dtype)
    try:
        with ad.settings.override(allow_write_nullable_strings=True):
            kept.write_h5ad(tmp_path / "new.h5ad")
    except Exception as error:
        if "No method registered for writing" not in str(error):
            raise
        pytest.skip(f"anndata {ad.__version__} writes no names of type {dtype}")
    back = read(tmp_path / "new.h5ad")
    with ad.settings.override(allow_write_nullable_strings=False):
        back.write_h5ad(tmp_path / "old.h5ad")
    again = read(tmp_path / "old.h5ad")
    assert list(again.obs["sex"].astype(object).where(again.obs["sex"].notna(), None)) == ["f", None, "m"]
    assert list(again.obs_names) == ["s0", "s1", "s2"]


def test_content_goes_before_the_suffix(path):
    assert read(str(path.rename(path.with_suffix(".dat")))).shape == (3, 4)


def test_one_sample_is_a_table(tmp_path):
    table(samples=1).write_h5ad(tmp_path / "one.h5ad")
    assert read(tmp_path / "one.h5ad").shape == (1, 4)


def test_sparse_stays_sparse_until_asked(tmp_path):
    x = sparse.random(5, 6, density=0.3, format="csr", dtype=np.float32, random_state=0)
    table(x).write_h5ad(tmp_path / "x.h5ad")
    assert sparse.issparse(read(tmp_path / "x.h5ad").X)
    dense = read(tmp_path / "x.h5ad", dense=True).X
    np.testing.assert_array_equal(dense, x.toarray())
    assert dense.dtype == np.float32


def test_repeated_genes_are_left_to_the_gene_list(tmp_path):
    kept = table(genes=3)
    kept.var_names = ["A", "B", "A"]
    kept.write_h5ad(tmp_path / "x.h5ad")
    assert list(read(tmp_path / "x.h5ad").var_names) == ["A", "B", "A"]


def test_repeated_samples_are_named(tmp_path):
    kept = table()
    kept.obs_names = ["s0", "s1", "s0"]
    kept.write_h5ad(tmp_path / "x.h5ad")
    with pytest.raises(InputError, match=r"1 sample names occur more than once \(s0\); rename or drop"):
        read(tmp_path / "x.h5ad")


def test_a_path_that_leads_nowhere_says_where_to_go(path):
    with pytest.raises(ResourceError, match=r"does not exist; did you mean 'cohort\.h5ad'"):
        read(path.with_name("cohorts.h5ad"))
    with pytest.raises(ResourceError, match="neither does its folder"):
        read(path.parent / "no" / "x.h5ad")
    with pytest.raises(InputError, match=r"is a folder .* pass one of its files, such as .*cohort\.h5ad"):
        read(path.parent)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "an empty file"),
        (b"PK\x03\x04....", "an Excel workbook"),
        (b"\x00\x01\x02", "binary data"),
        (b"<html>not found</html>", "a web page"),
    ],
)
def test_what_is_no_table_is_named_with_what_to_type(tmp_path, content, said):
    path = tmp_path / "cohort.h5ad"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"cohort\.h5ad is .*; genelight reads .*\.h5ad .*write_h5ad") as caught:
        read(path)
    assert said in str(caught.value)


@pytest.mark.parametrize("share", [0.01, 0.25, 0.5, 0.75, 0.99])
def test_a_truncated_file_is_named(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FormatError, match=r"cohort\.h5ad is truncated or damaged"):
        read(path)


def test_no_flipped_byte_gives_a_traceback(path):
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(8, len(content), 60):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            assert read(path).shape == (3, 4)
        except (FormatError, InputError) as error:
            assert "cohort.h5ad" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["matrix"], "10x Genomics matrix or a loom file"),
        (["mod", "obs", "var"], "holds 0 modalities"),
        (["a", "b"], "HDF5 of another kind (keys: a, b)"),
        ([], "keys: none"),
    ],
)
def test_other_hdf5_is_told_apart(tmp_path, keys, said):
    path = tmp_path / "x.h5ad"
    with h5py.File(path, "w") as file:
        for key in keys:
            file.create_group(key)
    with pytest.raises((FormatError, InputError)) as caught:
        read(path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.zeros((2, 0), np.float32), "2 samples and 0 genes"),
        (np.zeros((0, 2), np.float32), "0 samples and 2 genes"),
        (np.zeros((2, 2), np.complex64), "X is of type complex64"),
        (np.zeros((2, 2), bool), "X is of type bool"),
        (np.array([["1", "x"], ["2", "y"]]), "not of real numbers"),
    ],
)
def test_a_matrix_without_numbers_is_refused(tmp_path, x, said):
    path = tmp_path / "x.h5ad"
    table(np.zeros(x.shape, np.float32)).write_h5ad(path)
    with h5py.File(path, "a") as file:
        del file["X"]
        ad.io.write_elem(file, "X", x.astype(object) if x.dtype.kind == "U" else x)
    with pytest.raises(FormatError) as caught:
        read(path)
    assert said in str(caught.value)


def test_a_table_without_x_names_its_layers(tmp_path):
    kept = ad.AnnData(obs=table().obs, var=table().var, layers={"counts": np.ones((3, 4))})
    kept.write_h5ad(tmp_path / "x.h5ad")
    with pytest.raises(FormatError, match=r"X is absent \(layers: counts\); set adata.X = adata.layers"):
        read(tmp_path / "x.h5ad")


def test_a_reader_joins_by_registering(tmp_path, monkeypatch):
    monkeypatch.setattr(READERS, "_entries", dict(READERS._entries))

    @READERS.register("notes")
    class Notes:
        """A file of notes."""

        suffixes = (".notes",)
        options = frozenset()

        @staticmethod
        def recognises(given):
            return given.start.startswith(b"NOTES\0")

        @staticmethod
        def read(given, options):
            return table()

    (tmp_path / "x").write_bytes(gzip.compress(b"NOTES\0"))
    assert read(tmp_path / "x").shape == (3, 4)
    (tmp_path / "x").write_bytes(b"\0none")
    with pytest.raises(FormatError, match=r"\.h5ad \(AnnData in one HDF5 file\).*\.notes \(A file of notes\)"):
        read(tmp_path / "x")
