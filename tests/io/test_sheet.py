"""A sample sheet joins by name, whatever its order and form; nothing is matched or left out without a word."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from hypothesis import given
from hypothesis import strategies as st

from genelight.errors import FormatError, InputError, ResourceError, UnknownNameError
from genelight.io import match_sheet
from genelight.io._sheet_cells import typed

NAMES = ("S01", "S02", "S03", "S04")


def table(names=NAMES, **columns):
    obs = pd.DataFrame(columns, index=list(names))
    return AnnData(np.arange(2.0 * len(names)).reshape(-1, 2), obs=obs, var=pd.DataFrame(index=["TP53", "MX1"]))


def sheet(tmp_path, text, name="sheet.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@given(
    order=st.permutations(range(5)),
    separator=st.sampled_from(",;\t|"),
    place=st.integers(0, 2),
    blanks=st.sampled_from(["", " ", "\u00a0 "]),
    title=st.booleans(),
    case=st.sampled_from([str, str.lower, lambda name: name.replace("0", ""), lambda name: name.replace("S", "S_")]),
)
def test_any_order_separator_and_spelling_gives_the_same(
    tmp_path_factory, order, separator, place, blanks, title, case
):
    names = [f"S0{i}" for i in range(1, 6)]
    rows = []
    for i in order:
        row = ["0012", str(20 + i)]
        row.insert(place, f"{blanks}{case(names[i])}{blanks}")
        rows.append(separator.join(row))
    header = ["code", "age"]
    header.insert(place, "who")
    lines = [*(["Typed by hand"] if title else []), separator.join(header), *rows]
    path = sheet(tmp_path_factory.mktemp("sheet"), "\r\n".join(lines))
    found = match_sheet(table(names), path)
    joined = found.join(table(names))
    assert joined.obs["age"].tolist() == [20, 21, 22, 23, 24]
    assert joined.obs["code"].tolist() == ["0012"] * 5
    assert found.id_column == "who"
    assert len(found.near) == sum(case(name) != name for name in names)
    assert (joined.X == table(names).X).all()


def test_partners_that_are_absent_are_counted_and_shown(tmp_path):
    path = sheet(tmp_path, "id,group\nS03,ill\nS01,well\nS02,ill\nS0S4,ill\nC9,well\n")
    found = match_sheet(table(), path)
    assert (found.no_row, found.no_sample) == (("S04",), ("S0S4", "C9"))
    assert found.alike == {"S0S4": "S04"}
    said = str(found)
    for words in ("3 of 4", "1 samples of the table have no row and are left out: S04", "'S0S4' and 'S04'", "C9"):
        assert words in said
    assert list(found.join(table()).obs_names) == ["S01", "S02", "S03"]


def test_names_that_only_zeros_tell_apart_are_never_merged(tmp_path):
    path = sheet(tmp_path, "id,group\n12,ill\n13,well\n014,ill\n")
    found = match_sheet(table(["12", "0012", "013", "14"]), path)
    assert found.near == {"013": "13", "14": "014"}
    assert found.no_row == ("0012",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,group\nA,ill\nB,well\n", "no column names a sample of the table, whose 4 samples are S01, S02, S03 and"),
        ("S01,ill\nS02,well\nS03,ill\n", "add a line above it"),
        ("id,group\nS01,ill\nS01,well\nS02,ill\n", "whose 'group' is 'ill' and 'well'"),
        ("id,group\nS01,ill\nA,ill\nB,ill\nC,ill\n", "names 1 of 4 samples in 4 rows"),
    ],
)
def test_what_does_not_fit_stops(tmp_path, text, message):
    names = ("S01", "S02", "S03", "S04")
    with pytest.raises(InputError, match=r"sheet\.csv") as error:
        match_sheet(table(names), sheet(tmp_path, text))
    assert message in str(error.value)


def test_files_that_are_no_sheets_stop(tmp_path):
    with pytest.raises(ResourceError, match="does not exist"):
        match_sheet(table(), tmp_path / "absent.csv")
    with pytest.raises(FormatError, match="no table of two columns"):
        match_sheet(table(), sheet(tmp_path, "nothing\n"))
    with pytest.raises(FormatError, match="cannot be read"):
        match_sheet(table(), sheet(tmp_path, b"PK\x03\x04 broken", "sheet.xlsx"))
    with pytest.raises(FormatError, match="truncated or damaged"):
        match_sheet(table(), sheet(tmp_path, b"\x1f\x8b\x08\x00broken", "sheet.csv.gz"))
    with pytest.raises(UnknownNameError, match="did you mean 'Sample'"):
        match_sheet(table(), sheet(tmp_path, "Sample,group\nS01,ill\n"), samples_id="sampel")


def test_rows_that_repeat_or_say_nothing_are_counted(tmp_path):
    path = sheet(tmp_path, "id,group\nS01,ill\nS01,ill\n,\nS02,well\n,lost\nS03,ill\nS04,ill\n")
    said = str(match_sheet(table(), path))
    assert "1 rows repeat another word for word" in said
    assert "1 rows have nothing in that column" in said


def test_samples_in_columns_and_names_that_recur(tmp_path):
    turned = match_sheet(table(), sheet(tmp_path, "what,S01,S02,S03,S04\nage,1,2,3,4\nsex,f,m,f,m\n"))
    assert turned.obs["age"].tolist() == [1, 2, 3, 4]
    assert "turned into rows" in str(turned)
    twice = match_sheet(table(), sheet(tmp_path, "id,age,age,\nS01,1,2,x\nS02,1,2,y\nS03,1,2,y\nS04,1,2,y\n"))
    assert list(twice.obs) == ["id", "age", "age (2)", "column 4"]


def test_names_that_a_file_cannot_hold_are_changed_and_said(tmp_path):
    found = match_sheet(
        table(), sheet(tmp_path, "id,age/yrs,_index,ok\nS01,1,a,True\nS02,,b,False\nS03,2,c,True\nS04,3,d,True\n")
    )
    assert "the column 'age/yrs' is called 'age_yrs'" in str(found)
    joined = found.join(table())
    joined.write_h5ad(tmp_path / "joined.h5ad")
    assert list(joined.obs) == ["id", "age_yrs", "_index (2)", "ok"]
    assert joined.obs["ok"].tolist() == [True, False, True, True]


def test_the_sheet_stands_above_the_tables_own_columns(tmp_path):
    own = table(group=["a", "b", "c", "d"], kept=[1, 2, 3, 4])
    found = match_sheet(own, sheet(tmp_path, "id,group\nS02,x\nS01,x\nS03,x\nS04,y\n"))
    assert "1 columns of the table's own give way to the sheet's: group" in str(found)
    joined = found.join(own)
    assert joined.obs["group"].tolist() == ["x", "x", "x", "y"]
    assert joined.obs["kept"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5", None], "f"),
        (["1", "2", "3"], "i"),
        (["0012", "13", "14"], "O"),
        (["1", "2", "x"], "O"),
        (["1,5", "2", "3,25"], "f"),
        (["1,500", "2,250"], "O"),
        (["12345678901234567890", "1"], "O"),
        (["0.5", "0", "-0.25"], "f"),
    ],
)
def test_text_stays_text_unless_every_cell_is_a_number(cells, kind):
    assert typed(pd.Series(cells, dtype=object)).dtype.kind == kind


def test_minus_beside_plus_is_a_value(tmp_path):
    found = match_sheet(table(), sheet(tmp_path, "id,ana,age\nS01,+,3\nS02,-,NA\nS03,-,5\nS04,+,-\n"))
    assert found.obs["ana"].tolist() == ["+", "-", "-", "+"]
    assert found.obs["age"].isna().tolist() == [False, True, False, True]


def test_a_workbook_with_a_title_and_several_worksheets(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="writes the workbook")
    book = openpyxl.Workbook()
    book.active["A1"] = "Read me first"
    book.active["B1"] = "nothing here"
    page = book.create_sheet("Patients")
    page["A1"] = "Cohort of 2024, typed by hand"
    for row in [[], ["Sample", "Code", "Visit", "Age"], *([n, "0012", "x", 30.0 + i] for i, n in enumerate(NAMES))]:
        page.append(row)
    book.save(path := tmp_path / "sheet.xlsx")
    found = match_sheet(table(), path)
    assert found.file == "sheet.xlsx, worksheet 'Patients'"
    assert found.obs["Age"].tolist() == [30, 31, 32, 33]
    assert found.obs["Code"].tolist() == ["0012"] * 4
    assert "1 line above the column names passed over" in str(found)


@pytest.mark.parametrize("lines", [4, 20_000])
def test_a_quotation_mark_that_is_never_closed_is_placed(tmp_path, lines):
    rows = [f"S{i:05d},ill,a" for i in range(lines)]
    rows[2] = 'S00002,"ill,a'
    path = sheet(tmp_path, "\n".join(["sample,disease,site", *rows]))
    with pytest.raises(FormatError, match="the quotation mark that opens a cell of line 4 is never closed"):
        match_sheet(table(), path)


def test_text_that_is_cut_off_within_a_character_is_named(tmp_path):
    path = sheet(tmp_path, "sample,group\nS01,a\n".encode("utf-16")[:-1])
    with pytest.raises(FormatError, match="begins as UTF-16 and is none"):
        match_sheet(table(), path)


def test_a_cell_of_any_length_and_an_inch_are_read(tmp_path):
    path = sheet(tmp_path, 'sample,note\nS01,"' + "x" * 200_000 + '"\nS02,5" needle\nS03,"a" b\nS04,"c\nd"\n')
    found = match_sheet(table(), path).join(table())
    assert [len(found.obs["note"].iloc[0]), *found.obs["note"].iloc[1:]] == [200_000, '5" needle', "a b", "c d"]
