"""Sets of co-expressed genes and modules of labels without meaning; a planted difference is found all the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from genelight.errors import InputError
from genelight.evidence import TESTS, Compared
from genelight.evidence._registry import calibrated
from genelight.evidence.tests.enrichment import over_representation
from genelight.nouns import Contrast, Edges, Genes, Module

PEOPLE, GENES, GROUPS = 24, 1200, 30


def cohort(rng: np.random.Generator) -> np.ndarray:
    """Thirty groups of forty genes that go together."""
    shared = rng.normal(size=(PEOPLE, GROUPS)).repeat(GENES // GROUPS, axis=1)
    return np.sqrt(0.4) * shared + np.sqrt(0.6) * rng.normal(size=(PEOPLE, GENES)) + 8


def sets() -> Edges:
    rows = [(f"S{i // 40}", f"G{i}") for i in range(GENES) if i % 40 < 30]
    return Edges("groups", pd.DataFrame(rows, columns=["source", "target"]).assign(weight=1.0))


def asked(x_ng: np.ndarray, case_n: np.ndarray, *, tests: list[str] | None = None) -> pd.DataFrame:
    gap = x_ng[case_n].mean(0) - x_ng[~case_n].mean(0)
    t_g = gap / np.sqrt(x_ng[case_n].var(0, ddof=1) + x_ng[~case_n].var(0, ddof=1))
    module = Module.from_scores(t_g, Genes(tuple(f"G{i}" for i in range(GENES))), size=60, name="drawn", method="t")
    contrast = Contrast(case_n, ~case_n, np.array([f"p{i}" for i in range(PEOPLE)]), "drawn")
    return over_representation(module, [sets()], x_ng=Compared(x_ng, contrast), tests=tests).table


def test_modules_of_labels_without_meaning_seldom_have_a_pathway() -> None:
    rng, case_n = np.random.default_rng(0), np.arange(PEOPLE) < PEOPLE // 2
    names = ["overlap_relabelled", "hypergeometric"]
    called = []
    for _ in range(60):
        table = asked(cohort(rng), case_n, tests=names)
        called.append([(table.loc[table["test"] == name, "q"] <= 0.05).any() for name in names])
    relabelled, plain = np.mean(called, axis=0)
    assert plain > 0.5
    # Seven of sixty and more have a chance of 3% at a level of 5%.
    assert relabelled <= 6 / 60


def test_a_planted_set_is_found_and_defaults_are_the_calibrated_tests() -> None:
    x_ng, case_n = cohort(np.random.default_rng(1)), np.arange(PEOPLE) < PEOPLE // 2
    x_ng[:12, 80:120] += 3
    table = asked(x_ng, case_n)
    assert set(table["test"]) == {"overlap_relabelled", "camera"}
    first = table[table["test"] == "overlap_relabelled"].sort_values("p").iloc[0]
    assert first["reference"] == "groups: S2"
    assert first["q"] <= 0.05
    # Of genes alike in variance there are few others, for the shift itself made them vary.
    assert first["statistic"] == 30 > first["null_mean"]


def test_which_tests_a_headline_may_rest_on_is_said_by_the_registry() -> None:
    doubtful = {name for name in TESTS if not TESTS.entry(name).calibrated}
    assert {"rank_sum", "hypergeometric", "hypergeometric_matched"} <= doubtful
    assert calibrated(pd.Series(["rank_sum", "camera", "proximity"])).tolist() == [False, True, True]


def test_without_expression_or_of_other_samples_it_is_refused() -> None:
    x_ng, case_n = cohort(np.random.default_rng(1)), np.arange(PEOPLE) < PEOPLE // 2
    module = Module.from_scores(x_ng[0], Genes(tuple(f"G{i}" for i in range(GENES))), size=60, name="x", method="t")
    with pytest.raises(InputError, match="tests that count genes as independent are run when named"):
        over_representation(module, [sets()])
    with pytest.raises(InputError, match="24 samples and the expression 23"):
        Compared(x_ng[1:], Contrast(case_n, ~case_n, np.arange(PEOPLE), "x"))
