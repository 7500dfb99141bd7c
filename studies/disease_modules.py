"""Disease modules in subjects and a cohort they have not seen, against four baselines of equal size.

What was decided was decided on the first cohort, but for one rule: the final ``auto`` was fixed after one result on
the second cohort had been seen. An earlier ``auto`` had chosen ``direction``, with a rank correlation of 0.5509 there;
``direction`` was dropped from its candidates because the comparison on halves leaks through a model that saw every
sample. So the second cohort is not wholly unseen to the rule. The rest: on halves of the 204 subjects of GSE65391,
model and preparation fitted on one half, the mean of t and decoded change (``joint``) had a rank correlation of 0.865
with the other half's t (t alone 0.840, decoded change alone 0.863, through PCA-32 0.853) and shared 0.553 of 1,000
genes with it (0.523, 0.537, 0.528); so it became the default, with t alone in its place where halves say so.

*Lupus*: model and modules from the children (GSE65391, 158 ill and 46 well, visits averaged by subject), judged in the
adults (GSE49454, 62 and 20, the patient cut out of the title) on expression standardised there. *Influenza*: ten
splits of the 17 volunteers into halves, everything fitted on one, judged on the other, averaged. ``default`` is
``auto``; ``pca`` the decoded change through 32 components, or a quarter of the samples; ``variance`` sees no label.
``joint on PCA``, no baseline, is the default's own way on these components.
Measures: Spearman correlation of all scores with moderated t; share of the module among as many genes of largest t;
mean signed t; AUC of the signed mean. Intervals are percentiles of 200 bootstraps of the judging subjects, paired
between methods, modules as they are.

*Disease genes*: overlap of the module with MeSH, DisGeNET and GWAS genes, in standard deviations over draws of like
mean and variance of expression (exact moments). Intervals: 200 bootstraps of the first cohort's subjects, each
with modules of its own.

*Simulated*: cohorts with two diseased programmes of 40 genes among 1,000, 20 to 2,000 subjects, unconfounded, or
confounded by batch or by cell composition with the confounder as covariate; the module is as large as the data support.
``false share`` is its false discovery proportion, ``called`` the share of cohorts with any module at all. Twenty seeds
a cell without a disease and up to 60 subjects, five in the others. The study takes some ten minutes of one thread.

The value is the smallest lower end over cohorts of the default's gain in rank correlation over the best baseline.

What came out, and why. The default is never below a baseline with an interval off zero in preservation, and not shown
to beat the best one everywhere either: that bar is not met. *Influenza*: it has 0.804 in rank correlation, moderated t
0.766 (gain 0.038 [-0.003, 0.076]) and the change through PCA 0.795 (0.009 [-0.023, 0.035]); over t, overlap at 1,000
genes (0.025 [0.004, 0.044]) and effect at 200 (0.202 [0.111, 0.397]) and 1,000 are off zero, over PCA overlap at 1,000
(0.019 [0.001, 0.033]) and effect. *Lupus*: 0.558 as PCA has (gain 0.001 [-0.003, 0.004]) and 0.550 for t (0.008
[-0.003, 0.014]); over t, effect at 200 and 1,000 genes (0.114 [0.081, 0.151]) and transfer AUC at 1,000 (0.007 [0.001,
0.016]) are off zero, over PCA nothing. The same derivation on PCA has 0.558 in lupus and 0.801 in influenza: what is
gained is owed to putting genes and components together, not to depth. An autoencoder that starts at PCA decodes nearly
the change that PCA does, and what 82 adults can say of a gene bounds every method: the lead that halves of the children
show is mostly lost on the way to another age, laboratory and treatment. So the product claims no more:
``about["because"]`` of every module, the command line and the report have its figure beside that of genes alone, by
which it falls back on them; a run sets it beside PCA, t, variance and random genes on held-out subjects.

One change was tried and left: the mean change over the gene's standard error, in place of the mean of two scales. With
the children parted by recruitment (``set``), batch and age, everything fitted on one part, it had a rank correlation of
0.815 against 0.814 and an overlap at 1,000 genes of 0.451 against 0.455 (t 0.794 and 0.441, PCA-32 0.804 and 0.441).

Disease genes are the sobering part. Matched on mean and variance, genes ranked by variance without a label hold more
MeSH and DisGeNET genes than any module, at 1,000 genes with intervals off zero (the default's loss -2.7 [-4.0, -0.8]
and -1.7 [-3.3, -0.4] standard deviations): these are antigens, complement and clearance, few of which move in blood.
No rule falls back on variance: it preserves nothing (rank correlation 0.00). Of GWAS genes the default holds more than
t (excess 2.1 against 0.4 at 200 genes), as PCA does (2.0), but the intervals hold zero.

*Simulated*: a module is called where any gene differs at a q of 0.05, so that of cohorts without a disease one in
twenty is. Of 300 it was 24, 8% [5.2%, 11.7%], most with a gene or two; where labels of real cohorts are drawn, a gene
differs in 1% to 10% of 100 to 200 draws (``calibration``, moderated t). Where there is a disease, at most one gene in a
hundred of a module was false on average from 200 subjects on, and at 20 and 60, where often a single gene is called, at
most 13 in a hundred of the cohorts' modules. ``oracle`` is one who sees the true activities of the programmes in these
very subjects, and has only to estimate which differ and which genes follow them. AUROC is 0.95 and more in every cell
where the oracle's is: from 200 subjects on at every effect, at 60 from an effect of 1 on, at 20 at 2, there not under
composition (0.91, the oracle 0.91). In the others it cannot be had: at 20 subjects and effects of 0.5 and 1 the oracle
has 0.73 and 0.88 unconfounded (the default 0.68 and 0.85), at 60 and 0.5 0.92 (0.90). A first run with five seeds a
cell had 0.947 at 60 and 1 under batch, where twenty have 0.968. With 20 subjects and an effect of 2 modules of 9 to 21
genes of 80 are called in 55% to 85% of cohorts; with 200 and an effect of 0.5 few, though the AUROC is 0.97. Before, a
module was called where its genes were certain one by one: then two of the 300 were called, and none of 20 subjects at
any effect.

Adjusting for the one cell type that differs was not enough: its rise is the others' fall, and at 2,000 subjects their
markers made a module of 71 genes without any disease. With all four types as covariates there is none.

Halves of a cohort that the model has seen as a whole, labels aside, favour whatever is read from the model (decoded
change 0.891, t 0.857), which the second cohort does not confirm. So only t, which they cannot favour, may take the
default's place, and then it says so: ``about["chosen"]`` is ``"de"``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from benchmarks._harness import Result
from benchmarks._measure import Figure

from genelight import Contrast, models, modules
from genelight.models.fitted_autoencoder import FittedAutoencoder
from genelight.modules._registry import ask
from genelight.nouns.module import DERIVATION
from genelight.stats.folds import folds_of
from genelight.stats.subjects import bootstrap_counts, indexed, kinds

from . import _modules as data
from . import _simulated_modules as simulated
from ._blocks import Rows, in_blocks

if TYPE_CHECKING:
    from anndata import AnnData

    from genelight.modules._registry import Derivation

SIZES = (200, 1000)
DRAWS, SPLITS, COMPONENTS = 200, 10, 32
HEADLINE = "rank concordance"
OWN = ("de", "variance", "random")


def run(*, quick: bool) -> Result:
    blocks: dict[str, Callable[[], Rows]] = {"influenza": partial(_influenza, splits=2 if quick else SPLITS)}
    if not quick and data.DATA.is_dir():
        blocks["lupus"] = _lupus
    blocks["simulated"] = partial(simulated.rows, quick=quick)
    rows = in_blocks("disease_modules", blocks, keep=not quick)
    worst = min((row for row in rows if row.get("measure") == HEADLINE), key=lambda row: row["low"])
    figure = Figure(worst["low"], (worst["low"], worst["high"]), runs=DRAWS)
    words = f"gain over {worst['best']} in {HEADLINE}, {worst['cohort']}: {worst['gain']:.4f}"
    return Result("value", figure, words, rows)


def _derivations(
    adata: AnnData, contrast: Contrast, *, seed: int = 0
) -> tuple[FittedAutoencoder, dict[str, Derivation]]:
    """The model, and every method built once on it; ``pca`` on components of the same prepared values."""
    model = models.fit(adata, subject="subject", seed=seed)
    width = min(COMPONENTS, adata.n_obs // 4)
    pca = models.PCA(width).fit(adata, preparation=model.preparation)
    question, linear = (ask(adata, m, contrast=contrast, seed=seed) for m in (model, pca))
    built = {name: modules.DERIVATIONS[name](question) for name in OWN}
    return model, built | {
        "pca": modules.DERIVATIONS["direction"](linear),
        data.SAME_ON_PCA: modules.DERIVATIONS["joint"](linear),
        data.DEFAULT: modules.DERIVATIONS[DERIVATION](question),
    }


def _lupus() -> Iterator[dict[str, object]]:
    """The children's modules in the adults, then among known disease genes."""
    adata, contrast = data.children()
    model, derived = _derivations(adata, contrast)
    second, question = data.adults()
    there = model.genes.align(second.var_names).index >= 0
    z_ng = model.prepare(second)[question.used_n]
    x_ng, measured_ng = z_ng[:, there], model.preparation.restore(z_ng)[:, there]
    x_ng = (x_ng - x_ng.mean(0)) / np.maximum(x_ng.std(0), 1e-6)
    scores = {name: score_g[there] for name, score_g in _scores(derived, contrast).items()}
    other = indexed(question)
    count_bs = data.with_data(bootstrap_counts(other, draws=DRAWS, seed=0))
    for size in SIZES:
        judged = data.judge(scores, x_ng, measured_ng=measured_ng, contrast=other, count_bs=count_bs, size=size)
        yield from (_row("lupus", size, measure=m, values=values) for m, values in judged.items())
    yield from _disease_genes(adata, contrast, derived=derived, model=model)


def _influenza(*, splits: int) -> Iterator[dict[str, object]]:
    """Means over splits of what one half's modules are in the other, under the same bootstraps of all subjects."""
    adata, contrast = data.influenza()
    whole = Contrast(
        contrast.case_n, contrast.control_n, np.unique(contrast.subject_n, return_inverse=True)[1], contrast.name
    )
    count_bs = data.with_data(bootstrap_counts(whole, draws=DRAWS, seed=0))
    judged = [_half(adata, whole, count_bs=count_bs, seed=split) for split in range(splits)]
    for size in SIZES:
        for measure, by_method in judged[0][size].items():
            values = {name: data.mean_of([half[size][measure][name] for half in judged]) for name in by_method}
            yield _row("influenza", size, measure=measure, values=values)


def _half(
    adata: AnnData, whole: Contrast, *, count_bs: np.ndarray, seed: int
) -> dict[int, dict[str, dict[str, np.ndarray]]]:
    """By size, measure and method: one half's modules in the other half; NaN for draws with too few subjects there."""
    train_n = folds_of(kinds(whole), folds=2, seed=seed)[whole.subject_n] == 0
    model, derived = _derivations(adata[train_n].copy(), whole.take(train_n), seed=seed)
    scores = _scores(derived, whole.take(train_n))
    test = whole.take(~train_n)
    x_ng = model.prepare(adata[~train_n])[test.used_n]
    test_bs = count_bs[:, np.unique(test.subject_n[test.used_n])]
    enough_b = data.drawable(indexed(test), test_bs)
    found: dict[int, dict[str, dict[str, np.ndarray]]] = {}
    for size in SIZES:
        measured_ng = model.preparation.restore(x_ng)
        judged = data.judge(
            scores, x_ng, measured_ng=measured_ng, contrast=indexed(test), count_bs=test_bs[enough_b], size=size
        )
        found[size] = {m: {n: data.spread_out(v, enough_b) for n, v in by.items()} for m, by in judged.items()}
    return found


def _disease_genes(
    adata: AnnData, contrast: Contrast, *, derived: Mapping[str, Derivation], model: FittedAutoencoder
) -> Iterator[dict[str, object]]:
    """Excess of known disease genes in the modules, and in those of bootstraps of the subjects."""
    part = indexed(contrast)
    count_bs = data.with_data(bootstrap_counts(part, draws=DRAWS, seed=0))
    x_ng = np.asarray(adata.X)[contrast.used_n][:, model.genes.align(adata.var_names).index]
    sets = data.disease_genes(model.genes)
    # One draw at a time, its longest list alone is kept: the scores of all draws would fill a gigabyte.
    longest = {
        name: np.stack([data.top_genes(method.score(count_s[None])[0], max(SIZES)) for count_s in count_bs])
        for name, method in derived.items()
    }
    for size in SIZES:
        excess = {
            name: data.matched_excess(x_ng, np.stack(list(sets.values())), lists[:, :size])
            for name, lists in longest.items()
        }
        for i, (name, member_g) in enumerate(sets.items()):
            measure = f"{name} excess, {int(member_g.sum())} genes"
            yield _row("lupus", size, measure=measure, values={m: e_bs[:, i] for m, e_bs in excess.items()})


def _scores(derived: Mapping[str, Derivation], contrast: Contrast) -> dict[str, np.ndarray]:
    ones_s = np.ones((1, len(np.unique(contrast.subject_n[contrast.used_n]))), dtype=np.int64)
    return {name: method.score(ones_s)[0] for name, method in derived.items()}


def _row(cohort: str, size: int, *, measure: str, values: Mapping[str, np.ndarray]) -> dict[str, object]:
    return {"cohort": cohort, "size": size, "measure": measure, **data.compared(values)}
