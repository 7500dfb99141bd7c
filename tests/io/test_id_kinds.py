import pytest

from genelight.io.id_kinds import ID_KINDS, detect_ids

KINDS = {
    "symbol": ["TP53", "HLA-DRB1", "C1orf112", "1-Mar", "5S_rRNA", "Trp53", "MT-CO1", "AC093323.3", "CDR1as"],
    "entrez": ["7157", "1", "100130426", "4599.0"],
    "ensembl": ["ENSG00000141510", "ENSG00000223972.5", "ENSMUSG00000059552", "ENSG00000182378_PAR_Y"[:15]],
    "ensp": ["ENSP00000269305", "9606.ENSP00000269305", "ENSP00000269305.4"],
    "enst": ["ENST00000269305", "ENST00000269305.9"],
    "symbol|entrez": ["TP53|7157", "?|100130426", "HLA-A|3105"],
    "ensembl|symbol": [
        "ENSG00000141510.5|TP53",
        "ENSG00000141510_TP53",
        "TP53_ENSG00000141510",
        "ENSMUSG00000059552:Trp53",
    ],
    "uniprot": ["P04637", "Q9Y6K9", "A0A024R161", "P04637-2"],
    "refseq": ["NM_000546.6", "NR_046018", "XM_011542688.1"],
    "gpl570": ["1007_s_at", "1552256_a_at", "201746_at", "AFFX-BioB-5_at", "244901_at"],
    "hgu133a": ["1007_s_at", "201746_at", "222385_x_at", "AFFX-BioB-5_at"],
    "affymetrix": ["1000_at", "AF000001_f_at", "X00351_f_at", "M27830_5_at", "U48705_rna1_s_at"],
    "illumina": ["ILMN_1725881", "ILMN_1910180"],
    "agilent": ["A_23_P100001", "A_33_P3413741"],
    "cpg": ["cg00000029", "cg00000029_TC21", "ch.1.1234F"],
    "mirna": ["hsa-miR-21-5p", "hsa-let-7a-5p", "miR-155", "MIMAT0000076", "mmu-mir-122"],
    "metabolite": ["HMDB0000122", "C00031", "CHEBI:17234", "WQZGKKKJIJFFOK-GASJEMHNSA-N"],
    "taxon": ["k__Bacteria|p__Firmicutes", "s__Bacteroides_fragilis", "d__Bacteria; p__Bacteroidota", "OTU_12", "ASV7"],
    "unknown": ["??", "a b", ""],
}


@pytest.mark.parametrize("kind", ID_KINDS)
def test_every_kind_is_told(kind):
    assert detect_ids(KINDS[kind])[0] == kind
    assert kind == "unknown" or detect_ids(KINDS[kind]).share == 1


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        (["7892501", "8180418", "16650001"], "affymetrix"),
        (["230000_at", "244901_at", "222000_at"], "affymetrix"),
        ([7157, 4599], "entrez"),
        (["TP53", "MX1", "ENSG00000141510"], "symbol"),
        (["TP53", "ENSG00000141510", "7157"], "unknown"),
        ([], "unknown"),
    ],
)
def test_the_majority_decides(ids, kind):
    assert detect_ids(ids).kind == kind


def test_share_and_examples():
    kind, share, examples = detect_ids(["TP53", "MX1", "7157", "OAS1", "IFIT1"])
    assert (kind, share, examples) == ("symbol", 0.8, ("TP53", "MX1", "OAS1"))


def test_one_probe_does_not_hide_a_chip():
    of_a = [f"{200000 + i}_s_at" for i in range(1000)]
    assert detect_ids([*of_a, "243_g_at"]).kind == "hgu133a"
    assert detect_ids([*of_a, "1552256_a_at", "230001_at"]).kind == "hgu133a"
    assert detect_ids([*of_a, *(f"1552{i}_a_at" for i in range(256, 556))]).kind == "gpl570"


@pytest.mark.parametrize("first", [0, 1])
def test_numbers_that_only_count_are_no_ids(first):
    assert detect_ids(range(first, first + 300)).kind == "unknown"
    assert detect_ids([7157, *range(first, 300)]).kind == "entrez"
