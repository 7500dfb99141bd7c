"""The model card: what a person wants to know before using a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._core.tables import plain_text
from ..pp.preparation import Preparation

SHOWN = ("preset", "activation", "epochs", "learning_rate")
LIMITS = (
    "Codes depend on tissue, platform and preparation of the training data. "
    "A table whose genes carry less than {least:.0%} of the genes' variance is refused. Not a medical device."
)


def card(
    kind: str, settings: Mapping[str, Any], *, digest: str, preparation: Preparation, about: Mapping[str, Any]
) -> str:
    """Markdown: which model it is, the data, held-out figures against PCA, the settings, the limits."""
    lines = [
        f"# Model card: {kind}",
        "",
        f"Digest {digest}" + (f", trained {about['date']}." if "date" in about else "."),
        *_data(preparation),
        "",
        "## Held-out subjects",
        "",
        *_held_out(about, settings),
        "",
        *_studies(about.get("studies", [])),
        "## Settings",
        "",
        "| setting | value |",
        "|---|---|",
        *[f"| {key} | {value} |" for key, value in settings.items()],
        "",
        "## Limits",
        "",
        *_limits(settings, preparation),
        *([about["limits"]] if "limits" in about else []),
        "",
    ]
    return "\n".join(lines)


def _data(preparation: Preparation) -> list[str]:
    account = preparation.account
    lines = [
        f"Unlabelled training on {account.get('samples', '?')} samples x {len(preparation.genes)} genes "
        f"({preparation.genes.namespace} ids, scale {preparation.settings.scale})."
    ]
    if "genes_read" in account:
        left_out = {
            "constant": account.get("genes_constant", 0),
            "on the floor": account.get("genes_on_floor", 0),
            "less variable": account.get("genes_less_variable", 0),
        }
        why = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count) or "none left out"
        lines.append(f"Of {account['genes_read']} genes in the table: {why}.")
    return lines


def verdict(held_out: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """What the model's training and depth bought on held-out subjects, against PCA of its narrowest width."""
    low, high = (round(end, 4) for end in held_out["gain_interval"])
    if "deep" in settings:
        return _deep_verdict(deep=settings["deep"], width=held_out["pca_width"])
    if low > 0:
        words = "It reconstructs them better than PCA."
    elif high < 0:
        words = "It reconstructs them worse than PCA: for reconstruction, take PCA."
    else:
        words = "It reconstructs them no better than PCA: here depth buys no reconstruction."
    if settings.get("stop") == 0 and settings.get("start") == "programmes":
        words += (
            " No epoch of training helped, and none was kept: every layer is a rotation of the axes it started from, "
            "and its nodes are linear in the genes."
        )
    return words


def _deep_verdict(*, deep: bool, width: int) -> str:
    if deep:
        return (
            "Its deep branch reconstructs groups left out better than PCA, by more than the standard error over "
            "groups; it is taken for the samples that it reconstructs better, and PCA for the others."
        )
    return (
        "Groups left out showed no gain of the deep branch over PCA beyond its standard error: depth buys no "
        f"reconstruction here, so the model is PCA of width {width}."
    )


def held_out_figures(record: Mapping[str, float], *, width: int, samples: int, subjects: int) -> dict[str, Any]:
    """What a card says of subjects held out, from what was recorded of them, beside PCA of a width."""
    return {
        "r2": record["held_out_r2"],
        "r2_interval": [record["held_out_low"], record["held_out_high"]],
        "pca_r2": record["held_out_r2_pca"],
        "pca_width": width,
        "gain_interval": [record["gain_low"], record["gain_high"]],
        "samples": samples,
        "subjects": subjects,
    }


def _held_out(about: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    held_out = about.get("held_out")
    if not held_out:
        return ["Not measured."]
    low, high = held_out["r2_interval"]
    lines = [
        f"R² {held_out['r2']:.4f} (95% interval over subjects {low:.4f} to {high:.4f}); "
        f"PCA of width {held_out['pca_width']}: {held_out['pca_r2']:.4f}."
    ]
    if "gain_interval" in held_out:
        low, high = held_out["gain_interval"]
        lines.append(
            f"Difference {held_out['r2'] - held_out['pca_r2']:+.4f} ({low:+.4f} to {high:+.4f}), on "
            f"{held_out['samples']} samples of {held_out['subjects']} subjects that training did not see. The same "
            f"subjects chose {'whether to be deep' if 'deep' in settings else 'when to stop'}, so the figure is a "
            "little flattering; the model here was then trained on all subjects."
        )
        lines += ["", verdict(held_out, settings)]
    return lines


def _studies(studies: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every study that a reference model was trained on, and how it fared when it was left out."""
    if not studies:
        return []
    columns = list(dict.fromkeys(key for study in studies for key in study))
    rows = [[study.get(key, "") for key in columns] for study in studies]
    cells = [[f"{cell:.3f}" if isinstance(cell, float) else plain_text(str(cell)) for cell in row] for row in rows]
    table = [columns, ["---"] * len(columns), *cells]
    return [
        "## Studies",
        "",
        "R² on the samples of each study by a model trained without it, and by PCA of the same bottleneck: raw, and "
        "with the study's mean taken out of both sides (within).",
        "",
        *("| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in table),
        "",
    ]


def _limits(settings: Mapping[str, Any], preparation: Preparation) -> list[str]:
    lost = settings.get("lost_variance") or 0.0
    left_out = [f"It does not read {lost:.1%} of the training samples' variance."] if lost > 0.0005 else []
    return [LIMITS.format(least=preparation.least_coverage), *left_out]
