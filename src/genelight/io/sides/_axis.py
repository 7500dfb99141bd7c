"""Which names along one side of a table are ids of the kind that the others are, and which describe something else.

No list of clinical words: a name is judged by the other names, by the shipped table of genes, and where that does not
tell, by whether its values are like the others'.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from string import ascii_lowercase, ascii_uppercase, digits

import numpy as np
import pandas as pd

from ..id_kinds import ID_KINDS, looks_like

# How sure it is that a name is an id as the others are: certainly none, a word in capitals, perhaps, certainly.
NO_ID, WORD, DOUBTFUL, SURE = 0, 1, 2, 3
# What a side of symbols is of, in words.
SYMBOLS = "gene symbols"
# Kinds of id that nothing but a gene has.
SURE_KINDS = frozenset(ID_KINDS) - {"symbol", "entrez", "unknown"}
_LEAST_SYMBOLS, _ENOUGH_SYMBOLS, _LEAST_SHAPE, _FEWEST = 0.3, 10, 0.7, 5
# Clones, loci and reading frames that have no symbol; those of mouse and what R makes of repeated names among them.
_LOCUS = re.compile(
    r"(LOC\d+|(Hs|HS|Mm|MM|Rn)\.\d+|C[\dXY]+(orf|ORF)\d+\w*|[A-Z]{2}\d{6}\.\d+|"
    r"RP[A-Z]?\d*-\S+|CT[ABCD]-\S+|X+[a-z\d]*-\S+|GS1-\S+|KB-\S+|"
    r"(FLJ|KIAA|DKFZ|MGC|HSPC|LINC|MIR|SNOR|RNU|hsa-|mmu-|tRNA|TRN|OTTHUM)\S*\d\S*|\?|Gm\d+|\d{7}[A-Z]\d{2}Rik|"
    r"X?\d{1,2}[-. ](Mar|Sep|Dec|Oct|Nov|Apr|Feb)([.-]\d+)?|(Mar|Sep|Dec)[-. ]\d{1,2}|\d{4}-\d\d-\d\d.*|"
    r"ERCC-\d{5}|AFFX-\S+|Septin[ .]\d+|Selenoprotein([ .]\w+)?|MT-[A-Z]\w+|\d+(_\d+)?S_rRNA|7SK|Y_RNA|Metazoa_SRP|"
    r"Telomerase-vert|Vault|sno(Z|U|R|MBII-)?\w*\d+)$"
)
_SHAPED = re.compile(r"[A-Z][A-Z0-9]*\d[A-Z0-9]*([.-][A-Z0-9]+)*$")
_DIGIT = re.compile(r"\d")
# Digits, capitals and small letters, each run of them by one.
_SHAPES = str.maketrans(digits + ascii_uppercase + ascii_lowercase, "9" * 10 + "A" * 26 + "a" * 26)
_RUNS = re.compile(r"([9Aa])\1+")
_COPY = re.compile(r"[._]\d{1,2}$")
# What parts the genes of a probe that meets several.
BETWEEN_GENES = re.compile(r"\s*(?:///|//|[;,])\s*")
_SUMS = re.compile(
    r"(__\w+|N_(unmapped|multimapping|noFeature|ambiguous)|(__)?(no_feature|not_aligned|alignment_not_unique|"
    r"too_low_aQual|ambiguous)|Unassigned_\w+|ERCC-\d{5})$",
    re.IGNORECASE,
)
# Columns that programs write beside counts: featureCounts, RSEM, Salmon, Kallisto.
OF_PROGRAMS = re.compile(r"chr|chrom|chromosome|start|end|strand|(effective_?|eff_)?length", re.IGNORECASE | re.ASCII)
_ACCESSION = re.compile(r"(GSM\d+|[SED]RR\d{4,}|TCGA-\S+|GTEX-\S+|SAM[NED]A?\d+)", re.IGNORECASE)
_FEW_ROWS, _FEW_COLUMNS, _REFERENCE, _SOME = 3, 4, 200, 2000


def is_sum(name: str) -> bool:
    """Whether a name is that of reads that no gene got (HTSeq, STAR, featureCounts), or of a spike-in (ERCC)."""
    return bool(_SUMS.match(name))


@dataclass(frozen=True)
class Kin:
    """How sure each name along a side is an id as the others are.

    Attributes
    ----------
    kind
        What the others are, in words.
    level
        For each name one of ``NO_ID``, ``WORD``, ``DOUBTFUL``, ``SURE``; int8.
    share
        Of the names, those that are certainly ids.
    """

    kind: str
    level: np.ndarray
    share: float


def gene_kin(names: Sequence[str]) -> Kin | None:
    """Names along a side on which genes are; None where they are not enough alike to say what is none."""
    return _gene_kin(tuple(names))


@lru_cache(8)  # the names of one table are asked about several times
def _gene_kin(names: tuple[str, ...]) -> Kin | None:
    if len(names) < _FEW_COLUMNS:
        return None
    kinds = looks_like(names)
    kind, count = Counter(kinds).most_common(1)[0]
    if kind in SURE_KINDS and count >= 0.5 * len(names):
        family = {kind, "affymetrix"} if kind in ("gpl570", "hgu133a", "affymetrix") else {kind}
        fits = np.array([k in family for k in kinds]) | _symbols(names) | _loci(names)
        return Kin(kind, np.where(fits, SURE, NO_ID).astype(np.int8), float(fits.mean()))
    symbols = _symbol_kin(names)
    if symbols is not None and symbols.share >= _LEAST_SYMBOLS:
        return symbols
    return _shape_kin(names) or symbols  # of names that are numbered alike some are a gene's by chance


def sample_kin(names: Sequence[str], *, voting: Sequence[int] | None = None) -> Kin | None:
    """Names along a side on which samples are: where nearly all carry a number, one that does not is no sample.

    Those at the positions `voting` may be samples, by default all: columns of text are none.
    """
    voters = list(range(len(names))) if voting is None else list(voting)
    written = np.array([bool(OF_PROGRAMS.fullmatch(name)) for name in names], bool)
    accession = np.array([bool(_ACCESSION.match(name)) for name in names], bool)
    numbered = np.array([bool(_DIGIT.search(name)) for name in names], bool)
    level = np.full(len(names), SURE, np.int8)
    level[written] = NO_ID
    sure = numbered[voters] & ~written[voters]
    others = [i for i in range(len(names)) if not numbered[i]]
    shapes = Counter(_shape(names[i]) for i in voters)
    lone = [i for i in voters if shapes[_shape(names[i])] == 1]
    if len(lone) > 0.25 * len(voters) or len(voters) <= _FEW_COLUMNS:
        lone = []
    if accession[voters].sum() > 1 and accession[voters].mean() >= 0.3:
        level[others] = NO_ID
    elif sure.sum() >= _FEW_COLUMNS and sure.mean() >= 0.7:
        level[others] = NO_ID if sure.mean() >= 0.9 or len(voters) - sure.sum() <= _FEW_COLUMNS else DOUBTFUL
    elif sure.sum() > 1 and sure.mean() >= 0.5:
        level[others] = DOUBTFUL
    elif written.all() or not (written.any() or lone):
        return None
    level[[i for i in lone if level[i] == SURE]] = DOUBTFUL
    level[written] = NO_ID
    return Kin("sample names with a number", level, float((level == SURE).mean()))


def unlike(values_rc: np.ndarray, columns: Iterable[int], others: Iterable[int]) -> np.ndarray:
    """Which columns hold values of another sort than the others: whole or not, below zero or not, far above.

    Of the others, which are certainly what they are, up to 200 are looked at.
    """
    columns, others = list(columns), list(others)
    some = others[:: max(1, len(others) // _REFERENCE)]
    if len(some) < _FEW_COLUMNS or len(values_rc) < _FEW_ROWS:
        return np.zeros(len(columns), bool)
    v = values_rc[:, some]
    there = np.isfinite(v)
    whole = ((v == np.round(v)) | ~there).all(0)
    low, high = np.min(v, where=there, initial=np.inf), np.max(v, where=there, initial=-np.inf)
    found = []
    for column in columns:
        x = values_rc[:, column]
        x = x[np.isfinite(x)]
        if len(x) < _FEW_ROWS:
            found.append(False)
            continue
        is_whole = bool((x == np.round(x)).all())
        odd = (is_whole and whole.mean() <= 0.01 and x.any()) or (not is_whole and whole.mean() >= 0.99)
        found.append(bool(odd or (x.min() < 0 <= low) or x.max() > 3 * abs(high)))
    return np.array(found, bool)


def knows_none(names: Sequence[str]) -> bool:
    """Whether no name is a gene's by the shipped table, and they are no ids of one shape either."""
    some = names[:: max(1, len(names) // _SOME)]
    # In lower case half of the names that clinical tables use are some gene's alias: age, hb, esr.
    return not (_symbols(some) | _known(some, "alias")).any() and gene_kin(some) is None


@lru_cache
def _listed() -> dict[str, frozenset[str]]:
    """Symbols, and aliases that are no symbols, of the shipped table: names alone, which are read in no time."""
    packed = (resources.files("genelight.io") / "data" / "names.txt.gz").read_bytes()
    symbols, _, aliases = gzip.decompress(packed).decode().partition("\n\n")
    return {"symbol": frozenset(symbols.split("\n")), "alias": frozenset(aliases.split("\n")) - {""}}


def _known(names: Sequence[str], kind: str, *, any_case: bool = False) -> np.ndarray:
    listed: Set[str] = _listed()[kind]
    asked = names
    if any_case:
        asked = [name.upper() for name in names]
        # Of all in capitals no set is kept: it would hold 8 MB for as long as the process lives.
        listed = {*asked, *(_COPY.sub("", name) for name in asked)}.intersection(name.upper() for name in listed)
    # R puts a number behind a name that repeats.
    return np.array([name in listed or _COPY.sub("", name) in listed for name in asked], bool)


def uncorrelated(values_rc: np.ndarray, columns: Iterable[int], others: Iterable[int]) -> np.ndarray:
    """Which columns do not go along the rows with the others, which go with one another as samples do.

    By rank correlation with the others' median.
    """
    columns, others = list(columns), list(others)
    some = others[:: max(1, len(others) // 20)]
    rows = np.unique(np.linspace(0, len(values_rc) - 1, min(len(values_rc), 2000)).astype(int))
    if len(some) < 2 or len(rows) < 20:
        return np.zeros(len(columns), bool)
    v = values_rc[np.ix_(rows, np.array([*some, *columns], int))]
    rank = pd.DataFrame(v).rank()
    middle = rank.iloc[:, : len(some)].median(axis=1)
    r = rank.corrwith(middle).to_numpy()
    usual = float(np.nanmedian(r[: len(some)]))
    return np.asarray((usual > 0.6) & ~(np.nan_to_num(r[len(some) :]) > 0.5 * usual))


def _symbols(names: Sequence[str]) -> np.ndarray:
    return _known(names, "symbol")


def _loci(names: Sequence[str]) -> np.ndarray:
    return np.array([bool(_LOCUS.match(name)) or is_sum(name) or _are_several(name) for name in names])


def _are_several(name: str) -> bool:
    """Whether a name is of several genes, as probes that meet more than one have it: AKT3 /// AKT2."""
    parts = BETWEEN_GENES.split(name)
    return len(parts) > 1 and all(part in _listed()["symbol"] for part in parts)


def _symbol_kin(names: Sequence[str]) -> Kin | None:
    symbol, alias = _symbols(names), _known(names, "alias")
    exact = symbol | alias
    few = exact.sum() < 2 or exact.mean() < _LEAST_SYMBOLS
    # Of thousands of mouse symbols a dozen are some human gene's as they are written.
    written = _known(names, "symbol", any_case=True) if few and len(names) >= _FEWEST else symbol
    if few and written.mean() >= 0.5:
        symbol = written | np.array([bool(_SHAPED.match(name.upper())) for name in names])
        # Age is an alias in other case, so that only one that stands between two genes may be meant.
        between = np.convolve(symbol, [1, 0, 1], "same") == 2
        alias = between & _known(names, "alias", any_case=True)
        shaped = np.zeros(len(names), bool)
    elif exact.sum() < 2 or (few and symbol.sum() < _ENOUGH_SYMBOLS):
        return None
    else:
        shaped = np.array([bool(_SHAPED.match(name)) for name in names])
    level = np.full(len(names), NO_ID, np.int8)
    level[[name.isupper() and name.isalpha() for name in names]] = WORD
    level[alias | shaped] = DOUBTFUL
    level[symbol | _loci(names)] = SURE
    return Kin(SYMBOLS, level, float((level == SURE).mean()))


def _shape_kin(names: Sequence[str]) -> Kin | None:
    """Names of one shape, letters and digits alike: AT1G01010, gene12."""
    shapes = [_shape(name) for name in names]
    shape, count = Counter(shapes).most_common(1)[0]
    if len(names) < _FEWEST or count < _LEAST_SHAPE * len(names) or "9" not in shape or shape == "9":
        return None
    fits = np.array([s == shape for s in shapes]) | _symbols(names) | _loci(names)
    numbered = np.array([bool(_DIGIT.search(name)) for name in names])
    level = np.where(fits, SURE, np.where(numbered, DOUBTFUL, NO_ID)).astype(np.int8)
    return Kin(f"names such as {names[shapes.index(shape)]}", level, float(fits.mean()))


@lru_cache(1 << 16)
def _shape(name: str) -> str:
    return _RUNS.sub(r"\1", name.translate(_SHAPES))
