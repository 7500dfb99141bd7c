"""A model as a folder: weights, configuration, genes, preparation, history and a card a person can read."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from .._core.disk import writing
from .._core.provenance import check_seal, digest, file_digest, read_json, sealed, versions, write_json
from .._core.registry import Registry
from .._core.tables import plain_text
from ..errors import FormatError, InputError, ResourceError, first_three
from ..nouns import Model
from ..nouns.model import CodeRange
from ..pp.preparation import Preparation
from ._card import card
from .packing import pack, unpack
from .shelf import REGISTRY, fetch_model

__all__ = ["KINDS", "Bundle", "load", "model_folder", "pack_ranges", "unpack_ranges"]

FORMAT = 3
SHIPPED = Path(__file__).parent / "data"


class Kind(Protocol):
    """A kind of model: what reads one back."""

    def open(self, bundle: Bundle) -> Model:
        """The fitted model that a bundle holds."""
        ...


KINDS: Registry[Kind] = Registry("kind of model")


class Bundle:
    """The parts of a saved model, in memory.

    Parameters
    ----------
    kind
        Registered kind of model.
    weights
        Arrays by name.
    settings
        What was decided in fitting, and is needed to read the weights.
    spec
        What it was fitted from, as plain values.
    preparation
        How its input is prepared; carries the gene list.
    history
        One record per epoch.
    about
        What is known of it: data, held-out figures, limits.
    """

    def __init__(
        self,
        kind: str,
        *,
        weights: Mapping[str, np.ndarray],
        settings: Mapping[str, Any],
        spec: Mapping[str, Any],
        preparation: Preparation,
        history: list[dict[str, float]],
        about: Mapping[str, Any],
    ) -> None:
        self.kind = kind
        self.weights = dict(weights)
        self.settings = dict(settings)
        self.spec = dict(spec)
        self.preparation = preparation
        self.history = history
        self.about = dict(about)

    @property
    def digest(self) -> str:
        """Identity of weights and preparation."""
        names = sorted(self.weights)
        return digest(self.kind, names, *[self.weights[n] for n in names], self.preparation.digest)

    def save(self, folder: Path, *, packed: bool = False) -> None:
        """Write the folder, whole or not at all; an older model at the same place is replaced at the end.

        With `packed`, weights take a quarter of the room; they have to be :func:`.packing.rounded` ones.

        Raises
        ------
        InputError
            If something other than a saved model is there.
        ResourceError
            If the folder cannot be written; what was there stays.
        """
        folder = Path(folder).resolve()
        known = not folder.exists() or (folder / "config.json").is_file()
        if not known and not (folder.is_dir() and not any(folder.iterdir())):
            msg = f"{folder} is there and no saved model; name a new folder"
            raise InputError(msg)
        try:
            with writing(folder) as draft:
                draft.mkdir()
                self._write(draft, packed=packed)
        # safetensors reports what the system refuses as an error of its own.
        except SafetensorError as error:
            msg = f"cannot write {folder}: {error}"
            raise ResourceError(msg) from error

    def _write(self, folder: Path, *, packed: bool) -> None:
        weights = pack(self.weights) if packed else self.weights
        save_file({n: np.ascontiguousarray(w) for n, w in weights.items()}, folder / "weights.safetensors")
        # safetensors makes its file private; the folder is as readable as any other result.
        (folder / "weights.safetensors").chmod(0o644)
        self.preparation.save(folder / "prepare.json")
        genes = [plain_text(gene) for gene in self.preparation.genes.ids]
        (folder / "genes.tsv").write_text("\n".join(("gene", *genes)) + "\n", encoding="utf-8")
        with (folder / "history.csv").open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, fieldnames=list(self.history[0]) if self.history else ["epoch"])
            writer.writeheader()
            writer.writerows(self.history)
        named = self.digest
        told = card(self.kind, self.settings, digest=named, preparation=self.preparation, about=self.about)
        (folder / "CARD.md").write_text(told, encoding="utf-8")
        config = {
            "format": FORMAT,
            "kind": self.kind,
            "settings": self.settings,
            "spec": self.spec,
            "genes": self.preparation.genes.digest,
            "digest": named,
            "files": {path.name: file_digest(path) for path in sorted(folder.iterdir())},
            "versions": versions(),
            **self.about,
        }
        write_json(folder / "config.json", sealed(config))


def preparation_of(folder: Path) -> Preparation:
    """How a saved model prepares, without its weights.

    Raises
    ------
    FormatError
        If there is no model, or its preparation is damaged.
    """
    return Preparation.load(_saved(folder) / "prepare.json")


def _saved(folder: Path) -> Path:
    if not (folder / "config.json").is_file():
        there = "a folder without config.json" if folder.is_dir() else "not a folder"
        inside = f": {folder / '03_model'}" if (folder / "03_model").is_dir() else ", such as RUN/03_model"
        msg = f"{folder} is no saved model ({there}); pass the folder that model.save wrote{inside}"
        raise FormatError(msg)
    return folder


def load(folder: Path | str) -> Model:
    """Read a model folder; nothing in it is ever run as code.

    Parameters
    ----------
    folder
        What ``model.save`` wrote; or ``"human"``, the reference model that comes with genelight (see the page on it);
        or the name of a model in the registry that ``GENELIGHT_MODELS`` names (see
        :func:`.read_registry`), which is downloaded once.

    Raises
    ------
    ResourceError
        If a shared model cannot be downloaded.
    FormatError
        If the weights, the configuration or the preparation is missing, altered, damaged or from a newer genelight;
        names the file. What is there for people (genes.tsv, history.csv, CARD.md) may be missing.

    Examples
    --------
    >>> import genelight as gl, tempfile
    >>> model = gl.models.PCA(8).fit(gl.demo.cohort())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(folder + "/model")
    ...     gl.load(folder + "/model").digest == model.digest
    True
    """
    folder = _saved(model_folder(Path(folder)))
    config = read_json(folder / "config.json")
    if not isinstance(config, dict) or not isinstance(config.get("format"), int):
        msg = f"{folder / 'config.json'} is no configuration that genelight wrote"
        raise FormatError(msg)
    if config["format"] > FORMAT:
        msg = f"{folder} has format {config['format']}, newer than {FORMAT}; upgrade with pip install -U genelight"
        raise FormatError(msg)
    if config["format"] < FORMAT:
        msg = f"{folder} has format {config['format']}, older than {FORMAT}, which keeps no spec; fit the model anew"
        raise FormatError(msg)
    check_seal(config, where=folder / "config.json")
    bundle = _read(folder, config)
    read = ("weights.safetensors", "prepare.json")
    as_noted = all(file_digest(folder / name) == config["files"].get(name) for name in read)
    if not as_noted or bundle.digest != config.get("digest"):
        msg = f"{folder}: weights or preparation were altered since the model was saved (another digest in config.json)"
        raise FormatError(msg)
    try:
        model = KINDS[bundle.kind].open(bundle)
        told = {"digest": config["digest"], "preparation": bundle.preparation, "about": bundle.about}
        card(bundle.kind, bundle.settings, **told)
        _try(model)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        said = " ".join(str(error).split())
        msg = f"{folder / 'config.json'} does not fit the weights beside it: {said}"
        raise FormatError(msg) from error
    return model


def _try(model: Model) -> None:
    """Print it, and take one sample of zeros through every layer and back: shapes fit, numbers are finite.

    Raises
    ------
    ValueError
        If they do not.
    """
    repr(model)
    genes = len(model.genes.ids)
    with np.errstate(all="ignore"):
        for layer, width in model.widths.items():
            state = model.encode(np.zeros((1, genes), np.float32), layer)
            back = model.decode(np.zeros((1, width), np.float32), layer)
            spread = [getattr(model.code_range(layer), part) for part in CodeRange.__annotations__]
            shapes = state.shape, back.shape, {part.shape for part in spread}
            if shapes != ((1, width), (1, genes), {(width,)}):
                msg = f"layer {layer} does not have {width} nodes and {genes} genes throughout"
                raise ValueError(msg)
            if not all(np.isfinite(part).all() for part in (state, back, *spread)):
                msg = f"layer {layer} holds numbers that are not finite"
                raise ValueError(msg)


def model_folder(folder: Path) -> Path:
    """The folder itself, or that of the model whose name it is: one that ships, or a shared one."""
    if folder.exists() or len(folder.parts) != 1:
        return folder
    if (SHIPPED / folder.name / "config.json").is_file():
        return SHIPPED / folder.name
    return fetch_model(folder.name) if os.environ.get(REGISTRY) else folder


def _read(folder: Path, config: dict[str, Any]) -> Bundle:
    try:
        weights = unpack(load_file(folder / "weights.safetensors"))
    except (OSError, SafetensorError, ValueError) as error:
        msg = f"{folder / 'weights.safetensors'} is missing or damaged ({error}); copy the model folder again"
        raise FormatError(msg) from error
    known = ("format", "kind", "settings", "spec", "genes", "digest", "files", "seal", "versions")
    try:
        return Bundle(
            config["kind"],
            weights=weights,
            settings=config["settings"],
            spec=config["spec"],
            preparation=Preparation.load(folder / "prepare.json"),
            history=_history(folder / "history.csv", config["files"].get("history.csv")),
            about={key: value for key, value in config.items() if key not in known},
        )
    except KeyError as error:
        msg = f"{folder / 'config.json'} lacks the key {error}"
        raise FormatError(msg) from error
    except FormatError:
        raise
    except (AttributeError, TypeError, ValueError) as error:
        msg = f"{folder / 'config.json'} is no configuration that genelight wrote: {error}"
        raise FormatError(msg) from error


def _history(path: Path, noted: str | None) -> list[dict[str, float]]:
    if not path.is_file():
        return []
    if file_digest(path) != noted:
        msg = f"{path} is not the history that genelight wrote; copy it again, or remove it: the model does without"
        raise FormatError(msg)
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            return [
                {key: int(value) if value.isdecimal() else float(value) for key, value in row.items()}
                for row in csv.DictReader(handle)
            ]
    except (AttributeError, TypeError, ValueError) as error:
        msg = f"{path} is not the history that genelight wrote: {error}"
        raise FormatError(msg) from error


def pack_ranges(ranges: Mapping[str, CodeRange]) -> dict[str, np.ndarray]:
    """Code ranges as named arrays, for the weights file."""
    return {
        f"range.{layer}.{part}": getattr(r, part) for layer, r in ranges.items() for part in CodeRange.__annotations__
    }


def unpack_ranges(weights: Mapping[str, np.ndarray], layers: list[str]) -> dict[str, CodeRange]:
    """Code ranges back from named arrays.

    Raises
    ------
    FormatError
        If one is not there.
    """
    absent = [f"range.{la}.{part}" for la in layers for part in CodeRange.__annotations__]
    absent = [name for name in absent if name not in weights]
    if absent:
        msg = f"the weights lack {first_three(absent)}; train the model anew"
        raise FormatError(msg)
    return {la: CodeRange(*(weights[f"range.{la}.{part}"] for part in CodeRange.__annotations__)) for la in layers}
