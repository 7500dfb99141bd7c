from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genelight.errors import FormatError, InputError, UnknownNameError
from genelight.nouns import Edges, Evidence, Genes, Module, NodeGenes
from genelight.nouns.evidence import EVIDENCE_COLUMNS
from genelight.nouns.model import CodeRange

SYMBOLS = st.from_regex(r"[A-Z][A-Z0-9]{0,5}(-[0-9])?", fullmatch=True)
ENTREZ = st.integers(1, 10**6).map(str)
NUMBERS = st.floats(-1e6, 1e6, width=32)


@st.composite
def gene_lists(draw):
    namespace, ids = draw(st.sampled_from([("symbol", SYMBOLS), ("entrez", ENTREZ)]))
    return Genes(tuple(draw(st.lists(ids, unique=True, min_size=1, max_size=12))), namespace)


@st.composite
def node_genes(draw):
    genes, k = draw(gene_lists()), draw(st.integers(1, 5))
    values = draw(arrays(np.float32, (k, len(genes)), elements=NUMBERS))
    return NodeGenes(values, tuple(f"L2.{i}" for i in range(k)), genes, "L2", "pca", "light_up", {"seed": 0})


@st.composite
def modules(draw):
    genes = draw(gene_lists())
    score = draw(arrays(np.float64, len(genes), elements=NUMBERS))
    frequency = draw(st.none() | arrays(np.float64, len(genes), elements=st.floats(0, 1)))
    size = draw(st.integers(0, len(genes)))
    return Module.from_scores(score, genes, size=size, name="ill", method="x", frequency_g=frequency, about={"n": 1})


ROW = {
    "tested": SYMBOLS,
    "test": SYMBOLS,
    "reference": st.text("abc: é,\"'", max_size=8),
    **dict.fromkeys(("n", "draws", "seed"), st.integers(0, 2**40)),
    **dict.fromkeys(("statistic", "effect", "null_mean", "null_sd"), st.floats(allow_infinity=True)),
    **dict.fromkeys(("p", "q"), st.floats(0, 1)),
}
EVIDENCE = st.lists(st.fixed_dictionaries(ROW), max_size=5).map(
    lambda rows: Evidence(pd.DataFrame(rows, columns=list(EVIDENCE_COLUMNS)), {"universe": 3})
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("nouns") / "noun"


@given(node_genes())
def test_node_genes_come_back_equal(path, kept):
    kept.save(path)
    back = NodeGenes.load(path)
    np.testing.assert_array_equal(back.values_kg, kept.values_kg)
    assert back.genes == kept.genes
    assert (back.nodes, back.layer, back.source, back.method) == (kept.nodes, kept.layer, kept.source, kept.method)
    assert dict(back.about) == dict(kept.about)


@given(modules())
def test_modules_come_back_equal(path, kept):
    kept.save(path)
    for back in (Module.load(path), Module.load(path, genes=kept.genes)):
        pd.testing.assert_frame_equal(back.table, kept.table)
        assert (back.name, back.method, dict(back.about)) == (kept.name, kept.method, dict(kept.about))
        assert back.selected == kept.selected
    np.testing.assert_array_equal(back.score_g(), kept.score_g())


@given(EVIDENCE)
def test_evidence_comes_back_equal(path, kept):
    kept.save(path)
    back = Evidence.load(path)
    pd.testing.assert_frame_equal(back.table, kept.table)
    assert dict(back.about) == dict(kept.about)


@given(modules())
def test_a_module_ranks_by_absolute_score(module):
    score = module.table["score"].abs()
    assert score.is_monotonic_decreasing
    assert list(module.table["rank"]) == list(range(1, len(score) + 1))
    assert module.selected == list(module.table["gene"][: len(module.selected)])


@given(node_genes(), st.integers(1, 15), st.sampled_from([0, 1, -1]))
def test_top_genes_are_those_of_a_full_sort(lit, n, sign):
    key = np.abs(lit.values_kg) if sign == 0 else sign * lit.values_kg
    top = np.take_along_axis(key, lit.top_kn(n, sign=sign), 1)
    np.testing.assert_array_equal(top, -np.sort(-key, axis=1)[:, :n])


def test_nouns_are_frozen_and_say_what_does_not_fit():
    genes = Genes(("A", "B"))
    with pytest.raises(InputError, match=r"values_kg has shape \(1, 3\), but there are 1 nodes and 2 genes"):
        NodeGenes(np.zeros((1, 3)), ("L1.0",), genes, "L1", "pca", "x")
    lit = NodeGenes(np.array([[1.0, 2.0]]), ("L1.0",), genes, "L1", "pca", "x")
    assert list(lit.of("L1.0").index) == ["B", "A"]
    with pytest.raises(UnknownNameError, match=r"unknown node 'L1.7' in layer L1 \(L1.0 to L1.0\)"):
        lit.of("L1.7")
    with pytest.raises(FrozenInstanceError):
        lit.layer = "L2"
    with pytest.raises(InputError, match="STRING: an edge table needs the columns source, target, weight; weight not"):
        Edges("STRING", pd.DataFrame({"source": ["A"], "target": ["B"]}))
    with pytest.raises(FormatError, match="evidence needs the columns"):
        Evidence(pd.DataFrame({"tested": []}))


def test_edges_are_identified_by_content():
    table = pd.DataFrame({"source": ["A"], "target": ["B"], "weight": [1.0]})
    assert Edges("one", table).digest == Edges("two", table.copy()).digest
    assert Edges("one", table).digest != Edges("one", table.assign(weight=2.0)).digest
    assert len(Edges("one", table)) == 1


def test_joined_evidence_keeps_every_row_and_about():
    row = dict.fromkeys(EVIDENCE_COLUMNS, 0) | {"tested": "L1.0", "p": 0.2}
    one = Evidence(pd.DataFrame([row, row | {"p": 0.1}]), {"a": 1})
    joined = Evidence.join([one, Evidence.join([]), Evidence(pd.DataFrame([row | {"tested": "m"}]), {"b": 2})])
    assert (len(joined), dict(joined.about)) == (3, {"a": 1, "b": 2})
    assert list(joined.of("L1.0")["p"]) == [0.1, 0.2]


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("\tscore", "\tscores"),
        lambda text: text + text.splitlines()[-1] + "\n",
        lambda text: text.replace("\nMX1\t", "\n\t"),
        lambda text: text.replace('"namespace"', '"namespaces"'),
        lambda text: "\n".join(text.splitlines()[1:]),
        lambda text: text.replace("\t3.0\t", "\thigh\t"),
        lambda text: text.replace("\t3.0\t", "\t0.3\t"),
        lambda text: text.replace("\tTrue\t", "\tyes\t"),
        lambda text: text.replace("ISG15\t2.0\t2", "ISG15\t2.0\t7"),
        lambda text: text.replace("\t3.0\t", "\t2.5\t"),
        lambda text: text.replace("ISG15\t2.0\t2\tFalse", "ISG15\t2.0\t2\tTrue"),
        lambda text: text.replace("MX1", "ISG51"),
    ],
)
def test_a_hand_edited_module_is_refused_with_its_name(tmp_path, edit):
    path = tmp_path / "05_module.tsv"
    genes = Genes(("MX1", "ISG15", "TP53"))
    Module.from_scores(np.array([3.0, 2.0, 1.0]), genes, size=1, name="ill", method="x").save(path)
    path.write_text(edit(path.read_text()))
    with pytest.raises(FormatError, match=r"05_module\.tsv"):
        Module.load(path)


def test_the_range_of_codes_is_that_of_their_columns():
    h = np.random.default_rng(0).normal(size=(7, 3))
    codes = CodeRange.of(h.astype(np.float32))
    np.testing.assert_allclose(
        [codes.minimum, codes.maximum, codes.mean, codes.sd], [h.min(0), h.max(0), h.mean(0), h.std(0)], rtol=1e-5
    )
    np.testing.assert_allclose([codes.low, codes.high], np.percentile(h, [1, 99], axis=0), rtol=1e-5)


def test_top_genes_keeps_up_and_down_apart():
    values = np.array([[3.0, -1.0, 2.0, -4.0], [1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0]])
    lit = NodeGenes(values, ("L1.0", "L1.1", "L1.2"), Genes(("A", "B", "C", "D")), "L1", "toy", "light_up")
    table = lit.top(3)
    rows = [(r.node, r.sign, r.rank, r.gene, r.value) for r in table.itertuples()]
    assert rows == [
        ("L1.0", "up", 1, "A", 3.0),
        ("L1.0", "up", 2, "C", 2.0),
        ("L1.0", "down", 1, "D", -4.0),
        ("L1.0", "down", 2, "B", -1.0),
        ("L1.1", "up", 1, "D", 4.0),
        ("L1.1", "up", 2, "C", 3.0),
        ("L1.1", "up", 3, "B", 2.0),
    ]
    with pytest.raises(InputError, match="n = 0"):
        lit.top(0)
