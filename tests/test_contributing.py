"""The examples of CONTRIBUTING.md join as it says: registered, offered, run, shown."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom

import genelight as gl
from genelight.evidence._registry import TESTS, Against, Findings, calibrated
from genelight.evidence._tested import Items
from genelight.modules._registry import DERIVATIONS, Question
from genelight.nodes._registry import ATTRIBUTIONS, Attributed
from genelight.nouns import Genes, Model, NodeGenes
from genelight.report import _render, _summary
from genelight.report._read import Run
from genelight.report._render import render
from genelight.report._summary import summarise
from genelight.report.sections import Section
from genelight.stats.pvalues import adjust
from genelight.stats.subjects import weights_under

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
NEEDED = (
    *(np, pd, hypergeom, TESTS, Against, Findings, Items, DERIVATIONS, Question, ATTRIBUTIONS, Attributed, Model),
    *(Run, Section, adjust, weights_under, Mapping, Any, ClassVar),
)


def example(language: str, holds: str) -> str:
    found = [block for block in re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL) if holds in block]
    assert len(found) == 1
    assert found[0].count("\n") <= 20
    return found[0]


def joined(holds: str) -> dict[str, Any]:
    """What an example defines, run as the file it would be."""
    names: dict[str, Any] = dict(globals())
    exec(compile("from __future__ import annotations\n" + example("python", holds), "CONTRIBUTING.md", "exec"), names)
    return names


@pytest.fixture
def registries(monkeypatch):
    for registry in (ATTRIBUTIONS, DERIVATIONS, TESTS):
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))


@pytest.mark.usefixtures("registries")
def test_a_way_to_read_a_node_joins(cohort):
    joined('ATTRIBUTIONS.register("nudge")')
    model = gl.models.PCA(4).fit(cohort.adata)
    lit, nudged = gl.light_up(model, "PC"), gl.light_up(model, "PC", method="nudge")
    np.testing.assert_allclose(nudged.values_kg, lit.values_kg, atol=1e-4)


@pytest.mark.usefixtures("registries")
def test_a_way_to_derive_a_module_joins(cohort):
    joined("class Clipped")
    model = gl.models.PCA(4).fit(cohort.adata)
    module = gl.disease_module(cohort.adata, model, contrast=cohort.contrast, method="clipped", size=30, bootstraps=5)
    planted = set(np.array(cohort.adata.var_names)[cohort.planted_g != 0])
    assert len(planted & set(module.selected)) >= 20


@pytest.mark.usefixtures("registries")
def test_a_test_of_genes_joins():
    joined('TESTS.register("ribosome"')
    genes = Genes((*(f"RPL{i}" for i in range(20)), *(f"G{i}" for i in range(80))))
    values = np.vstack([np.arange(100.0)[::-1], np.arange(100.0)])
    nodes = NodeGenes(values, ("L1.0", "L1.1"), genes, "L1", "toy", "light_up")
    sets = gl.Edges("sets", pd.DataFrame({"source": "some", "target": genes.ids[10:40], "weight": 1.0}))
    found = gl.assess(nodes, sets=[sets], n_top=20, tests=["ribosome"]).table
    assert list(found["statistic"]) == [20, 0]
    assert found["p"][0] < 1e-10 < found["p"][1]
    assert not calibrated(found["test"]).any()


def test_a_section_joins(tmp_path, monkeypatch):
    section = joined("class Twins")["Twins"]()
    templates = shutil.copytree(_render.TEMPLATES, tmp_path / "templates")
    (templates / "sections" / "twins.html.j2").write_text(example("jinja", "twins"))
    monkeypatch.setattr(_render, "TEMPLATES", templates)
    for module in (_render, _summary):
        monkeypatch.setattr(module, "SECTIONS", (*module.SECTIONS, section))
    run = tmp_path / "run"
    run.mkdir()
    (run / "study.toml").write_text("")
    (run / "08_twins.tsv").write_text("correlation\n0.99\n0.995\n")
    page = render(summarise(run))
    assert "2 pairs of samples are nearly the same, the closest at a correlation of 0.99" in page
    assert 'href="#twins"' in page
