"""Models: fit, encode, models, sweep."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from anndata import AnnData

import genelight as gl

from .._core.tables import write_h5ad
from ..errors import InputError, UnknownNameError
from ._cohort import PeopledCohort, Rescaled, as_genes_of
from ._command import Result, command, kept_when_stopped
from ._shared import File, Folder, Layer, ModelFolder, Scale, Seed, fresh, whole_numbers

commands = typer.Typer()
ROOM = "Models"

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


@command(commands, room=ROOM, example="genelight fit cohort.h5ad --subject patient --out model")
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
    seed: Seed = 0,
) -> Result:
    """Train an autoencoder on all samples of a table or a store, without labels.

    Raises
    ------
    InputError
        If a group is named for a model that is not deep.
    """
    from ..models.named import named_for, settings_for, spec_of
    from ..pp.prepare import prepare_as

    name, changes = _changes(preset)
    # A killed fit goes on with the same command.
    checkpoint = fresh(out).with_name(f".{out.name}.training")
    adata, id_map = cohort.store_or_genes()
    wide = whole_numbers(widths, "--widths")
    chosen = name if changes else named_for(name, wide, samples=adata.n_obs, group=group)
    preparation = replace(prepare_as(adata, settings_for(chosen, adata, scale=scale)), id_map=id_map)
    if group is not None and chosen != gl.models.Deep.kind:
        msg = f"--group {group} is for a deep model; leave it out, or add: --preset deep"
        raise InputError(msg)
    if group is not None:
        changes["group"] = group
    spec = replace(
        spec_of(chosen, wide),
        preparation=preparation.settings,
        subject=cohort.subject,
        subject_pattern=subject_pattern,
        seed=seed,
        **changes,
    )
    kept_when_stopped(lambda: f"the training so far is kept in {checkpoint}")
    if isinstance(spec, gl.models.Autoencoder):
        model = spec.fit(adata, preparation=preparation, checkpoint=checkpoint)
    else:
        model = spec.fit(adata, preparation=preparation)
    model.save(out)
    shutil.rmtree(checkpoint, ignore_errors=True)
    held_out = model.about["held_out"]
    low, high = held_out["gain_interval"]
    lines = [
        f"{out}: layers {', '.join(f'{layer} of {width}' for layer, width in model.widths.items())}",
        f"held-out R² {held_out['r2']:.4f}, PCA of {held_out['pca_width']}: {held_out['pca_r2']:.4f}, "
        f"difference {held_out['r2'] - held_out['pca_r2']:+.4f} ({low:+.4f} to {high:+.4f})",
        *([model.verdict] if model.verdict else []),
    ]
    return Result(
        "\n".join(lines), {"out": out, "widths": model.widths, "held_out": held_out, "verdict": model.verdict}
    )


def _changes(text: str) -> tuple[str, dict[str, Any]]:
    """A preset's name, and the changes that follow it."""
    name, *changes = text.split(",")
    given: dict[str, Any] = {}
    if changes and name == gl.models.Deep.kind:
        msg = f"--preset {text}: preset deep takes no changes; see gl.models.DeepRecipe in Python"
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


@command(commands, room=ROOM, example="genelight models runs")
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


@command(commands, room=ROOM, example="genelight sweep cohort.h5ad --subject patient --widths 16,32 --depths 1,3")
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
    found = gl.models.sweep(adata, grid, subject=cohort.subject, storage=storage, seed=seed)
    return Result(found.to_string(index=False, float_format=lambda value: f"{value:.4f}"), {"settings": found})


@command(commands, room=ROOM, example="genelight encode cohort.h5ad --model model --layer L2 --out codes.h5ad")
def encode(cohort: Rescaled, model: ModelFolder, layer: Layer, out: File) -> Result:
    """Write a table with a layer's codes in its obsm, of a store its samples only; ids are mapped to the model's."""
    from ..io._store_group import is_store

    target, key, trained = fresh(out), f"X_{layer}", gl.load(model)
    if is_store(cohort.table):
        store = cohort.store()
        adata = AnnData(obs=store.obs, obsm={key: gl.encode(store, trained, layer=layer)})
    else:
        adata = cohort.read()
        asked = as_genes_of(model, adata, probes=cohort.probes, scale=cohort.scale)
        adata.obsm[key] = gl.encode(asked, trained, layer=layer)
    write_h5ad(target, adata)
    shape = adata.obsm[key].shape
    return Result(f"{out}: obsm['{key}'] of shape {shape}", {"out": out, "key": key, "shape": shape})
