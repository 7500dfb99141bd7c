"""Rows of the study ``calibration`` for what reports say: pathway sentences, mixed models, intervals, reversal.

Each row has how often a claim is made of data that hold none, beside the level at which it may be. Real covariance is
that of the embedded influenza study and, where it is at hand, of GSE65391, labels drawn anew over people; each is
called up 100 times or more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import stats

from genelight import Contrast, demo, evidence, io, models, modules, nodes
from genelight.evidence.tests.enrichment import over_representation
from genelight.nouns import Edges, Genes, Module, NodeGenes
from genelight.stats.intervals import median_interval
from genelight.stats.mixed import random_intercept
from genelight.stats.moderated import SubjectDesign

DATA = Path(__file__).parents[1] / "../shared/data"
LEVEL = 0.05
DRAWS = 100
OVERLAPS = ("overlap_relabelled", "hypergeometric_matched", "hypergeometric")


def claims(*, quick: bool) -> list[dict[str, Any]]:
    """All rows; the quick ones need no file outside of the package."""
    draws = 5 if quick else DRAWS
    rows = [*_pathways("influenza", _influenza(), draws=draws), *_mixed(quick=quick), *_medians(quick=quick)]
    rows += [_associations(draws), _reversals(draws), _coherent(draws), _agreed(2 if quick else 20)]
    if DATA.is_dir() and not quick:
        rows += _pathways("GSE65391, 20 against 20", _children(), draws=draws, size=20)
    return rows


def _row(what: str, made: np.ndarray, level: float) -> dict[str, Any]:
    """How often a claim is made, with the p value of as many or more at the level."""
    count, draws = int(np.sum(made)), len(made)
    above = float(stats.binom.sf(count - 1, draws, level))
    return {"test": what, "draws": draws, "level": level, "claimed": count / draws, "p of more than level": above}


def _influenza() -> tuple[np.ndarray, Genes, Edges]:
    """Each volunteer's mean from 45 hours on."""
    adata = demo.cohort()
    late = adata[adata.obs["hours"] >= 45]
    return _means(late, "subject"), Genes(tuple(adata.var_names)), demo.sets()


def _children() -> tuple[np.ndarray, Genes, Edges]:
    """Each child's mean, genes above the floor."""
    adata = io.read(DATA / "sle_blood_GSE65391.h5ad")
    adata = adata[:, np.median(np.asarray(adata.X), axis=0) > 3.33]
    sets = io.read_sets(next((DATA / "gene_sets").glob("*eactome*")), ids="symbol")
    return _means(adata, "subject"), Genes(tuple(adata.var_names)), sets


def _means(adata: AnnData, subject: str) -> np.ndarray:
    x_ng, who_n = np.asarray(adata.X, dtype=np.float64), adata.obs[subject].astype(str).to_numpy()
    return np.stack([x_ng[who_n == s].mean(0) for s in np.unique(who_n)])


def _drawn(people: int, size: int | None, rng: np.random.Generator) -> tuple[np.ndarray, Contrast]:
    """Some people in a random order, the first half of them cases."""
    picked = rng.permutation(people)[: people if size is None else 2 * size]
    case_n = np.arange(len(picked)) < len(picked) // 2
    return picked, Contrast(case_n, ~case_n, np.arange(len(picked)), "drawn labels")


def _t(x_ng: np.ndarray, contrast: Contrast) -> np.ndarray:
    design = SubjectDesign.of(x_ng, contrast)
    return np.asarray(design.moderated(np.ones((1, len(x_ng)), dtype=np.int64)).t_bg[0])


def _pathways(
    name: str, cohort: tuple[np.ndarray, Genes, Edges], *, draws: int, size: int | None = None
) -> Iterator[dict[str, Any]]:
    """Modules of labels without meaning that have a pathway with q of 0.05 or less, by test."""
    (people_sg, genes, sets), rng, called = cohort, np.random.default_rng(11), []
    for _ in range(draws):
        picked, contrast = _drawn(len(people_sg), size, rng)
        x_ng = people_sg[picked]
        module = Module.from_scores(_t(x_ng, contrast), genes, size=100, name="drawn", method="t")
        put = evidence.Compared(x_ng, contrast)
        table = over_representation(module, [sets], x_ng=put, tests=OVERLAPS).table
        called.append({test: bool((table.loc[table["test"] == test, "q"] <= LEVEL).any()) for test in OVERLAPS})
    for test in OVERLAPS:
        doubtful = "" if evidence.TESTS.entry(test).calibrated else ", not calibrated"
        yield _row(
            f"{test}{doubtful}, a pathway of permuted modules, {name}", np.array([c[test] for c in called]), LEVEL
        )


def _mixed(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Treatment that does nothing: within and between people, with and without differences between them."""
    fits = 2000 if quick else 10_000
    for between in (False, True):
        for ratio in (0.0, 1.0):
            rng = np.random.default_rng(5)
            who = np.repeat(np.arange(12), 4)
            treated = who % 2 if between else np.tile(np.arange(4) % 2, 12)
            x_np = np.column_stack([np.ones(48), treated, rng.normal(size=48)])
            y_nk = rng.normal(size=(48, fits)) + np.sqrt(ratio) * rng.normal(size=(12, fits))[who]
            p = random_intercept(y_nk, x_np, who, column=1).p
            name = f"contrast, 12 people {'between' if between else 'within'}, variance between {ratio:g}"
            yield _row(name, p <= LEVEL, LEVEL)
            yield _row(name, p <= 0.001, 0.001)


def _medians(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Medians outside of their interval."""
    for people in (6, 10, 20):
        rng = np.random.default_rng(people)
        ends = np.array([median_interval(rng.normal(size=people)) for _ in range(500 if quick else 5000)])
        yield _row(f"trajectories, median of {people} outside", (ends[:, 0] > 0) | (ends[:, 1] < 0), LEVEL)


def _associations(draws: int) -> dict[str, Any]:
    """Genes of which some have p = 1, beside lists that mean nothing; one list each."""
    found = []
    for seed in range(4 * draws):
        rng = np.random.default_rng(seed)
        genes, p = Genes(tuple(f"G{i}" for i in range(1000))), rng.random(1000)
        p[rng.random(1000) < 0.03] = 1.0
        table = pd.DataFrame({"source": "trait", "target": genes.ids, "weight": p})
        lit = NodeGenes(rng.normal(size=(1, 1000)), ("L1.0",), genes, "L1", "random", "drawn")
        found.append(float(evidence.genetic_association(lit, Edges("trait", table), n_top=100).table["p"][0]))
    return _row("association, 3% of genes with p = 1", np.array(found) <= LEVEL, LEVEL)


def _reversals(draws: int) -> dict[str, Any]:
    """Labels without meaning, held against 25 perturbations that go together as people do: any with q up to 0.05."""
    people_sg, genes, _ = _influenza()
    rng, called = np.random.default_rng(13), []
    obs = pd.DataFrame(index=[f"s{i}" for i in range(len(people_sg))])
    adata = AnnData(people_sg, obs=obs, var=pd.DataFrame(index=list(genes.ids)))
    model = models.PCA(4).fit(adata)
    spread_sg = people_sg - people_sg.mean(0)
    for seed in range(draws):
        _, contrast = _drawn(len(people_sg), None, rng)
        order = rng.permutation(len(people_sg))
        drawn = Contrast(contrast.case_n[order], contrast.control_n[order], np.arange(len(order)), "drawn labels")
        drugs = pd.DataFrame(
            spread_sg.T @ rng.normal(size=(len(people_sg), 25)),
            index=list(genes.ids),
            columns=[f"d{i}" for i in range(25)],
        )
        found = modules.reversal(adata, model, perturbations=drugs, contrast=drawn, permutations=99, seed=seed)
        called.append(bool((found.table["q"] <= LEVEL).any()))
    return _row("reversal, any of 25 perturbations", np.array(called), LEVEL)


def _coherent(draws: int) -> dict[str, Any]:
    """Novelty: genes drawn evenly, in real expression: any of a layer of 20 with q up to 0.05."""
    people_sg, genes, _ = _influenza()
    called = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        lit = NodeGenes(
            rng.normal(size=(20, len(genes))), tuple(f"L1.{k}" for k in range(20)), genes, "L1", "x", "drawn"
        )
        table = evidence.coherence(lit, people_sg, draws=999, seed=seed)
        called.append(bool((table["q"] <= LEVEL).any()))
    return _row("novelty, coherence of drawn genes, any of 20", np.array(called), LEVEL)


def _agreed(draws: int) -> dict[str, Any]:
    """Consensus: members that share the space they write to and nothing else: any programme with q up to 0.05."""
    people_sg, genes, _ = _influenza()
    axes_kg = np.linalg.svd(people_sg - people_sg.mean(0), full_matrices=False)[2][:10]
    called = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        members = []
        for m in range(5):
            turned_kg = np.linalg.qr(rng.normal(size=(10, 10)))[0] @ axes_kg
            members.append(NodeGenes(turned_kg, tuple(f"L1.{k}" for k in range(10)), genes, "L1", "x", f"member {m}"))
        called.append(bool((nodes.consensus(members, seed=seed).table["q"] <= LEVEL).any()))
    return _row("consensus, members of random directions", np.array(called), LEVEL)
