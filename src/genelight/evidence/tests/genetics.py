"""Whether the genes of nodes and modules have smaller association p values than other measured genes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from ...errors import InputError
from ...nouns import Edges, Evidence, Genes, Module, NodeGenes
from ...stats.pvalues import adjust
from .._tested import LEAST_GENES, Items, check_shared
from ..combine import COMBINATIONS, combine_evidence
from ..nulls import check_expression

__all__ = ["genetic_association"]

TEST = "genetic_association"
GENOME_WIDE = 2.5e-6
LEAST_SD, MOST_SD = -3.0, 6.0


@dataclass(frozen=True)
class _Scores:
    """Association of the measured genes that have a p value, along the genome where positions are known.

    Attributes
    ----------
    gene_u
        Positions among the measured genes.
    z_u
        Normal scores of p, less what gene length, mean and variance of expression explain.
    known_uk
        Orthonormal columns that span a constant and these.
    placed
        Whether genes stand in genome order.
    """

    gene_u: np.ndarray
    z_u: np.ndarray
    known_uk: np.ndarray
    placed: bool


def genetic_association(
    tested: NodeGenes | Module | Sequence[NodeGenes | Module],
    pvalues: Edges | Sequence[Edges],
    *,
    n_top: int | str = 1000,
    x_ng: np.ndarray | None = None,
) -> Evidence:
    """Test nodes and modules against gene-level p values, competitively.

    Parameters
    ----------
    tested
        Layers and modules over the same measured genes.
    pvalues
        What :func:`genelight.io.read_gene_pvalues` read; of several traits, one each, also all of them together.
    n_top
        Genes of a node, or ``"knee"``: as many as stand out in its profile.
    x_ng
        Expression, columns as the items' genes, before z-scoring: its mean and variance are adjusted for, and
        the most variable genes are tested beside each item's number of genes.

    Returns
    -------
    Evidence. ``statistic`` is the coefficient of the list in a regression of all genes' normal scores on it and on what
    is known of length (logarithm), mean and variance of expression: by how much its genes' scores lie above those of
    other genes that are alike in these; p is one-sided towards association. With positions, the null are all
    turns of the genome against the gene list, which keep neighbours together, so that a locus with many genes counts
    about once; without, genes count as independent (t of the regression). q is adjusted over all items but the
    control, which is named ``"most variable genes [control]"``. ``about`` counts, for each trait, the genes with p
    values that were not measured. An item's p values of several traits are combined into one by each way there is:
    ``"cauchy"`` allows for any dependence, as of traits that share genes; for ``"fisher"``, as in the paper, and
    ``"stouffer"`` traits count as independent, so that theirs are too small. Of these rows ``statistic`` is the number
    of traits and ``effect`` the normal score of p.

    Raises
    ------
    GeneMismatchError
        If data and p values share fewer than ten genes.
    InputError
        If there are no p values, two traits have one name, items do not go together, `n_top` is out of range or `x_ng`
        does not fit.

    Notes
    -----
    Normal scores are cut at three standard deviations below their mean and six above it, as in MAGMA, so that a gene
    with p = 1 or p = 0 does not outweigh the others. The regression is the competitive model of MAGMA (de Leeuw et
    al. 2015, doi 10.1371/journal.pcbi.1004219), which takes the correlation of neighbours from genotypes; the turns
    that take its place here are those of Cabrera et al. 2012 (doi 10.1534/g3.112.002618), all of them by one Fourier
    transform.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from genelight.nouns import Genes
    >>> from genelight.nouns import Edges, NodeGenes
    >>> from genelight.evidence import genetic_association
    >>> names = tuple(f"G{i}" for i in range(200))
    >>> node = NodeGenes(np.linspace(1, 0, 200)[None], ("L1.0",), Genes(names), "L1", "toy", "toy")
    >>> table = pd.DataFrame({"source": "trait", "target": names, "weight": np.linspace(0.01, 1, 200)})
    >>> found = genetic_association(node, Edges("trait", table), n_top=20)
    >>> bool(found.table["p"][0] < 1e-6)
    True
    """
    items = Items.of(tested, n_top=n_top)
    check_expression(x_ng, len(items.genes))
    studies = [pvalues] if isinstance(pvalues, Edges) else list(pvalues)
    names = [study.name for study in studies]
    if not names or len({*names}) < len(names):
        msg = f"p values of {', '.join(names) or 'no trait'}; pass those of one trait or more, each under its own name"
        raise InputError(msg)
    parts = [_association(items, study, x_ng) for study in studies]
    joined = replace(Evidence.join(parts), about={TEST: {n: p.about for n, p in zip(names, parts, strict=True)}})
    return Evidence.join([joined, *(c for m in COMBINATIONS if len(c := combine_evidence(joined, method=m)))])


def _association(items: Items, pvalues: Edges, x_ng: np.ndarray | None) -> Evidence:
    """The test against one trait; ``about`` has its facts."""
    scores, about = _scores(items, pvalues, x_ng)
    chosen = [*items.chosen[0]]
    names = [*items.names]
    if x_ng is not None:
        most = int(np.median([len(c) for c in chosen]))
        chosen.append(np.argsort(-x_ng.var(0), kind="stable")[:most])
        names.append("most variable genes [control]")
    rows = []
    for name, genes in zip(names, chosen, strict=True):
        inside_u = np.isin(scores.gene_u, genes)
        if inside_u.sum() >= LEAST_GENES:
            rows.append({"tested": name, "n": int(inside_u.sum()), **_row(scores, inside_u)})
    table = pd.DataFrame(rows, columns=["tested", "n", "statistic", "effect", "null_mean", "null_sd", "p", "draws"])
    table = table.assign(test=TEST, reference=pvalues.name, q=np.nan, seed=0)
    own = table["tested"] != "most variable genes [control]"
    table.loc[own, "q"] = adjust(table.loc[own, "p"].to_numpy())
    return Evidence(table, {**about, "too few genes": len(names) - len(rows)})


def _scores(tested: Items, pvalues: Edges, x_ng: np.ndarray | None) -> tuple[_Scores, dict[str, object]]:
    table = pvalues.table.drop_duplicates("target").reset_index(drop=True)
    place_g = check_shared(tested.genes, Genes(tuple(table["target"]), pvalues.namespace), reference=pvalues.name)
    gene_u = np.flatnonzero(place_g >= 0)
    rows = table.iloc[place_g[gene_u]].reset_index(drop=True)
    columns = ["chromosome", "start", "end"]
    placed = set(columns) <= set(rows) and bool(rows[columns].notna().all(axis=None))
    order = np.lexsort((rows["start"], rows["chromosome"].astype(str))) if placed else np.arange(len(rows))
    rows, gene_u = rows.iloc[order], gene_u[order]
    z_u = _normal(rows["weight"].to_numpy(np.float64))
    known = [np.ones(len(rows))]
    if placed:
        length_u = rows["end"].to_numpy(np.float64) - rows["start"].to_numpy(np.float64)
        known.append(np.log(np.maximum(length_u, 1.0)))
    if x_ng is not None:
        known += [x_ng[:, gene_u].mean(0), np.log(np.maximum(x_ng[:, gene_u].var(0), 1e-12))]
    left_uk, size_k, _ = np.linalg.svd(np.column_stack(known), full_matrices=False)
    known_uk = left_uk[:, size_k > 1e-10 * size_k[0]]
    lost = ~table["target"].isin(tested.genes.ids)
    about: dict[str, object] = {
        "universe": len(gene_u),
        "genes with a p value": len(table),
        "of these not measured": int(lost.sum()),
        "associated genome-wide": int((table["weight"] <= GENOME_WIDE).sum()),
        "of these not measured, too": int((lost & (table["weight"] <= GENOME_WIDE)).sum()),
        "adjusted for": [*(["length"] if placed else []), *(["mean", "variance"] if x_ng is not None else [])],
        "null": "turns of the genome" if placed else "genes independent",
    }
    return _Scores(gene_u, z_u - known_uk @ (known_uk.T @ z_u), known_uk, placed), about


def _normal(p_u: np.ndarray) -> np.ndarray:
    """Normal scores of p, none further than three standard deviations below the mean and six above, as in MAGMA.

    A p of one, as of a gene without a variant to speak of, is no evidence against the genes around it.
    """
    z_u = norm.isf(p_u)
    finite_u = z_u[np.isfinite(z_u)]
    mean, sd = (float(finite_u.mean()), float(finite_u.std())) if len(finite_u) else (0.0, 1.0)
    return np.clip(z_u, mean + LEAST_SD * sd, mean + MOST_SD * sd)


def _row(scores: _Scores, inside_u: np.ndarray) -> dict[str, object]:
    """Coefficient of the list, what is known of the genes taken off both sides, and its p."""
    list_u = inside_u.astype(np.float64)
    list_u -= scores.known_uk @ (scores.known_uk.T @ list_u)
    squares, genes = float(list_u @ list_u), len(inside_u)
    statistic = float(list_u @ scores.z_u) / squares
    if scores.placed:
        rotated = np.fft.irfft(np.fft.rfft(scores.z_u) * np.conj(np.fft.rfft(list_u)), n=genes) / squares
        # The rotation by nothing is the list itself, and counts as one of the draws.
        p, draws = float((rotated >= statistic - 1e-9).mean()), genes - 1
        mean, sd = float(rotated[1:].mean()), float(rotated[1:].std(ddof=1))
    else:
        left_u = scores.z_u - statistic * list_u
        df = genes - scores.known_uk.shape[1] - 1
        mean, sd = 0.0, float(np.sqrt(left_u @ left_u / df / squares))
        p, draws = float(student.sf(statistic / sd, df)), 0
    effect = (statistic - mean) / sd if sd > 0 else np.nan
    return {"statistic": statistic, "effect": effect, "null_mean": mean, "null_sd": sd, "p": p, "draws": draws}
