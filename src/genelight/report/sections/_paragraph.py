"""A methods paragraph in the words of the run, to paste into a paper, with what it cites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._words import called, count, known, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

REFERENCES: dict[str, dict[str, str]] = {
    "dwivedi2020": {
        "author": "Dwivedi, Sanjiv K. and Tjärnberg, Andreas and Tegnér, Jesper and Gustafsson, Mika",
        "title": "Deriving disease modules from the compressed transcriptional space embedded in a deep autoencoder",
        "journal": "Nature Communications",
        "year": "2020",
        "volume": "11",
        "pages": "856",
        "doi": "10.1038/s41467-020-14666-6",
    },
    "smyth2004": {
        "author": "Smyth, Gordon K.",
        "title": "Linear models and empirical Bayes methods for assessing differential expression in microarray "
        "experiments",
        "journal": "Statistical Applications in Genetics and Molecular Biology",
        "year": "2004",
        "volume": "3",
        "pages": "3",
        "doi": "10.2202/1544-6115.1027",
    },
    "benjamini1995": {
        "author": "Benjamini, Yoav and Hochberg, Yosef",
        "title": "Controlling the false discovery rate: a practical and powerful approach to multiple testing",
        "journal": "Journal of the Royal Statistical Society B",
        "year": "1995",
        "volume": "57",
        "pages": "289--300",
        "doi": "10.1111/j.2517-6161.1995.tb02031.x",
    },
    "haufe2014": {
        "author": "Haufe, Stefan and others",
        "title": "On the interpretation of weight vectors of linear models in multivariate neuroimaging",
        "journal": "NeuroImage",
        "year": "2014",
        "volume": "87",
        "pages": "96--110",
        "doi": "10.1016/j.neuroimage.2013.10.067",
    },
    "blondel2008": {
        "author": "Blondel, Vincent D. and Guillaume, Jean-Loup and Lambiotte, Renaud and Lefebvre, Etienne",
        "title": "Fast unfolding of communities in large networks",
        "journal": "Journal of Statistical Mechanics",
        "year": "2008",
        "pages": "P10008",
        "doi": "10.1088/1742-5468/2008/10/P10008",
    },
}
"""By key, in BibTeX's fields."""


def paragraph(summary: Mapping[str, Any], *, study: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """The text, the works it cites in order, and the same for BibTeX.

    Written from what the sections gathered, the study file as it was resolved, and what the module says of itself.
    """
    cited: list[str] = []

    def cite(key: str) -> str:
        if key not in cited:
            cited.append(key)
        return f"[{cited.index(key) + 1}]"

    found = summary.get("methods", {}).get("versions", {})
    sentences = [
        *_data(summary, study),
        *_model(summary, study, cite=cite),
        *_module(summary, study, about=about, cite=cite),
        *_tests(summary, cite=cite),
        _software(found),
    ]
    works = [{"number": i, "key": key, **REFERENCES[key]} for i, key in enumerate(cited, 1)]
    return {
        "text": " ".join(sentences),
        "references": works,
        "bibtex": _bibtex(cited, version=found.get("genelight")),
    }


def _table(study: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = study.get(name, {})
    return found if isinstance(found, dict) else {}


def _data(summary: Mapping[str, Any], study: Mapping[str, Any]) -> list[str]:
    contrast = summary["contrast"]
    sides = contrast.get("cases"), contrast.get("controls")
    sentences = []
    if all(sides):
        named = [f"{count(s['samples'], 'sample')} of {count(s['subjects'], 'subject')}" for s in sides]
        sentences.append(f"Cases ({named[0]}) were compared with controls ({named[1]}).")
    genes = {row["what"]: row["value"] for row in (summary.get("account") or {}).get("genes", [])}
    words = called(summary)
    one, many = words["one"], words["many"]
    if known(kept := genes.get(f"{many} kept")):
        read = genes.get(f"{many} read")
        of = f" of {read:,} measured" if known(read) else ""
        scale = _table(study, "data").get("scale")
        on = f" on the {scale} scale" if scale else ""
        text = f"{words['Level']}{on} was standardised {one} by {one}; {kept:,} {many}"
        sentences.append(f"{text}{of} were kept.")
    return sentences


def _model(summary: Mapping[str, Any], study: Mapping[str, Any], *, cite: Any) -> list[str]:
    model = _table(study, "model")
    if reference := summary.get("reference"):
        given = reference["model"]
        of = f" ({given['samples']:,} samples of {given['studies']} studies)" if known(given["samples"]) else ""
        return [
            f"No model was trained on these samples; they were read through the model {given['name']}{of}, digest "
            f"{given['digest']}, each node of which was lit up to read the {called(summary)['many']} that it stands "
            f"for {cite('dwivedi2020')}."
        ]
    widths = model.get("widths")
    if not widths:
        return []
    shape = "-".join(str(w) for w in widths) if isinstance(widths, list) else str(widths)
    sentences = [
        f"An autoencoder with hidden layers of {shape} nodes (preset {model.get('preset', 'default')}, seed "
        f"{model.get('seed', 0)}) was trained without labels, and each hidden node was lit up to read the "
        f"{called(summary)['many']} that it stands for {cite('dwivedi2020')}."
    ]
    held_out = (summary.get("held_out") or {}).get("reconstruction")
    if held_out:
        sentences.append(
            f"On held-out subjects it reconstructed R² = {held_out['r2']:.3f} of {called(summary)['level']}, PCA of "
            f"the same width {held_out['pca_r2']:.3f}{_weighed(held_out)}."
        )
    refits = (summary.get("reproducibility") or {}).get("members")
    if refits:
        sentences.append(f"Nodes were matched with those of {refits} refits on bootstrapped subjects.")
    return sentences


def _weighed(held_out: Mapping[str, Any]) -> str:
    r2 = held_out.get("weighed_pca_r2")
    return f", PCA of samples weighed alike {r2:.3f}" if held_out.get("weighed") and known(r2) else ""


def _module(summary: Mapping[str, Any], study: Mapping[str, Any], *, about: Mapping[str, Any], cite: Any) -> list[str]:
    module = summary.get("module")
    if not module:
        return []
    layer = f" on layer {module['layer']}" if module["layer"] else ""
    how = cite("haufe2014") if module["method"] != "de" else cite("smyth2004")
    sentences = [
        f"{called(summary)['Many']} were scored by the derivation “{module['method']}”{layer} {how}; the "
        f"{module['size']} with the largest absolute score form the disease module."
    ]
    if about.get("paired"):
        sentences.append("Groups were compared within the subject.")
    if known(module["bootstraps"]):
        sentences.append(f"Selection frequencies rest on {module['bootstraps']} bootstraps of subjects.")
    if known(module["auc"]):
        folds = _table(study, "module").get("folds")
        over = f" in {folds} folds of subjects" if folds else ""
        p = module["auc_permutation_p"]
        shuffled = f", permutation p = {p:.2g}" if known(p) else ""
        sentences.append(f"The module's score was judged{over} (AUC {module['auc']:.2f}{shuffled}).")
    unit = called(summary)["change"].removeprefix("difference of ")
    scale = "on the log2 scale" if unit == "log2 fold change" else f"in units of {unit}"
    sentences.append(f"Fold changes and moderated t are of subjects' means {scale} {cite('smyth2004')}.")
    return sentences


def _tests(summary: Mapping[str, Any], *, cite: Any) -> list[str]:
    tests = (summary.get("methods") or {}).get("tests") or []
    if not tests:
        return []
    against = listed(list(dict.fromkeys(f"{t['collection']}" for t in tests)))
    sentences = [
        f"Nodes and module were tested against {against}; q values are adjusted for the false discovery rate "
        f"within each test and reference {cite('benjamini1995')}."
    ]
    if summary.get("module_network"):
        sentences.append(f"Parts of the module's network were found by Louvain's method {cite('blondel2008')}.")
    return sentences


def _software(versions: Mapping[str, str]) -> str:
    shown = [name for name in ("torch", "numpy", "scipy", "scikit-learn", "anndata") if name in versions]
    others = listed([f"{name} {versions[name].split('+')[0]}" for name in shown])
    own = versions.get("genelight", "")
    python = f" in Python {versions['python']}" if "python" in versions else ""
    return f"The analysis was done with genelight {own}{python}{f', {others}' if others else ''}."


def _bibtex(keys: list[str], *, version: str | None) -> str:
    """Entries for BibTeX, the software first."""
    software = {"author": "{The genelight developers}", "title": "genelight", "note": f"Version {version or 'unknown'}"}
    entries = [("misc", "genelight", software), *(("article", key, REFERENCES[key]) for key in keys)]
    return "\n\n".join(_entry(kind, key, fields) for kind, key, fields in entries) + "\n"


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])
