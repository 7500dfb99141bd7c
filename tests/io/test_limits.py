"""Small files that would take all memory, and files that lead out of themselves, stop before they are read."""

import gzip
import re
import subprocess
import zipfile

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest

from genelight.errors import FormatError, GenelightError, InputError, ResourceError
from genelight.io import read
from genelight.io._budget import free_bytes
from genelight.io._sheet_cells import read_frames

GENES = ["TP53", "MX1", "ISG15", "ACTB"]
TABLE = ad.AnnData(
    np.arange(1.0, 25).reshape(6, 4), obs=pd.DataFrame(index=[f"s{i}" for i in range(6)]), var=pd.DataFrame(index=GENES)
)


@pytest.fixture
def path(tmp_path):
    TABLE.write_h5ad(tmp_path / "x.h5ad")
    return tmp_path / "x.h5ad"


@pytest.mark.parametrize("place", ["uns/a", "obsm/b", "layers/c", "varm/d", "obs/e", "uns/deep/er/f", "raw/X"])
def test_every_part_of_h5ad_counts(path, place):
    with h5py.File(path, "a") as file:
        made = file.create_dataset(place, (40_000_000_000,), "f4", chunks=(1_000_000,), compression="gzip")
        made.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    assert path.stat().st_size < 1_000_000
    with pytest.raises(ResourceError, match=rf"the largest '{place}' with 149.0 GB, .* are free; .* genelight pack"):
        read(path)


@pytest.mark.filterwarnings("ignore")  # of zarr, about its formats
def test_every_part_of_zarr_counts(tmp_path):
    import zarr

    with ad.settings.override(zarr_write_format=3):
        TABLE.write_zarr(tmp_path / "x.zarr")
    group = zarr.open_group(tmp_path / "x.zarr", mode="a")
    group.require_group("uns").create_array("a", shape=(40_000_000_000,), chunks=(1_000_000,), dtype="f4")
    with pytest.raises(ResourceError, match="the largest 'uns/a'"):
        read(tmp_path / "x.zarr")


def test_links_out_of_hdf5_are_refused_unless_asked_for(path, tmp_path, monkeypatch):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        ad.io.write_elem(other, "secret", np.arange(6.0))
    with h5py.File(path, "a") as file:
        file["uns/link"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "secret")
    with pytest.raises(FormatError, match=r"leads out of itself in 1 places \(uns/link\).*export GENELIGHT_LINKS=1"):
        read(path)
    monkeypatch.setenv("GENELIGHT_LINKS", "1")
    assert read(path).uns["link"].tolist() == [0, 1, 2, 3, 4, 5]


def test_external_storage_and_rings_are_refused(path, tmp_path):
    (tmp_path / "raw").write_bytes(bytes(64))
    with h5py.File(path, "a") as file:
        file.create_dataset("uns/out", (8,), "f8", external=[(str(tmp_path / "raw"), 0, 64)])
    with pytest.raises(FormatError, match="uns/out"):
        read(path)
    TABLE.write_h5ad(tmp_path / "y.h5ad")
    with h5py.File(tmp_path / "y.h5ad", "a") as file:
        file["uns/again"] = file["uns"]
    with pytest.raises(FormatError, match="leads back to a part that holds it"):
        read(tmp_path / "y.h5ad")


@pytest.mark.filterwarnings("ignore")  # of zarr, about its formats
def test_symbolic_links_in_zarr_are_refused_unless_asked_for(tmp_path, monkeypatch):
    with ad.settings.override(zarr_write_format=3):
        TABLE.write_zarr(tmp_path / "x.zarr")
    (tmp_path / "x.zarr" / "X").rename(tmp_path / "elsewhere")
    (tmp_path / "x.zarr" / "X").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FormatError, match=r"holds 1 symbolic links \(X\).*export GENELIGHT_LINKS=1"):
        read(tmp_path / "x.zarr")
    monkeypatch.setenv("GENELIGHT_LINKS", "1")
    np.testing.assert_array_equal(read(tmp_path / "x.zarr").X, TABLE.X)


def test_repeated_rows_stop_at_the_budget(tmp_path, monkeypatch):
    rows = b"gene,GSM1,GSM2\n" + b"TP53,1.25,2.5\n" * 3_000_000
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(rows, 6))
    monkeypatch.setenv("GENELIGHT_MEMORY", "0.1")
    with pytest.raises(ResourceError, match=r"in memory where 0\.1 are free"):
        read(tmp_path / "x.csv.gz")


def test_a_workbook_that_unpacks_without_end_stops(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", bytes(200_000_000))
    with pytest.raises((FormatError, ResourceError), match=r"of repetition|of sheets"):
        read(tmp_path / "x.xlsx")


@pytest.mark.parametrize("reader", [read, read_frames], ids=["table", "sheet"])
def test_a_cell_far_away_from_the_others_takes_no_room(tmp_path, reader):
    openpyxl = pytest.importorskip("openpyxl", reason="writes the workbook")
    book = openpyxl.Workbook()
    book.active.append(["gene", "s1", "s2"])
    book.active.append(["TP53", 1, 2])
    book.active["XFD1048576"] = 3
    book.save(tmp_path / "x.xlsx")
    assert (tmp_path / "x.xlsx").stat().st_size < 10_000
    with pytest.raises(FormatError, match=r"would take more than 1,024 MB\); save it again as \.xlsx or \.csv"):
        reader(tmp_path / "x.xlsx")


def test_a_workbook_of_another_kind_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w") as archive:
        archive.writestr("content.xml", "<office:document-content/>")
    with pytest.raises(FormatError, match=r"no \.xlsx workbook; save it again"):
        read_frames(tmp_path / "x.xlsx")


@pytest.mark.parametrize(
    ("head", "entries"),
    [
        ("coordinate real general\n2 2 90000000000\n1 1 5\n", "90,000,000,000 entries"),
        ("array real general\n300000 300000\n5\n", "90,000,000,000 entries"),
        ("array real general\n9000000000000000 3\n5\n", "30,000,000,000,000,000 entries"),
        ("coordinate real general\n2 90000000000000 1\n1 1 5\n", "declares 1 entries in 2 x 90,000,000,000,000"),
    ],
)
def test_what_a_matrix_market_file_declares_counts(tmp_path, head, entries):
    (tmp_path / "matrix.mtx").write_text(f"%%MatrixMarket matrix {head}")
    (tmp_path / "barcodes.tsv").write_text("a\nb\n")
    (tmp_path / "genes.tsv").write_text("E1\tTP53\nE2\tMX1\n")
    with pytest.raises(ResourceError, match=entries):
        read(tmp_path)


def test_the_budget_is_a_number(monkeypatch):
    monkeypatch.setenv("GENELIGHT_MEMORY", "2")
    assert free_bytes() == 2 << 30
    monkeypatch.setenv("GENELIGHT_MEMORY", "much")
    with pytest.raises(InputError, match="export GENELIGHT_MEMORY=8"):
        free_bytes()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["latin-1", "utf-16", "mac"])
def test_the_conversion_that_a_message_names_can_be_pasted(tmp_path, kind, packed):
    text = "gene,GSM1,GSM2\nTP53,1.5,2\nMX1,3,4\nMal\xe9,5,6\n"
    content = {
        "latin-1": text.encode("latin-1"),
        "utf-16": text.encode("utf-16"),
        "mac": text.replace("\n", "\r").encode(),
    }
    folder = tmp_path / "a folder"
    folder.mkdir()
    file = folder / ("my table.csv.gz" if packed else "my table.csv")
    file.write_bytes(gzip.compress(content[kind]) if packed else content[kind])
    with pytest.raises(GenelightError) as caught:
        read(file)
    command = str(caught.value).partition("convert it: ")[2]
    assert command, str(caught.value)
    subprocess.run(["bash", "-c", command], check=True)
    assert read(folder / "converted_my table.csv").shape == (2, 3)


def test_a_line_end_that_a_message_asks_for_can_be_pasted(tmp_path):
    file = tmp_path / "my table.csv"
    file.write_text("gene,GSM1,GSM2\nTP53,1.5,2\nMX1,3,4")
    with pytest.raises(FormatError) as caught:
        read(file)
    subprocess.run(["bash", "-c", re.search("echo >> .*", str(caught.value))[0]], check=True)
    assert read(file).shape == (2, 2)


def test_control_characters_reach_no_name(tmp_path):
    table = TABLE.copy()
    table.obs["group\x1b[31m"] = ["a\tb", "c\nd"] * 3
    table.obs_names = ["s\x1b[2J0", *table.obs_names[1:]]
    table.write_h5ad(tmp_path / "x.h5ad")
    found = read(tmp_path / "x.h5ad")
    everything = [*found.obs_names, *found.obs.columns, *found.obs.iloc[:, 0].astype(str)]
    assert all(text.isprintable() for text in everything)
    assert "control characters" in found.uns["read"]["notes"]
