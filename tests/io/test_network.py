import gzip

import networkx as nx
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genelight.errors import FormatError, InputError, ResourceError, UnknownNameError
from genelight.io import read_network


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "net.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


EDGE = [{"source": "ISG15", "target": "MX1", "weight": 900.0}]
ENTREZ = [{"source": "4599", "target": "9636", "weight": 900.0}]
ENSP = [{"source": "ENSP0000001", "target": "ENSP0000002", "weight": 900.0}]
STRING = (
    "symbol1,symbol2,entrez1,entrez2,ensp1,ensp2,textmining_score,combined_score\n"
    "MX1,ISG15,4599,9636,ENSP0000001,ENSP0000002,1,900\n"
)


@pytest.mark.parametrize(
    ("content", "name", "ids", "expected"),
    [
        ("source,target,weight\nMX1,ISG15,900\n", "a.csv", "symbol", EDGE),
        ("weight;TARGET;Source\n900;MX1;ISG15\n", "a.txt", "symbol", EDGE),
        ('"source"\t"target"\t"weight"\r\n"MX1"\t"ISG15"\t900\r\n\r\n', "a.tsv", "symbol", EDGE),
        ("protein1 protein2 combined_score\n9606.ENSP0000001 9606.ENSP0000002 900\n", "a.txt", "ensp", ENSP),
        ("\ufeff# from STRING\n#node1\tnode2\tcombined_score\nMX1\tISG15\t900\n", "a.tsv", "symbol", EDGE),
        (STRING, "a.csv", "symbol", EDGE),
        (STRING, "a.csv", "entrez", ENTREZ),
        (STRING, "a.csv", "ensp", ENSP),
        (gzip.compress(STRING.encode(), mtime=0), "a.csv.gz", "symbol", EDGE),
        (gzip.compress(STRING.encode(), mtime=0), "a.csv", "symbol", EDGE),
    ],
)
def test_columns_are_told_by_name(write, content, name, ids, expected):
    edges = read_network(write(content, name), ids=ids)
    assert edges.table.to_dict("records") == expected
    assert (edges.namespace, edges.name) == (ids, "a")


@pytest.mark.parametrize("name", ["a.sif", "a.SIF.gz"])
def test_sif_has_no_header_and_many_targets(write, name):
    text = b"1 pp 3 2\n7\n2\tpp\t1\n"
    edges = read_network(write(gzip.compress(text) if name.endswith("gz") else text, name), ids="entrez")
    assert edges.table[["source", "target"]].to_numpy().tolist() == [["1", "2"], ["1", "3"]]
    assert edges.account["duplicates"] == 1


def test_named_columns_go_before_usual_ones(write):
    path = write("source,target,bait,prey,weight,lift\nA,B,MX1,ISG15,1,900\n")
    assert read_network(path, source="bait", target="prey", weight="lift").table.to_dict("records") == EDGE


def test_every_drop_is_counted_and_pairs_keep_their_largest_weight(write):
    rows = ["A,B,800", "B,A,900", "A,B,850", "A,A,999", ",C,999", "NA,C,999", "C,D,", "C,E,100", " C ,F,700"]
    edges = read_network(write("source,target,weight\n" + "\n".join(rows) + "\n"), cut=700)
    assert edges.table.to_numpy().tolist() == [["A", "B", 900.0], ["C", "F", 700.0]]
    assert edges.name == "net, weight >= 700"
    assert dict(edges.account) == {
        "rows": 9,
        "empty ids": 2,
        "self loops": 1,
        "without a weight": 1,
        "below the cut": 1,
        "duplicates": 2,
        "edges": 2,
    }


GENES = st.from_regex(r"[A-Z][A-Z0-9]{0,3}", fullmatch=True).filter(lambda gene: gene != "NA")


@given(st.lists(st.tuples(GENES, GENES, st.integers(0, 999)), min_size=1, max_size=30), st.integers(0, 999))
def test_any_table_gives_the_graph_that_networkx_sees(tmp_path_factory, rows, cut):
    path = tmp_path_factory.mktemp("net") / "net.csv"
    pd.DataFrame(rows, columns=["source", "target", "weight"]).to_csv(path, index=False)
    expected = nx.Graph()
    for a, b, weight in sorted(rows, key=lambda row: row[2]):
        if a != b and weight >= cut:
            expected.add_edge(a, b, weight=weight)
    if not expected:
        with pytest.raises(InputError, match="no edge is left"):
            read_network(path, cut=cut)
        return
    edges = read_network(path, cut=cut)
    assert nx.utils.graphs_equal(nx.from_pandas_edgelist(edges.table, edge_attr="weight"), expected)
    assert (edges.table["source"] < edges.table["target"]).all()
    assert edges.account["rows"] - sum(v for k, v in edges.account.items() if k not in ("rows", "edges")) == len(edges)


@pytest.mark.parametrize(
    ("content", "options", "error", "said"),
    [
        ("", {}, FormatError, "is an empty file"),
        ("# only\n# comments\n", {}, FormatError, "no line that is not a comment"),
        ("TP53\tMDM2\nA\tB\n", {}, FormatError, "cannot tell the source column among 'TP53', 'MDM2'; name it with so"),
        ("bait,prey\nA,B\n", {"source": "bate"}, UnknownNameError, "did you mean 'bait'"),
        ("source,target\nA,B\n", {"weight": "score"}, UnknownNameError, "unknown column 'score'"),
        ("source,target\nA,B\n", {"ids": "symbl"}, UnknownNameError, "did you mean 'symbol'"),
        ("source,target\nA,B\n", {"cut": 700}, InputError, "has no weight column to cut at 700"),
        ("source,target,weight\nA,B,2\n", {"cut": 700}, InputError, "no edge is left (1 rows"),
        ("source,target,weight\n", {}, InputError, "no edge is left (0 rows"),
        ("source,target\n1,2\n", {}, InputError, "look like entrez (1, 2), not symbol; pass ids='entrez'"),
        ("source,target\nA,B\n", {"ids": "ensembl"}, InputError, "look like symbol (A, B), not ensembl"),
        ("source,target,weight\nA,B,1\nA,C,x\n", {}, FormatError, "no finite number, the first 'x' in data row 2"),
        ("source,target,weight\nA,B,inf\n", {}, FormatError, "no finite number, the first 'inf'"),
        ("source,target,weight\nA,B,1\nA,C,2,9\n", {}, FormatError, "Expected 3 columns, got 4"),
        ("source,target,weight\nA,B\nA,C\n", {}, FormatError, "Expected 3 columns, got 2"),
        ('source,target\nA,B\n"C,D\nE,F\n"G",H\n', {}, FormatError, "net.csv"),
        ("source,target\nA,B\n".encode("utf-16"), {}, FormatError, "is UTF-16 text; convert it: iconv -f"),
        (b"source,target\nA,B\xe9\n", {}, FormatError, "not UTF-8 text"),
        (b"\x89HDF\r\n\x1a\n\0", {}, FormatError, "is an HDF5 file"),
        (gzip.compress(STRING.encode() * 2000, mtime=0)[:-20], {}, FormatError, "truncated or damaged"),
        (gzip.compress(STRING.encode(), mtime=0)[:30], {}, FormatError, "truncated or damaged"),
    ],
)
def test_what_does_not_fit_says_what_was_found(write, content, options, error, said):
    with pytest.raises(error) as caught:
        read_network(write(content), **options)
    assert said in str(caught.value)
    assert "net.csv" in str(caught.value) or error is UnknownNameError


def test_a_damaged_sif_names_the_line(write):
    with pytest.raises(FormatError, match=r"a\.sif, line 2: 2 cells \('D E'\)"):
        read_network(write("A pp B\nD E\n", "a.sif"))


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(ResourceError, match=r"net\.csv does not exist"):
        read_network(tmp_path / "net.csv")


def test_graphml_is_what_others_write(tmp_path):
    """Ids or names for genes, any attribute for weights, both directions of one pair, plain or gzip."""
    graph = nx.DiGraph()
    graph.add_edge("n0", "n1", score=0.9)
    graph.add_edge("n1", "n0", score=0.7)
    graph.add_edge("n1", "n2", score=0.2)
    graph.add_edge("n2", "n2", score=0.5)
    nx.set_node_attributes(graph, dict(zip(["n0", "n1", "n2"], ["MX1", "ISG15", "TP53"], strict=True)), "name")
    path = tmp_path / "net.graphml"
    nx.write_graphml(graph, path)
    edges = read_network(path, cut=0.3)
    assert edges.table.to_numpy().tolist() == [["ISG15", "MX1", 0.9]]
    assert (edges.account["self loops"], edges.account["duplicates"], edges.account["below the cut"]) == (1, 1, 1)
    packed = tmp_path / "net.graphml.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert len(read_network(packed)) == 2
    nx.write_graphml(nx.Graph([("MX1", "ISG15")]), path)
    assert read_network(path).table.to_numpy().tolist() == [["ISG15", "MX1", 1.0]]


@pytest.mark.parametrize(
    ("content", "options", "error", "said"),
    [
        ("<graphml><graph", {}, FormatError, "is no readable GraphML"),
        ("source,target", {}, FormatError, "is no readable GraphML"),
        (None, {"weight": "scor"}, UnknownNameError, "unknown edge attribute 'scor'"),
        (None, {"ids": "entrez"}, InputError, "look like"),
        (None, {"weight": "note"}, FormatError, "'note' holds 1 cells that are no finite number"),
    ],
)
def test_damaged_graphml_is_named(tmp_path, content, options, error, said):
    path = tmp_path / "net.graphml"
    nx.write_graphml(nx.Graph([("MX1", "ISG15", {"score": 2.0, "note": "much"})]), path)
    if content is not None:
        path.write_text(content)
    with pytest.raises(error) as caught:
        read_network(path, **options)
    assert said in str(caught.value)
