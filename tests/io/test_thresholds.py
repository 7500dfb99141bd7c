"""Every number that decides what a name or a column is, from both sides: one name more or less, one value higher."""

import numpy as np
import pandas as pd
import pytest

from genelight.errors import FormatError, InputError
from genelight.io import inspect, read
from genelight.io.sides._axis import DOUBTFUL, NO_ID, SURE, _listed, gene_kin, sample_kin, uncorrelated, unlike
from genelight.io.sides._orientation import Side, orient
from genelight.io.text._long import pivoted

RNG = np.random.default_rng(0)
SYMBOLS = [
    *("TP53", "MX1", "ISG15", "STAT1", "IRF7", "OAS1", "IFI44", "GAPDH", "ACTB", "CXCL10", "CD3D", "CD8A", "NKG7"),
    *("MS4A1", "LYZ", "FCGR3A", "HBB", "CCL5", "IL7R"),
    *(f"ZNF{i}" for i in (2, 3, 7, 8, 10, 12, 14, 16, 17, 18, 19, 20, 22, 23, 24, 25, 26, 28, 30, 32, 33, 34, 35)),
    *(f"SLC25A{i}" for i in range(10, 48)),
]
ENSEMBL = [f"ENSG{i:011}" for i in range(100)]
# Names that are an id of no kind.
OTHER = [f"{a} {b}" for a in "mnopqrstuvwx" for b in ("one", "two", "three", "four", "five", "six", "seven", "eight")]
PLANT = [f"AT1G{1000 + i:05}" for i in range(20)]


def log2(rows, columns):
    return (RNG.normal(7, 2, len(columns)) + RNG.normal(0, 0.5, (len(rows), len(columns)))).round(3)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (ENSEMBL[:5] + OTHER[:5], True),
        (ENSEMBL[:4] + OTHER[:6], False),
        (SYMBOLS[:3] + OTHER[:7], True),
        (SYMBOLS[:2] + OTHER[:8], False),
        (SYMBOLS[:10] + OTHER[:90], True),
        (SYMBOLS[:9] + OTHER[:91], False),
        ([s.lower() for s in SYMBOLS[:5]] + OTHER[:5], True),
        ([s.lower() for s in SYMBOLS[:4]] + OTHER[:6], False),
        ([s.lower() for s in SYMBOLS[:5]], True),
        ([s.lower() for s in SYMBOLS[:4]], False),
        (PLANT[:7] + OTHER[:3], True),
        (PLANT[:6] + OTHER[:4], False),
        (PLANT[:5], True),
        (PLANT[:4], False),
    ],
)
def test_which_share_of_names_makes_a_side_of_genes(names, told):
    kin = gene_kin(names)
    assert (kin is not None) == told
    if told:
        assert [level == NO_ID for level in kin.level] == [name in OTHER for name in names]


@pytest.mark.parametrize(
    ("numbered", "words", "level"),
    [(90, 10, NO_ID), (89, 11, DOUBTFUL), (7, 3, NO_ID), (6, 4, DOUBTFUL), (5, 5, DOUBTFUL), (4, 5, None)],
)
def test_which_share_of_numbered_names_makes_the_others_no_samples(numbered, words, level):
    kin = sample_kin([f"S{i}" for i in range(numbered)] + [f"{a}{b}" for a in "abcd" for b in "efgh"][:words])
    assert (None if kin is None else set(kin.level[numbered:].tolist())) == (level if level is None else {level})


@pytest.mark.parametrize(("accessions", "level"), [(3, NO_ID), (2, None)])
def test_which_share_of_accessions_makes_the_others_no_samples(accessions, level):
    kin = sample_kin([f"GSM{i}" for i in range(accessions)] + list("abcdefghij")[: 10 - accessions])
    assert (None if kin is None else kin.level[-1]) == level


@pytest.mark.parametrize(("same", "unique", "level"), [(6, 2, DOUBTFUL), (5, 3, SURE), (3, 1, SURE)])
def test_which_share_of_one_shape_makes_another_shape_doubtful(same, unique, level):
    kin = sample_kin([f"S{i}" for i in range(same)] + ["a1b", "x-2", "3q_r"][:unique])
    assert kin.level[-1] == level


@pytest.mark.parametrize(("times", "found"), [(2.99, False), (3.01, True)])
def test_how_far_above_the_others_a_column_is_unlike_them(times, found):
    x = RNG.uniform(1.5, 10, (12, 30))
    x[:, 0] = x[:, 1:].max() * times - np.linspace(0, 1, 12)
    assert unlike(x, [0], range(1, 30)).tolist() == [found]


@pytest.mark.parametrize(("rows", "others", "found"), [(3, 4, True), (2, 4, False), (3, 3, False)])
def test_how_many_values_and_columns_it_takes_to_compare(rows, others, found):
    x = RNG.uniform(1.5, 10, (rows, others + 1))
    x[:, 0] = 1e6 + 0.5
    assert unlike(x, [0], range(1, others + 1)).tolist() == [found]


@pytest.mark.parametrize(("rows", "noise", "found"), [(20, 0.1, True), (19, 0.1, False), (200, 9, False)])
def test_when_a_column_that_goes_with_no_sample_is_none(rows, noise, found):
    level = RNG.normal(8, 2, rows)
    samples = level[:, None] + noise * RNG.normal(size=(rows, 6))
    odd = -level
    assert uncorrelated(np.column_stack([odd, samples]), [0], range(1, 7)).tolist() == [found]


@pytest.mark.parametrize(("rows", "columns", "told"), [(1000, 200, True), (1000, 201, False), (999, 100, False)])
def test_how_much_longer_a_side_is_of_genes(rows, columns, told):
    sides = Side([f"u{i} v" for i in range(rows)]), Side([f"w v {i}" for i in range(columns)])
    if told:
        assert orient(*sides, path="x.csv", asked=None)[0] == "genes-in-rows"
        return
    with pytest.raises(FormatError, match="genes may be in rows"):
        orient(*sides, path="x.csv", asked=None)


@pytest.mark.parametrize(("texts", "numbers", "sheet"), [(2, 2, True), (1, 2, False)])
def test_how_many_columns_of_text_make_a_sample_sheet(texts, numbers, sheet):
    rows = Side([f"S{i}" for i in range(9)], notes=[f"t{i}" for i in range(texts)])
    columns = Side(["age", "hb"][:numbers])
    if not sheet:
        assert orient(rows, columns, path="x.csv", asked=None)[0] == "samples-in-rows"
        return
    with pytest.raises(FormatError, match="looks like a sample sheet"):
        orient(rows, columns, path="x.csv", asked=None)


@pytest.mark.parametrize(("pairs", "columns", "told"), [(30, 1, True), (29, 1, False), (50, 8, True), (50, 9, False)])
def test_how_many_pairs_and_columns_a_long_table_has(pairs, columns, told):
    genes = [gene for gene in SYMBOLS[:10] for _ in range(10)]
    samples = [f"S{i}" for _ in range(10) for i in range(10)]
    # Each gene and each sample is there; of the rest as many as are asked for.
    first = [i for i in range(100) if i // 10 == i % 10]
    rows = sorted([*first, *[i for i in range(100) if i not in first][: pairs - 10]])
    texts = {"gene": [genes[i] for i in rows], "sample": [samples[i] for i in rows]}
    names = [f"v{i}" for i in range(columns)]
    found = pivoted("x.csv", texts, RNG.normal(size=(pairs, columns)), columns=names, asked="v0")
    assert (found is not None) == told


def written(table, tmp_path):
    table.to_csv(tmp_path / "x.csv", index_label="id")
    return tmp_path / "x.csv"


@pytest.mark.parametrize(("share", "asked"), [(0.3, True), (0.0, False)])
def test_values_above_fifty_among_logged_ones_are_asked_about(tmp_path, share, asked):
    samples = [f"S{i}" for i in range(20)]
    table = pd.DataFrame(log2(samples, SYMBOLS), samples, SYMBOLS)
    table.iloc[: round(share * 20), 0] = 50.5
    table.iloc[10:, 1] = 50.0
    if not asked:
        assert read(written(table, tmp_path)).n_vars == len(SYMBOLS)
        return
    with pytest.raises(InputError, match=r"TP53.* may be genes .* above 50"):
        read(written(table, tmp_path))


@pytest.mark.parametrize(("words", "moved"), [(5, True), (6, False)])
def test_how_many_words_in_capitals_describe_samples(tmp_path, words, moved):
    samples, genes = [f"S{i}" for i in range(12)], SYMBOLS[:20]
    names = ["RELAPSE", "SEVERITY", "PLATELETS", "FOLLOWUP", "WEIGHT", "HEIGHT"][:words]
    table = pd.DataFrame(log2(samples, [*genes, *names]), samples, [*genes, *names])
    adata = read(written(table, tmp_path))
    assert set(adata.obs.columns) == (set(names) if moved else set())


@pytest.mark.parametrize(("genes", "kept"), [(1000, True), (999, False)])
def test_a_row_in_the_midst_of_a_thousand_genes_is_a_gene(tmp_path, genes, kept):
    samples = [f"S{i}" for i in range(6)]
    names = [f"ENSG{i:011}" for i in range(genes)]
    names.insert(genes // 2, "novel transcript")
    table = pd.DataFrame(log2(names, samples), names, samples)
    assert ("novel transcript" in read(written(table, tmp_path)).var_names) == kept


@pytest.mark.parametrize(("levels", "label"), [(12, True), (13, False)])
def test_how_many_values_a_label_has(tmp_path, levels, label):
    samples = [f"S{i}" for i in range(40)]
    table = pd.DataFrame(log2(samples, SYMBOLS), samples, SYMBOLS)
    table.insert(0, "disease", [f"kind {i % levels}" for i in range(40)])
    assert bool(inspect(written(table, tmp_path)).labels) == label


@pytest.mark.parametrize(("genes", "words", "moved"), [(600, 6, True), (600, 7, False)])
def test_which_share_of_many_names_describes_samples(tmp_path, genes, words, moved):
    names = sorted(_listed()["symbol"])[-genes:]
    names += ["RELAPSE", "SEVERITY", "PLATELETS", "FOLLOWUP", "WEIGHT", "HEIGHT", "DURATION"][:words]
    samples = [f"S{i}" for i in range(6)]
    adata = read(written(pd.DataFrame(log2(samples, names), samples, names), tmp_path))
    assert len(adata.obs.columns) == (words if moved else 0)


@pytest.mark.parametrize(("genes", "kept"), [(49, True), (48, False)])
def test_in_which_panel_a_lone_word_among_genes_is_a_gene(tmp_path, genes, kept):
    names = [*SYMBOLS[:20], "NOVELX", *SYMBOLS[20:genes]]
    samples = [f"S{i}" for i in range(12)]
    adata = read(written(pd.DataFrame(log2(samples, names), samples, names), tmp_path))
    assert ("NOVELX" in adata.var_names) == kept
