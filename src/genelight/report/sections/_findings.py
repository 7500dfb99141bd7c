"""Five sentences that a reader takes home, written from the summary's numbers alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...nouns.labels import method_label
from .._evidence import SIGNIFICANT, leading_node
from .._words import called, interval, known, listed, number, percent, tail

if TYPE_CHECKING:
    from collections.abc import Mapping

BASELINES = ("pca", "de", "variance")
"""What a module stands beside; the last sees no labels, and is named where it does as well."""
NO_MODULE = "The run has no disease module, so "


def findings(summary: Mapping[str, Any]) -> list[str]:
    """Exactly five: lead genes, node and layer, pathway, reconstruction, certainty."""
    module, held_out = summary.get("module"), summary.get("held_out") or {}
    unseen = (summary.get("contrast") or {}).get("units") or "subjects"
    words = called(summary)
    return [
        _lead_genes(module, unseen, words),
        _leading_node(summary.get("nodes") or []),
        _best_pathway(module, words),
        _through(summary["reference"])
        if summary.get("reference")
        else _reconstruction(held_out.get("reconstruction"), unseen, level=words["level"]),
        _certainty(module, held_out, unseen=unseen, words=words),
    ]


def _told(module: Mapping[str, Any]) -> bool | None:
    """Whether the module tells unseen cases from controls beyond chance: by its p, else its interval; None unknown."""
    if known(module["auc_permutation_p"]):
        return bool(module["auc_permutation_p"] <= SIGNIFICANT)
    ends = module["auc_interval"]
    return bool(ends[0] > 0.5) if interval(ends) else None


def _lead_genes(module: Mapping[str, Any] | None, unseen: str, words: Mapping[str, str]) -> str:
    one, many = words["one"], words["many"]
    if module is None:
        return NO_MODULE + f"no {many} lead it."
    up = [g for g in module["genes"] if g["score"] > 0]
    down = [g for g in module["genes"] if g["score"] <= 0]
    first, side, second, other = (up, "up", down, "down") if up else (down, "down", up, "up")
    bootstrapped = any(known(g["frequency"]) for g in first[:5])
    if _told(module) is False:
        clauses = [
            f"The module does not tell unseen {unseen} apart beyond chance, so its {many} are no finding",
            f"highest in rank are {_named(module['genes'][:5])}",
        ]
    else:
        clauses = [f"{_named(first[:5])} lead the {len(first)} {many} of the module that are {side} in cases"]
        clauses += [f"{_named(second[:1])} leads the {len(second)} that are {other}"] if second else []
    clauses += [f"in brackets, how often subject bootstraps select the {one}"] if bootstrapped else []
    return "; ".join(clauses) + "."


def _named(genes: list[Mapping[str, Any]]) -> str:
    return listed([f"{g['gene']} ({percent(g['frequency'])})" if known(g["frequency"]) else g["gene"] for g in genes])


def _leading_node(nodes: list[Mapping[str, Any]]) -> str:
    node = leading_node(nodes)
    if node is None:
        return "The run has no table of node activity, so no node can be named."
    side = "above" if node["effect"] >= 0 else "below"
    distance = f"cases lie {number(abs(node['effect']))} standard deviations {side} controls on it"
    which = f"node {node['node']} of layer {node['layer']}"
    holds = f"holds {percent(node['share'])} of the module's projection, the most of its layer"
    share = holds if known(node["share"]) else ""
    returns = _comes_back(node)
    if known(node["q"]) and node["q"] > SIGNIFICANT:
        also = f"{which} {share}" if share else f"the nearest is {which}"
        return f"No node is shown to differ between cases and controls; {also}, with q = {tail(node['q'])}{returns}."
    certain = f"q = {tail(node['q'])}" if known(node["q"]) else "untested"
    says = f"{share}; " if share else "differs most between cases and controls: "
    return f"N{which[1:]} {says}{distance} ({certain}){returns}."


def _comes_back(node: Mapping[str, Any]) -> str:
    """In how many other trainings the node is found again."""
    if not known(node["of_trainings"]):
        return ""
    clause = f"; {node['trainings']} of {node['of_trainings']} other trainings have such a node"
    q = node["reproducibility_q"]
    return clause if known(q) and q <= SIGNIFICANT else f"{clause}, which is no more than chance (q = {tail(q)})"


def _best_pathway(module: Mapping[str, Any] | None, words: Mapping[str, str]) -> str:
    if module is None:
        return NO_MODULE + "no pathway can be named."
    if not module["pathways"]:
        return "The module was not tested against gene sets, so no pathway can be named."
    top = module["pathways"][0]
    figures = []
    if known(top["overlap"]):
        expected = f", {number(top['expected'], 1)} expected by chance" if known(top["expected"]) else ""
        of = f"the module's {module['size']} genes"
        if known(module.get("led")):
            of = f"{module['led']} genes that the module's {words['many']} lead to"
        figures.append(f"{top['overlap']:.0f} of {of}{expected}")
    figures.append(f"q = {tail(top['q'])}")
    name = f"{top['name']} ({top['collection']})" if top["collection"] else top["name"]
    if known(top["q"]) and top["q"] <= SIGNIFICANT:
        return f"Its best pathway is {name}: {'; '.join(figures)}."
    return f"No pathway passes a q of {SIGNIFICANT}; the nearest is {name}: {'; '.join(figures)}."


def _through(reference: Mapping[str, Any]) -> str:
    """What was read through a model of other samples, in place of one of their own."""
    model, verdict = reference["model"], reference["verdict"]
    of = f", of {model['samples']:,} other samples" if known(model["samples"]) else ""
    return (
        f"Read through the model {model['name']}{of}: {reference['fit']['says']}; {percent(verdict['on_axes'])} of the "
        f"change lies along its axes, and the sign of {verdict['sure']:,} genes is sure."
    )


def _reconstruction(figures: Mapping[str, Any] | None, unseen: str, *, level: str) -> str:
    if not figures:
        return f"The model was not tested on held-out {unseen}, so its reconstruction cannot be set against PCA."
    verdict = {"better": "better than", "worse": "worse than"}
    width = f" of the same width ({figures['pca_width']})" if known(figures["pca_width"]) else ""
    ends = interval(figures["difference_interval"], 3)
    certain = f"95% interval {ends}" if ends else "no interval was computed, so which is better is not shown"
    says = verdict.get(figures["verdict"], "neither better nor worse than") if ends else "as measured beside"
    return (
        f"On held-out {unseen} the model reconstructs {level} {says} PCA{width}: "
        f"R² {number(figures['r2'], 3)} against {number(figures['pca_r2'], 3)}, "
        f"a difference of {number(figures['difference'], 3)} ({certain}){_weighed(figures)}."
    )


def _weighed(figures: Mapping[str, Any]) -> str:
    """What is left of the gain beside PCA of samples weighed alike: what the network itself adds."""
    if not figures.get("weighed"):
        return ""
    r2, ends = figures.get("weighed_pca_r2"), interval(figures.get("weighed_difference_interval"), 3)
    if not known(r2) or not ends:
        return "; the model weighs samples before axes are sought, which this PCA does without"
    says = {"better": "which the model is better than", "worse": "which is better than the model"}
    said = says.get(figures["weighed_verdict"], "beside which the model is neither better nor worse")
    apart = f"by {number(figures['weighed_difference'], 3)}, 95% interval {ends}"
    return f"; PCA of samples weighed as the model weighs them has {number(r2, 3)}, {said} ({apart})"


def _certainty(
    module: Mapping[str, Any] | None, held_out: Mapping[str, Any], *, unseen: str, words: Mapping[str, str]
) -> str:
    if module is None:
        return NO_MODULE + "there is nothing to be sure of."
    clauses = [_auc(module, unseen)] if known(module["auc"]) else []
    agreement = _own_mean(held_out, "replication")
    if known(agreement):
        means = _baseline_means(held_out, "replication")
        others = ", ".join(f"{method_label(m)} {number(value)}" for m, value in means.items())
        clause = f"its {words['one']} scores have a rank correlation of {number(agreement)} with theirs"
        clauses.append(f"{clause} ({others})" if others else clause)
    if known(module["stable"]):
        many = words["many"]
        clauses.append(f"{module['stable']} of {module['size']} {many} are in at least 90% of subject bootstraps")
    if not clauses:
        return "No held-out figure and no bootstrap was computed, so how sure the module is cannot be said."
    sentence = "; ".join(clauses)
    return sentence[0].upper() + sentence[1:] + "."


def _auc(module: Mapping[str, Any], unseen: str) -> str:
    """The AUC over all held-out subjects together with its own p, beside the baselines' over the same subjects."""
    p = module["auc_permutation_p"]
    bounds = [f"95% interval {interval(module['auc_interval'])}"] if interval(module["auc_interval"]) else []
    bounds += [f"permutation p = {tail(p)}"] if known(p) else ["no permutation p was computed"]
    told, value = _told(module), f"an AUC of {number(module['auc'])}"
    clause = f"on unseen {unseen} the module tells cases from controls with {value}"
    if told is False:
        clause = f"on unseen {unseen} the module is not shown to tell cases from controls: {value}"
    elif told is None:
        clause = f"on unseen {unseen} the module has {value}, not tested against chance"
    others = {m: f for m, f in module["auc_by_method"].items() if m in BASELINES and known(f.get("auc"))}
    return f"{clause} ({', '.join(bounds)}){_compared(others, told=told)}"


def _own_mean(held_out: Mapping[str, Any], metric: str) -> float | None:
    rows = [r for r in held_out.get("methods", ()) if r["own"] and r["metric"] == metric]
    return rows[0]["mean"] if rows else None


def _baseline_means(held_out: Mapping[str, Any], metric: str) -> dict[str, float]:
    rows = held_out.get("methods", ())
    return {r["method"]: r["mean"] for r in rows if r["method"] in BASELINES and r["metric"] == metric}


def _compared(others: Mapping[str, Mapping[str, Any]], *, told: bool | None) -> str:
    """Which baselines are beaten: those whose paired interval of the difference lies above zero, no other."""
    named: dict[str, list[str]] = {"less": [], "more": [], "alike": [], "untested": []}
    for method, found in sorted(others.items(), key=lambda pair: -pair[1]["auc"]):
        low, high = found.get("difference_low"), found.get("difference_high")
        standing = "untested"
        if known(low) and known(high):
            standing = "less" if low > 0 else "more" if high < 0 else "alike"
        named[standing].append(f"{method_label(method)} ({number(found['auc'])})")
    parts = [f"better than {listed(named['less'])}"] if named["less"] and told else []
    parts += [f"above {listed(named['less'])}"] if named["less"] and not told else []
    parts += [f"worse than {listed(named['more'])}"] if named["more"] else []
    parts += [f"not shown to be better than {listed(named['alike'])}"] if named["alike"] else []
    parts += [f"beside {listed(named['untested'])}, the differences untested"] if named["untested"] else []
    return ", " + ", ".join(parts) if parts else ""
