"""Nodes by reproducibility times effect, their cards, and how training again is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from genelight.errors import FormatError
from genelight.report._render import render
from genelight.report._summary import summarise

Make = Callable[..., Path]


def test_nodes_rank_by_reproducibility_times_effect(make_run_again: Make) -> None:
    rows = summarise(make_run_again())["nodes"]
    usable = [row for row in rows if not row["state"]]
    assert [r["rank_score"] for r in usable] == sorted((r["rank_score"] for r in usable), reverse=True)
    assert (usable[0]["trainings"], usable[0]["of_trainings"]) == (5, 5)
    assert [bool(row["state"]) for row in rows] == [False] * len(usable) + [True] * (len(rows) - len(usable))


def test_layers_stand_from_input_to_output_however_nodes_rank(make_run_again: Make) -> None:
    summary = summarise(make_run_again())
    rows = list(dict.fromkeys(row["layer"] for row in summary["nodes"]))
    assert rows != sorted(rows)
    assert list(dict.fromkeys(row["layer"] for row in summary["layers"])) == ["L1", "L2", "L3", "PCA"]
    assert re.findall(r">(L\d)<", summary["figures"]["nodes"]["svg"]) == ["L1", "L2", "L3"]


def test_the_leading_node_says_whether_it_comes_back(make_run_again: Make) -> None:
    sentence = summarise(make_run_again())["findings"][1]
    assert sentence.endswith("; 5 of 5 other trainings have such a node.")


def test_layers_beside_pca_and_programmes_that_pass(make_run_again: Make) -> None:
    found = summarise(make_run_again())["reproducibility"]
    assert [(row["layer"], row["nodes"], row["reproducible"]) for row in found["layers"]] == [
        ("L1", 12, 1), ("L2", 8, 1), ("L3", 4, 1), ("PCA", 4, 1),
    ]  # fmt: skip
    assert [(p["programme"], p["node"], p["up"]) for p in found["programmes"]] == [("L1 C.0", "L1.1", "IFI44L, RSAD2")]


def test_a_layer_too_wide_to_be_matched_is_named(make_run_again: Make) -> None:
    folder = make_run_again()
    assert "were not matched over trainings" not in render(summarise(folder))
    path = folder / "04_reproducibility.tsv"
    path.write_text("".join(x for x in path.read_text().splitlines(keepends=True) if x[:3] != "L3."))
    assert "The 4 nodes of L3 were not matched over trainings" in render(summarise(folder))


def test_every_node_opens_and_leading_ones_have_a_card(make_run_again: Make) -> None:
    summary = summarise(make_run_again())
    page = render(summary)
    for node in ("L1.1", "L1.0"):
        assert f'<details class="card" id="card-{node}"' in page
    assert all(f'<a href="#node={n["node"]}">' in page for n in summary["nodes"])
    assert {n["node"] for n in summary["nodes"]} <= set(summary["data"]["lit"]["node"])
    assert summary["cards"][0]["sentence"].startswith("L1.1 of the autoencoder raises IFI44L, goes with condition")
    assert "Interferon alpha beta signaling (Reactome)" in summary["cards"][0]["sentence"]
    assert "## Training again, 5 times" in render(summary, "markdown")


def test_a_row_and_its_card_name_the_same_gene_set(make_run_again: Make) -> None:
    summary = summarise(make_run_again())
    rows = {row["node"]: row for row in summary["nodes"]}
    for card in summary["cards"]:
        assert f"best evidence in {rows[card['node']]['best_set']['name']}" in card["sentence"]
        first = next(n for n in summary["data"]["nodes"] if n["node"] == card["node"])["sets"][0]
        assert summary["data"]["sets"]["name"][first[0]] == rows[card["node"]]["best_set"]["name"]


def test_the_map_of_layers_is_drawn_and_described(make_run_again: Make) -> None:
    page = render(summarise(make_run_again()))
    assert 'id="figure-layer_map"' in page
    assert "the strongest connection is from L1.0 to L2.1" in page


@pytest.mark.parametrize(
    ("copy", "said"),
    [
        (False, "No layer is a copy of another: nodes matched between two layers have a median |r| of 0.99 at most."),
        (True, "Layers that copy one another, so that either tells what the other does: L1 and L2 (median |r| of "),
        (None, "larger where they differ more."),
    ],
)
def test_the_map_of_layers_says_which_copy_another(make_run_again: Make, copy: bool | None, said: str) -> None:
    folder = make_run_again()
    if copy is not None:
        likeness = {"layer": ["L1", "L2"], "other": ["L2", "L3"], "median_r": [0.991, 0.4], "copy": [copy, False]}
        pd.DataFrame(likeness).to_csv(folder / "04_layer_likeness.tsv", sep="\t", index=False)
    caption = summarise(folder)["figures"]["layer_map"]["caption"]
    assert said in caption
    assert ("matched nodes 0.991)." in caption) == bool(copy)
    assert "L2 and L3" not in caption
    assert caption.endswith(said) or copy


def test_without_an_ensemble_the_page_says_nothing_of_it(run_folder: Path) -> None:
    summary = summarise(run_folder)
    page = render(summary)
    assert summary["reproducibility"] is None
    assert "Comes back" not in page
    assert "Training again" not in page


@pytest.mark.parametrize("cards", [{"cards": 3}, {"cards": [{"node": "L1.1"}]}, []])
def test_a_damaged_file_of_cards_is_named(make_run_again: Make, cards: object) -> None:
    folder = make_run_again()
    (folder / "04_cards.json").write_text(json.dumps(cards))
    with pytest.raises(FormatError, match="card"):
        summarise(folder)
