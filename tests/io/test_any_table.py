"""Random tables with annotations in any position, written in any way and format, are read back equal."""

import gzip
import os
import re
import tempfile
import warnings
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from genelight.errors import FormatError, InputError
from genelight.io import read

SYMBOLS = [
    "TP53",
    "MX1",
    "ISG15",
    "STAT1",
    "IRF7",
    "OAS1",
    "IFI44",
    "GAPDH",
    "ACTB",
    "CXCL10",
    "CD3D",
    "CD8A",
    "NKG7",
    "MS4A1",
    "LYZ",
    "FCGR3A",
    "HBB",
    "CCL5",
    "IL7R",
    "PPBP",
    "AKT3",
    "GNPDA1",
    "CDH2",
    "TANK",
    "SH2B3",
    "CDH3",
    "FRAT1",
    "PIGK",
    "CDH4",
    "PARP2",
    "AP1M2",
    "UBA2",
    "SAE1",
    "ABCC5",
    "DNM1L",
    "NR1H3",
    "HUWE1",
    "PQBP1",
    "UST",
    "ARPC5",
]
GENES = {
    "symbols": SYMBOLS,
    "ensembl": [f"ENSG{141510 + i:011}" for i in range(40)],
    "probes": [f"{200000 + 7 * i}_s_at" for i in range(40)],
    "mouse": [gene.capitalize() for gene in SYMBOLS],
    "plant": [f"AT{i % 5 + 1}G{1000 + i:05}" for i in range(40)],
}
SAMPLES = {"S": "S{}", "GSM": "GSM10{:03}", "TCGA": "TCGA-AA-{:04}-01", "patient": "patient_{}"}
OF_SAMPLES = ["age", "sex", "disease", "sledai", "BMI", "Batch", "hours post infection", "subject_id", "y", "RIN_value"]
OF_GENES = ["Description", "mean", "chromosome", "Length", "note"]
SETTINGS = settings(
    max_examples=int(os.environ.get("GENELIGHT_FUZZ", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def tables(draw):
    """Values, what describes samples, what describes genes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, g = draw(st.integers(5, 14)), draw(st.integers(10, 40))
    kind, names = draw(st.sampled_from(sorted(GENES))), draw(st.sampled_from(sorted(SAMPLES)))
    level = rng.normal(7, 2, g).clip(4)  # a gene of a read or two, beside a column of ages, is asked about
    log2 = (level + rng.normal(0, 0.7, (n, g))).round(3)
    x = log2 if draw(st.booleans()) else np.floor(2 ** np.clip(log2, 0, 14))
    x = pd.DataFrame(x, [SAMPLES[names].format(i + 1) for i in range(n)], GENES[kind][:g])
    gaps = rng.random(x.shape) < draw(st.sampled_from([0.0, 0.1]))
    gaps[:, 0] = gaps[0] = False
    x = x.mask(gaps)
    obs, var = pd.DataFrame(index=x.index), pd.DataFrame(index=x.columns)
    for table, pool, size in ((obs, OF_SAMPLES, n), (var, OF_GENES, g)):
        for name in draw(st.lists(st.sampled_from(pool), unique=True, max_size=3)):
            text = draw(st.booleans())
            table[name] = rng.choice(["SLE", "ctrl", "unclear"], size) if text else rng.integers(0, 90, size)
    return x, obs, var, draw(st.randoms(use_true_random=False))


def merged(x, beside, random):
    """Columns of a table and of what stands beside it, in any order."""
    columns = list(x.columns)
    for name in beside:
        columns.insert(random.randrange(len(columns) + 1), name)
    return pd.concat([x, beside], axis=1)[columns]


def workbook(path, table):
    """The smallest workbook that holds a table."""
    cells = []
    for row in [["", *table.columns], *table.reset_index().to_numpy(object).tolist()]:
        cells.append("<row>")
        for cell in row:
            if isinstance(cell, str) or cell is None or pd.isna(cell):
                text = "" if not isinstance(cell, str) else escape(cell)
                cells.append(f'<c t="inlineStr"><is><t>{text}</t></is></c>')
            else:
                cells.append(f"<c><v>{cell!r}</v></c>" if isinstance(cell, int | float) else f"<c><v>{cell}</v></c>")
        cells.append("</row>")
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    sheets = '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        'ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}">{sheets}</workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{"".join(cells)}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)


def assert_equal(adata, x, obs, var):
    assert list(adata.obs_names) == list(x.index)
    assert list(adata.var_names) == list(x.columns)
    np.testing.assert_array_equal(adata.X, x)
    for found, table in ((adata.obs, obs), (adata.var, var)):
        assert set(found.columns) == set(table.columns)
        for name in table:
            assert found[name].tolist() == table[name].tolist(), name


@SETTINGS
@given(
    table=tables(),
    genes_in_rows=st.booleans(),
    separator=st.sampled_from(["\t", ";", ",", "|"]),
    comma=st.booleans(),
    missing=st.sampled_from(["", "NA", "N/A", "nan", "NaN", "null", "NULL", "None", "#N/A", "n/a", "-", "?", "."]),
    packed=st.booleans(),
    quoting=st.sampled_from([0, 2]),
    title=st.sampled_from(["", "# made by hand\n", "Cohort A\n"]),
    windows=st.booleans(),
    mark=st.booleans(),
)
def test_delimited_text(
    tmp_path, table, genes_in_rows, separator, comma, missing, packed, quoting, title, windows, mark
):
    x, obs, var, random = table
    # What describes the columns stands in rows, under text of its own only where it is text.
    x_rows, beside = (x.T, var) if genes_in_rows else (x, obs)
    wide = merged(x_rows, beside, random)
    decimal = "," if comma and separator != "," else "."
    text = wide.to_csv(sep=separator, decimal=decimal, na_rep=missing, quoting=quoting, index_label="id")
    if title and separator == "\t" and not title.startswith("#"):
        title = ""
    text = title + text
    content = (text.replace("\n", "\r\n") if windows else text).encode("utf-8-sig" if mark else "utf-8")
    path = tmp_path / ("x.csv.gz" if packed else "x.csv")
    path.write_bytes(gzip.compress(content) if packed else content)
    empty = pd.DataFrame(index=x.index if genes_in_rows else x.columns)
    if decimal == "," and all(re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", str(value)) for value in x.to_numpy().ravel()):
        # Every fraction of a small table has three digits: 5,995 may be thousands, and is asked about.
        with pytest.raises(FormatError, match="may be a fraction or thousands"):
            read(path)
        return
    assert_equal(read(path), x, empty if genes_in_rows else obs, var if genes_in_rows else empty)


@SETTINGS
@given(table=tables(), genes_in_rows=st.booleans())
def test_both_sides_described_in_one_text(tmp_path, table, genes_in_rows):
    x, obs, var, random = table
    across, down = (obs, var) if genes_in_rows else (var.select_dtypes(object), obs)
    var = var if genes_in_rows else across
    body = merged(x.T if genes_in_rows else x, down, random).astype(object)
    top = across.T.astype(object).reindex(columns=body.columns)
    top = top.where(top.notna(), "")
    path = tmp_path / "x.csv"
    pd.concat([top, body]).to_csv(path, index_label="id")
    assert_equal(read(path), x, obs, var)


@SETTINGS
@given(table=tables(), genes_in_rows=st.booleans(), form=st.sampled_from(["parquet", "feather", "xlsx"]))
def test_parquet_feather_and_excel(tmp_path, table, genes_in_rows, form):
    x, obs, var, random = table
    wide = merged(*((x.T, var) if genes_in_rows else (x, obs)), random)
    path = tmp_path / f"x.{form}"
    if form == "parquet":
        wide.to_parquet(path)
    elif form == "feather":
        wide.rename_axis("id").reset_index().to_feather(path)
    else:
        workbook(path, wide)
    empty = pd.DataFrame(index=x.index if genes_in_rows else x.columns)
    assert_equal(read(path), x, empty if genes_in_rows else obs, var if genes_in_rows else empty)


@SETTINGS
@given(table=tables())
def test_gct_and_h5ad(tmp_path, table):
    x, obs, var, _ = table
    lines = [f"#1.3\n{x.shape[1]}\t{x.shape[0]}\t{var.shape[1]}\t{obs.shape[1]}\n"]
    lines.append("\t".join(["id", *var.columns, *x.index]) + "\n")
    for name in obs:
        lines.append("\t".join([name, *["na"] * var.shape[1], *map(str, obs[name])]) + "\n")
    for gene in x:
        cells = ["NA" if np.isnan(v) else repr(v) for v in x[gene].tolist()]
        lines.append("\t".join([gene, *map(str, var.loc[gene]), *cells]) + "\n")
    (tmp_path / "x.gct").write_text("".join(lines))
    adata = read(tmp_path / "x.gct")
    assert_equal(adata, x, obs, var)
    adata.write_h5ad(tmp_path / "x.h5ad")
    back = read(tmp_path / "x.h5ad")
    np.testing.assert_array_equal(back.X, x)
    assert [*back.obs.columns, *back.var.columns] == [*adata.obs.columns, *adata.var.columns]


@SETTINGS
@given(table=tables(), form=st.sampled_from(["zarr", "loom", "h5mu"]))
def test_zarr_loom_and_mudata(tmp_path, table, form):
    x, obs, var, _ = table
    path = Path(tempfile.mkdtemp(dir=tmp_path)) / f"x.{form}"
    adata = ad.AnnData(x.to_numpy(), obs=obs, var=var)
    if form == "zarr":
        with ad.settings.override(zarr_write_format=3), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of zarr, about its formats
            adata.write_zarr(path)
    elif form == "h5mu":
        with h5py.File(path, "w") as file:
            ad.io.write_elem(file, "mod/rna", adata)
            ad.io.write_elem(file, "obs", obs.rename(columns=lambda name: f"rna:{name}"))
    else:
        with h5py.File(path, "w") as file:
            file["matrix"] = x.to_numpy().T
            for name, side, told in (("CellID", "col_attrs", obs), ("Gene", "row_attrs", var)):
                file[f"{side}/{name}"] = np.array(list(told.index), "S")
                for column in told:
                    cells = told[column].to_numpy()
                    file[f"{side}/{column}"] = cells.astype("S") if cells.dtype == object else cells
    found = read(path)
    found.obs = found.obs[[name for name in found.obs if not name.startswith("rna:")]]
    assert_equal(found, x, obs, var)


@SETTINGS
@given(table=tables(), packed=st.booleans(), missing=st.sampled_from(["", "NA", "null"]))
def test_series_matrix(tmp_path, table, packed, missing):
    x, obs, _, random = table
    lines = ['!Series_title\t"x"', "!Sample_geo_accession\t" + "\t".join(f'"{name}"' for name in x.index)]
    for name in obs:
        # What is said of one sample may stand on another line than it does for the others.
        lines.append("!Sample_characteristics_ch1\t" + "\t".join(f'"{name}: {cell}"' for cell in obs[name]))
    described = lines[2:]
    random.shuffle(described)
    values = x.T.to_csv(sep="\t", na_rep=missing, index_label="ID_REF", quoting=2)
    text = "\n".join([*lines[:2], *described, "!series_matrix_table_begin", values]) + "!series_matrix_table_end\n"
    path = tmp_path / ("x_series_matrix.txt.gz" if packed else "x_series_matrix.txt")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert_equal(read(path), x, obs, pd.DataFrame(index=x.columns))


@SETTINGS
@given(table=tables(), form=st.sampled_from(["h5", "mtx", "mtx.gz", "folder"]))
def test_10x_and_a_table_for_each_sample(tmp_path, table, form):
    x = table[0].fillna(0).abs().round()
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    counts = sparse.csc_matrix(x.T.to_numpy())
    if form == "h5":
        path = folder / "x.h5"
        with h5py.File(path, "w") as file:
            for key in ("data", "indices", "indptr"):
                file[f"matrix/{key}"] = getattr(counts, key)
            file["matrix/shape"], file["matrix/barcodes"] = counts.shape, np.array(list(x.index), "S")
            file["matrix/features/name"] = file["matrix/features/id"] = np.array(list(x.columns), "S")
    elif form == "folder":
        path = folder
        for sample in x.index:
            x.loc[sample].to_csv(folder / f"{sample}.txt", sep="\t", header=False)
    else:
        path = folder
        scipy.io.mmwrite(folder / "matrix.mtx", counts)
        (folder / "barcodes.tsv").write_text("".join(f"{name}\n" for name in x.index))
        (folder / "features.tsv").write_text("".join(f"{gene}\t{gene}\tGene Expression\n" for gene in x))
        for file in folder.iterdir() if form == "mtx.gz" else ():
            (folder / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
            file.unlink()
    found = read(path)
    order = list(found.obs_names)
    assert sorted(order) == sorted(x.index)
    assert list(found.var_names) == list(x.columns)
    values = found.X.toarray() if sparse.issparse(found.X) else found.X
    np.testing.assert_array_equal(values, x.loc[order])


@settings(SETTINGS, max_examples=int(os.environ.get("GENELIGHT_FUZZ", "25")) * 4)
@given(
    st.lists(
        st.lists(
            st.sampled_from(
                ["", "1", "2.5", "TP53", "MX1", "S1", "NA", '"', '"a', "1,5", "1.000.000", "x", "é", "\x00"]
            ),
            max_size=5,
        ),
        max_size=6,
    ),
    st.sampled_from([",", "\t", ";", " "]),
)
def test_no_text_gives_a_traceback(tmp_path, rows, separator):
    path = tmp_path / "x.csv"
    path.write_text("".join(separator.join(row) + "\n" for row in rows), encoding="utf-8")
    try:
        read(path)
    except (FormatError, InputError) as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_a_workbook_of_several_sheets_asks(tmp_path):
    pytest.importorskip("python_calamine")
    (tmp_path / "x.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(FormatError, match="zip archive"):
        read(tmp_path / "x.xlsx")
