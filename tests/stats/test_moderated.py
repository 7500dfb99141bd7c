"""Against limma 3.54.1 in R 4.2.2; data/moderated_t.csv was written by::

library(limma)
x <- as.matrix(read.csv("moderated_t.csv", row.names = 1)[, 1:11])
group <- factor(c(rep("control", 5), rep("case", 6)), levels = c("control", "case"))
u <- eBayes(lmFit(x, model.matrix(~group)))
p <- eBayes(lmFit(x[, 6:10] - x[, 1:5], matrix(1, 5, 1)))
out <- data.frame(x, t_unpaired = u$t[, 2], p_unpaired = u$p.value[, 2], t_paired = p$t[, 1])
write.csv(format(out, digits = 12), "moderated_t.csv", quote = FALSE)
cat(u$df.prior, u$s2.prior, u$df.total[1], p$df.prior, p$s2.prior, p$df.total[1])
# 5.374825 1.204644 14.37482 5.095004 2.581446 9.095004

and data/moderated_options.csv, whose values are simulated (variances fall with expression, six are far too large), by::

library(limma)
x <- as.matrix(read.csv("moderated_options.csv", row.names = 1)[, 1:13])
group <- factor(c(rep("control", 7), rep("case", 6)), levels = c("control", "case"))
age <- c(39, 25, 51, 38, 37, 21, 26, 37, 51, 20, 44, 56, 48)
plain <- lmFit(x, model.matrix(~group)); aged <- lmFit(x, model.matrix(~group + age))
out <- data.frame(x)
for (fit in c("plain", "aged")) for (option in c("constant", "trend", "robust")) {
  e <- eBayes(get(fit), trend = option == "trend", robust = option == "robust")
  out[[paste("t", fit, option, sep = "_")]] <- e$t[, 2]
  out[[paste("p", fit, option, sep = "_")]] <- e$p.value[, 2]
}
b <- topTable(eBayes(plain), coef = 2, number = Inf, sort.by = "none")
out$logFC <- b$logFC; out$AveExpr <- b$AveExpr; out$adj <- b$adj.P.Val
write.csv(format(out, digits = 10), "moderated_options.csv", quote = FALSE)
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from genelight.nouns import Contrast
from genelight.stats.moderated import Design, detectable
from genelight.stats.squeeze import squeeze

CASE = np.arange(11) >= 5
AGE = np.array([39, 25, 51, 38, 37, 21, 26, 37, 51, 20, 44, 56, 48.0])


def table(name):
    return pd.read_csv(Path(__file__).parent / "data" / f"{name}.csv", index_col=0)


@pytest.fixture(scope="module")
def limma():
    return table("moderated_t")


def moderated(x_ng, subject_n):
    design = Design.of(x_ng, Contrast(CASE, ~CASE, subject_n, ""))
    return design, design.moderated(np.ones((1, subject_n.max() + 1)))


def test_unpaired_equals_limma(limma):
    design, result = moderated(limma.iloc[:, :11].to_numpy().T, np.arange(11))
    assert not design.paired
    np.testing.assert_allclose(result.t_bg[0], limma["t_unpaired"], rtol=1e-8)
    np.testing.assert_allclose(result.p_bg()[0], limma["p_unpaired"], rtol=1e-8)
    np.testing.assert_allclose([result.prior_df_b[0], result.df_bg[0, 0]], [5.374825, 14.37482], rtol=1e-6)
    assert result.prior_variance_b[0] == pytest.approx(1.204644, rel=1e-6)


@pytest.mark.parametrize("fit", ["plain", "aged"])
@pytest.mark.parametrize("option", ["constant", "trend", "robust"])
def test_options_and_covariates_equal_limma(fit, option):
    limma = table("moderated_options")
    case = np.arange(13) >= 7
    contrast = Contrast(case, ~case, np.arange(13), "", AGE[:, None] if fit == "aged" else None)
    x_ng = limma.iloc[:, :13].to_numpy().T
    result = Design.of(x_ng, contrast, trend=option == "trend", robust=option == "robust").moderated()
    np.testing.assert_allclose(result.t_bg[0], limma[f"t_{fit}_{option}"], rtol=2e-6)
    np.testing.assert_allclose(result.p_bg()[0], limma[f"p_{fit}_{option}"], rtol=2e-5)


def test_paired_equals_limma_on_differences(limma):
    design, result = moderated(limma.iloc[:, :11].to_numpy().T, np.r_[0:5, 0:6])
    assert design.paired
    assert design.df == 4
    np.testing.assert_allclose(result.t_bg[0], limma["t_paired"], rtol=1e-8)
    np.testing.assert_allclose([result.prior_df_b[0], result.df_bg[0, 0]], [5.095004, 9.095004], rtol=1e-6)


def test_few_pairs_are_compared_as_two_groups(limma):
    design, _ = moderated(limma.iloc[:, :11].to_numpy().T, np.r_[0:5, 0:4, 5:7])
    assert not design.paired


def test_repeated_samples_count_once_per_subject(limma):
    x = limma.iloc[:, :11].to_numpy().T
    twice = Contrast(np.r_[CASE, CASE], np.r_[~CASE, ~CASE], np.r_[0:11, 0:11], "")
    result = Design.of(np.r_[x, x], twice).moderated(np.ones((1, 11)))
    np.testing.assert_allclose(result.t_bg[0], limma["t_unpaired"], rtol=1e-8)


@pytest.mark.parametrize("robust", [False, True])
def test_counts_equal_repeated_subjects(limma, robust):
    x = limma.iloc[:, :11].to_numpy().T
    count = np.array([2, 1, 0, 1, 1, 3, 0, 1, 1, 0, 1])
    design = Design.of(x, Contrast(CASE, ~CASE, np.arange(11), ""), robust=robust)
    copies = np.repeat(np.arange(11), count)
    case = CASE[copies]
    repeated = Design.of(x[copies], Contrast(case, ~case, np.arange(len(copies)), ""), robust=robust)
    np.testing.assert_allclose(
        design.moderated(count[None]).t_bg, repeated.moderated(np.ones((1, len(copies)))).t_bg, rtol=1e-9
    )


@given(st.integers(0, 1000), st.booleans(), st.booleans())
def test_true_labels_and_everyone_once_are_one_thing(seed, with_age, within):
    rng = np.random.default_rng(seed)
    case = np.arange(12) < 6
    age = rng.normal(size=(12, 2)) if with_age else None
    contrast = Contrast(case, ~case, np.r_[0:6, 0:6] if within else np.arange(12), "", age)
    x_ng = 8 + rng.normal(size=(12, 40)) * rng.gamma(2, size=40)
    design = Design.of(x_ng, contrast)
    one, other = design.moderated(), design.under(np.stack((design.tested_r, -design.tested_r)))
    np.testing.assert_allclose(other.t_bg, [one.t_bg[0], -one.t_bg[0]], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(other.effect_bg[0], one.effect_bg[0], rtol=1e-6, atol=1e-8)


def test_one_variance_for_all_is_no_longer_moderated_and_the_measured_scale_is():
    rng = np.random.default_rng(0)
    x_ng = 8 + rng.normal(size=(12, 2000)) * np.sqrt(6 / rng.chisquare(6, size=2000))
    case = np.arange(12) < 6
    contrast = Contrast(case, ~case, np.arange(12), "")
    assert 3 < Design.of(x_ng, contrast).moderated().prior_df_b[0] < 9
    assert Design.of(stats.zscore(x_ng), contrast).moderated().prior_df_b[0] > 40


def test_what_could_have_been_seen_is_seen_as_often():
    rng = np.random.default_rng(0)
    case = np.arange(30) < 12
    contrast = Contrast(case, ~case, np.arange(30), "")
    sd_g = np.sqrt(8 / rng.chisquare(8, size=4000))
    x_ng = rng.normal(size=(30, 4000)) * sd_g
    step = detectable(Design.of(x_ng, contrast).moderated(), p=0.001)
    result = Design.of(x_ng + case[:, None] * step * sd_g, contrast).moderated()
    assert np.mean(result.p_bg()[0] <= 0.001) == pytest.approx(0.8, abs=0.06)


def test_equal_variances_become_the_prior():
    rng = np.random.default_rng(0)
    variance = rng.chisquare(8, size=(1, 40)) / 8
    variance = np.exp(0.3 * np.log(variance))
    found = squeeze(variance, np.array([8.0]))
    assert np.isinf(found.prior_df_bg[0, 0])
    np.testing.assert_allclose(found.variance_bg, variance.mean())
    assert found.prior_variance_bg[0, 0] == pytest.approx(variance.mean())


def test_prior_is_recovered():
    rng = np.random.default_rng(1)
    true = 3.0 * 6 / rng.chisquare(6, size=20000)
    variance = true * rng.chisquare(10, size=20000) / 10
    found = squeeze(variance[None], np.array([10.0]))
    prior_df = found.prior_df_bg[0, 0]
    assert prior_df == pytest.approx(6, rel=0.1)
    assert found.prior_variance_bg[0, 0] == pytest.approx(3, rel=0.05)
    assert np.square(np.log(found.variance_bg[0] / true)).mean() < np.square(np.log(variance / true)).mean()
    excess = np.var(np.log(variance), ddof=1) - special.polygamma(1, 5)
    assert special.polygamma(1, prior_df / 2) == pytest.approx(excess)


def test_a_trend_is_recovered_and_outliers_leave_the_prior_alone():
    rng = np.random.default_rng(2)
    average = rng.uniform(3, 14, size=5000)
    scale = np.exp(-0.2 * average)
    variance = scale * 10 / rng.chisquare(10, size=5000) * rng.chisquare(8, size=5000) / 8
    df = np.array([8.0])
    trend = squeeze(variance[None], df, average_g=average)
    assert np.abs(np.log(trend.prior_variance_bg[0] / scale)).max() < 0.2
    assert trend.prior_df_bg[0, 0] == pytest.approx(10, rel=0.15)
    spoilt = np.where(np.arange(5000) < 100, 100 * variance, variance)
    plain = squeeze(spoilt[None], df, average_g=average)
    robust = squeeze(spoilt[None], df, average_g=average, robust=True)
    assert plain.prior_df_bg[0, 0] < 6
    assert np.median(robust.prior_df_bg[0]) == pytest.approx(10, rel=0.2)
    assert robust.prior_df_bg[0, :100].mean() < 3


def test_a_gene_without_variance_stays_finite():
    _, result = moderated(np.c_[np.zeros(11), np.random.default_rng(0).normal(size=(11, 30))], np.arange(11))
    assert np.isfinite(result.t_bg).all()
