"""Several measures of each sample in one table: signal and detection p value, counts and TPM, LFQ and peptides."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import InputError, UnknownNameError, first_three
from ..sides._axis import NO_ID, sample_kin, uncorrelated
from ..sides._sides import Sides
from ._signs import NO_ID as NO_NAME

_GAP = re.compile(r"[\s._:|/-]+")
_WRAPPED = re.compile(r"^[(\[{](.*)[)\]}]$")
# Words of programs: GenomeStudio, MAS5, RSEM, StringTie, Salmon, MaxQuant. A measure has one of them in its name.
_VALUES = (
    "signal|avgsignal|intensity|intensities|lfq|ibaq|counts?|readcounts?|numreads|reads|tpm|fpkm|rpkm|cpm|rpm|tmm|"
    "abundances?|expression|value|raw|normali[sz]ed|log2ratio|ratio|peptides?|spectra|umis?"
)
_BESIDE = (
    "detection|pval|pvalue|detectionpval|detectionpvalue|nbeads|beads|stderr|stdev|stddev|sderr|beadstderr|"
    "beadstdev|arraystdev|sd|se|sem|cv|abscall|call|calls|flags?|quality|coverage|length|efflength|effectivelength|"
    "confidence"
)
_A_VALUE, _BESIDE_ONE = (re.compile(f"({words})$", re.IGNORECASE) for words in (_VALUES, _BESIDE))
_FEWEST = 2


@dataclass(frozen=True)
class Measures:
    """Which columns are the same measure of different samples.

    Attributes
    ----------
    samples
        Names without the measure, in the order of the table.
    columns
        For each measure its columns, one for each sample; ``""`` where columns are named by the sample alone.
    """

    samples: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]

    @property
    def said(self) -> bool:
        """Whether a name says that it is of a measure."""
        return len({_known_words(name) for name in self.columns}) > 1

    def known(self) -> bool:
        """Whether each is a word of the programs, or no word at all."""
        return all(_known_words(name) for name in self.columns if name)

    def values(self) -> list[str]:
        """Measures that may be expression, not how sure another one is."""
        return [name for name in self.columns if not any(map(_BESIDE_ONE.match, _words(name)))]


def measures_of(names: Sequence[str]) -> Measures | None:
    """The measures that names are made of, each with every sample; None where names do not say so.

    Visits and tissues make names of the same form, so that each measure must be a word of the programs that write
    several; one of them may be left out of the name.

    Examples
    --------
    >>> measures_of(["A.Signal", "A.Detection Pval", "B.Signal", "B.Detection Pval"]).columns
    {'Signal': ('A.Signal', 'B.Signal'), 'Detection Pval': ('A.Detection Pval', 'B.Detection Pval')}
    >>> measures_of(["A_day0", "A_day7", "B_day0", "B_day7"]) is None
    True
    """
    # Visits that share a word, pre_TPM and post_TPM, are no two measures.
    fitting = [_measures(names, fit) for fit in sorted(_grids(names), key=_size, reverse=True)]
    return next((found for found in fitting if found.said and found.known()), None)


def patterns_of(names: Sequence[str]) -> list[Measures]:
    """Every way in which all names are made of two words or more, each with every sample: visits, or measures.

    Examples
    --------
    >>> [list(found.columns) for found in patterns_of(["A_day0", "A_day7", "B_day0", "B_day7"])]
    [['A', 'B'], ['day0', 'day7']]
    """
    fitting = [fit for fit in _grids(names) if len(fit[0]) * len(fit[1]) == len(names)]
    return [_measures(names, fit) for fit in sorted(fitting, key=_size, reverse=True)]


def measures_by_values(samples: Sequence[str], x_ng: np.ndarray) -> Measures | None:
    """Measures that words of the programs do not tell alone, where one of them or the values do."""
    kin = sample_kin(samples)
    named = [s for i, s in enumerate(samples) if s not in NO_NAME and (kin is None or kin.level[i] != NO_ID)]
    place = {name: i for i, name in enumerate(samples)}
    patterns = patterns_of(named)
    if patterns and _is_centred(x_ng):  # then the sides of any comparison go against one another
        return next((found for found in patterns if found.said), None)
    for found in patterns:
        sides = [[place[name] for name in columns] for columns in found.columns.values()]
        if found.said or any(_differ(x_ng, one, others=other) for one in sides for other in sides if one is not other):
            return found
    return None


def _differ(x_ng: np.ndarray, columns: Sequence[int], *, others: Sequence[int]) -> bool:
    """Whether none of the columns goes along the genes with the others, or only they hold whole numbers."""
    x, y = x_ng[columns], x_ng[others]
    whole, whole_o = (((v == np.round(v)) | ~np.isfinite(v)).mean(1) for v in (x, y))
    return bool((whole.min() == 1 and x.any() and whole_o.max() < 0.5) or uncorrelated(x_ng.T, columns, others).all())


def _is_centred(x_ng: np.ndarray) -> bool:
    """Whether each gene's mean was taken out of its values."""
    x = x_ng[:, :: max(1, x_ng.shape[1] // 2000)]
    x = x[:, np.isfinite(x).all(0)]
    with np.errstate(over="ignore", invalid="ignore"):  # values whose squares no number holds are not centred
        return bool(x.size and np.median(np.abs(x.mean(0))) < 0.05 * np.median(x.std(0)))


Fit = tuple[frozenset[str], dict[str, dict[str, str]]]


def _grids(names: Sequence[str]) -> list[Fit]:
    """Every way to part names in two, of which each in front stands with each behind."""
    there = set(names)
    found: dict[tuple[bool, str], dict[str, str]] = defaultdict(dict)
    for name in names:
        for before, behind in _halves(name):
            for measure, sample, in_front in ((behind, before, False), (before, behind, True)):
                found[in_front, measure].setdefault(sample, name)
    together: dict[tuple[bool, frozenset[str]], dict[str, dict[str, str]]] = defaultdict(dict)
    for (in_front, measure), column_of in found.items():
        if len(column_of) >= _FEWEST:
            together[in_front, frozenset(column_of)][measure] = column_of
    fitting = []
    for (_, samples), columns_of in together.items():
        named = {"": {sample: sample for sample in samples}} if samples <= there else {}
        if len(named) + len(columns_of) > 1:
            fitting.append((samples, {**named, **columns_of}))
    return fitting


def _size(fit: Fit) -> tuple[int, int]:
    """Most columns first; of what belongs to the sample or to the measure (A_r1.TPM), the sample."""
    return len(fit[0]) * len(fit[1]), -len("".join(fit[1]))


def _measures(names: Sequence[str], fit: Fit) -> Measures:
    samples, columns_of = fit
    place = {name: i for i, name in enumerate(names)}
    first = next(iter(columns_of.values()))
    order = sorted(samples, key=lambda sample: place[first[sample]])
    return Measures(tuple(order), {m: tuple(of[sample] for sample in order) for m, of in columns_of.items()})


def _halves(name: str) -> Iterator[tuple[str, str]]:
    for gap in _GAP.finditer(name):
        before, behind = name[: gap.start()], name[gap.end() :]
        # P-VALUE is one word.
        if before and behind and not _is_known(_GAP.split(before)[-1] + _GAP.split(behind)[0]):
            yield before, _WRAPPED.sub(r"\1", behind)


def _is_known(word: str) -> bool:
    return bool(_A_VALUE.match(word) or _BESIDE_ONE.match(word))


def _known_words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _words(text) if _is_known(word))


def _words(text: str) -> list[str]:
    """Words of a measure, and all of them as one."""
    words = [word for word in _GAP.split(text) if word]
    return [*words, "".join(words)]


def of_one_measure(sides: Sides) -> Sides:
    """Where columns hold several measures of each sample, one of them; the others stand beside the genes.

    Raises
    ------
    InputError
        If several may be expression and none was asked for, or there are none to ask for.
    UnknownNameError
        If there is no measure of the name asked for.
    """
    asked = sides.asked.column
    if sides.asked.closed and asked is None:
        return sides
    table = sides.moved_samples([i for i, s in enumerate(sides.samples) if s in sides.asked.named])
    found = None
    if table.in_columns:
        found = measures_of([*table.samples, *table.of_genes]) or measures_by_values(table.samples, table.x_ng)
    if found is not None:
        return _chosen(table, found, asked)
    if asked is not None:
        msg = f"{sides.path} has one value for each gene and sample, no {asked!r} among several; leave --column out"
        raise InputError(msg)
    return sides


def _chosen(table: Sides, found: Measures, asked: str | None) -> Sides:
    numbers = [m for m, columns in found.columns.items() if set(columns) <= set(table.samples)]
    likely = [m for m in found.values() if m in numbers]
    known = {name or "sample": name for name in numbers}
    if asked is None and (len(likely) != 1 or not found.known()):
        names = [name or "sample" for name in likely or numbers]
        others = set(table.samples).difference(*found.columns.values())
        left = [*table.asked.named, *(s for s in table.samples if s in others)]
        samples = table.asked.typed(table.path, annotations=left, closed=True)
        alike = "" if found.known() else f"; if every column is a sample: genelight read {samples}"
        msg = (
            f"{table.path}: columns hold {len(found.columns)} measures of each of {len(found.samples)} samples "
            f"({first_three((name or 'sample' for name in found.columns), n=8)}); say which is expression: "
            f"genelight read {table.asked.typed(table.path, column=names[0])}{alike}"
        )
        raise InputError(msg)
    if asked is not None and asked not in known:
        raise UnknownNameError("measure", asked, known, where=str(table.path))
    chosen = likely[0] if asked is None else known[asked]
    place = {name: i for i, name in enumerate(table.samples)}
    beside = [place[c] for m in numbers if m != chosen for c in found.columns[m]]
    name_of = dict(zip(found.columns[chosen], found.samples, strict=True))
    kept = table.moved_samples(sorted(beside))
    said = (
        f"{len(found.columns)} measures of each of {len(found.samples)} samples, of which "
        f"{chosen or 'the one without a name'} is taken"
    )
    return replace(kept, samples=[name_of.get(s, s) for s in kept.samples], said=(*kept.said, said))
