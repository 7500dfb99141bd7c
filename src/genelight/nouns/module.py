"""The noun that a derivation ends in: genes with scores, the chosen ones marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from .._core.printed import Card, Printed, leading
from .._core.provenance import digest
from .._core.tables import read_tsv, write_tsv
from ..errors import FormatError, InputError, first_three
from .genes import Genes

__all__ = ["DERIVATION", "Module"]

DERIVATION = "auto"
"""How a module is derived unless asked otherwise; ``python -m studies disease_modules`` has its figures."""

# How often bootstraps select a gene that a card calls stable.
STABLE = 0.9


@dataclass(frozen=True, repr=False)
class Module(Printed):
    """A disease module: every measured gene with its score, the chosen ones marked.

    Parameters
    ----------
    table
        One row per measured gene, best first. Columns: ``gene``; ``score`` (signed: above zero is up in
        cases); ``rank`` (1 is best, by absolute score); ``selected`` (bool); ``frequency`` (share of
        subject bootstraps in which the gene is among as many top genes, NaN where none were drawn).
    name
        Contrast in words.
    method
        Name of the derivation.
    genes
        The measured genes in the model's order: the universe of every test on the module.
    about
        Settings, contrast, layer, figures of certainty.
    """

    table: pd.DataFrame
    name: str
    method: str
    genes: Genes
    about: Mapping[str, Any] = field(default_factory=dict)

    FORMAT: ClassVar[int] = 1
    COLUMNS: ClassVar[tuple[str, ...]] = ("gene", "score", "rank", "selected", "frequency")

    def __post_init__(self) -> None:
        absent = [c for c in self.COLUMNS if c not in self.table]
        if absent:
            msg = f"a module needs the columns {', '.join(self.COLUMNS)}; {', '.join(absent)} not found"
            raise FormatError(msg)
        strangers = set(self.table["gene"]) ^ set(self.genes.ids)
        if strangers or len(self.table) != len(self.genes):
            msg = f"module and gene list differ in {len(strangers)} genes ({first_three(sorted(map(str, strangers)))})"
            raise FormatError(msg)
        _check_columns(self.table)

    @property
    def selected(self) -> list[str]:
        """The chosen genes, best first."""
        return list(self.table.loc[self.table["selected"], "gene"])

    def _card(self) -> Card:
        chosen, about = self.table[self.table["selected"]], self.about
        up, down = (chosen.loc[chosen["score"] * sign > 0, "gene"] for sign in (1, -1))
        drawn = chosen["frequency"].dropna()
        stable = f"{(drawn >= STABLE).sum()} of {len(chosen)} genes in {STABLE:.0%} of subject bootstraps or more"
        absent = about.get("genes_absent", 0)
        lacking = f"; {absent:,} that the model knows are not in the table" if absent else ""
        groups = [
            f"{about[group]['samples']} {group} of {about[group]['subjects']} subjects"
            for group in ("cases", "controls")
            if group in about
        ]
        return f"module of {self.name!r} by {about.get('chosen', self.method)}", [
            ("genes", f"{len(chosen)} of {len(self.table):,} measured ({self.genes.namespace}){lacking}"),
            ("up", f"{len(up)}: {leading(list(up))}"),
            ("down", f"{len(down)}: {leading(list(down))}"),
            ("layer", str(about.get("layer") or "")),
            ("samples", "; ".join(groups)),
            ("stable", stable if len(drawn) else "not measured; derive with bootstraps"),
            ("because", str(about.get("because") or "")),
        ]

    def score_g(self) -> np.ndarray:
        """Scores in the order of ``genes``, shape ``(g,)``."""
        return self.table.set_index("gene")["score"].reindex(list(self.genes.ids)).to_numpy(np.float64)

    @classmethod
    def from_scores(
        cls,
        score_g: np.ndarray,
        genes: Genes,
        *,
        size: int,
        name: str,
        method: str,
        frequency_g: np.ndarray | None = None,
        eligible_g: np.ndarray | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> Module:
        """Build a module of the `size` genes with the largest absolute score; ties keep gene order.

        Of the genes that `eligible_g` leaves out none is selected.
        """
        order = np.argsort(-np.abs(score_g), kind="stable")
        frequency = np.full(len(genes), np.nan) if frequency_g is None else frequency_g
        rank = np.arange(1, len(order) + 1)
        eligible = np.ones(len(genes), dtype=bool) if eligible_g is None else eligible_g[order]
        table = pd.DataFrame(
            {
                "gene": np.asarray(genes.ids, dtype=object)[order],
                "score": np.asarray(score_g, dtype=np.float64)[order],
                "rank": rank,
                "selected": eligible & (np.cumsum(eligible) <= size),
                "frequency": frequency[order],
            }
        )
        return cls(table, name, method, genes, dict(about or {}))

    def save(self, path: Path) -> None:
        """Write as TSV under one comment line."""
        about = {
            "name": self.name,
            "method": self.method,
            "namespace": self.genes.namespace,
            "genes": self.genes.digest,
            "seal": _seal(self.table),
            "about": dict(self.about),
        }
        write_tsv(path, self.table, kind="module", version=self.FORMAT, about=about)

    @classmethod
    def load(cls, path: Path, *, genes: Genes | None = None) -> Module:
        """Read what :meth:`save` wrote; without `genes` the universe is in order of rank.

        Raises
        ------
        FormatError
            If the file is absent, damaged, of another kind, or edited so that it no longer fits.
        """
        table, about = read_tsv(path, kind="module", newest=cls.FORMAT, text=("gene",))
        try:
            universe = genes or Genes(tuple(table.get("gene", ())), about["namespace"])
            module = cls(table, about["name"], about["method"], universe, about["about"])
            if about.get("seal", sealed := _seal(table)) != sealed:
                msg = "its genes, scores or marks are not those that were saved; derive the module again"
                raise FormatError(msg)
            return module
        except (InputError, FormatError, KeyError) as error:
            msg = f"{path} was changed after it was written: {error}"
            raise FormatError(msg) from error


def _seal(table: pd.DataFrame) -> str:
    """Identity of the rows; the file of this format that tests keep has none."""
    genes, *columns = (table[column] for column in Module.COLUMNS)
    return digest(list(genes), *(column.to_numpy(np.float64) for column in columns))


def _check_columns(table: pd.DataFrame) -> None:
    """Stop where scores are no finite numbers, marks are not true or false, or ranks do not follow the scores."""
    for column in ("score", "rank", "frequency"):
        number = pd.to_numeric(table[column], errors="coerce")
        bad = ~np.isfinite(number) & ~((column == "frequency") & table[column].isna())
        if bad.any():
            row = table[bad].astype(object).iloc[0]
            msg = f"{column} of gene {row['gene']} is {row[column]!r}, no finite number ({int(bad.sum())} such)"
            raise FormatError(msg)
    if table["selected"].dtype != bool:
        odd = table.loc[~table["selected"].isin([True, False]), "selected"]
        msg = f"selected holds {first_three(odd.astype(str))}; it must be True or False for every gene"
        raise FormatError(msg)
    strength = table["score"].abs().to_numpy()
    if (
        not np.array_equal(table["rank"], np.arange(1, len(table) + 1))
        or (np.diff(strength) > 1e-9 * strength[0]).any()
    ):
        msg = "ranks do not follow the absolute scores from 1 on; rows were moved, or a score or rank was changed"
        raise FormatError(msg)
