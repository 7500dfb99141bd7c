"""Preparation of a table of several blocks: each by its own rules, all of them with the same say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .._core.provenance import digest
from ..errors import InputError, UnknownNameError, first_three
from ..io._blocks import BETWEEN
from ..nouns import Genes
from .preparation import Preparation
from .settings import PreparationSettings

if TYPE_CHECKING:
    from anndata import AnnData

    from ..nouns.genes import Alignment

__all__ = ["Block", "JoinedPreparation", "by_block", "rows_of", "table_of"]

TOLD = ("genes_kept", "missing")


@dataclass(frozen=True)
class Block:
    """One block's preparation, and what its prepared values are multiplied by."""

    name: str
    preparation: Preparation
    weight: float

    @property
    def account(self) -> Mapping[str, Any]:
        """Its preparation's."""
        return self.preparation.account

    @property
    def ids(self) -> list[str]:
        """Its features as they are called in the joined table."""
        return [f"{self.name}{BETWEEN}{feature}" for feature in self.preparation.genes.ids]


@dataclass(frozen=True)
class JoinedPreparation(Preparation):
    """How each block of a joined table is prepared, by rules of its own, samples that lack a block left missing.

    Blocks are weighed so that the prepared values of each have the same variance in sum: squared error is then, up to
    a factor, the mean over blocks of the share of the variance that is not given back, whatever the number of features.
    That is one way of several, see Escofier and Pagès 1994, doi 10.1016/0167-9473(94)90135-X, who divide by the first
    principal axis.

    Attributes
    ----------
    blocks
        In the order of the columns.
    """

    blocks: tuple[Block, ...] = ()

    KIND: ClassVar[str] = "blocks"

    @classmethod
    def of(cls, parts: Mapping[str, Preparation], *, asked: PreparationSettings, samples: int) -> JoinedPreparation:
        """Join the preparations of blocks."""
        variance = {name: float((part.spread_g**2).sum()) for name, part in parts.items()}
        mean = sum(variance.values()) / len(variance)
        blocks = tuple(Block(name, part, float(np.sqrt(mean / variance[name]))) for name, part in parts.items())
        shift_g, span_g = (
            np.concatenate([each[i] for each in (b.preparation._standard for b in blocks)]) for i in (0, 1)
        )
        weight_g = np.concatenate([np.full(len(b.preparation.genes), b.weight) for b in blocks])
        namespace = ",".join(f"{b.name}={b.preparation.genes.namespace}" for b in blocks)
        account: dict[str, Any] = {
            "samples": samples,
            **{f"{b.name}_{what}": b.account.get(what, 0) for b in blocks for what in TOLD},
            "genes_read": sum(int(b.account["genes_read"]) for b in blocks),
            "genes_kept": len(weight_g),
            "features": ", ".join(f"{b.name} {b.account.get('features', 'gene')}" for b in blocks),
            "features_told_by": "their blocks",
            "scale": ", ".join(b.preparation.scale for b in blocks),
            "unit": ", ".join(b.preparation.unit for b in blocks),
        }
        features = ",".join(f"{b.name}={b.account.get('features', 'gene')}" for b in blocks)
        scales = ",".join(f"{b.name}={b.preparation.scale}" for b in blocks)
        return cls(
            Genes(tuple(name for b in blocks for name in b.ids), namespace),
            "log2",
            np.concatenate([b.preparation.mean_g for b in blocks]),
            np.concatenate([b.preparation.sd_g for b in blocks]),
            account,
            shift_g=shift_g,
            span_g=span_g / weight_g,
            asked=replace(asked, missing=True, features=features, scale=scales),
            blocks=blocks,
        )

    @property
    def settings(self) -> PreparationSettings:
        """What was asked for, block by block."""
        return self.asked or PreparationSettings()

    @property
    def digest(self) -> str:
        """Identity of everything that changes a transformed number."""
        return digest(*(part for b in self.blocks for part in (b.name, b.preparation.digest, b.weight)))

    @property
    def unit(self) -> str:
        """Of values before they were shifted and scaled, block by block."""
        return ", ".join(f"{b.name}: {b.preparation.unit}" for b in self.blocks)

    def align(self, ids: Iterable[str]) -> Alignment:
        """Where the features stand among `ids`; of the variance that has to be there each block has the same say.

        Raises
        ------
        GeneMismatchError, InputError
            As of one table.
        """
        return Preparation(self.genes, self.scale, self.mean_g, self.spread_g, asked=self.asked).align(ids)

    def transform(self, adata: AnnData) -> np.ndarray:
        """Prepared values, float32, shape ``(n, g)``; a sample's values of a block that it lacks are NaN.

        Raises
        ------
        GeneMismatchError, InputError
            As of each block.
        """
        self.align(adata.var_names)
        z_ng = np.full((adata.n_obs, len(self.genes)), np.nan, dtype=np.float32)
        for block, columns in self._columns():
            table = table_of(adata, block.name)
            rows = rows_of(table)
            if table.n_vars and len(rows):
                z_ng[rows, columns] = block.preparation.transform(table[rows].copy()) * np.float32(block.weight)
        return z_ng

    def gaps(self, adata: AnnData) -> np.ndarray:
        """Which values a table lacks, boolean, shape ``(n, g)``: whole blocks, features and single values."""
        gap_ng = np.ones((adata.n_obs, len(self.genes)), bool)
        for block, columns in self._columns():
            table = table_of(adata, block.name)
            rows = rows_of(table)
            if table.n_vars and len(rows):
                gap_ng[rows, columns] = block.preparation.gaps(table[rows])
        return gap_ng

    def lower(self, gap_ng: np.ndarray) -> np.ndarray:
        """As of each block; a whole block that is missing says nothing of any limit."""
        fall_ng = np.zeros(gap_ng.shape, np.float32)
        for block, columns in self._columns():
            some_n1 = ~gap_ng[:, columns].all(1, keepdims=True)
            fall_ng[:, columns] = block.preparation.lower(gap_ng[:, columns] & some_n1) * np.float32(block.weight)
        return fall_ng

    def rescale(self, adata: AnnData, scale: str) -> AnnData:  # noqa: ARG002 - of any table
        """Not of several blocks.

        Raises
        ------
        InputError
            Always.
        """
        msg = f"scale = {scale!r}, but each block has a scale of its own ({self.account['scale']}); leave it out"
        raise InputError(msg)

    def _content(self) -> dict[str, Any]:
        blocks = [{"name": b.name, "weight": b.weight, "preparation": b.preparation._content()} for b in self.blocks]
        return {**super()._content(), "kind": self.KIND, "blocks": blocks}

    @classmethod
    def _of_content(cls, content: Any, *, where: str) -> JoinedPreparation:
        base = Preparation._of_content(content, where=where)
        blocks = tuple(
            Block(b["name"], Preparation._of_content(b["preparation"], where=where), float(b["weight"]))
            for b in content["blocks"]
        )
        shared = {field.name: getattr(base, field.name) for field in fields(base)}
        return cls(**shared, blocks=blocks)

    def columns(self) -> dict[str, slice]:
        """Where each block's features stand."""
        return {block.name: columns for block, columns in self._columns()}

    def _columns(self) -> list[tuple[Block, slice]]:
        ends = np.cumsum([0, *(len(b.preparation.genes) for b in self.blocks)])
        return [(b, slice(int(a), int(z))) for b, a, z in zip(self.blocks, ends, ends[1:], strict=False)]


def table_of(adata: AnnData, block: str) -> AnnData:
    """The columns of one block under the features' own names."""
    start = f"{block}{BETWEEN}"
    mine = [i for i, name in enumerate(adata.var_names) if str(name).startswith(start)]
    table = adata[:, mine].copy()
    table.var_names = [str(name).removeprefix(start) for name in table.var_names]
    return table


def rows_of(table: AnnData) -> np.ndarray:
    """Samples that have a value in a block, as positions."""
    return np.flatnonzero(~np.isnan(np.asarray(table.X, dtype=np.float64)).all(1)) if table.n_vars else np.arange(0)


def by_block(said: str | None, blocks: list[str], *, option: str) -> dict[str, str]:
    """What is said of each block, in words such as ``rna=counts,protein=linear``; of one word, nothing.

    Raises
    ------
    UnknownNameError
        If there is no such block.
    InputError
        If a part says nothing.
    """
    found: dict[str, str] = {}
    if said is None or "=" not in said:
        return found
    for part in said.split(","):
        name, equals, value = (text.strip() for text in part.partition("="))
        if not equals or not value:
            msg = f"{option} {said!r}: {part!r} says nothing of a block; write {option} {first_three(blocks, n=1)}=..."
            raise InputError(msg)
        if name not in blocks:
            raise UnknownNameError("block", name, blocks, where=f"{option} {said}")
        found[name] = value
    return found
