"""Public data that genelight knows where to find: what it is, its version, its terms, and its files.

The addresses follow each provider's published layout. None was reached from the machine that genelight is tested
on, which has no network; ``docs/downloads.md`` says so, and what to do where one has moved.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import UnknownNameError

__all__ = ["PATTERNS", "SOURCES", "Remote", "Source", "find_source"]


@dataclass(frozen=True)
class Remote:
    """One file of a source.

    Attributes
    ----------
    url
        Where its provider has it.
    name
        What it is called in the cache.
    sha256
        Pinned checksum; None where it is recorded at first use.
    """

    url: str
    name: str
    sha256: str | None = None


@dataclass(frozen=True)
class Source:
    """Data of one provider in one version.

    Attributes
    ----------
    version
        As the provider counts; ``"current"`` where its address gives the newest, whatever that is.
    licence
        Terms as the provider states them; read them before you publish or share.
    size
        Roughly, where it is large enough to think twice.
    """

    name: str
    what: str
    version: str
    licence: str
    files: tuple[Remote, ...]
    size: str = ""


_EBI = "EMBL-EBI terms of use, https://www.ebi.ac.uk/about/terms-of-use"
_GEO_TERMS = "no restrictions by NCBI; the submitter's may apply, see the series' page"
_GTEX = "https://storage.googleapis.com/adult-gtex"
_STRING = "https://stringdb-downloads.org/download"
_GENCODE = "https://ftp.ebi.ac.uk/pub/databases/gencode/Gencode_human"
_BIOSTUDIES = "https://www.ebi.ac.uk/biostudies/files"
_RECOUNT = "https://recount-opendata.s3.amazonaws.com/recount3/release/human/data_sources"


def _files(*urls: str) -> tuple[Remote, ...]:
    return tuple(Remote(url, url.rsplit("/", 1)[1]) for url in urls)


def _string(version: str) -> tuple[Remote, ...]:
    kinds = ("protein.links", "protein.physical.links", "protein.info")
    return _files(*(f"{_STRING}/{kind}.v{version}/9606.{kind}.v{version}.txt.gz" for kind in kinds))


_ALL = (
    Source(
        "E-MTAB-3732",
        "27,887 HG-U133 Plus 2 arrays, the compendium of Dwivedi et al. 2020",
        "ArrayExpress",
        _EBI,
        _files(
            f"{_BIOSTUDIES}/E-MTAB-3732/E-MTAB-3732.processed.1.zip",
            f"{_BIOSTUDIES}/E-MTAB-3732/E-MTAB-3732.sdrf.txt",
        ),
        "several GB",
    ),
    Source(
        "gtex",
        "17,382 samples of 54 tissues, TPM per gene (GCT)",
        "v8",
        "open access; cite the GTEx Consortium, https://gtexportal.org/home/license",
        _files(
            f"{_GTEX}/bulk-gex/v8/rna-seq/GTEx_Analysis_2017-06-05_v8_RNASeQCv1.1.9_gene_tpm.gct.gz",
            f"{_GTEX}/annotations/v8/metadata-files/GTEx_Analysis_v8_Annotations_SampleAttributesDS.txt",
        ),
        "about 1.6 GB",
    ),
    Source(
        "archs4",
        "human RNA-seq of GEO and SRA, counts per gene (HDF5)",
        "v2.5",
        "terms at https://archs4.org",
        _files("https://s3.dev.maayanlab.cloud/archs4/files/human_gene_v2.5.h5"),
        "about 48 GB",
    ),
    Source(
        "string", "human protein interactions, all and physical", "12.0", "CC BY 4.0", _string("12.0"), "about 90 MB"
    ),
    Source(
        "gwas-catalog",
        "associations of genes and variants with traits",
        "current",
        f"CC0 1.0 where not marked otherwise; {_EBI}",
        (Remote("https://www.ebi.ac.uk/gwas/api/search/downloads/alternative", "gwas_catalog_associations.tsv"),),
    ),
    Source(
        "reactome",
        "pathways as gene sets (GMT in a zip archive)",
        "current",
        "CC0 1.0",
        _files("https://reactome.org/download/current/ReactomePathways.gmt.zip"),
    ),
    Source(
        "gencode",
        "genes and transcripts of the human reference (GTF)",
        "49",
        _EBI,
        _files(f"{_GENCODE}/release_49/gencode.v49.annotation.gtf.gz"),
        "about 80 MB",
    ),
)

SOURCES: dict[str, Source] = {source.name: source for source in _ALL}


def _geo(series: str, platform: str | None) -> Source:
    """A GEO series by accession: ``GSE30550``; of several platforms, one: ``GSE30550-GPL570``."""
    number = series.removeprefix("GSE")
    folder = f"https://ftp.ncbi.nlm.nih.gov/geo/series/GSE{number[:-3]}nnn/{series}/matrix"
    name = f"{series}{f'-{platform}' if platform else ''}"
    what = "GEO series matrix: expression and sample characteristics"
    return Source(name, what, "as deposited", _GEO_TERMS, _files(f"{folder}/{name}_series_matrix.txt.gz"))


def _platform(platform: str) -> Source:
    """What GEO's curators say of a platform's probes: ``GPL570``."""
    number = platform.removeprefix("GPL")
    folder = f"https://ftp.ncbi.nlm.nih.gov/geo/platforms/GPL{number[:-3]}nnn/{platform}/annot"
    what = "GEO platform: the genes of its probes"
    return Source(platform, what, "current", "no restrictions by NCBI", _files(f"{folder}/{platform}.annot.gz"))


def _recount3(collection: str, project: str) -> Source:
    """A recount3 project: ``recount3:sra/SRP009615``, ``recount3:gtex/BLOOD``, ``recount3:tcga/BRCA``."""
    counts = f"{_RECOUNT}/{collection}/gene_sums/{project[-2:]}/{project}/{collection}.gene_sums.{project}.G026.gz"
    samples = f"{_RECOUNT}/{collection}/metadata/{project[-2:]}/{project}/{collection}.recount_project.{project}.MD.gz"
    name = f"recount3:{collection}/{project}"
    what = "recount3: base counts per gene of GENCODE 26, and its samples"
    return Source(name, what, "recount3, G026", "as deposited; see https://rna.recount.bio", _files(counts, samples))


PATTERNS: dict[str, tuple[str, Callable[..., Source]]] = {
    "GSE30550, or GSE30550-GPL9188 of several platforms": (r"(GSE\d+)(?:-(GPL\d+))?", _geo),
    "GPL570, a GEO platform that has an annotation file": (r"(GPL\d+)", _platform),
    "recount3:sra/SRP009615, recount3:gtex/BLOOD, recount3:tcga/BRCA": (
        r"recount3:(sra|gtex|tcga)/(\w{3,})",
        _recount3,
    ),
}


def find_source(name: str) -> Source:
    """The source of a name, an accession among them.

    Raises
    ------
    UnknownNameError
        If there is none; says which may have been meant.

    Examples
    --------
    >>> find_source("GSE30550").files[0].url
    'https://ftp.ncbi.nlm.nih.gov/geo/series/GSE30nnn/GSE30550/matrix/GSE30550_series_matrix.txt.gz'
    """
    if name in SOURCES:
        return SOURCES[name]
    for pattern, make in PATTERNS.values():
        if match := re.fullmatch(pattern, name):
            return make(*match.groups())
    raise UnknownNameError("source", name, [*SOURCES, *PATTERNS])
