import importlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA as Reference
from sklearn.model_selection import GroupShuffleSplit

from genelight import demo, models, simulate
from genelight.errors import InputError, UnknownNameError
from genelight.io import pack
from genelight.models import PCA, PRESETS, fit, r2
from genelight.models.presets import choose_widths
from genelight.pp import prepare

fit_file = importlib.import_module("genelight.models.autoencoder")
choosing_file = importlib.import_module("genelight.models.training.choosing")
plan_file = importlib.import_module("genelight.models.training.plan")


def half(adata, seed=0):
    """Two thirds of the subjects to learn from, the others to judge by."""
    subject = adata.obs["subject"]
    train, test = next(GroupShuffleSplit(1, test_size=1 / 3, random_state=seed).split(subject, groups=subject))
    return adata[train].copy(), adata[test].copy()


PLANTED = {
    "linear": simulate.cohort(40, n_genes=500),
    "bent": simulate.cohort(40, n_genes=500, programmes=simulate.Programmes(nonlinear=0.6), seed=1),
    "once": simulate.cohort(90, visits=1, n_genes=500, seed=2),
    "few subjects": simulate.cohort(12, visits=8, n_genes=400, seed=3),
    "noise": simulate.cohort(40, n_genes=400, programmes=simulate.Programmes(number=1, size=2, diseased=1), seed=4),
}


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("widths", [(32, 16, 8), (16, 16, 16)])
def test_held_out_subjects_are_explained_at_least_as_well_as_by_pca(name, widths):
    train, test = half(PLANTED[name])
    pca, model = PCA(min(widths)).fit(train), fit(train, widths=widths, subject="subject")
    x_ng = pca.prepare(test)
    assert r2(model, x_ng) > r2(pca, x_ng) - 0.002


def test_on_the_demo_it_is_above_pca():
    train, test = half(demo.cohort())
    pca, model = PCA(8).fit(train), fit(train, widths=(32, 16, 8), subject="subject")
    x_ng = pca.prepare(test)
    assert r2(model, x_ng) > r2(pca, x_ng)


def test_the_seed_decides_everything(cohort, autoencoder):
    again = fit(cohort, widths=(16, 8, 4), subject="subject", epochs=10)
    assert again.digest == autoencoder.digest
    assert (again.settings, again.history) == (autoencoder.settings, autoencoder.history)
    for name, value in again.net.state_dict().items():
        assert torch.equal(value, autoencoder.net.state_dict()[name])
    other = fit(cohort, widths=(16, 8, 4), subject="subject", epochs=10, seed=1)
    assert other.digest != autoencoder.digest


@pytest.fixture
def watched(monkeypatch):
    """What the choice of settings and each training are given."""
    seen = {"choice": [], "training": []}
    choose, train = fit_file.choose, plan_file.train

    def watch_choice(samples, inner, outer, **settings):
        seen["choice"].append((samples, inner, outer))
        return choose(samples, inner, outer, **settings)

    def watch_training(net, c_nk, recipe, **settings):
        seen["training"].append((len(c_nk), recipe))
        return train(net, c_nk, recipe, **settings)

    monkeypatch.setattr(fit_file, "choose", watch_choice)
    monkeypatch.setattr(plan_file, "train", watch_training)
    return seen


@pytest.mark.parametrize("seed", range(4))
def test_a_subject_is_never_split_and_the_last_training_has_everyone(cohort, watched, seed):
    model = fit(cohort, widths=(8, 4), subject="subject", epochs=2, seed=seed)
    samples, inner, outer = watched["choice"][0]
    assert sorted([*inner, *outer]) == list(range(48))
    assert not set(samples.subject_n[inner]) & set(samples.subject_n[outer])
    assert len(set(samples.subject_n[outer])) == 5
    assert [n for n, _ in watched["training"]] == [len(inner)] * (len(watched["training"]) - 1) + [48]
    last = watched["training"][-1][1]
    assert (last.sparsity, last.stop) == (model.settings["sparsity"], model.settings["stop"])


def test_nothing_is_learned_from_held_out_subjects(cohort, watched):
    preparation = prepare(cohort)
    settings = {"preset": "plain", "widths": (8, 4), "preparation": preparation, "epochs": 3}
    model = fit(cohort, **settings)
    _, inner, outer = watched["choice"][0]
    changed = cohort.copy()
    changed.X[outer] = changed.X[outer][:, ::-1]
    other = fit(changed, **settings)
    np.testing.assert_array_equal(watched["choice"][1][1], inner)
    losses = [[record["train_loss"] for record in m.history] for m in (model, other)]
    assert losses[0] == losses[1]
    assert model.history[0]["held_out_r2"] != other.history[0]["held_out_r2"]


def test_the_history_tells_of_held_out_subjects_against_pca(watched):
    adata = simulate.cohort(40, visits=1, n_genes=400)
    model = fit(adata, widths=(8, 4), epochs=3)
    samples, inner, outer = watched["choice"][0]
    x_ng = samples.x_ng.astype(np.float64)
    reference = Reference(4, svd_solver="full").fit(x_ng[inner])
    held_out = x_ng[outer] - reference.mean_
    error = held_out - held_out @ reference.components_.T @ reference.components_
    want = 1 - (error**2).sum() / (held_out**2).sum()
    assert [record["epoch"] for record in model.history] == list(range(4))
    for record in model.history:
        assert record["held_out_r2_pca"] == pytest.approx(want, abs=1e-5)
    # Every subject comes once, so nothing is shrunk and the start is PCA itself.
    assert model.settings["between_subject_shrinkage"] == 1.0
    assert model.history[0]["held_out_r2"] == pytest.approx(want, abs=1e-5)


def test_settings_say_what_was_chosen(autoencoder):
    settings = autoencoder.settings
    assert settings["preset"] == "default"
    assert settings["widths"] == [16, 8, 4]
    assert settings["sparsity"] in PRESETS["default"].sparsities
    assert 0 <= settings["stop"] <= settings["epochs"] == 10
    assert settings["rank"] == 32


def test_samples_that_repeat_do_not_disturb(cohort):
    twice = cohort.copy()
    twice.X[24:] = twice.X[:24]
    for widths in [(24, 16, 8), (24, 24)]:
        assert np.isfinite(r2(fit(twice, widths=widths, epochs=2), prepare(twice).transform(twice)))


@pytest.mark.parametrize("seed", range(5))
def test_five_subjects_are_enough_however_uneven(cohort, seed):
    adata = cohort.copy()
    adata.obs["who"] = ["often"] * 44 + list("abcd")
    model = fit(adata, subject="who", epochs=1, seed=seed)
    assert min(model.widths.values()) >= 1


def test_fewer_than_five_subjects_are_too_few(cohort):
    adata = cohort.copy()
    adata.obs["who"] = ["often"] * 45 + list("abc")
    with pytest.raises(InputError, match=r"48 samples of 4 subjects \(column 'who'\) are too few, at least 5"):
        fit(adata, subject="who")
    with pytest.raises(InputError, match="4 samples of 4 subjects are too few, at least 5"):
        fit(cohort[:4], preparation=prepare(cohort))


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"preset": "defualt"}, UnknownNameError, "unknown preset 'defualt'; did you mean 'default'"),
        ({"subject": "subjct"}, UnknownNameError, "unknown subject column 'subjct' in obs; did you mean 'subject'"),
        ({"widths": (500, 8)}, InputError, r"widths = \[500, 8\], but 38 training samples .* allow 1 to 37 nodes"),
        ({"widths": (500, 8)}, InputError, r"use for example widths = \[32, 16, 8\]"),
        ({"widths": (8, 0)}, InputError, r"widths\[1\] = 0 must be above zero"),
        ({"widths": ()}, InputError, r"widths = \[\], but"),
        ({"epochs": 0}, InputError, "epochs = 0 must be above zero"),
    ],
)
def test_settings_that_do_not_fit_say_what_to_type(cohort, settings, error, said):
    with pytest.raises(error, match=said):
        fit(cohort, **{"subject": "subject", **settings})


# Behind a sigmoid output no loss grows tenfold.
@pytest.mark.parametrize("preset", [name for name in PRESETS if PRESETS[name].space != "unit"])
def test_a_training_that_diverges_names_a_smaller_rate(cohort, preset):
    with pytest.raises(InputError, match=r"diverged.*learning_rate below 1000, for example 100"):
        fit(cohort, preset=models.PRESETS[preset].changed(learning_rate=1e3), subject="subject")


@pytest.mark.parametrize("samples", range(9, 400, 7))
@pytest.mark.parametrize("genes", [10, 5000])
def test_widths_by_default_fit_from_nine_samples_on(samples, genes):
    widths = choose_widths(None, samples=samples, genes=genes)
    assert len(widths) == 3
    assert min(widths) >= 2
    assert max(widths) <= min(samples - 1, genes, 128)
    assert choose_widths(widths, samples=samples, genes=genes) == widths


def test_the_order_of_genes_in_a_table_changes_no_code(cohort, autoencoder):
    order = np.random.default_rng(0).permutation(cohort.n_vars)
    codes = [autoencoder.encode(autoencoder.prepare(table), "L3") for table in (cohort, cohort[:, order])]
    np.testing.assert_array_equal(codes[0], codes[1])


def test_every_preset_gives_a_model_that_knows_its_training(cohort):
    for preset in PRESETS:
        model = models.fit(cohort, preset=preset, widths=(8, 4), subject="subject", epochs=2)
        assert model.settings["preset"] == preset
        assert model.history[0]["epoch"] == 0


def test_on_nonlinear_truth_it_is_clearly_above_pca():
    bent = simulate.Programmes(nonlinear=0.6, number=4, size=40)
    train, test = half(simulate.cohort(300, visits=2, n_genes=200, programmes=bent, seed=1))
    pca, model = PCA(4).fit(train), fit(train, widths=(32, 4, 32), subject="subject")
    x_ng = pca.prepare(test)
    assert r2(model, x_ng) > r2(pca, x_ng) + 0.02


def test_one_giant_outlier_leaves_the_others_reconstructed(cohort):
    spoilt = cohort.copy()
    spoilt.X[0] = spoilt.X.max() * np.random.default_rng(0).uniform(0, 3, cohort.n_vars)
    train, test = spoilt[:40].copy(), cohort[40:].copy()
    model, clean = (fit(a, widths=(8, 4), subject="subject") for a in (train, cohort[:40].copy()))
    assert r2(model, model.prepare(test)) > r2(clean, clean.prepare(test)) - 0.1


def test_constant_genes_and_few_samples_are_no_obstacle(cohort):
    flat = cohort[:12].copy()
    flat.X[:, :50] = 7.0
    model = fit(flat, widths=(4, 2), epochs=2)
    assert len(model.genes) == 350
    assert np.isfinite(r2(model, model.prepare(flat)))


def test_what_the_default_does_not_read_is_stated(cohort):
    model = fit(cohort, widths=(4, 2), subject="subject", epochs=1)
    assert model.settings["rank"] == 16
    x_ng = model.prepare(cohort)
    within = model.subspace.coordinates(x_ng)
    assert 0 < model.subspace.lost < 1
    assert model.subspace.lost == pytest.approx(1 - (within**2).sum() / (x_ng**2).sum(), abs=0.1)


def test_the_last_training_on_a_large_store_has_the_axes_of_everyone(cohort, tmp_path, monkeypatch):
    cohort.write_h5ad(tmp_path / "cohort.h5ad")
    store = pack([tmp_path / "cohort.h5ad"], tmp_path / "cohort.zarr")
    monkeypatch.setattr("genelight.models.subspace.streaming.EXACT_UP_TO", 10)
    model = fit(store, widths=(8, 8), subject="subject", epochs=1)
    # Axes of four fifths of the samples leave a part of the others out.
    assert model.space.lost < 1e-5
    x_ng = model.prepare(cohort)
    kept = (model.space.coordinates(x_ng) ** 2).sum() / (x_ng**2).sum()
    assert kept == pytest.approx(1, abs=1e-4)


def test_in_bfloat16_held_out_r2_is_that_of_float32():
    found = {}
    for precision in ("float32", "bfloat16"):
        preset = PRESETS["default"]
        changed = replace(preset, recipe=replace(preset.recipe, precision=precision))
        model = fit(demo.cohort(), preset=changed, widths=(32, 32), subject="subject")
        found[precision] = model.about["held_out"]["r2"]
    assert found["bfloat16"] != found["float32"] > 0.5
    assert found["bfloat16"] == pytest.approx(found["float32"], abs=0.002)


@pytest.mark.parametrize("taken", [0.0, 0.01])
def test_the_domain_is_measured_with_the_network_that_was_chosen(monkeypatch, taken):
    trained, measured = {}, []
    trial, distances = plan_file.Plan.trial, choosing_file.held_out_distances

    def noted(self, name, start, *, recipe, **others):
        history, trained[recipe.sparsity] = trial(self, name, start, recipe=recipe, **others)
        return history, trained[recipe.sparsity]

    def choose(trial, recipe, *, sparsities):
        recipes = [replace(recipe, sparsity=sparsity, stop=1) for sparsity in (0.0, 0.01, 0.03)]
        histories = {each.sparsity: trial(each, f"choice-{i}", lambda _: False)[0] for i, each in enumerate(recipes)}
        return next(each for each in recipes if each.sparsity == taken), histories[taken]

    monkeypatch.setattr(plan_file.Plan, "trial", noted)
    monkeypatch.setattr(choosing_file, "choose_recipe", choose)
    monkeypatch.setattr(
        choosing_file, "held_out_distances", lambda net, *a, **k: measured.append(net) or distances(net, *a, **k)
    )
    fit(PLANTED["linear"], widths=(8, 8, 8), subject="subject", epochs=2)
    assert [net is trained[taken] for net in measured] == [True]
