"""Cohorts measured in other features than genes, each made to what is published of its modality."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from .._core.checks import check_positive
from .._core.registry import Registry
from ._cohort import Programmes, cohort

if TYPE_CHECKING:
    from anndata import AnnData

NO_GENE, TWO_GENES = 0.2, 0.1  # of features along a chromosome
CELL_TYPES = 5


@dataclass
class Measured:
    """What an instrument makes of features.

    Attributes
    ----------
    x_ng
        Values as a file has them.
    names
        Ids of the features.
    pairs
        Features and their genes, as positions in two arrays; None where they have none.
    layers, obs
        What was there before it was measured, and what else is known of samples.
    """

    x_ng: Any
    names: list[str]
    pairs: tuple[np.ndarray, np.ndarray] | None = None
    layers: dict[str, np.ndarray] = field(default_factory=dict)
    obs: dict[str, Any] = field(default_factory=dict)


Measure = Callable[[np.ndarray, pd.DataFrame, np.random.Generator], Measured]
SIMULATED: Registry[Measure] = Registry("simulated kind of feature")
"""By name: from standard normal activities of features, shape ``(n, g)``, and who the samples are."""


def features(
    kind: str,
    n_subjects: int = 60,
    *,
    visits: int = 1,
    n_features: int = 1000,
    programmes: Programmes | None = None,
    seed: int = 0,
) -> AnnData:
    """Simulate a cohort of cases and controls whose samples are measured by another technique than expression.

    Subjects, severity and programmes are those of :func:`cohort`; the same `seed` gives the same people and the same
    activities whatever the kind, so that several kinds are blocks of one study.

    Parameters
    ----------
    kind
        ``"cpg"``: beta values with two modes, near 0 and 1, whose standard deviation shrinks towards both ends while
        that of M values does not (Du et al. 2010, doi 10.1186/1471-2105-11-587); genes have from one CpG to hundreds
        (Phipson et al. 2016, doi 10.1093/bioinformatics/btv560), and neighbours are methylated together.

        ``"protein"``: intensities over five orders of magnitude, a fifth missing, the lower the likelier, with log odds
        linear in log2 (Li and Smyth 2023, doi 10.1093/bioinformatics/btad200).

        ``"metabolite"``: the same with a sharper limit, and 3% missing at random besides (Do et al. 2018, doi
        10.1007/s11306-018-1420-2); a feature has several genes, its enzymes.

        ``"mirna"``: counts, of which a dozen microRNAs make more than half (McCall et al. 2017, doi
        10.1101/gr.222067.117); each has many target genes.

        ``"taxon"``: counts of a whole of unequal depth, overdispersed, most of them zero (Gloor et al. 2017, doi
        10.3389/fmicb.2017.02224).

        ``"cell"``: negative binomial counts of molecules without further zeros (Svensson 2020, doi
        10.1038/s41587-019-0379-5), most of them zero, five cell types in other shares in each donor; sparse.
    n_subjects, visits, n_features, programmes, seed
        As in :func:`cohort`, programmes of a twenty-fifth of the features by default; a visit of a donor is a cell.

    Returns
    -------
    AnnData
        ``X`` as a file of that kind has it; ``obs`` and ``obsm["programmes"]`` as of :func:`cohort`; ``var`` with the
        programme of a feature, and whether it is of a diseased one (module). ``uns["feature_genes"]`` pairs features
        and genes where there are such pairs; layers hold what was there before it was measured.

    Raises
    ------
    UnknownNameError
        If there is no such kind.
    InputError
        If sizes do not go together.

    Notes
    -----
    Not simulated: batches of arrays and plates, cell-type composition of bulk samples, gaps that whole samples share,
    dilution, ambient molecules and doublets.

    Examples
    --------
    >>> from genelight import simulate
    >>> proteins = simulate.features("protein", 40, n_features=400)
    >>> proteins.shape, list(proteins.var_names[:2]), 0.1 < float((proteins.X != proteins.X).mean()) < 0.4
    ((40, 400), ['P00001', 'P00002'], True)
    """
    measure = SIMULATED[kind]
    check_positive(n_features=n_features)
    planted = programmes or Programmes(size=max(1, n_features // 25))
    base = cohort(n_subjects, visits=visits, n_genes=n_features, programmes=planted, seed=seed)
    # Features of one programme lie side by side, as neighbours on a chromosome do.
    base = base[:, np.argsort(base.var["programme"].replace("", "~").to_numpy(), kind="stable")].copy()
    z_ng = (np.asarray(base.X, np.float64) - base.var["mean"].to_numpy()) / base.var["sd"].to_numpy()
    found = measure(z_ng, base.obs, np.random.default_rng([seed, *kind.encode()]))
    from anndata import AnnData

    made = AnnData(
        found.x_ng,
        obs=base.obs.assign(**found.obs),
        var=base.var[["programme", "module"]].set_axis(pd.Index(found.names)),
        layers=found.layers,
        obsm={"programmes": base.obsm["programmes"]},
        uns={"simulate": {"kind": kind, "seed": seed}},
    )
    if found.pairs is not None:
        feature_e, gene_e = found.pairs
        genes = [f"G{g + 1:04d}" for g in gene_e]
        made.uns["feature_genes"] = pd.DataFrame({"feature": np.asarray(found.names)[feature_e], "gene": genes})
    return made


@SIMULATED.register("cpg", doi="10.1186/1471-2105-11-587")
def _cpg(z_ng: np.ndarray, _obs: pd.DataFrame, rng: np.random.Generator) -> Measured:
    """Beta values of CpGs."""
    g = z_ng.shape[1]
    mode_g = rng.choice(3, g, p=(0.45, 0.15, 0.40))
    mean_g = np.array([-3.6, 0.0, 3.0])[mode_g] + np.array([0.7, 1.2, 0.7])[mode_g] * rng.standard_normal(g)
    m_ng = mean_g + rng.uniform(0.3, 0.6, g) * z_ng
    names = [f"cg{i + 1:08d}" for i in range(g)]
    return Measured((1 / (1 + 2.0**-m_ng)).astype(np.float32), names, _along(g, rng), {"m": m_ng.astype(np.float32)})


@SIMULATED.register("protein", doi="10.1093/bioinformatics/btad200")
def _protein(z_ng: np.ndarray, _obs: pd.DataFrame, rng: np.random.Generator) -> Measured:
    """Intensities of proteins."""
    g = z_ng.shape[1]
    log_ng = rng.normal(23, 2.8, g) + rng.uniform(0.5, 1.0, g) * z_ng
    seen_ng = rng.random(log_ng.shape) < 1 / (1 + np.exp(-0.9 * (log_ng - 20.5)))
    # A few are groups that peptides cannot tell apart.
    extra = rng.random(g) < 0.03
    pairs = np.append(np.arange(g), np.flatnonzero(extra)), np.append(np.arange(g), np.flatnonzero(extra) + g)
    names = [f"P{i + 1:05d}" for i in range(g)]
    return Measured(np.where(seen_ng, 2.0**log_ng, np.nan), names, pairs, {"log2": log_ng.astype(np.float32)})


@SIMULATED.register("metabolite", doi="10.1007/s11306-018-1420-2")
def _metabolite(z_ng: np.ndarray, _obs: pd.DataFrame, rng: np.random.Generator) -> Measured:
    """Intensities of metabolites."""
    g = z_ng.shape[1]
    log_ng = rng.normal(17, 3, g) + rng.uniform(0.6, 1.2, g) * z_ng
    seen_ng = rng.random(log_ng.shape) < 0.97 / (1 + np.exp(-3 * (log_ng - 14)))
    pairs = _several(g, rng, genes=max(20, g // 2), mean=3)
    names = [f"HMDB{i + 1:07d}" for i in range(g)]
    return Measured(np.where(seen_ng, 2.0**log_ng, np.nan), names, pairs, {"log2": log_ng.astype(np.float32)})


@SIMULATED.register("mirna", doi="10.1101/gr.222067.117")
def _mirna(z_ng: np.ndarray, _obs: pd.DataFrame, rng: np.random.Generator) -> Measured:
    """Counts of microRNAs."""
    g = z_ng.shape[1]
    level_g = -1.6 * np.log(1 + rng.permutation(g))
    amount_ng = np.exp(level_g + np.log(2) * rng.uniform(0.4, 0.9, g) * z_ng)
    x_ng = _drawn(amount_ng, rng, depth=2e6, sd=0.5, size=20.0)
    names = [f"hsa-miR-{i + 1}-5p" for i in range(g)]
    return Measured(x_ng, names, _several(g, rng, genes=max(100, 5 * g), mean=40))


@SIMULATED.register("taxon", doi="10.3389/fmicb.2017.02224")
def _taxon(z_ng: np.ndarray, _obs: pd.DataFrame, rng: np.random.Generator) -> Measured:
    """Counts of microbial taxa."""
    g = z_ng.shape[1]
    amount_ng = np.exp(rng.normal(0, 2.5, g) + rng.uniform(0.8, 1.6, g) * z_ng)
    x_ng = _drawn(amount_ng, rng, depth=8e3, sd=0.6, size=0.4)
    names = [f"k__Bacteria|g__Genus{i // 4 + 1}|s__Species{i + 1}" for i in range(g)]
    return Measured(x_ng, names)


@SIMULATED.register("cell", doi="10.1038/s41587-019-0379-5")
def _cell(z_ng: np.ndarray, obs: pd.DataFrame, rng: np.random.Generator) -> Measured:
    """Counts of molecules of cells."""
    n, g = z_ng.shape
    donor_n = obs["subject"].cat.codes.to_numpy()
    share_dt = np.asarray(rng.dirichlet(np.full(CELL_TYPES, 3.0), donor_n.max() + 1))
    type_n = (rng.random((n, 1)) > share_dt[donor_n].cumsum(1)).sum(1).clip(max=CELL_TYPES - 1)
    marks_gt = np.asarray(rng.normal(1.5, 0.5, (g, CELL_TYPES))) * (rng.random((g, CELL_TYPES)) < 0.06)
    donor_dg = 0.15 * rng.standard_normal((donor_n.max() + 1, g))
    amount_ng = np.exp(rng.normal(0, 1.5, g) + 0.4 * z_ng + marks_gt.T[type_n] + donor_dg[donor_n])
    x_ng = _drawn(amount_ng, rng, depth=0.3 * g, sd=0.4, size=2.0)
    types = pd.Categorical([f"T{t + 1}" for t in type_n])
    return Measured(sp.csr_matrix(x_ng), [f"G{i + 1:04d}" for i in range(g)], obs={"cell_type": types})


def _drawn(amount_ng: np.ndarray, rng: np.random.Generator, *, depth: float, sd: float, size: float) -> np.ndarray:
    """Negative binomial counts of log-normal depths around one, in parts as the amounts have them."""
    depth_n1 = depth * np.exp(sd * rng.standard_normal((len(amount_ng), 1)))
    mean_ng = depth_n1 * amount_ng / amount_ng.sum(1, keepdims=True)
    return rng.poisson(mean_ng * rng.gamma(size, 1 / size, mean_ng.shape)).astype(np.float32)


def _along(features: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Genes along a chromosome, with one feature or hundreds each; some features lie in none, some in two."""
    size_g = np.ceil(rng.lognormal(1.8, 1.1, features)).astype(int)
    gene_f = np.repeat(np.arange(features), size_g)[:features]
    inside = np.flatnonzero(rng.random(features) >= NO_GENE)
    both = np.flatnonzero(rng.random(features) < TWO_GENES)
    return np.append(inside, both), np.append(gene_f[inside], gene_f[both] + 1)


def _several(features: int, rng: np.random.Generator, *, genes: int, mean: int) -> tuple[np.ndarray, np.ndarray]:
    """Each feature's genes, about `mean` of them, of a number of genes that features share."""
    count_f = 1 + rng.poisson(mean - 1, features)
    feature_e = np.repeat(np.arange(features), count_f)
    pairs = np.unique(np.stack([feature_e, rng.integers(0, genes, len(feature_e))]), axis=1)
    return pairs[0], pairs[1]
