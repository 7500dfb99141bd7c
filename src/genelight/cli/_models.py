"""Models: fit, encode."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer
from anndata import AnnData

import genelight as gl

from ._genes import Probes, as_genes, as_genes_of
from ._shared import File, Folder, Layer, ModelFolder, Scale, Seed, Subject, Table, fresh, table_of, whole_numbers

commands = typer.Typer()


@commands.command()
def fit(
    table: Table,
    out: Folder,
    subject: Subject = None,
    widths: Annotated[str | None, typer.Option(help="hidden layers, for example 128,64,32")] = None,
    preset: Annotated[str, typer.Option(help="see: genelight methods")] = "default",
    scale: Scale = "log2",
    probes: Probes = None,
    seed: Seed = 0,
) -> None:
    """Train an autoencoder on all samples of a table or a store, without labels."""
    adata, id_map = table_of(table), None
    if not isinstance(adata, gl.io.Store):
        adata, id_map = as_genes(adata, probes=probes)
    preparation = replace(gl.prepare(adata, scale=scale), id_map=id_map)
    sizes = whole_numbers(widths, "--widths")
    model = gl.fit(adata, preset=preset, widths=sizes, subject=subject, preparation=preparation, seed=seed)
    model.save(fresh(out))
    chosen = model.history[int(model.settings["stop"])]
    print(f"{out}: layers {', '.join(f'{layer} of {width}' for layer, width in model.widths.items())}")
    print(
        f"held-out R² {chosen['held_out_r2']:.4f}, PCA of {min(model.widths.values())}: {chosen['held_out_r2_pca']:.4f}"
    )


@commands.command()
def encode(table: Table, model: ModelFolder, layer: Layer, out: File, probes: Probes = None) -> None:
    """Write a table with a layer's codes in its obsm, of a store its samples only; ids are mapped to the model's."""
    found = table_of(table)
    if isinstance(found, gl.io.Store):
        adata = AnnData(obs=found.obs, obsm={f"X_{layer}": gl.encode(gl.load(model), found, layer=layer)})
    else:
        adata = found
        adata.obsm[f"X_{layer}"] = gl.encode(gl.load(model), as_genes_of(model, adata, probes=probes), layer=layer)
    adata.write_h5ad(fresh(out))
    print(f"{out}: obsm['X_{layer}'] of shape {adata.obsm[f'X_{layer}'].shape}")
