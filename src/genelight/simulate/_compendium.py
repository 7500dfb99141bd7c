"""A compendium of any size with low-rank, partly nonlinear truth, made block by block in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from .._core.checks import check_positive
from .._core.disk import writing
from .._core.progress import progress
from ..errors import InputError
from ..nouns import Genes
from ._cohort import switch

BLOCK = 128  # samples per counter of the random generator; changing it changes the data
TISSUES = 24
REACH = 4  # factors, and hidden features, that act on a gene
TRUTH, FACTORS, NOISE = range(3)  # streams of the random generator


@dataclass(frozen=True)
class Compendium:
    r"""Unlabelled log2 expression of many tissues: a recipe that makes any rows of it when asked.

    For sample :math:`i` of tissue :math:`t`, with `rank` factors :math:`f`,

    .. math::
        f_i &= \sqrt{1/2}\, c_{t(i)} + \sqrt{1/2}\, u_i, \qquad c, u \sim N(0, I) \\
        h_i &= \phi(f_i A - \theta), \qquad \theta \sim U(-1, 1) \\
        x_{ig} &= \mu_g + \tau_g (\sqrt{1 - \nu}\, w_g f_i + \sqrt{\nu}\, v_g h_i + \mathrm{noise}\; \varepsilon_{ig})

    with 24 tissues; twice `rank` hidden features :math:`h`, each what a switch ``tanh(2 (z - threshold))`` adds
    to a straight line, standardised, along a random unit direction (a column of :math:`A`); unit rows
    :math:`w_g, v_g` of four non-zero entries each; :math:`\mu_g` = 5 to 12 and :math:`\tau_g` = 0.3 to 1.
    Factors, features and noise have variance near 1 and features do not correlate with factors. So with
    ``noise=1`` half of a gene's variance is signal, of which a share :math:`\nu` = `nonlinear` is a function of
    `rank` numbers that no linear decoder of them gives. Values are float32, seldom outside 0 to 17.

    Samples are made in fixed blocks, each from its own counter of the Philox generator and by its own matrix
    product. So the bytes do not depend on how many rows are asked for at once, and the first thousand samples
    of a large compendium are those of a small one of as many genes. (Another BLAS may round the last bit
    otherwise.)

    Parameters
    ----------
    n_samples, n_genes
        Shape; the defaults are the paper's compendium of 27,887 x 20,848 (2.3 GB).
    rank
        Number of factors.
    nonlinear
        Share of the signal that passes through the hidden features, 0 to 1.
    noise
        Standard deviation of the noise, in that of the signal.
    seed
        Of all draws.

    Raises
    ------
    InputError
        If a size is not positive, `rank` is under four, or `nonlinear` is out of range.

    Notes
    -----
    Memory: the loadings (``n_genes * 3 * rank`` float32), one block and one chunk, whatever `n_samples` is.

    References
    ----------
    Salmon et al. (2011), doi 10.1145/2063384.2063405, for the counter-based generator.

    Examples
    --------
    >>> from genelight import simulate
    >>> compendium = simulate.Compendium(1000, 500)
    >>> [x_ng.shape for x_ng in compendium.chunks(400)]
    [(400, 500), (400, 500), (200, 500)]
    """

    n_samples: int = 27_887
    n_genes: int = 20_848
    rank: int = 64
    nonlinear: float = 0.5
    noise: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_positive(n_samples=self.n_samples, n_genes=self.n_genes)
        if self.rank < REACH or not 0 <= self.nonlinear <= 1 or self.noise < 0:
            msg = (
                f"rank = {self.rank} must be at least {REACH}, nonlinear = {self.nonlinear} from 0 to 1 "
                f"and noise = {self.noise} not below 0"
            )
            raise InputError(msg)

    @cached_property
    def genes(self) -> Genes:
        """Gene ids, ``G00001`` on."""
        return Genes(tuple(f"G{g + 1:05d}" for g in range(self.n_genes)))

    @cached_property
    def loadings_gr(self) -> np.ndarray:
        r"""Linear loadings :math:`\sqrt{1 - \nu}\, w`, shape ``(g, rank)``: the planted programmes."""
        return np.ascontiguousarray(self._truth.decoder_dg[: self.rank].T)

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Samples `start` up to but not including `stop`, shape ``(stop - start, g)``, float32.

        Raises
        ------
        InputError
            If the range does not lie within the compendium.
        """
        return self._collect(start, stop, self._values)

    def factors(self, start: int, stop: int) -> np.ndarray:
        """Factors :math:`f` of the same samples, shape ``(stop - start, rank)``, float32.

        Raises
        ------
        InputError
            If the range does not lie within the compendium.
        """
        return self._collect(start, stop, self._factors)

    def chunks(self, size: int = 1024) -> Iterator[np.ndarray]:
        """All samples in order, `size` at a time, each chunk a new float32 array.

        Raises
        ------
        InputError
            If `size` is not positive.
        """
        check_positive(size=size)
        return self._chunks(min(size, self.n_samples))

    def save(self, path: Path) -> Path:
        """Stream to a file; returns its path.

        A path that ends in ``.h5ad`` becomes an AnnData file with samples ``S000001`` on; any other a ``.npy`` file,
        which ``numpy.load(path, mmap_mode="r")`` opens.

        Raises
        ------
        ResourceError
            If the file cannot be written; nothing half-written is left.
        """
        with writing(path) as draft, progress("simulating", self.n_samples) as step:
            write = self._to_h5ad if Path(path).suffix == ".h5ad" else self._to_npy
            for rows in write(draft):
                step("", rows)
        return Path(path)

    def _to_npy(self, path: Path) -> Iterator[int]:
        """Write, yielding the number of samples of each chunk once it is written."""
        header = {"descr": "<f4", "fortran_order": False, "shape": (self.n_samples, self.n_genes)}
        with path.open("wb") as handle:
            np.lib.format.write_array_header_1_0(handle, header)
            for x_ng in self.chunks():
                handle.write(x_ng.astype("<f4", copy=False).data)
                yield len(x_ng)

    def _to_h5ad(self, path: Path) -> Iterator[int]:
        """Write, yielding the number of samples of each chunk once it is written."""
        import h5py
        import pandas as pd
        from anndata import AnnData

        obs = pd.DataFrame(index=[f"S{i + 1:06d}" for i in range(self.n_samples)])
        AnnData(obs=obs, var=pd.DataFrame(index=list(self.genes.ids))).write_h5ad(path)
        with h5py.File(path, "r+") as file:
            x = file.require_dataset("X", (self.n_samples, self.n_genes), "float32")
            x.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
            start = 0
            for x_ng in self.chunks():
                x[start : start + len(x_ng)] = x_ng
                start += len(x_ng)
                yield len(x_ng)

    def _chunks(self, size: int) -> Iterator[np.ndarray]:
        chunk_ng, filled = np.empty((size, self.n_genes), np.float32), 0
        for block in range(-(-self.n_samples // BLOCK)):
            rows_ng = self._values(block)[: self.n_samples - block * BLOCK]
            while len(rows_ng):
                taken = rows_ng[: size - filled]
                chunk_ng[filled : filled + len(taken)] = taken
                filled, rows_ng = filled + len(taken), rows_ng[len(taken) :]
                if filled == size:
                    yield chunk_ng
                    chunk_ng, filled = np.empty((size, self.n_genes), np.float32), 0
        if filled:
            yield chunk_ng[:filled]

    def _collect(self, start: int, stop: int, make: Callable[[int], np.ndarray]) -> np.ndarray:
        """Rows `start` to `stop` of what `make` gives block by block."""
        if not 0 <= start < stop <= self.n_samples:
            msg = f"rows {start} to {stop} are not within the {self.n_samples} samples"
            raise InputError(msg)
        blocks = range(start // BLOCK, -(-stop // BLOCK))
        parts = [make(b)[max(0, start - b * BLOCK) : stop - b * BLOCK] for b in blocks]
        return np.concatenate(parts)

    def _factors(self, block: int) -> np.ndarray:
        """Factors of one block, shape ``(BLOCK, rank)``."""
        rng = self._rng(FACTORS, block)
        own_nr = rng.standard_normal((BLOCK, self.rank), dtype=np.float32)
        tissue_n = rng.integers(TISSUES, size=BLOCK)
        return np.float32(np.sqrt(0.5)) * (self._truth.centre_tr[tissue_n] + own_nr)

    def _values(self, block: int) -> np.ndarray:
        """Values of one whole block, shape ``(BLOCK, g)``."""
        truth, f_nr = self._truth, self._factors(block)
        h_nh = switch(f_nr @ truth.direction_rh, truth.threshold_h)
        x_ng = np.concatenate([f_nr, h_nh], axis=1) @ truth.decoder_dg
        x_ng += self._rng(NOISE, block).standard_normal(x_ng.shape, dtype=np.float32) * np.float32(self.noise)
        x_ng *= truth.sd_g
        x_ng += truth.mean_g
        return x_ng

    @cached_property
    def _truth(self) -> _Truth:
        rng, hidden = self._rng(TRUTH), 2 * self.rank
        centre_tr = rng.standard_normal((TISSUES, self.rank))
        direction_rh = rng.standard_normal((self.rank, hidden))
        threshold_h = rng.uniform(-1, 1, hidden)
        mean_g, sd_g = rng.uniform(5, 12, self.n_genes), rng.uniform(0.3, 1.0, self.n_genes)
        linear_gr = np.sqrt(1 - self.nonlinear) * _sparse_unit_rows(rng, self.n_genes, self.rank)
        nonlinear_gh = np.sqrt(self.nonlinear) * _sparse_unit_rows(rng, self.n_genes, hidden)
        direction_rh /= np.linalg.norm(direction_rh, axis=0)
        decoder_dg = np.concatenate([linear_gr, nonlinear_gh], axis=1).T
        parts = (centre_tr, direction_rh, threshold_h, decoder_dg, mean_g, sd_g)
        return _Truth(*(part.astype(np.float32) for part in parts))

    def _rng(self, stream: int, block: int = 0) -> np.random.Generator:
        """A generator whose numbers depend on the seed, the stream and the block, and on nothing drawn before."""
        return np.random.Generator(np.random.Philox(key=[self.seed, stream], counter=[0, 0, block, 0]))


@dataclass(frozen=True)
class _Truth:
    """Everything about a compendium that is not of one sample."""

    centre_tr: np.ndarray
    direction_rh: np.ndarray
    threshold_h: np.ndarray
    decoder_dg: np.ndarray
    mean_g: np.ndarray
    sd_g: np.ndarray


def _sparse_unit_rows(rng: np.random.Generator, n: int, columns: int) -> np.ndarray:
    """Rows of length one with REACH non-zero entries, shape ``(n, columns)``."""
    where_ne = rng.random((n, columns)).argpartition(REACH - 1, axis=1)[:, :REACH]
    where_ne.sort(axis=1)  # their order among themselves differs by processor and release of NumPy
    value_ne = rng.standard_normal((n, REACH))
    value_ne /= np.linalg.norm(value_ne, axis=1, keepdims=True)
    rows = np.zeros((n, columns))
    np.put_along_axis(rows, where_ne, value_ne, axis=1)
    return rows
