"""A run folder as one plain dict: everything that the page shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..pl import method_label
from ._evidence import SIGNIFICANT, best, by_kind, layer_nodes, layer_shares, module_subject, set_record, set_rows
from ._figures import figures
from ._findings import findings
from ._genetics import disease_genes
from ._methods import methods, visible
from ._read import CONTROLS, read_run
from ._words import known, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from ._read import Run

__all__ = ["summarise"]

FORMAT = 1
SHOWN = 3
"""Decimals of R² that the page shows; what is zero to them counts as no difference."""


def summarise(run_folder: Path | str) -> dict[str, Any]:
    r"""Gather what a run found.

    Parameters
    ----------
    run_folder
        What ``genelight run`` wrote. Every file in it is optional; what is absent is named under ``missing``.

    Returns
    -------
    dict
        Plain values only, fit for JSON, no NaN, no id of any sample or subject. Keys: ``title``, ``contrast``,
        ``findings`` (five sentences), ``module``, ``genetics``, ``nodes``, ``layers``, ``held_out``, ``scores``,
        ``methods``, ``missing``, ``figures`` (inline SVG with caption).

    Raises
    ------
    InputError
        If the folder is no run folder.
    FormatError
        If a file in it is damaged or lacks columns.

    Notes
    -----
    Cost: about two seconds, most of it drawing.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from genelight import report
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "study.toml").write_text('[contrast]\nname = "ill against well"')
    ...     summary = report.summarise(folder)
    >>> summary["title"], len(summary["findings"])
    ('ill against well', 5)
    """
    run = read_run(Path(run_folder))
    evidence = by_kind(run)
    summary: dict[str, Any] = {
        "format": FORMAT,
        "title": _title(run),
        "contrast": _contrast(run),
        "module": _module(run, evidence),
        "genetics": disease_genes(run, evidence),
        "nodes": _nodes(run, evidence),
        "layers": layer_shares(evidence, layer_nodes(run)),
        "held_out": _held_out(run),
        "scores": _scores(run),
        "methods": methods(run, evidence),
    }
    summary["missing"] = _missing(summary)
    summary["findings"] = findings(summary)
    summary["figures"] = figures(run, summary)
    return plain(summary)


def _title(run: Run) -> str:
    names = (run.section("contrast").get("name"), run.study.get("name"), run.module and run.module.name)
    return str(visible(run, next((str(n) for n in names if n), run.folder.name)))


def _contrast(run: Run) -> dict[str, Any]:
    section = run.section("contrast")
    return {
        "case": visible(run, section.get("case")),
        "control": visible(run, section.get("control")),
        "cases": run.about.get("cases"),
        "controls": run.about.get("controls"),
    }


def _module(run: Run, evidence: pd.DataFrame) -> dict[str, Any] | None:
    if run.module is None:
        return None
    chosen = run.module.table[run.module.table["selected"]]
    often = chosen["frequency"].notna().any()
    about = run.about
    return {
        "name": visible(run, run.module.name),
        "method": run.module.method,
        "layer": about.get("layer"),
        "size": len(chosen),
        "measured": len(run.module.table),
        "up": int((chosen["score"] > 0).sum()),
        "down": int((chosen["score"] < 0).sum()),
        "stable": about.get("stable", int((chosen["frequency"] >= 0.9).sum()) if often else None),
        "bootstraps": about.get("bootstraps"),
        "auc": about.get("auc", _mean(run, run.method, "auc")),
        "auc_interval": about.get("auc_interval"),
        "auc_by_method": {method: found.get("auc") for method, found in about.get("auc_by_method", {}).items()},
        "auc_permutation_p": about.get("auc_permutation_p"),
        "genes": chosen[["gene", "score", "rank", "frequency"]].to_dict("records"),
        "pathways": set_rows(evidence, module_subject(run), n=15),
    }


def _nodes(run: Run, evidence: pd.DataFrame) -> list[dict[str, Any]]:
    """One record per node of the model, ranked by kinds of evidence and then by effect."""
    if run.nodes is None:
        return []
    main = evidence[evidence["main"].astype(bool)]
    network, sets = best(main[~main["is_set"] & ~main["disease"]]), best(main[main["is_set"]])
    own = run.nodes[~run.nodes["layer"].isin(CONTROLS)]
    records = [_node(row, network, sets) for _, row in own.iterrows()]
    records.sort(key=lambda r: (bool(r["state"]), -r["support"], -abs(r["effect"]) if known(r["effect"]) else 0.0))
    return [{"place": i, **r} for i, r in enumerate(records, 1)]


def _node(row: pd.Series, network: pd.DataFrame, sets: pd.DataFrame) -> dict[str, Any]:
    name = row["node"]
    of_network = network.loc[name].to_dict() if name in network.index else {}
    of_sets = set_record(sets.loc[name]) if name in sets.index else None
    q_values = (row["q"], of_network.get("q"), (of_sets or {}).get("q"))
    return {
        "node": name,
        "layer": row["layer"],
        "effect": row["effect"],
        "p": row["p"],
        "q": row["q"],
        "share": row.get("share"),
        "state": _text(row.get("state")),
        "top_genes": _text(row.get("top_genes")).replace(",", ", ").replace(",  ", ", "),
        "network_test": of_network.get("test"),
        "network_z": of_network.get("effect"),
        "network_q": of_network.get("q"),
        "best_set": of_sets,
        "support": len([q for q in q_values if known(q) and q <= SIGNIFICANT]),
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mean(run: Run, method: str, metric: str) -> float | None:
    if run.held_out is None:
        return None
    rows = run.held_out[(run.held_out["method"] == method) & (run.held_out["metric"] == metric)]
    return float(rows["value"].mean()) if len(rows) else None


def _held_out(run: Run) -> dict[str, Any]:
    rows = []
    if run.held_out is not None:
        for (metric, method), part in run.held_out.dropna(subset="value").groupby(["metric", "method"], sort=False):
            rows.append(
                {
                    "metric": metric,
                    "method": method,
                    "label": method_label(str(method)),
                    "own": method == run.method,
                    "mean": part["value"].mean(),
                    "lowest": part["value"].min(),
                    "highest": part["value"].max(),
                    "folds": len(part),
                }
            )
    rows.sort(key=lambda r: (str(r["metric"]), -r["mean"]))
    return {"reconstruction": _reconstruction(run), "methods": rows}


def _reconstruction(run: Run) -> dict[str, Any] | None:
    """R² of the model and of PCA with a verdict; from the model's own figures, or the mean over folds."""
    found = run.model.get("held_out") or {"r2": _mean(run, "autoencoder", "r2"), "pca_r2": _mean(run, "pca", "r2")}
    r2, pca_r2 = found.get("r2"), found.get("pca_r2")
    if not (known(r2) and known(pca_r2)):
        return None
    ends = found.get("difference_interval")
    low, high = (round(end, SHOWN) for end in ends or (r2 - pca_r2, r2 - pca_r2))
    return {
        "r2": r2,
        "r2_interval": found.get("r2_interval"),
        "pca_r2": pca_r2,
        "pca_r2_interval": found.get("pca_r2_interval"),
        "pca_width": found.get("pca_width"),
        "difference": r2 - pca_r2,
        "difference_interval": ends,
        "verdict": "better" if low > 0 else "worse" if high < 0 else "equal",
    }


def _scores(run: Run) -> dict[str, Any] | None:
    if run.scores is None or run.scores.empty:
        return None
    method = run.method if run.method in set(run.scores["method"]) else run.scores["method"].iloc[0]
    rows = run.scores[run.scores["method"] == method]
    groups = []
    for group, part in rows.groupby("group"):
        low, median, high = np.nanquantile(part["score"], [0.25, 0.5, 0.75])
        subjects = part["subject"].nunique() if "subject" in part else None
        groups.append(
            {
                "group": group,
                "samples": len(part),
                "subjects": subjects,
                "median": median,
                "low_quartile": low,
                "high_quartile": high,
            }
        )
    return {"method": method, "groups": groups}


def _missing(summary: Mapping[str, Any]) -> dict[str, str]:
    """Which sections have nothing to show, and which file would fill them."""
    module, held_out = summary["module"], summary["held_out"]
    empty = {
        "module": (module is None, "The run has no disease module (05_module.tsv)."),
        "pathways": (
            module is not None and not module["pathways"],
            "The module was not tested against gene sets (06_evidence.parquet).",
        ),
        "nodes": (not summary["nodes"], "The run has no table of node activity (04_nodes.tsv)."),
        "layers": (not summary["layers"], "No node was tested against a network or gene sets (06_evidence.parquet)."),
        "held_out": (not held_out["methods"], "Methods were not compared on held-out subjects (05_held_out.tsv)."),
        "reconstruction": (
            held_out["reconstruction"] is None,
            "Reconstruction was not measured on held-out subjects (03_model/config.json).",
        ),
        "scores": (summary["scores"] is None, "The run has no scores of samples (05_scores.tsv)."),
    }
    return {name: text for name, (absent, text) in empty.items() if absent}
