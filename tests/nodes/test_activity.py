import numpy as np
import pytest
from scipy import stats

from genelight import nodes
from genelight.errors import UnknownNameError


def means(cohort, h, mask):
    subject = cohort.contrast.subject_n
    return np.array([h[mask & (subject == s)].mean(0) for s in np.unique(subject[mask])])


def test_unpaired_equals_welch_on_subject_means(cohort, relu):
    table = nodes.node_activity(cohort.adata, relu, contrast=cohort.contrast)
    h = np.hstack([nodes.encode(cohort.adata, relu, layer=layer) for layer in relu.widths])
    case, control = (means(cohort, h, m) for m in (cohort.contrast.case_n, cohort.contrast.control_n))
    np.testing.assert_allclose(table["p"], stats.ttest_ind(case, control, equal_var=False).pvalue)
    np.testing.assert_allclose(table["q"], stats.false_discovery_control(table["p"]))
    pooled = np.sqrt((case.var(0, ddof=1) + control.var(0, ddof=1)) / 2)
    np.testing.assert_allclose(table["effect"], (case.mean(0) - control.mean(0)) / pooled)
    np.testing.assert_allclose(table[["mean", "sd"]], np.c_[h.mean(0), h.std(0)], rtol=1e-6)
    assert list(table["node"]) == [f"L{i}.{j}" for i in (1, 2, 3) for j in range(8)]
    assert (table["q"] < 0.01).any()


def test_paired_equals_paired_t(cohort_of, linear_of):
    cohort = cohort_of(cases=0, controls=3, both=10)
    model = linear_of(cohort.adata)
    table = nodes.node_activity(cohort.adata, model, contrast=cohort.contrast, layers=["L2"])
    h = nodes.encode(cohort.adata, model, layer="L2")
    paired = np.isin(cohort.contrast.subject_n, cohort.contrast.subject_n[cohort.contrast.case_n])
    case, control = (means(cohort, h, m & paired) for m in (cohort.contrast.case_n, cohort.contrast.control_n))
    np.testing.assert_allclose(table["p"], stats.ttest_rel(case, control).pvalue)


def test_nodes_not_to_trust_are_named(cohort, relu, toy_of):
    weights = [w.copy() for w in relu.weights]
    weights[0][:, 1] = 0
    weights[0][:, 3] = 2 * weights[0][:, 2]
    weights[0][:, 5:7] = 0
    adata = cohort.adata.copy()
    # Few samples far from all others switch a node on, which the rest leave at its lower end; node 6 has but one.
    weights[0][[40, 41], [5, 6]] = 1.0
    adata.X[:, 40:42] = 8 + 0.01 * np.random.default_rng(0).normal(size=(adata.n_obs, 2))
    adata.X[[7, 8, 9, 7], [40, 40, 40, 41]] = 9
    table = nodes.node_activity(adata, toy_of(adata, weights, relu.activation), contrast=cohort.contrast, layers=["L1"])
    assert list(table["state"]) == ["", "dead", "", "duplicate of L1.2", "", "saturated", "driven by one sample", ""]
    dead = table.loc[1]
    assert (dead["effect"], dead["p"], dead["q"]) == (0, 1, 1)


def test_unknown_layer(cohort, relu):
    with pytest.raises(UnknownNameError):
        nodes.node_activity(cohort.adata, relu, contrast=cohort.contrast, layers=["L4"])
