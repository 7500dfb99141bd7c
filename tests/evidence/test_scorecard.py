"""The scorecard: planted gradients are found, planted nulls are not, and every claim meets its controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from genelight.errors import FormatError, InputError
from genelight.evidence import Reading, Samples, scorecard
from genelight.evidence._verdict import verdicts
from genelight.nouns import Edges, Genes, NodeGenes
from genelight.nouns.scorecard import SCORE_COLUMNS, Scorecard

GENES = Genes(tuple(f"G{i}" for i in range(400)))
NODES = 20


def network() -> Edges:
    """Twenty cliques of twenty genes on a ring."""
    rng = np.random.default_rng(0)
    inside = [(b * 20 + i, b * 20 + j) for b in range(20) for i in range(20) for j in range(i) if rng.random() < 0.4]
    ring = [(i, (i + 7) % 400) for i in range(400)]
    names = np.array(GENES.ids)
    ends = names[np.array(inside + ring)]
    return Edges("cliques", pd.DataFrame({"source": ends[:, 0], "target": ends[:, 1], "weight": 1.0}))


def sets() -> Edges:
    rows = [(f"clique {b}", f"G{b * 20 + i}") for b in range(20) for i in range(20)]
    return Edges("sets", pd.DataFrame(rows, columns=["source", "target"]).assign(weight=1.0))


def reading(model: str, depth: int, *, close: int, knows: float, seed: int, control: bool = False) -> Reading:
    """A layer of which `close` nodes are cliques and whose first code knows the label so well."""
    rng = np.random.default_rng((depth, seed, int(control), len(model)))
    values = rng.normal(size=(NODES, 400))
    for k in range(close):
        values[k, 20 * k : 20 * k + 20] += 6
    nodes = NodeGenes(values, tuple(f"L{depth}.{k}" for k in range(NODES)), GENES, f"L{depth}", model, "toy")
    h = rng.normal(size=(60, NODES))
    h[:30] += knows
    return Reading(nodes, h, model, depth, control=control, seed=seed)


def samples() -> Samples:
    return Samples(
        pd.DataFrame({"disease": np.repeat(["ill", "well"], 30), "plate": np.tile(["a", "b"], 30)}), ["disease"]
    )


def card(readings: Sequence[Reading]) -> Scorecard:
    return scorecard(readings, samples(), network=network(), sets=[sets()], n_top=20, draws=200)


CLOSE, KNOWS = (14, 8, 2), (0.2, 0.6, 1.2)


def deep(*, seeds: int = 3) -> list[Reading]:
    return [
        reading("deep", d + 1, close=CLOSE[d] + s % 2, knows=KNOWS[d], seed=s) for s in range(seeds) for d in range(3)
    ]


def flat(name: str = "flat") -> list[Reading]:
    return [reading(name, d + 1, close=4, knows=0.3, seed=0, control=True) for d in range(3)]


@pytest.fixture(scope="module")
def planted() -> Scorecard:
    return card([*deep(), *flat()])


def verdict(found: Scorecard, kind: str, claim: str, measure: str) -> pd.Series:
    rows = found.verdicts
    return rows[(rows["kind"] == kind) & (rows["claim"] == claim) & (rows["measure"] == measure)].iloc[0]


def test_planted_gradients_hold(planted: Scorecard) -> None:
    falls = verdict(planted, "network", "falls with depth", "share")
    assert falls["verdict"] == "holds"
    assert falls["value"] == pytest.approx(-0.6, abs=0.1)
    assert falls["p"] == pytest.approx(1 / 216)
    rises = verdict(planted, "label", "rises with depth", "silhouette")
    assert rises["verdict"] == "holds"
    assert verdict(planted, "sets", "rises with depth", "share")["verdict"] == "does not hold"
    assert verdict(planted, "network", "above every control", "share")["verdict"] == "holds"


def test_shares_are_those_planted(planted: Scorecard) -> None:
    rows = planted.table[(planted.table["kind"] == "network") & (planted.table["measure"] == "share")]
    own = rows[~rows["control"] & (rows["seed"] == 0)].sort_values("depth")
    np.testing.assert_allclose(own["value"], np.array(CLOSE) / NODES, atol=0.051)
    assert (own["low"] < own["value"]).all()
    shuffled = rows[rows["model"] == "permuted genes"]
    assert len(shuffled) == 9
    assert shuffled["value"].mean() < 0.05
    assert planted.controls == ["flat", "permuted genes"]


def test_a_control_that_does_the_same_refutes() -> None:
    same = [replace(r, model="same", control=True) for r in deep()]
    found = card([*deep(), *same])
    assert verdict(found, "network", "falls with depth", "share")["verdict"] == "does not hold"
    row = verdict(found, "network", "above every control", "share")
    assert (row["verdict"], row["control"]) == ("does not hold", "same")


def test_one_training_cannot_tell() -> None:
    found = card([*deep(seeds=1), *flat()])
    assert set(found.verdicts["verdict"]) == {"cannot tell here"}
    assert "trainings: 1 of 3 layers, 3 of three are needed" in found.verdicts["sentence"].iloc[0]


def figures(values: np.ndarray, *, model: str, control: bool) -> pd.DataFrame:
    rows = [
        {"kind": "network", "question": "net", "measure": "share", "model": model, "control": control}
        | {"layer": f"L{d + 1}", "depth": d + 1, "width": 4, "seed": s, "value": v, "null": 0.01}
        for s, row in enumerate(values)
        for d, v in enumerate(row)
    ]
    return pd.DataFrame(rows).reindex(columns=list(SCORE_COLUMNS))


def test_no_change_does_not_hold_and_a_wide_interval_cannot_tell() -> None:
    rng = np.random.default_rng(6)
    flat_pca = figures(np.full((1, 3), 0.05), model="pca", control=True)
    for spread, want in ((0.004, "does not hold"), (0.1, "cannot tell here")):
        own = figures(rng.normal(0.2, spread, (6, 3)), model="deep", control=False)
        found = verdicts(pd.concat([own, flat_pca])).set_index("claim")
        assert found.loc["falls with depth", "verdict"] == want
        assert found.loc["above every control", "verdict"] == "holds"


def test_claims_hold_at_most_at_their_level_without_signal() -> None:
    """Model and control of one kind: nothing should be said to hold more than one time in twenty."""
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(100):
        own = figures(rng.normal(0.2, 0.05, (5, 3)), model="deep", control=False)
        other = figures(rng.normal(0.2, 0.05, (5, 3)), model="flat", control=True)
        held += int((verdicts(pd.concat([own, other]))["verdict"] == "holds").sum())
    assert held / 200 <= 0.05


def test_saved_and_read_back(planted: Scorecard, tmp_path) -> None:
    planted.save(tmp_path / "card.parquet")
    again = Scorecard.load(tmp_path / "card.parquet")
    pd.testing.assert_frame_equal(again.table, planted.table)
    pd.testing.assert_frame_equal(again.verdicts, planted.verdicts)
    assert again.about == planted.about
    with pytest.raises(FormatError, match="missing"):
        Scorecard.load(tmp_path / "other.parquet")
    with pytest.raises(FormatError, match="needs the columns"):
        Scorecard(planted.table.drop(columns="null"), planted.verdicts)


def test_bad_readings_are_named() -> None:
    good = deep(seeds=1)
    with pytest.raises(InputError, match="needs the layers of a model"):
        scorecard(flat())
    with pytest.raises(InputError, match=r"come twice \(deep L1, seed 0\)"):
        scorecard([*good, good[0]])
    with pytest.raises(InputError, match="one model at a time"):
        scorecard([good[0], replace(good[0], model="other")])
    with pytest.raises(InputError, match="20 nodes, but its codes 3 columns"):
        scorecard([replace(good[0], h_nk=np.zeros((60, 3)))])
    fewer = replace(good[0].nodes, values_kg=good[0].nodes.values_kg[:, :300], genes=Genes(GENES.ids[:300]))
    with pytest.raises(InputError, match="other genes"):
        scorecard([good[0], replace(good[1], nodes=fewer)])


def test_batches_and_other_columns_are_on_the_card(planted: Scorecard) -> None:
    plates = planted.table[planted.table["question"] == "plate"]
    assert set(plates["kind"]) == {"column"}
    assert set(plates["measure"]) == {"variance"}
