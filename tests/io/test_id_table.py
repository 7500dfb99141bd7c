import gzip
import runpy
from pathlib import Path

import pandas as pd
import pytest

from genelight.errors import FormatError, InputError, ResourceError, UnknownNameError
from genelight.io.id_table import IdTable
from genelight.pp.user_table import read_id_table

GEO = """^Annotation
!Annotation_date = Aug 09 2018
#ID = probe set
!platform_table_begin
ID\tGene title\tGene symbol\tGene ID
1007_s_at\tmicroRNA 4640///discoidin\tMIR4640///DDR1\t100616237///780
1053_at\treplication factor C\tRFC2\t5982
AFFX-BioB-5_at\t\t\t
!platform_table_end
"""
NETAFFX = """#%create_date=2016
"Probe Set ID","Gene Symbol","Entrez Gene"
"1007_s_at","DDR1 /// MIR4640","780 /// 100616237"
"1053_at","RFC2","5982"
"AFFX-BioB-5_at","---","---"
"""
# As submitters deposit a platform: other columns, quotes that are text, and in a family file samples behind it.
SOFT = """^DATABASE = GeoMiame
!Database_name = Gene Expression Omnibus (GEO)
^PLATFORM = GPL570
!Platform_title = [HG-U133_Plus_2] Affymetrix Human Genome U133 Plus 2.0 Array
#ID = Affymetrix Probe Set ID
!platform_table_begin
ID\tGB_ACC\tGene Title\tGene Symbol\tENTREZ_GENE_ID
1007_s_at\tU48705\t"discoidin" domain 3" and 5'\tDDR1 /// MIR4640\t780 /// 100616237
1053_at\tM87338\t"replication factor C\tRFC2\t5982
AFFX-BioB-5_at\t\t\t\t
!platform_table_end
^SAMPLE = GSM101962
#ID_REF =
!sample_table_begin
ID_REF\tVALUE
1007_s_at\t10.1
!sample_table_end
"""
BGX = """[Heading]
Date\t14/2/2010
Number of Probes\t3
[Probes]
Species\tILMN_Gene\tEntrez_Gene_ID\tSymbol\tProbe_Id\tArray_Address_Id
Homo sapiens\tDDR1\t780\tDDR1\tILMN_1\t1007
Homo sapiens\tLOC\t\tLOC\tILMN_2\t1008
Homo sapiens\tRFC2\t5982\tRFC2\tILMN_3\t1009
[Controls]
Probe_Id\tArray_Address_Id\tReporter_Group_Name
ILMN_4\t1010\thousekeeping
"""
FORMS = {
    "geo.annot": GEO,
    "GPL570_family.soft": SOFT,
    "netaffx.csv": NETAFFX,
    "bioc.csv": '"","PROBEID","ENTREZID"\n"1","1007_s_at","780;100616237"\n"2","1053_at","5982"\n"3","AFFX_at",NA\n',
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("zipped", [False, True])
def test_platform_tables_are_known_by_their_headers(name, zipped, tmp_path):
    path = tmp_path / (name + ".gz" * zipped)
    path.write_bytes(gzip.compress(FORMS[name].encode()) if zipped else FORMS[name].encode())
    table = read_id_table(path)
    assert table.gene_kind == "entrez"
    assert set(map(tuple, table.rows.to_numpy())) == {
        ("1007_s_at", "780"),
        ("1007_s_at", "100616237"),
        ("1053_at", "5982"),
    }
    assert str(table).startswith(path.name + ", sha256 ")


def test_an_illumina_manifest_is_read_from_its_probes(tmp_path):
    path = tmp_path / "HumanHT-12_V4.bgx"
    path.write_text(BGX)
    assert read_id_table(path).rows.to_dict("list") == {"id": ["ILMN_1", "ILMN_3"], "gene": ["780", "5982"]}


def test_a_platform_is_fetched_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENELIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GENELIGHT_OFFLINE", "1")
    with pytest.raises(ResourceError, match=r"GPL570\.annot\.gz is not in .*cache"):
        read_id_table("GPL570")
    (tmp_path / "cache" / "GPL570.annot.gz").write_bytes(gzip.compress(GEO.encode()))
    assert str(read_id_table("GPL570")).startswith("GPL570.annot.gz, sha256 ")
    # A file of that name is what is meant.
    Path("GPL570").write_text("probe\tgene\np1\tTP53\n")
    assert list(read_id_table("GPL570").rows["id"]) == ["p1"]


def test_columns_may_be_named(tmp_path):
    path = tmp_path / "geo.annot"
    path.write_text(GEO)
    table = read_id_table(path, genes="Gene symbol")
    assert table.gene_kind == "symbol"
    assert list(table.rows["gene"]) == ["MIR4640", "DDR1", "RFC2"]
    with pytest.raises(UnknownNameError, match=r"unknown column 'gene symbols' in .*did you mean 'Gene symbol'"):
        read_id_table(path, genes="gene symbols")


def test_of_two_columns_one_needs_no_name(tmp_path):
    path = tmp_path / "two.tsv"
    path.write_text("mine\tsymbol\nx1\tTP53\n")
    assert read_id_table(path).rows.to_dict("list") == {"id": ["x1"], "gene": ["TP53"]}


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("", FormatError, "is an empty file"),
        ("only\nTP53\n", FormatError, "no header with two or more columns"),
        ("a\tb\tc\n1\t2\t3\n", FormatError, r"cannot tell the columns of id and gene among 'a', 'b', 'c'"),
        ("probe\tgene\tmore\np1\tTP53\tx\np2\n", FormatError, r"data row 2 has only 1 cells \(p2\)"),
        ("probe\tgene\np1\t---\np2\tNA\n", InputError, "no id of column 'probe' has a gene in column 'gene'"),
        ("^a\n!b\n#c\n", FormatError, "no header"),
        ("probe\tgene\np\xe9\0\tTP53\n", FormatError, "not a text table"),
    ],
)
def test_a_damaged_table_is_refused_with_its_name(text, error, said, tmp_path):
    path = tmp_path / "chip.tsv"
    path.write_text(text)
    with pytest.raises(error, match=rf"chip\.tsv.*{said}"):
        read_id_table(path)


def test_a_truncated_archive_and_a_missing_file_say_so(tmp_path):
    path = tmp_path / "chip.tsv.gz"
    path.write_bytes(gzip.compress(("probe\tgene\n" + "p1\tTP53\n" * 5000).encode())[:-9])
    with pytest.raises(FormatError, match=r"chip\.tsv\.gz"):
        read_id_table(path)
    with pytest.raises(ResourceError, match="does not exist"):
        read_id_table(tmp_path / "chop.tsv")


def test_the_shipped_table_says_what_it_is():
    table = IdTable.shipped()
    assert len(table.rows) == 371_230
    assert set(table.kinds) == {"symbol", "alias", "ensembl", "ensp", "enst", "uniprot", "refseq"}
    assert {"licence", "sources", "genes", "ensembl", "uniprot"} <= set(table.about)
    assert table.rows.groupby("kind", observed=True).size().to_dict()["symbol"] == 63_805
    with pytest.raises(UnknownNameError, match="did you mean 'uniprot'"):
        table.entrez_of("uniprots")


def test_every_id_of_the_table_stands_there_once_per_gene():
    rows = IdTable.shipped().rows
    assert not rows.duplicated().any()
    assert not rows["id"].str.contains(r"\s$|^\s", regex=True).any()
    assert set(rows["entrez"]) == IdTable.shipped().genes


def test_the_preferred_ensembl_gene_is_the_one_on_the_reference_chromosome():
    names = IdTable.shipped().names("ensembl")
    assert names[3105] == "ENSG00000206503"  # HLA-A, with seven more on alternative haplotypes
    assert names[7124] == "ENSG00000232810"  # TNF


def test_the_docs_beside_the_table_give_its_counts():
    readme = (Path(__file__).parents[2] / "src/genelight/io/data/README.md").read_text()
    for kind, count in IdTable.shipped().rows["kind"].value_counts().items():
        assert f"{count:,}" in readme, kind


def test_an_ensembl_gene_beside_a_doubtful_entry_is_the_gene():
    ids, names = IdTable.shipped().entrez_of("ensembl"), IdTable.shipped().names("symbol")
    wanted = {"ENSG00000183625": "CCR3", "ENSG00000112541": "PDE10A", "ENSG00000143384": "MCL1"}
    assert {i: [names[g] for g in ids[i]] for i in wanted} == {i: [symbol] for i, symbol in wanted.items()}
    # A readthrough and the gene it reads into, both approved, both coding: nothing decides.
    assert {names[g] for g in ids["ENSG00000115239"]} == {"ASB3", "GPR75-ASB3"}
    assert sum(len(genes) > 1 for genes in ids.values()) == 62


def test_the_table_is_decided_by_one_rule_after_another():
    rows = [
        *[("E1", "GENE1", 1, 1, "ncRNA"), ("E1", "LOC2", 2, 2, "protein-coding")],
        *[("E2", "GENE3", 3, 2, "ncRNA"), ("E2", "GENE4", 4, 1, "protein-coding")],
        *[("E3", "GENE5", 5, 2, "ncRNA"), ("E3", "GENE6", 6, 2, "protein-coding"), ("E4", "GENE6", 6, 2, "ncRNA")],
        *[("E5", "GENE7", 7, 2, "ncRNA"), ("E5", "GENE8", 8, 2, "protein-coding")],
        *[("E6", "LOC9", 9, 2, "ncRNA"), ("E6", "LOC10", 10, 2, "ncRNA"), ("E7", "LOC11", 11, 1, "ncRNA")],
    ]
    pairs = pd.DataFrame(rows, columns=["id", "symbol", "entrez", "agreed", "gene_type"])
    decided = runpy.run_path(str(Path(__file__).parents[2] / "scripts/build_id_table.py"))["decided"]
    kept = decided(pairs).groupby("id")["entrez"].agg(list).to_dict()
    assert kept == {"E1": [1], "E2": [3], "E3": [5], "E4": [6], "E5": [8], "E6": [9, 10], "E7": [11]}
    shuffled = decided(pairs.sample(frac=1, random_state=0)).sort_index()
    pd.testing.assert_frame_equal(shuffled, decided(pairs))


def test_the_names_by_which_columns_are_told_are_those_of_the_table():
    from genelight.io.sides._axis import _listed

    table = IdTable.shipped()
    assert _listed()["symbol"] == set(table.entrez_of("symbol"))
    assert _listed()["alias"] == set(table.entrez_of("alias")) - set(table.entrez_of("symbol"))
