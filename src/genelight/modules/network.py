"""A disease module on a network: its connected core, what connects it further, its parts, and its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse, stats
from scipy.sparse.csgraph import connected_components

from .._core.disk import writing
from .._core.printed import Card, Printed, leading
from .._core.tables import plain_text, write_plain
from ..errors import InputError
from ..nouns import Edges, Module
from ..nouns.genes import check_coverage

__all__ = ["ModuleNetwork", "module_network"]

LEAST_GENES = 10
LEVEL = 0.05
RESTART = 0.3
CX2_TYPE = {"O": "string", "U": "string", "f": "double", "i": "integer"}


@dataclass(frozen=True, repr=False)
class ModuleNetwork(Printed):
    """A module's genes on a network.

    Attributes
    ----------
    nodes
        One row per gene: ``gene``; ``role`` (``"core"``, of the module and in its largest connected part, connectors
        included; ``"connector"``, not of the module but with more of it as neighbours than chance has; ``"apart"``, of
        the module but not connected);
        ``score`` (NaN where not measured); ``degree`` in the whole network; ``p`` (of a connector, when it was added);
        ``nearness`` (how much more often a random walk that restarts at the module visits it than one without);
        ``part`` (from 1; 0 for genes apart).
    edges
        Edges among these genes: ``source``, ``target``, ``weight``.
    name
        The module's name.
    about
        Network, sizes, settings.
    """

    nodes: pd.DataFrame
    edges: pd.DataFrame
    name: str
    about: Mapping[str, Any] = field(default_factory=dict)

    def _card(self) -> Card:
        near = self.nodes.sort_values("nearness", ascending=False)["gene"]
        return f"module of {self.name!r} on {self.about.get('network', 'a network')}", [
            ("genes", ", ".join(f"{count:,} {role}" for role, count in self.nodes["role"].value_counts().items())),
            ("edges", f"{len(self.edges):,}"),
            ("parts", f"{self.nodes['part'].max()}" if len(self.nodes) else ""),
            ("nearest", leading(list(near))),
        ]

    def save(self, path: Path) -> None:
        """Write in the format that the suffix names: ``.graphml``, ``.cx2`` (Cytoscape), ``.gmt`` or ``.tsv``.

        Raises
        ------
        InputError
            If the suffix is none of these.
        """
        path = Path(path)
        if path.suffix not in WRITERS:
            msg = f"{path.name}: a module's network is written as {', '.join(WRITERS)}; use one of these suffixes"
            raise InputError(msg)
        WRITERS[path.suffix](path, self)


def module_network(module: Module, network: Edges, *, connectors: int = 50, seed: int = 0) -> ModuleNetwork:
    """Place a module on a network.

    Parameters
    ----------
    module
        Its selected genes are placed.
    network
        Protein interactions, taken as undirected; of ids of the module's kind.
    connectors
        At most so many genes are added, one at a time, the one whose neighbours are in the module most beyond chance
        (hypergeometric, as DIAMOnD does), for as long as its p times the number of candidates stays at or below 0.05.
    seed
        Of the division into parts (Louvain).

    Returns
    -------
    Genes, edges and parts.

    Raises
    ------
    GeneMismatchError
        If fewer than ten genes of the module are in the network.
    InputError
        If kinds of gene id differ.

    Notes
    -----
    Cost: connectors x genes of the network for the additions, one sparse product per step of the walk. Well-studied
    genes have more edges on record; ``nearness`` divides by what a walk without the module does at the same gene.

    References
    ----------
    Ghiassian et al. 2015, doi 10.1371/journal.pcbi.1004120; Köhler et al. 2008, doi 10.1016/j.ajhg.2008.02.013;
    Blondel et al. 2008, doi 10.1088/1742-5468/2008/10/P10008.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> kind = {"case": 'condition == "symptomatic" and hours >= 45', "control": "hours == 0", "subject": "subject"}
    >>> ill = gl.Contrast.of(adata.obs, **kind)
    >>> module = gl.modules.disease_module(adata, gl.models.PCA(8).fit(adata), contrast=ill, bootstraps=0)
    >>> found = gl.modules.module_network(module, gl.demo.network())
    >>> found.about["in_network"], len(found.nodes)
    (141, 142)
    """
    if network.namespace != module.genes.namespace:
        msg = (
            f"the module has ids of kind {module.genes.namespace}, the network {network.name} of kind "
            f"{network.namespace}; read the network with ids={module.genes.namespace!r}"
        )
        raise InputError(msg)
    graph, ids = _graph(network)
    chosen = type(module.genes)(tuple(module.selected), module.genes.namespace)
    alignment = chosen.align(ids)
    check_coverage(alignment, least=LEAST_GENES, what=f"the module {module.name!r}", reference=network.name)
    seeds = np.sort(alignment.index[alignment.index >= 0])
    p_added = _connectors(graph, seeds, most=connectors)
    joined = _largest_part(graph, np.concatenate((seeds, np.fromiter(p_added, dtype=np.int64))))
    core, added = np.intersect1d(joined, seeds), np.setdiff1d(joined, seeds)
    apart = np.setdiff1d(seeds, core)
    genes = np.concatenate((core, added, apart))
    role = np.repeat(("core", "connector", "apart"), (len(core), len(added), len(apart)))
    inside = graph[genes][:, genes]
    part = np.zeros(len(genes), dtype=np.int64)
    part[: len(joined)] = _parts(inside[: len(joined), : len(joined)], seed=seed)
    score = module.table.set_index("gene")["score"].reindex(ids[genes]).to_numpy()
    p = np.array([p_added.get(int(gene), np.nan) for gene in genes])
    columns = {
        "gene": ids[genes],
        "role": role,
        "score": score,
        "degree": np.diff(graph.indptr)[genes],
        "p": p,
        "nearness": _nearness(graph, seeds)[genes],
        "part": part,
    }
    upper = sparse.triu(inside, k=1).tocoo()
    edges = pd.DataFrame({"source": ids[genes[upper.row]], "target": ids[genes[upper.col]], "weight": upper.data})
    about = {
        "network": network.name,
        "module_genes": len(module.selected),
        "in_network": len(seeds),
        "largest_part": len(_largest_part(graph, seeds)),
        "core": len(core),
        "connectors": len(added),
        "parts": int(part.max(initial=0)),
        "seed": seed,
    }
    return ModuleNetwork(pd.DataFrame(columns), edges, module.name, about)


def _graph(network: Edges) -> tuple[sparse.csr_matrix, np.ndarray]:
    """The network as a symmetric matrix, loops dropped, the larger weight of two edges kept; and its gene ids."""
    table = network.table[network.table["source"] != network.table["target"]]
    ids, position = np.unique(table[["source", "target"]].to_numpy(str).ravel(), return_inverse=True)
    position = position.reshape(-1, 2)
    pairs = pd.DataFrame({"a": position.min(1), "b": position.max(1), "w": table["weight"].to_numpy(float)})
    best = pairs.groupby(["a", "b"], as_index=False)["w"].max()
    half = sparse.coo_matrix((best["w"], (best["a"], best["b"])), shape=(len(ids), len(ids)))
    return (half + half.T).tocsr(), ids.astype(object)


def _largest_part(graph: sparse.csr_matrix, genes: np.ndarray) -> np.ndarray:
    """Those of the genes that hang together most, as positions."""
    _, label = connected_components(graph[genes][:, genes], directed=False)
    return genes[label == np.argmax(np.bincount(label))]


def _connectors(graph: sparse.csr_matrix, seeds: np.ndarray, *, most: int) -> dict[int, float]:
    """Genes added one at a time by how far their neighbours in the growing set exceed chance, and p of each then."""
    total = graph.shape[0]
    degree_p = np.diff(graph.indptr)
    inside_p = np.zeros(total, dtype=bool)
    inside_p[seeds] = True
    links_p = np.asarray((graph != 0).astype(np.int64) @ inside_p.astype(np.int64)).ravel()
    added: dict[int, float] = {}
    while len(added) < most:
        (candidate,) = np.nonzero(~inside_p & (links_p > 0))
        if not len(candidate):
            break
        # A candidate is not in the set itself: its neighbours are drawn from all other genes.
        p_c = stats.hypergeom.sf(links_p[candidate] - 1, total - 1, inside_p.sum(), degree_p[candidate])
        best = int(np.argmin(p_c))
        if p_c[best] * len(candidate) > LEVEL:
            break
        gene = int(candidate[best])
        added[gene] = float(p_c[best])
        inside_p[gene] = True
        links_p[graph.indices[graph.indptr[gene] : graph.indptr[gene + 1]]] += 1
    return added


def _nearness(graph: sparse.csr_matrix, seeds: np.ndarray) -> np.ndarray:
    """How often a walk that restarts at the seeds is at each gene, over a walk that restarts anywhere."""
    degree_p = np.maximum(np.asarray(graph.sum(0)).ravel(), 1e-12)
    step = (graph @ sparse.diags(1 / degree_p)).tocsr()
    start = np.zeros((graph.shape[0], 2))
    start[seeds, 0] = 1 / len(seeds)
    start[:, 1] = 1 / graph.shape[0]
    visit = start.copy()
    for _ in range(200):
        following = (1 - RESTART) * (step @ visit) + RESTART * start
        moved = np.abs(following - visit).sum(0).max()
        visit = following
        if moved < 1e-9:
            break
    return visit[:, 0] / visit[:, 1]


def _parts(inside: sparse.csr_matrix, *, seed: int) -> np.ndarray:
    """Parts by Louvain's method, numbered from 1, the largest first."""
    import networkx as nx

    graph = nx.from_scipy_sparse_array(inside)
    found = sorted(nx.community.louvain_communities(graph, seed=seed), key=lambda part: (-len(part), min(part)))
    part_p = np.zeros(inside.shape[0], dtype=np.int64)
    for number, members in enumerate(found, start=1):
        part_p[list(members)] = number
    return part_p


def _graphml(path: Path, found: ModuleNetwork) -> None:
    import networkx as nx

    graph = nx.Graph(name=plain_text(found.name))
    for row in _plain(found.nodes):
        graph.add_node(row.pop("gene"), **row)
    for row in _plain(found.edges):
        graph.add_edge(row["source"], row["target"], weight=row["weight"])
    with writing(path) as draft:
        nx.write_graphml(graph, draft)


def _cx2(path: Path, found: ModuleNetwork) -> None:
    """Cytoscape exchange format, version 2.0."""
    number = {plain_text(gene): i for i, gene in enumerate(found.nodes["gene"])}
    renamed = found.nodes.rename(columns={"gene": "name"})
    declared = {column: {"d": CX2_TYPE[renamed[column].to_numpy().dtype.kind]} for column in renamed}
    content: list[dict[str, Any]] = [
        {"CXVersion": "2.0", "hasFragments": False},
        {
            "metaData": [
                {"name": "attributeDeclarations", "elementCount": 1},
                {"name": "networkAttributes", "elementCount": 1},
                {"name": "nodes", "elementCount": len(found.nodes)},
                {"name": "edges", "elementCount": len(found.edges)},
            ]
        },
        {
            "attributeDeclarations": [
                {
                    "networkAttributes": {"name": {"d": "string"}},
                    "nodes": declared,
                    "edges": {"weight": {"d": "double"}},
                }
            ]
        },
        {"networkAttributes": [{"name": found.name}]},
        {"nodes": [{"id": i, "v": row} for i, row in enumerate(_plain(renamed))]},
        {
            "edges": [
                {"id": i, "s": number[row["source"]], "t": number[row["target"]], "v": {"weight": row["weight"]}}
                for i, row in enumerate(_plain(found.edges))
            ]
        },
        {"status": [{"success": True}]},
    ]
    with writing(path) as draft:
        draft.write_text(json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _gmt(path: Path, found: ModuleNetwork) -> None:
    """One set per role and per part."""
    sets = {role: list(group["gene"]) for role, group in found.nodes.groupby("role", sort=False)}
    inside = found.nodes[found.nodes["part"] > 0]
    sets |= {f"part {part}": list(group["gene"]) for part, group in inside.groupby("part")}
    lines = ("\t".join(map(plain_text, (str(key), found.name, *genes))) + "\n" for key, genes in sets.items())
    with writing(path) as draft:
        draft.write_text("".join(lines), encoding="utf-8")


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain Python values; what is missing is left out."""
    rows = []
    for record in table.to_dict("records"):
        values = {str(key): value.item() if isinstance(value, np.generic) else value for key, value in record.items()}
        # XML knows no control characters, and no name needs them.
        values = {key: plain_text(value) if isinstance(value, str) else value for key, value in values.items()}
        rows.append({key: value for key, value in values.items() if value == value})  # noqa: PLR0124 - NaN
    return rows


WRITERS: Mapping[str, Callable[[Path, ModuleNetwork], None]] = {
    ".graphml": _graphml,
    ".cx2": _cx2,
    ".gmt": _gmt,
    ".tsv": lambda path, found: write_plain(path, found.nodes),
}
