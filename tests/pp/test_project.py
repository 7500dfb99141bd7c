"""Files of any platform brought to one list of genes, or to a model's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import genelight as gl
from genelight.cli import app
from genelight.errors import InputError
from genelight.io.id_table import IdTable
from genelight.pp.map_ids import IdMap
from genelight.pp.project import map_for, map_where_needed

DATA = Path(__file__).parents[2] / "../shared/data"
GPL570 = DATA / "id_maps/gpl570_probe_entrez.csv.gz"
# File, further options of map_ids, kind of its ids, and the least of the first cohort's genes that it must have.
FILES = [
    ("sle_blood_GSE65391.h5ad", {}, "symbol", 26_802),
    ("sle_blood_GSE49454.h5ad", {}, "symbol", 26_000),
    ("tcga_rnaseq_6types.h5ad", {}, "symbol|entrez", 17_000),
    ("small_cohorts/ms_cortex_GSE123496_counts_entrez.csv.gz", {"collapse": "sum"}, "entrez", 13_400),
    ("small_cohorts/sle_GSE4588_gpl570_raw.csv.gz", {"table": GPL570}, "gpl570", 15_500),
]
needs = pytest.mark.skipif(not DATA.exists(), reason="the shared files lie outside the package")


@pytest.fixture(scope="module")
def one_list() -> gl.Genes:
    import h5py

    with h5py.File(DATA / FILES[0][0]) as file:
        var = file["var"]
        return gl.Genes(tuple(i.decode() for i in var[var.attrs["_index"]][:]))


@needs
@pytest.mark.parametrize(("name", "how", "kind", "least"), FILES, ids=[Path(f[0]).name[:12] for f in FILES])
def test_each_shared_file_comes_to_one_list_with_an_account(name, how, kind, least, one_list):
    learned = IdMap.of(gl.read(DATA / name), to=one_list, **how)
    account = learned.account
    assert account["ids"] == kind
    assert account["genes"] >= least
    assert account["genes"] + account["missing"] == len(one_list) == account["asked"]
    lost = account["unmapped"] + account["several"] + account["not_asked"] + account["yielded"]
    assert account["columns"] - lost == account["genes"] + account["collapsed"] - account["collapsed_genes"]
    text = str(learned)
    assert f"of 26,802 genes asked for {account['genes']:,} found" in text
    assert str(IdTable.shipped()) in text


def symbols_as_ensembl(adata):
    """The demo's genes that have one Ensembl id, under it."""
    entrez, names = IdTable.shipped().entrez_of("symbol"), IdTable.shipped().names("ensembl")
    named = {g: names.get(entrez[g][0]) for g in adata.var_names if len(entrez.get(g, ())) == 1}
    named = {g: e for g, e in named.items() if e}
    other = adata[:, list(named)].copy()
    other.var_names = [f"{e}.3" for e in named.values()]
    return other


def test_a_model_reads_the_same_cohort_under_other_ids():
    cohort = gl.demo.cohort()[:, :800].copy()
    other = symbols_as_ensembl(cohort)
    model = gl.models.PCA(4).fit(cohort)
    learned = map_for(other, model.preparation)
    mapped = learned.transform(other)
    shared = [g for g in cohort.var_names if g in set(mapped.var_names)]
    assert len(shared) > 0.9 * cohort.n_vars
    np.testing.assert_array_equal(mapped[:, shared].X, cohort[:, shared].X)
    got, want = gl.encode(mapped, model, layer="PC"), gl.encode(cohort, model, layer="PC")
    assert min(np.corrcoef(got[:, k], want[:, k])[0, 1] for k in range(4)) > 0.99
    assert map_for(cohort, model.preparation) is None


def test_a_model_keeps_the_choice_of_columns_made_at_training():
    other = symbols_as_ensembl(gl.demo.cohort())
    learned = map_where_needed(other)
    preparation = replace(gl.prepare(learned.transform(other)), id_map=learned)
    assert map_for(other[:1].copy(), preparation) is learned
    assert map_where_needed(gl.demo.cohort()) is None
    odd = other.copy()
    odd.var_names = [f"#{i}" for i in range(odd.n_vars)]
    assert map_where_needed(odd) is None


def command(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    return f"{done.output}{done.exception or ''}"


def test_the_command_prints_the_account_and_writes_the_table(tmp_path):
    cohort = gl.demo.cohort()[:, :800].copy()
    symbols_as_ensembl(cohort).write_h5ad(tmp_path / "other.h5ad")
    gl.models.PCA(4).fit(cohort).save(tmp_path / "model")
    said = command("project", tmp_path / "other.h5ad", "--model", tmp_path / "model", "--out", tmp_path / "new.h5ad")
    assert "of kind ensembl (Ensembl gene id;" in said
    assert "of the model's 800 genes, with" in said
    assert "are imputed from the model" in said
    assert gl.read(tmp_path / "new.h5ad").uns["map_ids"]["ids"] == "ensembl"
    assert "nothing to project onto; add --model FOLDER" in command("project", tmp_path / "other.h5ad")


def test_several_tables_come_to_one_list_by_one_command(tmp_path):
    cohort = gl.demo.cohort()[:20, :800].copy()
    cohort.write_h5ad(tmp_path / "symbols.h5ad")
    symbols_as_ensembl(cohort).write_h5ad(tmp_path / "ensembl.h5ad")
    probes = cohort[:, :500].copy()
    probes.var_names = [f"{200_000 + i}_at" for i in range(500)]
    probes.write_h5ad(tmp_path / "probes.h5ad")
    pairs = zip(probes.var_names, cohort.var_names, strict=False)
    (tmp_path / "chip.tsv").write_text("ID\tSymbol\n" + "".join(f"{p}\t{g}\n" for p, g in pairs))
    files = [tmp_path / f"{name}.h5ad" for name in ("symbols", "ensembl", "probes")]
    how = ("--genes", files[0], "--table", tmp_path / "chip.tsv", "--out", tmp_path / "out")
    said = command("project", *files, *how)
    assert [said.count(words) for words in ("of kind symbol", "of kind ensembl", "of kind hgu133a")] == [1, 1, 1]
    assert "symbols.h5ad: 20 samples, 800 of 800 genes" in said
    assert "probes.h5ad: 20 samples, 500 of 800 genes" in said
    for name, genes in (("symbols", 800), ("probes", 500)):
        projected = gl.read(tmp_path / "out" / f"{name}.h5ad")
        np.testing.assert_array_equal(projected.X, cohort[:, projected.var_names].X)
        assert projected.n_vars == genes
    assert "exists already and was left as it is" in command("project", *files, *how)
    twice = command("project", files[0], files[0], "--genes", files[0], "--out", tmp_path / "twice")
    assert "two of the tables have the same name (symbols, symbols)" in twice


def test_single_missing_values_come_from_the_model_and_are_counted():
    adata = gl.demo.cohort()[:60, :400].copy()
    model = gl.models.PCA(8).fit(adata)
    whole = model.prepare(adata)
    rng = np.random.default_rng(0)
    gap_ng = rng.random(adata.shape) < 0.004
    holed = adata.copy()
    holed.X = np.where(gap_ng, np.nan, adata.X)
    filled = model.prepare(holed)
    place_g = model.genes.align(adata.var_names).index
    lost = gap_ng[:, place_g]
    assert np.isfinite(filled).all()
    assert model.preparation.gaps(holed).sum() == lost.sum()
    np.testing.assert_allclose(filled[~lost], whole[~lost], atol=1e-5)
    error = ((filled - whole)[lost] ** 2).mean()
    assert error < 0.8 * (whole[lost] ** 2).mean()
    holed.X[3] = np.nan
    with pytest.raises(InputError, match="1 samples lack values that carry more than 20% of the genes' variance"):
        model.prepare(holed)


def test_networks_and_sets_take_the_names_of_the_data():
    table = pd.DataFrame(
        {"source": ["RIGI", "MX1", "MX1"], "target": ["MX1", "DDX58", "TP53"], "weight": [1.0, 3.0, 2.0]}
    )
    genes = gl.Genes(("DDX58", "MX1", "TP53"))
    network = gl.pp.map_edges(gl.Edges("n", table), genes, network=True)
    assert network.table.to_dict("records") == [
        {"source": "DDX58", "target": "MX1", "weight": 3.0},
        {"source": "MX1", "target": "TP53", "weight": 2.0},
    ]
    assert network.account["ids renamed"] == 1
    sets = gl.pp.map_edges(gl.Edges("s", table.assign(source="antiviral", target=["RIGI", "MX1", "unheard"])), genes)
    assert list(sets.table["target"]) == ["DDX58", "MX1", "unheard"]
    assert gl.pp.map_edges(sets, genes) is sets or "unheard" in set(gl.pp.map_edges(sets, genes).table["target"])


def test_a_second_cohort_with_newer_names_is_mapped_by_itself():
    adata = gl.demo.cohort()[:20].copy()
    assert "DDX58" in adata.var_names
    newer = adata.copy()
    newer.var_names = [{"DDX58": "RIGI"}.get(gene, gene) for gene in adata.var_names]
    id_map = map_where_needed(newer, to=gl.Genes(tuple(adata.var_names)))
    assert "DDX58" in id_map.transform(newer).var_names
    assert map_where_needed(adata, to=gl.Genes(tuple(adata.var_names))) is None
