"""Names as people write them: gene sets, baselines."""

from __future__ import annotations

import re

__all__ = ["feature_words", "method_label", "reference_label", "set_label", "short_name"]

# First words that MSigDB puts before a set's own name, and words it writes in capitals that stay so.
_PREFIXES = {"REACTOME", "HALLMARK", "GOBP", "GOMF", "GOCC", "KEGG", "WP", "BIOCARTA", "PID", "HP"}
_KEPT = (
    "ABC AMPK ATP BCR CDC CDK CGMP CAMP DC DNA ECM EGFR ER ERBB FGFR GABA GPCR GTP I IFN IGF II III IV IL JAK MAPK MHC "
    "MTOR MYC NFKB NK NLR NOD PCP PDGF PKA PTEN RHO RNA ROS ROBO SLIT STAT STING TCA TCR TGF TLR TNF TNFA UV VEGF WNT"
)
_CAPITALS = frozenset(_KEPT.split())
_WORDS = {"MRNA": "mRNA", "RRNA": "rRNA", "TRNA": "tRNA", "NCRNA": "ncRNA", "GTPASE": "GTPase", "GTPASES": "GTPases"}
_METHODS = {
    "pca": "PCA",
    "pca weighed": "PCA weighed alike",
    "de": "differential expression",
    "random": "random genes",
    "variance": "variance alone",
    "auto": "genes and model together",
}

# What is measured: one, several, and what of them the values say.
_FEATURES = {
    "gene": ("gene", "genes", "expression"),
    "cell": ("gene", "genes", "expression"),
    "cpg": ("CpG", "CpGs", "methylation"),
    "protein": ("protein", "proteins", "abundance"),
    "metabolite": ("metabolite", "metabolites", "abundance"),
    "mirna": ("microRNA", "microRNAs", "expression"),
    "taxon": ("taxon", "taxa", "composition"),
}


def feature_words(kind: str = "gene", *, unit: str = "log2") -> dict[str, str]:
    """What a report calls the measured features and their values.

    Parameters
    ----------
    kind
        Kind of feature; of one that is not known here, *feature* is the word.
    unit
        Of values before standardising, as a preparation says it; of genes it is log2.

    Examples
    --------
    >>> from genelight.nouns.labels import feature_words
    >>> feature_words("cpg", unit="M value")["many"], feature_words()["change"]
    ('CpGs', 'log2 fold change')
    """
    one, many, level = _FEATURES.get(kind, ("feature", "features", "values"))
    words = {"one": one, "many": many, "level": level, "mean": f"mean {unit}", "change": f"difference of {unit}"}
    if unit == "log2":
        words |= {"mean": f"mean {level}, log2", "change": "log2 fold change"}
    return words | {
        name.capitalize(): f"{words[name][0].upper()}{words[name][1:]}" for name in ("one", "many", "level")
    }


def set_label(reference: str) -> tuple[str, str]:
    """Collection and readable name of a gene set, the collection without what follows a comma or a bracket.

    Names in capitals with underscores are lowered; words with a digit and common abbreviations stay as they are.

    Parameters
    ----------
    reference
        ``"collection: set"``; without a collection the first of the two is empty.

    Examples
    --------
    >>> from genelight.nouns.labels import set_label
    >>> set_label("Reactome: REACTOME_DDX58_IFIH1_MEDIATED_INDUCTION_OF_INTERFERON_ALPHA_BETA")
    ('Reactome', 'DDX58 IFIH1 mediated induction of interferon alpha beta')
    >>> set_label("Blood cells (2015): B cell (naive)")
    ('Blood cells', 'B cell (naive)')
    """
    collection, colon, name = reference.partition(": ")
    collection, name = (short_name(collection), name) if colon else ("", reference)
    if name != name.upper() or "_" not in name:
        return collection, name
    words = name.split("_")
    if len(words) > 1 and (words[0] in _PREFIXES or words[0].lower() == collection.lower()):
        words = words[1:]
    text = " ".join(_word(w) for w in words if w)
    return collection, text[:1].upper() + text[1:] if text[:1].islower() and text[1:2].islower() else text


def _word(word: str) -> str:
    if word in _WORDS:
        return _WORDS[word]
    return word if word in _CAPITALS or re.search(r"\d", word) else word.lower()


def short_name(name: str) -> str:
    """A reference's name up to the first comma or bracket: ``"STRING v12 physical"``.

    Examples
    --------
    >>> from genelight.nouns.labels import short_name
    >>> short_name("STRING v12 physical, score >= 900 (CC BY 4.0)")
    'STRING v12 physical'
    """
    return re.split(r"\s*[,(]", name, maxsplit=1)[0] or name


def reference_label(reference: str) -> str:
    """A gene set or network as a sentence has it: ``"Interferon signaling (Reactome)"``.

    Examples
    --------
    >>> from genelight.nouns.labels import reference_label
    >>> reference_label("Reactome, 1615 pathways (CC BY 4.0): REACTOME_INTERFERON_SIGNALING")
    'Interferon signaling (Reactome)'
    """
    group, name = set_label(reference)
    return f"{name} ({group})" if group else short_name(name)


def method_label(method: str) -> str:
    """A method's name in a sentence: ``"de"`` is ``"differential expression"``, others stay."""
    return _METHODS.get(method, method)
