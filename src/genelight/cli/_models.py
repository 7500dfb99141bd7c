"""Models: fit, encode, models, sweep."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from anndata import AnnData

import genelight as gl

from ..errors import InputError, UnknownNameError
from ._genes import OtherScale, Probes, as_genes, as_genes_of
from ._shared import File, Folder, Layer, ModelFolder, Scale, Seed, Subject, Table, fresh, table_of, whole_numbers

commands = typer.Typer()

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


@commands.command()
def fit(
    table: Table,
    out: Folder,
    subject: Subject = None,
    subject_pattern: Annotated[
        str | None, typer.Option(help="regular expression whose first group names the person in that column")
    ] = None,
    widths: Annotated[str | None, typer.Option(help="hidden layers, for example 128,64,32")] = None,
    preset: Annotated[
        str, typer.Option(help="see: genelight methods; with changes: default,activation=gelu,learning_rate=find")
    ] = "default",
    scale: Scale = "log2",
    probes: Probes = None,
    seed: Seed = 0,
) -> None:
    """Train an autoencoder on all samples of a table or a store, without labels."""
    name, changes = _changes(preset)
    # A killed fit goes on with the same command.
    checkpoint = fresh(out).with_name(f".{out.name}.training")
    adata, id_map = table_of(table), None
    if not isinstance(adata, gl.io.Store):
        adata, id_map = as_genes(adata, probes=probes)
    preparation = replace(gl.prepare(adata, scale=scale), id_map=id_map)
    spec = replace(
        gl.models.spec_of(name, whole_numbers(widths, "--widths")),
        preparation=preparation.settings,
        subject=subject,
        subject_pattern=subject_pattern,
        seed=seed,
        **changes,
    )
    if isinstance(spec, gl.models.Autoencoder):
        model = spec.fit(adata, preparation=preparation, checkpoint=checkpoint)
    else:
        model = spec.fit(adata, preparation=preparation)
    model.save(out)
    shutil.rmtree(checkpoint, ignore_errors=True)
    held_out = model.about["held_out"]
    low, high = held_out["gain_interval"]
    print(f"{out}: layers {', '.join(f'{layer} of {width}' for layer, width in model.widths.items())}")
    print(
        f"held-out R² {held_out['r2']:.4f}, PCA of {held_out['pca_width']}: {held_out['pca_r2']:.4f}, "
        f"difference {held_out['r2'] - held_out['pca_r2']:+.4f} ({low:+.4f} to {high:+.4f})"
    )
    print(model.verdict)


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


@commands.command()
def models(
    folder: Annotated[Path, typer.Argument(help="where to look for saved models")] = Path(),
    registry: Annotated[Path | None, typer.Option(help="TOML file that names shared models")] = None,
) -> None:
    """List saved models, and those that a registry shares."""
    found = gl.models.find_models(folder)
    for model in found:
        sizes = ", ".join(map(str, model.widths))
        figures = "" if model.r2 is None else f", held-out R² {model.r2:.4f}, PCA {model.pca_r2:.4f}"
        print(f"{model.folder}: {model.kind} of {sizes}{figures}")
    if not found:
        print(f"no saved model in {folder}")
    for shared in gl.models.read_registry(registry).values() if registry else ():
        print(f"{shared.name}: {shared.about or 'no description'}; {shared.url}, sha256 {shared.sha256[:12]}")


@commands.command()
def sweep(
    table: Table,
    subject: Subject = None,
    widths: Annotated[str, typer.Option(help="nodes of each layer")] = "32,64,128",
    depths: Annotated[str, typer.Option(help="numbers of layers")] = "1,3",
    activations: Annotated[str | None, typer.Option(help="names with commas; see: genelight methods")] = None,
    preset: Annotated[str, typer.Option(help="what all share")] = "default",
    storage: Annotated[str | None, typer.Option(help="sqlite:///sweep.db or postgresql://..., to go on from")] = None,
    seed: Seed = 0,
) -> None:
    """Compare widths, depths and activations on the same held-out subjects."""
    grid = gl.models.Grid(
        whole_numbers(widths, "--widths") or (),
        whole_numbers(depths, "--depths") or (),
        activations.split(",") if activations else None,
        preset,
    )
    adata, _ = as_genes(gl.read(table, dense=True), probes=None)
    found = gl.models.sweep(adata, grid, subject=subject, storage=storage, seed=seed)
    print(found.to_string(index=False, float_format=lambda value: f"{value:.4f}"))


@commands.command()
def encode(
    table: Table, model: ModelFolder, layer: Layer, out: File, probes: Probes = None, scale: OtherScale = None
) -> None:
    """Write a table with a layer's codes in its obsm, of a store its samples only; ids are mapped to the model's."""
    found = table_of(table)
    if isinstance(found, gl.io.Store):
        adata = AnnData(obs=found.obs, obsm={f"X_{layer}": gl.encode(gl.load(model), found, layer=layer)})
    else:
        adata, asked = found, as_genes_of(model, found, probes=probes, scale=scale)
        adata.obsm[f"X_{layer}"] = gl.encode(gl.load(model), asked, layer=layer)
    adata.write_h5ad(fresh(out))
    print(f"{out}: obsm['X_{layer}'] of shape {adata.obsm[f'X_{layer}'].shape}")
