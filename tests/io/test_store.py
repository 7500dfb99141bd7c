import json
import os
import signal
import subprocess
import sys
import time

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

from genelight._core.disk import locked
from genelight._core.provenance import sealed
from genelight.errors import FormatError, GeneMismatchError, InputError, ResourceError, UnknownNameError
from genelight.io import Store, pack
from genelight.io._read import READERS
from genelight.io.stores import _group
from genelight.io.stores._shards import Shards


def table(samples, genes, *, prefix="s", seed=0) -> ad.AnnData:
    x = np.random.default_rng(seed).normal(8, 2, (samples, len(genes))).astype(np.float32)
    obs = pd.DataFrame({"age": range(samples)}, index=[f"{prefix}{i}" for i in range(samples)])
    return ad.AnnData(x, obs=obs, var=pd.DataFrame(index=list(genes)))


def genes(n, first=0):
    return [f"G{i:03d}" for i in range(first, first + n)]


def write(adata, path):
    adata.write_h5ad(path)
    return path


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    """Shards of 8 samples for 12 genes, so that small tables have several."""
    monkeypatch.setattr(_group, "SHARD_BYTES", 8 * 4 * 16)


def whole(store: Store) -> np.ndarray:
    return np.concatenate([x_ng for _, x_ng in store.blocks()])


def test_a_store_gives_back_what_was_packed(tmp_path):
    adata = table(37, genes(12))
    store = pack([write(adata, tmp_path / "a.h5ad")], tmp_path / "out" / "s.zarr")
    assert store.shape == (37, 12)
    assert list(store.genes.ids) == list(adata.var_names)
    np.testing.assert_array_equal(whole(store), adata.X)
    for rows in (1, 5, 8, 100):
        starts, parts = zip(*store.blocks(rows), strict=True)
        assert list(starts) == list(range(0, 37, rows))
        np.testing.assert_array_equal(np.concatenate(parts), adata.X)
    np.testing.assert_array_equal(store.take(np.array([30, 2, 2, 17])), adata.X[[30, 2, 2, 17]])
    np.testing.assert_array_equal(store.obs["age"], adata.obs["age"])
    blocks = dict(store.tables(9))
    np.testing.assert_array_equal(blocks[9].X, adata.X[9:18])
    assert list(blocks[36].obs_names) == ["s36"]
    assert list((tmp_path / "out").iterdir()) == [tmp_path / "out" / "s.zarr"]


def test_any_program_of_the_field_opens_it(tmp_path):
    adata = table(20, genes(12))
    adata.obs["sex"] = ["f", None, "m", "f"] * 5
    pack([write(adata, tmp_path / "a.h5ad")], tmp_path / "s.zarr")
    back = ad.read_zarr(tmp_path / "s.zarr")
    np.testing.assert_array_equal(back.X, adata.X)
    assert list(back.obs_names) == list(adata.obs_names)
    assert list(back.var_names) == list(adata.var_names)
    assert back.obs["sex"].astype(object).where(back.obs["sex"].notna(), None).tolist() == ["f", None, "m", "f"] * 5
    assert back.obs["packed_from"].unique().tolist() == ["a.h5ad"]


@settings(deadline=None, max_examples=10)
@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(9, 12), st.integers(0, 2)), min_size=1, max_size=3),
    st.sampled_from(["intersection", "union"]),
)
def test_values_stay_with_their_gene_and_sample(tmp_path_factory, parts, join):
    folder = tmp_path_factory.mktemp("pack")
    tables = [table(n, genes(g, first), prefix=f"f{i}_", seed=i) for i, (n, g, first) in enumerate(parts)]
    files = [write(t, folder / f"f{i}.h5ad") for i, t in enumerate(tables)]
    shared = set.intersection(*(set(t.var_names) for t in tables))
    assume(len(shared) >= 0.75 * max(t.n_vars for t in tables))
    store = pack(files, folder / "s.zarr", genes=join)
    frames = [t.to_df() for t in tables]
    want = pd.concat(frames, join="inner" if join == "intersection" else "outer")
    want = want[list(store.genes.ids)]
    found = pd.DataFrame(whole(store), index=store.obs.index, columns=list(store.genes.ids))
    pd.testing.assert_frame_equal(found, want, check_index_type=False, check_column_type=False)
    assert store.missing == int(want.isna().to_numpy().sum())
    assert [e["samples"] for e in store.account["inputs"]] == [len(t) for t in tables]


def test_a_union_counts_what_is_missing_and_never_fills_it(tmp_path):
    files = [
        write(table(5, genes(10), prefix="a"), tmp_path / "a.h5ad"),
        write(table(6, genes(10, 2), prefix="b"), tmp_path / "b.h5ad"),
    ]
    store = pack(files, tmp_path / "s.zarr", genes="union")
    assert store.shape == (11, 12)
    assert np.isnan(whole(store)).sum() == 2 * 5 + 2 * 6 == store.missing
    first, second = store.account["inputs"]
    assert (first["genes_found"], first["genes_missing"], first["values_missing"]) == (10, 2, 10)
    assert (second["genes_found"], second["genes_missing"], second["values_missing"]) == (10, 2, 12)
    assert ad.read_zarr(store.path).var["measured_in"].tolist() == [1, 1] + [2] * 8 + [1, 1]
    assert [(start, *t.shape) for start, t in store.tables(4)] == [(0, 4, 10), (4, 1, 10), (5, 4, 10), (9, 2, 10)]
    both = pack(files, tmp_path / "both.zarr")
    assert both.shape == (11, 8)
    assert both.missing == 0
    assert both.account["inputs"][0]["genes_not_used"] == 2
    asked = pack(files, tmp_path / "asked.zarr", genes=["G005", "G001", "G009"])
    assert asked.genes.ids == ("G005", "G001", "G009")
    assert asked.missing == 6


def test_many_columns_of_samples_are_joined_without_a_warning(tmp_path, recwarn):
    files = []
    for name in "ab":
        adata = table(5, genes(12), prefix=name)
        adata.obs = pd.DataFrame({f"c{i}": str(i) if i % 2 else i for i in range(150)}, index=adata.obs_names)
        files.append(write(adata, tmp_path / f"{name}.h5ad"))
    assert pack(files, tmp_path / "s.zarr").obs.shape == (10, 151)
    assert not [warning for warning in recwarn if warning.category is pd.errors.PerformanceWarning]


@pytest.mark.parametrize("form", ["csr", "csc"])
def test_sparse_tables_become_dense(tmp_path, form):
    x = sparse.random(30, 12, density=0.3, format=form, dtype=np.float64, random_state=0)
    adata = ad.AnnData(x, obs=pd.DataFrame(index=[f"s{i}" for i in range(30)]), var=pd.DataFrame(index=genes(12)))
    store = pack([write(adata, tmp_path / "a.h5ad")], tmp_path / "s.zarr", compress=True)
    np.testing.assert_array_equal(whole(store), x.toarray().astype(np.float32))


def test_another_format_comes_through_its_reader(tmp_path, monkeypatch):
    class Lines:
        "Numbers on lines."

        suffixes = (".lines",)
        options = frozenset()

        @staticmethod
        def recognises(given):
            return given.start.startswith(b"lines")

        @staticmethod
        def read(given, options):
            return table(9, genes(12), prefix="x", seed=5)

    monkeypatch.setitem(READERS._entries, "lines", None)
    del READERS._entries["lines"]
    READERS.register("lines")(Lines)
    (tmp_path / "x.lines").write_text("lines")
    files = [write(table(5, genes(12)), tmp_path / "a.h5ad"), tmp_path / "x.lines"]
    store = pack(files, tmp_path / "s.zarr")
    np.testing.assert_array_equal(whole(store)[5:], table(9, genes(12), prefix="x", seed=5).X)
    again = pack([store.path, write(table(3, genes(12), prefix="y"), tmp_path / "y.h5ad")], tmp_path / "t.zarr")
    np.testing.assert_array_equal(whole(again)[:14], whole(store))
    assert again.n_obs == 17
    del READERS._entries["lines"]


def test_repeated_samples_stop_or_are_named(tmp_path):
    files = [
        write(table(5, genes(12)), tmp_path / "a.h5ad"),
        write(table(7, genes(12), seed=1), tmp_path / "b.h5ad"),
    ]
    with pytest.raises(InputError, match=r"5 sample names occur in more than one input .s0, s1, s2 and 2 more"):
        pack(files, tmp_path / "s.zarr")
    first = pack(files, tmp_path / "first.zarr", repeats="first")
    assert list(first.obs.index) == [f"s{i}" for i in range(7)]
    np.testing.assert_array_equal(whole(first)[5:], table(7, genes(12), seed=1).X[5:])
    assert first.account["inputs"][1]["repeats"] == 5
    named = pack(files, tmp_path / "named.zarr", repeats="prefix")
    assert list(named.obs.index)[4:6] == ["a:s4", "b:s0"]


def test_what_does_not_fit_together_is_said(tmp_path):
    a = write(table(5, genes(12)), tmp_path / "a.h5ad")
    counts = table(5, genes(12), prefix="c")
    counts.X = np.round(counts.X * 100)
    with pytest.raises(InputError, match=r"different scales: a.h5ad goes up to 1\d.*counts.h5ad up to"):
        pack([a, write(counts, tmp_path / "counts.h5ad")], tmp_path / "s.zarr")
    other = write(table(5, [f"ENSG{i:011d}" for i in range(12)], prefix="e"), tmp_path / "e.h5ad")
    for join in ("intersection", "union"):
        with pytest.raises(GeneMismatchError, match="share 0 genes"):
            pack([a, other], tmp_path / "s.zarr", genes=join)
    with pytest.raises(UnknownNameError, match="union"):
        pack([a], tmp_path / "s.zarr", genes="unon")
    with pytest.raises(UnknownNameError, match="prefix"):
        pack([a], tmp_path / "s.zarr", repeats="prefi")
    with pytest.raises(InputError, match="nothing to pack"):
        pack([], tmp_path / "s.zarr")
    infinite = table(20, genes(12))
    infinite.X[13, 4] = np.inf
    with pytest.raises(InputError, match="sample 's13', gene 'G004'"):
        pack([write(infinite, tmp_path / "i.h5ad")], tmp_path / "i.zarr")
    twice = table(5, genes(12))
    twice.var_names = ["G001", *genes(11)]
    with pytest.raises(InputError, match=r"t.h5ad.*G001"):
        pack([write(twice, tmp_path / "t.h5ad")], tmp_path / "t.zarr")
    pack([a], tmp_path / "done.zarr")
    with pytest.raises(ResourceError, match="exists already"):
        pack([a], tmp_path / "done.zarr")


@pytest.mark.parametrize("compress", [False, True])
def test_files_are_read_straight_only_where_they_hold_bare_values(tmp_path, monkeypatch, compress):
    adata, other = table(37, genes(12)), table(37, genes(8), prefix="t")
    files = [write(adata, tmp_path / "a.h5ad"), write(other, tmp_path / "b.h5ad")]
    store = pack(files, tmp_path / "s.zarr", genes="union", compress=compress)
    want = np.asarray(store._group.x[:])
    assert np.isnan(want[40, 8:]).all()
    monkeypatch.setattr(type(store._group.x), "__getitem__", None)  # nothing is decoded from here on
    if compress:
        assert store._group._shards is None
        return
    for first in range(len(want) - 8):
        some = np.arange(first, first + 8)
        np.testing.assert_array_equal(store.rows(first, first + 8), want[some])
        np.testing.assert_array_equal(store.take(some[::-2]), want[some[::-2]])


def test_chunks_that_are_left_out_are_read_as_missing(tmp_path):
    adata = table(20, genes(12))
    adata.X[9:14] = np.nan
    store = pack([write(adata, tmp_path / "a.h5ad")], tmp_path / "s.zarr")
    assert store._group._shards.read(np.arange(8, 16)) is None
    np.testing.assert_array_equal(whole(store), adata.X)
    np.testing.assert_array_equal(store.take(np.array([19, 10, 3])), adata.X[[19, 10, 3]])


@pytest.mark.parametrize("samples", [1, 2, 5, 8])
@pytest.mark.parametrize("missing", [slice(0, 0), slice(0, 1), slice(1, 3), slice(2, 4), slice(0, 8)])
@pytest.mark.parametrize("compress", [False, True])
def test_a_shard_is_written_as_zarr_writes_it(tmp_path, monkeypatch, samples, missing, compress):
    monkeypatch.setattr(_group, "CHUNKS_PER_SHARD", 4)
    x_ng = np.random.default_rng(0).normal(size=(samples, 12)).astype(np.float32)
    x_ng[0, 0] = np.nan
    x_ng[missing] = np.nan
    arrays = [_group.create_group(tmp_path / name, (8 + samples, 12), compress=compress) for name in ("ours", "its")]
    arrays[1][8:] = x_ng
    Shards.of(arrays[0], tmp_path / "ours" / "X").write(1, x_ng)
    ours, its = (
        {f.relative_to(tmp_path / n): f.read_bytes() for f in (tmp_path / n / "X").rglob("0")} for n in ("ours", "its")
    )
    assert ours == its
    assert len(its) == (not np.isnan(x_ng).all())
    np.testing.assert_array_equal(arrays[0][8:], x_ng)


def test_a_damaged_store_is_refused(tmp_path):
    a = write(table(37, genes(12)), tmp_path / "a.h5ad")
    store = pack([a], tmp_path / "s.zarr")
    shard = store.path / "X" / "c" / "2" / "0"
    content = shard.read_bytes()
    shard.write_bytes(content[:100])
    with pytest.raises(FormatError, match=r"s.zarr is damaged"):
        whole(Store.open(store.path))
    shard.unlink()
    with pytest.raises(FormatError, match="lost 1 of 5 shards, the first X/c/2/0"):
        Store.open(store.path)
    with pytest.raises(FormatError, match="no store"):
        Store.open(tmp_path)
    with pytest.raises(ResourceError, match="does not exist"):
        Store.open(tmp_path / "none.zarr")
    header = store.path / "zarr.json"
    content = json.loads(header.read_text())
    content["attributes"]["genelight"] = sealed(content["attributes"]["genelight"] | {"format": 9})
    header.write_text(json.dumps(content))
    with pytest.raises(FormatError, match="newer than 2"):
        Store.open(store.path)


def test_other_inputs_do_not_go_on_with_a_half_made_store(tmp_path, monkeypatch):
    a = write(table(37, genes(12)), tmp_path / "a.h5ad")
    monkeypatch.setattr("genelight.io.stores._draft.write_tables", _full)
    with pytest.raises(ResourceError, match="No space left"):
        pack([a], tmp_path / "s.zarr")
    with pytest.raises(ResourceError, match="run the same pack again"):
        Store.open(tmp_path / "s.zarr")
    monkeypatch.undo()
    write(table(37, genes(12), seed=3), a)
    with pytest.raises(InputError, match="begun with other inputs"):
        pack([a], tmp_path / "s.zarr")


def _full(path, **tables):
    raise OSError(28, "No space left on device")


PACK = """
import sys, time
from genelight.io import pack
from genelight.io.stores import _draft, _group
_group.SHARD_BYTES = 8 * 4 * 16
add = _draft._Journal.add
def slow(self, line):
    add(self, line)
    print(len(self.lines), flush=True)
    time.sleep(0.05)
_draft._Journal.add = slow
print(pack(sys.argv[1:-1], sys.argv[-1]).digest)
"""


def test_a_killed_pack_goes_on_and_gives_the_same_store(tmp_path):
    files = [
        write(table(70, genes(12), prefix="a"), tmp_path / "a.h5ad"),
        write(table(61, genes(11, 1), prefix="b"), tmp_path / "b.h5ad"),
    ]
    want = pack(files, tmp_path / "want.zarr")
    argv = [sys.executable, "-c", PACK, *map(str, files), str(tmp_path / "s.zarr")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.strip() == "6":
                os.kill(process.pid, signal.SIGKILL)
                break
    assert process.wait() == -signal.SIGKILL
    part = tmp_path / "s.zarr.part"
    # What a power cut may leave: a shard that the journal names but the disk has torn, and half a line.
    torn = part / "store" / "X" / "c" / "4" / "0"
    torn.write_bytes(torn.read_bytes()[:50])
    with (part / "journal.jsonl").open("a") as handle:
        handle.write('{"digest": "1')
    time.sleep(0.01)
    before = (part / "store" / "X" / "c" / "3" / "0").stat().st_mtime_ns
    got = pack(files, tmp_path / "s.zarr")
    assert got.digest == want.digest
    np.testing.assert_array_equal(whole(got), whole(want))
    pd.testing.assert_frame_equal(got.obs, want.obs)
    assert (got.path / "X" / "c" / "3" / "0").stat().st_mtime_ns == before
    assert not part.exists()


def test_samples_are_appended_while_others_read(tmp_path, monkeypatch):
    monkeypatch.setattr(_group, "SHARD_BYTES", 12 * 4 * 8)
    parts = [
        write(table(n, genes(12), prefix=p, seed=n), tmp_path / f"{p}.h5ad")
        for n, p in ((37, "a"), (11, "b"), (20, "c"))
    ]
    store = pack(parts[:1], tmp_path / "s.zarr")
    before = whole(store)
    inode = (store.path / "X" / "c" / "0" / "0").stat().st_ino
    for i, part in enumerate(parts[1:], start=2):
        longer = pack([part], tmp_path / "s.zarr", append=True)
        assert (store.shape, longer.n_obs) == ((37, 12), sum((37, 11, 20)[:i]))
        np.testing.assert_array_equal(whole(store), before)
        np.testing.assert_array_equal(longer.rows(0, 37), before)
        assert list(store.obs.index) == list(longer.obs.index[:37])
    assert (longer.path / "X" / "c" / "0" / "0").stat().st_ino == inode
    assert [entry["samples"] for entry in longer.account["inputs"]] == [37, 11, 20]
    assert list(longer.obs["packed_from"].unique()) == ["a.h5ad", "b.h5ad", "c.h5ad"]
    at_once = pack(parts, tmp_path / "once.zarr")
    np.testing.assert_array_equal(whole(at_once), whole(longer))
    assert at_once.digest == longer.digest
    assert not list(tmp_path.glob("*.part"))


def test_a_store_opened_before_an_append_still_knows_its_samples(tmp_path):
    a, b = (write(table(20, genes(12), prefix=p), tmp_path / f"{p}.h5ad") for p in "ab")
    store = pack([a], tmp_path / "s.zarr")
    early = Store.open(store.path)
    pack([b], store.path, append=True)
    assert list(early.obs.index) == [f"a{i}" for i in range(20)]
    assert early.genes.ids == tuple(genes(12))


def test_what_cannot_be_appended_says_why(tmp_path):
    a, b = (write(table(20, genes(12)), tmp_path / f"{p}.h5ad") for p in "ab")
    with pytest.raises(ResourceError, match=r"s\.zarr is no store that samples could be appended to"):
        pack([a], tmp_path / "s.zarr", append=True)
    pack([a], tmp_path / "s.zarr")
    with pytest.raises(InputError, match="20 sample names occur in more than one input"):
        pack([b], tmp_path / "s.zarr", append=True)
    longer = pack([b], tmp_path / "s.zarr", append=True, repeats="prefix")
    assert list(longer.obs.index[[0, 20]]) == ["s0", "b:s0"]
    with pytest.raises(ResourceError, match="add samples to it with --append"):
        pack([a], tmp_path / "s.zarr")


def test_two_packs_to_one_place_do_not_meet(tmp_path):
    a = write(table(20, genes(12)), tmp_path / "a.h5ad")
    (tmp_path / "s.zarr.part").mkdir()
    with locked(tmp_path / "s.zarr.part", busy=""), pytest.raises(ResourceError, match="another process is packing"):
        pack([a], tmp_path / "s.zarr")
    pack([a], tmp_path / "s.zarr")


def test_a_sparse_file_is_opened_once_however_many_blocks_are_read(tmp_path, monkeypatch):
    """Each opening reads all its pointers."""
    asked, x = [], ad.AnnData.X
    monkeypatch.setattr(ad.AnnData, "X", property(lambda self: asked.append(1) or x.fget(self), x.fset))
    counts = []
    for samples in (8, 160):
        adata = table(samples, genes(12))
        adata.X = sparse.csr_matrix(adata.X)
        adata.write_h5ad(tmp_path / f"{samples}.h5ad")
        asked.clear()
        pack([tmp_path / f"{samples}.h5ad"], tmp_path / f"{samples}.zarr")
        counts.append(len(asked))
    assert counts[0] == counts[1]
