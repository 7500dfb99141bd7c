"""How far modules agree: of diseases, or of one disease by derivation, layer and training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import stats

from .._core.printed import Card, Printed
from .._core.progress import progress
from ..errors import GeneMismatchError, InputError
from ..nodes.layers import check_layer
from ..nouns import Contrast, Model, Module
from ..nouns.module import DERIVATION
from ._registry import DERIVATIONS, ask
from .derive import derive

__all__ = ["ModuleAgreement", "compare", "module_agreement"]

LEAST_GENES = 10
VARIANTS = ("derivation", "layer", "training")


@dataclass(frozen=True, repr=False)
class ModuleAgreement(Printed):
    """Modules of one contrast derived in several ways, compared.

    Attributes
    ----------
    pairs
        One row per pair: ``differ`` (``"derivation"``, ``"layer"`` or ``"training"`` where the two differ in that
        alone, else ``"several"``) and the columns of :func:`compare`.
    summary
        One row per value of ``differ``: ``pairs``, and over them the smallest and the median ``rank`` correlation and
        share of genes in common (``shared``).
    genes
        One row per gene that any module selected: ``gene``, ``modules`` (the share that selected it, of those that read
        a layer), ``up`` (share of these in which it is up in cases).
    modules
        The modules by label: ``"joint, L1, 0"`` for derivation, layer and training.
    """

    pairs: pd.DataFrame
    summary: pd.DataFrame
    genes: pd.DataFrame
    modules: Mapping[str, Module]

    def _card(self) -> Card:
        said = [
            (
                str(row["differ"]),
                f"{row['pairs']} pairs, {row['shared median']:.0%} of genes, rank {row['rank median']:.2f}",
            )
            for _, row in self.summary.iterrows()
        ]
        return f"agreement of {len(self.modules)} modules", [
            ("modules", "; ".join(list(self.modules)[:4]) + ("; ..." if len(self.modules) > 4 else "")),
            *said,
            ("genes", f"{len(self.genes):,} in any, {(self.genes['modules'] == 1).sum():,} in all that read a layer"),
        ]


def module_agreement(
    adata: AnnData,
    models: Model | Sequence[Model],
    *,
    contrast: Contrast,
    methods: Sequence[str] | None = None,
    layers: Sequence[str] | None = None,
    size: int = 200,
    seed: int = 0,
) -> ModuleAgreement:
    """Derive a module by every derivation, from every layer, of every training, and say how far they agree.

    Parameters
    ----------
    adata, contrast, size, seed
        As in :func:`disease_module`.
    models
        A trained model, or several of like layers that differ in their seed (such as an ensemble's members).
    methods
        Derivations; by default all but controls and the default, which chooses among the others.
    layers
        Hidden layers; all by default.

    Returns
    -------
    Pairs, a summary by what the two modules differ in, and how many modules have each gene.

    Raises
    ------
    UnknownNameError
        If there is no such method or layer.
    InputError
        If fewer than two modules would come of it, or the contrast does not belong to `adata`.

    Notes
    -----
    Cost: derivations x layers x models derivations without bootstraps.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()
    >>> kind = {"case": 'condition == "symptomatic" and hours >= 45', "control": "hours == 0", "subject": "subject"}
    >>> ill = gl.Contrast.of(adata.obs, **kind)
    >>> model = gl.models.PCA(8).fit(adata)
    >>> found = gl.modules.module_agreement(adata, model, contrast=ill, methods=("joint", "direction", "de"))
    >>> found.summary[["differ", "pairs"]].to_numpy().tolist()
    [['derivation', 3]]
    """
    trained = list(models) if isinstance(models, Sequence) else [models]
    if methods is None:
        methods = [name for name in DERIVATIONS if name != DERIVATION and not DERIVATIONS.entry(name).control]
    variants = _variants(trained, methods=methods, layers=layers)
    questions = [ask(adata, model, contrast=contrast, seed=seed) for model in trained]
    modules: dict[str, Module] = {}
    with progress("deriving modules", len(variants)) as step:
        for method, layer, training in variants:
            question = questions[training].on(layer)
            label = ", ".join([method, *([layer, str(training)] if layer else [])])
            modules[label] = derive(question, method=method, size=size, bootstraps=0)
            step(label)
    pairs = compare(modules)
    pairs.insert(0, "differ", [_differ(a, b) for a, b in combinations(variants, 2)])
    return ModuleAgreement(pairs, _summary(pairs, size=size), _genes(modules, variants), modules)


Variant = tuple[str, str | None, int]


def _variants(trained: Sequence[Model], *, methods: Sequence[str], layers: Sequence[str] | None) -> list[Variant]:
    variants: list[Variant] = []
    for method in dict.fromkeys(methods):
        if not DERIVATIONS[method].reads_codes:
            variants.append((method, None, 0))
            continue
        for training, model in enumerate(trained):
            named = list(model.widths) if layers is None else [check_layer(model, layer) for layer in layers]
            variants += [(method, layer, training) for layer in named]
    if len(variants) < 2:
        msg = f"{len(variants)} module leaves nothing to compare; pass two methods, two layers or two models"
        raise InputError(msg)
    return variants


def _differ(one: Variant, other: Variant) -> str:
    if one[1] is None or other[1] is None:
        return VARIANTS[0]
    apart = [name for name, a, b in zip(VARIANTS, one, other, strict=True) if a != b]
    return apart[0] if len(apart) == 1 else "several"


def _summary(pairs: pd.DataFrame, *, size: int) -> pd.DataFrame:
    rows = []
    for differ, part in pairs.assign(shared=pairs["shared"] / size).groupby("differ", sort=False):
        figures = {
            f"{column} {name}": float(getattr(part[column], how)())
            for column in ("rank", "shared")
            for name, how in (("lowest", "min"), ("median", "median"))
        }
        rows.append({"differ": differ, "pairs": len(part), **figures})
    return pd.DataFrame(rows)


def _genes(modules: Mapping[str, Module], variants: Sequence[Variant]) -> pd.DataFrame:
    read = [m for m, variant in zip(modules.values(), variants, strict=True) if variant[1]] or list(modules.values())
    score_mg = np.stack([module.score_g() for module in read])
    ids = np.asarray(read[0].genes.ids, dtype=object)
    chosen_mg = np.stack([np.isin(ids, module.selected) for module in read])
    table = pd.DataFrame(
        {
            "gene": ids,
            "modules": chosen_mg.mean(0),
            "up": (chosen_mg & (score_mg > 0)).sum(0) / np.maximum(chosen_mg.sum(0), 1),
        }
    )
    table = table[table["modules"] > 0]
    return table.sort_values(["modules", "gene"], ascending=[False, True], ignore_index=True)


def compare(modules: Mapping[str, Module]) -> pd.DataFrame:
    """Compare every two modules, over the genes that both have measured.

    Parameters
    ----------
    modules
        Modules by what tells them apart: ``{"direction": ..., "de": ...}``, or one per layer, seed or disease.

    Returns
    -------
    One row per pair: ``one``, ``other``; ``measured`` (genes that both have); ``rank`` (Spearman correlation of their
    scores); ``shared`` (selected in both), ``expected`` (by chance, given the sizes), ``fold``; ``opposed`` (shared
    genes of opposite sign); ``p`` (hypergeometric, of the genes shared with the same sign, among all genes up and all
    genes down) and ``q`` (Benjamini-Hochberg over all pairs).

    Raises
    ------
    InputError
        If there are fewer than two modules.
    GeneMismatchError
        If two share fewer than ten measured genes.

    Notes
    -----
    Genes are taken as drawn independently. Co-expressed ones are not, so p is too small where programmes are large;
    as a description of how alike two lists are it stands.

    Examples
    --------
    >>> import numpy as np
    >>> from genelight.modules.agreement import compare
    >>> from genelight.nouns import Genes, Module
    >>> genes, score = Genes(tuple(f"G{i}" for i in range(40))), np.linspace(1, -0.5, 40)
    >>> one = Module.from_scores(score, genes, size=10, name="one", method="de")
    >>> compare({"one": one, "again": one})[["shared", "expected", "rank"]].to_numpy().tolist()
    [[10.0, 2.5, 1.0]]
    """
    if len(modules) < 2:
        msg = f"{len(modules)} module to compare; give two or more"
        raise InputError(msg)
    first, *others = modules.values()
    for other in others:
        # Kinds of id must agree before ids may be joined by name.
        first.genes.align(other.genes)
    frames = {name: module.table.set_index("gene") for name, module in modules.items()}
    score_gm = pd.DataFrame({name: frame["score"] for name, frame in frames.items()})
    member_gm = np.column_stack([score_gm.index.isin(module.selected) for module in modules.values()])
    rows = [_pair((i, j), score_gm.to_numpy(), member_gm) for i, j in combinations(range(len(modules)), 2)]
    names = pd.DataFrame(list(combinations(modules, 2)), columns=["one", "other"])
    table = pd.concat((names, pd.DataFrame(rows)), axis=1)
    few = table[table["measured"] < LEAST_GENES]
    if len(few):
        one, other, measured = few.iloc[0][["one", "other", "measured"]]
        msg = f"modules {one!r} and {other!r} share {measured} measured genes, fewer than {LEAST_GENES}; leave one out"
        raise GeneMismatchError(msg)
    return table.assign(q=stats.false_discovery_control(table["p"]))


def _pair(pair: tuple[int, int], score_gm: np.ndarray, member_gm: np.ndarray) -> dict[str, object]:
    both = np.isfinite(score_gm[:, pair]).all(1)
    score_g2, member_g2 = score_gm[np.ix_(both, pair)], member_gm[np.ix_(both, pair)]
    shared = member_g2.all(1)
    same = int((np.sign(score_g2[shared, 0]) == np.sign(score_g2[shared, 1])).sum())
    total, (n_a, n_b) = len(score_g2), (int(n) for n in member_g2.sum(0))
    expected = n_a * n_b / max(1, total)
    rank = stats.spearmanr(score_g2[:, 0], score_g2[:, 1]).statistic if total >= LEAST_GENES else np.nan
    return {
        "measured": total,
        "rank": float(rank),
        "shared": int(shared.sum()),
        "expected": expected,
        "fold": float(shared.sum() / expected) if expected else float("nan"),
        "opposed": int(shared.sum()) - same,
        # Every gene can be drawn in two ways, up or down.
        "p": float(stats.hypergeom.sf(same - 1, 2 * total, n_a, n_b)),
    }
