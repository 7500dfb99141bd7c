import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

import genelight as gl
from genelight import modules, nodes, pp
from genelight.errors import InputError, UnknownNameError
from genelight.nodes import layers as _layers
from genelight.nouns import Contrast, Module

# Gradients need a model that shows its inside; tests of their own have one.
ANY_MODEL = [m for m in modules.DERIVATIONS if m != "gradient"]
LABELLED = [m for m in modules.DERIVATIONS if m in ("auto", "joint", "direction", "paper", "de")]


@pytest.mark.parametrize("method", ANY_MODEL)
def test_every_method_gives_a_module(cohort, relu, method, tmp_path):
    module = modules.disease_module(cohort.adata, relu, contrast=cohort.contrast, method=method, size=30, bootstraps=10)
    assert isinstance(module, Module)
    assert len(module.selected) == 30
    assert np.isfinite(module.table["score"]).all()
    assert module.table["frequency"].between(0, 1).all()
    assert module.table["frequency"].sum() == pytest.approx(30)
    assert module.about["cases"] == {"samples": 40, "subjects": 20}
    json.dumps(dict(module.about))
    module.save(tmp_path / "m.tsv")
    np.testing.assert_allclose(Module.load(tmp_path / "m.tsv", genes=relu.genes).score_g(), module.score_g())


@pytest.mark.parametrize("model", ["linear", "relu"])
@pytest.mark.parametrize("method", LABELLED)
def test_planted_module_is_recovered_with_its_sign(cohort, model, method, request):
    module = modules.disease_module(
        cohort.adata, request.getfixturevalue(model), contrast=cohort.contrast, method=method, bootstraps=0, size=30
    )
    score = module.score_g()
    planted = cohort.planted_g != 0
    assert roc_auc_score(planted, np.abs(score)) >= 0.95
    assert np.mean(np.sign(score[planted]) == cohort.planted_g[planted]) > 0.9
    assert module.table["frequency"].isna().all()


def test_stable_genes_are_frequent(cohort, linear):
    module = modules.disease_module(cohort.adata, linear, contrast=cohort.contrast, size=30, bootstraps=50)
    frequency = module.table.set_index("gene").loc[list(cohort.adata.var_names), "frequency"].to_numpy()
    assert frequency[cohort.planted_g != 0].mean() > 0.7
    assert frequency[cohort.planted_g == 0].mean() < 0.1


def test_unregularised_direction_on_a_linear_model_is_the_decoded_mean_difference(cohort, linear, monkeypatch):
    monkeypatch.setattr("genelight.stats.discriminant.PENALTIES", np.array([1e-10]))
    module = modules.disease_module(
        cohort.adata, linear, contrast=cohort.contrast, layer="L3", size=30, bootstraps=0, method="direction"
    )
    h = nodes.encode(cohort.adata, linear, layer="L3")
    case = cohort.contrast.case_n
    expected = (h[case].mean(0) - h[~case].mean(0)) @ linear.weights[-1]
    np.testing.assert_allclose(module.score_g(), expected, atol=1e-5)


@pytest.mark.parametrize("method", ANY_MODEL)
def test_same_seed_same_module_and_chunks_change_nothing(cohort, relu, method, monkeypatch):
    def run(seed=0):
        return modules.disease_module(
            cohort.adata, relu, contrast=cohort.contrast, method=method, size=30, bootstraps=20, seed=seed
        ).table

    first = run()
    assert first.equals(run())
    assert not first["frequency"].equals(run(seed=1)["frequency"])
    monkeypatch.setattr(_layers, "CHUNK_BYTES", 3 * 8 * 200)
    np.testing.assert_allclose(run()["frequency"], first["frequency"], atol=0.051)


@pytest.mark.parametrize("method", [m for m in ANY_MODEL if m != "random"])
def test_order_of_genes_does_not_matter(cohort, relu, method, toy_of):
    order = np.random.default_rng(1).permutation(cohort.adata.n_vars)
    weights = [relu.weights[0][order], *relu.weights[1:-1], relu.weights[-1][:, order]]
    adata = cohort.adata[:, order].copy()
    settings = {"contrast": cohort.contrast, "method": method, "size": 30, "bootstraps": 0}
    moved = modules.disease_module(adata, toy_of(adata, weights, relu.activation), **settings)
    still = modules.disease_module(cohort.adata, relu, **settings)
    np.testing.assert_allclose(moved.score_g(), still.score_g()[order], atol=1e-4)


def test_samples_outside_the_contrast_have_no_say(cohort_of, linear_of):
    cohort = cohort_of(cases=10, controls=16, visits=1)
    model = linear_of(cohort.adata)
    used = cohort.contrast.case_n | (np.arange(26) < 20)
    part = Contrast(cohort.contrast.case_n, cohort.contrast.control_n & used, cohort.contrast.subject_n, "")
    settings = {"method": "direction", "size": 30, "bootstraps": 5}
    whole = modules.disease_module(cohort.adata, model, contrast=part, **settings)
    alone = modules.disease_module(cohort.adata[used].copy(), model, contrast=part.take(used), **settings)
    assert whole.table.equals(alone.table)


def test_layer_is_chosen_by_loss_and_all_are_reported(cohort, linear, toy_of):
    module = modules.disease_module(cohort.adata, linear, contrast=cohort.contrast, size=30, bootstraps=0)
    layers = module.about["layers"]
    assert list(layers) == ["L1", "L2", "L3"]
    assert module.about["layer"] == min(layers, key=lambda x: layers[x]["loss"])
    assert module.about["auc"] == layers[module.about["layer"]]["auc"] > 0.9
    assert sum(module.about["node_share"].values()) == pytest.approx(1)
    asked = modules.disease_module(cohort.adata, linear, contrast=cohort.contrast, layer="L1", size=30, bootstraps=0)
    assert asked.about["layer"] == "L1"
    assert list(asked.about["node_share"]) == [f"L1.{i}" for i in range(6)]
    # Layers that say the same tie, and the deepest is taken.
    same = toy_of(cohort.adata, [linear.weights[0], np.eye(6), np.eye(6), linear.weights[0].T])
    tied = modules.disease_module(cohort.adata, same, contrast=cohort.contrast, size=30, bootstraps=0)
    assert tied.about["layer"] == "L3"


def test_paired_design_is_told_in_about(cohort_of, linear_of):
    cohort = cohort_of(cases=0, controls=4, both=12)
    module = modules.disease_module(
        cohort.adata, linear_of(cohort.adata), contrast=cohort.contrast, method="de", size=30, bootstraps=5
    )
    assert module.about["paired"]
    assert module.about["df"] == 11
    assert module.about["subjects_in_both"] == 12


def test_variance_takes_values_before_preparation(cohort, linear):
    adata = cohort.adata.copy()
    adata.X[:, 150] *= 10
    module = modules.disease_module(adata, linear, contrast=cohort.contrast, method="variance", size=10, bootstraps=0)
    assert module.selected[0] == "g150"
    np.testing.assert_allclose(module.score_g(), adata.X.var(0), rtol=1e-4)


def test_bad_input(cohort, linear):
    def run(**changed):
        settings = {"contrast": cohort.contrast, "bootstraps": 0, "size": 30} | changed
        return modules.disease_module(cohort.adata, linear, **settings)

    with pytest.raises(UnknownNameError, match="unknown disease module method 'directon'; did you mean 'direction'"):
        run(method="directon")
    with pytest.raises(UnknownNameError, match="unknown layer 'L7'"):
        run(layer="L7")
    with pytest.raises(InputError, match="size = 0 must be above zero"):
        run(size=0)
    with pytest.raises(InputError, match="only 200 genes are measured"):
        run(size=201)
    with pytest.raises(InputError, match="made for 30 samples, but the table has 80"):
        run(contrast=cohort.contrast.take(np.arange(30)))
    few = Contrast(np.arange(80) < 1, np.arange(80) == 79, cohort.contrast.subject_n, "")
    with pytest.raises(InputError, match="three subjects"):
        run(method="de", contrast=few)


@pytest.mark.parametrize("standard", ["zscore", "minmax", "centre"])
def test_differential_expression_is_on_the_measured_scale_and_has_its_table(cohort, standard, tmp_path):
    """Standardised genes have one variance and nothing to moderate by, so the prior would know no bounds."""
    adata = cohort.adata.copy()
    adata.X = 8 + (adata.X - 8) * np.sqrt(5 / np.random.default_rng(0).chisquare(5, size=200))
    model = gl.models.PCA(4).fit(adata, preparation=pp.prepare(adata, standardise=standard))
    module = modules.disease_module(adata, model, contrast=cohort.contrast, method="de", size=30, bootstraps=0)
    assert module.about["prior_df"] < 20
    case_g, control_g = (
        pd.DataFrame(adata.X[mask]).groupby(cohort.contrast.subject_n[mask]).mean().mean().to_numpy()
        for mask in (cohort.contrast.case_n, cohort.contrast.control_n)
    )
    table = module.table.set_index("gene").loc[list(adata.var_names)]
    np.testing.assert_allclose(table["logfc"], case_g - control_g, atol=1e-5)
    np.testing.assert_array_equal(table["t"], table["score"])
    np.testing.assert_allclose(table["q"], stats.false_discovery_control(table["p"]))
    module.save(tmp_path / "de.tsv")
    assert list(Module.load(tmp_path / "de.tsv").table)[5:] == ["logfc", "average", "t", "p", "q"]
