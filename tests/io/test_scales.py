import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from genelight.io.scales import SCALE_NAMES, detect_scale, levels

N, G = 40, 600


def expression(seed: int, n: int = N) -> np.ndarray:
    """log2 abundances: genes differ by eight-fold and more, samples by less."""
    rng = np.random.default_rng(seed)
    return rng.normal(6, 3, G) + rng.normal(0, 0.7, (n, G))


def counts(seed: int, n: int = N) -> np.ndarray:
    return np.random.default_rng(seed).poisson(2 ** expression(seed, n) / 8).astype(float)


def standardised(x: np.ndarray, axis: int = 0) -> np.ndarray:
    return (x - x.mean(axis, keepdims=True)) / x.std(axis, keepdims=True)


def made(name: str, seed: int, n: int = N) -> np.ndarray:
    log2 = expression(seed, n)
    return {
        "counts": lambda: counts(seed, n),
        "tpm": lambda: counts(seed, n) / counts(seed, n).sum(1, keepdims=True) * 1e6,
        "intensity": lambda: 2 ** np.clip(log2, 2, 16),
        "linear": lambda: counts(seed, n) * np.random.default_rng(seed).uniform(0.5, 2, G),
        "log2": lambda: np.clip(log2, 3.3, 16),
        "zscore": lambda: standardised(log2),
        "ratio": lambda: 0.4 * standardised(log2),
    }[name]()


NAMES = ("counts", "tpm", "intensity", "linear", "log2", "zscore", "ratio")


def test_a_single_count_may_be_as_high_as_a_scanner_goes():
    found = detect_scale(counts(2761))
    assert (counts(2761) == 65_535).sum() == 1
    assert found.name == "counts", found.evidence


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 10_000))
def test_every_scale_is_told(name, seed):
    found = detect_scale(made(name, seed))
    assert found.name == name, found.evidence


@pytest.mark.parametrize("name", NAMES)
def test_sparse_float32_and_missing_values_change_nothing(name):
    x = made(name, 1)
    assert detect_scale(sparse.csr_matrix(x)) == detect_scale(x)
    assert detect_scale(x.astype(np.float32)).name == name
    x[3, ::50] = np.nan
    x[5, 7] = np.inf
    if name != "tpm":  # A sum with a hole is no longer a million.
        assert detect_scale(x).name == name


@pytest.mark.parametrize(
    ("x", "name", "said"),
    [
        (standardised(expression(0), axis=1), "zscore", "every sample has mean 0"),
        (expression(0) - 5, "log2", "genes differ more"),
        (2 ** expression(0) - 20, "intensity", "a background taken off"),
        (np.round(counts(0) / 8, 0) + counts(0) % 3 / 3 * (counts(0) % 7 == 0), "counts", "estimated counts"),
        (np.round(2 ** np.clip(expression(0), 5, 16)), "intensity", "whole numbers without a low one"),
        (np.log10(1 + 2 ** expression(0)), "log2", "decimal logarithm"),
        (np.random.default_rng(0).normal(1, 0.1, (9, 50)), "ratio", "around 1"),
        (np.random.default_rng(0).uniform(0, 1, (9, 50)), "unknown", "methylation"),
        (np.random.default_rng(0).integers(-3, 3, (9, 50)), "unknown", "below zero, as counts never are"),
        (np.eye(4), "unknown", "only 0 and 1"),
        (np.full((3, 4), 7.0), "unknown", "every value is 7"),
        (np.full((3, 4), np.nan), "unknown", "no value is a finite number"),
        (np.zeros((0, 4)), "unknown", "no value"),
        (np.zeros((4, 0)), "unknown", "no value"),
        (made("log2", 0, n=1), "log2", "fractions"),
        (made("intensity", 0, n=1) * 1e7, "intensity", "far above"),
    ],
)
def test_what_is_seen_is_said(x, name, said):
    found = detect_scale(x)
    assert found.name == name
    assert said in found.evidence
    assert found.name in SCALE_NAMES


def test_one_damaged_sample_does_not_decide():
    x = made("log2", 0)
    x[4, 2] = 99999
    found = detect_scale(x)
    assert found.name == "log2"
    assert "1 of 24000 values lie above 50" in found.evidence


@given(st.integers(0, 1000))
def test_order_of_genes_does_not_matter(seed):
    x = made("log2", seed)
    assert detect_scale(x[:, np.random.default_rng(seed).permutation(G)]).name == "log2"


def normal_scores(x: np.ndarray) -> np.ndarray:
    from scipy.stats import norm, rankdata

    return norm.ppf((rankdata(x, axis=1) - 0.5) / x.shape[1]).round(2)


@pytest.mark.parametrize(
    ("x", "name"),
    [
        (np.round(np.clip(2 ** np.clip(expression(0), 5, 17), 0, 65_535)), "intensity"),
        (np.round(np.clip(2 ** (expression(0) + 2), 0, 65_535)), "intensity"),
        (np.log1p(counts(0)), "ln"),
        (np.log2(1 + counts(0)), "log2"),
        (np.log1p(counts(0) / counts(0).sum(1, keepdims=True) * 1e4), "ln"),
        (np.log2(1 + counts(0) / counts(0).sum(1, keepdims=True) * 1e6), "log2"),
        (normal_scores(expression(0)), "scores"),
        (np.argsort(np.argsort(expression(0), axis=1), axis=1) + 1.0, "ranks"),
        ((counts(0) / counts(0).sum(1, keepdims=True) * 1e6)[:, : G - 20], "tpm"),
        (counts(0), "counts"),
    ],
)
def test_scales_that_look_alike_are_told_apart(x, name):
    found = detect_scale(x)
    assert found.name == name, found.evidence


def test_a_shift_between_halves_of_a_cohort_is_warned_of():
    x = made("log2", 0)
    assert not levels(x)
    x[N // 2 :] += 1.8
    assert "two groups whose medians differ by 1.8 log2 (20 and 20" in levels(x)
    assert "1.8 log2" in levels(2**x)
    assert not levels(counts(0))
