"""Five sentences that a reader takes home, written from the summary's numbers alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...pl import method_label
from .._evidence import SIGNIFICANT, leading_node
from .._words import interval, known, listed, number, percent, tail

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["findings"]

BASELINES = ("pca", "de")
TIE = 0.005
"""Largest difference in AUC that counts as none."""
NO_MODULE = "The run has no disease module, so "


def findings(summary: Mapping[str, Any]) -> list[str]:
    """Exactly five: lead genes, node and layer, pathway, reconstruction, certainty."""
    module, held_out = summary.get("module"), summary.get("held_out") or {}
    return [
        _lead_genes(module),
        _leading_node(summary.get("nodes") or [], module),
        _best_pathway(module),
        _reconstruction(held_out.get("reconstruction")),
        _certainty(module, held_out),
    ]


def _lead_genes(module: Mapping[str, Any] | None) -> str:
    if module is None:
        return NO_MODULE + "no genes lead it."
    up = [g for g in module["genes"] if g["score"] > 0]
    down = [g for g in module["genes"] if g["score"] <= 0]
    first, side, second, other = (up, "up", down, "down") if up else (down, "down", up, "up")
    bootstrapped = any(known(g["frequency"]) for g in first[:5])
    clauses = [f"{_named(first[:5])} lead the {len(first)} genes of the module that are {side} in cases"]
    clauses += [f"{_named(second[:1])} leads the {len(second)} that are {other}"] if second else []
    clauses += ["in brackets, how often subject bootstraps select the gene"] if bootstrapped else []
    return "; ".join(clauses) + "."


def _named(genes: list[Mapping[str, Any]]) -> str:
    return listed([f"{g['gene']} ({percent(g['frequency'])})" if known(g["frequency"]) else g["gene"] for g in genes])


def _leading_node(nodes: list[Mapping[str, Any]], module: Mapping[str, Any] | None) -> str:
    node = leading_node(nodes)
    if node is None:
        return "The run has no table of node activity, so no node can be named."
    side = "above" if node["effect"] >= 0 else "below"
    distance = f"cases lie {number(abs(node['effect']))} standard deviations {side} controls on it"
    distance += f" (q = {tail(node['q'])})" if known(node["q"]) else ""
    distance += _comes_back(node)
    if not known(node["share"]):
        return f"Node {node['node']} of layer {node['layer']} differs most between cases and controls: {distance}."
    what = "Layer {} carries {}, and in it node {} the most: it holds {} of the module's projection, and {}."
    name = "the module" if module else "the difference"
    return what.format(node["layer"], name, node["node"], percent(node["share"]), distance)


def _comes_back(node: Mapping[str, Any]) -> str:
    """In how many other trainings the node is found again."""
    if not known(node["of_trainings"]):
        return ""
    clause = f"; {node['trainings']} of {node['of_trainings']} other trainings have such a node"
    q = node["reproducibility_q"]
    return clause if known(q) and q <= SIGNIFICANT else f"{clause}, which is no more than chance (q = {tail(q)})"


def _best_pathway(module: Mapping[str, Any] | None) -> str:
    if module is None:
        return NO_MODULE + "no pathway can be named."
    if not module["pathways"]:
        return "The module was not tested against gene sets, so no pathway can be named."
    top = module["pathways"][0]
    figures = []
    if known(top["overlap"]):
        expected = f", {number(top['expected'], 1)} expected by chance" if known(top["expected"]) else ""
        figures.append(f"{top['overlap']:.0f} of the module's {module['size']} genes{expected}")
    figures.append(f"q = {tail(top['q'])}")
    name = f"{top['name']} ({top['collection']})" if top["collection"] else top["name"]
    if known(top["q"]) and top["q"] <= SIGNIFICANT:
        return f"Its best pathway is {name}: {'; '.join(figures)}."
    return f"No pathway passes a q of {SIGNIFICANT}; the nearest is {name}: {'; '.join(figures)}."


def _reconstruction(figures: Mapping[str, Any] | None) -> str:
    if not figures:
        return "The model was not tested on held-out subjects, so its reconstruction cannot be set against PCA."
    verdict = {"better": "better than", "worse": "worse than", "equal": "neither better nor worse than"}
    width = f" of the same width ({figures['pca_width']})" if known(figures["pca_width"]) else ""
    ends = interval(figures["difference_interval"], 3)
    certain = f"95% interval {ends}" if ends else "no interval was computed"
    return (
        f"On held-out subjects the model reconstructs expression {verdict[figures['verdict']]} PCA{width}: "
        f"R² {number(figures['r2'], 3)} against {number(figures['pca_r2'], 3)}, "
        f"a difference of {number(figures['difference'], 3)} ({certain})."
    )


def _certainty(module: Mapping[str, Any] | None, held_out: Mapping[str, Any]) -> str:
    if module is None:
        return NO_MODULE + "there is nothing to be sure of."
    clauses = [_auc(module, held_out)] if known(module["auc"]) else []
    again = _own_mean(held_out, "replication")
    if known(again):
        means = _baseline_means(held_out, "replication")
        others = ", ".join(f"{method_label(m)} {number(value)}" for m, value in means.items())
        clause = f"its gene scores replicate in them at a rank correlation of {number(again)}"
        clauses.append(f"{clause} ({others})" if others else clause)
    if known(module["stable"]):
        clauses.append(f"{module['stable']} of {module['size']} genes are in at least 90% of subject bootstraps")
    if not clauses:
        return "No held-out figure and no bootstrap was computed, so how sure the module is cannot be said."
    sentence = "; ".join(clauses)
    return sentence[0].upper() + sentence[1:] + "."


def _auc(module: Mapping[str, Any], held_out: Mapping[str, Any]) -> str:
    """The AUC over all held-out subjects together, beside the baselines' over the same subjects."""
    bounds = [f"95% interval {interval(module['auc_interval'])}"] if interval(module["auc_interval"]) else []
    p = module["auc_permutation_p"]
    bounds += [f"permutation p = {tail(p)}"] if known(p) else []
    clause = f"on unseen subjects the module tells cases from controls with an AUC of {number(module['auc'])}"
    clause += f" ({', '.join(bounds)})" if bounds else ""
    pooled = {m: auc for m, auc in module["auc_by_method"].items() if m in BASELINES and known(auc)}
    if pooled:
        return clause + _compared(module["auc"], pooled)
    # Baselines are known fold by fold alone, and a mean over folds is no AUC over all.
    by_fold = _own_mean(held_out, "auc")
    if known(by_fold) and number(by_fold) != number(module["auc"]):
        clause += f"; averaged over folds it reaches {number(by_fold)}"
    return clause + (_compared(by_fold, _baseline_means(held_out, "auc")) if known(by_fold) else "")


def _own_mean(held_out: Mapping[str, Any], metric: str) -> float | None:
    rows = [r for r in held_out.get("methods", ()) if r["own"] and r["metric"] == metric]
    return rows[0]["mean"] if rows else None


def _baseline_means(held_out: Mapping[str, Any], metric: str) -> dict[str, float]:
    rows = held_out.get("methods", ())
    return {r["method"]: r["mean"] for r in rows if r["method"] in BASELINES and r["metric"] == metric}


def _compared(own: float, others: Mapping[str, float]) -> str:
    """Which of the others are beaten; those within half a hundredth, or alike to two decimals, do as well."""
    named: dict[str, list[str]] = {"less": [], "as well": [], "better": []}
    for method, value in sorted(others.items(), key=lambda pair: -pair[1]):
        alike = abs(value - own) <= TIE or number(value) == number(own)
        standing = "as well" if alike else "better" if value > own else "less"
        named[standing].append(f"{method_label(method)} ({number(value)})")
    beaten = named.pop("less")
    unbeaten = [f"{listed(n)}, which {'does' if len(n) == 1 else 'do'} {how}" for how, n in named.items() if n]
    parts = [f"better than {listed(beaten)}"] if beaten else []
    parts += [f"no better than {', and '.join(unbeaten)}"] if unbeaten else []
    return ", " + " but ".join(parts) if parts else ""
