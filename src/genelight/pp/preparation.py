"""What a preparation learned, and how it gives any later sample the same numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .._core.printed import Card, Printed, leading
from .._core.provenance import check_seal, digest, read_json, sealed, write_json
from ..errors import FormatError, GeneMismatchError, InputError, UnknownNameError, first_three
from ..nouns import Genes
from ..nouns.genes import Alignment
from .adjust import Adjustment
from .features import kind_of
from .map_ids import IdMap
from .normalise import Normalisation
from .scale import SCALES, logged
from .settings import PreparationSettings

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Preparation"]

LEAST_COVERAGE = 0.8
LEAST_PANEL = 0.2  # where values may be missing, a panel of genes will do


@dataclass(frozen=True, repr=False)
class Preparation(Printed):
    """What was learned from one table: genes kept, and how the values of each become what a model sees.

    In turn: to log2; normalised, if asked for; without what goes with covariates and batch, if asked for; shifted
    and scaled. Nothing in :meth:`transform` depends on which samples come together, so one new sample gets the
    same numbers alone as among a thousand.

    Attributes
    ----------
    genes
        Genes kept, in order.
    scale
        Scale of the values in the file: ``"log2"``, ``"counts"`` or ``"linear"``.
    mean_g, sd_g
        Shape ``(g,)``, of the fitted samples before they were shifted and scaled.
    account
        Counts of what was read, kept and dropped, and the floor.
    normalisation, adjustment
        The steps between, None where there is none.
    shift_g, span_g
        What is subtracted and divided by; mean and standard deviation by default.
    id_map
        How the file's columns became genes, where they had to; None where they were genes.
    asked
        What was asked for; by default what can be told from the rest.
    censored_g
        Where what is missing tends to lie low: how far under a gene's mean it is expected, see
        :mod:`genelight.pp.gaps`; None where gaps are at random.
    """

    genes: Genes
    scale: str
    mean_g: np.ndarray
    sd_g: np.ndarray
    account: Mapping[str, Any] = field(default_factory=dict)
    normalisation: Normalisation | None = None
    adjustment: Adjustment | None = None
    shift_g: np.ndarray | None = None
    span_g: np.ndarray | None = None
    id_map: IdMap | None = None
    asked: PreparationSettings | None = None
    censored_g: np.ndarray | None = None

    FORMAT: ClassVar[int] = 3
    KIND: ClassVar[str] = "table"

    def __init_subclass__(cls) -> None:
        _KINDS[cls.KIND] = cls

    def _card(self) -> Card:
        account, asked, genes = self.account, self.settings, self.genes
        kept = (
            f"{len(genes):,} of {account['genes_read']:,} genes" if "genes_read" in account else f"{len(genes):,} genes"
        )
        return f"preparation of {len(genes):,} genes", [
            ("learned from", f"{account.get('samples', '?')} samples"),
            ("kept", f"{kept}, by {genes.namespace}: {leading(genes.ids, n=4)}"),
            ("scale", asked.scale + ("" if self.unit == asked.scale else f", as {self.unit}")),
            ("brought to", ", ".join(filter(None, (asked.normalise, asked.standardise)))),
            ("adjusted for", "" if self.adjustment is None else str(asked.adjust)),
            ("missing", "values may be missing" if self.missing else ""),
            ("digest", self.digest),
        ]

    @property
    def plain(self) -> bool:
        """Whether log2 values are only brought to mean 0 and standard deviation 1."""
        return self.normalisation is None and self.adjustment is None and self.shift_g is None

    @property
    def settings(self) -> PreparationSettings:
        """What was asked for, to learn a preparation of another table alike."""
        return replace(self.asked or PreparationSettings(), scale=self.scale, ids=self.genes.namespace)

    @property
    def missing(self) -> bool:
        """Whether values may be missing (NaN)."""
        return self.asked is not None and self.asked.missing

    @property
    def least_coverage(self) -> float:
        """Share of the genes' variance that a table has to carry: 0.8, where values may be missing 0.2."""
        return LEAST_PANEL if self.missing else LEAST_COVERAGE

    @property
    def digest(self) -> str:
        """Identity of everything that changes a transformed number."""
        parts: list[Any] = [self.genes.digest, self.scale, self.mean_g, self.sd_g]
        parts += [] if self.plain else [self._steps()]
        return digest(*parts) if self.censored_g is None else digest(*parts, self.censored_g)

    @property
    def centre_g(self) -> np.ndarray:
        """Mean of the fitted samples' prepared values, shape ``(g,)``: 0 by default."""
        shift_g, span_g = self._standard
        return (self.mean_g - shift_g) / span_g

    @property
    def spread_g(self) -> np.ndarray:
        """Standard deviation of the fitted samples' prepared values, shape ``(g,)``: 1 by default."""
        return self.sd_g / self._standard[1]

    @property
    def unit(self) -> str:
        """Of values before they were shifted and scaled, in words."""
        return "normal score" if self.normalisation else SCALES[self.scale].unit

    def lower(self, gap_ng: np.ndarray) -> np.ndarray:
        """How far under a gene's mean each missing value is expected to lie, in prepared units, shape ``(n, g)``.

        0 where gaps are at random, or nothing is missing.
        """
        if self.censored_g is None:
            return np.zeros((1, 1), np.float32)
        return np.where(gap_ng, (self.censored_g / self._standard[1]).astype(np.float32), np.float32(0.0))

    @property
    def step_g(self) -> np.ndarray:
        """What one prepared unit of each gene is before values were shifted and scaled, shape ``(g,)``."""
        return self._standard[1]

    def align(self, ids: Iterable[str]) -> Alignment:
        """Where the genes stand among `ids`, each weighed by its variance over the fitted samples.

        Raises
        ------
        GeneMismatchError
            If what is there carries less than 80% of the genes' variance (20% where the preparation lets values be
            missing); says what to type.
        InputError
            If ids repeat or are empty.
        """
        alignment = self.genes.align(Genes(tuple(ids), self.genes.namespace), weight_g=self.sd_g**2)
        if alignment.weighted < self.least_coverage:
            msg = (
                f"only {alignment.found} of the model's {len(self.genes)} genes are in this table ({alignment}), with "
                f"{alignment.weighted:.1%} of their variance; at least {self.least_coverage:.0%} is needed. Map its "
                "ids: genelight map-ids FILE --model MODEL --out NEW (gl.map_ids(adata, to=model.genes) in Python)"
            )
            raise GeneMismatchError(msg)
        return alignment

    def transform(self, adata: AnnData) -> np.ndarray:
        """Prepared values, float32, shape ``(n, g)``, columns in the order of ``genes``.

        Genes that `adata` lacks, and single values that are missing, are given their mean over the fitted samples (0
        after standardising); a model gives them what the others let it expect, see ``model.prepare``. Where the
        preparation lets values be missing, they stay so (NaN).

        Parameters
        ----------
        adata
            Samples x genes, on the scale of the fitted table, with the covariates and the batch in ``obs`` where
            those were adjusted for.

        Raises
        ------
        GeneMismatchError
            If genes with 80% of the variance are not there.
        InputError
            If a sample lacks values with a fifth of the variance, values are infinite or on another scale, gene ids
            repeat, or a batch is not a known one.
        """
        alignment = self.align(adata.var_names)
        there_g = alignment.index >= 0
        shift_g, span_g = self._standard
        y_ng = logged(adata, self.scale, missing=True, columns=alignment.index[there_g])
        gap_ng = np.isnan(y_ng)
        if gap_ng.any() and not self.missing:
            self._check_gaps(gap_ng, there_g, list(adata.obs_names))
            y_ng = np.where(gap_ng, self.mean_g[there_g], y_ng)
        y_ng = self._between(y_ng, adata, there_g)
        z_ng = np.empty((adata.n_obs, len(self.genes)), dtype=np.float32)
        z_ng[:, there_g] = (y_ng - shift_g[there_g]) / span_g[there_g]
        z_ng[:, ~there_g] = self.centre_g[~there_g]
        if gap_ng.any() and not self.missing:
            z_ng[:, there_g] = np.where(gap_ng, self.centre_g[there_g], z_ng[:, there_g])
        return z_ng

    def gaps(self, adata: AnnData) -> np.ndarray:
        """Which values of the genes a table lacks, boolean, shape ``(n, g)``: whole genes, and single values.

        Raises
        ------
        GeneMismatchError
            If genes with 80% of the variance are not there.
        """
        index_g = self.align(adata.var_names).index
        gap_ng = np.ones((adata.n_obs, len(self.genes)), bool)
        gap_ng[:, index_g >= 0] = SCALES[self.scale].gaps(adata.X[:, index_g[index_g >= 0]])
        return gap_ng

    def _check_gaps(self, gap_ng: np.ndarray, there_g: np.ndarray, samples: list[str]) -> None:
        """Stop where a sample lacks values that carry more than a fifth of the variance."""
        weight_g = np.where(there_g, self.sd_g**2, 0.0)[there_g]
        lost_n = gap_ng @ weight_g / max(float((self.sd_g**2).sum()), 1e-300)
        bad = np.flatnonzero(lost_n > 1 - LEAST_COVERAGE)
        if len(bad):
            msg = (
                f"{len(bad)} samples lack values that carry more than {1 - LEAST_COVERAGE:.0%} of the genes' variance "
                f"({first_three(samples[i] for i in bad)}); leave those samples out"
            )
            raise InputError(msg)

    def restore(self, z_ng: np.ndarray) -> np.ndarray:
        """Values before they were shifted and scaled, float64, shape ``(n, g)``: log2 unless they were normalised."""
        shift_g, span_g = self._standard
        return np.asarray(z_ng, dtype=np.float64) * span_g + shift_g

    def on(self, scale: str) -> Preparation:
        """The same for tables on another scale: ``model.preparation.on("counts").transform(adata)``.

        Raises
        ------
        UnknownNameError
            If there is no such scale.
        """
        return replace(self, scale=self._scale_named(scale))

    def rescale(self, adata: AnnData, scale: str) -> AnnData:
        """A table on another scale, brought to the one that the model was trained on.

        Unlike :meth:`on` it changes the table, so that all that is done with the model and the table can be done.

        Raises
        ------
        UnknownNameError
            If there is no such scale.
        InputError
            If values contradict it, or the model was trained on counts or amounts and the table is on another scale.
        """
        scale = self._scale_named(scale)
        if scale == self.scale:
            return adata
        if not SCALES[self.scale].plain or SCALES[self.scale].unit != SCALES[scale].unit:
            msg = f"the model was trained on scale = '{self.scale}'; values on scale = '{scale}' cannot be made of that"
            raise InputError(msg)
        rescaled = adata.copy()
        rescaled.X = logged(adata, scale, missing=True)
        return rescaled

    def _scale_named(self, scale: str) -> str:
        """The scale that goes by a name among features of this kind."""
        scale = kind_of(self.settings).scales.get(scale, scale)
        if scale not in SCALES:
            raise UnknownNameError("scale", scale, SCALES)
        return scale

    def save(self, path: Path) -> None:
        """Write as JSON; the gene list and its numbers in full."""
        write_json(path, sealed(self._content()))

    def _content(self) -> dict[str, Any]:
        return {
            "format": self.FORMAT,
            "namespace": self.genes.namespace,
            "scale": self.scale,
            "account": dict(self.account),
            "genes": list(self.genes.ids),
            "mean": self.mean_g.tolist(),
            "sd": self.sd_g.tolist(),
            **self._steps(),
            "id_map": self.id_map and self.id_map.to_dict(),
            "asked": self.asked and self.asked.to_dict(),
            "censored": None if self.censored_g is None else self.censored_g.tolist(),
        }

    @classmethod
    def load(cls, path: Path) -> Preparation:
        """Read what :meth:`save` wrote, of this format or an older one.

        Raises
        ------
        FormatError
            If the file is absent, damaged, altered, or from a newer genelight.
        """
        content = check_seal(read_json(path), where=path)
        try:
            newer = content["format"] > cls.FORMAT
            kind = None if newer else _KINDS[content.get("kind", cls.KIND)]
            read = None if kind is None else kind._of_content(content, where=str(path))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            msg = f"{path} is no preparation that genelight wrote: {error!r}"
            raise FormatError(msg) from error
        if read is None:
            msg = (
                f"{path} has format {content['format']}, newer than {cls.FORMAT}; upgrade with pip install -U genelight"
            )
            raise FormatError(msg)
        _check_read(read, path)
        return read

    @classmethod
    def _of_content(cls, content: Any, *, where: str) -> Preparation:
        def known(name: str) -> np.ndarray | None:
            return None if content.get(name) is None else np.asarray(content[name], dtype=np.float64)

        genes = Genes(tuple(content["genes"]), content["namespace"])
        mean_g, sd_g = (np.asarray(content[key], dtype=np.float64) for key in ("mean", "sd"))
        normalisation, adjustment, id_map = (content.get(key) for key in ("normalisation", "adjustment", "id_map"))
        asked = content.get("asked")
        return Preparation(
            genes,
            content["scale"],
            mean_g,
            sd_g,
            dict(content["account"]),
            normalisation=normalisation and Normalisation.from_dict(normalisation),
            adjustment=adjustment and Adjustment.from_dict(adjustment, len(genes)),
            id_map=id_map and IdMap.from_dict(id_map, where=where),
            asked=asked and PreparationSettings.from_dict(asked),
            shift_g=known("shift"),
            span_g=known("span"),
            censored_g=known("censored"),
        )

    @property
    def _standard(self) -> tuple[np.ndarray, np.ndarray]:
        shift_g = self.mean_g if self.shift_g is None else self.shift_g
        return shift_g, self.sd_g if self.span_g is None else self.span_g

    def _between(self, y_ng: np.ndarray, adata: AnnData, there_g: np.ndarray) -> np.ndarray:
        """What happens between log2 and standardising."""
        if self.normalisation:
            way = self.normalisation
            if self.missing and not there_g.all():
                way = way.among(self.mean_g[there_g], self.sd_g[there_g])
            y_ng = way.apply(y_ng)
        return self.adjustment.apply(y_ng, adata.obs, there_g) if self.adjustment else y_ng

    def _steps(self) -> dict[str, Any]:
        return {
            "normalisation": self.normalisation and self.normalisation.to_dict(),
            "adjustment": self.adjustment and self.adjustment.to_dict(),
            "shift": None if self.shift_g is None else self.shift_g.tolist(),
            "span": None if self.span_g is None else self.span_g.tolist(),
        }


_KINDS: dict[str, type[Preparation]] = {Preparation.KIND: Preparation}


def _check_read(read: Preparation, path: Path) -> None:
    genes, means, sds = len(read.genes), read.mean_g.shape, read.sd_g.shape
    shift_g, span_g = read._standard
    if not (genes,) == means == sds == shift_g.shape == span_g.shape:
        msg = f"{path}: {genes} genes, {means} means and {sds} standard deviations do not agree"
    elif read.scale not in SCALES:
        msg = f"{path}: scale {read.scale!r} is none of {', '.join(SCALES)}"
    elif not all(np.isfinite(v).all() for v in (read.mean_g, read.sd_g, shift_g, span_g)):
        msg = f"{path}: a mean or a standard deviation is not finite"
    elif read.censored_g is not None and (read.censored_g.shape != (genes,) or not (read.censored_g >= 0).all()):
        msg = f"{path}: how far missing values lie under the mean is not told of every gene"
    elif not ((read.sd_g > 0).all() and (span_g > 0).all()):
        msg = f"{path}: a standard deviation or a span is not above zero"
    else:
        return
    raise FormatError(msg)
