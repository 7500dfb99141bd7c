import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from genelight import models, nodes
from genelight.errors import FormatError, GeneMismatchError, InputError, UnknownNameError
from genelight.nodes.cards import _among_strongest, node_cards
from genelight.nouns import Evidence, NodeGenes
from genelight.nouns.card import NodeCard
from genelight.nouns.evidence import EVIDENCE_COLUMNS


@pytest.fixture(scope="module")
def model(cohort):
    return models.fit(cohort.adata, widths=(12, 8, 4), subject="subject", epochs=3)


@pytest.fixture(scope="module")
def loudest(cohort, model):
    """The node that tells cases from controls best."""
    table = nodes.node_activity(cohort.adata, model, contrast=cohort.contrast)
    return table.loc[table["effect"].abs().idxmax(), "node"]


def evidence_on(node: str) -> Evidence:
    rows = [
        (node, "overlap_relabelled", "Sets: A|B", 0.2),
        (node, "overlap_relabelled", "Sets: PLANTED", 0.001),
        ("L9.9", "x", "y", 0),
    ]
    table = pd.DataFrame(rows, columns=["tested", "test", "reference", "q"])
    numbers = dict.fromkeys(set(EVIDENCE_COLUMNS) - set(table) - {"p"}, 0)
    return Evidence(table.assign(p=table["q"], **numbers))


def test_card_of_the_node_that_matters(cohort, model, loudest):
    card = nodes.node_card(
        model, loudest, adata=cohort.adata, subject="subject", evidence=evidence_on(loudest), n_top=5
    )
    lit = nodes.light_up(model, card.layer)
    assert card.genes[card.genes["sign"] == "up"]["gene"].tolist() == lit.of(loudest).index[:5].tolist()
    assert card.genes[card.genes["sign"] == "down"]["gene"].tolist() == lit.of(loudest).index[:-6:-1].tolist()
    assert card.genes["stability"].isna().all()
    assert card.obs["column"].tolist() == ["group"]
    assert card.obs["q"].iloc[0] < 0.01
    assert card.evidence["reference"].tolist() == ["Sets: PLANTED", "Sets: A|B"]
    first = card.genes["gene"].iloc[0]
    assert card.sentence.startswith(f"{loudest} of the autoencoder raises {first}, ")
    assert "goes with group (Kruskal-Wallis, q = " in card.sentence
    assert card.sentence.endswith("and has its best evidence in PLANTED (Sets) (q = 0.001).")
    with pytest.raises(AttributeError):
        card.node = "L1.0"


def test_neighbours_are_the_most_correlated_nodes_of_the_other_layers(cohort, model, loudest):
    card = nodes.node_card(model, loudest, adata=cohort.adata)
    assert set(card.neighbours["layer"]) == set(model.widths) - {card.layer}
    x_ng = model.prepare(cohort.adata)
    own_n = model.encode(x_ng, card.layer)[:, int(loudest.split(".")[1])]
    for layer, rows in card.neighbours.groupby("layer"):
        expected = np.corrcoef(own_n, model.encode(x_ng, layer).T)[0, 1:]
        order = np.argsort(-np.abs(expected))[:3]
        assert rows["node"].tolist() == [f"{layer}.{i}" for i in order]
        np.testing.assert_allclose(rows["correlation"], expected[order], atol=1e-5)


def test_text_and_markdown_say_all_and_name_no_subject(cohort, model, loudest):
    card = nodes.node_card(
        model, loudest, adata=cohort.adata, subject="subject", evidence=evidence_on(loudest), n_top=3
    )
    text, markdown = card.to_text(), card.to_markdown()
    for title in ("Genes raised", "Genes lowered", "Sample columns", "Nearest nodes of other layers", "Evidence"):
        assert f"\n{title}\n" in text
        assert f"\n## {title}\n" in markdown
    assert "A\\|B (Sets)" in markdown
    for part in (text, markdown):
        assert card.sentence in part
        assert not [s for s in cohort.adata.obs["subject"].unique() if s in part]
        assert not [s for s in cohort.adata.obs_names if f" {s} " in part]


def test_without_samples_only_what_the_model_knows(model):
    card = nodes.node_card(model, "L3.0")
    assert not len(card.obs)
    assert not len(card.neighbours)
    assert not len(card.evidence)
    assert set(card.activity) == {f"{what} in training" for what in ("mean", "sd", "minimum", "maximum")}
    assert "Genes raised" in card.to_text()


def test_cards_of_several_layers_are_those_of_each_node(cohort, model):
    lit = {"L1": [nodes.light_up(model, "L1")] * 2, "L2": [nodes.light_up(model, "L2")]}
    wanted = {"adata": cohort.adata, "subject": "subject"}
    first, second = node_cards(model, ["L2.1", "L1.0"], lit=lit, **wanted)
    assert first.to_text() == nodes.node_card(model, "L2.1", **wanted).to_text()
    assert second.to_text() == nodes.node_card(model, "L1.0", others=lit["L1"][1:], **wanted).to_text()
    assert first.genes["stability"].isna().all()
    assert (second.genes["stability"] == 1).all()


def test_a_card_comes_back_from_its_record(cohort, model, loudest):
    card = nodes.node_card(model, loudest, adata=cohort.adata, subject="subject", evidence=evidence_on(loudest))
    record = json.loads(json.dumps(card.to_record(), allow_nan=False))
    assert NodeCard.of_record(record, evidence=card.evidence).to_text() == card.to_text()
    bare = nodes.node_card(model, loudest)
    assert NodeCard.of_record(bare.to_record(), evidence=bare.evidence).to_text() == bare.to_text()
    with pytest.raises(FormatError, match="card cannot be read"):
        NodeCard.of_record({**record, "genes": 3}, evidence=card.evidence)


def test_stability_over_other_trainings(cohort, model):
    lit = nodes.light_up(model, "L2")
    card = nodes.node_card(model, "L2.1", others=[lit, lit])
    assert (card.genes["stability"] == 1).all()
    turned = type(lit)(-lit.values_kg[::-1], lit.nodes, lit.genes, "L2", "autoencoder", "light_up")
    assert (nodes.node_card(model, "L2.1", others=[turned]).genes["stability"] == 1).all()
    rng = np.random.default_rng(0)
    noise = type(lit)(rng.normal(size=lit.values_kg.shape), lit.nodes, lit.genes, "L2", "autoencoder", "light_up")
    both = nodes.node_card(model, "L2.1", others=[lit, noise]).genes["stability"]
    assert both.between(0.5, 1).all()
    assert both.mean() < 1


def test_genes_lowered_are_judged_among_those_lowered(model):
    # Of 200 genes 150 go up, all by more than any goes down.
    values_kg = np.concatenate([np.linspace(-1, -0.5, 50), np.linspace(5, 6, 150)])[None].repeat(8, 0)
    other = NodeGenes(values_kg, tuple(f"L2.{i}" for i in range(8)), model.genes, "L2", "autoencoder", "light_up")
    table = pd.DataFrame({"gene": [model.genes.ids[i] for i in (0, 49, 99, 100)], "sign": ["down", "down", "up", "up"]})
    assert _among_strongest(table, other, ("L2.0", 0.9)).tolist() == [True, True, False, True]


def test_reproducibility_of_the_node(model):
    table = pd.DataFrame({"node": ["L2.0", "L2.1"], "reproducibility": [0.9, 0.1], "support": [9, 1], "q": [0.01, 1.0]})
    card = nodes.node_card(model, "L2.0", reproducibility=table)
    assert card.reproducibility == {"reproducibility": 0.9, "support": 9.0, "q": 0.01}
    assert "Over other trainings: reproducibility 0.9, support 9, q 0.01" in card.to_text()
    assert "comes back in 9 other trainings (q = 0.01)" in card.sentence
    other = nodes.node_card(model, "L2.1", reproducibility=table.assign(members=10)).sentence
    assert "comes back in 1 of 10 other trainings (no more than chance, q = 1)" in other
    with pytest.raises(InputError, match=r"0 rows on node L2\.2"):
        nodes.node_card(model, "L2.2", reproducibility=table)


def test_dead_node_is_named(cohort, relu, toy_of):
    weights = [w.copy() for w in relu.weights]
    weights[0][:, 2] = 0
    model = toy_of(cohort.adata, weights, relu.activation)
    card = nodes.node_card(model, "L1.2", adata=cohort.adata, subject="subject")
    assert (card.state, len(card.genes), len(card.obs)) == ("dead", 0, 0)
    assert card.sentence == "L1.2 of the toy (dead) moves no gene."
    assert nodes.node_card(model, "L1.2").state == "dead"
    assert nodes.node_card(model, "L2.2", adata=cohort.adata).state == "dead"


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ("L2.117", r"unknown node 'L2.117' in layer L2 \(L2.0 to L2.7\)"),
        ("L2", r"unknown node 'L2' in layer L2"),
        ("L4.0", "unknown layer 'L4' in model autoencoder; there are 3: L1, L2, L3"),
        ("", "unknown layer ''"),
    ],
)
def test_unknown_nodes(model, node, message):
    with pytest.raises(UnknownNameError, match=message):
        nodes.node_card(model, node)


def test_table_with_other_genes(cohort, model):
    adata = cohort.adata.copy()
    adata.var_names = [f"other{i}" for i in range(adata.n_vars)]
    with pytest.raises(GeneMismatchError, match="only 0 of the model's 200 genes"):
        nodes.node_card(model, "L1.0", adata=adata)


def test_model_without_hidden_layers():
    model = SimpleNamespace(name="flat", widths={})
    for ask in (nodes.light_up, nodes.node_card):
        with pytest.raises(InputError, match="model flat has no hidden layers"):
            ask(model, "L1.0")
