import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genelight import demo, simulate
from genelight.models import find_subspace, fit
from genelight.models.shrink import GRID, choose_shrinkage, shrink_means, turn
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


@given(st.integers(0, 20), st.sampled_from(GRID))
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
    assert choose_shrinkage(x, subject_n, 4) < 1


def test_nothing_is_shrunk_where_subjects_do_not_differ_or_come_once():
    x, subject_n = visits(40, own=0.0, each=2)
    assert choose_shrinkage(x, np.arange(len(x)), 4) == 1.0
    x, subject_n = visits(60, own=0.0, each=3)
    chosen = shrink_means(x, subject_n, choose_shrinkage(x, subject_n, 4))
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
        gamma = choose_shrinkage(find_subspace(x_ng).coordinates(x_ng), subject_n, 8)
        other_ng = preparation.transform(test)
        gains.append(_kept(shrink_means(x_ng, subject_n, gamma), other_ng, 8) - _kept(x_ng, other_ng, 8))
    assert min(gains) > -0.002
    assert np.mean(gains) > 0.005


def test_the_choice_is_the_best_of_the_grid_by_a_plain_cross_validation():
    from sklearn.model_selection import GroupKFold

    x, subject_n = visits(12, own=1.5, seed=3)
    kept = dict.fromkeys(GRID, 0.0)
    for train, test in GroupKFold(5, shuffle=True, random_state=0).split(x, groups=subject_n):
        centre = x[train].mean(0)
        for gamma in GRID:
            axes = np.linalg.svd(shrink_means(x[train] - centre, subject_n[train], gamma), full_matrices=False)[2][:4]
            kept[gamma] += (((x[test] - centre) @ axes.T) ** 2).sum()
    assert choose_shrinkage(x, subject_n, 4) == max(kept, key=kept.get)


def test_turning_keeps_the_subspace_and_sorts_its_axes():
    x, subject_n = visits(10, own=1.5)
    subspace = find_subspace(x)
    shrunk = shrink_means(subspace.coordinates(x), subject_n, 0.15)
    turned = turn(subspace, shrunk)
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
    assert choose_shrinkage(c_nk, few.obs["subject"].to_numpy(), 32) < 1.0
    first = fit(few, widths=(32, 32), subject="subject", epochs=1).history[0]
    assert first["held_out_r2"] > first["held_out_r2_pca"]
