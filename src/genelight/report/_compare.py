"""Several runs beside one another: what agrees, what differs."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._core.provenance import read_json
from ..errors import InputError
from ._render import page
from ._words import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

LEADING = 10


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
        ``auc_interval``, ``r2``, ``pca_r2``, ``pathway``, ``nodes``, ``differ``, ``banner``, ``alone``: leading genes
        that no other module has, and how many there are); ``pairs``: genes that two modules share, how many with
        the same sign; ``genes``: every gene that two modules or more have, with its sign in each, and whether these
        are ``opposite``; ``sets``: gene sets that lead a module, with the q in each run (None where it does not lead);
        ``settings``: what the studies ask differently, with the value in each.

    Raises
    ------
    InputError
        If a folder has no report; says what to type.
    FormatError
        If a report is damaged.

    Examples
    --------
    >>> import genelight as gl, pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     runs = [pathlib.Path(folder, name) for name in ("first", "second")]
    ...     for run in runs:
    ...         run.mkdir()
    ...         _ = (run / "study.toml").write_text('contrast = {name = "ill against well"}')
    ...         _ = gl.report.report(run)
    ...     found = gl.report.compare(runs)
    >>> [run["title"] for run in found["runs"]], found["pairs"][0]["shared"]
    (['ill against well', 'ill against well'], 0)
    """
    found = [_read(Path(folder)) for folder in run_folders]
    signs = [{g["gene"]: 1 if g["score"] > 0 else -1 for g in (f["module"] or {}).get("genes", ())} for f in found]
    names = [Path(folder).resolve().name for folder in run_folders]
    often = Counter(gene for sign in signs for gene in sign)
    shared = sorted((g for g, n in often.items() if n > 1), key=lambda g: (-often[g], g))
    return plain(
        {
            "runs": [
                {**_record(name, summary), "alone": _alone(sign, often)}
                for name, summary, sign in zip(names, found, signs, strict=True)
            ],
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
            "genes": [_gene(g, [sign.get(g) for sign in signs]) for g in shared],
            "sets": _sets(found),
            "settings": _settings(found),
        }
    )


def _gene(gene: str, signs: list[int | None]) -> dict[str, Any]:
    return {"gene": gene, "signs": signs, "opposite": {1, -1} <= set(signs)}


def _alone(sign: dict[str, int], often: Counter[str]) -> dict[str, Any]:
    """Genes of a module that no other has, in its order."""
    genes = [gene for gene in sign if often[gene] == 1]
    return {"count": len(genes), "first": genes[:LEADING]}


def _sets(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leading gene sets, those of most runs first."""
    # By what a collection is called, for its releases differ in how many sets they have.
    leading = [{(s["collection"], s["name"]): s["q"] for s in (f["module"] or {}).get("pathways", ())} for f in found]
    rows = [
        {"name": name, "collection": collection, "q": [each.get((collection, name)) for each in leading]}
        for collection, name in dict.fromkeys(key for each in leading for key in each)
    ]
    return sorted(
        rows, key=lambda row: (-sum(q is not None for q in row["q"]), min(q for q in row["q"] if q is not None))
    )


def _settings(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Settings whose values are not the same in all runs."""
    given: list[dict[tuple[str, str], str]] = []
    for f in found:
        values: dict[tuple[str, str], str] = {}
        # A section may come several times, as [[sets]] does.
        for row in (f.get("methods") or {}).get("settings", ()):
            key = row["section"], row["setting"]
            values[key] = f"{values[key]}; {row['value']}" if key in values else row["value"]
        given.append(values)
    keys = dict.fromkeys(key for values in given for key in values)
    rows = [(key, [values.get(key) for values in given]) for key in keys]
    return [{"section": k[0], "setting": k[1], "values": v} for k, v in rows if len(set(v)) > 1]


def comparison(run_folders: Sequence[Path | str]) -> str:
    """Runs beside one another as a page; the reports are at ``run/0/`` and so on, beside it.

    Raises
    ------
    InputError
        If a folder has no report.
    FormatError
        If a report is damaged.
    """
    return page("compare.html.j2", compare(run_folders))


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
