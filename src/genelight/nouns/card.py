"""The card of one hidden node, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .._core.printed import Card, Printed, leading
from .._core.tables import records
from ..errors import FormatError
from .labels import reference_label

__all__ = ["NodeCard"]

NAMED = 3
SIGNIFICANT = 0.05
TABLES = {
    "genes": ("sign", "rank", "gene", "value", "stability"),
    "obs": ("column", "test", "units", "effect", "highest", "p", "q"),
    "neighbours": ("node", "layer", "correlation"),
}


@dataclass(frozen=True, repr=False)
class NodeCard(Printed):
    """One hidden node; made by :func:`genelight.nodes.node_card`.

    Attributes
    ----------
    node, layer, model
        Its name, its layer and the model's name.
    state
        What is wrong with it, empty if nothing is: ``"dead"``, ``"driven by one sample"``, ``"saturated"``,
        ``"duplicate of L1.3"``.
    genes
        Columns ``sign`` (``"up"``, ``"down"``), ``rank``, ``gene``, ``value``, ``stability`` (NaN without others).
    activity
        Figures of its code over the training samples, and over the table's where one is given.
    obs
        Tests against the columns of ``obs``: ``column, test, units, effect, highest, p, q``.
    neighbours
        The most correlated nodes of every other layer: ``node, layer, correlation``.
    evidence
        Its rows of :class:`genelight.Evidence`, smallest p first.
    reproducibility
        Its figures over other models, empty where none were given.
    """

    node: str
    layer: str
    model: str
    state: str
    genes: pd.DataFrame
    activity: Mapping[str, float]
    obs: pd.DataFrame
    neighbours: pd.DataFrame
    evidence: pd.DataFrame
    reproducibility: Mapping[str, float]

    def _card(self) -> Card:
        sides = {sign: list(self.genes.loc[self.genes["sign"] == sign, "gene"]) for sign in ("up", "down")}
        return f"{self.node}, layer {self.layer} of the {self.model}", [
            ("in words", self.sentence),
            *((sign, leading(genes)) for sign, genes in sides.items()),
            ("activity", ", ".join(f"{name} {value:.3g}" for name, value in self.activity.items())),
            ("alike", leading(list(self.neighbours["node"]))),
            ("evidence", f"results of {len(self.evidence):,} tests" if len(self.evidence) else ""),
            ("next", "to_text(), to_markdown()"),
        ]

    @classmethod
    def of_record(cls, record: Mapping[str, Any], *, evidence: pd.DataFrame) -> NodeCard:
        """A card from what :meth:`to_record` gave, and its evidence, which is kept elsewhere.

        Raises
        ------
        FormatError
            If the record is no card's.
        """
        try:
            tables = {name: pd.DataFrame(record[name], columns=list(columns)) for name, columns in TABLES.items()}
            return cls(
                node=str(record["node"]),
                layer=str(record["layer"]),
                model=str(record["model"]),
                state=str(record["state"]),
                genes=tables["genes"].astype({"value": float, "stability": float}),
                activity=dict(record["activity"]),
                obs=tables["obs"].astype({"effect": float, "p": float, "q": float}),
                neighbours=tables["neighbours"],
                evidence=evidence,
                reproducibility=dict(record["reproducibility"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            msg = f"a node's card cannot be read ({error!r}); make it again with genelight run"
            raise FormatError(msg) from error

    def to_record(self) -> dict[str, Any]:
        """Plain values for JSON, without the evidence."""
        return {
            **{name: getattr(self, name) for name in ("node", "layer", "model", "state")},
            **{name: dict(getattr(self, name)) for name in ("activity", "reproducibility")},
            **{name: records(getattr(self, name)) for name in TABLES},
        }

    @property
    def sentence(self) -> str:
        """The card in one plain sentence."""
        up, down = (_names(self.genes[self.genes["sign"] == sign]["gene"].head(NAMED)) for sign in ("up", "down"))
        parts = [f"{verb} {genes}" for verb, genes in (("raises", up), ("lowers", down)) if genes] or ["moves no gene"]
        strong = self.obs[self.obs["q"] <= SIGNIFICANT]
        if len(strong):
            first = strong.iloc[0]
            most = f", highest for {first['highest']}" if first["highest"] else ""
            parts.append(f"goes with {first['column']} ({first['test']}, q = {first['q']:.2g}{most})")
        elif len(self.obs):
            parts.append(f"goes with none of {len(self.obs)} sample columns at a q of {SIGNIFICANT}")
        known = self.evidence[self.evidence["q"] <= SIGNIFICANT]
        if len(known):
            parts.append(
                f"has its best evidence in {reference_label(known.iloc[0]['reference'])} (q = {known.iloc[0]['q']:.2g})"
            )
        if "support" in self.reproducibility:
            parts.append(_comes_back(self.reproducibility))
        state = f" ({self.state})" if self.state else ""
        said = f"{', '.join(parts[:-1])}, and {parts[-1]}" if len(parts) > 1 else parts[0]
        return f"{self.node} of the {self.model}{state} {said}."

    def to_text(self) -> str:
        """The card for a terminal."""
        parts = [f"{self.node}, layer {self.layer} of {self.model}", self.sentence, *_facts(self)]
        for title, table in _tables(self):
            parts += ["", title, table.to_string(index=False)]
        return "\n".join(parts) + "\n"

    def to_markdown(self) -> str:
        """The card for a page."""
        parts = [f"# {self.node}", "", self.sentence, "", *[f"- {fact}" for fact in _facts(self)]]
        for title, table in _tables(self):
            parts += ["", f"## {title}", "", *_rows(table)]
        return "\n".join(parts) + "\n"


def _comes_back(figures: Mapping[str, float]) -> str:
    """How many other trainings have the node."""
    of = f" of {figures['members']:.0f}" if "members" in figures else ""
    q = figures.get("q", 1.0)
    sure = f"q = {q:.2g}" if q <= SIGNIFICANT else f"no more than chance, q = {q:.2g}"
    return f"comes back in {figures['support']:.0f}{of} other trainings ({sure})"


def _facts(card: NodeCard) -> list[str]:
    numbers = ", ".join(f"{name} {value:.3g}" for name, value in card.activity.items())
    facts = [f"Activity: {numbers}"]
    if card.state:
        facts.append(f"State: {card.state}")
    if card.reproducibility:
        facts.append(
            "Over other trainings: " + ", ".join(f"{name} {value:.3g}" for name, value in card.reproducibility.items())
        )
    return facts


def _tables(card: NodeCard) -> list[tuple[str, pd.DataFrame]]:
    """Every part that has rows, its cells as text."""
    genes = card.genes.drop(columns="rank").dropna(axis=1, how="all")
    # A strong node passes hundreds of gene sets: each test shows its best three, the card holds them all.
    best = card.evidence.groupby("test", sort=False).head(3)
    evidence = best[["test", "reference", "n", "statistic", "effect", "p", "q"]]
    evidence = evidence.assign(reference=evidence["reference"].map(reference_label))
    parts = [
        ("Genes raised", genes[genes["sign"] == "up"].drop(columns="sign")),
        ("Genes lowered", genes[genes["sign"] == "down"].drop(columns="sign")),
        ("Sample columns", card.obs),
        ("Nearest nodes of other layers", card.neighbours),
        ("Evidence", evidence),
    ]
    return [(title, table.apply(lambda c: c.map(_cell))) for title, table in parts if len(table)]


def _rows(table: pd.DataFrame) -> list[str]:
    lines = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines]


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _names(items: Sequence[str] | pd.Series) -> str:
    words = list(items)
    return " and ".join(([", ".join(words[:-1])] if len(words) > 1 else []) + words[-1:])
