"""Tables as people have them: each kind is made here, read, and gives its right answer; the shared files too."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genelight import cli, demo
from genelight.errors import FormatError, GenelightError, InputError
from genelight.io import inspect, read, read_gene_pvalues, read_perturbations
from genelight.pp import map_ids

from .test_any_table import SYMBOLS

SHARED = Path(__file__).parents[3] / "shared" / "data" / "awkward"
GENES = SYMBOLS[:20]
SAMPLES = [f"S{i}" for i in range(12)]
RNG = np.random.default_rng(0)
LOG2 = pd.DataFrame(RNG.normal(7, 2, (12, 20)).round(3), SAMPLES, GENES)
COUNTS = pd.DataFrame(RNG.negative_binomial(2, 0.01, (12, 20)) + 1, SAMPLES, GENES)
# Sixty columns of clinical tables, in lower case, in capitals and with a capital first.
CLINICAL = [
    "disease",
    "status",
    "age",
    "sex",
    "gender",
    "bmi",
    "weight",
    "height",
    "sledai",
    "das28",
    "esr",
    "wbc",
    "hgb",
    "plt",
    "rin",
    "pmi",
    "batch",
    "plate",
    "site",
    "center",
    "smoking",
    "stage",
    "grade",
    "os_time",
    "os_event",
    "pfs",
    "event",
    "visit",
    "time",
    "day",
    "week",
    "dose",
    "arm",
    "case_control",
    "label",
    "class",
    "cluster",
    "score",
    "severity",
    "hba1c",
    "glucose",
    "insulin",
    "ldl",
    "creatinine",
    "albumin",
    "anti_dsdna",
    "pack_years",
    "group",
    "subject_id",
    "patient_id",
    "sample_number",
    "race",
    "ethnicity",
    "duration",
    "pasi",
    "edss",
    "mmse",
    "fev1",
    "fvc",
    "heart_rate",
    "relapse",
    "follow_up_months",
    "neutrophils",
]


@pytest.fixture
def write(tmp_path):
    def write(content, name="x.csv"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else content.to_csv())
        return path

    return write


def call(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", list(words))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def shared(name: str) -> Path:
    if not SHARED.is_dir():
        pytest.skip("the awkward files are not on this machine")
    return SHARED / name


def notes(adata) -> str:
    return adata.uns["read"]["notes"]


@pytest.mark.parametrize("separator", [",", "\t", ";"])
@pytest.mark.parametrize("genes_in_rows", [False, True])
def test_a_line_break_within_a_quoted_cell(tmp_path, separator, genes_in_rows):
    table = LOG2.T if genes_in_rows else LOG2
    said = ["plain", "two\nlines", 'a "b"\n\nc', *["-\n"] * (len(table) - 3)]
    beside = table.assign(remark=said).to_csv(sep=separator, index_label="the\nname")
    path = tmp_path / "x.csv"
    path.write_text(beside)
    adata = read(path)
    np.testing.assert_array_equal(adata.X, LOG2)
    told = (adata.var if genes_in_rows else adata.obs)["remark"].tolist()
    assert told[:3] == ["plain", "two lines", 'a "b"  c']
    assert "line breaks within quoted cells taken for blanks" in notes(adata)
    # A stray quote is none that a later line closes.
    path.write_text(LOG2.to_csv().replace("S3,", '"S3,'))
    with pytest.raises(FormatError):
        read(path)


@pytest.mark.parametrize("separator", [",", "\t"])
def test_the_command_that_names_columns_can_be_typed(tmp_path, separator):
    path = tmp_path / "no names.csv"
    path.write_text(LOG2.T.to_csv(sep=separator, header=False))
    with pytest.raises(FormatError, match="not names of columns") as caught:
        read(path)
    subprocess.run(str(caught.value).partition("as this does: ")[2], shell=True, check=True)
    adata = read(tmp_path / "named_no names.csv")
    assert list(adata.obs_names) == [f"S{i}" for i in range(1, 13)]
    np.testing.assert_array_equal(adata.X, LOG2)


@pytest.mark.parametrize("case", [str.lower, str.upper, str.capitalize])
@pytest.mark.parametrize("table", [LOG2, COUNTS], ids=["log2", "counts"])
@pytest.mark.parametrize("genes_in_rows", [False, True])
def test_no_clinical_column_becomes_a_gene(write, case, table, genes_in_rows):
    names = [case(name) for name in CLINICAL]
    numbers = pd.DataFrame(RNG.integers(0, 40, (12, len(names))), SAMPLES, names)
    beside = pd.concat([table.iloc[:, :5], numbers, table.iloc[:, 5:]], axis=1)
    path = write(beside.T if genes_in_rows else beside)
    try:
        adata = read(path)
    except InputError as error:  # what may be either is asked, and the answer does it
        assert "may be genes or describe samples" in str(error)  # noqa: PT017
        adata = read(path, annotations=names)
    assert list(adata.var_names) == GENES
    assert set(adata.obs.columns) == set(names)
    np.testing.assert_array_equal(adata.X, table)


@pytest.mark.parametrize(
    "name",
    [
        "disease",
        "age",
        "sledai",
        "patient_id",
        "batch",
        "AGE",
        "SLEDAI",
        "Batch",
        "hours post infection",
        "y",
        "cluster",
    ],
)
@pytest.mark.parametrize("at", [0, 7, 20])
@pytest.mark.parametrize("genes", ["symbols", "ensembl", "probes", "of mouse", "of a plant"])
def test_one_column_among_genes_of_any_kind_goes_to_the_samples(write, name, at, genes):
    ids = {
        "symbols": GENES,
        "ensembl": [f"ENSG{i:011}" for i in range(20)],
        "probes": [f"{200000 + i}_s_at" for i in range(20)],
        "of mouse": [gene.capitalize() for gene in GENES],
        "of a plant": [f"AT1G0{i:04}" for i in range(20)],
    }[genes]
    table = LOG2.set_axis(ids, axis=1)
    table.insert(at, name, range(12))
    adata = read(write(table.to_csv(index_label="sample")))
    assert list(adata.var_names) == ids
    assert list(adata.obs.columns) == [name]
    assert name in notes(adata)


def test_clusters_and_withdrawn_symbols_among_genes_stay_genes(write):
    """Sorted exports of an Illumina chip: names that no table of genes has stand all over."""
    unknown = ["CRIPAK", "GLYBP", "HLA-A29.1", "PRO1073", *(f"HS.{100_000 + 37 * i}" for i in range(60)), "ZZZX9"]
    genes = sorted([*GENES, *unknown])
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.uniform(3.3, 14, (len(genes), 6)).round(3), genes, [f"GSM{11 + i}" for i in range(6)])
    adata = read(write(table.to_csv()))
    assert list(adata.var_names) == genes
    assert not len(adata.obs.columns)


def test_a_gene_with_the_name_of_a_measure_is_asked_for_and_each_answer_works(write, monkeypatch, tmp_path, capsys):
    table = LOG2.assign(age=range(30, 42), HGB=np.linspace(9, 14, 12).round(1))
    path = write(table[["age", "HGB", *GENES]].to_csv(index_label="sample"))
    with pytest.raises(InputError, match="HGB may be genes or describe samples") as caught:
        read(path)
    commands = re.findall(r"genelight read \S+ --annotations \S+ --out \S+", str(caught.value))
    assert len(commands) == 2
    monkeypatch.chdir(tmp_path)
    for command in commands:
        Path("cohort.h5ad").unlink(missing_ok=True)
        assert call(monkeypatch, *shlex.split(command.rstrip(";"))) == 0, capsys.readouterr()
        assert "age" not in read("cohort.h5ad").var_names
    assert list(read(path, annotations=["age", "HGB"]).var_names) == GENES
    assert "HGB" in read(path, annotations=["age"]).var_names


@pytest.mark.parametrize("name", ["Entrez_Gene_Id", "mean", "Length", "chromosome"])
@pytest.mark.parametrize("at", [0, 5, 12])
def test_one_column_among_samples_goes_to_the_genes(write, name, at):
    table = LOG2.T
    table.insert(at, name, RNG.integers(1000, 99999, 20))
    adata = read(write(table.to_csv(index_label="Hugo_Symbol", sep="\t")))
    assert list(adata.obs_names) == SAMPLES
    assert list(adata.var.columns) == [name]
    assert name in notes(adata)


def test_a_row_of_labels_under_the_header_describes_samples(write):
    text = LOG2.T.to_csv(index_label="gene").splitlines()
    label = "diagnosis," + ",".join(["SLE", "ctrl"] * 6)
    adata = read(write("\n".join([text[0], label, *text[1:]]) + "\n"))
    assert list(adata.var_names) == GENES
    assert adata.obs["diagnosis"].tolist() == ["SLE", "ctrl"] * 6
    np.testing.assert_array_equal(adata.X, LOG2)


@pytest.mark.parametrize("word", ["NA", "nan", "NaN", "", "Inf", "#N/A", "---", "null"])
def test_missing_symbols_are_counted_and_become_no_gene(write, word):
    table = LOG2.T.set_axis([word if i % 5 == 2 else gene for i, gene in enumerate(GENES)])
    adata = read(write(table.to_csv(index_label="symbol")))
    assert adata.n_vars == 16
    assert "4 without a gene id" in notes(adata)
    assert not {"XK", "SCN11A", "CBLIF"} & set(map_ids(adata).var_names)


def test_sums_and_spike_ins_are_set_aside(write):
    odd = ["__no_feature", "__not_aligned", "N_unmapped", "N_multimapping", "ERCC-00002"]
    rows = pd.DataFrame(90_000, odd, SAMPLES)
    adata = read(write(pd.concat([COUNTS.T.assign(), rows]).to_csv(index_label="gene")))
    assert list(adata.var_names) == GENES
    assert "5 that are no genes set aside" in notes(adata)
    assert "ERCC1" in read(write(COUNTS.rename(columns={"TP53": "ERCC1"}))).var_names


@pytest.mark.parametrize("ids", [["7157", "4599"], ["7157.0", "4599.0"]])
def test_ids_stay_text_and_repeats_stay(write, ids):
    numbers = [*ids, *(f"{9000 + i}{'.0' * ids[0].endswith('.0')}" for i in range(17)), ids[0]]
    adata = read(write(COUNTS.T.set_axis(numbers).to_csv(index_label="entrez")))
    assert list(adata.var_names)[:2] == ["7157", "4599"]
    assert list(adata.var_names).count("7157") == 2
    people = LOG2.assign(patient_id=["0012", "12", *range(100, 110)])
    assert read(write(people.to_csv(index_label="sample"))).obs["patient_id"].tolist()[:2] == ["0012", "12"]


def test_a_first_line_of_whole_numbers_is_no_header(write):
    with pytest.raises(FormatError, match="line 1 holds values"):
        read(write(COUNTS.T.to_csv(header=False)))


def test_rows_without_names_are_numbered(write):
    adata = read(write(COUNTS.to_csv(index=False)))
    assert list(adata.var_names) == GENES
    assert list(adata.obs_names)[:2] == ["row 1", "row 2"]
    assert "numbered" in notes(adata)


def test_names_stand_in_any_column(write):
    table = LOG2.T.assign(symbol=GENES, description=[f"protein {i}" for i in range(20)])
    adata = read(write(table[["description", "symbol", *SAMPLES]].to_csv(index=False)))
    assert list(adata.var_names) == GENES
    samples = LOG2.assign(disease=["SLE"] * 6 + ["ctrl"] * 6, sample_id=SAMPLES)
    adata = read(write(samples[["disease", "sample_id", *GENES]].to_csv(index=False)))
    assert list(adata.obs_names) == SAMPLES
    assert adata.obs["disease"].tolist()[:2] == ["SLE", "SLE"]


def test_a_row_for_each_gene_and_sample_is_turned_into_a_matrix(write):
    long = LOG2.rename_axis("sample").reset_index().melt("sample", var_name="gene", value_name="TPM")
    long["disease"] = np.where(long["sample"] < "S3", "SLE", "ctrl")
    adata = read(write(long.sample(frac=1, random_state=0)[["gene", "sample", "disease", "TPM"]].to_csv(index=False)))
    np.testing.assert_array_equal(adata[SAMPLES, GENES].X, LOG2)
    assert "one row for each gene" in notes(adata)
    assert adata.obs.loc["S0", "disease"] == "SLE"
    with pytest.raises(InputError, match="--column"):
        read(write(long.assign(FPKM=long["TPM"]).drop(columns="disease").to_csv(index=False)))


@pytest.mark.parametrize("sign", [",", "."])
def test_thousands_are_read(write, sign):
    text = (COUNTS * 10_007).T.to_csv(sep="\t", index_label="gene")
    text = re.sub(r"(?<=\t)\d+", lambda m: f"{int(m[0]):,}".replace(",", sign), text)
    np.testing.assert_array_equal(read(write(text)).X, COUNTS * 10_007)


def test_a_sample_that_holds_text_does_not_leave_silently(write):
    table = LOG2.T.astype(object)
    table["S5"] = "1 234"
    with pytest.raises(FormatError, match="column 'S5' is named as the others are"):
        read(write(table.to_csv(index_label="gene")))


def test_a_sample_of_zeros_is_named_and_set_aside_when_asked(write, monkeypatch, tmp_path):
    table = COUNTS.copy()
    table.loc["S5"] = 0
    path = write(table)
    with pytest.raises(InputError, match=r"1 of 12 samples hold nothing but zeros or missing values \(S5\)") as caught:
        read(path)
    adata = read(path, drop_empty=True)
    assert list(adata.obs_names) == [s for s in SAMPLES if s != "S5"]
    assert "S5" in notes(adata)
    monkeypatch.chdir(tmp_path)
    command = re.search(r"genelight read .* --out \S+", str(caught.value))[0]
    assert call(monkeypatch, *shlex.split(command)) == 0


def test_titles_above_and_empty_columns_behind_are_passed_over(write):
    lines = LOG2.T.to_csv(sep=";", decimal=",", index_label="gene").splitlines()
    trailing = "".join(f"{line};;;\n" for line in ["Normalised expression, cohort A" + ";" * 12, *lines, ";" * 12])
    adata = read(write(trailing))
    np.testing.assert_array_equal(adata.X, LOG2)
    assert "above the header" in notes(adata)
    assert "3 empty columns" in notes(adata)


@pytest.mark.parametrize("name", ["index", "_index", "CD4/CD8", "a\tb"])
def test_names_that_files_cannot_hold_are_renamed(write, tmp_path, name):
    table = LOG2.assign(**{name: [f"a{i}" for i in range(12)]})
    adata = read(write(table.to_csv(index_label="sample")))
    assert adata.n_obs == 12
    assert "renamed" in notes(adata)
    adata.write_h5ad(tmp_path / "x.h5ad")
    assert list(read(tmp_path / "x.h5ad").obs.columns) == list(adata.obs.columns)


def test_numbers_among_annotations_are_numbers_with_gaps(tmp_path):
    ages = [str(20 + i) for i in range(12)]
    ages[3], ages[4], ages[5] = "NA", "na", "-666"
    gct = "#1.3\n20\t12\t0\t1\nid\t" + "\t".join(SAMPLES) + "\nage\t" + "\t".join(ages) + "\n"
    (tmp_path / "x.gct").write_text(gct + LOG2.T.to_csv(sep="\t", header=False))
    age = read(tmp_path / "x.gct").obs["age"]
    assert age.dtype.kind == "f"
    assert age.isna().sum() == 3
    geo = '!Series_title\t"t"\n!Sample_geo_accession\t' + "\t".join(f'"{s}"' for s in SAMPLES) + "\n"
    geo += "!Sample_characteristics_ch1\t" + "\t".join(f'"age: {a}\n"' for a in ages) + "\n!series_matrix_table_begin\n"
    geo += LOG2.T.to_csv(sep="\t", index_label="ID_REF") + "!series_matrix_table_end\n"
    (tmp_path / "x_series_matrix.txt").write_text(geo)
    age = read(tmp_path / "x_series_matrix.txt").obs["age"]
    assert age.dtype.kind == "f"
    assert age.isna().sum() == 3


def test_a_series_of_twelve_thousand_samples_and_one_in_latin_1(tmp_path):
    samples = [f"GSM{i}" for i in range(12_000)]
    text = '!Series_sample_id\t"' + " ".join(samples * 2) + '"\n!Sample_geo_accession\t' + "\t".join(samples) + "\n"
    text += "!series_matrix_table_begin\nID_REF\t" + "\t".join(samples) + "\nTP53" + "\t1.5" * 12_000 + "\n"
    path = tmp_path / "x_series_matrix.txt"
    path.write_text(text + "!series_matrix_table_end\n")
    assert read(path).shape == (12_000, 1)
    path.write_bytes(('!Series_title\t"Mal\xe9"\n' + text).encode("latin-1"))
    with pytest.raises(FormatError, match=r"line 1 is not UTF-8 text \(byte 0xe9\); convert it: iconv"):
        read(path)


def test_results_of_other_programs_give_their_p_values(tmp_path):
    limma = (
        '"","logFC","AveExpr","t","P.Value","adj.P.Val","B"\n"MX1",1.2,7,5,1e-5,1e-3,2\n"TP53",0.1,7,0.5,0.6,0.8,-4\n'
    )
    deseq2 = ",baseMean,log2FoldChange,lfcSE,stat,pvalue,padj\nMX1,9,1,1,1,1e-5,1e-3\nTP53,9,1,1,1,0.6,NA\n"
    edger = "logFC logCPM F PValue FDR\nMX1 1 2 3 1e-5 1e-3\nTP53 1 2 3 0.6 0.8\n"
    blanks = '"gene" "p"\n"MX1" 1e-5\n"TP53" 0.6\n'
    for text in (limma, deseq2, edger, blanks):
        (tmp_path / "p.txt").write_text(text)
        table = read_gene_pvalues(tmp_path / "p.txt").table
        assert dict(zip(table["target"], table["weight"], strict=True)) == {"MX1": 1e-5, "TP53": 0.6}


def test_a_drug_twice_is_kept_twice(write):
    table = read_perturbations(write("gene,drugA,drugA,drugB\nMX1,1,5,2\nTP53,2,6,3\n"))
    assert list(table.columns) == ["drugA", "drugA.2", "drugB"]
    assert table.attrs["account"]["repeated columns"] == 1


RIGHT = {
    "agecol.csv": (90, 20, ["age"], []),
    "clin_cols.csv": (40, 400, ["disease", "patient_id", "sledai"], []),
    "cbioportal.txt": (12, 400, [], ["Entrez_Gene_Id"]),
    "genecol.tsv": (12, 400, [], ["mean"]),
    "r_na_symbols.csv": (24, 273, [], []),
    "norow_counts.csv": (12, 20, [], []),
    "htseq_merged.csv": (12, 300, [], []),
    "age.gct": (200, 20, ["age", "disease"], []),
    "age_na_series_matrix.txt": (200, 20, ["disease", "age"], []),
    "descfirst.csv": (6, 20, [], ["description"]),
    "diseasefirst.csv": (12, 20, ["disease"], []),
    "entrez_dup_early.csv": (10, 301, [], []),
    "entrez_float_all.csv": (10, 300, [], []),
    "tidy.csv": (4, 20, [], []),
    "th5.tsv": (6, 20, [], []),
    "excel_title.csv": (6, 20, [], []),
    "excel_trail.csv": (6, 20, [], []),
    "s4_series_matrix.txt": (6, 20, ["title", "tissue"], []),
    "reserved.csv": (6, 20, ["index_column", "index_column.2"], []),
}


@pytest.mark.parametrize("name", RIGHT)
def test_the_shared_files_give_their_right_answers(name, tmp_path):
    adata = read(shared(name))
    assert (*adata.shape, list(adata.obs.columns), list(adata.var.columns)) == RIGHT[name]
    for column in ("age", "sledai"):
        if column in adata.obs and name != "agecol.csv":
            assert adata.obs[column].dtype.kind in "if"
    adata.write_h5ad(tmp_path / "x.h5ad")


@pytest.mark.parametrize(("name", "said"), [("nohdr_counts.tsv", "line 1 holds values"), ("allzero.csv", r"\(s5\)")])
def test_the_shared_files_that_are_no_tables_say_why(name, said):
    with pytest.raises(GenelightError, match=said):
        read(shared(name))


def test_the_shared_p_values_and_drugs():
    for name in ("m5.csv", "m11.txt"):
        assert list(read_gene_pvalues(shared(name)).table["target"]) == ["MX1", "TP53"]
    assert list(read_perturbations(shared("p1.csv")).columns) == ["drugA", "drugA.2", "drugB"]


def test_inspect_says_of_a_mapped_table_what_it_now_is(tmp_path, write):
    table = LOG2.set_axis([f"ENSG{i:011}" for i in range(19)] + ["ENSG00000141510"], axis=1)
    table.columns = ["ENSG00000157601", "ENSG00000187608", *table.columns[2:]]
    adata = read(write(table))
    adata.uns["read"]["platform"] = "GPL570"
    map_ids(adata).write_h5ad(tmp_path / "mapped.h5ad")
    found = inspect(tmp_path / "mapped.h5ad")
    assert (found.format, found.platform, found.ids.kind) == ("h5ad", "", "symbol")
    assert any("genes made of 20 ids of kind ensembl (GPL570)" in note for note in found.notes)


def test_thousands_of_mouse_symbols_of_which_a_dozen_are_human_ones_are_genes(tmp_path):
    names = [gene.capitalize() for gene in demo.cohort().var_names]
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(8, 2, (len(names), 6)).round(2), index=names, columns=list("ABCDEF"))
    for path, part in ((tmp_path / "rows.csv", table), (tmp_path / "columns.csv", table.T)):
        part.to_csv(path)
        adata = read(path, dense=True)
        assert adata.n_obs == 6
        # In columns, words that are no gene's may describe samples, which is said.
        assert len(names) - adata.n_vars <= (0 if path.stem == "rows" else 40)
        assert set(adata.var_names) <= set(names)
