"""Fit the preparation of one table and apply it, unchanged, to any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.sparse as sp

from .._core.checks import check_finite, check_positive
from .._core.errors import FormatError, GeneMismatchError, InputError
from .._core.genes import Genes
from .._core.provenance import digest, read_json, write_json
from ..io import Store
from ._statistics import of_matrix, of_store
from .scale import SCALES, check_scale, to_log2

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Preparation", "prepare"]

LEAST_SAMPLES = 10
LEAST_GENES = 10
LEAST_COVERAGE = 0.8


@dataclass(frozen=True)
class Preparation:
    """What was learned from one table: genes kept, their mean and standard deviation on the log2 scale.

    Nothing in :meth:`transform` depends on which samples come together, so one new sample gets the same
    numbers alone as among a thousand.

    Attributes
    ----------
    genes
        Genes kept, in order.
    scale
        Scale of the values in the file: ``"log2"``, ``"counts"`` or ``"linear"``.
    mean_g, sd_g
        Shape ``(g,)``, on the log2 scale.
    account
        Counts of what was read, kept and dropped, and the floor.
    """

    genes: Genes
    scale: str
    mean_g: np.ndarray
    sd_g: np.ndarray
    account: Mapping[str, Any] = field(default_factory=dict)

    FORMAT: ClassVar[int] = 1

    @property
    def digest(self) -> str:
        """Identity of everything that changes a transformed number."""
        return digest(self.genes.digest, self.scale, self.mean_g, self.sd_g)

    def transform(self, adata: AnnData) -> np.ndarray:
        """Standardised values, float32, shape ``(n, g)``, columns in the order of ``genes``.

        Genes that `adata` lacks are given their mean over the fitted samples (0 after standardising).

        Parameters
        ----------
        adata
            Samples x genes, on the scale of the fitted table.

        Raises
        ------
        GeneMismatchError
            If fewer than 80% of the genes are there.
        InputError
            If values are missing, infinite or on another scale, or gene ids repeat.
        """
        alignment = self.genes.align(Genes(tuple(adata.var_names), self.genes.namespace))
        if alignment.fraction < LEAST_COVERAGE:
            msg = (
                f"only {alignment.found} of the model's {len(self.genes)} genes are in this table ({alignment}); "
                f"at least {LEAST_COVERAGE:.0%} are needed: check that both use the same kind of gene id"
            )
            raise GeneMismatchError(msg)
        x_ng = _values(adata)
        there = alignment.index >= 0
        z_ng = np.zeros((adata.n_obs, len(self.genes)), dtype=np.float32)
        # Counts per million need every gene of the sample, so the scale comes before the choice of genes.
        chosen = _logged(x_ng, adata, self.scale)[:, alignment.index[there]]
        z_ng[:, there] = (chosen - self.mean_g[there]) / self.sd_g[there]
        return z_ng

    def save(self, path: Path) -> None:
        """Write as JSON; the gene list and its numbers in full."""
        content = {
            "format": self.FORMAT,
            "namespace": self.genes.namespace,
            "scale": self.scale,
            "account": dict(self.account),
            "genes": list(self.genes.ids),
            "mean": [float(m) for m in self.mean_g],
            "sd": [float(s) for s in self.sd_g],
        }
        write_json(path, content)

    @classmethod
    def load(cls, path: Path) -> Preparation:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FormatError
            If the file is absent, damaged, or from a newer genelight.
        """
        content = read_json(path)
        try:
            newer = content["format"] > cls.FORMAT
            genes = Genes(tuple(content["genes"]), content["namespace"])
            mean_g, sd_g = (np.asarray(content[key], dtype=np.float64) for key in ("mean", "sd"))
            read = cls(genes, content["scale"], mean_g, sd_g, dict(content["account"]))
        except (KeyError, TypeError, ValueError) as error:
            msg = f"{path} is no preparation that genelight wrote: {error!r}"
            raise FormatError(msg) from error
        if newer:
            msg = (
                f"{path} has format {content['format']}, newer than {cls.FORMAT}; upgrade with pip install -U genelight"
            )
            raise FormatError(msg)
        _check_read(read, path)
        return read


def prepare(
    adata: AnnData | Store,
    *,
    scale: str = "log2",
    ids: str = "symbol",
    above_floor: float = 0.5,
    variable: int | None = None,
) -> Preparation:
    """Learn how to prepare a table: which genes to keep, and how to standardise each.

    Parameters
    ----------
    adata
        Samples x genes; a store is read in one pass, and its genes with missing values are left out.
    scale
        Scale of the values: ``"log2"``, ``"counts"`` (becomes log2 counts per million + 1) or ``"linear"``
        (becomes log2(x + 1)). Values that contradict it stop the run.
    ids
        Kind of gene id.
    above_floor
        Keep genes above the floor in at least this share of samples. The floor is the most frequent value if more
        than 1% of all values are exactly that and fewer than 5% lie below it (arrays floored by their vendor's
        software, zero counts); else there is none.
    variable
        Keep only this many genes, those of largest variance; by default all.

    Returns
    -------
    Preparation

    Raises
    ------
    InputError
        If there are fewer than 10 samples or 10 usable genes, ids repeat, values are missing or infinite,
        or the scale does not fit.

    Notes
    -----
    Cost: one pass over the matrix and a copy of it; of a store never more than a block is in memory.

    Examples
    --------
    >>> import genelight as gl
    >>> preparation = gl.prepare(gl.demo.cohort())
    >>> preparation.transform(gl.demo.cohort()[:3]).shape
    (3, 4147)
    """
    if variable is not None:
        check_positive(variable=variable)
    if adata.n_obs < LEAST_SAMPLES:
        msg = f"{adata.n_obs} samples are too few to prepare a table, at least {LEAST_SAMPLES} are needed"
        raise InputError(msg)
    ids_all = Genes(tuple(adata.var_names), ids)
    found = of_store(adata, scale) if isinstance(adata, Store) else of_matrix(_logged(_values(adata), adata, scale))
    complete = np.isfinite(found.sd_g)
    varies = complete & (found.sd_g > 1e-6 * np.maximum(1.0, found.largest_g))
    seen = varies & (found.above_g >= above_floor)
    keep = _most_variable(found.sd_g, seen, variable)
    account: dict[str, Any] = {
        "samples": adata.n_obs,
        "genes_read": len(ids_all),
        "genes_incomplete": int((~complete).sum()),
        "genes_constant": int((complete & ~varies).sum()),
        "genes_on_floor": int((varies & ~seen).sum()),
        "genes_less_variable": int(seen.sum() - keep.sum()),
        "genes_kept": int(keep.sum()),
        "floor": found.floor,
        "scale": scale,
        "highest": found.highest,
    }
    if keep.sum() < LEAST_GENES:
        missing = f", {account['genes_incomplete']} have missing values" if account["genes_incomplete"] else ""
        msg = (
            f"only {int(keep.sum())} of {len(ids_all)} genes can be used ({account['genes_constant']} are constant, "
            f"{account['genes_on_floor']} on the floor{missing}); at least {LEAST_GENES} are needed"
        )
        raise InputError(msg)
    genes = Genes(tuple(np.asarray(ids_all.ids, dtype=object)[keep]), ids)
    return Preparation(genes, scale, found.mean_g[keep], found.sd_g[keep], account)


def _check_read(read: Preparation, path: Path) -> None:
    genes, means, sds = len(read.genes), read.mean_g.shape, read.sd_g.shape
    if not (genes,) == means == sds:
        msg = f"{path}: {genes} genes, {means} means and {sds} standard deviations do not agree"
    elif read.scale not in SCALES:
        msg = f"{path}: scale {read.scale!r} is none of {', '.join(SCALES)}"
    elif not (np.isfinite(read.mean_g).all() and np.isfinite(read.sd_g).all() and (read.sd_g > 0).all()):
        msg = f"{path}: a mean is not finite or a standard deviation is not above zero"
    else:
        return
    raise FormatError(msg)


def _values(adata: AnnData) -> np.ndarray:
    x = adata.X
    if x is None:
        msg = "the table has no X; put the expression matrix there, for example adata.X = adata.layers['log2']"
        raise InputError(msg)
    if sp.issparse(x):
        x = x.toarray()
    # Sums depend on the order in memory in their last bit, and with it the digest.
    return np.asarray(x, dtype=np.float64, order="C")


def _logged(x_ng: np.ndarray, adata: AnnData, scale: str) -> np.ndarray:
    check_finite(x_ng, samples=list(adata.obs_names), genes=list(adata.var_names), where="the expression matrix")
    check_scale(x_ng, scale)
    return to_log2(x_ng, scale)


def _most_variable(sd_g: np.ndarray, seen: np.ndarray, number: int | None) -> np.ndarray:
    if number is None or number >= seen.sum():
        return seen
    order = np.argsort(np.where(seen, -sd_g, np.inf), kind="stable")
    keep = np.zeros(len(sd_g), dtype=bool)
    keep[order[:number]] = True
    return keep
