"""What every test shares: small models in plain numpy, cohorts with a planted module, no clock for properties."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import anndata
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from hypothesis import HealthCheck, settings

from genelight._core import progress
from genelight._core.provenance import digest
from genelight.errors import GenelightError
from genelight.nouns import Contrast, Genes
from genelight.nouns.model import CodeRange
from genelight.pp.preparation import Preparation

# Text as pandas 3 keeps it: GENELIGHT_TEST_STRINGS=1 python -m pytest
if os.environ.get("GENELIGHT_TEST_STRINGS"):
    pd.options.future.infer_string = True
    anndata.settings.allow_write_nullable_strings = True


def pytest_configure(config: pytest.Config) -> None:
    """What pandas 2 alone says of pandas 3's strings: pandas 3 keeps an index of objects, and all columns of none."""
    if os.environ.get("GENELIGHT_TEST_STRINGS"):
        config.addinivalue_line("filterwarnings", "ignore:Dtype inference on a pandas object:FutureWarning")
        config.addinivalue_line("filterwarnings", "ignore:The behavior of .* concatenation with empty:FutureWarning")


# On a slow machine anything may take two seconds, and would say what it does among what a test expects.
progress.SOON = 600.0


def _read_by_people(error: GenelightError, *parts: object) -> None:
    """A message has numbers as a person writes them: ``1.0``, where NumPy's own way is ``np.float64(1.0)``."""
    if found := re.search(r"\bnp\.(float|int|uint|str|bool|bytes)\w*\(", " ".join(map(str, parts))):
        pytest.fail(f"a message shows a value as NumPy does, {found.group()}...): {parts}")
    Exception.__init__(error, *parts)


GenelightError.__init__ = _read_by_people

# No test cuts the power: to wait for the disk after every file would only take time.
os.fsync = lambda handle: None

# Properties are judged by their result, not by how busy the machine is.
settings.register_profile("genelight", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("genelight")


class Toy:
    """x -> L1 -> L2 -> L3 -> x with given weights, z-scored input."""

    name = "toy"

    def __init__(
        self,
        train: AnnData,
        weights: Sequence[np.ndarray],
        activation: Callable[[np.ndarray], np.ndarray] = lambda h: h,
    ) -> None:
        self.genes = Genes(tuple(train.var_names))
        self.weights = [np.asarray(w) for w in weights]
        self.activation = activation
        self.preparation = Preparation(self.genes, "log2", train.X.mean(0), train.X.std(0))
        x_ng = self.prepare(train)
        self._ranges = {layer: CodeRange.of(self.encode(x_ng, layer)) for layer in self.widths}

    @property
    def widths(self) -> dict[str, int]:
        return {f"L{i + 1}": w.shape[1] for i, w in enumerate(self.weights[:-1])}

    @property
    def digest(self) -> str:
        return digest(self.genes.digest, *self.weights)

    def prepare(self, adata: AnnData) -> np.ndarray:
        index = self.genes.align(adata.var_names).index
        return ((adata.X[:, index] - self.preparation.mean_g) / self.preparation.sd_g).astype(np.float32)

    def encode(self, x_ng: np.ndarray, layer: str) -> np.ndarray:
        h = x_ng
        for weight in self.weights[: int(layer[1:])]:
            h = self.activation(h @ weight)
        return h

    def decode(self, h_nk: np.ndarray, layer: str) -> np.ndarray:
        h = h_nk
        for weight in self.weights[int(layer[1:]) : -1]:
            h = self.activation(h @ weight)
        return h @ self.weights[-1]

    def code_range(self, layer: str) -> CodeRange:
        return self._ranges[layer]


def axes(adata: AnnData, k: int) -> np.ndarray:
    """First principal axes of the z-scored genes, shape ``(g, k)``."""
    z = (adata.X - adata.X.mean(0)) / adata.X.std(0)
    return np.linalg.svd(z, full_matrices=False)[2][:k].T


def linear_toy(adata: AnnData, widths: tuple[int, int, int] = (6, 5, 4), seed: int = 0) -> Toy:
    """A linear stack: principal components, mixed and narrowed from layer to layer."""
    rng = np.random.default_rng(seed)
    mixes = [np.linalg.qr(rng.normal(size=(k, k)))[0] for k in widths]
    v = axes(adata, widths[0])
    narrow = [np.eye(a, b) for a, b in pairwise(widths)]
    weights = [
        v @ mixes[0],
        mixes[0].T @ narrow[0] @ mixes[1],
        mixes[1].T @ narrow[1] @ mixes[2],
        mixes[2].T @ v[:, : widths[2]].T,
    ]
    return Toy(adata, weights)


def relu_toy(adata: AnnData, k: int = 4) -> Toy:
    """A ReLU stack in which each component has a node for either sign."""
    both = np.hstack([np.eye(k), -np.eye(k)])
    v = axes(adata, k)
    return Toy(adata, [v @ both, np.eye(2 * k), np.eye(2 * k), both.T @ v.T], lambda h: np.maximum(h, 0))


@dataclass(frozen=True)
class Cohort:
    adata: AnnData
    contrast: Contrast
    planted_g: np.ndarray


def make_cohort(
    *,
    cases: int = 20,
    controls: int = 20,
    both: int = 0,
    visits: int = 2,
    genes: int = 200,
    effect: float = 1.0,
    seed: int = 0,
) -> Cohort:
    """Subjects with cases only, controls only and both; the first 20 genes rise, the next 10 fall in cases.

    Subjects differ from one another, and two programmes that have nothing to do with the disease move many genes.
    """
    rng = np.random.default_rng(seed)
    kinds = ["case"] * cases + ["control"] * controls + ["both"] * both
    rows = []
    for s, kind in enumerate(kinds):
        groups = ("case", "control") if kind == "both" else (kind,)
        rows += [(f"s{s:03d}", group) for group in groups for _ in range(visits)]
    obs = pd.DataFrame(rows, columns=["subject", "group"], index=[f"n{i}" for i in range(len(rows))])
    planted = np.zeros(genes)
    planted[:20], planted[20:30] = 1.0, -1.0
    case_n = (obs["group"] == "case").to_numpy()
    position_n = np.unique(obs["subject"], return_inverse=True)[1]
    loading_pg = rng.normal(size=(2, genes)) * (rng.random((2, genes)) < 0.3)
    x = rng.normal(size=(len(obs), genes)) + 0.5 * rng.normal(size=(len(kinds), genes))[position_n]
    x += rng.normal(size=(len(obs), 2)) @ loading_pg
    x += effect * np.outer(case_n * (1 + 0.3 * rng.normal(size=len(obs))), planted)
    adata = AnnData(x + 8, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(genes)]))
    return Cohort(adata, Contrast(case_n, ~case_n, obs["subject"].to_numpy(object), "case against control"), planted)


@pytest.fixture(scope="session")
def cohort() -> Cohort:
    return make_cohort()


@pytest.fixture(scope="session")
def linear(cohort: Cohort) -> Toy:
    return linear_toy(cohort.adata)


@pytest.fixture(scope="session")
def relu(cohort: Cohort) -> Toy:
    return relu_toy(cohort.adata)


@pytest.fixture(scope="session")
def cohort_of() -> Callable[..., Cohort]:
    return make_cohort


@pytest.fixture(scope="session")
def linear_of() -> Callable[..., Toy]:
    return linear_toy


@pytest.fixture(scope="session")
def relu_of() -> Callable[..., Toy]:
    return relu_toy


@pytest.fixture(scope="session")
def toy_of() -> type[Toy]:
    return Toy


class Treated:
    """Cohorts of treated patients: response goes with the known signatures, or with a programme that no one knows."""

    SIX = ("IDO1", "CXCL10", "CXCL9", "HLA-DRA", "STAT1", "IFNG")
    KNOWN = (*SIX, "CD8A", "GZMA", "PRF1")
    PLANTED = tuple(f"PLANT{i}" for i in range(12))

    def cohort(
        self, patients: int = 40, *, genes: int = 300, signature: float = 0.0, planted: float = 0.0, seed: int
    ) -> AnnData:
        """log2 expression, three responders and three others at least."""
        rng = np.random.default_rng(seed)
        lists = [*self.KNOWN, *self.PLANTED]
        level_g = np.random.default_rng(99).uniform(2, 12, genes)
        one_n, two_n = rng.normal(size=patients), rng.normal(size=patients)
        x_ng = level_g + rng.normal(0, 0.5, genes) + rng.normal(0, 0.6, (patients, genes))
        x_ng[:, : len(self.KNOWN)] += one_n[:, None]
        x_ng[:, len(self.KNOWN) : len(lists)] += two_n[:, None]
        responded_n = rng.random(patients) < 1 / (1 + np.exp(-(signature * one_n + planted * two_n)))
        responded_n[:3], responded_n[3:6] = True, False
        obs = pd.DataFrame({"response": np.where(responded_n, "R", "NR")})
        var = pd.DataFrame(index=[*lists, *(f"GENE{i}" for i in range(genes - len(lists)))])
        return AnnData(x_ng.astype(np.float32), obs=obs.set_axis([f"s{seed}_{i}" for i in range(patients)]), var=var)

    def cohorts(
        self, number: int = 6, *, signature: float = 0.0, planted: float = 0.0, seed: int = 0
    ) -> dict[str, AnnData]:
        """Several of them by name."""
        names = [f"c{c}" for c in range(1, number + 1)]
        seeds = range(100 * seed + 1, 100 * seed + number + 1)
        return {n: self.cohort(signature=signature, planted=planted, seed=s) for n, s in zip(names, seeds, strict=True)}


@pytest.fixture(scope="session")
def treated() -> Treated:
    return Treated()
