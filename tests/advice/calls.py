"""Advice of calls in Python, called."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import genelight as gl
from genelight.io.id_table import IdTable

from .desk import Desk, case, cohort, simple, take

GROUPS = {"case": 'group == "ill"', "control": 'group == "well"'}


def contrast(adata: Any, **other: Any) -> gl.Contrast:
    return gl.Contrast.of(adata.obs, **{**GROUPS, "subject": None, **other})


def evaluated(text: str, **names: Any) -> Any:
    return eval(text, {"np": np, "gl": gl, **names})


def holed() -> Any:
    adata = cohort()
    adata.X[3, 5] = np.nan
    return adata


def pca(**changes: Any) -> Any:
    return gl.models.PCA(**{"width": 3, **changes})


def nodes(adata: Any = None) -> gl.NodeGenes:
    return gl.light_up(pca().fit(cohort() if adata is None else adata), "PC")


def changed(piece: str, make: Any) -> Any:
    """A call with an argument as a message writes it: ``widths = [3, 2]``."""
    name, _, value = piece.partition("=")
    return make(**{name.strip(): ast.literal_eval(value.strip())})


def wide(**changes: Any) -> Any:
    return gl.models.Autoencoder(**{"widths": (3, 2), "epochs": 1, **changes}).fit(cohort())


def prepared(x: np.ndarray, **asked: Any) -> Any:
    adata = cohort()[: len(x), : x.shape[1]].copy()
    adata.X = x.astype(np.float32)
    return gl.pp.prepare(adata, **asked)


class Opaque:
    """A model that shows neither weights nor gradients."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        if name == "steps":
            raise AttributeError(name)
        return getattr(self._model, name)


RNG = np.random.default_rng(0)
LOG, COUNTS = RNG.normal(8, 2, (30, 60)).clip(0, 15), RNG.poisson(300, (30, 60)).astype(float)
BETA = RNG.uniform(0.05, 0.95, (30, 60))

simple(
    "drop those genes, for example",
    lambda: pca().fit(holed()),
    r"adata\[:, np.*?\(0\)\]",
    lambda piece: pca().fit(evaluated(piece, adata=holed()).copy()),
)
simple(
    "keep one column per gene, for example",
    lambda: gl.Genes(("A", "B", "A")),
    r"adata\[.*\]",
    lambda piece: gl.Genes(tuple(evaluated(piece, adata=cohort()[:, [0, 1, 0]]).var_names)),
)
simple(
    "they look like scale = '",
    lambda: prepared(COUNTS, scale="log2"),
    r"scale = '\w+'",
    lambda piece: changed(piece, lambda scale: prepared(COUNTS, scale=scale)),
)
simple(
    "as in logged data; use scale = 'log2'",
    lambda: prepared(LOG, scale="linear"),
    r"use (scale = 'log2')",
    lambda piece: changed(piece, lambda scale: prepared(LOG, scale=scale)),
)
simple(
    "M values lie within",
    lambda: prepared(BETA * 100, scale="m", features="cpg"),
    r"see (scale = 'beta')",
    lambda piece: changed(piece, lambda scale: prepared(BETA, scale=scale, features="cpg")),
)
simple(
    "if the rest is meant to be a whole",
    lambda: prepared(BETA, scale="fractions", features="taxon"),
    r"adata\.X = (.*\))",
    lambda piece: prepared(evaluated(piece, adata=type("T", (), {"X": BETA})), scale="fractions", features="taxon"),
)
simple(
    "are one of … all the same, say which with scale=",
    lambda: prepared(RNG.normal(0, 1, (30, 60)), scale="auto"),
    "say which with (scale=)",
    lambda piece: changed(f"{piece}'log2'", lambda scale: prepared(RNG.normal(0, 1, (30, 60)), scale=scale)),
)
simple(
    "say which they are with scale= (--scale)",
    lambda: prepared(COUNTS, scale="auto", features="protein"),
    "with (scale=)",
    lambda piece: changed(f"{piece}'linear'", lambda scale: prepared(COUNTS, scale=scale, features="protein")),
)
simple(
    "but preset counts has three layers",
    lambda: gl.models.counts.Counts(widths=(3,)),
    r"use for example (widths = .*)",
    lambda piece: changed(piece, lambda widths: gl.models.counts.Counts(widths=widths)),
)
simple(
    "but a deep model has three layers",
    lambda: gl.models.Deep(widths=(3,)),
    r"such as (widths=.*)",
    lambda piece: changed(piece, lambda widths: gl.models.Deep(widths=widths)),
)
simple(
    "has one layer; use for example",
    lambda: pca().members(pca().fit(cohort()), [], (3, 2)),
    r"use for example (widths=.*)",
    lambda piece: changed(piece, lambda widths: pca().members(pca().fit(cohort()), [], widths)),
)
simple(
    "nodes a layer; use for example",
    lambda: wide(widths=(300, 2)),
    r"use for example (widths = .*)",
    lambda piece: changed(piece, lambda widths: wide(widths=tuple(widths))),
)
simple(
    "tied weights need widths that read the same both ways",
    lambda: wide(tied=True),
    r"use for example (widths = .*)",
    lambda piece: changed(piece, lambda widths: wide(widths=tuple(widths), tied=True)),
)
simple(
    "has nothing to compare; use seeds=2",
    lambda: gl.models.Ensemble.fit(cohort(), pca().fit(cohort()), seeds=1),
    r"use (seeds=2)",
    lambda piece: changed(piece, lambda seeds: gl.models.Ensemble.fit(cohort(), pca().fit(cohort()), seeds=seeds)),
)
simple(
    "leave nothing to compare; pass two methods",
    lambda: gl.nodes.agreement(wide(), "L1", methods=["weights"]),
    r"such as (methods=\(.*?\))",
    lambda piece: changed(piece, lambda methods: gl.nodes.agreement(wide(), "L1", methods=methods)),
)
simple(
    "reads weights or gradients, which model",
    lambda: gl.light_up(Opaque(pca().fit(cohort())), "PC", method="gradient"),
    r"use (method='light_up')",
    lambda piece: changed(piece, lambda method: gl.light_up(Opaque(pca().fit(cohort())), "PC", method=method)),
)
simple(
    "so no layer feeds another",
    lambda: gl.nodes.layer_map(cohort(), pca().fit(cohort())),
    r"such as (widths=.*)",
    lambda piece: gl.nodes.layer_map(
        cohort(), changed(piece, lambda widths: wide(widths=tuple(w // 32 for w in widths)))
    ),
)
simple(
    "are lit by the method 'light_up', not by",
    lambda: gl.light_up(pca().fit(cohort()), "PC", pairs=[nodes().nodes[:2]], method="gradient"),
    "leave method= out",
    lambda _: gl.light_up(pca().fit(cohort()), "PC", pairs=[nodes().nodes[:2]]),
)
simple(
    "write for example '(.+)V[0-9]+$'",
    lambda: gl.nouns.contrast.persons(pd.DataFrame({"title": ["P1V1", "P2V2"]}), "title", "P[0-9]"),
    r"write for example '(.*)'$",
    lambda piece: gl.nouns.contrast.persons(pd.DataFrame({"title": ["P1V1", "P2V2"]}), "title", piece),
)
simple(
    "make it from this table: Contrast.of(",
    lambda: gl.disease_module(cohort(), pca().fit(cohort()), contrast=contrast(cohort()[:20]), bootstraps=0),
    r"Contrast\.of\(adata\.obs",
    lambda piece: gl.disease_module(
        cohort(),
        pca().fit(cohort()),
        contrast=evaluated(f"gl.{piece}, subject=None, **groups)", adata=cohort(), groups=GROUPS),
        bootstraps=0,
        size=20,
    ),
)
simple(
    "make all with Contrast.several(obs",
    lambda: gl.modules.disease_modules(
        cohort(),
        pca().fit(cohort()),
        contrasts={"one": contrast(cohort()), "two": contrast(cohort(), control='group == "well" and site != "a"')},
    ),
    r"Contrast\.several",
    lambda piece: gl.modules.disease_modules(
        cohort(),
        pca().fit(cohort()),
        contrasts=evaluated(f"gl.{piece}")(
            cohort().obs,
            case={"one": 'group == "ill" and sex == "f"', "two": 'group == "ill" and sex == "m"'},
            control=GROUPS["control"],
            subject=None,
        ),
        size=20,
    ),
)
simple(
    "make them with Folds.by_subject(..., contrast=contrast)",
    lambda: held_out(folds=gl.Folds.by_subject(sorted_groups(), pca(), k=5)),
    r"Folds\.by_subject",
    lambda piece: held_out(
        folds=evaluated(f"gl.{piece}")(sorted_groups(), pca(), k=2, contrast=contrast(sorted_groups()))
    ),
)


def sorted_groups() -> Any:
    adata = cohort()
    adata.obs["group"] = ["ill"] * 3 + ["well"] * 27
    return adata


def held_out(folds: Any) -> Any:
    adata = sorted_groups()
    return gl.modules.hold_out(adata, contrast=contrast(adata), folds={"pca": folds}, methods=["de"], size=20)


simple(
    "if the others are what you mean, keep them alone",
    lambda: severity(gappy()),
    r"adata\[adata\.obs.*?\(axis=1\)\]",
    lambda piece: severity(evaluated(piece, adata=gappy()).copy()),
)


def gappy() -> Any:
    adata = gl.demo.cohort()[:60, :200].copy()
    adata.obs["sledai score"] = np.where(np.arange(60) < 35, np.nan, np.arange(60) % 9)
    return adata


def severity(adata: Any) -> Any:
    from genelight.patients._measures import number

    subject_n = np.arange(adata.n_obs).astype(str).astype(object)
    return number(adata.obs, "sledai score", subject_n, time=None, beside=(), draws=0, seed=0)


simple(
    "a scorecard needs the layers of a model; pass readings with control=False",
    lambda: scorecard(True),
    r"control=(\w+)",
    lambda piece: scorecard(ast.literal_eval(piece)),
)


def scorecard(control: bool) -> Any:
    adata, known = cohort(), nodes()
    h_nk = pca().fit(adata).encode(pca().fit(adata).prepare(adata), "PC")
    read = [gl.evidence.Reading(known, h_nk, "pca", 1, control=control)]
    return gl.evidence.scorecard(read, gl.evidence.Samples(adata.obs, ["group"]), n_top=20, draws=20)


simple(
    "nothing to assess against; pass network= or sets=",
    lambda: gl.assess(nodes()),
    "pass (network=)",
    lambda piece: gl.assess(nodes(), **{piece[:-1]: gl.demo.network()}, n_top=20, draws=20),
)
simple(
    "the calibrated tests of gene sets need expression",
    lambda: gl.assess(nodes(), sets=[gl.demo.sets()], n_top=20),
    "pass (x_ng=)",
    lambda piece: gl.assess(
        nodes(), sets=[gl.demo.sets()], n_top=20, draws=20, **{piece[:-1]: pca().fit(cohort()).prepare(cohort())}
    ),
)


@case("map the table's ids and start from what comes of it")
def _(desk: Desk) -> None:
    adata = cohort()
    other = named_by(adata, "refseq")
    by_refseq = gl.pp.PreparationSettings(ids="refseq")
    said = desk.stopped(lambda: gl.assess(nodes_of(other, by_refseq), network=gl.demo.network(), n_top=20, draws=20))
    mapped = evaluated(take(said, r"gl\.map_ids\(adata\)"), adata=other)
    desk.works(lambda: gl.assess(nodes(mapped), network=gl.demo.network(), n_top=20, draws=20))
    other.write_h5ad("TABLE")
    Path("TABLE").rename("refseq.h5ad")
    desk.works(take(said, r"genelight map-ids TABLE --out \S+h5ad").replace("TABLE", "refseq.h5ad"))


def nodes_of(adata: Any, settings: Any) -> Any:
    return gl.light_up(pca(preparation=settings).fit(adata), "PC")


def named_by(adata: Any, kind: str) -> Any:
    names = accessions(adata.var_names, kind)
    other = adata[:, list(names)].copy()
    other.var_names = list(names.values())
    return other


def accessions(symbols: Any, kind: str) -> dict[str, str]:
    """An id of another kind of each symbol that has one."""
    table = IdTable.shipped()
    by_gene = {gene: accession for accession, genes in table.entrez_of(kind).items() for gene in genes}
    symbol = table.entrez_of("symbol")
    found = {s: by_gene.get(symbol[s][0]) for s in symbols if s in symbol}
    return {s: a for s, a in found.items() if a is not None}


simple(
    "so that both use one kind of id",
    lambda: gl.assess(nodes(named_by(cohort(), "ensembl")), network=gl.demo.network(), n_top=20, draws=20),
    r"gl\.map_ids\(adata\)",
    lambda piece: gl.assess(
        nodes(evaluated(piece, adata=named_by(cohort(), "ensembl"))), network=gl.demo.network(), n_top=20, draws=20
    ),
)
simple(
    "each of … samples counts as a subject; name the column",
    lambda: gl.patients.contrast(cohort(), pca().fit(cohort()), treatment=contrast(cohort())),
    r"(subject=)\.\.\.",
    lambda piece: gl.patients.contrast(
        cohort(), pca().fit(cohort()), treatment=contrast(cohort(), **{piece[:-1]: "patient"})
    ),
)
simple(
    "needs at least 2 batches; set batches=2",
    lambda: gl.simulate.Nuisance(batch=1.0),
    "set (batches=2)",
    lambda piece: changed(piece, lambda batches: gl.simulate.Nuisance(batch=1.0, batches=batches)),
)
simple(
    "has nothing to act on; set batches=2 or",
    lambda: gl.simulate.Nuisance(confounding=0.5),
    "composition=1",
    lambda piece: changed(piece, lambda composition: gl.simulate.Nuisance(confounding=0.5, composition=composition)),
)
simple(
    "do not fit into n_genes =",
    lambda: gl.simulate.cohort(10, n_genes=20),
    r"set (n_genes=\d+)",
    lambda piece: changed(piece, lambda n_genes: gl.simulate.cohort(10, n_genes=n_genes)),
)
simple(
    "folds would have no …; use at most folds=",
    lambda: gl.Folds.by_subject(sorted_groups(), pca(), k=5, contrast=contrast(sorted_groups())),
    r"use at most folds=(\d)",
    lambda piece: gl.Folds.by_subject(sorted_groups(), pca(), k=int(piece), contrast=contrast(sorted_groups())),
)


def counts_model(scale: str) -> Any:
    adata = cohort()[:, :60].copy()
    adata.X = COUNTS.astype(np.float32)
    learned = gl.pp.prepare(adata, scale=scale)
    return gl.fit(adata, preset="counts", widths=(4, 2, 4), preparation=learned, epochs=1)


simple(
    "preset counts learns from counts in memory",
    lambda: counts_model("linear"),
    "say (scale='counts')",
    lambda piece: changed(piece, counts_model),
)


simple(
    "a decoder that is not negative on genes needs genes",
    lambda: nonnegative(space="samples", start="programmes"),
    r"(space = 'genes' with start = 'random')",
    lambda piece: nonnegative(**{k: ast.literal_eval(v) for k, v in re.findall(r"(\w+) = ('\w+')", piece)}),
)


def nonnegative(**changes: Any) -> Any:
    plain = gl.models.PRESETS["plain"]
    return replace(plain, recipe=replace(plain.recipe, nonnegative=True), **changes)


simple(
    "begins at principal axes; train in the samples' subspace",
    lambda: gl.fit(
        cohort(), preset=replace(gl.models.PRESETS["plain"], space="genes", start="programmes"), widths=(2,)
    ),
    r"use (start = 'random')",
    lambda piece: changed(piece, lambda start: replace(gl.models.PRESETS["plain"], space="genes", start=start)),
)


def other_ids() -> Any:
    """The cohort under Entrez ids."""
    table, adata = IdTable.shipped().entrez_of("symbol"), cohort()
    adata = adata[:, [name in table for name in adata.var_names]].copy()
    adata.var_names = [str(table[name][0]) for name in adata.var_names]
    return adata


def meta(second: Any) -> Any:
    first, second = cohort(), second.copy()
    second.obs_names = [f"T{i}" for i in range(second.n_obs)]
    second.X = second.X + np.random.default_rng(1).normal(0, 1, second.shape).astype(np.float32)
    return gl.meta_module(
        {"a": (first, contrast(first, subject="patient")), "b": (second, contrast(second, subject="patient"))},
        scale="log2",
    )


simple(
    "bring all to one kind of gene id: gl.map_ids",
    lambda: meta(other_ids()),
    r"gl\.map_ids\(adata, to='symbol'\)",
    lambda piece: meta(evaluated(piece, adata=other_ids())),
)
simple(
    "genes are in this table (",
    lambda: pca().fit(cohort()).prepare(other_ids()),
    r"gl\.map_ids\(adata, to=model\.genes\)",
    lambda piece: pca().fit(cohort()).prepare(evaluated(piece, adata=other_ids(), model=pca().fit(cohort()))),
)


def derived(rows: int, **asked: Any) -> Any:
    adata = cohort()[:rows].copy()
    return gl.disease_module(adata, pca().fit(cohort()), contrast=contrast(adata), bootstraps=0, **asked)


simple(
    "and a head on codes needs",
    lambda: derived(6, method="joint", size=20),
    r"or '(\w+)'",
    lambda piece: derived(6, method=piece, size=20),
)
simple(
    "half of a group would have fewer than two subjects",
    lambda: derived(6, method="de", size=None),
    r"pass (size=\d+)",
    lambda piece: changed(piece, lambda size: derived(6, method="de", size=size)),
)
SCORE = import_module("genelight.patients.score")
simple(
    "have no mean to recentre by",
    lambda: SCORE._shift(cohort()[:3], pca().fit(cohort())),
    "recentre=TABLE",
    lambda _: SCORE._shift(cohort(), pca().fit(cohort())),
)
simple(
    "nothing to score by: this",
    lambda: gl.score(cohort(), pca().fit(cohort())),
    r"(groups=)\.\.\.",
    lambda piece: gl.score(
        cohort(),
        pca().fit(cohort()),
        **{piece[:-1]: gl.stratify(cohort(), pca().fit(cohort()), resamples=5)},
    ),
)


def mapped(names: list[str], **asked: Any) -> Any:
    adata = cohort()[:, : len(names)].copy()
    adata.var_names = names
    return gl.map_ids(adata, **asked)


ODD = [f"%{i}%" for i in range(40)]


@case("cannot tell which kind of gene id")
def _(desk: Desk) -> None:
    said = desk.stopped(lambda: mapped(ODD))
    kind = take(said, r"one of ([\w|]+),")
    desk.goes_on(lambda: mapped(ODD, ids=kind), "lead to a human gene")


@case("lead to a human gene as")
def _(desk: Desk) -> None:
    names = [f"999{i:06}" for i in range(40)]
    said = desk.stopped(lambda: mapped(names))
    pd.DataFrame({"id": names, "gene": list(cohort().var_names[:40])}).to_csv("own.csv", index=False)
    piece = take(said, "(table=)")
    desk.works(lambda: mapped(names, **{piece[:-1]: "own.csv"}))


simple(
    "no sum is over",
    lambda: gl.pp.pseudobulk(cells(), subject="subject", least_cells=500),
    r"lower (least_cells)",
    lambda piece: gl.pp.pseudobulk(cells(), subject="subject", **{piece: 2}),
)


def cells() -> Any:
    return gl.simulate.features("cell", 4, visits=10, n_features=30)


@case("the module has ids of kind")
def _(desk: Desk) -> None:
    network = gl.Edges("n", pd.DataFrame({"source": ["1"], "target": ["2"], "weight": [1.0]}), "entrez")
    said = desk.stopped(lambda: gl.modules.module_network(derived(30, method="de", size=20), network))
    ids = take(said, r"ids='(\w+)'")
    chosen = list(derived(30, method="de", size=20).selected)
    pairs = pd.DataFrame({"source": chosen, "target": chosen[1:] + chosen[:1]})
    pairs.assign(weight=1.0).to_csv("n.csv", index=False)
    desk.works(
        lambda: gl.modules.module_network(derived(30, method="de", size=20), gl.io.read_network("n.csv", ids=ids))
    )
