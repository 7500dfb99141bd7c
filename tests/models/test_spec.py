"""A fitted model knows what it was fitted from: saved with it, loaded back, and fitted again to any samples."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import genelight as gl
from genelight.errors import InputError, UnknownNameError
from genelight.models import ICA, NMF, PCA, Autoencoder, Deep, DeepRecipe, Eigengenes, Folds, Random
from genelight.models.bundle import KINDS
from genelight.pp import Adjust, PreparationSettings

SPECS = [
    PCA(4), ICA(4), NMF(3), Eigengenes(4), Random((6, 4)),
    Autoencoder((8, 4), epochs=2, activation="gelu"), Deep((8, 4, 8), recipe=DeepRecipe(epochs=2)),
]  # fmt: skip


@pytest.fixture(scope="module")
def adata():
    return gl.demo.cohort()[:, :120].copy()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_fitted_again_a_model_is_the_same_and_others_prepare_for_themselves(adata, spec, tmp_path):
    settings = PreparationSettings(variable=90, normalise="rank", standardise="minmax", adjust=Adjust(("sex",)))
    model = replace(spec, subject="subject", preparation=settings).fit(adata)
    assert model.spec == replace(spec, subject="subject", preparation=settings)
    model.save(tmp_path / "model")
    back = gl.load(tmp_path / "model")
    assert (back.spec, back.digest) == (model.spec, model.digest)
    assert back.spec.fit(adata).digest == model.digest
    other = back.spec.fit(adata[:150].copy())
    assert (dict(other.widths), len(other.genes)) == (dict(model.widths), 90)
    assert other.preparation.normalisation.name == "rank"
    assert other.preparation.account["covariates"] == "sex"
    assert other.digest != model.digest


PREPARED = st.builds(
    PreparationSettings,
    scale=st.sampled_from(["log2", "counts"]),
    variable=st.none() | st.integers(10, 500),
    normalise=st.sampled_from([None, "rank", "quantile"]),
    standardise=st.sampled_from(["zscore", "minmax", "centre"]),
    adjust=st.none() | st.builds(Adjust, st.just(("age", "sex")), st.none() | st.just("site")),
)
WIDTHS = st.lists(st.integers(1, 64), min_size=1, max_size=4).map(tuple)
ANY = {"preparation": PREPARED, "seed": st.integers(0, 9), "subject": st.none() | st.just("who")}
DRAWN = st.one_of(
    *(st.builds(kind, st.integers(1, 64), **ANY) for kind in (PCA, ICA, NMF, Eigengenes)),
    st.builds(Random, WIDTHS, **ANY),
    st.builds(
        Deep,
        st.none() | st.tuples(*[st.integers(1, 64)] * 3),
        group=st.none() | st.just("study"),
        recipe=st.builds(DeepRecipe, epochs=st.integers(1, 50)),
        **ANY,
    ),
    st.builds(
        Autoencoder,
        st.none() | WIDTHS,
        st.sampled_from(["default", "plain", "vae", gl.models.PRESETS["sparse"].changed(dropout=0.25)]),
        epochs=st.none() | st.integers(1, 50),
        activation=st.sampled_from([None, "gelu"]),
        learning_rate=st.sampled_from([None, "find", 1e-3]),
        nonnegative=st.sampled_from([None, True]),
        subject_pattern=st.none() | st.just("(.+)V"),
        **ANY,
    ),
)


@given(DRAWN)
def test_every_spec_comes_back_from_json(spec):
    assert KINDS[spec.kind].from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_settings_that_do_not_go_together_are_refused_before_anything_is_fitted():
    with pytest.raises(UnknownNameError, match="unknown preset 'defalt'"):
        Autoencoder(preset="defalt")
    with pytest.raises(InputError, match="dropout = 2 must be"):
        Autoencoder(dropout=2)
    with pytest.raises(InputError, match="epochs"):
        Autoencoder(epochs=0)


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        (Autoencoder(preset=gl.models.PRESETS["default"].changed(activation="gelu")), "default, activation = gelu"),
        (Autoencoder(activation="gelu"), "default, activation = gelu"),
        (Autoencoder(learning_rate=2e-3), "default, learning_rate = 0.002"),
        (Autoencoder(preset="plain"), "plain"),
    ],
)
def test_a_preset_with_one_change_can_be_judged_on_held_out_subjects(adata, tmp_path, spec, label):
    replace(spec, widths=(8, 4), subject="subject", epochs=2).fit(adata).save(tmp_path / "model")
    model = gl.load(tmp_path / "model")
    assert model.settings["preset"] == label
    folds = Folds.by_subject(adata, model.spec, k=3)
    assert folds.model(0).settings["activation"] == model.settings["activation"]
    plan = gl.patients.Protocol(draws=0)
    found = gl.patients.severity(adata, model, measure="hours", subject="subject", folds=folds, protocol=plan)
    assert found.about["refitted"]
    others = gl.simulate.cohort(24, visits=1, n_genes=320)
    groups = gl.stratify(others, model.spec.fit(others), subject="subject", resamples=5)
    assert len(groups.members) == 24


def test_folds_prepare_as_the_model_does_and_nothing_of_it_is_dropped(adata):
    preparation = gl.prepare(adata, variable=80, normalise="rank", standardise="centre", adjust=Adjust(("sex",)))
    model = PCA(6, subject="subject").fit(adata, preparation=preparation)
    folds = Folds.by_subject(adata, model.spec, k=3)
    plan = gl.patients.Protocol(draws=0)
    found = gl.patients.severity(adata, model, measure="hours", subject="subject", folds=folds, protocol=plan)
    for fold, fitted in enumerate(folds):
        assert fitted.preparation.settings == preparation.settings
        assert fitted.digest == model.spec.fit(adata[folds.fold_n != fold].copy()).digest
    by_hand = Folds.by_subject(adata, PCA(6, subject="subject", preparation=preparation.settings), k=3)
    again = gl.patients.severity(adata, model, measure="hours", subject="subject", folds=by_hand, protocol=plan)
    assert again.figures["r2"].tolist() == found.figures["r2"].tolist()


def test_a_persons_visits_count_as_one_subject_in_what_a_fit_chooses(adata):
    visits = adata.copy()
    order = visits.obs.groupby("subject", observed=True).cumcount()
    visits.obs["title"] = [f"{s}V{i}" for s, i in zip(visits.obs["subject"].astype(str), order, strict=True)]
    pattern = "(.+)V[0-9]+$"
    persons = adata.obs["subject"].nunique()
    by_title = gl.fit(visits, widths=(8, 4), subject="title", epochs=2)
    by_person = gl.fit(visits, widths=(8, 4), subject="title", subject_pattern=pattern, epochs=2)
    assert by_title.about["held_out"]["subjects"] == 51
    assert by_person.about["held_out"]["subjects"] < persons / 2
    assert by_person.digest == gl.fit(adata, widths=(8, 4), subject="subject", epochs=2).digest
    drawn = gl.models.Ensemble.fit(visits, by_person, seeds=2)
    assert all(member.settings["subjects_drawn"] <= persons for member in drawn)
    assert max(drawn.members[0].spec.subjects(visits)) in set(adata.obs["subject"].astype(str))
    folds = Folds.by_subject(visits, by_person.spec, k=3)
    assert visits.obs.assign(fold=folds.fold_n).groupby("subject", observed=True)["fold"].nunique().max() == 1


def test_a_larger_cohorts_model_can_be_fitted_to_a_smaller_one():
    cohort = gl.simulate.cohort(200, visits=1, n_genes=340, seed=1)
    model = gl.fit(cohort, epochs=2)
    assert model.widths == {"L1": 128, "L2": 64, "L3": 32}
    few = cohort[:110].copy()
    folds = Folds.by_subject(few, model.spec, k=5)
    assert [fitted.widths for fitted in folds] == [{"L1": 64, "L2": 32, "L3": 16}] * 5
    groups = gl.patients.stratify(few, model, folds=folds, resamples=20)
    assert len(groups.members) == 110


def test_a_fold_is_fitted_once_however_many_ask(adata, monkeypatch):
    fitted = []
    fit = PCA.fit
    monkeypatch.setattr(PCA, "fit", lambda self, *a, **k: fitted.append(self.width) or fit(self, *a, **k))
    folds = Folds.by_subject(adata, PCA(5, subject="subject"), k=4)
    model = PCA(5, subject="subject").fit(adata)
    assert fitted == [5]
    plan = gl.patients.Protocol(draws=0)
    for layer in (None, "PC"):
        gl.patients.severity(adata, model, measure="hours", subject="subject", layer=layer, folds=folds, protocol=plan)
    list(folds)
    assert fitted == [5] * 5
    beside = folds.beside(PCA(3))
    assert [m.preparation is n.preparation for m, n in zip(folds, beside, strict=True)] == [True] * 4
    assert fitted == [5] * 5 + [3] * 4


def test_a_fold_leaves_its_subjects_out(adata):
    folds = Folds.by_subject(adata, PCA(4, subject="subject"), k=3)
    subject_n = adata.obs["subject"].astype(str).to_numpy()
    for fold, model in enumerate(folds):
        seen, held_out = (set(subject_n[mask]) for mask in (folds.fold_n != fold, folds.fold_n == fold))
        assert held_out
        assert not seen & held_out
        assert model.digest == PCA(4).fit(adata[folds.fold_n != fold].copy()).digest


def test_folds_of_other_samples_or_subjects_are_refused(adata):
    by_sample = Folds.by_subject(adata, PCA(4), k=3)
    model = PCA(4).fit(adata)
    with pytest.raises(InputError, match=r"subjects have samples in several folds \(.*a model has seen whom it judges"):
        gl.patients.severity(adata, model, measure="hours", subject="subject", folds=by_sample)
    with pytest.raises(InputError, match=r"172 of 252 samples are in no fold"):
        gl.patients.stratify(adata, model, folds=Folds.by_subject(adata[:80].copy(), PCA(4), k=3))
    ranks = PCA(4, preparation=PreparationSettings(normalise="rank"))
    for spec, said in ((ICA(4), "of kind ica, the model is of kind pca"), (ranks, "the folds prepare by .*rank")):
        with pytest.raises(InputError, match=said):
            gl.patients.stratify(adata, model, folds=Folds.by_subject(adata, spec, k=3))
    with pytest.raises(InputError, match="k = 1: 252 subjects make 2 to 252 folds"):
        Folds.by_subject(adata, PCA(4), k=1)
    twice = adata.copy()
    twice.obs_names = ["same"] * 252
    with pytest.raises(InputError, match="1 names of samples stand more than once"):
        Folds.by_subject(twice, PCA(4))


def test_r2_is_of_the_variance_about_the_training_mean_whatever_the_standard(adata):
    minmax = gl.prepare(adata, standardise="minmax")
    x_ng = minmax.transform(adata).astype(np.float64)
    model = PCA(4).fit(adata, preparation=minmax)
    error_ng = x_ng - model.decode(model.encode(x_ng))
    want = 1 - (error_ng**2).sum() / ((x_ng - x_ng.mean(0)) ** 2).sum()
    assert gl.models.r2(model, model.prepare(adata)) == pytest.approx(want, abs=1e-5)
