import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genelight import demo, simulate
from genelight.models import PCA, fit
from genelight.models.subspace.exact import find_subspace
from genelight.models.training.shrink import GAMMAS, POWERS, Weighing, choose_weighing, rotate, shrink_means, sphere
from genelight.pp import prepare


def visits(
    subjects: int, *, own: float, seed: int = 0, each: int = 4, genes: int = 80
) -> tuple[np.ndarray, np.ndarray]:
    """Samples that share four axes, each subject with a lasting difference of size `own` in a direction of its own."""
    axes = np.linalg.qr(np.random.default_rng(99).normal(size=(genes, 4)))[0].T
    rng = np.random.default_rng(seed)
    subject_n = np.repeat(np.arange(subjects), each)
    shared = 3 * rng.normal(size=(len(subject_n), 4)) @ axes
    lasting = own * rng.normal(size=(subjects, genes))[subject_n]
    x = shared + lasting + 0.3 * rng.normal(size=(len(subject_n), genes))
    return (x - x.mean(0)).astype(np.float32), subject_n


@given(st.integers(0, 20), st.sampled_from(GAMMAS))
def test_means_shrink_and_deviations_stay(seed, gamma):
    x, _ = visits(6, own=1, seed=seed, genes=5)
    subject_n = np.random.default_rng(seed).permutation(np.repeat([f"p{i}" for i in range(8)], 3))
    shrunk = shrink_means(x, subject_n, gamma)
    for subject in np.unique(subject_n):
        mine, was = shrunk[subject_n == subject], x[subject_n == subject]
        np.testing.assert_allclose(mine.mean(0), np.sqrt(gamma) * was.mean(0), atol=1e-5)
        np.testing.assert_allclose(mine - mine.mean(0), was - was.mean(0), atol=1e-5)


def test_gamma_of_one_leaves_everything_as_it_is():
    x, subject_n = visits(5, own=1)
    assert shrink_means(x, subject_n, 1.0) is x


def test_lasting_differences_between_subjects_are_shrunk():
    x, subject_n = visits(8, own=2.0)
    assert choose_weighing(x, subject_n, 4).gamma < 1


def test_nothing_is_shrunk_where_subjects_do_not_differ_or_come_once():
    x, subject_n = visits(40, own=0.0, each=2)
    assert choose_weighing(x, np.arange(len(x)), 4).gamma == 1.0
    x, subject_n = visits(60, own=0.0, each=3)
    chosen = choose_weighing(x, subject_n, 4).apply(x, subject_n)
    kept = [(_kept(c, visits(60, own=0.0, seed=1)[0], 4)) for c in (x, chosen)]
    assert kept[1] == pytest.approx(kept[0], abs=1e-3)


def _kept(train: np.ndarray, test: np.ndarray, width: int) -> float:
    """Share of the variance of `test` on the first axes of `train`."""
    axes = np.linalg.svd(train, full_matrices=False)[2][:width]
    return float(((test @ axes.T) ** 2).sum() / (test**2).sum())


def test_chosen_shrinkage_serves_subjects_not_yet_seen():
    gains = []
    for seed in range(6):
        adata = simulate.cohort(60, visits=3, n_genes=400, seed=seed)
        first = adata.obs["subject"].isin(adata.obs["subject"].unique()[:20]).to_numpy()
        train, test = adata[first].copy(), adata[~first]
        preparation = prepare(train)
        x_ng, subject_n = preparation.transform(train), train.obs["subject"].to_numpy()
        weighing = choose_weighing(find_subspace(x_ng).coordinates(x_ng), subject_n, 8)
        other_ng = preparation.transform(test)
        gains.append(_kept(weighing.apply(x_ng, subject_n), other_ng, 8) - _kept(x_ng, other_ng, 8))
    assert min(gains) > -0.002
    assert np.mean(gains) > 0.005


def test_the_choice_is_the_best_of_the_grids_by_a_plain_cross_validation():
    from sklearn.model_selection import GroupKFold

    x, subject_n = visits(12, own=1.5, seed=3)
    folds = list(GroupKFold(5, shuffle=True, random_state=0).split(x, groups=subject_n))

    def kept(gamma: float, power: float) -> float:
        total = 0.0
        for train, test in folds:
            centre = x[train].mean(0)
            weighed = shrink_means(x[train] - centre, subject_n[train], gamma)
            length = np.linalg.norm(weighed, axis=1, keepdims=True)
            axes = np.linalg.svd(weighed / length**power, full_matrices=False)[2][:4]
            total += (((x[test] - centre) @ axes.T) ** 2).sum() / ((x[test] - centre) ** 2).sum()
        return total

    gamma = max(GAMMAS, key=lambda gamma: kept(gamma, 0.0))
    power = max(POWERS, key=lambda power: kept(gamma, power))
    assert choose_weighing(x, subject_n, 4) == Weighing(gamma, power)


def test_samples_far_from_the_centre_are_tempered():
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(60, 3)))[0].T

    def draw(n: int, far: int) -> np.ndarray:
        x = 3 * rng.normal(size=(n, 3)) @ axes + 0.5 * rng.normal(size=(n, 60))
        x[:far] = 40 * rng.normal(size=(far, 60)) / np.sqrt(60)
        return (x - x.mean(0)).astype(np.float32)

    train, test = draw(60, 5), draw(200, 0)
    chosen = choose_weighing(train, np.arange(60), 3)
    assert chosen.power > 0
    assert _kept(chosen.apply(train, np.arange(60)), test, 3) > _kept(train, test, 3) + 0.02


def test_sphering_keeps_directions_and_the_middle_length():
    x = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32) * np.arange(7)[:, None]
    assert sphere(x, 0.0) is x
    done = sphere(x, 0.5)
    length = np.linalg.norm(x, axis=1)
    unit = np.median(length[1:])
    np.testing.assert_allclose(np.linalg.norm(done, axis=1), np.sqrt(length * unit), rtol=1e-5)
    np.testing.assert_allclose(
        done[1:] / np.linalg.norm(done[1:], axis=1)[:, None], x[1:] / length[1:, None], rtol=1e-5
    )
    assert (done[0] == 0).all()
    assert sphere(np.zeros((3, 2), np.float32), 0.5).tolist() == [[0, 0]] * 3


def test_a_gain_within_its_error_is_no_reason_to_weigh():
    even = 0
    for seed in range(12):
        x = np.random.default_rng(seed).normal(size=(60, 30)).astype(np.float32)
        even += choose_weighing(x - x.mean(0), np.repeat(np.arange(30), 2), 4, seed=seed).is_even
    assert even >= 4


def test_turning_keeps_the_subspace_and_sorts_its_axes():
    x, subject_n = visits(10, own=1.5)
    subspace = find_subspace(x)
    shrunk = shrink_means(subspace.coordinates(x), subject_n, 0.15)
    turned = rotate(subspace, shrunk)
    np.testing.assert_allclose(turned.basis_gk @ turned.basis_gk.T, subspace.basis_gk @ subspace.basis_gk.T, atol=1e-3)
    variance = turned.coordinates(subspace.genes(shrunk)).var(0)
    np.testing.assert_allclose(variance, turned.variance_k, rtol=1e-2, atol=1e-3)
    assert (np.diff(turned.variance_k) <= 0).all()


def test_left_out_subjects_are_left_out_of_the_centre_too():
    # Centred on everyone, left-out subjects lie opposite to the others, and no shrinkage looks best.
    cohort = demo.cohort()
    few = cohort[cohort.obs["subject"].isin(sorted(cohort.obs["subject"].unique())[4:])].copy()
    x_ng = prepare(few).transform(few)
    c_nk = find_subspace(x_ng).coordinates(x_ng)
    assert choose_weighing(c_nk, few.obs["subject"].to_numpy(), 32).gamma < 1.0
    first = fit(few, widths=(32, 32), subject="subject", epochs=1).history[0]
    assert first["held_out_r2"] > first["held_out_r2_pca"]


def test_pca_is_weighed_as_the_model_was(autoencoder, deep, cohort):
    assert Weighing.of(autoencoder.settings).settings.items() <= autoencoder.settings.items()
    assert Weighing.of(Weighing(0.3, 0.7).settings) == Weighing(0.3, 0.7)
    model = copy.copy(autoencoder)
    model.settings = {**autoencoder.settings, "between_subject_shrinkage": 0.5, "sphering": 0.4}
    weighed = PCA.weighed_as(model)
    assert (weighed.width, weighed.shrinkage, weighed.sphering) == (4, 0.5, 0.4)
    even = PCA(4, preparation=weighed.preparation).fit(cohort)
    assert np.abs(weighed.fit(cohort, subject="subject").basis_gk - even.basis_gk).max() > 1e-3
    assert PCA.weighed_as(deep).sphering == 0
