import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genelight._core.tables import read_parquet, read_tsv, write_parquet, write_plain, write_tsv
from genelight.errors import FormatError

FORMATS = {"parquet": (write_parquet, read_parquet), "tsv": (write_tsv, read_tsv)}
# A gene called NA, text with commas and quotes, an absent number.
TABLE = pd.DataFrame({"gene": ["NA", 'a, "b"', "µ"], "score": [1.5, float("nan"), -2.0], "rank": [1, 2, 3]})


@pytest.fixture(params=FORMATS)
def kept(request, tmp_path):
    write, read = FORMATS[request.param]
    path = tmp_path / f"table.{request.param}"
    write(path, TABLE, kind="module", version=1, about={"name": "flu", "sizes": [1, 2]})
    return path, read, write


def test_round_trip(kept):
    path, read, _ = kept
    table, about = read(path, kind="module", newest=1)
    pd.testing.assert_frame_equal(table, TABLE)
    assert about == {"name": "flu", "sizes": [1, 2]}


def test_another_kind_and_a_newer_version_are_refused(kept):
    path, read, write = kept
    with pytest.raises(FormatError, match=r"is no evidence \(module\)"):
        read(path, kind="evidence", newest=1)
    write(path, TABLE, kind="module", version=2, about={})
    with pytest.raises(FormatError, match=r"format 2, newer than 1; upgrade"):
        read(path, kind="module", newest=1)


def test_absent_and_truncated_files_are_named(kept):
    path, read, _ = kept
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(FormatError, match=path.name):
        read(path, kind="module", newest=1)
    path.unlink()
    with pytest.raises(FormatError, match="is missing"):
        read(path, kind="module", newest=1)


def test_tables_of_others_are_told_apart(tmp_path):
    TABLE.to_parquet(tmp_path / "theirs.parquet")
    TABLE.to_csv(tmp_path / "theirs.tsv", sep="\t")
    for suffix, (_, read) in FORMATS.items():
        with pytest.raises(FormatError, match="not written by genelight"):
            read(tmp_path / f"theirs.{suffix}", kind="module", newest=1)


@pytest.mark.parametrize(
    "text",
    [
        "# genelight {broken\na\tb\n1\t2\n",
        '# genelight {"kind": "module", "version": 1}\na\tb\n1\t2\n',
        '# genelight {"kind": "module", "about": {}}\na\tb\n1\t2\n',
        '# genelight {"kind": "module", "version": 1, "about": {}}\na\tb\n1\t2\t3\t4\n1\t2\n1\t2\t3\t4\t5\n',
        '# genelight {"kind": "module", "version": 1, "about": {}}\n',
        '# genelight ["module"]\n',
        "\0\1\2",
    ],
)
def test_a_hand_edited_tsv_is_refused_with_its_name(tmp_path, text):
    path = tmp_path / "05_module.tsv"
    path.write_text(text)
    with pytest.raises(FormatError, match=r"05_module\.tsv"):
        read_tsv(path, kind="module", newest=1)


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=8), min_size=1, max_size=5))
def test_any_name_comes_back_from_a_stamped_table_and_breaks_no_line(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("names") / "t.tsv"
    table = pd.DataFrame({"name": names, "value": range(len(names))})
    write_tsv(path, table, kind="test", version=1, about={})
    back, _ = read_tsv(path, kind="test", newest=1, text=("name",))
    assert list(back["name"]) == names
    assert len(path.read_text(encoding="utf-8").split("\n")) == len(names) + 3


def test_control_characters_stay_out_of_every_table(tmp_path):
    names = ["a\tb", "c\nd", "\x1b[31me", "f\u202eg", "h\\ti", "=1+1"]
    write_plain(tmp_path / "t.tsv", pd.DataFrame({"na\tme": names}))
    lines = (tmp_path / "t.tsv").read_text(encoding="utf-8").splitlines()
    assert lines == ["na\\tme", "a\\tb", "c\\nd", "\\x1b[31me", "f\\u202eg", "h\\\\ti", "=1+1"]
