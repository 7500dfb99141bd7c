"""The damage table of docs/reading.md: every kind of damage is an error that names the file, or a correct read."""

import gzip
import re
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from scipy import sparse

from genelight.errors import FormatError, GenelightError
from genelight.io import read
from genelight.io.text import _lines
from genelight.io.text._cells import parse

DOCS = Path(__file__).parents[2] / "docs" / "reading.md"
GENES = ["TP53", "MX1", "ISG15", "ACTB"]
SAMPLES = [f"GSM{i}" for i in range(1, 31)]
X = np.round(np.random.default_rng(0).normal(6, 3, (30, 4)), 3)
TABLE = pd.DataFrame(X, index=SAMPLES, columns=GENES)
CSV = TABLE.to_csv()
LINES = CSV.splitlines(keepends=True)


def line(number: int, text: str) -> str:
    """The table with one of its lines, from 1, replaced."""
    return "".join([*LINES[: number - 1], text, *LINES[number:]])


def edited(change):
    """The h5ad file after a change made through h5py."""

    def build(folder):
        path = folder / "x.h5ad"
        ad.AnnData(X, obs=pd.DataFrame(index=SAMPLES), var=pd.DataFrame(index=GENES)).write_h5ad(path)
        with h5py.File(path, "a") as file:
            change(file)
        return path

    return build


whole = edited(lambda file: None)


def replaced(x):
    def change(file):
        del file["X"]
        ad.io.write_elem(file, "X", x)

    return edited(change)


def vast(file):
    del file["X"]
    made = file.create_dataset("X", (10**7, 10**7), "f8", chunks=(1000, 1000))
    made.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})


def vast_beside(file):
    file.create_dataset("uns/a", (10**12,), "f8", chunks=(1000,))


def linked(file):
    file["uns/a"] = h5py.ExternalLink("/other.h5", "x")


def sparse_parts(key, value):
    def build(folder):
        path = folder / "x.h5ad"
        x = sparse.csr_matrix(X)
        ad.AnnData(x, obs=pd.DataFrame(index=SAMPLES), var=pd.DataFrame(index=GENES)).write_h5ad(path)
        with h5py.File(path, "a") as file:
            file["X"][key][:] = value
        return path

    return build


def tenx(**parts):
    x = sparse.csr_matrix(X)
    usual = {
        "data": x.data,
        "indices": x.indices,
        "indptr": x.indptr,
        "shape": (4, 30),
        "barcodes": np.array(SAMPLES, "S"),
    }

    def build(folder):
        with h5py.File(folder / "x.h5", "w") as file:
            for key, value in {**usual, **parts}.items():
                file[f"matrix/{key}"] = value
            file["matrix/features/name"] = file["matrix/features/id"] = np.array(GENES, "S")
        return folder / "x.h5"

    return build


def folder_of(**files):
    def build(folder):
        for name, text in files.items():
            (folder / name.replace("__", ".")).write_text(text)
        return folder

    return build


def arrow(table):
    def build(folder):
        pa.parquet.write_table(table, folder / "x.parquet")
        return folder / "x.parquet"

    return build


def loom(**parts):
    usual = {"matrix": X.T, "row_attrs/Gene": np.array(GENES, "S"), "col_attrs/CellID": np.array(SAMPLES, "S")}

    def build(folder):
        with h5py.File(folder / "x.loom", "w") as file:
            for key, value in {**usual, **{k.replace("__", "/"): v for k, v in parts.items()}}.items():
                file[key] = value
        return folder / "x.loom"

    return build


GEO = (
    '!Series_title\t"x"\n!Sample_geo_accession\t' + "\t".join(f'"{s}"' for s in SAMPLES) + "\n"
    "!series_matrix_table_begin\n" + TABLE.T.to_csv(sep="\t", index_label="ID_REF") + "!series_matrix_table_end\n"
)
GCT = "#1.2\n4\t30\n" + TABLE.T.assign(Description="-")[["Description", *SAMPLES]].to_csv(sep="\t", index_label="Name")
MTX = "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 5\n2 2 7\n"
TINY = {"matrix__mtx": MTX, "barcodes__tsv": "s1\ns2\n", "genes__tsv": "E1\tTP53\nE2\tMX1\n"}
EMPTY_GEO = re.sub(r"(ID_REF[^\n]*\n).*(?=!series_matrix_table_end)", r"\1", GEO, flags=re.DOTALL)
FAR = CSV + "".join(f"P{i},1,2,3,4\n" for i in range(90))
WITH_SUMS = "".join(f"{line},9000,70\n" for line in CSV.splitlines()[1:])
LONG = TABLE.rename_axis("sample").reset_index().melt("sample", var_name="gene", value_name="value").to_csv(index=False)
ZIPPED = gzip.compress(CSV.encode())
NESTED = pa.table({"id": ["a", "b"], "x": [[1], [2]]})

# Kind of damage; the file, as text, bytes or a function that writes it; what the error says, or the matrix read.
DAMAGE: list[tuple[str, object, object]] = [
    *((f"text cut at {q} of 4 quarters", CSV[: len(CSV) * q // 4], "cells|line|cut short") for q in (1, 2, 3)),
    ("text cut within its last number", CSV[:-2], "may be cut short.*echo >>"),
    ("text without a last newline", CSV[:-1], "may be cut short.*echo >>"),
    ("gzip text without a last newline", gzip.compress(CSV[:-1].encode()), X),
    ("text cut in its header", CSV[:15], "a header and no rows|no line"),
    *((f"gzip cut at {q} of 4 quarters", ZIPPED[: len(ZIPPED) * q // 4], "truncated or damaged") for q in (1, 2, 3)),
    ("gzip without its last byte", ZIPPED[:-1], "truncated or damaged"),
    ("gzip with a changed byte", ZIPPED[:200] + bytes([ZIPPED[200] ^ 255]) + ZIPPED[201:], "truncated or damaged|line"),
    (
        "gzip that unpacks to repetition without end",
        gzip.compress(b"gene,GSM1\nA,1\n" + b"\n" * 40_000_000),
        "of repetition",
    ),
    ("gzip of one endless line", gzip.compress(b"gene,GSM1\nA,1\n" + b"1," * 20_000_000), "of repetition|longer than"),
    ("gzip of a gzip", gzip.compress(ZIPPED), "binary data|not a text|damaged"),
    ("gzip of nothing", gzip.compress(b""), "empty|damaged"),
    ("an empty file", b"", "is an empty file"),
    ("blank lines only", "\n\n\n", "nothing but blanks"),
    ("a header and no rows", LINES[0], "a header and no rows"),
    ("comments only", "# a\n# b\n", "no line that is not a comment"),
    ("a wrong magic number", b"\x00\x01\x02\x03" * 50, "binary data"),
    ("a zip archive or Excel workbook", b"PK\x03\x04" + bytes(60), "Excel workbook"),
    ("an R data file", gzip.compress(b"RDX3\nX\n\x00\x00"), "an R data file"),
    ("a web page instead of data", "<!DOCTYPE html><html>Not found</html>", "a web page"),
    ("a row with a cell too few", line(20, "GSM19,1,2,3\n"), "line 20: 4 cells"),
    ("a row with a cell too many", line(20, "GSM19,1,2,3,4,5\n"), "line 20: 6 cells"),
    ("text among numbers", line(20, "GSM19,1,2,high,4\n"), r"line 20(, column 'ISG15')?: 'high' is no number"),
    (
        "text among numbers, far down",
        FAR + "q,1,x,3,4\n",
        "line 122",
    ),
    ("a quote that is not closed", line(20, '"GSM19,1,2,3,4\n'), "line 20|line"),
    ("decimal comma and point in one table", "g;GSM1;GSM2\nTP53;1,5;2\nMX1;1.5;2\n", "writes both"),
    ("commas that may be thousands", "g;GSM1;GSM2\nTP53;1,500;2\nMX1;2,500;2\n", "fraction or thousands"),
    ("repeated samples", CSV + LINES[1], "1 sample names occur more than once"),
    ("repeated genes A, B, A", "g,GSM1,GSM2\nA,1,2\nB,3,4\nA,5,6\n", [[1, 3, 5], [2, 4, 6]]),
    ("a header one cell short (R's write.table)", CSV.removeprefix(","), X),
    ("no header", "".join(LINES[1:]), "line 1 holds values"),
    ("no row names", TABLE.to_csv(index=False), X),
    ("two orientations equally likely", "id,x,y\na,1,2\nb,3,4\n", "say orientation="),
    ("UTF-16", CSV.encode("utf-16"), "is UTF-16 text; convert it: iconv"),
    ("UTF-16 without a mark", CSV.encode("utf-16-le"), "UTF-16 text|binary data"),
    ("Latin-1", line(20, "Mal\xe9,1,2,3,4\n").encode("latin-1"), r"line 20 is not UTF-8 text \(byte 0xe9\)"),
    ("UTF-8 with letters beyond ASCII", line(20, "Malé 1,1,2,3,4\n"), np.vstack([X[:18], [[1, 2, 3, 4]], X[19:]])),
    ("a byte order mark", "\ufeff" + CSV, X),
    ("line ends of Windows", CSV.replace("\n", "\r\n"), X),
    ("line ends of old Macs", CSV.replace("\n", "\r"), "old Macs"),
    ("a null byte in text", line(20, "GSM19,1,2\0,3,4\n"), "not a text table|no number|binary"),
    ("one sample", "".join(LINES[:2]), X[:1]),
    ("one gene", "gene,GSM1,GSM2\nTP53,1,2\n", [[1], [2]]),
    ("no gene", "sample,disease\nGSM1,sle\nGSM2,healthy\n", "no column of numbers"),
    ("negative counts", "gene,GSM1,GSM2\nTP53,-1,2\nMX1,3,-4\n", [[-1, 3], [2, -4]]),
    ("values in the billions", "gene,GSM1,GSM2\nTP53,4000000000,2\nMX1,3,9007199254740993\n", [[4e9, 3], [2, 2**53]]),
    ("infinite values", "gene,GSM1,GSM2\nTP53,Inf,2\nMX1,3,-inf\n", [[np.inf, 3], [2, -np.inf]]),
    ("numbers out of range", "gene,GSM1,GSM2\nTP53,1e999,2\nMX1,3,1e-999\n", [[np.inf, 3], [2, 0]]),
    ("missing values", "gene,GSM1,GSM2\nTP53,NA,2\nMX1,3,\nA,1,1\n", [[np.nan, 3, 1], [2, np.nan, 1]]),
    ("a clinical number among genes", TABLE.assign(sledai=range(30)).to_csv(), X),
    ("a number of genes among samples", TABLE.T.assign(mean=[5, 7, 9, 11]).to_csv(), X),
    ("missing gene symbols", TABLE.assign(NA=1.5).to_csv(), X),
    ("no header, whole numbers", "TP53\t1\t2\nMX1\t3\t4\nISG15\t5\t6\n", "line 1 holds values"),
    ("sums of reads and spike-ins", CSV.splitlines()[0] + ",__no_feature,ERCC-00002\n" + WITH_SUMS, X),
    ("names in another column", TABLE.rename_axis("id").reset_index().assign(a="x")[["a", "id", *GENES]].to_csv(), X),
    ("a row for each gene and sample", LONG, X),
    ("thousands parted by commas", "g\tGSM1\tGSM2\nTP53\t1,234,567\t2\nMX1\t3\t4\n", [[1234567, 3], [2, 4]]),
    ("a sample that holds text", "g,GSM1,GSM2,GSM3\nTP53,1,x,2\nMX1,3,y,4\n", "column 'GSM2' is named as the others"),
    ("a sample of zeros", CSV + "P1,0,0,0,0\n", "nothing but zeros or missing values \\(P1\\).*--drop-empty"),
    ("a title above and empty columns behind", "Cohort A,,,,,,\n" + CSV.replace("\n", ",,\n"), X),
    (
        "a measure that is a gene's name too",
        TABLE.assign(age=range(30), HGB=12.5).to_csv(),
        "HGB may be genes or describe",
    ),
    ("h5ad with a vast part beside X", edited(vast_beside), "the largest 'uns/a'"),
    ("h5ad with a link to another file", edited(linked), "leads out of itself .*GENELIGHT_LINKS"),
    ("a path that is a folder", folder_of(notes__md="no table"), "is a folder"),
    ("a path that does not exist", lambda folder: folder / "absent.csv", "does not exist"),
    ("gene sets instead of expression", "A\thttp\tTP53\tMX1\nB\thttp\tISG15\n", "read_sets"),
    ("a network instead of expression", "source,target\nTP53,MX1\n", "read_network"),
    *((f"h5ad cut at {q} of 4 quarters", lambda f, q=q: cut(whole(f), q / 4), "truncated") for q in (1, 2, 3)),
    ("h5ad without X", edited(lambda file: file.__delitem__("X")), "X is absent"),
    ("h5ad without var", edited(lambda file: file.__delitem__("var")), "HDF5 .*keys"),
    ("h5ad of complex numbers", replaced(np.zeros((30, 4), complex)), "type complex128"),
    ("h5ad of objects", replaced(np.full((30, 4), "a", object)), "not of real numbers"),
    ("h5ad of truth values", replaced(np.zeros((30, 4), bool)), "type bool"),
    ("h5ad of another shape than its names", replaced(np.zeros((29, 4))), "truncated or damaged"),
    ("h5ad of three dimensions", replaced(np.zeros((30, 4, 2))), "x.h5ad"),
    ("h5ad larger than memory", edited(vast), "GB in memory where"),
    ("sparse indices beyond the matrix", sparse_parts("indices", 99), "damaged|x.h5ad"),
    ("sparse rows out of order", sparse_parts("indptr", np.arange(31)[::-1] * 4), "damaged|x.h5ad"),
    ("10x with indices beyond the matrix", tenx(indices=np.full(120, 99)), "damaged"),
    ("10x with fewer barcodes than columns", tenx(barcodes=np.array(SAMPLES[:5], "S")), "5 barcodes"),
    ("10x of another shape", tenx(shape=(4, 31)), "damaged"),
    ("Matrix Market without barcodes", folder_of(**{k: v for k, v in TINY.items() if "bar" not in k}), "barcodes"),
    ("Matrix Market cut short", folder_of(**{**TINY, "matrix__mtx": MTX[:-6]}), "truncated or damaged"),
    ("Matrix Market with too few genes", folder_of(**{**TINY, "genes__tsv": "E1\tTP53\n"}), "1 features"),
    ("loom without names of genes", lambda f: without(loom()(f), "row_attrs/Gene"), "has none of Gene"),
    ("loom with too few names", loom(row_attrs__Gene=np.array(GENES[:3], "S")), "has none of Gene"),
    ("Parquet cut in half", lambda f: cut(arrow(pa.Table.from_pandas(TABLE))(f), 0.5), "truncated or damaged"),
    ("Parquet of lists", arrow(NESTED), "neither number nor text"),
    ("Parquet without row names", arrow(pa.table({"TP53": [1.0], "MX1": [2.0]})), "no column of text names the rows"),
    ("series matrix without its end", GEO[:-40], "truncated|line"),
    (
        "series matrix without values",
        EMPTY_GEO,
        "no values",
    ),
    ("series matrix with other samples", GEO.replace('"GSM7"', '"GSM77"'), "differ in GSM7"),
    ("GCT with too few rows", GCT.replace("4\t30", "5\t30"), "4 rows where its second line says 5"),
    ("GCT without its size", GCT.replace("4\t30", "many"), "line 2: GCT"),
    (
        "tables of samples with repeated genes",
        folder_of(a__txt="A\t1\nA\t2\n", b__txt="A\t1\nB\t2\n"),
        "genes occur more",
    ),
]


def cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def without(path, key):
    with h5py.File(path, "a") as file:
        del file[key]
    return path


@pytest.fixture(autouse=True)
def small_bombs(monkeypatch):
    monkeypatch.setattr(_lines, "BOMB_BYTES", 20_000_000)
    monkeypatch.setattr(_lines, "LONGEST_LINE", 20_000_000)


@pytest.mark.parametrize(("name", "content", "outcome"), DAMAGE, ids=[name for name, _, _ in DAMAGE])
def test_damage_is_named_or_read_right(tmp_path, name, content, outcome):
    path = tmp_path / "x.csv"
    if callable(content):
        path = content(tmp_path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if not isinstance(outcome, str):
        np.testing.assert_array_equal(read(path).X, outcome)
        return
    with pytest.raises(GenelightError) as caught:
        read(path)
    assert re.search(outcome, str(caught.value)), str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_table_in_the_documentation_is_this_one():
    rows = re.findall(r"^\| (?!kind|format|---)(.*?) \| (error|read) \|", DOCS.read_text(), re.M)
    assert rows == [(name, "error" if isinstance(outcome, str) else "read") for name, _, outcome in DAMAGE]
    assert len(rows) >= 50


@pytest.mark.parametrize(
    "text",
    [CSV, gzip.compress(CSV.encode(), mtime=0), GEO, GCT, gzip.compress(GEO.encode(), mtime=0)],
    ids=["csv", "csv.gz", "geo", "gct", "geo.gz"],
)
def test_no_changed_byte_gives_a_traceback(tmp_path, text):
    content = text if isinstance(text, bytes) else text.encode()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(content), 60):
        flipped = content[:place] + bytes([content[place] ^ int(rng.integers(1, 256))]) + content[place + 1 :]
        (tmp_path / "x").write_bytes(flipped)
        try:
            read(tmp_path / "x")
        except GenelightError as error:
            assert str(tmp_path) in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.csv", "gene,s1,s2,s3\nTP53,1.5,2,3\nMX1,4,5,6\nISG15,7,8,9\n\t \n\r", "1 cells where the header makes 4"),
        ("x.gct", f"#1.2\n{'9' * 5000}\t2\nid\tDescription\tS1\tS2\nTP53\t\t1\t2\n", "needs 2 whole numbers there"),
        (
            "x.txt",
            '!Sample_title\t"a"\t"b"\n!series_matrix_table_begin\n"ID_REF"\t"G1"\t"G2"\n"TP53"\t1.5\t2\n'
            '"MX1"\t3\t4\x02!series_matrix_table_end\n',
            "'4.x02!series_matrix_table_end' is no number|no line !series_matrix_table_end",
        ),
    ],
)  # fmt: skip
def test_what_the_fuzzer_found_is_refused_in_words(tmp_path, name, text, said):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(FormatError, match=said):
        read(path)


def test_a_block_without_its_last_newline_is_parsed_within_its_memory():
    cells = parse(b"TP53\t1\t2\nMX1\t3\t4", np.array([0, 1, 1], np.uint8), separator="\t")
    np.testing.assert_array_equal(cells.values_rc, [[1, 2], [3, 4]])
