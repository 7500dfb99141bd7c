"""What each layer holds, beside every control, in one table with verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from .._core.printed import Card, Printed
from ..errors import InputError
from ..nouns import Edges, NodeGenes
from ..nouns.scorecard import SCORE_COLUMNS, Scorecard
from ._registry import TESTS, Against
from ._samples import Samples
from ._tested import Items
from ._verdict import verdicts
from .distances import Interactome
from .nulls import expression_bins, matched_null
from .tests.enrichment import collect_all
from .tests.groups import groups
from .tests.network import as_interactome

__all__ = ["Reading", "scorecard"]

PERMUTED = "permuted genes"
NETWORK_LEVEL, SET_LEVEL = 0.01, 0.05


@dataclass(frozen=True, repr=False)
class Reading(Printed):
    """One layer of one trained model: what its nodes stand for, and what they say of each sample.

    Attributes
    ----------
    nodes
        The layer's node profiles.
    h_nk
        Its codes, samples in rows; None to leave out what is asked of samples.
    model
        Name of the model, or of the control.
    depth
        Place of the layer, 1 next to the input. Of a control with one layer the place of the model's layer that it
        is as wide as.
    control
        Whether this is what the model is compared with.
    seed
        Which training of several.
    """

    nodes: NodeGenes
    h_nk: np.ndarray | None
    model: str
    depth: int
    control: bool = False
    seed: int = 0

    def _card(self) -> Card:
        return f"reading of {self.key}", [
            ("nodes", f"{self.width:,} of layer {self.nodes.layer}, by {self.nodes.method}"),
            ("genes", f"{len(self.nodes.genes):,} by {self.nodes.genes.namespace}"),
            ("codes", "none" if self.h_nk is None else f"of {len(self.h_nk):,} samples"),
            ("control", "yes" if self.control else "no"),
        ]

    @property
    def key(self) -> str:
        """Names it among others: ``"autoencoder L2, seed 3"``."""
        return f"{self.model} L{self.depth}, seed {self.seed}"

    @property
    def width(self) -> int:
        """Number of nodes."""
        return len(self.nodes.nodes)


@dataclass(frozen=True)
class _Asked:
    """Readings, the first of those with the very same nodes, and everything they are held against."""

    readings: Sequence[Reading]
    first: dict[str, Reading]
    tested: Items
    x_ng: np.ndarray | None
    draws: int
    seed: int


def scorecard(
    readings: Sequence[Reading],
    samples: Samples | None = None,
    *,
    network: Edges | Interactome | None = None,
    sets: Sequence[Edges] = (),
    x_ng: np.ndarray | None = None,
    n_top: int | str = 150,
    draws: int = 1000,
    seed: int = 0,
) -> Scorecard:
    """Ask every layer of a model, and of every control, what biology it holds, and decide what that shows.

    Parameters
    ----------
    readings
        Layers of the model, of one training or (for verdicts) three and more, and of controls of the same widths:
        see :class:`Reading`. A control with the genes' names shuffled is added here.
    samples
        What is known of the samples behind the codes, see :class:`Samples`.
    network
        Network to test closeness in, see :func:`.localise`.
    sets
        Collections of gene sets or disease genes, see :func:`.over_representation`.
    x_ng
        Expression, columns as the readings' genes, before z-scoring: network and sets are then asked a second time
        with genes of like mean and variance for chance.
    n_top
        Genes of a node, or ``"knee"``: as many as stand out in its profile.
    draws
        Matched draws in the network; labels are shuffled a fifth as often.
    seed
        Of everything that is drawn.

    Returns
    -------
    Scorecard. ``share`` in a network is that of the nodes with p of at most 0.01 for the mean distance of their
    genes, which chance gives one in a hundred times whatever the number of nodes; ``effect`` the mean z, positive
    where genes lie closer; ``share`` of a collection that of the nodes with a set at q of at most 0.05 within the
    layer.

    Raises
    ------
    InputError
        If readings do not go together or a setting is out of range.
    GeneMismatchError
        If data and a reference share fewer than ten genes.
    UnknownNameError
        If a column of the samples does not exist.

    Notes
    -----
    A claim *holds* if the change over depth is of the claimed sign (layers exchanged within trainings, p of at most
    0.05, and the 95% interval over trainings) and further than that of every control of the same widths, surely and
    by a tenth of the strongest layer's signal. It *does not hold* if a control does as much, or if the interval
    shows less than that tenth. Otherwise, or with fewer than three trainings, this cannot be told here.

    Cost: one search of the network and matched draws shared by all nodes: ``python -m benchmarks scorecard``.

    Examples
    --------
    >>> import genelight as gl
    >>> from genelight.evidence import Reading, Samples, scorecard
    >>> adata = gl.demo.cohort()
    >>> pca = gl.models.PCA(4).fit(adata)
    >>> layer = Reading(gl.light_up(pca, "PC"), gl.nodes.encode(adata, pca, layer="PC"), "pca", 1)
    >>> card = scorecard([layer], Samples(adata.obs, labels=["condition"], subject="subject"), draws=50)
    >>> card.verdicts["verdict"].unique().tolist()
    ['cannot tell here']
    """
    _check_readings(readings)
    asked = [*readings, *_permuted(readings, seed=seed)]
    # A layer that stands at several depths is asked once.
    seen: dict[int, Reading] = {}
    first = {r.key: seen.setdefault(id(r.nodes), r) for r in asked}
    distinct = [_renamed(r) for r in asked if first[r.key] is r]
    all_asked = _Asked(asked, first, Items.of(distinct, n_top=n_top), x_ng, draws, seed)
    rows: list[dict[str, object]] = []
    genes = len(all_asked.tested.genes)
    about: dict[str, object] = {"n_top": n_top, "draws": draws, "genes": genes, "seed": seed}
    if network is not None:
        rows += _of_network(all_asked, as_interactome(network))
    if sets:
        rows += _of_sets(all_asked, sets)
    if samples is not None:
        rows += _of_samples(all_asked, samples)
    table = pd.DataFrame(rows, columns=list(SCORE_COLUMNS))
    return Scorecard(table, verdicts(table, seed=seed), about)


def _check_readings(readings: Sequence[Reading]) -> None:
    """Stop when none is of a model, two are of one layer and seed, genes differ, or codes do not fit the nodes."""
    if not any(not r.control for r in readings):
        msg = "a scorecard needs the layers of a model; pass readings with control=False"
        raise InputError(msg)
    if len({r.model for r in readings if not r.control}) > 1:
        msg = f"one model at a time, found {', '.join(sorted({r.model for r in readings if not r.control}))}"
        raise InputError(msg)
    keys = [r.key for r in readings]
    repeated = sorted({k for k in keys if keys.count(k) > 1})
    if repeated:
        msg = f"{len(repeated)} readings come twice ({repeated[0]}); give each training its own seed"
        raise InputError(msg)
    for r in readings:
        if r.nodes.genes.digest != readings[0].nodes.genes.digest:
            msg = f"{r.key} has other genes than {keys[0]}; fit all on one table with one preparation"
            raise InputError(msg)
        if r.h_nk is not None and r.h_nk.shape[1] != r.width:
            msg = f"{r.key} has {r.width} nodes, but its codes {r.h_nk.shape[1]} columns"
            raise InputError(msg)


def _permuted(readings: Sequence[Reading], *, seed: int) -> list[Reading]:
    """The model's readings with the names of the genes shuffled: profiles as they are, meaning none."""
    rng = np.random.default_rng(seed)
    own = [r for r in readings if not r.control]
    nodes = [replace(r.nodes, values_kg=rng.permuted(r.nodes.values_kg, axis=1)) for r in own]
    return [replace(r, nodes=n, h_nk=None, model=PERMUTED, control=True) for r, n in zip(own, nodes, strict=True)]


def _renamed(reading: Reading) -> NodeGenes:
    """Its nodes, with names and layer that no other reading has."""
    nodes = tuple(f"{reading.key}, {i}" for i in range(reading.width))
    return replace(reading.nodes, nodes=nodes, layer=f"L{reading.depth}", source=f"{reading.model}, {reading.seed}")


def _of_network(asked: _Asked, net: Interactome) -> Iterator[dict[str, object]]:
    """Share of nodes close in the network, and mean z, with degree matched, and with mean and variance too."""
    for x_ng, question in ((None, net.name), (asked.x_ng, f"{net.name}, matched")):
        if x_ng is None and question != net.name:
            continue
        null = matched_null(asked.tested, net, draws=asked.draws, x_ng=x_ng, seed=asked.seed)
        found = TESTS["distance"](asked.tested, Against(null))
        by_name = found.table.set_index("tested") if found else pd.DataFrame(columns=["p", "effect"])
        for reading, names in _names(asked):
            p_k = by_name["p"].reindex(names).fillna(1.0).to_numpy()
            z_k = -by_name["effect"].reindex(names).fillna(0.0).to_numpy()
            yield _share("network", question, reading, hits_k=p_k <= NETWORK_LEVEL, null=NETWORK_LEVEL)
            yield _mean("network", question, reading, z_k=z_k)


def _of_sets(asked: _Asked, sets: Sequence[Edges]) -> Iterator[dict[str, object]]:
    """Share of nodes with a significant set in each collection, by the hypergeometric test and the matched one."""
    collections = collect_all(sets, asked.tested)
    against = Against(sets=collections, bin_g=expression_bins(asked.x_ng, asked.tested.genes))
    for test, ending in (("hypergeometric", ""), ("hypergeometric_matched", ", matched")):
        found = TESTS[test](asked.tested, against)
        if found is None:
            continue
        for collection in collections:
            rows = found.table[found.table["reference"].str.startswith(f"{collection.name}: ")]
            best = rows.groupby("tested")["q"].min()
            for reading, names in _names(asked):
                hits_k = best.reindex(names).fillna(1.0).to_numpy() <= SET_LEVEL
                yield _share("sets", f"{collection.name}{ending}", reading, hits_k=hits_k, null=0.0)


def _of_samples(asked: _Asked, samples: Samples) -> Iterator[dict[str, object]]:
    """Every measure of every label and batch column, and the variance that other columns explain."""
    codes = {r.key: r.h_nk for r in asked.readings if r.h_nk is not None and asked.first[r.key] is r}
    found = groups(codes, samples, draws=max(99, asked.draws // 5), every_column=True, seed=asked.seed)
    for row in found.table.to_dict("records"):
        column = str(row["reference"]).removeprefix("obs: ")
        kind = "label" if column in samples.labels else "batch" if column in samples.batch else "column"
        for reading in asked.readings:
            if reading.h_nk is not None and asked.first[reading.key].key == row["tested"]:
                place = _place(kind, column, reading, measure=str(row["test"]))
                yield {**place, "value": row["statistic"], "null": row["null_mean"], "p": row["p"]}


def _names(asked: _Asked) -> Iterator[tuple[Reading, tuple[str, ...]]]:
    return ((reading, _renamed(asked.first[reading.key]).nodes) for reading in asked.readings)


def _place(kind: str, question: str, reading: Reading, *, measure: str) -> dict[str, object]:
    return {
        "kind": kind,
        "question": question,
        "measure": measure,
        "model": reading.model,
        "control": reading.control,
        "layer": f"L{reading.depth}",
        "depth": reading.depth,
        "width": reading.width,
        "seed": reading.seed,
        "low": np.nan,
        "high": np.nan,
        "p": np.nan,
    }


def _share(kind: str, question: str, reading: Reading, *, hits_k: np.ndarray, null: float) -> dict[str, object]:
    interval = binomtest(int(hits_k.sum()), len(hits_k)).proportion_ci(method="wilson")
    figures = {"value": float(hits_k.mean()), "low": interval.low, "high": interval.high, "null": null}
    return {**_place(kind, question, reading, measure="share"), **figures}


def _mean(kind: str, question: str, reading: Reading, *, z_k: np.ndarray) -> dict[str, object]:
    half = 1.96 * float(np.std(z_k, ddof=1)) / np.sqrt(len(z_k)) if len(z_k) > 1 else np.nan
    mean = float(z_k.mean())
    figures = {"value": mean, "low": mean - half, "high": mean + half, "null": 0.0}
    return {**_place(kind, question, reading, measure="effect"), **figures}
