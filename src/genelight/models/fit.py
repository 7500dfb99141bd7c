"""Train an autoencoder without labels: presets, what is chosen on held-out subjects, and the final fit on everyone."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.model_selection import GroupShuffleSplit

from .._core.checks import check_column, check_positive
from .._core.errors import InputError
from .._core.registry import Registry
from .._core.types import CodeRange
from ..pp import Preparation, prepare
from .autoencoder import Autoencoder
from .network import STARTS, Stack
from .shrink import choose_shrinkage, shrink_means, turn
from .subspace import Subspace, find_subspace
from .training import Recipe, train

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["PRESETS", "Preset", "choose_widths", "code_ranges", "fit"]

LEAST_SUBJECTS = 5


@dataclass(frozen=True)
class Preset:
    """A way to build and train an autoencoder.

    Attributes
    ----------
    activation, start
        Registered names.
    shrink
        Whether subjects' means are shrunk (see :mod:`genelight.models.shrink`).
    recipe
        How it is trained.
    sparsities
        Weights of the sparsity penalty to try, largest first. The first one that can be trained while held-out
        subjects are reconstructed better than by PCA is taken, else the last.
    """

    activation: str
    start: str
    shrink: bool
    recipe: Recipe
    sparsities: tuple[float, ...]


PRESETS: Registry[Preset] = Registry("preset")
PRESETS.register(
    "default",
    doi="10.1186/gb-2003-4-11-r76",
    summary="Starts at the PCA solution for unseen subjects, nodes as independent programmes; learns sparse codes.",
)(Preset("prelu", "programmes", shrink=True, recipe=Recipe(1e-3, epochs=60), sparsities=(0.03, 0.01, 0.0)))
PRESETS.register(
    "plain",
    doi="10.1126/science.1127647",
    control=True,
    summary="The textbook autoencoder: He start, ReLU, squared error.",
)(Preset("relu", "random", shrink=False, recipe=Recipe(1e-3, epochs=300), sparsities=(0.0,)))


@dataclass(frozen=True)
class _Samples:
    """What a network learns from: prepared values, whose they are, and how far subjects' means are shrunk."""

    x_ng: np.ndarray
    subject_n: np.ndarray
    gamma: float = 1.0


def fit(
    adata: AnnData,
    *,
    preset: str = "default",
    widths: tuple[int, ...] | None = None,
    subject: str | None = None,
    preparation: Preparation | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    seed: int = 0,
) -> Autoencoder:
    """Train an autoencoder on all samples of a table, without labels.

    What is open (sparsity and number of epochs) is chosen on a fifth of the subjects that a first training never
    sees; then the network is trained anew on everyone with that choice.

    Parameters
    ----------
    adata
        Samples x genes.
    preset
        ``"default"``: starts at the PCA solution for subjects not yet seen (see :mod:`genelight.models.shrink`), its
        nodes rotated to independent gene programmes, and learns from there to describe each sample by few nodes, as
        long as held-out subjects are reconstructed better than by PCA of its narrowest width.
        ``"plain"``: the textbook autoencoder, for comparison (He start, ReLU).
    widths
        Hidden layers from input to output; by default three that suit the number of samples, see
        :func:`choose_widths`.
    subject
        Column of ``obs`` that says whose sample it is; a subject is never split.
    preparation
        How to prepare; by default ``prepare(adata)``.
    epochs, learning_rate
        In place of the preset's.
    seed
        For the split, the start, the order of samples.

    Returns
    -------
    Autoencoder

    Raises
    ------
    InputError
        If a width exceeds what samples and genes allow, there are fewer than five subjects, or training diverges.

    Notes
    -----
    Source: Dwivedi et al. 2020, doi 10.1038/s41467-020-14666-6, for the three-layer stack read layer by layer; the
    start and the subspace are ours. Cost: one Gram matrix of the samples, then epochs of O(n k width) each for
    samples of rank k, whatever the number of genes.

    Examples
    --------
    >>> import genelight as gl
    >>> model = gl.fit(gl.demo.cohort(), widths=(32, 16, 8), subject="subject", epochs=2)
    >>> model.widths
    {'L1': 32, 'L2': 16, 'L3': 8}
    """
    chosen = PRESETS[preset]
    recipe = replace(
        chosen.recipe,
        epochs=chosen.recipe.epochs if epochs is None else epochs,
        learning_rate=chosen.recipe.learning_rate if learning_rate is None else learning_rate,
    )
    check_positive(epochs=recipe.epochs, learning_rate=recipe.learning_rate)
    preparation = preparation or prepare(adata)
    samples = _Samples(preparation.transform(adata), _subjects(adata, subject))
    inner, outer = next(
        GroupShuffleSplit(1, test_size=0.2, random_state=seed).split(samples.x_ng, None, samples.subject_n)
    )
    widths = choose_widths(widths, samples=len(inner), genes=len(preparation.genes))
    whole = find_subspace(samples.x_ng, seed=seed)
    if chosen.shrink:
        gamma = choose_shrinkage(whole.coordinates(samples.x_ng), samples.subject_n, min(widths), seed=seed)
        samples = replace(samples, gamma=gamma)
    chosen = replace(chosen, recipe=recipe)
    recipe, history = _choose(samples, inner, outer, preset=chosen, widths=widths, seed=seed)
    subspace, net, c_nk = _start(samples, chosen, widths, subspace=whole, seed=seed)
    train(net, c_nk, recipe, seed=seed)
    settings = {
        "preset": preset,
        "widths": list(widths),
        "activation": chosen.activation,
        "start": chosen.start,
        **asdict(recipe),
        "between_subject_shrinkage": samples.gamma,
        "seed": seed,
        "rank": subspace.basis_gk.shape[1],
    }
    ranges = code_ranges(subspace, net, samples.x_ng)
    return Autoencoder(preparation, subspace, net, ranges=ranges, settings=settings, history=history)


def _choose(
    samples: _Samples, inner: np.ndarray, outer: np.ndarray, *, preset: Preset, widths: tuple[int, ...], seed: int
) -> tuple[Recipe, list[dict[str, float]]]:
    """Sparsity and epochs on held-out subjects: the sparsest that keeps half of the start's lead over PCA there."""
    # Centred without the held-out subjects: else they lie opposite to the others, and look familiar to PCA.
    centre_g = samples.x_ng[inner].mean(0)
    learners = _Samples(samples.x_ng[inner] - centre_g, samples.subject_n[inner], samples.gamma)
    held_out_ng = samples.x_ng[outer] - centre_g
    subspace = find_subspace(learners.x_ng, seed=seed)
    total = float((held_out_ng**2).sum())
    pca_r2 = float((subspace.coordinates(held_out_ng)[:, : min(widths)] ** 2).sum()) / total
    subspace, start, c_nk = _start(learners, preset, widths, subspace=subspace, seed=seed)
    held_out_nk = torch.from_numpy(subspace.coordinates(held_out_ng))
    outside = total - float((held_out_nk**2).sum())
    for sparsity in preset.sparsities:
        recipe = replace(preset.recipe, sparsity=sparsity)
        history = train(deepcopy(start), c_nk, recipe, held_out_nk=held_out_nk, seed=seed)
        for record in history:
            record["held_out_r2"] = 1.0 - (record.pop("held_out_error") * len(outer) + outside) / total
            record["held_out_r2_pca"] = pca_r2
        stop = _last_good(history) if sparsity else _best(history)
        if stop:
            break
    return replace(recipe, stop=stop), history


def _best(history: list[dict[str, float]]) -> int:
    """The epoch that reconstructs held-out subjects best; 0 when no training helps."""
    return int(max(history, key=lambda record: record["held_out_r2"])["epoch"])


def _last_good(history: list[dict[str, float]]) -> int:
    """The last epoch that keeps half of the start's lead over PCA on held-out subjects; 0 if there is none."""
    start, pca = history[0]["held_out_r2"], history[0]["held_out_r2_pca"]
    least = pca + max(0.0, start - pca) / 2
    return max(int(record["epoch"]) for record in history if record["held_out_r2"] >= least or record["epoch"] == 0)


def _start(
    samples: _Samples, preset: Preset, widths: tuple[int, ...], *, subspace: Subspace, seed: int
) -> tuple[Subspace, Stack, torch.Tensor]:
    """Subspace with its axes as the samples' shrunk variance has them, the network at its start, and coordinates."""
    c_nk = subspace.coordinates(samples.x_ng)
    if samples.gamma < 1.0:
        c_nk = shrink_means(c_nk, samples.subject_n, samples.gamma)
        turned = turn(subspace, c_nk)
        c_nk = c_nk @ (subspace.basis_gk.T @ turned.basis_gk)
        subspace = turned
    net = Stack(subspace.basis_gk.shape[1], widths, preset.activation)
    STARTS[preset.start](net, subspace, seed)
    return subspace, net, torch.from_numpy(c_nk)


@torch.inference_mode()
def code_ranges(subspace: Subspace, net: Stack, x_ng: np.ndarray) -> dict[str, CodeRange]:
    """Range of every node of each hidden layer over samples, by layer."""
    c_nk = torch.from_numpy(subspace.coordinates(x_ng))
    return {f"L{d}": CodeRange.of(net.encode(c_nk, d).numpy()) for d in range(1, len(net.hidden) + 1)}


def _subjects(adata: AnnData, subject: str | None) -> np.ndarray:
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


def choose_widths(widths: tuple[int, ...] | None, *, samples: int, genes: int) -> tuple[int, ...]:
    """The widths asked for, checked, or three that suit the data.

    Parameters
    ----------
    widths
        Hidden layers from input to output. None for three, each half of the last, the first the largest power of
        two that is at most 128 and what samples and genes allow: a last layer of 16 instead of 32 nodes loses
        small programmes (study ``programmes``).
    samples, genes
        Size of the smallest table to train on.

    Raises
    ------
    InputError
        If a width is not above zero or exceeds what samples and genes allow.
    """
    most = min(samples - 1, genes)
    first = min(128, 2 ** int(np.log2(max(1, most))))
    fitting = (first, max(1, first // 2), max(1, first // 4))
    widths = fitting if widths is None else tuple(int(w) for w in widths)
    check_positive(**{f"widths[{i}]": w for i, w in enumerate(widths)})
    if not widths or max(widths) > most:
        msg = (
            f"widths = {list(widths)}, but {samples} training samples (with subjects held out) and {genes} genes "
            f"allow 1 to {most} nodes a layer; use for example widths = {list(fitting)}"
        )
        raise InputError(msg)
    return widths
