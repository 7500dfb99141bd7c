"""Derivations that read a real model: arithmetic, integrated gradients of the head, the rule of auto."""

import inspect

import numpy as np
import pytest

from genelight import models, modules
from genelight.cli._modules import disease_module, disease_modules
from genelight.modules._registry import ask
from genelight.modules.methods._auto import _because, _choose
from genelight.nouns.module import DERIVATION
from genelight.study._settings import ModuleSettings


@pytest.fixture(scope="module")
def pca(cohort):
    return models.PCA(6).fit(cohort.adata)


@pytest.fixture(scope="module")
def bent(cohort):
    return models.fit(cohort.adata, widths=(8, 6, 4), subject="subject", epochs=5)


def derived(name, cohort, model):
    question = ask(cohort.adata, model, contrast=cohort.contrast)
    return question, modules.DERIVATIONS[name](question)


@pytest.mark.parametrize("model", ["pca", "bent"])
def test_gradients_are_complete_and_find_the_planted_genes(cohort, model, request):
    _, method = derived("gradient", cohort, request.getfixturevalue(model))
    assert method.about["completeness_gap"] < 0.02
    score_g = method.score(np.ones((1, 40), dtype=np.int64))[0]
    top = np.argsort(-np.abs(score_g))[:20]
    assert np.mean(cohort.planted_g[top] != 0) > 0.5
    planted = top[cohort.planted_g[top] != 0]
    assert np.mean(np.sign(score_g[planted]) == cohort.planted_g[planted]) > 0.9


def test_gradient_of_a_linear_model_is_weight_times_change(cohort, pca):
    _, method = derived("gradient", cohort, pca)
    count_s = np.ones(40, dtype=np.int64)
    share_g, change_g, head = method._shares(count_s)
    np.testing.assert_allclose(share_g, change_g * (pca.basis_gk @ (head.weight_k / head.sd_k)), atol=1e-5)


def test_arithmetic_of_a_linear_model_is_the_mean_difference_over_the_spread_of_draws(cohort, pca):
    question, method = derived("arithmetic", cohort, pca)
    score_g = method.score(np.ones((1, 40), dtype=np.int64))[0]
    weight_n = question.contrast.weight_n()
    h_nk = pca.encode(question.x_ng).astype(float)
    change_g = (np.where(question.contrast.case_n, weight_n, -weight_n) @ h_nk) @ pca.basis_gk.T
    spread_g = np.sqrt((pca.basis_gk**2) @ h_nk.var(0))
    np.testing.assert_allclose(score_g, change_g / spread_g, rtol=0.15)
    assert len(np.unique(score_g)) == len(score_g)


def test_the_default_is_one_everywhere():
    verbs = (modules.disease_module, modules.disease_modules, modules.stability)
    assert {inspect.signature(verb).parameters["method"].default for verb in verbs} == {DERIVATION}
    assert ModuleSettings().method == DERIVATION == inspect.signature(modules.hold_out).parameters["methods"].default[0]
    assert {inspect.signature(c).parameters["method"].default for c in (disease_module, disease_modules)} == {
        DERIVATION
    }


def test_auto_says_why_it_chose(cohort, pca, monkeypatch):
    _, method = derived("auto", cohort, pca)
    assert method.about["because"].startswith(
        "joint (the model and the genes together): scores replicate between halves of the subjects"
    )
    assert f"{method.about['replication']['de']:.3f} without" in method.about["because"]
    monkeypatch.setattr("genelight.modules.methods._auto._choose", lambda _: "de")
    _, method = derived("auto", cohort, pca)
    assert method.about["because"].startswith(
        "de (differential expression, the genes by themselves): they replicate better"
    )
    assert method.about["chosen"] == "de"
    assert "layer" not in method.about
    assert _because("joint", {"joint": None, "de": None}) == (
        "joint (the model and the genes together), as halves of so few subjects cannot be compared"
    )


def test_auto_leaves_joint_only_for_what_wins_clearly():
    low, high = np.full(15, 0.5), np.full(15, 0.6)
    assert _choose({"joint": high, "de": low}) == "joint"
    assert _choose({"joint": low, "de": high}) == "de"
    mixed = np.where(np.arange(15) < 8, 0.9, 0.4)
    assert _choose({"joint": low, "de": mixed}) == "joint"
    assert _choose({"joint": low[:0], "de": low[:0]}) == "joint"
