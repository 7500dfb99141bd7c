"""Matching the nodes of ten trainings of 512-512-512 over 11,000 genes, against numpy and scipy in a plain loop.

The work is to match every node of every layer of the first member to each of the nine others, 27 assignments of 512
nodes. Ours is ``nodes.match_nodes``. The peer is what one writes at first: ``numpy.corrcoef`` of both members' profiles
stacked, its off-diagonal block, ``scipy.optimize.linear_sum_assignment``. Both give the same pairs, which is checked.
Profiles are random mixtures of 300 common directions and noise: the time depends on their shape, hardly on their
values. A further row matches every pair of members, 135 assignments. Peak memory is that of the ten layers of
profiles and one matrix of correlations.
"""

from __future__ import annotations

import time

import numpy as np
import scipy
from scipy.optimize import linear_sum_assignment

from benchmarks._harness import Result
from benchmarks._measure import paired
from genelight import NodeGenes
from genelight.nodes.reproduce import match_nodes
from genelight.nouns import Genes

SEEDS = 10


def run(*, quick: bool) -> Result:
    k, g, layers = (64, 1000, 1) if quick else (512, 11_000, 3)
    members = _members(k, g)
    pairs = paired(lambda: _ours(members, layers), lambda: _peer(members, layers), runs=3 if quick else 5, warm=quick)
    assert [m["match"].tolist() for m in _ours(members, 1)] == _peer(members, 1)
    started = time.perf_counter()
    for _ in range(layers):
        for i in range(SEEDS):
            for other in members[:i]:
                match_nodes(members[i], other)
    every = {"what": "nodes.match_nodes, every pair of members", "seconds": time.perf_counter() - started}
    rows = [*pairs.rows("nodes.match_nodes", f"corrcoef loop, numpy {np.__version__}"), every]
    data = f"{SEEDS} members x {layers} layers of {k} nodes x {g} genes, each matched to the first"
    return Result("ratio", pairs.ratio, data, rows, peer="scipy", peer_version=scipy.__version__)


def _members(k: int, g: int) -> list[NodeGenes]:
    rng = np.random.default_rng(0)
    genes = Genes(tuple(f"G{i}" for i in range(g)))
    common_rg = rng.standard_normal((300, g), dtype=np.float32)
    names = tuple(f"L1.{i}" for i in range(k))
    members = []
    for _ in range(SEEDS):
        mixed_kg = rng.standard_normal((k, 300), dtype=np.float32) ** 3 @ common_rg
        values_kg = mixed_kg + 10 * rng.standard_normal((k, g), dtype=np.float32)
        members.append(NodeGenes(values_kg, names, genes, "L1", "benchmark", "light_up"))
    return members


def _ours(members: list[NodeGenes], layers: int) -> list:
    return [match_nodes(members[0], other) for _ in range(layers) for other in members[1:]]


def _peer(members: list[NodeGenes], layers: int) -> list[list[str]]:
    matches = []
    for _ in range(layers):
        for other in members[1:]:
            a, b = members[0].values_kg, other.values_kg
            r_ab = np.abs(np.corrcoef(a, b)[: len(a), len(a) :])
            _, j = linear_sum_assignment(r_ab, maximize=True)
            matches.append([other.nodes[i] for i in j])
    return matches
