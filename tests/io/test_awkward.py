"""Tables as people have them: each kind is made here, read, and gives its right answer; the shared files too."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import openpyxl
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
    assert "HGB" in read(path, annotations=["age", "none"]).var_names
    with pytest.raises(InputError, match="HGB may be genes"):  # what is not named is asked about still
        read(path, annotations=["age"])


def test_what_is_not_named_describes_samples_still(write):
    table = LOG2.assign(age=range(30, 42), disease=[0, 1] * 6)
    path = write(table)
    adata = read(path, annotations=["age"])
    assert list(adata.var_names) == GENES
    assert set(adata.obs) == {"age", "disease"}
    assert set(read(path, annotations=["age", "none"]).var_names) - set(GENES) == {"disease"}


ODD = ["<4.0", "< 4.0", ">99", "\u22644.0", "~4.0", "\u22124.0", "\u20134.0", "4.0*", "4.0 mg/dl", "4.0 pg/mL"]


@pytest.mark.parametrize("name", ["x.csv", "x.tsv.gz"])
@pytest.mark.parametrize("cell", ODD)
@pytest.mark.parametrize("everywhere", [False, True])
def test_cells_that_no_program_takes_for_numbers_say_what_to_type(tmp_path, name, cell, everywhere):
    table = LOG2.clip(1).round(1).astype(str)
    whole = table.map(lambda x: cell.replace("4.0", x).replace("99", x)) if everywhere else table
    whole.iloc[1, 1] = cell
    whole.to_csv(tmp_path / name, sep="\t" if "tsv" in name else ",")
    with pytest.raises(FormatError, match="is no number" if not everywhere else "is n(o number|one)") as caught:
        read(tmp_path / name)
    subprocess.run(str(caught.value).rpartition("type: ")[2], shell=True, check=True)
    adata = read(tmp_path / f"plain_{name.removesuffix('.gz')}")
    right = float(re.sub(r"[^\d.]", "", cell)) * (-1 if cell[0] in "\u2212\u2013" else 1)
    assert adata.X[1, 1] == right


def test_a_line_of_units_says_what_to_type(write, tmp_path):
    head, *body = LOG2.to_csv().splitlines(keepends=True)
    path = write("".join([head, "," + ",".join(["mg/dl"] * len(GENES)) + "\n", *body]))
    with pytest.raises(
        FormatError, match="line 2, column 'TP53': 'mg/dl' is no number; no cell of it is a number"
    ) as caught:
        read(path)
    subprocess.run(str(caught.value).rpartition("type: ")[2], shell=True, check=True)
    np.testing.assert_array_equal(read(tmp_path / "plain_x.csv").X, LOG2)


@pytest.mark.parametrize("at", [0, 10, 20])
def test_measures_that_are_named_as_genes_are_asked_for_at_once(write, at):
    """CRP and ALB are genes' symbols, and milligrams in a clinical table."""
    table, measures = LOG2.copy(), {"ALT": range(12, 24), "CRP": np.linspace(1, 49, 12), "HGB": np.linspace(9, 14, 12)}
    for i, (name, values) in enumerate(measures.items()):
        table.insert(at + i, name, values)
    with pytest.raises(InputError, match=r"CRP, HGB may be genes or describe samples \(.*--annotations ALT,CRP,HGB"):
        read(write(table.to_csv(index_label="sample")))


@pytest.mark.parametrize("names", [GENES, [f"ENSG{141510 + i:011}" for i in range(20)]])
def test_a_gene_of_many_counts_beside_an_age_is_a_gene(write, names):
    table = COUNTS.set_axis(names, axis=1).assign(**{names[0]: 10**5 + np.arange(12)})
    table.insert(0, "age", range(30, 42))
    adata = read(write(table.to_csv(index_label="sample")))
    assert list(adata.var_names) == names
    assert list(adata.obs.columns) == ["age"]


@pytest.mark.parametrize("name", ["IDS", "HS.101139", "Hs.125087", "C10ORF12"])
@pytest.mark.parametrize("beside", [True, False])
def test_genes_that_look_like_something_else_stay_genes(write, name, beside):
    table = COUNTS.rename(columns={GENES[0]: name})
    if beside:
        table.insert(0, "age", range(30, 42))
    adata = read(write(table.to_csv(index_label="sample")))
    assert list(adata.var_names) == [name, *GENES[1:]]


def test_values_rounded_to_three_digits_are_not_asked_about(write):
    """Of such the largest are whole."""
    values = 2 ** RNG.normal(4, 1, (12, 20))
    values[:, :2] *= 500
    table = pd.DataFrame([[float(f"{v:.3g}") for v in row] for row in values], SAMPLES, GENES)
    assert list(read(write(table.T.to_csv())).var_names) == GENES


def test_values_that_are_not_logged_are_not_asked_about(write):
    table = (2 ** (LOG2 - 5)).round(3)
    assert (table.max() > 50).sum() in range(1, 20)
    assert list(read(write(table.T.to_csv())).var_names) == GENES


def test_a_number_of_genes_is_no_sample_where_no_sample_has_a_number(write):
    values = RNG.normal(7, 2, (20, 1)) + RNG.normal(0, 0.3, (20, 12))
    table = pd.DataFrame(values, GENES, [f"{group}_{c}" for group in ("Ctrl", "Case") for c in "ABCDEF"])
    adata = read(write(table.assign(GC=np.linspace(0.3, 0.7, 20)).to_csv(index_label="gene")))
    assert list(adata.obs_names) == list(table.columns)
    assert list(adata.var.columns) == ["GC"]


def test_probes_of_several_genes_are_genes_and_map_as_such(write):
    table = LOG2.T.rename({GENES[3]: f"{GENES[3]} /// {GENES[4]}", GENES[7]: f"{GENES[7]};{GENES[8]}"})
    adata = read(write(table.to_csv(index_label="gene")))
    assert list(adata.var_names) == list(table.index)
    assert map_ids(adata).n_vars == 18
    assert map_ids(adata, several="copy").n_vars == 20


def test_an_alias_in_the_case_of_the_mouse_stays_a_gene_among_genes(write):
    table = LOG2.T.rename(index=str.capitalize).rename({GENES[3].capitalize(): "Inadl"})
    adata = read(write(table.to_csv(index_label="gene")))
    assert "Inadl" in adata.var_names
    assert not len(adata.obs.columns)


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
    table["S5"] = "1 or 2"
    with pytest.raises(FormatError, match="column 'S5' is named as the others are"):
        read(write(table.to_csv(index_label="gene")))


@pytest.mark.parametrize("apart", [" ", "\u00a0", "\u202f", "'", "\u2019", ".", ","])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("separator", ["\t", ";", ","])
def test_thousands_are_read_however_they_are_parted(write, apart, decimal, separator):
    if apart == decimal:
        return
    values = (COUNTS.T * 1234.5).round(1)

    def written(value: float) -> str:
        text = f"{value:,.1f}".replace(",", "\0").replace(".", decimal).replace("\0", apart)
        return f'"{text}"' if separator in text else text

    lines = [separator.join([gene, *map(written, row)]) for gene, row in zip(GENES, values.to_numpy(), strict=True)]
    adata = read(write("\n".join([separator.join(["gene", *SAMPLES]), *lines, ""])))
    np.testing.assert_allclose(adata.X, values.T.to_numpy())
    assert "part thousands" in notes(adata)


def test_one_sample_with_thousands_is_read(write):
    table = LOG2.T.astype(object)
    table["S5"] = [f"1 {i:03d}" for i in range(20)]
    assert list(read(write(table.to_csv(index_label="gene")))["S5"].X.ravel()) == list(range(1000, 1020))


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


@pytest.mark.parametrize("value", [-6.644, 0.001, 7, np.inf])
def test_a_sample_of_one_value_is_named_too(write, value):
    """Zero counts, logged with an offset."""
    path = write(LOG2.T.assign(S5=value).to_csv())
    with pytest.raises(InputError, match=r"1 of 12 samples hold one value throughout \(S5\)"):
        read(path)
    assert read(path, drop_empty=True).n_obs == 11


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


@pytest.mark.parametrize("at", [0, 9, 20])
def test_a_label_alone_among_genes_with_the_name_of_one_is_asked_for(write, at):
    table = LOG2.copy()
    table.insert(at, "MET", [0, 1] * 6)
    with pytest.raises(InputError, match=r"MET may be .*whole numbers where"):
        read(write(table))
    assert list(read(write(table), annotations=["MET"]).var_names) == GENES
    # In logged counts the lowest values are whole.
    low = np.log2(RNG.poisson(2, (12, 20)) + 1.0)
    low[:, 3] = [0, 1] * 6
    assert read(write(pd.DataFrame(low.round(4), SAMPLES, GENES))).n_vars == 20


def test_a_label_with_the_name_of_a_gene_beside_another_is_asked_for_among_counts(write):
    table = COUNTS.assign(MAX=[0, 1] * 6, death=[1, 0] * 6)
    with pytest.raises(InputError, match="MAX may be genes or describe samples"):
        read(write(table))


def test_measures_beside_one_above_all_genes_are_asked_for_with_it(write):
    table = LOG2.copy()
    table.insert(0, "CRP", RNG.uniform(0, 200, 12).round(1))
    table.insert(1, "ALB", RNG.uniform(20, 50, 12).round(1))
    with pytest.raises(InputError, match="--annotations CRP,ALB --out"):
        read(write(table))


def long(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename_axis("sample").reset_index().melt("sample", var_name="gene", value_name="level")


def test_of_a_row_for_each_pair_most_may_be_absent(write):
    some = long(LOG2).sample(frac=0.3, random_state=0)
    adata = read(write(some.to_csv(index=False)))
    assert adata.shape == (12, 20)
    assert f"{12 * 20 - len(some)} pairs are absent" in notes(adata)
    back = some.pivot(index="sample", columns="gene", values="level").loc[adata.obs_names, adata.var_names]
    np.testing.assert_array_equal(adata.X, back)


def test_a_pair_twice_is_said(write):
    twice = pd.concat([long(LOG2), long(LOG2).iloc[:3]])
    with pytest.raises(InputError, match=r"3 rows repeat a pair \(TP53 of S0, .*keep one row of each pair"):
        read(write(twice.to_csv(index=False)))


def test_numbers_that_say_one_thing_of_each_sample_or_gene_describe_it(write):
    ages, lengths = dict(zip(SAMPLES, range(40, 52), strict=True)), dict(zip(GENES, range(900, 920), strict=True))
    table = long(LOG2).assign(age=lambda t: t["sample"].map(ages), length=lambda t: t["gene"].map(lengths))
    adata = read(write(table.to_csv(index=False)))
    np.testing.assert_array_equal(adata.to_df().loc[SAMPLES, GENES], LOG2)
    assert adata.obs["age"].to_dict() == ages
    assert adata.var["length"].to_dict() == lengths


def sheet(path, *lines, merged=(), also=()):
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(list(line))
    for cells in merged:
        book.active.merge_cells(cells)
    for line in also:
        (book["more"] if "more" in book.sheetnames else book.create_sheet("more")).append(list(line))
    book.save(path)
    return path


ROWS = [[gene, *map(float, LOG2[gene])] for gene in GENES]


def test_a_line_of_merged_cells_above_the_header_is_passed_over(tmp_path):
    groups = ["", "control", *[""] * 5, "case", *[""] * 5]
    adata = read(sheet(tmp_path / "x.xlsx", groups, ["gene", *SAMPLES], *ROWS, merged=["B1:G1", "H1:M1"]))
    np.testing.assert_array_equal(adata.to_df(), LOG2)
    assert "(control case)" in notes(adata)


def test_samples_whose_name_a_merged_cell_holds_do_not_leave_silently(tmp_path):
    head = ["gene", *[name for i in range(6) for name in (f"P{i}", "")]]
    rows = [[g, *(level + RNG.normal(0, 0.1, 12))] for g, level in zip(GENES * 2, range(40), strict=True)]
    rows = [[f"{10_000 + i}_at", *row[1:]] for i, row in enumerate(rows)]
    with pytest.raises(FormatError, match="6 columns have no name, and hold values as the 6 samples do"):
        read(sheet(tmp_path / "x.xlsx", head, ["", *["d0", "d7"] * 6], *rows, merged=["B1:C1", "D1:E1"]))


def test_of_several_sheets_the_one_that_holds_numbers_is_read(tmp_path):
    path = sheet(tmp_path / "x.xlsx", ["gene", *SAMPLES], *ROWS, also=[["Read me"], ["made", "by", "us"]])
    np.testing.assert_array_equal(read(path).to_df(), LOG2)


@pytest.mark.parametrize("footer", ["* log2 values\nNA: not measured\n", '"Note: a, b, c"\n', "\nvalues are log2\n"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_what_is_said_below_the_table_is_passed_over(write, footer, separator):
    table = pd.concat([LOG2.T.set_axis([f"{i + 10_000}_at" for i in range(k, k + 20)]) for k in range(0, 100, 20)])
    text = table.to_csv(sep=separator)
    adata = read(write(text + footer))
    np.testing.assert_array_equal(adata.X, table.T)
    assert "below the table passed over" in notes(adata)
    for cut in (text + "10100_at\n", f"{text}10100_at{separator}7.1\n"):
        with pytest.raises(FormatError, match=r"line 102: . cells .*; mend or remove that line"):
            read(write(cut))


def test_an_id_of_a_database_beside_a_measure_is_a_gene_whatever_its_values(write):
    ids = [f"ENSG{141510 + i:011d}" for i in range(20)]
    table = LOG2.abs().set_axis(ids, axis=1)
    table.iloc[0, 0] = -0.126
    table.insert(0, "age", range(12))
    adata = read(write(table))
    assert list(adata.var_names) == ids
    assert list(adata.obs) == ["age"]
