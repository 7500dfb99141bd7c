"""Several diseases from one head: what each module holds, and that the head is one."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from sklearn.linear_model import Ridge

import genelight as gl
from genelight import Contrast, models
from genelight.errors import InputError, UnknownNameError
from genelight.stats.discriminant import cross_validate, fit_head, groups_of, head_weights

DISEASES = ("ache", "burn", "chill")


@pytest.fixture(scope="module")
def hospital():
    """Controls and three diseases, two samples a subject; disease d moves genes 20 d to 20 d + 19, "burn" is in two."""
    rng = np.random.default_rng(5)
    labels = np.repeat(["well", *DISEASES], 15)
    obs = pd.DataFrame({"disease": np.repeat(labels, 2), "subject": np.repeat([f"s{i}" for i in range(60)], 2)})
    obs["age"] = np.repeat(rng.integers(20, 70, 60), 2).astype(float)
    x = rng.normal(size=(120, 200)) + rng.normal(size=(120, 3)) @ rng.normal(size=(3, 200)) * 0.7
    x += 0.02 * (obs["age"].to_numpy()[:, None] - 45) * (np.arange(200) >= 150)
    for d, disease in enumerate(DISEASES):
        x[obs["disease"] == disease, 20 * d : 20 * d + 20] += 2.5
    obs.index = [f"n{i}" for i in range(120)]
    return AnnData(x + 8, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(200)]))


@pytest.fixture(scope="module")
def several(hospital):
    return Contrast.several(hospital.obs, case="disease", control='disease == "well"', subject="subject")


@pytest.fixture(scope="module")
def pca(hospital):
    return models.PCA(8).fit(hospital)


@pytest.mark.parametrize("method", ["auto", "direction", "joint", "de"])
def test_each_disease_has_its_own_genes(hospital, several, pca, method):
    modules = gl.modules.disease_modules(hospital, pca, contrasts=several, method=method, size=20, bootstraps=10)
    assert list(modules) == list(DISEASES)
    for d, module in enumerate(modules.values()):
        own = {f"g{i}" for i in range(20 * d, 20 * d + 20)}
        assert len(own & set(module.selected)) >= 17
        assert module.about["head"] == list(DISEASES)
        assert module.about["cases"]["subjects"] == module.about["controls"]["subjects"] == 15
        assert module.table["frequency"].sum() == pytest.approx(20)


def test_the_head_is_one_whichever_disease_is_asked(hospital, several, pca):
    modules = gl.modules.disease_modules(hospital, pca, contrasts=several, method="direction", bootstraps=0)
    backwards = dict(reversed(several.items()))
    again = gl.modules.disease_modules(hospital, pca, contrasts=backwards, method="direction", bootstraps=0)
    assert len({module.about["penalty"] for module in modules.values()}) == 1
    assert len({round(module.about["loss"], 9) for module in modules.values()}) == 1
    for name, module in modules.items():
        np.testing.assert_allclose(again[name].score_g(), module.score_g(), atol=1e-5)


def test_outputs_equal_scikit_learn(hospital, several):
    names = list(several)
    own, *others = (several[name] for name in names)
    other_nd = np.column_stack([contrast.case_n for contrast in others])
    groups = groups_of(own, other_nd)
    weight_n = head_weights(own, groups)
    assert [weight_n[c.case_n].sum() for c in several.values()] == pytest.approx([1, 1, 1])
    h = hospital.X[:, ::20]
    head = fit_head(h, own, weight_n, penalty=0.5, other_nd=other_nd)
    share = weight_n / weight_n.sum()
    mean = share @ h
    model = Ridge(alpha=0.5, tol=1e-12).fit((h - mean) / head.sd_k, groups, sample_weight=share)
    np.testing.assert_allclose(head.weight_k, model.coef_[0], atol=1e-8)
    output = (h - mean) / head.sd_k @ model.coef_.T
    pattern = ((h - mean) * share[:, None]).T @ output @ np.linalg.inv((output * share[:, None]).T @ output)
    step = own.weight_n()[own.case_n] @ output[own.case_n] - own.weight_n()[own.control_n] @ output[own.control_n]
    np.testing.assert_allclose(head.activation_k(), pattern @ step, atol=1e-8)


def test_without_penalty_each_pattern_is_the_difference_of_means(hospital, several):
    own, *others = several.values()
    other_nd = np.column_stack([contrast.case_n for contrast in others])
    h = hospital.X[:, :6]
    weight_n = head_weights(own, groups_of(own, other_nd))
    head = fit_head(h, own, weight_n, penalty=1e-12, other_nd=other_nd)
    np.testing.assert_allclose(head.activation_k(), h[own.case_n].mean(0) - h[own.control_n].mean(0), atol=1e-7)


def test_a_patient_may_have_two_diseases(hospital, pca):
    obs = hospital.obs.assign(second=hospital.obs["subject"].isin([f"s{i}" for i in range(20, 35)]))
    case = {"ache": 'disease == "ache"', "second": "second"}
    both = Contrast.several(obs, case=case, control='disease == "well" and not second', subject="subject")
    assert (both["ache"].case_n & both["second"].case_n).sum() == 20
    modules = gl.modules.disease_modules(hospital, pca, contrasts=both, size=20, bootstraps=0)
    assert len({f"g{i}" for i in range(20)} & set(modules["ache"].selected)) >= 15


def test_covariates_are_one_for_all_and_taken_off(hospital, pca):
    adata = hospital.copy()
    older = adata.obs["disease"].eq("burn").to_numpy()
    adata.X[older] += 0.02 * 30 * (np.arange(200) >= 150)
    adata.obs.loc[older, "age"] += 30
    kind = {"case": "disease", "control": 'disease == "well"', "subject": "subject"}
    adjusted = Contrast.several(adata.obs, **kind, covariates=("age",))
    first, *others = adjusted.values()
    assert all(np.array_equal(first.covariate_nc, other.covariate_nc) for other in others)
    model = models.PCA(8).fit(adata)
    found = []
    for contrasts in (Contrast.several(adata.obs, **kind), adjusted):
        module = gl.modules.disease_modules(adata, model, contrasts=contrasts, size=70, bootstraps=0)["burn"]
        found.append(len({f"g{i}" for i in range(150, 200)} & set(module.selected)))
    assert found[0] > 25
    assert found[1] < 20


def test_cross_validation_finds_no_diseases_in_noise(several):
    rng = np.random.default_rng(0)
    own, other, _ = several.values()
    position_n = np.unique(own.subject_n, return_inverse=True)[1]
    contrast = Contrast(own.case_n, own.control_n, position_n, "")
    figures = [
        cross_validate(rng.normal(size=(120, 5)), contrast, seed=seed, other_nd=other.case_n[:, None])
        for seed in range(5)
    ]
    assert np.mean([figure.auc for figure in figures]) == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize(
    ("case", "control", "kind", "message"),
    [
        ({"ache": 'disease == "ache"'}, 'disease == "well"', InputError, "1 disease .ache. is no case of several"),
        ("disease", 'disease == "well" and subject != "s0"', InputError, "disease is well in controls and in others"),
        ("diseases", 'disease == "well"', UnknownNameError, "did you mean 'disease'"),
        ({"a": 'disease == "ache"', "b": 'subject == "s59"'}, 'disease == "well"', InputError, "of 1 subjects"),
    ],
)
def test_bad_diseases(hospital, case, control, kind, message):
    with pytest.raises(kind, match=message):
        Contrast.several(hospital.obs, case=case, control=control, subject="subject")


def test_diseases_of_one_head_share_their_controls(hospital, several, pca):
    other = Contrast.of(hospital.obs, case='disease == "burn"', control='disease == "chill"', subject="subject")
    with pytest.raises(InputError, match="burn has other controls than ache"):
        gl.modules.disease_modules(hospital, pca, contrasts={"ache": several["ache"], "burn": other})
    with pytest.raises(InputError, match="use disease_module"):
        gl.modules.disease_modules(hospital, pca, contrasts={"ache": several["ache"]})
