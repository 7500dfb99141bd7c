"""One table in every format: read back equal, and under every kind of damage an error that names the file."""

import gzip
import io as std
import re
import shlex
import shutil
import warnings

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from genelight._core.checks import select_samples
from genelight.errors import FormatError, GenelightError, InputError, UnknownNameError
from genelight.io import inspect, pack, read
from genelight.io._read import READERS

GENES = ["TP53", "MX1", "ISG15", "ACTB"]
MORE = ["STAT1", "IRF7", "OAS1", "GAPDH", "LYZ", "CD8A"]
SAMPLES = ["GSM1", "GSM2", "GSM3"]
X = np.array([[1.5, 2, 0, 4], [10, 0.25, 3e5, 7], [8, 9, 1e-7, 12]])


def frame(x=X) -> pd.DataFrame:
    return pd.DataFrame(x, index=[f"GSM{i + 1}" for i in range(len(x))], columns=[*GENES, *MORE][: x.shape[1]])


def anndata(table: pd.DataFrame, form=np.asarray) -> ad.AnnData:
    obs = pd.DataFrame({"disease": ["sle"] * len(table)}, index=table.index)
    return ad.AnnData(form(table.to_numpy()), obs=obs, var=pd.DataFrame(index=table.columns))


def write_h5ad(table, folder):
    anndata(table).write_h5ad(folder / "x.h5ad")
    return folder / "x.h5ad"


def write_h5ad_sparse(table, folder):
    anndata(table, sparse.csr_matrix).write_h5ad(folder / "x.h5ad")
    return folder / "x.h5ad"


def write_zarr(table, folder):
    # The first anndata that reads zarr 3 has no setting for shards.
    shards = {"auto_shard_zarr_v3": False} if hasattr(ad.settings, "auto_shard_zarr_v3") else {}
    with ad.settings.override(zarr_write_format=3, **shards), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Consolidated metadata is no part of the third format yet.
        anndata(table).write_zarr(folder / "x.zarr")
    return folder / "x.zarr"


def write_h5mu(table, folder):
    with h5py.File(folder / "x.h5mu", "w") as file:
        file.attrs["encoding-type"] = "MuData"
        ad.io.write_elem(file.create_group("mod"), "rna", anndata(table))
        common = pd.DataFrame({"sledai": range(len(table)), "rna:n": 1}, index=table.index)
        ad.io.write_elem(file, "obs", common)
    return folder / "x.h5mu"


def write_csv(table, folder):
    table.to_csv(folder / "x.csv")
    return folder / "x.csv"


def write_tsv_gz(table, folder):
    table.T.to_csv(folder / "x.tsv.gz", sep="\t")
    return folder / "x.tsv.gz"


def write_parquet(table, folder):
    table.to_parquet(folder / "x.parquet")
    return folder / "x.parquet"


def write_feather(table, folder):
    pa.feather.write_feather(table.T.reset_index(names="gene"), folder / "x.feather")
    return folder / "x.feather"


def write_10x(table, folder):
    x = sparse.csr_matrix(table.to_numpy())
    with h5py.File(folder / "x.h5", "w") as file:
        group = file.create_group("matrix")
        for key in ("data", "indices", "indptr"):
            group[key] = getattr(x, key)
        group["shape"] = x.shape[::-1]
        group["barcodes"] = np.array(table.index, "S")
        features = group.create_group("features")
        features["id"] = np.array([f"ENSG{i:011}" for i in range(x.shape[1])], "S")
        features["name"] = np.array(table.columns, "S")
        features["feature_type"] = np.array(["Gene Expression"] * x.shape[1], "S")
    return folder / "x.h5"


def write_10x_v2(table, folder):
    x = sparse.csr_matrix(table.to_numpy())
    with h5py.File(folder / "x.h5", "w") as file:
        group = file.create_group("GRCh38")
        for key in ("data", "indices", "indptr"):
            group[key] = getattr(x, key)
        group["shape"] = x.shape[::-1]
        group["barcodes"] = np.array(table.index, "S")
        group["genes"] = group["gene_names"] = np.array(table.columns, "S")
    return folder / "x.h5"


def write_mtx(table, folder):
    inside = folder / "filtered"
    inside.mkdir(exist_ok=True)
    buffer = std.BytesIO()
    scipy.io.mmwrite(buffer, sparse.coo_matrix(table.to_numpy().T), precision=17)
    (inside / "matrix.mtx.gz").write_bytes(gzip.compress(buffer.getvalue()))
    features = "".join(f"ENSG{i:011}\t{gene}\tGene Expression\n" for i, gene in enumerate(table.columns))
    (inside / "features.tsv.gz").write_bytes(gzip.compress(features.encode()))
    (inside / "barcodes.tsv.gz").write_bytes(gzip.compress("".join(f"{s}\n" for s in table.index).encode()))
    return inside


def write_loom(table, folder):
    with h5py.File(folder / "x.loom", "w") as file:
        file["matrix"] = table.to_numpy().T
        for group, name, values in (("row_attrs", "Gene", table.columns), ("col_attrs", "CellID", table.index)):
            file.create_group(group)[name] = np.array(values, "S")
        file["col_attrs"]["age"] = np.arange(len(table))
        file.create_group("layers")
    return folder / "x.loom"


def write_geo(table, folder):
    def line(name, cells):
        return "\t".join([name, *(f'"{cell}"' for cell in cells)]) + "\n"

    names = list(table.index)
    text = line("!Series_title", ["Lupus"]) + line("!Series_platform_id", ["GPL570"]) + "\n"
    text += line("!Sample_title", [f"patient {i}" for i in range(len(names))]) + line("!Sample_geo_accession", names)
    text += line("!Sample_characteristics_ch1", [f"age: {20 + i}" for i in range(len(names))])
    text += line("!Sample_characteristics_ch1", ["disease state: SLE"] * len(names))
    text += "!series_matrix_table_begin\n" + table.T.to_csv(sep="\t", index_label="ID_REF", quoting=2)
    (folder / "GSE1_series_matrix.txt.gz").write_bytes(gzip.compress((text + "!series_matrix_table_end\n").encode()))
    return folder / "GSE1_series_matrix.txt.gz"


def write_gct(table, folder):
    body = table.T.rename_axis("Name")
    body.insert(0, "Description", "na")
    text = f"#1.2\n{len(body)}\t{len(table)}\n" + body.to_csv(sep="\t")
    (folder / "x.gct").write_text(text)
    return folder / "x.gct"


def write_gct3(table, folder):
    body = table.T.rename_axis("id")
    body.insert(0, "note", "a gene")
    lines = body.to_csv(sep="\t").splitlines(keepends=True)
    above = "\t".join(["disease", "na", *(["sle"] * len(table))]) + "\n"
    (folder / "x.gct").write_text(f"#1.3\n{len(body)}\t{len(table)}\t1\t1\n" + lines[0] + above + "".join(lines[1:]))
    return folder / "x.gct"


def write_samples(table, folder):
    inside = folder / "htseq"
    shutil.rmtree(inside, ignore_errors=True)
    inside.mkdir()
    for sample, row in table.iterrows():
        row.to_csv(inside / f"{sample}.counts.txt", sep="\t", header=False)
        with (inside / f"{sample}.counts.txt").open("a") as handle:
            handle.write("__no_feature\t99\n")
    return inside


WRITERS = {name.removeprefix("write_"): what for name, what in dict(globals()).items() if name.startswith("write_")}
NUMBERS = st.floats(-1e12, 1e12, allow_subnormal=False)


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    # Samples of zeros alone are refused, which tests of their own show.
    x=hnp.arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(4, 10)), elements=NUMBERS).filter(
        lambda x: x.any(1).all()
    )
)
def test_any_table_comes_back_equal_from_every_format(tmp_path, name, x):
    x = np.vstack([x, x]) if name == "samples" and len(x) == 1 else x
    table = frame(x)
    back = read(WRITERS[name](table, tmp_path))
    assert list(back.obs_names) == list(table.index)
    assert list(back.var_names) == list(table.columns)
    np.testing.assert_array_equal(back.X.toarray() if sparse.issparse(back.X) else back.X, x)


@pytest.mark.parametrize("name", WRITERS)
def test_no_changed_byte_or_cut_gives_a_traceback(tmp_path, name):
    path = WRITERS[name](frame(), tmp_path)
    files = [file for file in ([path] if path.is_file() else sorted(path.rglob("*"))) if file.is_file()]
    rng = np.random.default_rng(0)
    for _ in range(30):
        file = files[rng.integers(len(files))]
        content = file.read_bytes()
        place = int(rng.integers(len(content)))
        flipped = bytes([content[place] ^ int(rng.integers(1, 256))])
        # A byte changed within HDF5's own structures can end the process inside its C library.
        cut = bool(rng.integers(2)) or content.startswith(b"\x89HDF")
        file.write_bytes(content[:place] if cut else content[:place] + flipped + content[place + 1 :])
        try:
            back = read(path, dense=True)
            # A table of one sample, cut at the end of a line, leaves gaps, which are counted.
            assert (
                not cut
                or back.shape != X.shape
                or np.array_equal(back.X, np.where(np.isnan(back.X), np.nan, X), equal_nan=True)
            )
        except GenelightError as error:
            assert str(tmp_path) in str(error)  # noqa: PT017
        file.write_bytes(content)


def test_every_reader_is_tried():
    read_by = {"csv": "csv", "tsv_gz": "csv", "h5ad_sparse": "h5ad", "h5mu": "mudata", "10x_v2": "10x", "gct3": "gct"}
    # Workbooks hold 15 digits of a number; test_any_table.py reads them.
    assert {read_by.get(name, name) for name in WRITERS} == set(READERS) - {"excel"}


@pytest.mark.parametrize("name", [n for n in WRITERS if n not in ("zarr", "mtx", "samples")])
def test_content_goes_before_the_suffix(tmp_path, name):
    path = WRITERS[name](frame(), tmp_path)
    for suffix in ("dat", "h5ad", "csv"):
        path = path.rename(tmp_path / f"renamed.{suffix}")
        np.testing.assert_array_equal(read(path, dense=True).X, X)


def test_what_is_said_of_samples_and_genes_comes_along(tmp_path):
    geo = read(write_geo(frame(), tmp_path))
    assert geo.obs["disease state"].tolist() == ["SLE"] * 3
    assert geo.obs["age"].tolist() == [20, 21, 22]
    assert geo.obs["title"].tolist()[0] == "patient 0"
    assert (geo.uns["read"]["platform"], geo.uns["series"]["title"]) == ("GPL570", "Lupus")
    assert read(write_gct3(frame(), tmp_path)).obs["disease"].tolist() == ["sle"] * 3
    assert read(write_gct(frame(), tmp_path)).var["Description"].isna().all()
    assert read(write_loom(frame(), tmp_path)).obs["age"].tolist() == [0, 1, 2]
    mudata = read(write_h5mu(frame(), tmp_path))
    assert mudata.obs["sledai"].tolist() == [0, 1, 2]
    assert "rna:n" not in mudata.obs
    assert read(write_10x(frame(), tmp_path)).var["gene_ids"].tolist()[0] == "ENSG00000000000"


def test_characteristics_follow_their_key_not_their_line(tmp_path):
    text = (
        '!Series_title\t"x"\n!Sample_geo_accession\t"GSM1"\t"GSM2"\n'
        '!Sample_characteristics_ch1\t"age: 5"\t"sex: f"\n!Sample_characteristics_ch1\t"sex: m"\t""\n'
        '!Sample_characteristics_ch1\t"age: 6"\t"age: 7"\n!series_matrix_table_begin\n'
        '"ID_REF"\t"GSM2"\t"GSM1"\n"A"\t1\t2\n!series_matrix_table_end\n'
    )
    (tmp_path / "x.txt").write_text(text)
    adata = read(tmp_path / "x.txt")
    assert adata.obs["sex"].to_dict() == {"GSM2": "f", "GSM1": "m"}
    assert adata.obs["age"].to_dict() == {"GSM2": 7, "GSM1": 5}
    assert adata.obs["age.2"].dropna().to_dict() == {"GSM1": 6}
    assert adata["GSM1"].X.tolist() == [[2]]


@pytest.mark.parametrize("name", ["h5ad", "h5ad_sparse", "zarr"])
def test_x_stays_on_disk_when_asked(tmp_path, name):
    backed = read(WRITERS[name](frame(), tmp_path), backed=True)
    assert not isinstance(backed.X, np.ndarray | sparse.spmatrix)
    some = backed.X[1:3]
    np.testing.assert_array_equal(some.toarray() if sparse.issparse(some) else np.asarray(some), X[1:3])
    assert backed.shape == (3, 4)


def test_where_a_gene_lies_is_no_measure_of_a_sample(tmp_path):
    for sample, row in zip(SAMPLES, X, strict=True):
        table = pd.DataFrame({"Geneid": GENES, "Chrom": 1, "Start": range(10, 50, 10), "Eff_Length": 100, "count": row})
        table.to_csv(tmp_path / f"{sample}.tsv", sep="\t", index=False)
    np.testing.assert_array_equal(read(tmp_path).X, X)


@pytest.mark.parametrize("nested", ["quant.sf", "abundance.tsv"])
def test_folders_of_salmon_and_kallisto(tmp_path, nested):
    for sample, factor in (("s1", 1), ("s2", 2)):
        (tmp_path / sample).mkdir()
        table = pd.DataFrame({"Name": GENES, "Length": 100, "TPM": X[0] * factor, "NumReads": [1, 2, 3, 4]})
        table.to_csv(tmp_path / sample / nested, sep="\t", index=False)
    with pytest.raises(InputError, match=r"2 columns of numbers \(TPM, NumReads\); say column="):
        read(tmp_path)
    with pytest.raises(UnknownNameError, match=r"unknown column 'TMP'.*did you mean 'TPM'"):
        read(tmp_path, column="TMP")
    adata = read(tmp_path, column="TPM")
    np.testing.assert_array_equal(adata.X, [X[0], 2 * X[0]])
    assert list(adata.obs_names) == ["s1", "s2"]


def test_star_and_genes_that_one_table_lacks(tmp_path):
    rows = "N_unmapped\t9\t9\t9\nTP53\t1\t2\t3\n"
    (tmp_path / "aReadsPerGene.out.tab").write_text(rows + "MX1\t4\t5\t6\n")
    (tmp_path / "bReadsPerGene.out.tab").write_text(rows)
    adata = read(tmp_path, column="reverse")
    assert list(adata.obs_names) == ["a", "b"]
    np.testing.assert_array_equal(adata.X, [[3, 6], [3, np.nan]])
    assert adata.uns["read"]["notes"] == "1 values of genes that a table lacks are missing"


def test_modalities_are_chosen_by_name(tmp_path):
    path = write_h5mu(frame(), tmp_path)
    with h5py.File(path, "a") as file:
        ad.io.write_elem(file["mod"], "protein", anndata(frame() * 2))
    with pytest.raises(InputError, match=r"2 modalities \(protein, rna\); say modality="):
        read(path)
    with pytest.raises(UnknownNameError, match="did you mean 'rna'"):
        read(path, modality="rnaa")
    np.testing.assert_array_equal(read(path, modality="protein").X, 2 * X)


@pytest.mark.parametrize(
    ("name", "options", "takers"),
    [
        ("csv", {"backed": True}, "h5ad, zarr"),
        ("geo", {"orientation": "genes-in-rows"}, "csv"),
        ("loom", {"modality": "rna"}, "mudata"),
        ("h5ad", {"column": "TPM"}, "samples"),
    ],
)
def test_an_option_that_does_not_go_with_the_format_is_refused(tmp_path, name, options, takers):
    with pytest.raises(InputError, match=f"does not go with .*{takers}"):
        read(WRITERS[name](frame(), tmp_path), **options)


RNG = np.random.default_rng(0)
PANEL = pd.DataFrame(RNG.normal(7, 2, (12, 10)).round(3), [f"GSM{i}" for i in range(12)], [*GENES, *MORE])
LABELS = {"age": np.arange(30.0, 42), "disease": np.array([0.0, 1] * 6), "sex": np.array([1.0, 0, 0] * 4)}
LABELLED = PANEL.assign(**LABELS)[["TP53", "age", *[*GENES, *MORE][1:], "disease", "sex"]]


@pytest.mark.parametrize("name", [name for name in WRITERS if name not in ("10x", "mtx")])
def test_labels_become_no_genes_in_any_format(tmp_path, name):
    adata = read(WRITERS[name](LABELLED, tmp_path), dense=True)
    assert list(adata.var_names) == list(PANEL.columns)
    np.testing.assert_array_equal(adata[PANEL.index].X, PANEL)
    if name not in ("geo", "gct", "gct3"):  # which have a place for what describes samples
        assert "3 describe samples, no gene: age, disease, sex" in adata.uns["read"]["notes"]
        column = "disease.2" if "h5" in name or name == "zarr" else "disease"  # one stood there already
        assert adata[PANEL.index].obs[column].tolist() == LABELS["disease"].tolist()


@pytest.mark.parametrize("name", ["10x", "mtx"])
def test_features_with_an_id_of_a_gene_are_genes(tmp_path, name):
    table = PANEL.rename(columns={"MX1": "tdTomato"})
    assert list(read(WRITERS[name](table, tmp_path)).var_names) == list(table.columns)


def test_antibodies_beside_genes_are_no_labels(tmp_path):
    proteins = anndata(PANEL.rename(columns={"MX1": "anti_cd3"}))
    assert "anti_cd3" not in read(kept(proteins, tmp_path)).var_names
    proteins.var["feature_types"] = [
        "Antibody Capture" if g == "anti_cd3" else "Gene Expression" for g in proteins.var_names
    ]
    assert "anti_cd3" in read(kept(proteins, tmp_path)).var_names


def kept(adata, folder, name="x.h5ad"):
    adata.write_h5ad(folder / name)
    return folder / name


@pytest.mark.parametrize("name", ["h5ad", "h5ad_sparse", "zarr", "loom", "h5mu"])
def test_a_label_with_the_name_of_a_gene_is_asked_for_in_any_format(tmp_path, name):
    path = WRITERS[name](PANEL.assign(MET=[0.0, 1] * 6), tmp_path)
    with pytest.raises(InputError, match=r"MET may be genes or describe samples \(whole numbers") as caught:
        read(path)
    answers = re.findall(r"--annotations (\S+) --out", str(caught.value))
    assert answers == ["MET", "none"]
    assert list(read(path, annotations=["MET"]).var_names) == list(PANEL.columns)
    told = read(path, annotations=["none"])
    assert told.n_vars == 11
    assert read(kept(told, tmp_path, "told.h5ad")).n_vars == 11  # an answer is asked for once
    with pytest.raises(UnknownNameError, match="unknown annotation 'MET2'"):
        read(path, annotations=["MET2"])


def test_a_table_on_disk_with_labels_is_read(tmp_path):
    path = kept(anndata(LABELLED), tmp_path)
    assert list(read(path, backed=True).var_names) == list(PANEL.columns)
    assert inspect(path).genes == 10
    store = pack([path], tmp_path / "x.zarr")
    assert store.n_vars == 10
    assert store.obs["age"].tolist() == LABELS["age"].tolist()


def test_two_labels_of_one_name_both_stay(tmp_path):
    twice = anndata(PANEL.assign(age=LABELS["age"], other=LABELS["sex"]))
    twice.var_names = [*PANEL.columns, "age", "age"]
    adata = read(kept(twice, tmp_path))
    assert adata.obs["age"].tolist() == LABELS["age"].tolist()
    assert adata.obs["age.2"].tolist() == LABELS["sex"].tolist()


def test_genes_in_the_rows_of_anndata_stop(tmp_path):
    path = kept(anndata(LABELLED).T, tmp_path)
    with pytest.raises(FormatError, match=r"genes seem to stand in its rows .* --orientation genes-in-rows --out"):
        read(path)
    for backed in (False, True):
        adata = read(path, orientation="genes-in-rows", backed=backed)
        assert list(adata.var_names) == list(PANEL.columns)
        assert adata.obs["age"].tolist() == LABELS["age"].tolist()
    with pytest.raises(UnknownNameError, match="orientation"):
        read(path, orientation="rows")
    knocked_out = anndata(PANEL.set_axis([f"ENSG{i:011}" for i in range(10)], axis=1).iloc[:10].set_axis(PANEL.columns))
    assert read(kept(knocked_out, tmp_path)).shape == (10, 10)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("copy", ["S.1", "S1_copy"])
def test_a_copied_sample_is_named(tmp_path, form, copy):
    names = [*PANEL.index[1:], PANEL.index[0]]
    assert not read(kept(anndata(PANEL.loc[names], form), tmp_path)).uns.get("read")
    twice = pd.concat([PANEL, PANEL.iloc[[4]].set_axis([copy])])
    path = kept(anndata(twice, form), tmp_path)
    said = read(path).uns["read"]["copies"]
    assert f"1 sample holds exactly the values of another ({copy} of GSM4)" in said
    query = shlex.split(said.partition("--drop ")[2])[0]
    assert select_samples(read(path).obs, query, role="drop").tolist() == [False] * 12 + [True]
    assert inspect(path).copies == said
    assert said in inspect(path).to_text()
