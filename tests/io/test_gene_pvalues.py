"""Gene-level p values in the forms that MAGMA, PASCAL and people write."""

from __future__ import annotations

import pytest

from genelight import io
from genelight.errors import FormatError, InputError, ResourceError

MAGMA = """GENE       CHR      START       STOP  NSNPS  ZSTAT            P
148398       1     854993     884961     12   0.31       0.3781
26155        1     874583     899679     15   -0.9       0.8159
"""
PASCAL = "\n".join(
    [
        "chromosome\tstart\tend\tstrand\tgene_id\tgene_symbol\tnumSnps\tpvalue\tStatus",
        "chr1\t10\t90\t+\tNM_1\tIRF5\t3\t1E-9\tDONE",
        "chr1\t100\t150\t-\tNM_2\tTP53\t3\tNA\tDONE",
    ]
)
PLAIN = "gene,p\nIRF5,0\nTP53,0.5\nIRF5,0.2\n,0.1\n"


def test_magma(tmp_path) -> None:
    path = tmp_path / "scz.genes.out"
    path.write_text(MAGMA)
    table = io.read_gene_pvalues(path, ids="entrez").table
    assert table["target"].tolist() == ["148398", "26155"]
    assert table["weight"].tolist() == [0.3781, 0.8159]
    assert table["end"].tolist() == [884961, 899679]


def test_pascal(tmp_path) -> None:
    path = tmp_path / "sums.genescores.txt"
    path.write_text(PASCAL)
    found = io.read_gene_pvalues(path, name="lupus")
    assert found.table[["source", "target", "weight", "chromosome"]].values.tolist() == [
        ["lupus", "IRF5", 1e-9, "chr1"]
    ]
    assert found.account["missing p values"] == 1


def test_plain_and_what_is_dropped(tmp_path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text(PLAIN)
    found = io.read_gene_pvalues(path)
    assert found.table["weight"].tolist() == [1e-300, 0.5]
    assert "chromosome" not in found.table
    want = {"rows": 4, "empty ids": 1, "missing p values": 0, "repeated genes": 1, "p values of 0": 1, "genes": 2}
    assert found.account == want


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("gene\tp\nIRF5\t1.5\nTP53\t-0.1\n", InputError, "2 p values are below 0 or above 1"),
        ("gene\tp\nIRF5\tsmall\n", FormatError, "no finite number"),
        ("gene\tq\nIRF5\t0.5\n", FormatError, "cannot tell the p column"),
        ("gene\tp\nIRF5\tNA\n", InputError, "no gene with a p value"),
        ("gene\tp\nENSG00000121410\t0.5\n", InputError, "look like ensembl"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, text: str, error: type[Exception], says: str) -> None:
    path = tmp_path / "bad.tsv"
    path.write_text(text)
    with pytest.raises(error, match=says):
        io.read_gene_pvalues(path)
    with pytest.raises(ResourceError):
        io.read_gene_pvalues(tmp_path / "absent.tsv")
