"""A training kept on disk as it goes, so that it can be killed at any moment and taken up again to the bit."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from ..._core.disk import writing
from ..._core.provenance import digest
from ..._core.ranks import ranks
from ...errors import FormatError, InputError, ResourceError
from .adam import Adam

__all__ = ["EVERY", "Both", "Checkpoint", "Checkpoints", "Draws", "State"]

FORMAT = 1
EVERY = 5.0
"""Seconds between two checkpoints of one training; the last epoch is always kept."""


@dataclass(frozen=True)
class Checkpoints:
    """A folder with one file per training of a fit.

    Attributes
    ----------
    folder
        Made where it is missing.
    data
        Identity of what is learned from.
    settings
        What else decides the result, in words that go into JSON.
    """

    folder: Path
    data: str
    settings: str

    def of(self, name: str, recipe: Any) -> Checkpoint:
        """The file of one training by a recipe, a dataclass."""
        identity = {"data": self.data, "settings": self.settings, "recipe": json.dumps(asdict(recipe))}
        return Checkpoint(Path(self.folder) / f"{name}.safetensors", identity)


class Draws(Protocol):
    """Where random numbers come from, such as ``torch.Generator``."""

    def get_state(self) -> torch.Tensor:
        """All that the next numbers depend on."""
        ...

    def set_state(self, state: torch.Tensor) -> object:
        """Go on from there."""
        ...


@dataclass(frozen=True)
class Both:
    """Two sources of random numbers as one thing to keep."""

    one: Draws
    other: Draws

    def get_state(self) -> torch.Tensor:
        """The state of the one, then that of the other."""
        return torch.cat([self.one.get_state(), self.other.get_state()])

    def set_state(self, state: torch.Tensor) -> None:
        """Go on from there."""
        size = len(self.one.get_state())
        # In memory of its own: a generator reads from the start of what a slice is a slice of.
        self.one.set_state(state[:size].clone())
        self.other.set_state(state[size:].clone())


@dataclass(frozen=True)
class State:
    """All that the rest of a training depends on."""

    net: nn.Module
    optimizer: Adam
    generator: Draws
    history: list[dict[str, float]]


class Checkpoint:
    """One training as it stood after an epoch: weights, optimizer, generator, history.

    Parameters
    ----------
    path
        File; it is replaced whole, so that there is always one good state.
    identity
        What the training depends on, by name.
    """

    def __init__(self, path: Path, identity: dict[str, str]) -> None:
        self.path = path
        self.identity = {"format": str(FORMAT), "torch": torch.__version__, **identity}
        self._saved = time.monotonic()

    def restore(self, state: State) -> None:
        """Take up what the file holds, in place; without a file, nothing.

        Raises
        ------
        FormatError
            If the file is damaged.
        InputError
            If it belongs to another table, other settings or another version; says what to type.
        """
        # Of processes in step the first has the file.
        found = ranks().first(self._read)
        if found is None:
            return
        kept, history = found
        state.net.load_state_dict({n.removeprefix("net."): t for n, t in kept.items() if n.startswith("net.")})
        state.optimizer.restore({n.removeprefix("adam."): t for n, t in kept.items() if n.startswith("adam.")})
        state.generator.set_state(kept["generator"])
        state.history[:] = json.loads(history)

    def _read(self) -> tuple[dict[str, torch.Tensor], str] | None:
        """What the file holds, once it is known to belong here."""
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as handle:
                about = handle.metadata() or {}
                kept = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 - not a dict
        except (OSError, SafetensorError) as error:
            msg = f"checkpoint {self.path} is damaged ({error}); remove it and train from the start"
            raise FormatError(msg) from error
        self._check(about)
        if about.get("seal") != _seal(kept, about["history"]):
            msg = f"checkpoint {self.path} was altered since it was written; remove it and train from the start"
            raise FormatError(msg)
        return kept, about["history"]

    def save(self, state: State, *, last: bool = False) -> None:
        """Write the state after an epoch, unless the last file is but seconds old.

        Raises
        ------
        ResourceError
            If it cannot be written, for example on a full disk; the one before stays.
        """
        if ranks().rank or (not last and time.monotonic() - self._saved < EVERY):
            return
        parts = {f"net.{name}": tensor.cpu().contiguous() for name, tensor in state.net.state_dict().items()}
        parts |= {f"adam.{name}": tensor.cpu().contiguous() for name, tensor in state.optimizer.state().items()}
        parts["generator"] = state.generator.get_state()
        history = json.dumps(state.history)
        about = self.identity | {"history": history, "seal": _seal(parts, history)}
        try:
            with writing(self.path) as draft:
                save_file(parts, draft, metadata=about)
        except (ResourceError, SafetensorError) as error:
            msg = (
                f"checkpoint {self.path} cannot be written ({error}); the one before is kept: free the disk and run "
                "the same again to go on from there"
            )
            raise ResourceError(msg) from error
        self._saved = time.monotonic()

    def _check(self, about: dict[str, str]) -> None:
        reasons = {
            "format": "was written by another version of genelight",
            "torch": "was written under another version of torch",
            "data": "belongs to another table, or to other subjects",
            "settings": "belongs to a fit with other settings",
            "recipe": "belongs to a training with other settings",
        }
        for key, reason in reasons.items():
            if about.get(key) != self.identity[key]:
                msg = (
                    f"checkpoint {self.path} {reason} ({key} is {about.get(key)}, here {self.identity[key]}); "
                    "name another checkpoint folder, or remove this one"
                )
                raise InputError(msg)


def _seal(parts: dict[str, torch.Tensor], history: str) -> str:
    names = sorted(parts)
    return digest(history, names, *(parts[name].numpy() for name in names))
