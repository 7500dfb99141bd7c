"""Several runs beside one another: what agrees, what differs."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from .._core.provenance import read_json
from ..errors import InputError
from ._render import TEMPLATES, _environment
from ._words import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["compare", "comparison"]


def compare(run_folders: Sequence[Path | str]) -> dict[str, Any]:
    """Gather what finished runs say, from the ``report.json`` of each.

    Parameters
    ----------
    run_folders
        What ``genelight run`` wrote, each with its report.

    Returns
    -------
    dict
        Plain values. ``runs``: one record per run (``name``, ``title``, ``cases``, ``controls``, ``size``, ``auc``,
        ``auc_interval``, ``r2``, ``pca_r2``, ``sentences``); ``pairs``: genes that two modules share, how many with
        the same sign; ``genes``: every gene that two modules or more have, with its sign in each.

    Raises
    ------
    InputError
        If a folder has no report; says what to type.
    FormatError
        If a report is damaged.
    """
    found = [_read(Path(folder)) for folder in run_folders]
    signs = [{g["gene"]: 1 if g["score"] > 0 else -1 for g in (f["module"] or {}).get("genes", ())} for f in found]
    names = [Path(folder).resolve().name for folder in run_folders]
    often = Counter(gene for sign in signs for gene in sign)
    shared = sorted((g for g, n in often.items() if n > 1), key=lambda g: (-often[g], g))
    return plain(
        {
            "runs": [_record(name, summary) for name, summary in zip(names, found, strict=True)],
            "pairs": [
                {
                    "first": names[i],
                    "second": names[j],
                    "shared": len(signs[i].keys() & signs[j].keys()),
                    "same_sign": sum(signs[i][g] == signs[j][g] for g in signs[i].keys() & signs[j].keys()),
                    "sizes": [len(signs[i]), len(signs[j])],
                }
                for i, j in combinations(range(len(found)), 2)
            ],
            "genes": [{"gene": g, "signs": [sign.get(g) for sign in signs]} for g in shared],
        }
    )


def comparison(run_folders: Sequence[Path | str]) -> str:
    """Runs beside one another as a page; the reports are at ``run/0/`` and so on, beside it.

    Raises
    ------
    InputError
        If a folder has no report.
    FormatError
        If a report is damaged.
    """
    style = Markup((TEMPLATES / "report.css").read_text("utf-8"))  # noqa: S704  our own
    return _environment().get_template("compare.html.j2").render(**compare(run_folders), style=style)


def _read(folder: Path) -> dict[str, Any]:
    path = folder / "report.json"
    if not path.is_file() or not (folder / "report.html").is_file():
        msg = f"{folder} has no report; write it with: genelight report {folder}"
        raise InputError(msg)
    found: dict[str, Any] = read_json(path)
    return found


def _record(name: str, summary: dict[str, Any]) -> dict[str, Any]:
    module, contrast = summary.get("module") or {}, summary.get("contrast") or {}
    r2 = (summary.get("held_out") or {}).get("reconstruction") or {}
    nodes = [n for n in summary.get("nodes") or () if not n["state"]]
    return {
        "name": name,
        "title": summary.get("title", ""),
        "cases": (contrast.get("cases") or {}).get("subjects"),
        "controls": (contrast.get("controls") or {}).get("subjects"),
        **{key: module.get(key) for key in ("size", "measured", "auc", "auc_interval", "method", "layer")},
        "r2": r2.get("r2"),
        "pca_r2": r2.get("pca_r2"),
        "pathway": next(iter(module.get("pathways") or ()), None),
        "nodes": len(nodes),
        "differ": sum(n["q"] is not None and n["q"] <= 0.05 for n in nodes),
        "banner": (summary.get("verdict") or {}).get("banner"),
    }
