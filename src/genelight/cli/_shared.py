"""What the commands share: options and small helpers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError, ResourceError
from ..io.stores._bucket import located
from ..pp.features import FEATURES


def model_folder(folder: Path | None) -> Path | None:
    """Folder of a model that may be given by its name in a registry; None stays None."""
    # In a function, for importing models takes seconds.
    from ..models.bundle import model_folder

    return None if folder is None else model_folder(folder)


def model_or(*words: str) -> Callable[[str], str]:
    """What takes the folder of a model, or of a registered name, for an option; `words` stay as they are."""
    return lambda name: name if name in words else str(model_folder(Path(name)))


def places(paths: Sequence[Path]) -> list[Path]:
    """Paths, or the URLs that they were typed as."""
    return [located(path) for path in paths]


def _model_folders(folders: Sequence[Path]) -> list[Path]:
    from ..models.bundle import model_folder

    return [model_folder(folder) for folder in folders]


Folder = Annotated[Path, typer.Option("--out", help="folder to write")]
File = Annotated[Path, typer.Option("--out", help="file to write")]
ModelFolder = Annotated[
    Path,
    typer.Option(
        "--model",
        callback=model_folder,
        help="model folder, such as RUN/03_model; human, which ships; or a name in the registry of GENELIGHT_MODELS",
    ),
]
ModelFolders = Annotated[
    list[Path],
    typer.Option(
        "--model",
        callback=_model_folders,
        help="model folder, human or registered name; again for each further training",
    ),
]
Scale = Annotated[
    str,
    typer.Option(
        help="scale of the values: log2, counts, linear, or auto to tell it; of CpGs beta, m; of taxa counts, fractions"
    ),
]
Features = Annotated[
    str | None,
    typer.Option(
        help=f"kind of feature: {', '.join(FEATURES)} (rows are cells); unset for genes, or what the ids tell; of "
        "several blocks rna=gene,prot=protein, as --scale prot=linear"
    ),
]
Layer = Annotated[str, typer.Option(help="hidden layer, such as L1")]
Seed = Annotated[int, typer.Option(help="for everything that is drawn")]


def fresh(*paths: Path | None) -> None:
    """Stop before anything is computed where something stands at a path that is to be written.

    Raises
    ------
    ResourceError
        If so.
    """
    for path in paths:
        if path is not None and os.path.lexists(path):
            msg = (
                f"{path} exists already and was left as it is; choose another --out, or remove it (rm -r {path}) and "
                "type the same again"
            )
            raise ResourceError(msg)


def listed(text: str | None) -> tuple[str, ...]:
    """The parts of an option such as ``age,sex``."""
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()


def named_queries(texts: Sequence[str], option: str) -> dict[str, str]:
    """Queries by name of an option such as ``flu=condition == "flu"``, given several times.

    Raises
    ------
    InputError
        When one has no name, or two have the same.
    """
    named: dict[str, str] = {}
    for text in texts:
        name, _, query = (part.strip() for part in text.partition("="))
        if not name.isidentifier() or not query or query.startswith("=") or name in named:
            msg = f"{option} {text!r} is no query with a name of its own; write {option} 'flu=condition == \"flu\"'"
            raise InputError(msg)
        named[name] = query
    return named


def whole_numbers(text: str | None, option: str) -> tuple[int, ...] | None:
    """The numbers of an option such as ``128,64,32``.

    Raises
    ------
    InputError
        When a part is not a whole number.
    """
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        msg = f"{option} {text} cannot be read; write whole numbers with commas: {option} 128,64,32"
        raise InputError(msg) from error
