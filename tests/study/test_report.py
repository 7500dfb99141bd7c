"""Every name that a gene had or has leads to it in the report's search."""

import pytest

from genelight import demo
from genelight.io.id_table import IdTable
from genelight.study.steps._report import _aliases


@pytest.mark.parametrize(
    ("gene", "namespace"),
    [("DDX58", "symbol"), ("RIGI", "symbol"), ("ENSG00000107201", "ensembl"), ("23586", "entrez")],
)
def test_a_gene_is_found_by_its_symbol_of_today_the_withdrawn_one_and_all_others(gene, namespace):
    (names,) = _aliases([gene], namespace)["aliases"]
    others = set(names.split("|"))
    assert others | {gene} >= {"RIGI", "DDX58", "RIG-I", "RLR-1"}
    assert gene not in others
    assert names.startswith("RIGI") or gene == "RIGI"


def test_a_name_that_several_genes_had_is_given_to_none():
    several = next(name for name, genes in IdTable.shipped().entrez_of("alias").items() if len(genes) > 1)
    assert list(_aliases([several, "no gene"], "symbol")["aliases"]) == ["", ""]


def test_genes_of_the_demo_under_withdrawn_symbols_have_those_of_today():
    genes, table = list(demo.cohort().var_names), IdTable.shipped()
    names = dict(_aliases(genes, "symbol").values)
    withdrawn = [gene for gene in genes if gene not in table.entrez_of("symbol")]
    found = [gene for gene in withdrawn if names[gene].split("|")[0] in table.entrez_of("symbol")]
    assert {"DDX58", "FAM46A", "WARS"} <= set(found)
    assert len(found) > 0.8 * len(withdrawn) > 80
