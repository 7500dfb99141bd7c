"""Many diseases at once: how alike their modules are, what they share and what each has to itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from .._core.printed import Card, Printed, leading
from ..errors import InputError, first_three
from ..nouns import Genes, Module
from .agreement import compare

__all__ = ["Atlas", "atlas", "modules_of_scores"]

LEVEL = 0.05
ALIKE = 0.3
LEAST_PROGRAMME = 5
LEAST_GENES = 100


@dataclass(frozen=True, repr=False)
class Atlas(Printed):
    """Modules of several diseases, compared.

    Attributes
    ----------
    pairs
        One row per pair: ``one``, ``other``; ``measured`` (genes that both have); ``rank`` (Spearman correlation of
        their scores); ``shared`` (selected in both), ``expected`` (by chance, given the sizes), ``fold``; ``opposed``
        (shared genes of opposite sign); ``p`` (hypergeometric, of the genes shared with the same sign, genes taken as
        drawn independently) and ``q`` (Benjamini-Hochberg over all pairs).
    genes
        One row per gene that is in any module: ``gene``; ``up`` and ``down`` (modules that have it above and below
        zero); ``measured`` (diseases that have measured it); ``p`` (binomial, of as many modules of one sign by chance)
        and ``q``; ``kind`` (``"shared"`` where q is at most 0.05, ``"specific"`` where it is in one module only, else
        ``"common"``); ``programme`` (from 1, of shared genes that go together over diseases; 0 for none).
    programmes
        One row per programme: ``programme``, ``genes`` (count), ``leading`` (its first five), ``up`` and ``down``
        (diseases in whose modules at least a third of it is above or below zero).
    order
        Diseases, alike ones side by side.
    about
        Sizes and settings.
    """

    pairs: pd.DataFrame
    genes: pd.DataFrame
    programmes: pd.DataFrame
    order: tuple[str, ...]
    about: Mapping[str, Any] = field(default_factory=dict)

    def _card(self) -> Card:
        kinds, best = self.genes["kind"].value_counts(), self.pairs.sort_values("rank", ascending=False).head(1)
        return f"atlas of {len(self.order)} diseases", [
            ("diseases", leading(self.order)),
            ("genes", ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())),
            ("most alike", "; ".join(f"{row.one} and {row.other}, rank {row.rank:.2f}" for row in best.itertuples())),
            ("pairs", f"{(self.pairs['q'] <= LEVEL).sum()} of {len(self.pairs)} share genes at q <= {LEVEL}"),
            ("programmes", f"{len(self.programmes)}"),
            *(
                (f"{row.programme}", f"{row.genes} genes: {row.leading}")
                for row in self.programmes.head(3).itertuples()
            ),
        ]


def modules_of_scores(scores: pd.DataFrame, *, size: int = 200, ids: str = "symbol") -> dict[str, Module]:
    """A module per column of a table of gene scores, such as z scores of meta-analyses.

    Parameters
    ----------
    scores
        Genes in rows, diseases in columns; missing where a disease has not measured a gene.
    size
        Genes of each module.
    ids
        Kind of gene id.

    Returns
    -------
    Modules by column; each has the genes measured for its disease as its universe.

    Raises
    ------
    InputError
        If gene ids repeat, a column is not numeric, infinite or has fewer than a hundred values or than `size`.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> z = pd.DataFrame({"ill": np.linspace(4, -2, 300)}, index=[f"G{i}" for i in range(300)])
    >>> modules_of_scores(z, size=2)["ill"].selected
    ['G0', 'G1']
    """
    modules = {}
    for disease in scores.columns:
        values = scores[disease].dropna()
        if values.dtype.kind not in "fiu" or not np.isfinite(values.to_numpy(np.float64)).all():
            msg = f"column {disease!r} has values that are no finite numbers ({first_three(values)}); leave it out"
            raise InputError(msg)
        if len(values) < max(LEAST_GENES, size):
            least = max(LEAST_GENES, size)
            msg = (
                f"column {disease!r} has {len(values)} scores, at least {least} are needed; leave it out or lower size"
            )
            raise InputError(msg)
        genes = Genes(tuple(values.index), ids)
        modules[str(disease)] = Module.from_scores(
            values.to_numpy(np.float64), genes, size=size, name=str(disease), method="scores"
        )
    return modules


def atlas(modules: Mapping[str, Module]) -> Atlas:
    """Compare modules of several diseases, or of several derivations, layers or seeds.

    Parameters
    ----------
    modules
        Two or more, by what tells them apart.

    Returns
    -------
    Pairs, genes, programmes, and an order in which alike diseases stand side by side (average linkage on one less the
    rank correlation of all shared genes).

    Raises
    ------
    InputError
        If there are fewer than two modules.
    GeneMismatchError
        If two share fewer than ten measured genes.

    Notes
    -----
    A gene is shared when more modules have it with one sign than independent draws would: diseases whose cohorts
    are one tissue or one laboratory share genes for that reason too. Cost: pairs x genes.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> z = pd.DataFrame(rng.normal(size=(500, 6)), index=[f"G{i}" for i in range(500)], columns=list("abcdef"))
    >>> z.iloc[:20] += 5
    >>> found = atlas(modules_of_scores(z, size=30))
    >>> len(found.programmes), set(found.genes.loc[found.genes["kind"] == "shared", "gene"]) >= {"G0", "G19"}
    (1, True)
    """
    pairs = compare(modules)
    sign_gd, measured_g = _membership(modules)
    genes = _gene_table(modules, sign_gd, measured_g)
    shared = genes.index[genes["kind"] == "shared"]
    genes.loc[shared, "programme"] = _programmes(sign_gd.loc[genes.loc[shared, "gene"]].to_numpy())
    tree = hierarchy.linkage(1 - pairs["rank"].to_numpy(), method="average", optimal_ordering=True)
    order = tuple(list(modules)[i] for i in hierarchy.leaves_list(tree))
    about = {"diseases": len(modules), "sizes": {name: len(module.selected) for name, module in modules.items()}}
    return Atlas(pairs, genes, _programme_table(genes, sign_gd), order, about)


def _membership(modules: Mapping[str, Module]) -> tuple[pd.DataFrame, pd.Series]:
    """Sign of each gene in each module that has it (0 elsewhere), and how many diseases measured it."""
    columns, measured = {}, []
    for name, module in modules.items():
        table = module.table.set_index("gene")
        columns[name] = np.sign(table.loc[table["selected"], "score"])
        measured.append(pd.Series(1, index=table.index))
    sign_gd = pd.DataFrame(columns).fillna(0.0)
    return sign_gd, pd.concat(measured, axis=1).reindex(sign_gd.index).sum(axis=1).astype(int)


def _gene_table(modules: Mapping[str, Module], sign_gd: pd.DataFrame, measured_g: pd.Series) -> pd.DataFrame:
    """How many modules have each gene, against draws that are independent from module to module."""
    sides = {}
    for side, sign in (("up", 1), ("down", -1)):
        share = [float(((m.table["selected"]) & (m.table["score"] * sign > 0)).mean()) for m in modules.values()]
        count_g = (sign_gd == sign).sum(axis=1)
        sides[side] = count_g, stats.binom.sf(count_g - 1, measured_g, float(np.mean(share)))
    (up_g, p_up_g), (down_g, p_down_g) = sides["up"], sides["down"]
    p_g = np.minimum(2 * np.minimum(p_up_g, p_down_g), 1.0)
    universe = len(set().union(*(m.genes.ids for m in modules.values())))
    # Genes in no module have a p of one and count among the tests.
    q_g = stats.false_discovery_control(np.concatenate((p_g, np.ones(universe - len(p_g)))))[: len(p_g)]
    total_g = up_g + down_g
    kind_g = np.where(q_g <= LEVEL, "shared", np.where(total_g == 1, "specific", "common"))
    columns = {"up": up_g, "down": down_g, "measured": measured_g, "p": p_g, "q": q_g, "kind": kind_g, "programme": 0}
    table = pd.DataFrame(columns, index=sign_gd.index).rename_axis("gene").reset_index()
    return table.sort_values(["p", "gene"], kind="stable", ignore_index=True)


def _programmes(sign_gd: np.ndarray) -> np.ndarray:
    """Groups of genes with like signs over diseases, numbered from 1 by size; 0 for genes in small groups."""
    if len(sign_gd) < 2:
        return np.zeros(len(sign_gd), dtype=np.int64)
    norm_g = np.linalg.norm(sign_gd, axis=1)
    cosine_gg = np.clip(sign_gd @ sign_gd.T / np.outer(norm_g, norm_g), -1, 1)
    tree = hierarchy.linkage(squareform(1 - cosine_gg, checks=False), method="average")
    label_g = hierarchy.fcluster(tree, t=1 - ALIKE, criterion="distance")
    labels, sizes = np.unique(label_g, return_counts=True)
    kept = [
        label for label, size in sorted(zip(labels, sizes, strict=True), key=lambda x: -x[1]) if size >= LEAST_PROGRAMME
    ]
    number = {label: i for i, label in enumerate(kept, start=1)}
    return np.array([number.get(label, 0) for label in label_g])


def _programme_table(genes: pd.DataFrame, sign_gd: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for programme, part in genes[genes["programme"] > 0].groupby("programme"):
        signs = sign_gd.loc[part["gene"]]
        sides = {
            side: ", ".join(signs.columns[(signs == sign).mean(axis=0) >= 1 / 3])
            for side, sign in (("up", 1), ("down", -1))
        }
        rows.append({"programme": programme, "genes": len(part), "leading": ", ".join(part["gene"].head(5)), **sides})
    return pd.DataFrame(rows, columns=["programme", "genes", "leading", "up", "down"])
