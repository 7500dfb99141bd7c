"""Which side of a matrix the genes are on, from evidence; where there is none, the user says so."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...errors import FormatError, UnknownNameError, first_three
from ..id_kinds import detect_ids
from ._axis import SURE, SURE_KINDS, SYMBOLS, gene_kin

GENES_IN_ROWS, SAMPLES_IN_ROWS = "genes-in-rows", "samples-in-rows"
ORIENTATIONS = (GENES_IN_ROWS, SAMPLES_IN_ROWS)

# Genes that nearly every platform measures.
_COMMON = frozenset(
    """
    ACTB GAPDH TP53 MYC EGFR B2M RPL13A RPLP0 RPS18 TUBB TUBA1B HPRT1 PGK1 UBC UBB YWHAZ
    SDHA TBP GUSB HSPA8 HSPA5 HSP90AA1 EEF1A1 EEF2 FTL FTH1 LDHA ENO1 PKM ALDOA TPI1 CD3D
    CD3E CD4 CD8A CD19 MS4A1 CD14 LYZ NKG7 FCGR3A PTPRC MX1 ISG15 IFI44L IFIT1 IFIT3 OAS1
    STAT1 IRF7 JUN FOS BRCA1 BRCA2 PTEN KRAS NRAS AKT1 MAPK1 MTOR VEGFA TNF IL6 IL1B
    IFNG TGFB1 CXCL8 CCL2 COL1A1 COL1A2 VIM CDH1 CDH2 KRT8 KRT18 EPCAM ERBB2 ESR1 PGR AR
    GATA3 FOXP3 CTLA4 HLA-A HLA-B HLA-C HLA-DRA CALM1 CFL1 PFN1 TMSB4X RHOA CDC42 RAC1 A1BG A2M
    NAT1 ABCA1 ZZZ3 ZYX ZNF10 SOX2 NANOG
    """.split()  # noqa: SIM905 - one word a gene
)
_SAMPLE = re.compile(
    r"(GSM\d+|[SED]RR\d{4,}|TCGA-\S+|GTEX-\S+|SAM[NED]A?\d+|[ACGT]{10,}(-\d+)?|.*\.(bam|cel)(\.gz)?|"
    r"(s|sample|subj|subject|patient|pat|pt|p|cell|c|ctrl|ctl|control|case|donor|d|id|array|chip|hc|hd|healthy|normal|"
    r"tumou?r|sle|ms|ra|nl|rep|replicate|run|visit|individual|ind|person|lib|library|barcode|obs|treated|untreated|wt|ko)"
    r"[ _.-]?\d+([ _.-]?[a-z0-9]{1,6})?)$",
    re.IGNORECASE,
)
_GENE = re.compile(r"(gene|probe|feature|transcript|g|var)[ _.-]?\d+$", re.IGNORECASE)
_GENE_WORDS = re.compile(
    r".*(gene|symbol|probe|ensembl|entrez|feature|transcript|protein|id_ref|description|hgnc|chr|strand)", re.IGNORECASE
)
_SAMPLE_WORDS = re.compile(
    r".*(sample|patient|subject|donor|cell|barcode|individual|geo_accession|gsm|condition|disease|diagnosis|group|"
    r"tissue|treatment|sex|status|batch|phenotype|class|label)",
    re.IGNORECASE,
)
_SURE = 0.5


@dataclass(frozen=True)
class Side:
    """Names along one side of a matrix, what stands above them, and names of the text columns beside them."""

    names: Sequence[str]
    corner: str = ""
    notes: Sequence[str] = field(default=())

    def geneness(self) -> tuple[float, str]:  # noqa: PLR0911 - one kind of evidence after the other
        """From 1, surely genes, to -1, surely samples; and what says so."""
        kind, share, examples = detect_ids(self.names)
        shown = first_three(self.names)
        if kind in SURE_KINDS:
            return share, f"{kind} ids ({first_three(examples)})"
        some = self.names[:: max(1, len(self.names) // 5000)]
        sample, gene = (sum(look.match(n) is not None for n in some) / max(1, len(some)) for look in (_SAMPLE, _GENE))
        if sample > _SURE:
            return -sample, f"names of samples ({shown})"
        if gene > _SURE:
            return gene, f"numbered genes ({shown})"
        some = list(dict.fromkeys(some))
        kin = gene_kin(some)
        if kin is not None and kin.kind == SYMBOLS:
            known = [name for name, level in zip(some, kin.level, strict=True) if level == SURE]
            return max(0.4, kin.share), f"gene symbols ({first_three(known)})"
        common = len(_COMMON.intersection(self.names))
        if common >= min(3, len(self.names)):
            return 1.0, f"common genes ({first_three(sorted(_COMMON.intersection(self.names)))})"
        if kind == "entrez" and not counted(self.names):
            return 0.6, f"numbers as Entrez ids are ({shown})"
        return self._words()

    def _words(self) -> tuple[float, str]:
        for said in (self.corner, *self.notes):
            for look, score in ((_SAMPLE_WORDS, -0.6), (_GENE_WORDS, 0.6)):
                if said and look.match(said):
                    return score, f"a column called {said!r}"
        return 0.0, ""


def sheet_instead(path: object) -> str:
    """Where a sample sheet goes that was given in a table's place."""
    return f"a sample sheet is given behind its table: --samples {shlex.quote(str(path))}"


def orient(rows: Side, columns: Side, *, path: object, asked: str | None) -> tuple[str, str]:
    """Where the genes are, and why.

    Labels decide: kinds of gene id, common genes, names of samples, what stands above the row names. Else the
    longer side is genes, if it is at least five times as long and has a thousand names.

    Raises
    ------
    FormatError
        If nothing speaks for either way; says which argument to give. If it looks like a sample sheet.
    UnknownNameError
        If `asked` is no orientation.
    """
    if asked is not None:
        if asked not in ORIENTATIONS:
            raise UnknownNameError("orientation", asked, ORIENTATIONS)
        return asked, "as asked for"
    (r, why_r), (c, why_c) = rows.geneness(), columns.geneness()
    n_r, n_c = len(rows.names), len(columns.names)
    if r <= 0 >= c and n_c <= len(rows.notes):
        # Nothing is a gene's name, and more columns hold text than numbers.
        msg = (
            f"{path} looks like a sample sheet: beside its row names {len(rows.notes)} columns hold text "
            f"({first_three(filter(None, rows.notes))}) and {n_c} numbers, and no name is a gene's; "
            f"{sheet_instead(path)}"
        )
        raise FormatError(msg)
    if abs(r - c) >= 0.3:
        way = GENES_IN_ROWS if r > c else SAMPLES_IN_ROWS
        told = [f"rows: {why_r}"] * bool(why_r) + [f"columns: {why_c}"] * bool(why_c)
        return way, "; ".join(told)
    if max(n_r, n_c) >= max(1000, 5 * min(n_r, n_c)):
        return (GENES_IN_ROWS if n_r > n_c else SAMPLES_IN_ROWS), f"{n_r:,} rows and {n_c:,} columns"
    msg = (
        f"{path}: genes may be in rows ({first_three(rows.names)}) or in columns ({first_three(columns.names)}), "
        f"{n_r:,} and {n_c:,} of them; say orientation='{GENES_IN_ROWS}' or '{SAMPLES_IN_ROWS}' (--orientation)"
    )
    raise FormatError(msg)


def counted(names: Sequence[str]) -> bool:
    """Whether numbers only count the rows."""
    start = next((s for s in ("0", "1") if names and names[0] == s), None)
    return start is not None and all(name == str(i) for i, name in enumerate(names, int(start)))
