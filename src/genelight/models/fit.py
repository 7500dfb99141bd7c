"""Train an autoencoder without labels: what is chosen on held-out subjects, and the final fit on everyone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit

from .._core.checks import check_column, check_positive
from .._core.provenance import digest
from ..errors import InputError
from ..io import Store
from ..pp import Preparation, PreparedStore, prepare
from .applicability import held_out_distances
from .autoencoder import Autoencoder, code_ranges, kind_for
from .checkpoint import Checkpoints
from .choice import Enough, choose_recipe
from .network import Stack
from .objective import HeldOut
from .plan import Plan, Samples
from .presets import PRESETS, Preset, choose_widths
from .recipe import Recipe
from .shrink import Weighing
from .streaming import LEAST_RANK, reduce_store
from .subspace import EXACT_UP_TO, Subspace
from .training import settle

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["fit"]

LEAST_SUBJECTS = 5
Rows = np.ndarray | slice


def fit(
    adata: AnnData | Store,
    *,
    preset: str | Preset = "default",
    widths: tuple[int, ...] | None = None,
    subject: str | None = None,
    preparation: Preparation | None = None,
    epochs: int | None = None,
    checkpoint: Path | None = None,
    seed: int = 0,
) -> Autoencoder:
    """Train an autoencoder on all samples of a table, without labels.

    What is open is chosen by subjects: how samples weigh, by cross-validation among four fifths of them; sparsity and
    number of epochs, on the other fifth. Then the network is trained anew on everyone with that choice.

    Parameters
    ----------
    adata
        Samples x genes. A store is never in memory as a whole: see :mod:`genelight.models.streaming`.
    preset
        A name in ``PRESETS``, or a preset with changes, see :func:`genelight.models.preset`.

        ``"default"``: starts at the PCA solution for subjects not yet seen (see :mod:`genelight.models.shrink`), its
        nodes rotated to independent gene programmes, and learns from there to describe each sample by few nodes, as
        long as held-out subjects are reconstructed better than by PCA of its narrowest width.
        ``"plain"``: the textbook autoencoder, for comparison (He start, ReLU).
        ``"paper"``: sigmoid nodes and output on genes between 0 and 1, trained in gene space.
        ``"vae"``: variational. ``"sparse"``: one layer of which each sample uses few nodes.
    widths
        Hidden layers from input to output; by default some that suit the number of samples and the preset, see
        :func:`choose_widths`.
    subject
        Column of ``obs`` that says whose sample it is; a subject is never split.
    preparation
        How to prepare; by default ``prepare(adata)``.
    epochs
        In place of the preset's.
    checkpoint
        Folder to keep the training in as it goes. Killed at any moment, the same call takes it up again and, on a
        CPU, ends with the same weights to the bit.
    seed
        For the split, the start, the order of samples.

    Returns
    -------
    Autoencoder

    Raises
    ------
    InputError
        If a width exceeds what samples and genes allow, there are fewer than five subjects, training diverges, or the
        checkpoint belongs to something else.
    ResourceError
        If a checkpoint cannot be written; the one before stays.

    Notes
    -----
    Source: Dwivedi et al. 2020, doi 10.1038/s41467-020-14666-6, for the three-layer stack read layer by layer; the
    start and the subspace are ours. Cost: one Gram matrix of the samples, then epochs of O(n k width) each for
    samples of rank k, whatever the number of genes; in gene space O(n g width).

    Examples
    --------
    >>> import genelight as gl
    >>> model = gl.fit(gl.demo.cohort(), widths=(32, 16, 8), subject="subject", epochs=2)
    >>> model.widths
    {'L1': 32, 'L2': 16, 'L3': 8}
    """
    chosen, name = _resolve(preset, epochs)
    preparation = preparation or prepare(adata)
    subject_n = _subjects(adata, subject)
    inner, outer = next(GroupShuffleSplit(1, test_size=0.2, random_state=seed).split(subject_n, None, subject_n))
    widths = choose_widths(widths, samples=len(inner), genes=len(preparation.genes), shape=chosen.shape)
    reduced = None
    if isinstance(adata, Store):
        table = PreparedStore(adata, preparation)
        reduced = reduce_store(table, rank=_rank(chosen, widths), learners=inner, seed=seed)
        if adata.n_obs > EXACT_UP_TO:
            # Learners first: as slices, they and the held-out samples are no copies of what grows with samples.
            order_n, size = np.concatenate([inner, outer]), len(inner)
            reduced, subject_n = reduced.sorted(order_n), subject_n[order_n]
            inner, outer = slice(size), slice(size, None)
    learned = preparation.transform(adata) if reduced is None else reduced.c_nk
    samples = Samples(learned, subject_n, len(preparation.genes))
    plan = Plan(chosen, widths, seed, _checkpoints(checkpoint, samples, chosen, widths=widths, seed=seed))
    recipe, weighing, history, far = _choose(samples, inner, outer, plan=plan, measure=reduced is None)
    if reduced is not None:
        history = _in_genes(history, reduced.inside(outer))
        if reduced.outside_n.any():
            # Axes of the learners alone have noise that those of everyone have not: on 7,000 samples at width 128 they
            # reconstruct others by 0.002 less than PCA. What was learned from first makes room.
            del learned, samples, reduced
            reduced = reduce_store(table, rank=_rank(chosen, widths), learners=np.arange(adata.n_obs), seed=seed)
            samples = Samples(reduced.c_nk, _subjects(adata, subject), len(preparation.genes))
    start = plan.start(samples, subspace=plan.subspace(samples), weighing=weighing)
    plan.train("final", start, recipe=recipe)
    settings = {
        "preset": name,
        "widths": list(widths),
        **{key: getattr(chosen, key) for key in ("activation", "start", "space", "tied")},
        "latent": start.net.latent,
        **asdict(recipe),
        "between_subject_shrinkage": weighing.gamma,
        "tempering": weighing.power,
        "seed": seed,
        "rank": start.c_nk.shape[1],
    }
    kind, space, net = kind_for(chosen.space), start.space, start.net
    del start  # its coordinates are not needed beside the codes
    ranges = code_ranges(space, net, samples.x_ng)
    if reduced is not None and isinstance(space, Subspace):
        space = reduced.subspace.holding(space)
    about = {"held_out": _held_out(history[int(recipe.last)], subject_n[outer], width=min(widths)), **far}
    return kind(preparation, space, net, ranges=ranges, settings=settings, history=history, about=about)


def _held_out(record: dict[str, float], subject_n: np.ndarray, *, width: int) -> dict[str, object]:
    """What the model card says of subjects held out."""
    return {
        "r2": record["held_out_r2"],
        "r2_interval": [record["held_out_low"], record["held_out_high"]],
        "pca_r2": record["held_out_r2_pca"],
        "pca_width": width,
        "gain_interval": [record["gain_low"], record["gain_high"]],
        "samples": len(subject_n),
        "subjects": len(np.unique(subject_n)),
    }


def _rank(preset: Preset, widths: tuple[int, ...]) -> int:
    """Axes to keep of a store that is too large for all: more than the network can use."""
    if preset.space != "samples":
        msg = (
            f"preset of space {preset.space!r} trains on all genes at once, in memory; read the store's samples instead"
        )
        raise InputError(msg)
    return max(LEAST_RANK, 2 * max(widths))


def _in_genes(history: list[dict[str, float]], inside: float) -> list[dict[str, float]]:
    """Shares of the held-out samples' variance, of which `inside` lies in the coordinates that were trained on."""
    return [
        {key: r if key in ("epoch", "train_loss") else r * inside for key, r in record.items()} for record in history
    ]


def _resolve(preset: str | Preset, epochs: int | None) -> tuple[Preset, str]:
    """The preset with these epochs, and what it is called."""
    found = PRESETS[preset] if isinstance(preset, str) else preset
    if epochs is not None:
        check_positive(epochs=epochs)
        found = replace(found, recipe=replace(found.recipe, epochs=epochs))
    return found, preset if isinstance(preset, str) else "own"


def _checkpoints(
    folder: Path | None, samples: Samples, preset: Preset, *, widths: tuple[int, ...], seed: int
) -> Checkpoints | None:
    if folder is None:
        return None
    settings = digest(asdict(preset), list(widths), seed)
    return Checkpoints(Path(folder), digest(samples.x_ng, list(samples.subject_n)), settings)


@contextmanager
def _apart(samples: Samples, inner: Rows, outer: Rows) -> Iterator[tuple[Samples, Samples]]:
    """Learners and held-out samples, both less the learners' mean; slices are views, and put back afterwards.

    Centred without the held-out subjects: else they lie opposite to the others, and look familiar to PCA.
    """
    learners, held_out = (Samples(samples.x_ng[i], samples.subject_n[i], samples.genes) for i in (inner, outer))
    centre_g = learners.x_ng.mean(0)
    for part in (learners, held_out):
        np.subtract(part.x_ng, centre_g, out=part.x_ng)
    yield learners, held_out
    if isinstance(inner, slice):
        np.add(samples.x_ng, centre_g, out=samples.x_ng)


def _choose(
    samples: Samples, inner: Rows, outer: Rows, *, plan: Plan, measure: bool
) -> tuple[Recipe, Weighing, list[dict[str, float]], dict[str, Any]]:
    """Recipe with sparsity and epochs, and how samples weigh, all chosen without a look at the subjects held out.

    With `measure` also how far off they then lie; it takes a copy of the coordinates.
    """
    with _apart(samples, inner, outer) as (learners, unseen):
        return _chosen(learners, unseen, plan=plan, measure=measure)


def _chosen(
    learners: Samples, unseen: Samples, *, plan: Plan, measure: bool
) -> tuple[Recipe, Weighing, list[dict[str, float]], dict[str, Any]]:
    subspace = plan.subspace(learners)
    weighing = plan.weighing(learners, subspace)
    start = plan.start(learners, subspace=subspace, weighing=weighing)
    pca = plan.axes(learners, subspace)
    held_out = HeldOut.of(unseen.x_ng, start.space, pca=pca, subject_n=unseen.subject_n)
    if not weighing.is_even and held_out.figures(start.net)["held_out_r2"] < held_out.pca_r2:
        weighing = Weighing()
        start = plan.start(learners, subspace=subspace, weighing=weighing)
        held_out = HeldOut.of(unseen.x_ng, start.space, pca=pca, subject_n=unseen.subject_n)
    settled = settle(start.net, start.c_nk, plan.preset.recipe, genes=start.genes, seed=plan.seed)
    trained: dict[float, Stack] = {}

    def trial(recipe: Recipe, name: str, enough: Enough) -> tuple[list[dict[str, float]], float]:
        history, net = plan.trial(name, start, recipe=recipe, held_out=held_out, enough=enough)
        trained[recipe.sparsity] = net
        return history, held_out.doubt(net)

    recipe, history = choose_recipe(trial, replace(settled, sparsity=0.0), sparsities=plan.preset.sparsities)
    if not measure:
        return recipe, weighing, history, {}
    net, c_nk = trained[recipe.sparsity] if recipe.last else start.net, start.space.coordinates(learners.x_ng)
    far = held_out_distances(net, c_nk, held_out, genes=learners.genes)
    return recipe, weighing, history, {"familiar": far}


def _subjects(adata: AnnData | Store, subject: str | None) -> np.ndarray:
    if subject is None:
        subject_n = np.arange(adata.n_obs)
    else:
        subject_n = np.asarray(check_column(adata.obs, subject, role="subject").astype(str))
    found = len(np.unique(subject_n))
    if found < LEAST_SUBJECTS:
        column = "" if subject is None else f" (column {subject!r})"
        msg = f"{adata.n_obs} samples of {found} subjects{column} are too few, at least {LEAST_SUBJECTS} are needed"
        raise InputError(msg)
    return subject_n
