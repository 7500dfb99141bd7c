"""The public files that a user of the field has at hand, read with one call each."""

from pathlib import Path

import pytest

from genelight.io import read, read_gene_lists, read_network, read_sets

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
    ("file", "shape"),
    [
        ("flu_challenge_GSE30550.h5ad", (252, 4147)),
        ("sle_blood_GSE49454.h5ad", (177, 28428)),
        ("tcga_rnaseq_6types.h5ad", (317, 20531)),
    ],
)
def test_cohorts(file, shape):
    assert read(DATA / file).shape == shape
