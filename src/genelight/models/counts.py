"""An autoencoder of counts: cells as they were counted, by a negative binomial loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch

from ..errors import InputError, UnknownNameError
from ..io import Store
from ..nouns.model import CodeRange
from ..pp.preparation import Preparation
from ..pp.scale import SCALES
from ..stats.folds import leave_out
from ..stats.subjects import count_subjects, numbered
from ._card import held_out_figures
from ._fitted import Fitted
from .bundle import KINDS, Bundle, pack_ranges, unpack_ranges
from .reconstruct import r2_redrawn
from .spec import Spec
from .subspace.exact import find_subspace
from .training.count_net import MOST_STEEP, Counted, CountNet, CountRecipe, train_counts

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Counts", "FittedCounts"]

LAYERS = ("L1", "L2", "L3")
WIDTHS = (128, 16, 128)
PER_CELL = 1e4
LEAST_SUBJECTS = 5
DEFAULT = CountRecipe()


@KINDS.register("counts", doi="10.1038/s41467-018-07931-2")
@dataclass(frozen=True, kw_only=True)
class Counts(Spec):
    """Autoencoder of counts: layers ``"L1"``, ``"L2"`` (the bottleneck) and ``"L3"``, a negative binomial loss.

    It reads prepared values and gives back each gene's share of a cell's molecules. It begins at the principal axes;
    as many epochs are trained as serve subjects left out best, none where none does.

    Attributes
    ----------
    widths
        Nodes of the three layers, by default 128, 16, 128.
    recipe
        How it is trained.

    Raises
    ------
    InputError
        If there are not three widths.

    References
    ----------
    Eraslan et al. 2019, doi 10.1038/s41467-018-07931-2, without the zero inflation: Svensson 2020, doi
    10.1038/s41587-019-0379-5.

    Examples
    --------
    >>> import genelight as gl
    >>> cells = gl.simulate.features("cell", 8, visits=30, n_features=60)
    >>> as_cells = gl.prepare(cells, features="cell", scale="counts")
    >>> model = gl.fit(cells, preset="counts", widths=(8, 4, 8), subject="subject", preparation=as_cells, epochs=2)
    >>> model.widths
    {'L1': 8, 'L2': 4, 'L3': 8}
    """

    widths: tuple[int, int, int] = WIDTHS
    recipe: CountRecipe = DEFAULT

    kind: ClassVar[str] = "counts"

    def __post_init__(self) -> None:
        if len(self.widths) != len(LAYERS):
            msg = f"widths = {list(self.widths)}, but preset counts has three layers; use for example widths = {WIDTHS}"
            raise InputError(msg)
        object.__setattr__(self, "widths", tuple(int(width) for width in self.widths))

    def allowed(self, *, samples: int, genes: int) -> tuple[int, ...]:  # noqa: ARG002 - a fit asks what is left of them
        """The widths asked for; a fit checks them."""
        return self.widths

    def fit(
        self, adata: AnnData | Store, *, subject: str | None = None, preparation: Preparation | None = None
    ) -> FittedCounts:
        """The model of all samples of a table; see :meth:`Spec.fit`.

        Raises
        ------
        InputError
            If the table is a store or holds no counts, the widths exceed what it allows, or there are fewer than five
            subjects.
        """
        spec, preparation = self._prepared(adata, subject, preparation)
        if isinstance(adata, Store) or not SCALES[preparation.scale].counted:
            given = "a store" if isinstance(adata, Store) else f"scale {preparation.scale!r}"
            msg = (
                f"preset counts learns from counts in memory, not from {given}; say scale='counts' (--scale counts), "
                "of cells features='cell' (--features cell)"
            )
            raise InputError(msg)
        everyone = Counted(preparation.transform(adata), _counts(adata, preparation))
        if not 0 < spec.widths[1] <= min(everyone.z_ng.shape) - 1:
            n, g = everyone.z_ng.shape
            msg = f"widths = {list(spec.widths)}: {n} samples x {g} genes allow a bottleneck of 1 to {min(n, g) - 1}"
            raise InputError(msg)
        subject_n = spec.subjects(adata)
        if count_subjects(subject_n) < LEAST_SUBJECTS:
            msg = f"{adata.n_obs} samples of {count_subjects(subject_n)} subjects; at least {LEAST_SUBJECTS} are needed"
            raise InputError(msg)
        return _trained(spec, preparation, everyone, subject_n=subject_n)

    @classmethod
    def open(cls, bundle: Bundle) -> FittedCounts:
        """The fitted model that a bundle holds."""
        weights = bundle.weights
        spec = cls.from_dict(bundle.spec)
        genes = len(bundle.preparation.genes)
        ones = np.ones(genes)
        net = CountNet(weights["net.basis"], np.ones(spec.widths[1]), share_g=ones, steep_g=ones, widths=spec.widths)
        net.load_state_dict({n[4:]: torch.from_numpy(w) for n, w in weights.items() if n.startswith("net.")})
        return FittedCounts(
            bundle.preparation, net, spec=spec, ranges=unpack_ranges(weights, list(LAYERS)), level_2g=weights["level"],
            settings=bundle.settings, history=bundle.history, about=bundle.about,
        )  # fmt: skip

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` gave."""
        made = {"widths": tuple(content["widths"]), "recipe": CountRecipe(**content["recipe"])}
        return super().from_dict({**content, **made})


class FittedCounts(Fitted):
    """A fitted autoencoder of counts; made by ``fit(preset="counts")`` or :func:`genelight.load`.

    What it decodes are prepared values, as of every model: the logarithm of a rate, brought to what is expected of the
    logarithm of counts by one straight line for each gene. :meth:`rates` has the rates themselves.
    """

    def __init__(
        self, preparation: Preparation, net: CountNet, *, spec: Counts, ranges: Mapping[str, CodeRange],
        level_2g: np.ndarray, settings: Mapping[str, Any], history: list[dict[str, float]], about: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self.preparation, self.spec = preparation, spec
        self.net = net.eval().requires_grad_(requires_grad=False)
        self.settings, self.history, self.about = dict(settings), history, dict(about)
        self._ranges, self._level_2g = dict(ranges), level_2g

    @property
    def widths(self) -> dict[str, int]:
        """Width of each layer, from input to output."""
        return dict(zip(LAYERS, self.spec.widths, strict=True))

    @property
    def bottleneck(self) -> str:
        """The layer that samples are given back from: ``"L2"``."""
        return "L2"

    @property
    def verdict(self) -> str:
        """In words, whether training served subjects left out."""
        start, end = self.about["held_out_loss"]
        if not self.settings["epochs"]:
            return "No epoch of training served subjects left out: the model is the principal axes it began with."
        return f"Loss of counts of subjects left out: {start:.4f} before training, {end:.4f} after."

    @torch.inference_mode()
    def encode(self, x_ng: np.ndarray, layer: str) -> np.ndarray:
        """Codes of `layer`, shape ``(n, k)``.

        Raises
        ------
        UnknownNameError
            If there is no such layer.
        """
        self._check(layer)
        z = torch.from_numpy(np.ascontiguousarray(x_ng, dtype=np.float32))
        if layer == "L1":
            return self.net.first(z).numpy()
        code = self.net.code(z)
        return (code if layer == "L2" else self.net.last(code)).numpy()

    @torch.inference_mode()
    def rates(self, h_nk: np.ndarray, layer: str = "L2") -> np.ndarray:
        """Each gene's share of the molecules, from codes; from L1 and L3 the straight line rests at the mean cell.

        Raises
        ------
        UnknownNameError
            If there is no such layer.
        """
        self._check(layer)
        h = torch.from_numpy(np.ascontiguousarray(h_nk, dtype=np.float32))
        if layer == "L3":
            return self.net.rates(None, h).exp().numpy()
        code = self.net.narrow(h) if layer == "L1" else h
        return self.net.rates(code, self.net.last(code)).exp().numpy()

    def decode(self, h_nk: np.ndarray, layer: str) -> np.ndarray:
        """Prepared values, shape ``(n, g)``, from codes of `layer`; see :meth:`rates`.

        Raises
        ------
        UnknownNameError
            If there is no such layer.
        """
        level_ng = np.log1p(PER_CELL * self.rates(h_nk, layer))
        return (level_ng * self._level_2g[0] + self._level_2g[1]).astype(np.float32)

    def code_range(self, layer: str) -> CodeRange:
        """Range of each node of `layer` over the training samples."""
        self._check(layer)
        return self._ranges[layer]

    def _check(self, layer: str) -> None:
        if layer not in LAYERS:
            raise UnknownNameError("layer", layer, LAYERS, where="a model of counts")

    def _weights(self) -> dict[str, np.ndarray]:
        weights = {f"net.{name}": value.numpy() for name, value in self.net.state_dict().items()}
        return {**weights, "level": self._level_2g, **pack_ranges(self._ranges)}

    def _kept(self) -> dict[str, Any]:
        return self.settings


def _counts(adata: AnnData, preparation: Preparation) -> np.ndarray:
    """Counts of the preparation's genes, zero for those that a table lacks."""
    index_g = preparation.align(adata.var_names).index
    x = adata.X[:, index_g.clip(0)]
    count_ng = np.asarray(x.toarray() if hasattr(x, "toarray") else x, dtype=np.float32)
    return np.ascontiguousarray(np.where(index_g >= 0, count_ng, np.float32(0)))


def _begun(spec: Counts, preparation: Preparation, samples: Counted) -> CountNet:
    subspace = find_subspace(samples.z_ng - samples.z_ng.mean(0), rank=spec.widths[1])
    share_g = (samples.count_ng.sum(0) + 0.5) / (samples.count_ng.sum() + 0.5 * samples.count_ng.shape[1])
    rate_g = PER_CELL * share_g
    steep_g = preparation.step_g * np.minimum(1 + 1 / rate_g, MOST_STEEP)
    return CountNet(
        subspace.basis_gk, np.sqrt(subspace.variance_k), share_g=share_g, steep_g=steep_g, widths=spec.widths,
        dropout=spec.recipe.dropout, seed=spec.seed,
    )  # fmt: skip


def _trained(spec: Counts, preparation: Preparation, everyone: Counted, *, subject_n: np.ndarray) -> FittedCounts:
    inner, outer = leave_out(subject_n, seed=spec.seed)
    net = _begun(spec, preparation, everyone.of(inner))
    history = train_counts(
        net, everyone.of(inner), spec.recipe, unseen=everyone.of(outer), seed=spec.seed, says="counts, without some"
    )
    loss_e = [record["held_out_loss"] for record in history]
    epochs = int(np.argmin(loss_e))
    apart = _model(spec, preparation, net, samples=everyone.of(inner), history=[], about={}, epochs=epochs)
    about = {
        "held_out": _held_out(apart, everyone.of(inner), everyone.of(outer), subject_n=subject_n[outer]),
        "held_out_loss": [loss_e[0], loss_e[epochs]],
    }
    net = _begun(spec, preparation, everyone)
    train_counts(net, everyone, spec.recipe, epochs=epochs, seed=spec.seed, says="counts")
    return _model(spec, preparation, net, samples=everyone, history=history, about=about, epochs=epochs)


def _model(
    spec: Counts, preparation: Preparation, net: CountNet, *, samples: Counted, history: list[dict[str, float]],
    about: Mapping[str, Any], epochs: int,
) -> FittedCounts:  # fmt: skip
    settings = {"widths": list(spec.widths), "epochs": epochs, "loss": "negative binomial", "seed": spec.seed}
    unlevelled = np.stack([np.ones(samples.z_ng.shape[1]), np.zeros(samples.z_ng.shape[1])]).astype(np.float32)
    model = FittedCounts(
        preparation, net, spec=spec, ranges={}, level_2g=unlevelled, settings=settings, history=history, about=about
    )
    codes = {layer: model.encode(samples.z_ng, layer) for layer in LAYERS}
    raw_ng = model.decode(codes["L2"], "L2")
    slope_g = ((raw_ng - raw_ng.mean(0)) * samples.z_ng).sum(0) / np.maximum(raw_ng.var(0) * len(raw_ng), 1e-12)
    model._level_2g = np.stack([slope_g, samples.z_ng.mean(0) - slope_g * raw_ng.mean(0)]).astype(np.float32)
    model._ranges = {layer: CodeRange.of(h_nk) for layer, h_nk in codes.items()}
    return model


def _held_out(model: FittedCounts, learners: Counted, unseen: Counted, *, subject_n: np.ndarray) -> dict[str, Any]:
    """R² of prepared values of subjects left out beside PCA of the bottleneck's width, over subjects."""
    width = model.widths[model.bottleneck]
    centre_g = learners.z_ng.mean(0)
    axes_gk = find_subspace(learners.z_ng - centre_g, rank=width).basis_gk
    z_ng = unseen.z_ng - centre_g
    back_ng = model.decode(model.encode(unseen.z_ng, "L2"), "L2") - centre_g
    squares = [((z_ng - part) ** 2).sum(1) for part in (back_ng, z_ng @ axes_gk @ axes_gk.T)] + [(z_ng**2).sum(1)]
    subject = numbered(subject_n)[1]
    own_s, pca_s, all_s = (np.bincount(subject, weights=part) for part in squares)
    return held_out_figures(r2_redrawn(own_s, pca_s, all_s), width=width, samples=len(z_ng), subjects=len(all_s))
