"""Several measures of each sample: one is expression, the others stand beside the genes or asked about."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import genelight as gl
from genelight.errors import FormatError, InputError, UnknownNameError
from genelight.io.text._measures import measures_of

GENES = ["MX1", "IFI44L", "OAS1", "ISG15", "STAT1", "TP53", "EGFR", "CD8A", "GAPDH", "ACTB"]
SAMPLES = ["A12", "B7", "C_3", "d 4", "E.5"]
rng = np.random.default_rng(0)
SIGNAL = 2 ** rng.normal(8, 2, (len(SAMPLES), len(GENES)))
DETECTION = rng.random(SIGNAL.shape)


def table(path, columns: dict[str, np.ndarray], *, index=GENES, separator="\t"):
    pd.DataFrame(columns, index=pd.Index(index, name="gene")).to_csv(path, sep=separator)
    return path


def alternating(forms: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {form.format(s): values[i] for i, s in enumerate(SAMPLES) for form, values in forms.items()}


@pytest.mark.parametrize(
    "forms",
    [
        ("{}.AVG_Signal", "{}.Detection Pval"),
        ("AVG_Signal-{}", "Detection-{}"),
        ("{}", "{}_DetectionPval"),
        ("{} (TPM)", "{} (Detection)"),
        ("{}_Signal", "{}_ABS_CALL"),
        ("Intensity {}", "Sequence coverage {}"),
    ],
)
def test_how_sure_a_value_is_stands_beside_the_genes(tmp_path, forms):
    path = table(tmp_path / "t.txt", alternating(dict(zip(forms, (SIGNAL, DETECTION), strict=True))))
    adata = gl.io.read(path)
    assert list(adata.obs_names) == SAMPLES
    np.testing.assert_allclose(adata.X, SIGNAL)
    beside = [forms[1].format(s) for s in SAMPLES]
    assert list(adata.var.columns) == beside
    np.testing.assert_allclose(adata.var[beside].T, DETECTION)
    assert "2 measures of each of 5 samples, of which" in adata.uns["read"]["notes"]


def test_calls_in_letters_stand_beside_the_genes_too(tmp_path):
    calls = rng.choice(["P", "A", "M"], SIGNAL.shape)
    adata = gl.io.read(table(tmp_path / "t.txt", alternating({"{}_Signal": SIGNAL, "{}_Detection": calls})))
    assert list(adata.obs_names) == SAMPLES
    assert list(adata.var["B7_Detection"]) == list(calls[1])
    damaged = alternating({"{}_Signal": SIGNAL.astype(object), "{}_Detection": calls})
    damaged["B7_Signal"] = np.array(["low"] * len(GENES))
    with pytest.raises(FormatError, match=r"column 'B7_Signal' .* holds 'low'"):
        gl.io.read(table(tmp_path / "u.txt", damaged))


@pytest.mark.parametrize("suffix", ["txt", "parquet", "feather", "xlsx"])
def test_two_that_may_be_expression_are_asked_about(tmp_path, suffix):
    counts = np.round(SIGNAL)
    frame = pd.DataFrame(alternating({"{}_count": counts, "{}_TPM": SIGNAL}), index=pd.Index(GENES, name="gene"))
    path = tmp_path / f"t.{suffix}"
    if suffix == "txt":
        frame.to_csv(path, sep="\t")
    elif suffix == "xlsx":
        frame.to_excel(path)
    elif suffix == "parquet":
        frame.to_parquet(path)
    else:
        frame.reset_index().to_feather(path)
    with pytest.raises(InputError, match=r"2 measures of each of 5 samples \(count, TPM\).* --column count --out"):
        gl.io.read(path)
    for name, values in {"count": counts, "TPM": SIGNAL}.items():
        adata = gl.io.read(path, column=name)
        assert list(adata.obs_names) == SAMPLES
        np.testing.assert_allclose(adata.X, values)
    with pytest.raises(UnknownNameError, match=r"unknown measure 'tpm'.*did you mean 'TPM'"):
        gl.io.read(path, column="tpm")
    assert gl.io.read(path, annotations=[]).n_obs == 2 * len(SAMPLES)


def test_a_table_of_one_measure_has_none_to_ask_for(tmp_path):
    path = table(tmp_path / "t.txt", {s: SIGNAL[i] for i, s in enumerate(SAMPLES)})
    with pytest.raises(InputError, match="one value for each gene and sample, no 'TPM' among several"):
        gl.io.read(path, column="TPM")


@pytest.mark.parametrize(
    "names",
    [
        [f"P{i}_{v}" for i in range(5) for v in ("day0", "day7")],
        [f"{t}.{i}" for t in ("tumour", "normal") for i in range(5)],
        [f"{t} {i}" for t in ("raw264", "THP1") for i in range(5)],
        [f"S{i}" for i in range(8)],
        [f"S{i}_TPM" for i in range(8)],
        [],
    ],
)
def test_visits_and_tissues_are_samples(names):
    assert measures_of(names) is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.from_regex(r"[A-Z][a-z]?[0-9]{1,3}(_r[12])?", fullmatch=True), min_size=2, max_size=6, unique=True),
    st.lists(st.sampled_from(["TPM", "count", "AVG_Signal", "Detection Pval", "LFQ intensity", "sd"]), min_size=2,
             max_size=4, unique=True),
    st.sampled_from(".-_: "),
    st.booleans(),
    st.booleans(),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_names_of_samples_and_measures_are_parted_as_they_were_joined(samples, measures, gap, front, bare, random):
    def joined(sample: str, measure: str) -> str:
        if not measure:
            return sample
        return f"{measure}{gap}{sample}" if front else f"{sample}{gap}{measure}"

    measures = ["", *measures] if bare else measures
    names = [joined(s, m) for s, m in itertools.product(samples, measures)]
    random.shuffle(names)
    found = measures_of(names)
    assert found is not None
    assert set(found.samples) == set(samples)
    assert {m: set(c) for m, c in found.columns.items()} == {m: {joined(s, m) for s in samples} for m in measures}


@pytest.mark.parametrize(
    "forms",
    [("{} RMA", "{} DABG"), ("{}_log2FC", "{}_padj"), ("{}_mean", "{}_SD"), ("{} F635 Median", "{} B635 Median")],
)
@pytest.mark.parametrize("visits", [["A12", "B7", "C3", "D9", "E5"], ["A_d0", "A_d7", "B_d0", "B_d7", "C_d0"]])
def test_measures_that_no_word_tells_are_asked_about_for_their_values(tmp_path, forms, visits):
    level = np.linspace(4, 12, len(GENES)) + rng.normal(0, 0.1, SIGNAL.shape)
    columns = {f.format(s): v[i] for i, s in enumerate(visits) for f, v in zip(forms, (level, DETECTION), strict=True)}
    index = [f"{i:05d}_at" for i in range(1000, 1040)]
    columns = {name: np.concatenate([values + i for i in range(4)]) for name, values in columns.items()}
    for i in range(5):
        columns[forms[1].format(visits[i])] = rng.random(40)
    path = table(tmp_path / "t.txt", columns, index=index)
    first = forms[0].format("")[1:]
    with pytest.raises(InputError, match=r"2 measures of each of 5 samples .* if every column is a sample: ") as error:
        gl.io.read(path)
    assert f"--column {first}" in str(error.value) or f"--column '{first}'" in str(error.value)
    assert list(gl.io.read(path, column=first).obs_names) == visits
    assert gl.io.read(path, annotations=["none"] if "none" in columns else []).n_obs == 10


def test_counts_beside_what_was_made_of_them_are_asked_about(tmp_path):
    path = table(tmp_path / "t.txt", alternating({"{}_cts": np.round(SIGNAL), "{}_vst": np.log2(SIGNAL + 1)}))
    with pytest.raises(InputError, match=r"2 measures of each of 5 samples \(cts, vst\)"):
        gl.io.read(path)


def test_measures_are_asked_about_though_an_annotation_is_named(tmp_path):
    columns = {"Length": np.arange(10) + 900.0, **alternating({"{}_count": np.round(SIGNAL), "{}_TPM": SIGNAL})}
    path = table(tmp_path / "t.txt", columns)
    with pytest.raises(
        InputError, match=r"2 measures of each of 5 samples .* --column count --annotations Length --out"
    ):
        gl.io.read(path, annotations=["Length"])
    assert gl.io.read(path, annotations=["Length", "none"]).n_obs == 10
    assert list(gl.io.read(path, annotations=["Length"], column="TPM").obs_names) == SAMPLES


def test_visits_that_share_a_word_are_samples(tmp_path):
    names = [f"P{i}_{visit}_TPM" for i in range(4) for visit in ("pre", "post")]
    columns = {name: 2 ** (np.arange(10) + rng.normal(0, 0.2, 10)) for name in names}
    assert list(gl.io.read(table(tmp_path / "t.txt", columns)).obs_names) == names


def test_a_p_value_with_a_hyphen_is_one_word(tmp_path):
    adata = gl.io.read(table(tmp_path / "t.txt", alternating({"{}_VALUE": SIGNAL, "{}_P-VALUE": DETECTION})))
    assert list(adata.obs_names) == SAMPLES
    np.testing.assert_allclose(adata.X, SIGNAL)


@pytest.mark.parametrize("form", ["P{1}_{0}", "{0}.{1}"])
@pytest.mark.parametrize("groups", [("pre", "post"), ("WT", "KO", "HET")])
@pytest.mark.parametrize("centred", [True, False])
def test_visits_and_tissues_are_samples_whatever_was_taken_from_their_values(tmp_path, form, groups, centred):
    level = rng.normal(7, 2, 300)
    columns = [form.format(group, i) for group in groups for i in range(12 // len(groups))]
    values = level + rng.normal(0, 0.7, (12, 300)) + rng.normal(0, 0.7, (len(groups), 300)).repeat(12 // len(groups), 0)
    frame = pd.DataFrame((values - centred * values.mean(0)).T.round(3), [f"ENSG{i:011}" for i in range(300)], columns)
    frame.to_csv(tmp_path / "t.csv")
    assert list(gl.io.read(tmp_path / "t.csv").obs_names) == columns


MATRIX = '!Series_title\t"t"\n!Sample_title\t"a"\t"b"\n!series_matrix_table_begin\n"ID_REF"\t"{0}"\t"{1}"\n'
GCT = "#1.3\n2\t2\t0\t1\nid\t{0}\t{1}\nage\t3\t4\n"
VALUES = "TP53\t1.5\t2\nMX1\t3\t4\n"


@pytest.mark.parametrize(
    ("head", "tail"), [(MATRIX, "!series_matrix_table_end\n"), (GCT, "")], ids=["series matrix", "GCT"]
)
def test_where_the_format_says_what_a_column_is_names_are_samples(tmp_path, head, tail):
    path = tmp_path / "t.txt"
    path.write_text(head.format("S_count", "S_TPM") + VALUES + tail)
    assert list(gl.io.read(path).obs_names) == ["S_count", "S_TPM"]
    path.write_text(head.format("S1", "S1") + VALUES + tail)
    with pytest.raises(InputError, match=r"1 sample names occur more than once \(S1\)"):
        gl.io.read(path)
