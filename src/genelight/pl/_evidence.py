"""Evidence: the gene sets of one item, and the layers side by side."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from ..nouns.labels import set_label
from ._style import FAINT, INK, SERIES, SOFT, axes_or_new, bars, dress, name_rows, note

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ..nouns import Evidence

SMALLEST = 1e-300


def gene_sets(evidence: Evidence, tested: str, ax: Axes | None = None, *, n: int = 10, test: str | None = None) -> Axes:
    """Gene sets with the smallest q for one node or module.

    Parameters
    ----------
    evidence
        Results of tests; gene sets are those whose reference reads ``"collection: set"``.
    tested
        A node or a module as named in the evidence.
    ax
        Where to draw; a new figure otherwise.
    n
        How many sets.
    test
        Which test of gene sets, where the evidence has several; by default the first in it.

    Returns
    -------
    The axes; bars are -log10 of q, faint where q is above 0.05.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from genelight import pl
    >>> from genelight.nouns.evidence import EVIDENCE_COLUMNS, Evidence
    >>> row = dict.fromkeys(EVIDENCE_COLUMNS, 0) | {"tested": "L1.0", "reference": "Reactome: CELL_CYCLE", "q": 0.01}
    >>> ax = pl.gene_sets(Evidence(pd.DataFrame([row])), "L1.0", Figure().subplots())
    >>> [t.get_text() for t in ax.get_yticklabels()]
    ['Cell cycle']
    """
    rows = evidence.table[evidence.table["reference"].str.contains(": ", regex=False)]
    rows = rows[rows["test"] == (test or (rows["test"].iloc[0] if len(rows) else ""))]
    rows = rows[rows["tested"] == tested].sort_values(["q", "p"], kind="stable").head(n)
    ax = axes_or_new(ax, size=(4.8, 0.6 + 0.3 * n))
    names = ["\n".join(textwrap.wrap(set_label(r)[1], 30, max_lines=2, placeholder=" …")) for r in rows["reference"]]
    heights = -np.log10(rows["q"].fillna(1).clip(lower=SMALLEST))
    bars(ax, names, list(heights), colours=[SOFT if q <= 0.05 else FAINT for q in rows["q"]])
    dress(ax, grid="x")
    ax.set_xlabel("−log₁₀ q")
    return ax


def layers(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Share of each layer's nodes with evidence, one bar per kind of evidence.

    `table` has columns ``layer``, ``kind`` and ``share`` (0 to 1), in the order to draw.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> table = pd.DataFrame({"layer": ["L1", "L2"], "kind": "Reactome", "share": [0.5, 0.25]})
    >>> len(layers(table, Figure().subplots()).patches)
    2
    """
    names, kinds = list(dict.fromkeys(table["layer"])), list(dict.fromkeys(table["kind"]))
    ax = axes_or_new(ax, size=(4.8, 0.8 + 0.2 * len(names) * (len(kinds) + 1)))
    height = 0.8 / max(1, len(kinds))
    for i, kind in enumerate(kinds):
        rows = table[table["kind"] == kind]
        y = [names.index(name) + (i - (len(kinds) - 1) / 2) * height for name in rows["layer"]]
        colour = SERIES[i % len(SERIES)]
        ax.barh(y, 100 * rows["share"], height=0.88 * height, color=colour, label=str(kind))
        for at, share in zip(y, rows["share"], strict=True):
            note(ax, f"{share:.0%}", (100 * share, at))
    name_rows(ax, names)
    ax.axvline(0, color=INK, linewidth=0.8)
    dress(ax, grid="x")
    ax.margins(x=0.12)
    ax.set_xlabel("nodes with q of 0.05 or less, %")
    if kinds:
        legend = ax.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize="small", borderaxespad=0)
        for text in legend.get_texts():
            text.set_parse_math(False)
    return ax
