"""What the page's script searches and draws: the run's tables, packed small."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._core.tables import read_parquet
from ..nouns.labels import set_label
from ._evidence import tested_module
from ._read import CONTROLS
from ._words import known, numeric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ._read import Run

FORMAT = 1
TOP = 100
MOST_EDGES = 250_000
MOST_LEVELS = 24
MOST_CODES = 4_000_000
GAP = 2**15
UNITS = {"standardised": "standard deviations", "logfc": "log2 fold change"}
SETS = 6
SHOWN = ("effect", "q", "share", "network_z", "network_q", "reproducibility", "reproducibility_q")


def payload(run: Run, evidence: pd.DataFrame, found: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the script looks up, as plain values, beside what the sections `found`; no part is empty."""
    genes = _genes(run)
    position = {gene: i for i, gene in enumerate(genes["gene"])}
    sets, members = _sets(run, position)
    numbers = {name: i for i, name in enumerate(sets["reference"])}
    samples = _samples(run)
    parts = {
        "words": run.words,
        "genes": {c: _column(genes[c]) for c in genes},
        "sets": {**sets, **members, "module": _module_sets(run, evidence, numbers=numbers)},
        "nodes": _nodes(evidence, found, numbers=numbers),
        "lit": _lit(run, position),
        "edges": _edges(run, position),
        "samples": samples,
        "codes": _codes(run) if samples else None,
        "heat": _heat(run, position),
        "network": _network(run),
        "layers": _layers(run),
        "cohorts": _cohorts(run, position),
    }
    return {"format": FORMAT, **{name: part for name, part in parts.items() if part}}


def encoded(content: Mapping[str, Any]) -> str:
    """As compressed JSON in letters that no parser of HTML takes for a tag; the same content gives the same text."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode()


def packed(values: np.ndarray) -> dict[str, str]:
    """Small integers as base64, little end first."""
    little = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"))
    return {"type": values.dtype.name, "data": base64.b64encode(little.tobytes()).decode()}


def _column(values: pd.Series) -> list[Any]:
    if not pd.api.types.is_float_dtype(values):
        return list(values)
    return [_short(v) for v in values.tolist()]


def _short(value: Any) -> float | None:
    """A number by four digits; None where there is none."""
    return float(f"{value:.4g}") if known(value) else None


def _genes(run: Run) -> pd.DataFrame:
    """Every gene: the module's order where there is one, its statistics and other names."""
    base = None if run.module is None else run.module.table[["gene", "score", "rank", "selected", "frequency"]]
    if base is None:
        found = run.table("01_genes.tsv", ("gene",))
        names = [] if found is None else list(found["gene"].astype(str))
        names = names or list(next((lit.genes.ids for lit in run.node_genes.values()), ()))
        base = pd.DataFrame({"gene": names})
    base = base.assign(gene=base["gene"].astype(str))
    if run.statistics is not None:
        base = base.merge(run.statistics, on="gene", how="left")
    aliases = run.table("01_aliases.tsv", ("gene", "aliases"))
    if aliases is not None:
        other = dict(zip(aliases["gene"].astype(str), aliases["aliases"].fillna("").astype(str), strict=True))
        base["aliases"] = [other.get(gene, "") for gene in base["gene"]]
    if "selected" in base:
        base["selected"] = base["selected"].astype(int)
    return base


def _integers(values: Sequence[int] | np.ndarray) -> np.ndarray:
    array = np.asarray(values, dtype=np.int64)
    return array.astype(np.uint16 if not len(array) or array.max() < 2**16 else np.uint32)


def _kept(run: Run, name: str, kind: str) -> pd.DataFrame | None:
    path = run.folder / name
    return read_parquet(path, kind=kind, newest=FORMAT)[0] if path.exists() else None


def _sets(run: Run, position: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Names of sets, and their measured genes one after another."""
    table = _kept(run, "01_sets.parquet", "gene sets")
    if table is None or not len(table):
        return {"reference": []}, {}
    table = table.assign(at=table["gene"].map(position)).dropna(subset="at")
    references, members, sizes = [], [], []
    for (collection, name), part in table.groupby(["collection", "set"], sort=True):
        references.append(f"{collection}: {name}")
        members += sorted(part["at"].astype(int).unique())
        sizes.append(int(part["at"].nunique()))
    labels = [set_label(reference) for reference in references]
    named = {"reference": references, "collection": [c for c, _ in labels], "name": [n for _, n in labels]}
    return named, {"members": packed(_integers(members)), "sizes": packed(_integers(sizes))}


def _module_sets(run: Run, evidence: pd.DataFrame, *, numbers: Mapping[str, int]) -> dict[str, Any]:
    """The module's own tests by number of the set: overlap, p and q."""
    rows = evidence[(evidence["tested"] == tested_module(run)) & evidence["is_set"].astype(bool)]
    rows = rows[rows["main"].astype(bool) & rows["reference"].isin(numbers)]
    at = rows["reference"].map(numbers)
    return {
        "at": list(at),
        **{c: _column(rows[c].astype(float)) for c in ("statistic", "null_mean", "p", "q")},
    }


def _nodes(evidence: pd.DataFrame, found: Mapping[str, Any], *, numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    """One record per row of the table of nodes, with its leading gene sets and, where it has a card, what that says."""
    cards = {card["node"]: card for card in found.get("cards") or ()}
    leading = _leading_sets(evidence, numbers)
    return [
        {
            "node": n["node"],
            "place": n["place"],
            "state": n["state"],
            **{name: _short(n[name]) for name in SHOWN},
            "trainings": n["trainings"],
            "of_trainings": n["of_trainings"],
            "network_test": n["network_test"],
            "sets": leading.get(n["node"], []),
            **_of_card(cards.get(n["node"])),
        }
        for n in found.get("nodes") or ()
    ]


def _leading_sets(evidence: pd.DataFrame, numbers: Mapping[str, int]) -> dict[str, list[list[float]]]:
    """For everything tested the gene sets with the smallest q by the main test: number, overlap, expected and q."""
    rows = evidence[evidence["main"].astype(bool) & evidence["is_set"].astype(bool)]
    rows = rows[rows["reference"].isin(numbers)].sort_values(["q", "p"], kind="stable").groupby("tested").head(SETS)
    found: dict[str, list[list[float]]] = {}
    columns = ["tested", "reference", "statistic", "null_mean", "q"]
    for tested, reference, statistic, expected, q in rows[columns].to_numpy().tolist():
        figures = [_short(v) for v in (statistic, expected, q)]
        found.setdefault(tested, []).append([numbers[reference], *figures])  # type: ignore[list-item]
    return found


def _of_card(card: Mapping[str, Any] | None) -> dict[str, Any]:
    if card is None:
        return {}
    columns = ("column", "test", "effect", "highest", "q")
    return {
        "sentence": card["sentence"],
        "columns": [{c: row.get(c) for c in columns} for row in card["obs"][:6]],
        "stability": {row["gene"]: row.get("stability") for row in card["genes"]},
    }


def _lit(run: Run, position: Mapping[str, int]) -> dict[str, Any]:
    """The strongest genes of every node of both signs, with their values in 127ths of the node's largest."""
    names: list[str] = []
    layers: list[str] = []
    tops, values, scales = [], [], []
    for layer, lit in sorted(
        run.node_genes.items(), key=lambda pair: (pair[0] in run.baselines, len(pair[0]), pair[0])
    ):
        where = np.array([position.get(gene, -1) for gene in lit.genes.ids])
        n = min(TOP, len(where) // 2)
        top_kn = np.hstack((lit.top_kn(n, sign=1), lit.top_kn(n, sign=-1)))
        value_kn = np.take_along_axis(lit.values_kg, top_kn, 1)
        scale_k = np.abs(value_kn).max(1, initial=0.0)
        shares = np.divide(value_kn, scale_k[:, None], out=np.zeros_like(value_kn), where=scale_k[:, None] > 0)
        names += lit.nodes
        layers += [layer] * len(lit.nodes)
        tops.append(where[top_kn])
        values.append(np.rint(127 * shares).astype(np.int8))
        scales += [_short(s) for s in scale_k]
    if not names or min(t.min(initial=0) for t in tops) < 0 or len({t.shape[1] for t in tops}) > 1:
        return {}
    return {
        "node": names,
        "layer": [CONTROLS.get(layer, layer) for layer in layers],
        "control": [int(layer in run.baselines) for layer in layers],
        "per": tops[0].shape[1],
        "gene": packed(_integers(np.concatenate([t.ravel() for t in tops]))),
        "value": packed(np.concatenate([v.ravel() for v in values])),
        "scale": scales,
    }


def _edges(run: Run, position: Mapping[str, int]) -> dict[str, Any]:
    """Pairs of neighbours in the network, the heaviest first."""
    table = _kept(run, "01_neighbours.parquet", "neighbours")
    if table is None or not len(table):
        return {}
    ends = table[["source", "target"]].apply(lambda c: c.map(position)).dropna()
    shown = ends.head(MOST_EDGES).astype(int)
    return {"pairs": packed(_integers(shown.to_numpy().ravel())), "left_out": len(ends) - len(shown)}


def _cohorts(run: Run, position: Mapping[str, int]) -> dict[str, Any]:
    """Every gene in each of several cohorts: effect, standard error, and what they say together."""
    module = run.several
    if module is None:
        return {}
    table = module.table.assign(at=module.table["gene"].astype(str).map(position)).dropna(subset="at")
    cohorts = module.about["cohorts"]
    thousandths = {
        f"{what}s": packed(_thousandths(np.stack([table[f"{what} {cohort['name']}"] for cohort in cohorts])))
        for what in ("effect", "se")
    }
    together = ("effect", "low", "high", "next_low", "next_high", "tau2")
    return {
        "name": [str(cohort["name"]) for cohort in cohorts],
        "cases": [cohort["cases"] for cohort in cohorts],
        "controls": [cohort["controls"] for cohort in cohorts],
        "unit": UNITS.get(str(module.about.get("effect")), ""),
        "at": packed(_integers(table["at"].astype(int).to_numpy())),
        **thousandths,
        **{name: packed(_thousandths(table[name].to_numpy())) for name in together},
        **{name: _column(table[name]) for name in ("p", "q", "i2", "heterogeneity_p")},
    }


def _thousandths(values: np.ndarray) -> np.ndarray:
    """As small integers; the smallest stands for a gap."""
    inside = np.clip(np.rint(1000 * np.nan_to_num(values)), 1 - GAP, GAP - 1)
    return np.where(np.isfinite(values), inside, -GAP).astype(np.int16).ravel()


def _samples(run: Run) -> dict[str, Any]:
    """Groups and the sample table's columns, sample by sample; ids only where they were asked for."""
    table = run.table("02_samples.tsv", ("number", "sample_id", "subject_id", "contrast_group"))
    if table is None:
        return {}
    subjects = table["subject_id"].nunique()
    columns = [c for c in table.columns[4:] if _shareable(table[c], subjects)]
    named = {"sample": list(table["sample_id"].astype(str)), "subject": list(table["subject_id"].astype(str))}
    return {
        "number": list(table["number"].astype(str)),
        **(named if run.show_ids else {}),
        "group": list(table["contrast_group"]),
        "columns": [{"name": c, **_coded(table[c])} for c in columns],
    }


def _shareable(values: pd.Series, subjects: int) -> bool:
    """Not a column that names each sample or subject, nor one that says nothing."""
    distinct = values.nunique()
    if distinct < 2:
        return False
    if not numeric(values):
        return bool(distinct <= min(MOST_LEVELS, max(2, subjects - 1)))
    whole = values.dropna()
    return not (bool((whole == whole.round()).all()) and distinct in (subjects, len(values)) and distinct > 2)


def _coded(values: pd.Series) -> dict[str, Any]:
    if numeric(values):
        return {"values": _column(values.astype(float))}
    codes, levels = pd.factorize(values.astype("string"), sort=True)
    return {"levels": [str(level) for level in levels], "codes": [int(c) for c in codes]}


def _codes(run: Run) -> dict[str, Any]:
    """Each sample's activation of each node in 255ths of the node's range, and its place on the principal map."""
    table = _kept(run, "04_codes.parquet", "codes")
    if table is None:
        return {}
    axes = _nodes_of(table, "axis")
    nodes = [c for c in table.columns if c != "number" and c not in axes]
    h_kn = table[nodes].to_numpy(np.float64).T
    if h_kn.size > MOST_CODES:
        nodes, h_kn = nodes[: MOST_CODES // h_kn.shape[1]], h_kn[: MOST_CODES // h_kn.shape[1]]
    low_k, high_k = h_kn.min(1), h_kn.max(1)
    span_k = np.where(high_k > low_k, high_k - low_k, 1.0)
    small = np.rint(255 * (h_kn - low_k[:, None]) / span_k[:, None]).astype(np.uint8)
    place = [[_short(v) for v in table[c]] for c in (axes or _nodes_of(table, "PC"))[:3]]
    return {
        "node": nodes,
        "low": [_short(v) for v in low_k],
        "high": [_short(v) for v in high_k],
        "value": packed(small.ravel()),
        "place": place,
    }


def _nodes_of(table: pd.DataFrame, layer: str) -> list[str]:
    """Columns of one layer, in order."""
    return [c for c in table.columns if c.startswith(f"{layer}.")]


def _heat(run: Run, position: Mapping[str, int]) -> dict[str, Any]:
    """Standardised expression of the module's leading genes, in fortieths of a standard deviation up to 3."""
    table = _kept(run, "05_module_expression.parquet", "module expression")
    if table is None:
        return {}
    table = table[table["gene"].isin(position)]
    z_gn = np.nan_to_num(table.drop(columns="gene").to_numpy(np.float64)).clip(-3, 3)
    return {"gene": [position[g] for g in table["gene"]], "value": packed(np.rint(40 * z_gn).astype(np.int8).ravel())}


def _network(run: Run) -> dict[str, Any]:
    """The module's network as it was placed."""
    nodes = run.table("05_module_network.tsv", ("gene", "role", "score", "degree", "p", "nearness", "part"))
    edges = run.table("05_module_network_edges.tsv", ("source", "target"))
    if nodes is None or edges is None:
        return {}
    at = {gene: i for i, gene in enumerate(nodes["gene"].astype(str))}
    ends = edges[["source", "target"]].astype(str).apply(lambda c: c.map(at)).dropna().astype(int)
    return {
        **{c: _column(nodes[c]) for c in ("gene", "role", "score", "degree", "nearness", "part")},
        "edges": ends.to_numpy().tolist(),
    }


def _layers(run: Run) -> dict[str, Any]:
    """Connections between nodes of layers."""
    edges = run.table("04_layer_map.tsv", ("source", "target", "weight", "q"))
    if edges is None:
        return {}
    return {c: _column(edges[c]) for c in ("source", "target", "weight", "q")}
