"""Delimited text: every way of writing one table is read as that table, and what is not one is named by line."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from genelight.errors import FormatError, InputError, UnknownNameError
from genelight.io import read
from genelight.io.text import _lines
from genelight.io.text._cells import BadLine, parse
from genelight.io.text._signs import NUMBER, TEXT

GENES = ["TP53", "MX1", "ISG15", "ACTB"]
SAMPLES = ["GSM1", "GSM2", "GSM3"]
X = np.array([[1.5, 2, 0, -4], [10, 0.25, 3e5, 7], [8, 9, 1e-7, 12]])
TABLE = pd.DataFrame(X, index=SAMPLES, columns=GENES)


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "x.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def quoted(table: pd.DataFrame, separator: str = ",") -> str:
    return table.to_csv(sep=separator, quoting=2)


def r_table(table: pd.DataFrame, separator: str = " ") -> str:
    """As R's write.table writes: the header is one cell short."""
    return table.to_csv(sep=separator, quoting=2).removeprefix('""' + separator)


WAYS = {
    "genes in columns": TABLE.to_csv(),
    "genes in rows": TABLE.T.to_csv(),
    "tabs": TABLE.to_csv(sep="\t"),
    "semicolons": TABLE.to_csv(sep=";"),
    "decimal commas": TABLE.to_csv(sep=";", decimal=","),
    "decimal commas and tabs": TABLE.T.to_csv(sep="\t", decimal=","),
    "bars": TABLE.to_csv(sep="|"),
    "quoted": quoted(TABLE),
    "R's write.table": r_table(TABLE),
    "R's write.table, genes in rows": r_table(TABLE.T, "\t"),
    "byte order mark": "\ufeff" + TABLE.to_csv(),
    "Windows line ends": TABLE.to_csv(lineterminator="\r\n"),
    "comments": "# made by hand\n## twice\n\n" + TABLE.to_csv(),
    "a header with a hash": TABLE.to_csv(sep="\t", index_label="#sample"),
    "empty lines": TABLE.to_csv().replace("\n", "\n\n"),
    "a trailing separator": TABLE.to_csv().replace("\n", ",\n"),
    "blanks around numbers": TABLE.to_csv().replace(",", ", "),
    "plus signs": TABLE.to_csv().replace(",1", ",+1"),
    "gzip": gzip.compress(TABLE.to_csv().encode()),
    "gzip in two parts": gzip.compress(TABLE.to_csv().encode()[:40]) + gzip.compress(TABLE.to_csv().encode()[40:]),
    "a counted first column": TABLE.reset_index(names="sample").to_csv(),
}


@pytest.mark.parametrize("way", WAYS)
def test_one_table_in_every_way(write, way):
    adata = read(write(WAYS[way], "x.dat"))
    assert list(adata.obs_names) == SAMPLES
    assert list(adata.var_names) == GENES
    np.testing.assert_array_equal(adata.X, X)


@given(
    values=hnp.arrays(
        np.float64, st.tuples(st.integers(1, 6), st.integers(3, 8)), elements=st.floats(allow_infinity=True)
    ),
    separator=st.sampled_from(["\t", ",", ";"]),
    genes_in_rows=st.booleans(),
    packed=st.booleans(),
    quote=st.sampled_from([0, 2]),
)
def test_any_numbers_come_back_to_the_bit(tmp_path_factory, values, separator, genes_in_rows, packed, quote):
    names = ["ACTB", "GAPDH", "TP53", *(f"ABC{i}" for i in range(5))]
    table = pd.DataFrame(values, index=[f"s{i}" for i in range(len(values))], columns=names[: values.shape[1]])
    table = table[~table.isna().all(axis=1)]
    table = table.loc[:, ~table.isna().all(axis=0)]
    lowest, highest = table.min(axis=1), table.max(axis=1)
    table = table[(lowest < highest) | (np.isfinite(highest) & (highest != 0))]  # others are asked about
    if min(table.shape) < 1 or table.shape[1] < 3:
        return
    text = (table.T if genes_in_rows else table).to_csv(sep=separator, quoting=quote).encode()
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    path.write_bytes(gzip.compress(text) if packed else text)
    back = read(path)
    np.testing.assert_array_equal(back.X, table.to_numpy())
    assert [*back.obs_names, *back.var_names] == [*table.index, *table.columns]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50), st.integers(0, 17))
def test_every_notation_is_the_nearest_double(numbers, digits):
    for form in (f".{digits}f", f".{digits}e", f".{digits + 1}g"):
        texts = [format(number, form) for number in numbers]
        block = "".join(f"a,{text}\n" for text in texts).encode()
        got = parse(block, np.array([TEXT, NUMBER], np.uint8), separator=",").values_rc[:, 0]
        np.testing.assert_array_equal(got, [float(text) for text in texts])


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 20])
def test_blocks_of_any_size_give_the_same(write, monkeypatch, size):
    monkeypatch.setattr(_lines, "BLOCK", size)
    path = write(gzip.compress(("\ufeff" + quoted(TABLE) + "\n").encode()))
    np.testing.assert_array_equal(read(path).X, X)


def test_text_beside_numbers_describes_samples_or_genes(write):
    samples = TABLE.assign(disease=["sle", "healthy", "NA"], age=[20, 30, 40])
    adata = read(write(samples.to_csv()))
    assert list(adata.var_names) == GENES
    assert adata.obs["disease"].tolist()[:2] == ["sle", "healthy"]
    assert adata.obs["disease"].isna().tolist() == [False, False, True]
    assert adata.obs["age"].tolist() == [20, 30, 40]
    genes = TABLE.T.assign(Chr=["1", "2", "X", "Y"], Start=[5, 6, 7, 8], Length=[100, 200, 300, 400])
    counts = "# Program:featureCounts v2.0\n" + genes[["Chr", "Start", "Length", *SAMPLES]].to_csv(index_label="Geneid")
    adata = read(write(counts))
    assert list(adata.obs_names) == SAMPLES
    assert adata.var["Length"].tolist() == [100, 200, 300, 400]
    np.testing.assert_array_equal(adata.X, X)


@pytest.mark.parametrize("missing", ["", "NA", "NaN", "null", "-", "#N/A", "N/A", "."])
def test_missing_values_are_missing(write, missing):
    text = f"gene,GSM1,GSM2\nTP53,1,{missing}\nMX1,{missing},3\nACTB,4,5\n"
    np.testing.assert_array_equal(read(write(text)).X, [[1, np.nan, 4], [np.nan, 3, 5]])


def test_repeated_genes_stay(write):
    adata = read(write("gene,GSM1,GSM2\nA,1,2\nB,3,4\nA,5,6\n"))
    assert list(adata.var_names) == ["A", "B", "A"]
    np.testing.assert_array_equal(adata.X, [[1, 3, 5], [2, 4, 6]])


@pytest.mark.parametrize(
    ("rows", "columns", "corner", "way"),
    [
        (GENES, ["a1", "b1"], "", "genes-in-rows"),
        (["ENSG00000141510.5", "ENSG00000157601"], ["x", "y"], "", "genes-in-rows"),
        (["x", "y"], ["TP53|7157", "MX1|4599"], "", "samples-in-rows"),
        (["7157", "4599"], ["x", "y"], "", "genes-in-rows"),
        (["BRAF", "KIT"], ["GSM1", "GSM2"], "", "genes-in-rows"),
        (["BRAF", "KIT"], ["x", "y"], "symbol", "genes-in-rows"),
        (["x", "y"], ["BRAF", "KIT"], "patient", "samples-in-rows"),
        (["1007_s_at", "1552256_a_at"], ["x", "y"], "ID_REF", "genes-in-rows"),
        ([f"q{i}z" for i in range(1000)], ["x", "y"], "", "genes-in-rows"),
        (["x", "y"], [f"q{i}z" for i in range(1000)], "", "samples-in-rows"),
    ],
)
def test_orientation_is_told_from_names_and_numbers(write, rows, columns, corner, way):
    table = pd.DataFrame(np.arange(len(rows) * len(columns)).reshape(len(rows), -1) + 0.5, rows, columns)
    adata = read(write(table.to_csv(index_label=corner)))
    assert adata.uns["read"]["orientation"] == way, adata.uns["read"]
    assert list(adata.obs_names) == (columns if way == "genes-in-rows" else rows)


def test_equally_likely_orientations_ask(write):
    path = write("id,x,y\na,1,2\nb,3,4\n")
    with pytest.raises(FormatError, match="say orientation='genes-in-rows' or 'samples-in-rows'"):
        read(path)
    np.testing.assert_array_equal(read(path, orientation="genes-in-rows").X, [[1, 3], [2, 4]])
    np.testing.assert_array_equal(read(path, orientation="samples-in-rows").X, [[1, 2], [3, 4]])
    with pytest.raises(UnknownNameError, match="unknown orientation 'genes'; there are 2: genes-in-rows"):
        read(path, orientation="genes")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gene,GSM1,GSM2\nTP53,1,2\nMX1,3\nACTB,4,5\n", "line 3: 2 cells parted by commas, where other lines have 3"),
        ("gene,GSM1,GSM2\n" + "TP53,1,2\n" * 80 + "MX1,3\n", "line 82: 2 cells where the header makes 3"),
        ("gene,GSM1,GSM2\n" + "TP53,1,2\n" * 80 + "MX1,3,x\n", "line 82, column 'GSM2': 'x' is no number"),
        ("gene,GSM1,GSM2\nTP53,1,2\nMX1,3,high\n", "line 3, column 'GSM2': 'high' is no number"),
        ('gene,GSM1,GSM2\nTP53,1,2\n"MX1,3,2\n', "x.csv, line"),
        ("gene,GSM1,GSM2\n" + "TP53,1,2\n" * 80 + '"MX1,3,1\n', "line 82: a quote is opened and not closed"),
        ("gene,GSM1,GSM2\n", "has a header and no rows"),
        ("# only\n# comments\n", "no line that is not a comment"),
        ("TP53,1.5,2\nMX1,3,4.5\n", "line 1 holds values (TP53, 1.5, 2), not names"),
        ("GSM1,GSM2\n1.5,2\n3,4.5\n", "no column names the rows"),
        ("gene;GSM1;GSM2\nTP53;1,5;2.5\n", "writes both '1,5' and '2.5'"),
        ("gene;GSM1;GSM2\nTP53;1,234;2,345\nMX1;1;2\n", "may be a fraction or thousands"),
        ("gene\tGSM1\tGSM2\nTP53\t1e5\t0x1F\nMX1\t1\t2\n", "line 2, column 'GSM2': '0x1F' is no number"),
        ("just words\nand more of them here\n", "x.csv"),
        ("oneword\nanother\n", "do not part into columns"),
        ("gene,GSM1,\nTP53,1,2\nMX1,3,4\n", "1 samples have no name"),
    ],
)
def test_what_is_no_table_names_the_line(write, text, said):
    with pytest.raises((FormatError, InputError)) as caught:
        read(write(text))
    assert said in str(caught.value)
    assert "x.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("HALLMARK\thttp\tTP53\tMX1\nOTHER\thttp\tISG15\n", "read_sets"),
        ("source,target,weight\nMX1,ISG15,900\n", "read_network"),
        ("MX1\tpp\tISG15\nTP53\tpp\tMDM2\n", "read_network"),
        ("doid_name\tsymbol\nlupus\tIRF5\n", "read_gene_lists"),
        ("id,symbol\n1007_s_at,DDR1\n", "map_ids"),
        ("gene,pval\nTP53,0.1\nMX1,0.2\n", "statistics of genes"),
        ("sample,disease\nGSM1,sle\nGSM2,healthy\n", "no column of numbers"),
    ],
)
def test_other_tables_are_sent_to_their_verb(write, text, verb):
    with pytest.raises(FormatError, match=verb):
        read(write(text))


def test_a_bad_line_is_counted_over_blocks(write, monkeypatch):
    monkeypatch.setattr(_lines, "BLOCK", 16)
    with pytest.raises(FormatError, match="line 103, column 'GSM1': 'bad' is no number"):
        read(write("# note\ngene,GSM1,GSM2\n" + "TP53,1,2\n" * 100 + "MX1,bad,2\n"))


def test_a_cell_out_of_place_is_told_by_the_parser():
    with pytest.raises(BadLine, match="no number"):
        parse(b"a,1\nb,x\n", np.array([TEXT, NUMBER], np.uint8), separator=",")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are listed under Linux alone")
@pytest.mark.parametrize(
    "text", ["gene,GSM1,GSM2\n" + "TP53,1,2\n" * 80 + "MX1,3\n", "gene,GSM1,GSM2\n" + "TP53,1,2\n" * 80 + "MX1,3,x\n"]
)
def test_a_file_that_fails_is_closed_while_its_error_is_held(write, text):
    path = write(text)
    with pytest.raises(FormatError) as caught:
        read(path)
    assert caught.value.__traceback__ is not None
    still = [each.readlink() for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    assert path.resolve() not in still


def test_an_empty_sample_is_told_wherever_its_only_values_might_stand(write):
    x = np.zeros((6, 900))
    x[np.arange(5), [0, 255, 256, 899, 511]] = 1.5
    table = pd.DataFrame(x, index=[f"GSM{i + 1}" for i in range(6)], columns=[f"ENSG{i:011d}" for i in range(900)])
    with pytest.raises(InputError, match=r"1 of 6 samples hold nothing but zeros.*GSM6"):
        read(write(table.to_csv()))
    found = read(write(table.to_csv()), drop_empty=True)
    assert found.obs_names.tolist() == ["GSM1", "GSM2", "GSM3", "GSM4", "GSM5"]
