"""What a methods paragraph cites."""

from __future__ import annotations

__all__ = ["REFERENCES", "bibtex"]

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


def bibtex(keys: list[str], *, version: str | None) -> str:
    """Entries for BibTeX, the software first."""
    software = {"author": "{The genelight developers}", "title": "genelight", "note": f"Version {version or 'unknown'}"}
    entries = [("misc", "genelight", software), *(("article", key, REFERENCES[key]) for key in keys)]
    return "\n\n".join(_entry(kind, key, fields) for kind, key, fields in entries) + "\n"


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])
