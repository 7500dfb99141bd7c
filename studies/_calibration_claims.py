"""Rows of the study ``calibration`` for what reports say: pathways, mixed models, intervals, genetics, programmes.

Each row has how often a claim is made of data that hold none, beside the level at which it may. Real covariance is that
of ``studies/_cohorts.py``, labels drawn anew over people.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from genelight import demo, evidence, io, models, modules, nodes
from genelight.evidence.tests.enrichment import over_representation
from genelight.evidence.tests.novelty import coherence
from genelight.nouns import Contrast, Edges, Genes, Module, NodeGenes
from genelight.stats.intervals import median_interval
from genelight.stats.mixed import random_intercept
from genelight.stats.moderated import Design

from ._calibration_labels import LEVEL, row
from ._cohorts import as_table, compendium_study, drawn_labels, people
from ._modules import DATA, children, influenza

__all__ = [
    "agreed",
    "associations",
    "coherent",
    "medians",
    "medians_real",
    "mixed",
    "mixed_real",
    "pathways",
    "reversals",
]

OVERLAPS = ("overlap_relabelled", "hypergeometric_matched", "hypergeometric")
SETS = "gene_sets/reactome.gmt.gz"


def _sets() -> Edges:
    return io.read_sets(DATA / SETS, ids="symbol") if DATA.is_dir() else demo.sets()


def pathways(cohort: str, size: int, draws: int) -> Iterator[dict[str, Any]]:
    """Modules of labels without meaning that have a pathway with q of 0.05 or less, by test."""
    (people_sg, genes), rng, called = people(cohort), np.random.default_rng(11), []
    size, sets = min(size, len(people_sg) // 2), _sets()
    for _ in range(draws):
        picked, contrast = drawn_labels(len(people_sg), size, rng)
        x_ng = people_sg[picked]
        t_g = Design.of(x_ng, contrast).moderated().t_bg[0]
        module = Module.from_scores(t_g, genes, size=100, name="drawn", method="t")
        put = evidence.Compared(x_ng, contrast)
        table = over_representation(module, [sets], x_ng=put, tests=OVERLAPS).table
        called.append({test: bool((table.loc[table["test"] == test, "q"] <= LEVEL).any()) for test in OVERLAPS})
    for test in OVERLAPS:
        doubtful = "" if evidence.TESTS.entry(test).calibrated else ", not calibrated"
        name = f"{test}{doubtful}, a pathway of permuted modules, {cohort}, {size} against {size}"
        yield row(name, np.array([c[test] for c in called]), LEVEL)


def mixed(fits: int) -> Iterator[dict[str, Any]]:
    """Treatment that does nothing, normal values: within and between people, with and without differences of people."""
    for between in (False, True):
        for ratio in (0.0, 1.0):
            rng = np.random.default_rng(5)
            who = np.repeat(np.arange(12), 4)
            treated = who % 2 if between else np.tile(np.arange(4) % 2, 12)
            x_np = np.column_stack([np.ones(48), treated, rng.normal(size=48)])
            y_nk = rng.normal(size=(48, fits)) + np.sqrt(ratio) * rng.normal(size=(12, fits))[who]
            p = random_intercept(y_nk, x_np, who, column=1).p
            name = f"contrast, 12 people {'between' if between else 'within'}, variance between {ratio:g}"
            yield row(name, p <= LEVEL, LEVEL)
            yield row(name, p <= 0.001, 0.001)


def mixed_real(cohort: str, draws: int) -> Iterator[dict[str, Any]]:
    """Treatment drawn for twelve people's samples as they are, 50 genes a draw; the interval is over draws."""
    x_ng, who_n = _visits(cohort)
    names, count = np.unique(who_n, return_counts=True)
    several = names[count > 1]
    rng = np.random.default_rng(6)
    for between in (False, True):
        p_bk = []
        for _ in range(draws):
            drawn = rng.choice(several, min(12, len(several) // 2 * 2), replace=False)
            rows = np.concatenate([rng.permutation(np.flatnonzero(who_n == name))[:4] for name in drawn])
            who = np.searchsorted(np.sort(drawn), who_n[rows])
            half = rng.permutation(len(drawn)) < len(drawn) // 2
            order = np.concatenate([rng.permutation(np.arange((who == s).sum())) for s in dict.fromkeys(who)])
            treated = half[who] if between else order % 2
            x_np = np.column_stack([np.ones(len(who)), treated])
            genes = rng.choice(x_ng.shape[1], 50, replace=False)
            p_bk.append(random_intercept(x_ng[np.ix_(rows, genes)], x_np, who, column=1).p)
        p = np.array(p_bk)
        for level in (LEVEL, 0.001):
            share_b = (p <= level).mean(1)
            half_width = 1.96 * share_b.std(ddof=1) / np.sqrt(len(share_b))
            yield {
                "test": f"contrast, drawn treatment {'between' if between else 'within'} people, {cohort}",
                "draws": draws,
                "level": level,
                "claimed": float(share_b.mean()),
                "95%": f"[{max(share_b.mean() - half_width, 0):.4f}, {share_b.mean() + half_width:.4f}]",
                "no p": float(np.isnan(p).mean()),
            }


def _visits(cohort: str) -> tuple[np.ndarray, np.ndarray]:
    """Samples of people who have several, and whose they are."""
    if cohort == "influenza":
        adata, subject = influenza()[0], "subject"
    elif cohort == "lupus, children":
        adata, subject = children()[0], "subject"
        adata = adata[:, np.median(np.asarray(adata.X), axis=0) > 3.33]
    else:
        adata, subject = compendium_study(cohort), "patient"
    return np.asarray(adata.X, dtype=np.float64), adata.obs[subject].astype(str).to_numpy()


def medians(repeats: int) -> Iterator[dict[str, Any]]:
    """Medians outside of their interval, of normal values and of children's changes from visit to visit."""
    for count in (6, 10, 20):
        rng = np.random.default_rng(count)
        ends = np.array([median_interval(rng.normal(size=count)) for _ in range(repeats)])
        yield row(f"trajectories, median of {count} outside", (ends[:, 0] > 0) | (ends[:, 1] < 0), LEVEL)


def medians_real(cohort: str, repeats: int) -> Iterator[dict[str, Any]]:
    """The same of people drawn from a cohort, whose median over all of it is the truth; one gene a draw."""
    x_ng, who_n = _visits(cohort)
    several = [np.flatnonzero(who_n == name) for name in np.unique(who_n) if (who_n == name).sum() > 1]
    change_sg = np.stack([x_ng[rows[-1]] - x_ng[rows[0]] for rows in several])
    truth_g = np.median(change_sg, axis=0)
    for count in (6, 10, 20):
        rng, outside = np.random.default_rng(count), []
        for _ in range(repeats):
            gene = rng.integers(change_sg.shape[1])
            low, high = median_interval(rng.choice(change_sg[:, gene], count))
            outside.append(truth_g[gene] < low or truth_g[gene] > high)
        yield row(f"trajectories, median of {count} outside, {cohort}", np.array(outside), LEVEL)


def associations(cohort: str, draws: int) -> Iterator[dict[str, Any]]:
    """Modules of drawn labels against a trait that means nothing and whose genes have p = 1 in 3% of cases."""
    (people_sg, genes), found = people(cohort), []
    for seed in range(draws):
        rng = np.random.default_rng((23, seed))
        picked, contrast = drawn_labels(len(people_sg), None, rng)
        t_1g = Design.of(people_sg[picked], contrast).moderated().t_bg
        p = rng.random(len(genes))
        p[rng.random(len(genes)) < 0.03] = 1.0
        table = pd.DataFrame({"source": "trait", "target": genes.ids, "weight": p})
        lit = NodeGenes(t_1g, ("L1.0",), genes, "L1", "t", "drawn")
        found.append(float(evidence.genetic_association(lit, Edges("trait", table), n_top=100).table["p"][0]))
    yield row(f"association, permuted modules, 3% of genes with p = 1, {cohort}", np.array(found) <= LEVEL, LEVEL)


def reversals(cohort: str, draws: int) -> Iterator[dict[str, Any]]:
    """Labels without meaning, held against 25 perturbations that go together as people do: any with q up to 0.05."""
    people_sg, genes = _strongest(cohort)
    rng, called = np.random.default_rng(13), []
    adata = as_table(people_sg, genes)
    model = models.PCA(4).fit(adata)
    spread_sg = people_sg - people_sg.mean(0)
    for seed in range(draws):
        _, contrast = drawn_labels(len(people_sg), None, rng)
        order = rng.permutation(len(people_sg))
        drawn = Contrast(contrast.case_n[order], contrast.control_n[order], np.arange(len(order)), "drawn labels")
        drugs = pd.DataFrame(
            spread_sg.T @ rng.normal(size=(len(people_sg), 25)),
            index=list(genes.ids),
            columns=[f"d{i}" for i in range(25)],
        )
        found = modules.reversal(adata, model, perturbations=drugs, contrast=drawn, draws=99, seed=seed)
        called.append(bool((found.table["q"] <= LEVEL).any()))
    yield row(f"reversal, any of 25 perturbations, {cohort}", np.array(called), LEVEL)


def coherent(cohort: str, draws: int) -> Iterator[dict[str, Any]]:
    """Novelty: genes drawn evenly, in real expression: any of a layer of 10 with q up to 0.05."""
    people_sg, genes = _strongest(cohort)
    called = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        lit = NodeGenes(
            rng.normal(size=(10, len(genes))), tuple(f"L1.{k}" for k in range(10)), genes, "L1", "x", "drawn"
        )
        table = coherence(lit, people_sg, draws=399, seed=seed)
        called.append(bool((table["q"] <= LEVEL).any()))
    yield row(f"novelty, coherence of drawn genes, any of 10, {cohort}", np.array(called), LEVEL)


def agreed(cohort: str, draws: int) -> Iterator[dict[str, Any]]:
    """Consensus: members that share the space they write to and nothing else: any programme with q up to 0.05."""
    people_sg, genes = _strongest(cohort)
    axes_kg = np.linalg.svd(people_sg - people_sg.mean(0), full_matrices=False)[2][:8]
    called = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        members = []
        for m in range(5):
            turned_kg = np.linalg.qr(rng.normal(size=(8, 8)))[0] @ axes_kg
            members.append(NodeGenes(turned_kg, tuple(f"L1.{k}" for k in range(8)), genes, "L1", "x", f"member {m}"))
        called.append(bool((nodes.consensus(members, seed=seed).table["q"] <= LEVEL).any()))
    yield row(f"consensus, members of random directions, {cohort}", np.array(called), LEVEL)


def _strongest(cohort: str, most: int = 3000) -> tuple[np.ndarray, Genes]:
    """The genes that vary most."""
    people_sg, genes = people(cohort)
    kept = np.sort(np.argsort(-people_sg.std(0), kind="stable")[:most])
    return people_sg[:, kept], Genes(tuple(genes.ids[g] for g in kept))
