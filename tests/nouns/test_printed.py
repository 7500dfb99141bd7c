"""What is printed of a module and of a model: a card, not a dump of arrays."""

import numpy as np
import pytest

from genelight import models
from genelight.nouns import Genes, Module

GENES = Genes(tuple(f"GENE{i:02d}" for i in range(40)))
MOST_LINES = 12


@pytest.fixture(scope="module")
def model(cohort):
    return models.PCA(4).fit(cohort.adata)


def module(**about: object) -> Module:
    scores = np.linspace(-2, 3, 40)
    often = np.where(np.abs(scores) > 1.5, 0.95, 0.2)
    return Module.from_scores(
        scores, GENES, size=20, name="<ill> against well", method="de", frequency_g=often, about=about
    )


def test_a_module_prints_its_genes_and_how_sure_they_are():
    made = module(layer="L2", cases={"samples": 9, "subjects": 4}, controls={"samples": 8, "subjects": 8})
    lines = repr(made).splitlines()
    assert lines[0] == "module of '<ill> against well' by de"
    assert 5 <= len(lines) <= MOST_LINES
    chosen = made.table[made.table["selected"]]
    up, down = (chosen[chosen["score"] * sign > 0] for sign in (1, -1))
    shown = dict(line.split(maxsplit=1) for line in lines[1:])
    assert shown["genes"] == "20 of 40 measured (symbol)"
    assert shown["up"].startswith(f"{len(up)}: GENE39, GENE38")
    assert shown["down"].startswith(f"{len(down)}: GENE00, GENE01")
    assert shown["samples"] == "9 cases of 4 subjects; 8 controls of 8 subjects"
    assert shown["stable"].startswith(f"{(chosen['frequency'] >= 0.9).sum()} of 20 genes")


def test_an_empty_module_without_bootstraps_prints_too():
    made = Module.from_scores(np.zeros(40), GENES, size=0, name="x", method="auto", about={"chosen": "joint"})
    text = repr(made)
    assert text.startswith("module of 'x' by joint\n")
    assert "0 of 40 measured" in text
    assert "0: none" in text
    assert "not measured" in text


def test_a_notebook_shows_a_table_with_names_escaped():
    html = module()._repr_html_()
    assert html.startswith("<table>")
    assert "&lt;ill&gt; against well" in html
    assert "<ill>" not in html


def test_a_model_prints_its_layers_preparation_and_what_to_type_next(model):
    lines = repr(model).splitlines()
    assert lines[0] == f"pca of {len(model.genes):,} genes"
    assert 5 <= len(lines) <= MOST_LINES
    text = " ".join(repr(model).split())
    assert "layers PC (4)" in text
    assert f"trained on {model.preparation.account['samples']} samples" in text
    assert model.digest in text
    assert "held-out R² not measured" in text
    assert "gl.light_up(model, 'PC')" in text
    assert model.digest in model._repr_html_()


def test_a_model_that_was_measured_says_how_it_did(model, monkeypatch):
    measured = {"r2": 0.5, "r2_interval": [0.4, 0.6], "pca_width": 4, "pca_r2": 0.45}
    monkeypatch.setitem(model.about, "held_out", measured)
    assert "0.5000 (0.4000 to 0.6000); PCA of 4 0.4500" in repr(model)
