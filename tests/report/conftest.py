"""A run folder with planted structure, written from the nouns as a study writes it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from genelight._core.tables import write_parquet, write_plain
from genelight.nouns import Evidence, Genes, Module, NodeGenes
from genelight.report._summary import summarise

from .chrome import browser

LEADERS = ("IFI44L", "RSAD2", "ISG15", "IFIT1", "OAS3", "MX1", "IFI27", "SIGLEC1", "XAF1", "HERC5")
BEST_SET = "Reactome: REACTOME_INTERFERON_ALPHA_BETA_SIGNALING"
LAYERS = {"L1": 12, "L2": 8, "L3": 4, "PC": 4}
CONTRAST = "ill at 45 h or later against baseline"


@dataclass
class Plan:
    """What to plant; tests change a field and leave the rest."""

    title: str = CONTRAST
    genes: tuple[str, ...] = LEADERS + tuple(f"GENE{i}" for i in range(190))
    auc: dict[str, float] = field(
        default_factory=lambda: {"direction L2": 0.96, "pca": 0.91, "de": 0.97, "random": 0.55}
    )
    r2: tuple[float, float] = (0.412, 0.401)
    difference_interval: tuple[float, float] | None = (0.004, 0.018)
    auc_by_method: dict[str, float] = field(
        default_factory=lambda: {"direction L2": 0.96, "pca": 0.91, "de": 0.97, "variance": 0.95}
    )
    auc_p: float | None = 0.005
    paired: bool = True
    case: str = 'condition == "ill" and hours >= 45'


def _auc(auc: float, *, own: float, sure: bool) -> dict[str, float]:
    """What a run says of one method, with the paired interval of the difference."""
    apart = own - auc
    paired = {"difference": apart, "difference_low": apart - 0.02, "difference_high": apart + 0.02}
    return {"auc": auc, "low": auc - 0.03, "high": auc + 0.02} | (paired if sure else {})


def write_run(folder: Path, plan: Plan | None = None) -> Path:
    """Write a run folder; every file that a study leaves, with 200 genes."""
    plan = plan or Plan()
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    genes = Genes(plan.genes)
    _write_settings(folder, plan)
    _write_module(folder, plan, genes)
    _write_nodes(folder, genes, rng)
    _write_held_out(folder, plan, rng)
    _write_evidence(folder, plan, rng)
    write_look_up(folder, plan.genes, nodes=[f"{la}.{k}" for la, width in LAYERS.items() for k in range(width)])
    _write_network(folder, plan.genes)
    return folder


def write_look_up(folder: Path, genes: Sequence[str], *, nodes: Sequence[str], samples: int = 60) -> None:
    """What the page searches: aliases, sets, neighbours, samples, codes, statistics, the module's expression."""
    rng = np.random.default_rng(1)
    names = list(genes)
    aliases = ["|".join(("DDX58", "RLR-1")) if gene == LEADERS[0] else "" for gene in names]
    write_plain(folder / "01_aliases.tsv", pd.DataFrame({"gene": names, "aliases": aliases}))
    collection, leading = BEST_SET.split(": ")
    drawn = {f"SET_{i}": rng.choice(names, 30) for i in range(40)}
    members = [
        (collection, name, gene)
        for name, part in {leading: LEADERS, "REACTOME_CELL_CYCLE": names[12:40], **drawn}.items()
        for gene in set(part)
    ]
    sets = pd.DataFrame(members, columns=["collection", "set", "gene"])
    write_parquet(folder / "01_sets.parquet", sets, kind="gene sets", version=1, about={})
    ends = pd.DataFrame({"source": names[:-1], "target": names[1:], "weight": 1.0})
    write_parquet(folder / "01_neighbours.parquet", ends, kind="neighbours", version=1, about={})
    number = [str(i + 1) for i in range(samples)]
    case = np.arange(samples) < samples // 2
    table = {"number": number, "sample_id": [f"GSM7578{i:02d}" for i in range(samples)]}
    table |= {"subject_id": [f"Volunteer {i % 17:02d}" for i in range(samples)]}
    table |= {"contrast_group": np.where(case, "case", "control"), "sex": np.where(rng.random(samples) < 0.5, "f", "m")}
    write_plain(folder / "02_samples.tsv", pd.DataFrame(table | {"age": rng.integers(18, 70, samples) + 0.5}))
    codes = pd.DataFrame(rng.normal(size=(samples, len(nodes))).astype(np.float32), columns=list(nodes))
    codes.insert(0, "number", number)
    write_parquet(folder / "04_codes.parquet", codes, kind="codes", version=1, about={})
    t = np.concatenate([np.linspace(12, 4, 10), rng.normal(size=len(names) - 10)])
    p = np.minimum(1, 2 * np.exp(-np.abs(t)))
    by_t = Module.from_scores(t, Genes(tuple(names)), size=20, name="ill", method="de")
    columns = pd.DataFrame(
        {"gene": names, "logfc": t / 4, "average": rng.uniform(3, 14, len(names)), "t": t, "p": p, "q": p}
    )
    replace(by_t, table=by_t.table.merge(columns, on="gene")).save(folder / "05_module_de.tsv")
    heat = pd.DataFrame(rng.normal(size=(20, samples)).astype(np.float32) + case, columns=number)
    heat.insert(0, "gene", names[:20])
    write_parquet(folder / "05_module_expression.parquet", heat, kind="module expression", version=1, about={})


def _write_network(folder: Path, genes: Sequence[str]) -> None:
    """Twelve genes of the module in a ring, three connectors, and five apart."""
    names = list(genes[:20])
    role = ["core"] * 12 + ["connector"] * 3 + ["apart"] * 5
    nodes = {"gene": names, "role": role, "score": np.linspace(3, -1, 20), "degree": 4, "p": 0.01, "nearness": 2.0}
    write_plain(folder / "05_module_network.tsv", pd.DataFrame(nodes | {"part": [1] * 8 + [2] * 7 + [0] * 5}))
    ring = pd.DataFrame({"source": names[:15], "target": [*names[1:15], names[0]], "weight": 1.0})
    write_plain(folder / "05_module_network_edges.tsv", ring)


def _write_settings(folder: Path, plan: Plan) -> None:
    (folder / "study.toml").write_text(
        f"""[data]
expression = "/home/someone/private/cohort.h5ad"
subject = "subject"
drop = 'subject == "Volunteer 03"'

[contrast]
name = {json.dumps(plan.title)}
case = {json.dumps(plan.case)}
control = "hours == 0"

[model]
preset = "default"
widths = [12, 8, 4]
seed = 0

[network]
name = "STRING v12 physical, score >= 900"

[[sets]]
name = "Reactome"

[module]
method = "direction"
size = 20
"""
    )
    account = {
        "samples": 60,
        "genes_read": 230,
        "genes_constant": 4,
        "genes_on_floor": 26,
        "genes_kept": 200,
        "floor": None,
    }
    (folder / "02_prepare.json").write_text(json.dumps({"format": 1, "account": account}))
    model = folder / "03_model"
    model.mkdir(exist_ok=True)
    held_out = {"r2": plan.r2[0], "pca_r2": plan.r2[1], "r2_interval": [0.38, 0.44], "pca_r2_interval": [0.37, 0.43]}
    held_out |= {"pca_width": 4}
    if plan.difference_interval:
        held_out["difference_interval"] = list(plan.difference_interval)
    config = {"settings": {"preset": "default", "batch": 32}, "versions": {"python": "3.11.0"}, "held_out": held_out}
    (model / "config.json").write_text(json.dumps(config))
    history = pd.DataFrame({"epoch": range(30)})
    history["train_r2"] = 0.45 - 0.05 * np.exp(-history["epoch"] / 5)
    history["held_out_r2"] = 0.41 - 0.01 * np.exp(-history["epoch"] / 8)
    history.to_csv(model / "history.csv", index=False)


def _write_module(folder: Path, plan: Plan, genes: Genes) -> None:
    score_g = np.concatenate(
        [np.linspace(3, 1.2, 10), -np.linspace(1.1, 0.5, 10), np.linspace(0.4, 0, len(genes) - 20)]
    )
    frequency_g = np.concatenate([np.linspace(1, 0.91, 10), np.linspace(0.89, 0.4, 10), np.zeros(len(genes) - 20)])
    about = {
        "layer": "L2",
        "model": "autoencoder",
        "cases": {"samples": 31, "subjects": 9},
        "controls": {"samples": 29, "subjects": 11},
        "bootstraps": 200,
        "auc": 0.96,
        "auc_interval": [0.9, 1.0],
        "auc_permutation_p": plan.auc_p,
        "auc_by_method": {m: _auc(a, own=0.96, sure=plan.paired) for m, a in plan.auc_by_method.items()},
        "size": 20,
        "stable": 10,
        "because": "joint: scores replicate <best>",
        "supported": {
            "size": 14,
            "says": "the data support a module of 14 genes",
            "sizes": [{"drawn": 50, "stable": 14, "expected_false": 0.4, "agreement": 0.61}],
        },
        "forecast": {"again": 0.13, "says": "other cohorts are expected to find 13% of <200> genes again"},
    }
    module = Module.from_scores(
        score_g, genes, size=20, name=plan.title, method="direction", frequency_g=frequency_g, about=about
    )
    module.save(folder / "05_module.tsv")


def _write_nodes(folder: Path, genes: Genes, rng: np.random.Generator) -> None:
    rows = []
    for layer, width in LAYERS.items():
        names = tuple(f"{layer}.{i}" for i in range(width))
        values = rng.normal(scale=0.3, size=(width, len(genes)))
        values[1, :10] += np.linspace(3, 2, 10)
        source = "pca" if layer == "PC" else "autoencoder"
        NodeGenes(values, names, genes, layer, source, "light_up").save(folder / f"04_nodes_{layer}.parquet")
        share = rng.dirichlet(np.ones(width)) * 0.6
        share[1] += 0.4
        for k, name in enumerate(names):
            effect = 2.1 if k == 1 else rng.normal(scale=0.5)
            top = ",".join(genes.ids[g] for g in np.argsort(-values[k])[:5])
            state = "duplicate of L1.1" if name == "L1.2" else "dead" if name == "L3.3" else ""
            p = 1e-6 if k == 1 else float(rng.uniform(0.05, 1))
            rows.append((name, layer, effect, p, min(1, 3 * p), share[k] if layer == "L2" else np.nan, state, top))
    columns = ["node", "layer", "effect", "p", "q", "share", "state", "top_genes"]
    write_plain(folder / "04_nodes.tsv", pd.DataFrame(rows, columns=columns))


def write_again(folder: Path) -> None:
    """What training again leaves: L1.1 comes back, most others do not; cards of two nodes."""
    rows = []
    for layer, width in LAYERS.items():
        for k in range(width):
            sure = k == 1
            rows.append((f"{layer}.{k}", layer, 0.9 if sure else 0.4, 5 if sure else 1, 5, 0.38, 0.01 if sure else 0.6))
    columns = ["node", "layer", "reproducibility", "support", "members", "null_mean", "q"]
    scored = pd.DataFrame(rows, columns=columns)
    scored.to_csv(folder / "04_reproducibility.tsv", sep="\t", index=False)
    programme = {"layer": ["L1", "PC"], "programme": "C.0", "support": 5, "members": 5, "correlation": 0.8, "q": 0.01}
    programme |= {"node": ["L1.1", "PC.1"], "likeness": 0.95, "up": "IFI44L,RSAD2", "down": "GENE1"}
    pd.DataFrame(programme).to_csv(folder / "04_programmes.tsv", sep="\t", index=False)
    table = pd.read_csv(folder / "04_nodes.tsv", sep="\t", comment="#", keep_default_na=False, na_values=[""])
    more = scored.rename(columns={"q": "q_reproducibility"}).drop(columns=["layer", "null_mean"])
    table = table.merge(more, on="node")
    table["rank_score"] = table["effect"].abs() * table["reproducibility"]
    table = table.sort_values("rank_score", ascending=False)
    write_plain(folder / "04_nodes.tsv", table)
    gene = {"sign": "up", "rank": 1, "gene": LEADERS[0], "value": 3.0, "stability": 0.8}
    column = {
        "column": "condition",
        "test": "Friedman",
        "units": 9,
        "effect": 0.7,
        "highest": "ill",
        "p": 1e-4,
        "q": 0.001,
    }
    card = {"layer": "L1", "model": "autoencoder", "state": "", "activity": {}, "genes": [gene], "obs": [column]}
    card |= {"neighbours": [{"node": "L2.1", "layer": "L2", "correlation": 0.9}], "reproducibility": {"support": 5.0}}
    edges = {"source": ["L1.1", "L1.0"], "target": "L2.1", "source_layer": "L1", "target_layer": "L2"}
    pd.DataFrame({**edges, "weight": [0.4, -0.9], "q": 0.01}).to_csv(folder / "04_layer_map.tsv", sep="\t", index=False)
    cards = [card | {"node": "L1.1"}, card | {"node": "L1.0"}]
    (folder / "04_cards.json").write_text(json.dumps({"format": 1, "cards": cards}))


def _write_held_out(folder: Path, plan: Plan, rng: np.random.Generator) -> None:
    rows = []
    for fold in range(5):
        for method, mean in plan.auc.items():
            wobble = 0.01 * (fold - 2)
            rows.append((method, fold, "auc", mean + wobble))
            rows.append((method, fold, "replication", 0.6 * mean + wobble))
        rows += [("autoencoder", fold, "r2", plan.r2[0] + 0.01 * fold), ("pca", fold, "r2", plan.r2[1] + 0.01 * fold)]
    pd.DataFrame(rows, columns=["method", "fold", "metric", "value"]).to_csv(
        folder / "05_held_out.tsv", sep="\t", index=False
    )
    groups = ["case"] * 31 + ["control"] * 29
    scores = pd.DataFrame({"group": groups, "fold": np.arange(60) % 5, "method": "direction L2"})
    scores.insert(0, "subject", [f"Volunteer {i % 17:02d}" for i in range(60)])
    scores.insert(0, "sample", [f"GSM7578{i:02d}" for i in range(60)])
    scores["score"] = rng.normal(size=60) + np.where(scores["group"] == "case", 2.5, 0)
    scores.to_csv(folder / "05_scores.tsv", sep="\t", index=False)


def _write_evidence(folder: Path, plan: Plan, rng: np.random.Generator) -> None:
    rows = [_row(f"{plan.title} [direction]", BEST_SET, statistic=9, effect=15.0, null_mean=0.6, p=1e-12, q=3e-9)]
    rows.append(
        _row(rows[0]["tested"], "Reactome: REACTOME_CELL_CYCLE", statistic=2, effect=1.5, null_mean=1.3, p=0.3, q=0.4)
    )
    for layer, width in LAYERS.items():
        for k in range(width):
            strong = k <= width // 4
            p = 1e-5 if strong else float(rng.uniform(0.05, 1))
            rows.append(_row(f"{layer}.{k}", BEST_SET, statistic=6, effect=8.0, null_mean=0.7, p=p, q=min(1, 5 * p)))
            close = k == 1
            p = 0.001 if close else float(rng.uniform(0.05, 1))
            network = _row(
                f"{layer}.{k}", "STRING v12 physical, score >= 900", test="distance", draws=1000, p=p, q=min(1, 4 * p)
            )
            rows.append(network | {"statistic": 2.3, "effect": -4.0 if close else 0.4})
    about = {"camera": {"universe": 200}, "distance": {"universe": 180}}
    Evidence(pd.DataFrame(rows), about).save(folder / "06_evidence.parquet")


def _row(subject: str, reference: str, **values: object) -> dict[str, object]:
    row: dict[str, object] = {"test": "camera", "n": 20, "statistic": 0.0, "effect": 0.0, "null_mean": 1.0}
    row |= {"null_sd": 1.0, "p": 1.0, "q": 1.0, "draws": 0, "seed": 0}
    return row | {"tested": subject, "reference": reference} | values


@pytest.fixture(scope="session")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for all tests of pages."""
    with browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def make_run(tmp_path: Path, run_folder: Path) -> Callable[..., Path]:
    """Write a run folder with some fields of the plan changed."""

    def make(**changes: Any) -> Path:
        if changes:
            return write_run(tmp_path / "run", Plan(**changes))
        return Path(shutil.copytree(run_folder, tmp_path / "run", dirs_exist_ok=True))

    return make


@pytest.fixture
def make_run_again(make_run: Callable[..., Path]) -> Callable[..., Path]:
    """The same, of a study that trained its models again."""

    def make(**changes: Any) -> Path:
        folder = make_run(**changes)
        write_again(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with models trained again, to write a page into."""
    folder = write_run(tmp_path_factory.mktemp("again") / "run")
    write_again(folder)
    return folder


@pytest.fixture(scope="session")
def large_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty thousand genes and fifteen hundred nodes, a thousand samples."""
    folder = tmp_path_factory.mktemp("large") / "run"
    names = LEADERS + tuple(f"GENE{i}" for i in range(29_990))
    plan, rng = Plan(genes=names), np.random.default_rng(0)
    folder.mkdir()
    _write_settings(folder, plan)
    _write_module(folder, plan, Genes(names))
    _write_held_out(folder, plan, rng)
    rows, evidence, nodes = [], [], []
    for layer in ("L1", "L2", "L3"):
        values = np.zeros((500, len(names)), dtype=np.float32)
        for k in range(500):
            values[k, rng.integers(0, len(names), 300)] = rng.normal(size=300)
            name = f"{layer}.{k}"
            p = float(rng.uniform())
            rows.append((name, layer, rng.normal(), p, p, np.nan, "", ",".join(LEADERS[:5])))
            evidence.append(_row(name, BEST_SET, statistic=6, effect=8.0, null_mean=0.7, p=p, q=p))
        here = tuple(f"{layer}.{k}" for k in range(500))
        NodeGenes(values, here, Genes(names), layer, "autoencoder", "light_up").save(
            folder / f"04_nodes_{layer}.parquet"
        )
        nodes += here
    columns = ["node", "layer", "effect", "p", "q", "share", "state", "top_genes"]
    write_plain(folder / "04_nodes.tsv", pd.DataFrame(rows, columns=columns))
    evidence.append(_row(f"{plan.title} [direction]", BEST_SET, statistic=9, effect=15.0, p=1e-12, q=3e-9))
    Evidence(pd.DataFrame(evidence), {"hypergeometric": {"universe": 30_000}}).save(folder / "06_evidence.parquet")
    write_look_up(folder, names, nodes=nodes, samples=1000)
    return folder


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run as planted; read it, do not change it."""
    return write_run(tmp_path_factory.mktemp("planted") / "run")


@pytest.fixture(scope="session")
def summary(run_folder: Path) -> dict[str, Any]:
    return summarise(run_folder)
