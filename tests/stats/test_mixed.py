"""Against lmerTest 3.1.3 with pbkrtest 0.5.2 in R 4.2.2, on data/mixed_model.csv::

d$y <- d$y0
summary(lmer(y ~ drug + age + (1 | who), d), ddf = "Kenward-Roger")$coefficients
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genelight.stats.intervals import median_interval
from genelight.stats.mixed import random_intercept

DRUG = """\
0.2275722829  0.2717937194 68.2503745825 0.4053476231
-0.05493337094 0.26185803583 66.31365787489 0.83448020497
0.30595713190 0.28619407082 61.52160319373 0.28922169570
0.50175701525 0.24798806701 48.64753513716 0.04855383003
0.5217322204 0.3744128659 47.2056599827 0.1700050228
"""
AGE = """\
-0.2076273792 0.1519685832 27.3541204246 0.1829873268
0.14374950079 0.15912197889 26.71962250552 0.37439084551
0.06385125602 0.20807697768 25.44909576700 0.76144402082
0.67515493876 0.55863202648 22.35733398644 0.23944971207
-2.9814656603 2.3973827697 22.0436939909 0.2266982350
"""


@pytest.mark.parametrize(("column", "reference"), [(1, DRUG), (2, AGE)])
def test_kenward_and_roger_as_in_r(column, reference):
    data = pd.read_csv(Path(__file__).parent / "data" / "mixed_model.csv")
    x = np.column_stack([np.ones(len(data)), data["drug"], data["age"]])
    found = random_intercept(data.filter(regex="^y").to_numpy(), x, data["who"].to_numpy(), column=column)
    expected = np.array([line.split() for line in reference.splitlines()], dtype=float).T
    # The first response has no variance between subjects, and R stops a little above zero.
    for mine, theirs in zip((found.value, found.se, found.df, found.p), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4)


def null_p(*, subjects, visits, between, ratio, seed, fits=4000):
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(subjects), visits)
    treated = who % 2 if between else np.tile(np.arange(visits) % 2, subjects)
    x = np.column_stack([np.ones(len(who)), treated, rng.normal(size=len(who))])
    y = rng.normal(size=(len(who), fits)) + np.sqrt(ratio) * rng.normal(size=(subjects, fits))[who]
    return random_intercept(y, x, who, column=1).p


@pytest.mark.parametrize("between", [False, True])
@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_tails_are_right_with_few_subjects(between, ratio):
    p = null_p(subjects=10, visits=4, between=between, ratio=ratio, seed=3)
    assert np.isfinite(p).all()
    assert (p <= 0.001).mean() <= 0.0025
    assert (p <= 0.05).mean() <= 0.06
    # Where subjects do not differ, a variance that cannot be below zero makes p between subjects too large.
    assert (p <= 0.05).mean() >= (0.005 if between and ratio == 0 else 0.035)


@given(st.integers(0, 10_000), st.integers(3, 12), st.sampled_from([0.0, 1e-8, 1.0, 1e8]))
def test_every_fit_stands(seed, subjects, ratio):
    rng = np.random.default_rng(seed)
    who = np.concatenate([np.arange(subjects), rng.integers(0, subjects, 2 * subjects)])
    x = np.column_stack([np.ones(len(who)), rng.permutation(np.arange(len(who)) % 2)])
    y = rng.normal(size=(len(who), 3)) + np.sqrt(ratio) * rng.normal(size=(subjects, 3))[who]
    found = random_intercept(y, x, who, column=1)
    assert np.isfinite([found.value, found.se, found.df, found.p]).all()
    assert (found.df > 0).all()
    assert (found.ratio >= 0).all()


@pytest.mark.parametrize("slopes", [6, 10, 20, 33])
def test_the_median_is_covered(slopes):
    rng = np.random.default_rng(slopes)
    covered = []
    for _ in range(2000):
        low, high = median_interval(rng.exponential(size=slopes))
        covered.append(low <= np.log(2) <= high)
    assert 0.94 <= np.mean(covered) <= 0.99
