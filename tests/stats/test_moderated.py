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
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from genelight.nouns import Contrast
from genelight.stats.moderated import SubjectDesign, squeeze

CASE = np.arange(11) >= 5


@pytest.fixture(scope="module")
def limma():
    return pd.read_csv(Path(__file__).parent / "data" / "moderated_t.csv", index_col="gene")


def moderated(x_ng, subject_n):
    design = SubjectDesign.of(x_ng, Contrast(CASE, ~CASE, subject_n, ""))
    return design, design.moderated(np.ones((1, subject_n.max() + 1)))


def test_unpaired_equals_limma(limma):
    design, result = moderated(limma.iloc[:, :11].to_numpy().T, np.arange(11))
    assert not design.paired
    np.testing.assert_allclose(result.t_bg[0], limma["t_unpaired"], rtol=1e-8)
    np.testing.assert_allclose(2 * stats.t.sf(np.abs(result.t_bg[0]), result.df_b[0]), limma["p_unpaired"], rtol=1e-8)
    np.testing.assert_allclose([result.prior_df_b[0], result.df_b[0]], [5.374825, 14.37482], rtol=1e-6)
    assert result.prior_variance_b[0] == pytest.approx(1.204644, rel=1e-6)


def test_paired_equals_limma_on_differences(limma):
    design, result = moderated(limma.iloc[:, :11].to_numpy().T, np.r_[0:5, 0:6])
    assert design.paired
    assert design.df == 4
    np.testing.assert_allclose(result.t_bg[0], limma["t_paired"], rtol=1e-8)
    np.testing.assert_allclose([result.prior_df_b[0], result.df_b[0]], [5.095004, 9.095004], rtol=1e-6)


def test_few_pairs_are_compared_as_two_groups(limma):
    design, _ = moderated(limma.iloc[:, :11].to_numpy().T, np.r_[0:5, 0:4, 5:7])
    assert not design.paired


def test_repeated_samples_count_once_per_subject(limma):
    x = limma.iloc[:, :11].to_numpy().T
    twice = Contrast(np.r_[CASE, CASE], np.r_[~CASE, ~CASE], np.r_[0:11, 0:11], "")
    result = SubjectDesign.of(np.r_[x, x], twice).moderated(np.ones((1, 11)))
    np.testing.assert_allclose(result.t_bg[0], limma["t_unpaired"], rtol=1e-8)


def test_counts_equal_repeated_subjects(limma):
    x = limma.iloc[:, :11].to_numpy().T
    count = np.array([2, 1, 0, 1, 1, 3, 0, 1, 1, 0, 1])
    design = SubjectDesign.of(x, Contrast(CASE, ~CASE, np.arange(11), ""))
    copies = np.repeat(np.arange(11), count)
    case = CASE[copies]
    repeated = SubjectDesign.of(x[copies], Contrast(case, ~case, np.arange(len(copies)), ""))
    np.testing.assert_allclose(
        design.moderated(count[None]).t_bg, repeated.moderated(np.ones((1, len(copies)))).t_bg, rtol=1e-9
    )


def test_equal_variances_become_the_prior():
    rng = np.random.default_rng(0)
    variance = rng.chisquare(8, size=(1, 40)) / 8
    variance = np.exp(0.3 * np.log(variance))
    posterior, prior_df, prior = squeeze(variance, np.array([8.0]))
    assert np.isinf(prior_df[0])
    np.testing.assert_allclose(posterior, variance.mean())
    assert prior[0] == pytest.approx(variance.mean())


def test_prior_is_recovered():
    rng = np.random.default_rng(1)
    true = 3.0 * 6 / rng.chisquare(6, size=20000)
    variance = true * rng.chisquare(10, size=20000) / 10
    posterior, prior_df, prior = squeeze(variance[None], np.array([10.0]))
    assert prior_df[0] == pytest.approx(6, rel=0.1)
    assert prior[0] == pytest.approx(3, rel=0.05)
    assert np.square(np.log(posterior[0] / true)).mean() < np.square(np.log(variance / true)).mean()
    excess = np.var(np.log(variance), ddof=1) - special.polygamma(1, 5)
    assert special.polygamma(1, prior_df[0] / 2) == pytest.approx(excess)


def test_a_gene_without_variance_stays_finite():
    _, result = moderated(np.c_[np.zeros(11), np.random.default_rng(0).normal(size=(11, 30))], np.arange(11))
    assert np.isfinite(result.t_bg).all()
