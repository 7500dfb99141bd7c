import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genelight.errors import FormatError, InputError, ResourceError, UnknownNameError
from genelight.io import read_gene_lists, read_sets

GENES = st.from_regex(r"[A-Z][A-Z0-9-]{1,5}", fullmatch=True).filter(lambda gene: gene != "NA")
SETS = st.dictionaries(GENES, st.lists(GENES, unique=True, min_size=1, max_size=6), min_size=1, max_size=6)


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def members(edges) -> dict[str, list[str]]:
    return edges.table.groupby("source", sort=False)["target"].apply(list).to_dict()


@given(SETS, st.booleans())
def test_any_collection_comes_back_equal(tmp_path_factory, sets, packed):
    path = tmp_path_factory.mktemp("sets") / "sets.gmt"
    text = "".join("\t".join([label, "-", *genes]) + "\n" for label, genes in sets.items()).encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    edges = read_sets(path, name="toy")
    assert members(edges) == sets
    assert (edges.name, edges.account["sets"], len(edges)) == ("toy", len(sets), sum(map(len, sets.values())))
    assert (edges.table["weight"] == 1).all()


def test_what_is_mended_is_counted(write):
    lines = [
        "A\t-\tMX1\tISG15\tMX1\t\n",
        "\n",
        "\tB by description\tIRF7   STAT1\n",
        "A\t-\tISG15\tMX1\n",
        "A\t-\tTP53\n",
    ]
    edges = read_sets(write("".join(lines), "toy.gmt"))
    assert members(edges) == {"A": ["MX1", "ISG15"], "B by description": ["IRF7", "STAT1"], "A (line 5)": ["TP53"]}
    counted = {"empty lines": 1, "empty cells": 1, "glued cells": 1, "genes named twice": 1, "repeated names": 2}
    assert dict(edges.account) == {"sets": 3, "members": 5, **counted}
    assert edges.name == "toy"


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        ("A\t-\tMX1\nB\t-\n", FormatError, "toy.gmt, line 2: 2 tab-separated cells"),
        ("A\t-\tMX1\n\nB\t-\t\t\n", FormatError, "toy.gmt, line 3: a set without genes"),
        ("\t\tMX1\n", FormatError, "toy.gmt, line 1: a set without a name"),
        ("A,-,MX1\n", FormatError, "toy.gmt, line 1: 1 tab-separated cells"),
        ("A\t-\t4599\t9636\n", InputError, "look like entrez"),
        ("", FormatError, "toy.gmt is an empty file"),
        (gzip.compress(b"A\t-\tMX1\n" * 99, mtime=0)[:-9], FormatError, "toy.gmt is truncated or damaged"),
    ],
)
def test_a_damaged_collection_names_the_line(write, content, error, said):
    with pytest.raises(error) as caught:
        read_sets(write(content, "toy.gmt"))
    assert said in str(caught.value)


GWAS = (
    "doid_code\tdoid_name\tstatus\tgene\tsymbol\n"
    "DOID:1\tlupus\tHC-P\t3663\tIRF5\n"
    "DOID:1\tlupus\tLC-P\t1\tA1BG\n"
    "DOID:1\tlupus\tHC-S\t3663\tIRF5\n"
    "DOID:2\tasthma\tHC-P\t94103\tORMDL3\n"
)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"lupus": ["IRF5", "A1BG"], "asthma": ["ORMDL3"]}),
        ({"disease": "lupus"}, {"lupus": ["IRF5", "A1BG"]}),
        ({"disease": ["lupus", "asthma"], "keep": {"status": "HC-P"}}, {"lupus": ["IRF5"], "asthma": ["ORMDL3"]}),
        ({"keep": {"status": ["HC-S"]}, "ids": "entrez"}, {"lupus": ["3663"]}),
        ({"source": "doid_code", "disease": "DOID:2"}, {"DOID:2": ["ORMDL3"]}),
    ],
)
def test_genes_of_a_disease(write, options, expected):
    assert members(read_gene_lists(write(GWAS, "gwas.tsv"), **options)) == expected


def test_loci_are_kept_where_the_file_has_them(write):
    text = "disease\tlocus\tsymbol\nlupus\t4\tIRF5\nlupus\t4\tTNPO3\nlupus\t\tSTAT4\n"
    assert read_gene_lists(write(text, "gwas.tsv")).table["locus"].tolist() == ["4", "4", ""]
    assert "locus" not in read_gene_lists(write(GWAS, "plain.tsv")).table


def test_a_score_is_kept_and_the_best_of_duplicates(write):
    text = 'diseaseName,geneSymbol,score\n"lupus, discoid",IRF5,.2\nasthma,IRF5,.5\n"lupus, discoid",IRF5,.9\n'
    edges = read_gene_lists(write(text, "disgenet.csv"), weight="score")
    assert edges.table.to_numpy().tolist() == [["asthma", "IRF5", 0.5], ["lupus, discoid", "IRF5", 0.9]]
    assert edges.account["duplicates"] == 1


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"disease": "lupos"}, UnknownNameError, "unknown disease 'lupos'"),
        ({"keep": {"statos": "HC-P"}}, UnknownNameError, "unknown column 'statos'"),
        ({"keep": {"status": "HC"}}, UnknownNameError, "unknown value of status 'HC'"),
        ({"source": "disease"}, UnknownNameError, "unknown column 'disease'"),
        ({"target": "gene"}, InputError, "look like entrez"),
        ({"disease": []}, InputError, "no gene is left (4 rows, 4 other diseases"),
        ({"weight": "status"}, FormatError, "column 'status' holds 4 cells that are no finite number"),
    ],
)
def test_what_does_not_fit_says_what_there_is(write, options, error, said):
    with pytest.raises(error) as caught:
        read_gene_lists(write(GWAS, "gwas.tsv"), **options)
    assert said in str(caught.value)


@pytest.mark.parametrize("reader", [read_sets, read_gene_lists])
def test_an_absent_file_is_named(tmp_path, reader):
    with pytest.raises(ResourceError, match="does not exist"):
        reader(tmp_path / "x.gmt")
