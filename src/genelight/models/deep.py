"""The spec of a deep autoencoder: a training without some groups says whether depth pays, then one on everyone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np
import torch

from .._core.checks import check_column, check_positive
from .._core.provenance import digest
from .._core.ranks import ranks
from .._core.workers import each
from ..errors import InputError
from ..io import Store
from ..nouns import Model
from ..pp.preparation import Preparation
from ..stats.folds import leave_out
from ..stats.subjects import count_subjects
from ._card import held_out_figures
from .bundle import KINDS, Bundle
from .fitted_deep import FittedDeep, deep_is_better, deep_ranges, open_deep, straight_line
from .spec import Draw, Spec
from .subspace.exact import Centred, squares
from .subspace.rotation import varimax
from .subspace.sketch import InMemory
from .subspace.streaming import Reduced, deep_axes, prepared_table
from .training.checkpoint import Checkpoint, Checkpoints
from .training.deep_net import DeepNet, DeepRecipe, train_deep
from .training.objective import HeldOut

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Deep", "fit_several"]

LEAST_GROUPS = 5
LEAST_GAIN = 1e-4
WIDE, NARROW, LAST = 512, 64, 2048


@KINDS.register("deep", doi="10.1126/science.1127647")
@dataclass(frozen=True)
class Deep(Spec):
    """Deep autoencoder with a bottleneck between two layers of activations, around a straight line that is PCA.

    ``"L1"`` and ``"L3"`` are SiLU nodes, ``"L2"`` is the bottleneck, from which samples are given back. A straight
    line from genes to the bottleneck and back is PCA and stays it; what the nodes add to it starts at zero. Whether
    they add anything is asked of groups left out: where their gain over PCA of the same bottleneck is not beyond its
    standard error, the model is PCA, and L2 its only layer. Else the deep branch is taken for each sample (or cohort)
    that it gives back better, see :meth:`FittedDeep.applicability`. Nodes of L2 stand for axes of few genes: varimax
    rotates the principal ones, and nothing that is given back changes by it.

    Attributes
    ----------
    widths
        Nodes of L1, L2 and L3; by default 512, up to 64, and 2,048, four decoders of 512.
    group
        Column of ``obs`` that says which samples are left out together, such as the study of a compendium; by default
        those of a subject.
    recipe
        How it is trained and read.

    Raises
    ------
    InputError
        If there are not three widths above zero.

    Notes
    -----
    Source: Hinton and Salakhutdinov 2006, doi 10.1126/science.1127647, for the bottleneck; the straight line, the gate
    and the choice are ours; codes refined after the encoder, Kim et al. 2018, doi 10.48550/arXiv.1802.02550; varimax,
    Kaiser 1958, doi 10.1007/BF02289233. Where the preparation lets missing values stand
    (``PreparationSettings(missing=True)``), probabilistic PCA completes them.
    Figures: ``python -m studies depth`` and ``breadth``. Cost: two decompositions of rank 256, two trainings.

    Examples
    --------
    >>> import genelight as gl
    >>> quick = gl.models.DeepRecipe(epochs=2)
    >>> model = gl.models.Deep((64, 8, 64), subject="subject", recipe=quick).fit(gl.demo.cohort())
    >>> model.deep, model.widths  # one tissue is nearly linear: PCA
    (False, {'L2': 8})
    """

    widths: tuple[int, ...] | None = None
    _: KW_ONLY
    group: str | None = None
    recipe: DeepRecipe = field(default_factory=DeepRecipe)

    kind: ClassVar[str] = "deep"

    def __post_init__(self) -> None:
        if self.widths is None:
            return
        object.__setattr__(self, "widths", tuple(int(width) for width in self.widths))
        if len(self.widths) != 3:
            msg = f"widths = {list(self.widths)}, but a deep model has three layers, such as widths=(512, 64, 2048)"
            raise InputError(msg)
        check_positive(**{f"widths[{i}]": width for i, width in enumerate(self.widths)})

    def fit(
        self,
        adata: AnnData | Store,
        *,
        subject: str | None = None,
        preparation: Preparation | None = None,
        checkpoint: Path | None = None,
    ) -> FittedDeep:
        """Train on all samples of a table, without labels; see :meth:`Spec.fit`.

        Parameters
        ----------
        adata, subject, preparation
            As there.
        checkpoint
            Folder to keep the trainings in as they go; killed at any moment, the same call takes them up again.

        Raises
        ------
        InputError
            If the bottleneck exceeds what samples and genes allow, there are fewer than five groups, or the checkpoint
            belongs to something else.
        UnknownNameError
            If there is no such column.
        """
        spec, preparation = self._prepared(adata, subject, preparation)
        return fit_several([spec], adata, preparation, checkpoint=checkpoint)[0]

    def groups(self, adata: AnnData | Store) -> np.ndarray:
        """Which samples are left out together, shape ``(n,)``.

        Raises
        ------
        UnknownNameError
            If there is no such column.
        InputError
            If it has missing values, or there are fewer than five groups.
        """
        if self.group is None:
            group_n = self.subjects(adata)
        else:
            group_n = check_column(adata.obs, self.group, role="group").astype(str).to_numpy()
        found = len(np.unique(group_n))
        if found < LEAST_GROUPS:
            column = self.group or self.subject
            named = f" (column {column!r})" if column else ""
            msg = f"{adata.n_obs} samples of {found} groups{named} are too few, at least {LEAST_GROUPS} are needed"
            raise InputError(msg)
        return group_n

    def sized(self, subjects: Sequence[np.ndarray], *, genes: int) -> Self:
        """The same with the bottleneck that all of several tables allow; see :meth:`Spec.sized`."""
        if self.widths is not None:
            return self
        samples = min(len(leave_out(subject_n, seed=self.seed)[0]) for subject_n in subjects)
        return replace(self, widths=self.allowed(samples=samples, genes=genes))

    def allowed(self, *, samples: int, genes: int) -> tuple[int, ...]:
        """The widths asked for, checked, or some that suit the data: a bottleneck of at most a quarter of the samples.

        Raises
        ------
        InputError
            If the bottleneck exceeds what samples and genes allow.
        """
        most = min(samples - 1, genes)
        fitting = min(NARROW, 2 ** int(np.log2(max(1, most // 4))))
        if self.widths is None:
            return (WIDE, fitting, LAST)
        if self.widths[1] > most:
            msg = (
                f"widths = {list(self.widths)}, but {samples} training samples (with groups left out) and {genes} "
                f"genes allow a bottleneck of 1 to {most} nodes; use for example widths = {[WIDE, fitting, LAST]}"
            )
            raise InputError(msg)
        return self.widths

    def members(self, model: Model, draws: Sequence[Draw], widths: tuple[int, ...]) -> Sequence[FittedDeep]:
        """Such networks from other seeds, trained on drawn samples, deep where `model` is; see :class:`.Ensemble`."""
        settings = model.settings  # type: ignore[attr-defined]
        # A model that is PCA shows one layer, and is refitted with all three.
        widths = widths if len(widths) == 3 else tuple(settings["widths"])
        shared = draws, replace(self, widths=widths), cast("Preparation", model.preparation), settings["deep"]
        return each(_member, range(len(draws)), shared=shared, says="training members")

    @classmethod
    def open(cls, bundle: Bundle) -> FittedDeep:
        """The fitted model that a bundle holds."""
        return open_deep(bundle, cls.from_dict(bundle.spec))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` gave."""
        return super().from_dict({**content, "recipe": DeepRecipe(**content["recipe"])})


def fit_several(
    specs: Sequence[Deep], adata: AnnData | Store, preparation: Preparation, *, checkpoint: Path | None = None
) -> list[FittedDeep]:
    """Deep models of one table that differ in their widths alone, on the same axes.

    Parameters
    ----------
    specs
        With one seed, group and recipe.
    adata
        Samples x genes, or a store.
    preparation
        Learned from the table.
    checkpoint
        As in :meth:`Deep.fit`, for one spec.

    Raises
    ------
    InputError
        As :meth:`Deep.fit`.
    """
    first = specs[0]
    group_n = first.groups(adata)
    inner, outer = leave_out(group_n, seed=first.seed)
    genes = len(preparation.genes)
    specs = [replace(spec, widths=spec.allowed(samples=len(inner), genes=genes)) for spec in specs]
    table, centre_g = prepared_table(adata, preparation)
    learn_n = np.zeros(adata.n_obs, dtype=bool)
    learn_n[inner] = True
    most = max(specs, key=lambda spec: spec.widths[1])  # type: ignore[index]
    part = deep_axes(table, learn_n, rank=_rank(most, samples=len(inner), genes=genes), seed=first.seed)
    part = part.about(inner)
    split = inner, outer
    choices = [_choice(spec, part, split=split, group_n=group_n, genes=genes, folder=checkpoint) for spec in specs]
    del part
    rank = _rank(most, samples=adata.n_obs, genes=genes)
    whole = deep_axes(table, np.ones(adata.n_obs, dtype=bool), rank=rank, seed=first.seed)
    space = Centred(centre_g, whole.subspace)
    return [
        _fitted(spec, preparation, space, samples=(whole.c_nk, whole.c_nk), deep=deep, about=about, folder=checkpoint)
        for spec, (deep, about) in zip(specs, choices, strict=True)
    ]


def _choice(
    spec: Deep,
    part: Reduced,
    *,
    split: tuple[np.ndarray, np.ndarray],
    group_n: np.ndarray,
    genes: int,
    folder: Path | None,
) -> tuple[bool, dict[str, Any]]:
    """Whether the deep branch is worth more than its standard error on groups left out, and what is to be told.

    Axes are the learners' own: in axes that the others had a part in, those along which learners hardly vary are as
    loud as any to the network, and the others lie far out on them.
    """
    (inner, outer), net = split, _network(spec, part.subspace.variance_k)
    learn_nk, unseen_nk, outside_n = part.c_nk[inner], part.c_nk[outer], part.outside_n[outer]
    says, checkpoint = "training without groups", _checkpoint(spec, part.c_nk, folder=folder, name="choice")
    train_deep(net, learn_nk, spec.recipe, seed=spec.seed, says=says, checkpoint=checkpoint)
    code_nb, back_nk = net.branches(unseen_nk, spec.recipe)
    line_nk = straight_line(net, unseen_nk)
    size_n, line_n = squares(unseen_nk) + outside_n, squares(unseen_nk - line_nk) + outside_n
    c, unit = torch.from_numpy(unseen_nk), torch.ones(1)
    held_out = _LeftOut(c, unit, outside_n, size_n, line_n, group_n[outer], torch.from_numpy(back_nk))
    record, groups = held_out.figures(net), len(np.unique(group_n[outer]))  # type: ignore[arg-type]
    deep = ranks().agreed(bool(record["held_out_r2"] - record["held_out_r2_pca"] > LEAST_GAIN and held_out.pays))
    # How far off the samples left out lie, as the model that ships would see them.
    straight_nb = net.straight(c / net.unit).numpy()
    on_n = deep_is_better(unseen_nk - line_nk, unseen_nk - back_nk, None) & deep
    own_nb = (
        net.branches(learn_nk, spec.recipe)[0] if deep else net.straight(torch.from_numpy(learn_nk) / net.unit).numpy()
    )
    off_nb = np.where(on_n[:, None], code_nb, straight_nb) - own_nb.mean(0)
    error_n = np.where(on_n, squares(unseen_nk - back_nk) + outside_n, line_n) / genes
    far = {
        "error_s": np.sort(error_n).tolist(),
        "distance_s": np.sort(np.linalg.norm(off_nb / np.maximum(own_nb.std(0), 1e-12), axis=1)).tolist(),
    }
    found = held_out_figures(record, width=net.bottleneck, samples=len(outer), subjects=groups)
    return deep, {"held_out": found, "applicability": far}


@dataclass(frozen=True)
class _LeftOut(HeldOut):
    """Groups left out, and what they are given back as."""

    back: torch.Tensor

    def errors(self, net: object) -> np.ndarray:
        """Squared error of each sample, summed over genes."""
        del net
        return squares((self.back - self.c_nk).numpy()) + self.outside_n

    @property
    def pays(self) -> bool:
        """Whether the mean gain in R² of a group is more than its standard error; one group cannot say.

        Every group counts the same: in sums over samples, one large group would decide both.
        """
        gain_s, size_s = (
            np.bincount(self._subject, weights=part) for part in (self.pca_n - self.errors(None), self.size_n)
        )
        share_s = gain_s / size_s
        return len(share_s) > 1 and float(share_s.mean()) > float(share_s.std(ddof=1)) / np.sqrt(len(share_s))


def _fitted(
    spec: Deep,
    preparation: Preparation,
    space: Centred,
    *,
    samples: tuple[np.ndarray, np.ndarray],
    deep: bool,
    about: Mapping[str, Any] | None = None,
    folder: Path | None = None,
) -> FittedDeep:
    """The model of a spec; `samples` are coordinates to train on, and those over which codes range."""
    learned_nk, all_nk = samples
    net, recipe, history = _network(spec, space.subspace.variance_k), spec.recipe, []
    if deep:
        says, checkpoint = "training on all samples", _checkpoint(spec, learned_nk, folder=folder, name="final")
        history = train_deep(net, learned_nk, recipe, seed=spec.seed, says=says, checkpoint=checkpoint)
    net.eval().requires_grad_(requires_grad=False)
    axes_gb = space.subspace.basis_gk[:, : net.bottleneck] * net.sd[: net.bottleneck].numpy()
    net.rotate(ranks().first(lambda: varimax(axes_gb)))
    settings = {
        "preset": spec.kind,
        "widths": list(net.widths),
        "deep": deep,
        "seed": spec.seed,
        **{name: value for name, value in asdict(recipe).items() if name != "rank"},
        "rank": len(net.sd),
    }
    model = FittedDeep(
        preparation,
        space,
        net,  # type: ignore[arg-type]
        spec=spec,
        ranges={},
        settings=settings,
        history=history,
        about=about,
    )
    code_nb, _, deep_n = model._gated(all_nk, None)
    model._ranges = deep_ranges(net, c_nk=all_nk, code_nb=code_nb, deep_n=deep_n)
    return model


def _checkpoint(spec: Deep, c_nk: np.ndarray, *, folder: Path | None, name: str) -> Checkpoint | None:
    """Where a training on coordinates is kept, if anywhere."""
    if folder is None:
        return None
    settings = digest(list(spec.widths or ()), spec.group, spec.subject, spec.subject_pattern, spec.seed)
    return Checkpoints(Path(folder), digest(c_nk), settings).of(name, spec.recipe)


def _member(i: int, draws: Sequence[Draw], spec: Deep, preparation: Preparation, deep: bool) -> FittedDeep:  # noqa: FBT001, PLR0917
    """One member of an ensemble."""
    draw = draws[i]
    spec, drawn_ng = replace(spec, seed=draw.seed), draw.x_ng[draw.rows]
    rank = _rank(spec, samples=len(drawn_ng), genes=drawn_ng.shape[1])
    part = deep_axes(InMemory(drawn_ng - drawn_ng.mean(0)), np.ones(len(drawn_ng), bool), rank=rank, seed=draw.seed)
    space = Centred(drawn_ng.mean(0), part.subspace)
    member = _fitted(spec, preparation, space, samples=(part.c_nk, space.coordinates(draw.x_ng)), deep=deep)
    member.settings["subjects_drawn"] = count_subjects(draw.subject_n[draw.rows])
    return member


def _network(spec: Deep, variance_k: np.ndarray) -> DeepNet:
    recipe, widths = spec.recipe, cast("tuple[int, int, int]", spec.widths)
    return DeepNet(variance_k, widths, dropout=recipe.dropout, seed=spec.seed, decoders=recipe.decoders)


def _rank(spec: Deep, *, samples: int, genes: int) -> int:
    """Axes to read: of few samples at most half of what they span, since those left out lie far out on the rest.

    A bottleneck needs as many to come out of, and others to give back besides.
    """
    narrow = spec.widths[1]  # type: ignore[index]
    return min(max(spec.recipe.rank, 2 * narrow), max(samples // 2, 2 * narrow), samples - 1, genes)
