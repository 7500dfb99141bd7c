"""The spec of an autoencoder: what is chosen on held-out subjects, and the final fit on everyone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from .._core.checks import check_positive
from .._core.provenance import digest
from ..errors import InputError
from ..io import Store
from ..nouns import Model
from ..pp.preparation import Preparation
from ..pp.stream import PreparedStore
from ..stats.folds import leave_out
from ..stats.subjects import count_subjects
from ._card import held_out_figures
from .bundle import KINDS, Bundle
from .fitted_autoencoder import FittedAutoencoder, code_ranges, kind_for, open_with
from .presets import PRESETS, Preset, as_preset, choose_widths, nearest_preset
from .reference.missing import training_values
from .spec import BASELINES, Draw, Spec
from .subspace.exact import EXACT_UP_TO, Subspace
from .subspace.streaming import LEAST_RANK, reduce_store
from .training.checkpoint import Checkpoints
from .training.choosing import Rows, choose
from .training.network import Stack
from .training.plan import Plan, Samples
from .training.together import trained_members

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["Autoencoder"]

LEAST_SUBJECTS = 5
CHANGES = ("activation", "tied", "learning_rate", "dropout", "noise", "sparsity", "nonnegative")


@KINDS.register("autoencoder", doi="10.1038/s41467-020-14666-6")
@dataclass(frozen=True)
class Autoencoder(Spec):
    """Deep autoencoder; layers are ``"L1"``, ``"L2"``, ... from input to output.

    Attributes
    ----------
    widths
        Hidden layers from input to output; by default some that suit the number of samples and the preset, see
        :func:`choose_widths`, chosen anew for every table.
    preset
        A name in ``PRESETS``, or a preset of one's own.

        ``"default"``: starts at the PCA solution for subjects not yet seen (see
        :mod:`genelight.models.training.shrink`), its nodes rotated to independent gene programmes, and learns from
        there to describe each sample by few nodes, as long as held-out subjects are reconstructed better than by PCA
        of its narrowest width.
        ``"plain"``: the textbook autoencoder, for comparison (He start, ReLU).
        ``"paper"``: sigmoid nodes and output on genes between 0 and 1, trained in gene space.
        ``"vae"``: variational. ``"sparse"``: one layer of which each sample uses few nodes.
    epochs, activation, tied, learning_rate, dropout, noise, sparsity, nonnegative
        In place of the preset's, see :meth:`Preset.changed` and :class:`.Recipe`.

    Raises
    ------
    UnknownNameError
        If there is no such preset or activation.
    InputError
        If settings are out of range or do not go together.

    Notes
    -----
    Source: Dwivedi et al. 2020, doi 10.1038/s41467-020-14666-6, for the three-layer stack read layer by layer; the
    start and the subspace are ours. Cost: one Gram matrix of the samples, then epochs of O(n k width) each for
    samples of rank k, whatever the number of genes; in gene space O(n g width).

    Examples
    --------
    >>> import genelight as gl
    >>> spec = gl.models.Autoencoder((32, 16, 8), epochs=2, subject="subject")
    >>> model = spec.fit(gl.demo.cohort())
    >>> model.widths
    {'L1': 32, 'L2': 16, 'L3': 8}
    >>> model.spec == spec
    True
    """

    widths: tuple[int, ...] | None = None
    preset: str | Preset = "default"
    _: KW_ONLY
    epochs: int | None = None
    activation: str | None = None
    tied: bool | None = None
    learning_rate: float | str | None = None
    dropout: float | None = None
    noise: float | None = None
    sparsity: float | None = None
    nonnegative: bool | None = None

    kind: ClassVar[str] = "autoencoder"

    def __post_init__(self) -> None:
        if self.widths is not None:
            object.__setattr__(self, "widths", tuple(int(width) for width in self.widths))
        self.chosen  # noqa: B018 - complains of what does not go together

    @property
    def chosen(self) -> Preset:
        """The preset with its changes."""
        own = PRESETS[self.preset] if isinstance(self.preset, str) else self.preset
        found = own.changed(**self.changes)
        if self.epochs is None:
            return found
        check_positive(epochs=self.epochs)
        return replace(found, recipe=replace(found.recipe, epochs=self.epochs))

    @property
    def changes(self) -> dict[str, Any]:
        """What is given in place of the preset's, epochs aside."""
        return {name: value for name in CHANGES if (value := getattr(self, name)) is not None}

    @property
    def label(self) -> str:
        """The preset in words: ``"default"``, ``"plain, activation = gelu"``; one's own by the nearest of ours."""
        name, differ = (self.preset, {}) if isinstance(self.preset, str) else nearest_preset(self.preset)
        return ", ".join([name, *(f"{change} = {value}" for change, value in (differ | self.changes).items())])

    def network(self, inputs: int, widths: tuple[int, ...]) -> Stack:
        """The network, its weights not yet set; see :meth:`Preset.network`."""
        return self.chosen.network(inputs, widths)

    def fit(
        self,
        adata: AnnData | Store,
        *,
        subject: str | None = None,
        preparation: Preparation | None = None,
        checkpoint: Path | None = None,
    ) -> FittedAutoencoder:
        """Train on all samples of a table, without labels.

        What is open is chosen by subjects: how samples weigh, by cross-validation among four fifths of them; sparsity
        and number of epochs, on the other fifth. Then the network is trained anew on everyone with that choice.

        Parameters
        ----------
        adata
            Samples x genes. A store is never in memory as a whole: see :mod:`genelight.models.subspace.streaming`.
        subject
            In place of the spec's.
        preparation
            Learned from the table already.
        checkpoint
            Folder to keep the training in as it goes. Killed at any moment, the same call takes it up again and, on a
            CPU, ends with the same weights to the bit.

        Raises
        ------
        InputError
            If a width exceeds what samples and genes allow, there are fewer than five subjects, training diverges, or
            the checkpoint belongs to something else.
        ResourceError
            If a checkpoint cannot be written; the one before stays.
        """
        spec, preparation = self._prepared(adata, subject, preparation)
        return _trained(spec, adata, preparation, checkpoint=checkpoint)

    def sized(self, subjects: Sequence[np.ndarray], *, genes: int) -> Self:
        """The same with the widths that all of several tables allow; see :meth:`Spec.sized`."""
        if self.widths is not None:
            return self
        samples = min(len(leave_out(subject_n, seed=self.seed)[0]) for subject_n in subjects)
        return replace(self, widths=self.allowed(samples=samples, genes=genes))

    def allowed(self, *, samples: int, genes: int) -> tuple[int, ...]:
        """The widths asked for, checked, or the preset's own for a table of that size.

        Raises
        ------
        InputError
            If a width exceeds what samples and genes allow.
        """
        return choose_widths(self.widths, samples=samples, genes=genes, shape=self.chosen.shape)

    def members(self, model: Model, draws: Sequence[Draw], widths: tuple[int, ...]) -> Sequence[FittedAutoencoder]:
        """Such networks from other starts, trained on drawn samples; see :meth:`.Ensemble.fit`."""
        specs = [replace(self, widths=widths, seed=draw.seed) for draw in draws]
        return trained_members(model, draws, specs, widths=widths, preset=self.chosen)  # type: ignore[arg-type]

    @classmethod
    def open(cls, bundle: Bundle) -> FittedAutoencoder:
        """The fitted model that a bundle holds."""
        spec = cls.from_dict(bundle.spec)
        return open_with(kind_for(spec.chosen.space), bundle, spec=spec, network=spec.network)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` gave."""
        return super().from_dict({**content, "preset": as_preset(content["preset"])})


@BASELINES.register("shallow", doi="10.1126/science.1127647", control=True)
def _shallow(widths: tuple[int, ...], *, seed: int = 0) -> Autoencoder:
    """The default autoencoder with one hidden layer, as wide as the narrowest of several."""
    return Autoencoder((min(widths),), seed=seed)


def _trained(
    spec: Autoencoder, adata: AnnData | Store, preparation: Preparation, *, checkpoint: Path | None
) -> FittedAutoencoder:
    """The network of a spec, trained."""
    chosen, seed = spec.chosen, spec.seed
    subject_n = _subjects(adata, spec)
    inner: Rows
    outer: Rows
    inner, outer = leave_out(subject_n, seed=seed)
    widths = choose_widths(spec.widths, samples=len(inner), genes=len(preparation.genes), shape=chosen.shape)
    reduced = None
    if isinstance(adata, Store):
        table = PreparedStore(adata, preparation)
        reduced = reduce_store(table, rank=_rank(chosen, widths), learners=inner, seed=seed)
        if adata.n_obs > EXACT_UP_TO:
            # Learners first: as slices, they and the held-out samples are no copies of what grows with samples.
            order_n, size = np.concatenate([inner, outer]), len(inner)
            reduced, subject_n = reduced.sorted(order_n), subject_n[order_n]
            inner, outer = slice(size), slice(size, None)
    learned = training_values(preparation, adata) if reduced is None else reduced.c_nk
    samples = Samples(learned, subject_n, len(preparation.genes))
    kept = None
    if checkpoint is not None:
        data = digest(samples.x_ng, list(samples.subject_n))
        kept = Checkpoints(Path(checkpoint), data, digest(asdict(chosen), list(widths), seed))
    plan = Plan(chosen, widths, seed, kept)
    recipe, weighing, history, far = choose(samples, inner, outer, plan=plan, measure=reduced is None)
    if reduced is not None:
        # Shares of the held-out samples' variance, of which `inside` lies in the coordinates that were trained on.
        inside, plain = reduced.inside(outer), ("epoch", "train_loss")
        history = [{key: r if key in plain else r * inside for key, r in record.items()} for record in history]
        if reduced.outside_n.any():
            # Axes of the learners alone have noise that those of everyone have not: on 7,000 samples at width 128 they
            # reconstruct others by 0.002 less than PCA. What was learned from first makes room.
            del learned, samples, reduced
            reduced = reduce_store(table, rank=_rank(chosen, widths), learners=np.arange(adata.n_obs), seed=seed)
            samples = Samples(reduced.c_nk, _subjects(adata, spec), len(preparation.genes))
    start = plan.start(samples, subspace=plan.subspace(samples), weighing=weighing)
    plan.train("final", start, recipe=recipe)
    settings = {
        "preset": spec.label,
        "widths": list(widths),
        **{key: getattr(chosen, key) for key in ("activation", "start", "space", "tied")},
        "latent": start.net.latent,
        **asdict(recipe),
        **weighing.settings,
        "seed": seed,
        "rank": start.c_nk.shape[1],
    }
    kind, space, net = kind_for(chosen.space), start.space, start.net
    del start  # its coordinates are not needed beside the codes
    ranges = code_ranges(space, net, samples.x_ng)
    if reduced is not None and isinstance(space, Subspace):
        space = reduced.subspace.holding(space)
    record, unseen_n = history[int(recipe.last)], subject_n[outer]
    held_out = held_out_figures(record, width=min(widths), samples=len(unseen_n), subjects=count_subjects(unseen_n))
    about = {"held_out": held_out, **far}
    return kind(preparation, space, net, spec=spec, ranges=ranges, settings=settings, history=history, about=about)


def _rank(preset: Preset, widths: tuple[int, ...]) -> int:
    """Axes to keep of a store that is too large for all: more than the network can use."""
    if preset.space != "samples":
        msg = (
            f"preset of space {preset.space!r} trains on all genes at once, in memory; read the store's samples instead"
        )
        raise InputError(msg)
    return max(LEAST_RANK, 2 * max(widths))


def _subjects(adata: AnnData | Store, spec: Spec) -> np.ndarray:
    subject_n = spec.subjects(adata)
    found = count_subjects(subject_n)
    if found < LEAST_SUBJECTS:
        column = "" if spec.subject is None else f" (column {spec.subject!r})"
        msg = f"{adata.n_obs} samples of {found} subjects{column} are too few, at least {LEAST_SUBJECTS} are needed"
        raise InputError(msg)
    return subject_n
