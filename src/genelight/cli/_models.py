"""Models: fit, encode, models, sweep."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from anndata import AnnData

import genelight as gl

from .._core.provenance import digest
from .._core.ranks import ranks
from .._core.tables import write_h5ad
from ..errors import InputError, UnknownNameError
from ._cohort import PeopledCohort, Rescaled, as_genes_of, told_of
from ._command import Result, command, kept_when_stopped, note
from ._shared import Features, File, Folder, Layer, ModelFolder, Scale, Seed, fresh, whole_numbers

if TYPE_CHECKING:
    from ..models.spec import Spec
    from ..pp.map_ids import IdMap
    from ..pp.preparation import Preparation

commands = typer.Typer(rich_help_panel="Models")

CHANGES: dict[str, type] = {
    "activation": str,
    "tied": bool,
    "learning_rate": float,
    "dropout": float,
    "noise": float,
    "sparsity": float,
    "nonnegative": bool,
    "epochs": int,
}


@command(commands, "genelight fit cohort.h5ad --subject patient --out model", in_step=True)
def fit(
    cohort: PeopledCohort,
    out: Folder,
    subject_pattern: Annotated[
        str | None, typer.Option(help="regular expression whose first group names the person in that column")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="column whose samples are left out together, such as the study of a compendium")
    ] = None,
    widths: Annotated[str | None, typer.Option(help="hidden layers, for example 128,64,32")] = None,
    preset: Annotated[
        str, typer.Option(help="see: genelight methods; with changes: default,activation=gelu,learning_rate=find")
    ] = "default",
    scale: Scale = "log2",
    features: Features = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="cpu, cuda, cuda:1, or auto for a GPU where there is one; unset for GENELIGHT_DEVICE, else cpu"
        ),
    ] = None,
    seed: Seed = 0,
) -> Result:
    """Train an autoencoder on all samples of a table or a store, without labels.

    A store may be trained on by several processes, on one machine or many: torchrun ... -m genelight fit STORE ...

    Raises
    ------
    InputError
        If a group is named for a model that is not deep, or several processes are to train on what is no store.
    """
    from ..models.fit import named_for, settings_for, spec_of
    from ..models.training.device import asked_for
    from ..pp.prepare import prepare_as

    with asked_for(device):
        pass  # one that is not here is told before anything is read
    name, changes = _changes(preset)
    ranks().first(lambda: fresh(out))
    # A killed fit goes on with the same command.
    checkpoint = out.with_name(f".{out.name}.training")
    adata, id_map = _for_training(cohort, features)
    wide = whole_numbers(widths, "--widths")
    chosen = name if changes else named_for(name, wide, samples=adata.n_obs, group=group)
    if group is not None and chosen != gl.models.Deep.kind:
        msg = f"--group {group} is for a deep model; leave it out, or add: --preset deep"
        raise InputError(msg)
    changes |= {} if group is None else {"group": group}
    asked = settings_for(chosen, adata, scale=scale, features=features)
    preparation = replace(prepare_as(adata, asked), id_map=id_map)
    if told := told_of(preparation):
        note(told)
    spec = replace(
        spec_of(chosen, wide),
        preparation=preparation.settings,
        subject=cohort.subject,
        subject_pattern=subject_pattern,
        seed=seed,
        **changes,
    )
    ranks().check_same("settings", digest(spec.to_dict()), advice="type the same command everywhere")
    with asked_for(device):
        model = _trained(spec, adata, preparation, checkpoint=checkpoint)
    if ranks().rank == 0:
        model.save(out)
        shutil.rmtree(checkpoint, ignore_errors=True)
    return _fitted(model, adata, out)


def _for_training(cohort: PeopledCohort, features: str | None) -> tuple[AnnData | gl.io.Store, IdMap | None]:
    """The table; of processes in step the store that all of them have."""
    from ..io.stores._open import is_store

    group = ranks()
    if group.size > 1 and not is_store(cohort.table):
        msg = (
            f"{cohort.table} is no store, and {group.size} processes train together on a store alone; type genelight "
            f"pack {cohort.table} --out store.zarr first, then the same with store.zarr"
        )
        raise InputError(msg)
    adata, id_map = cohort.store_or_genes(features=features)
    if isinstance(adata, gl.io.Store):
        advice = f"copy one {cohort.table.name} to every machine, or name one on a shared disk"
        group.check_same("store", f"{cohort.table}, digest {adata.digest}", advice=advice)
    return adata, id_map


def _trained(spec: Spec, adata: AnnData | gl.io.Store, preparation: Preparation, *, checkpoint: Path) -> Any:
    """The model of a spec; a training that is stopped is kept in `checkpoint` and goes on from there."""
    kept_when_stopped(lambda: f"the training so far is kept in {checkpoint}")
    goes_on = isinstance(spec, gl.models.Autoencoder | gl.models.Deep)
    kept: dict[str, Any] = {"checkpoint": checkpoint} if goes_on else {}
    return spec.fit(adata, preparation=preparation, **kept)


def _fitted(model: Any, adata: AnnData | gl.io.Store, out: Path) -> Result:
    """What is said of a model that was trained."""
    from ..io._blocks import blocks_of
    from ..models.reconstruct import block_r2

    held_out = model.about["held_out"]
    low, high = held_out["gain_interval"]
    lines = [
        f"{out}: layers {', '.join(f'{layer} of {width}' for layer, width in model.widths.items())}",
        f"held-out R² {held_out['r2']:.4f}, PCA of {held_out['pca_width']}: {held_out['pca_r2']:.4f}, "
        f"difference {held_out['r2'] - held_out['pca_r2']:+.4f} ({low:+.4f} to {high:+.4f})",
        *([model.verdict] if model.verdict else []),
    ]
    if blocks_of(adata):
        each = block_r2(model, adata)
        lines.append("R² by block, training samples: " + ", ".join(f"{name} {each[name]:.3f}" for name in each))
    return Result(
        "\n".join(lines), {"out": out, "widths": model.widths, "held_out": held_out, "verdict": model.verdict}
    )


def _changes(text: str) -> tuple[str, dict[str, Any]]:
    """A preset's name, and the changes that follow it."""
    name, *changes = text.split(",")
    given: dict[str, Any] = {}
    from ..models.fit import OWN

    if changes and name in OWN:
        msg = f"--preset {text}: preset {name} takes no changes; see its recipe in Python, as gl.models.DeepRecipe"
        raise InputError(msg)
    for change in changes:
        key, _, value = (part.strip() for part in change.partition("="))
        if key not in CHANGES:
            raise UnknownNameError("setting", key, CHANGES, where=f"--preset {text}")
        given[key] = _value(key, value, text)
    return name, given


def _value(key: str, value: str, text: str) -> float | str | bool:
    """A value of the type its setting has; a learning rate may be the word find."""
    kind = CHANGES[key]
    if kind is str or (key == "learning_rate" and value.isalpha()):
        return value
    try:
        return {"yes": True, "no": False}[value] if kind is bool else kind(value)
    except (KeyError, ValueError) as error:
        wanted = "yes or no" if kind is bool else "a number"
        msg = f"--preset {text}: {key} = {value!r} is not {wanted}"
        raise InputError(msg) from error


@command(commands, "genelight models runs")
def models(
    folder: Annotated[Path, typer.Argument(help="where to look for saved models")] = Path(),
    registry: Annotated[Path | None, typer.Option(help="TOML file that names shared models")] = None,
) -> Result:
    """List saved models, those that ship with genelight, and those that a registry shares."""
    from ..models.bundle import SHIPPED
    from ..models.shelf import find_models, read_registry

    found = find_models(folder)
    shipped = find_models(SHIPPED)
    shared = list(read_registry(registry).values()) if registry else []
    lines = []
    for model in found:
        sizes = ", ".join(map(str, model.widths))
        figures = "" if model.r2 is None else f", held-out R² {model.r2:.4f}, PCA {model.pca_r2:.4f}"
        altered = "; ALTERED since it was saved, see: genelight verify" if model.altered else ""
        lines.append(f"{model.folder}: {model.kind} of {sizes}{figures}{altered}")
    if not found:
        lines.append(f"no saved model in {folder}")
    lines += [f"{m.folder.name}: ships with genelight; {m.kind} of {', '.join(map(str, m.widths))}" for m in shipped]
    lines += [f"{s.name}: {s.about or 'no description'}; {s.url}, sha256 {s.sha256[:12]}" for s in shared]
    facts = {
        "models": [
            {
                "folder": m.folder,
                "kind": m.kind,
                "widths": m.widths,
                "r2": m.r2,
                "pca_r2": m.pca_r2,
                "altered": m.altered,
            }
            for m in found
        ],
        "shipped": [{"name": m.folder.name, "kind": m.kind, "widths": m.widths} for m in shipped],
        "shared": [{"name": s.name, "about": s.about, "url": s.url, "sha256": s.sha256} for s in shared],
    }
    return Result("\n".join(lines), facts)


@command(commands, "genelight sweep cohort.h5ad --subject patient --widths 16,32 --depths 1,3")
def sweep(
    cohort: PeopledCohort,
    widths: Annotated[str, typer.Option(help="nodes of each layer")] = "32,64,128",
    depths: Annotated[str, typer.Option(help="numbers of layers")] = "1,3",
    activations: Annotated[str | None, typer.Option(help="names with commas; see: genelight methods")] = None,
    preset: Annotated[str, typer.Option(help="what all share")] = "default",
    storage: Annotated[str | None, typer.Option(help="sqlite:///sweep.db or postgresql://..., to go on from")] = None,
    seed: Seed = 0,
) -> Result:
    """Compare widths, depths and activations on the same held-out subjects."""
    grid = gl.models.Grid(
        whole_numbers(widths, "--widths") or (),
        whole_numbers(depths, "--depths") or (),
        activations.split(",") if activations else None,
        preset,
    )
    adata, _ = cohort.genes()
    if storage:
        kept_when_stopped(lambda: f"what was compared so far is kept in {storage}")
    found = grid.sweep(adata, subject=cohort.subject, storage=storage, seed=seed)
    return Result(found.to_string(index=False, float_format=lambda value: f"{value:.4f}"), {"settings": found})


@command(commands, "genelight encode cohort.h5ad --model model --layer L2 --out codes.h5ad")
def encode(cohort: Rescaled, model: ModelFolder, layer: Layer, out: File) -> Result:
    """Write a table with a layer's codes in its obsm, of a store its samples only; ids are mapped to the model's."""
    from ..io.stores._open import is_store

    fresh(out)
    key, trained = f"X_{layer}", gl.load(model)
    if is_store(cohort.table):
        store = cohort.store()
        adata = AnnData(obs=store.obs, obsm={key: gl.encode(store, trained, layer=layer)})
    else:
        adata = cohort.read()
        asked = as_genes_of(model, adata, probes=cohort.probes, scale=cohort.scale)
        adata.obsm[key] = gl.encode(asked, trained, layer=layer)
    write_h5ad(out, adata)
    shape = adata.obsm[key].shape
    return Result(f"{out}: obsm['{key}'] of shape {shape}", {"out": out, "key": key, "shape": shape})
