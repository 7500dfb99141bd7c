"""A run folder as one plain dict, everything that the page shows; and the report beside the run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._core.disk import writing
from .._core.provenance import STEPS, Ledger
from ._evidence import by_kind
from ._payload import payload
from ._read import MADE, read_run
from ._render import render
from ._words import plain
from .sections import SECTIONS, findings, paragraph, verdict

if TYPE_CHECKING:
    from ._read import Run

FORMAT = 1


def report(run_folder: Path | str, *, show_ids: bool = False) -> Path:
    r"""Write ``report.html`` and ``report.json`` into a run folder, each whole or not at all.

    Parameters
    ----------
    run_folder
        What ``genelight run`` wrote.
    show_ids
        Name patients by their ids; by default they have numbers, unless the study asked for ids.

    Returns
    -------
    The path of ``report.html``: one file that opens offline and loads nothing.

    Raises
    ------
    InputError
        If the folder is no run folder, or ids are asked for and it holds none.
    FormatError
        If a file in it is damaged.
    ResourceError
        If the folder cannot be written.

    Notes
    -----
    Cost: about two seconds, most of it drawing.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from genelight import report
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "study.toml").write_text('[contrast]\nname = "ill against well"')
    ...     report.report(folder).name
    'report.html'
    """
    folder = Path(run_folder)
    summary = summarise(folder, show_ids=show_ids)
    page = folder / "report.html"
    for path, format_ in ((folder / "report.json", "json"), (page, "html")):
        with writing(path) as draft:
            draft.write_text(render(summary, format_), encoding="utf-8")
    if (folder / STEPS).is_file():
        Ledger(folder).renew("report", MADE)
    return page


def summarise(run_folder: Path | str, *, show_ids: bool = False) -> dict[str, Any]:
    r"""Gather what a run found.

    Parameters
    ----------
    run_folder
        What ``genelight run`` wrote. Every file in it is optional; what is absent is named under ``missing``.
    show_ids
        Name patients by their ids.

    Returns
    -------
    dict
        Plain values only, fit for JSON, no NaN, no id of any sample or subject unless asked. Keys: ``title``,
        ``contrast``, ``words`` (what measured features are called), ``findings`` (five sentences), ``verdict``, one
        per section of the page, ``paragraph`` (of methods, to paste), ``missing``, ``figures`` (inline SVG with
        caption), ``data`` (what the page's script looks up and draws).

    Raises
    ------
    InputError
        If the folder is no run folder, or ids are asked for and it holds none.
    FormatError
        If a file in it is damaged or lacks columns.

    Notes
    -----
    Cost: about two seconds, most of it drawing.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "study.toml").write_text('[contrast]\nname = "ill against well"')
    ...     summary = summarise(folder)
    >>> summary["title"], len(summary["findings"])
    ('ill against well', 5)
    """
    run = read_run(Path(run_folder), show_ids=show_ids)
    evidence = by_kind(run)
    found = {section.name: section.gather(run, evidence) for section in SECTIONS}
    summary: dict[str, Any] = {
        "format": FORMAT,
        "title": _title(run),
        "contrast": _contrast(run),
        "words": run.words,
        **found,
    }
    summary["missing"] = {name: text for s in SECTIONS for name, text in s.missing(found[s.name]).items()}
    summary["findings"] = findings(summary)
    summary["verdict"] = verdict(summary)
    summary["paragraph"] = paragraph(summary, study=run.study, about=run.about)
    summary["data"] = payload(run, evidence, found)
    summary["figures"] = {name: drawn for s in SECTIONS for name, drawn in s.figures(run, found[s.name]).items()}
    return plain(summary)


def _title(run: Run) -> str:
    names = (run.section("contrast").get("name"), run.study.get("name"), run.module and run.module.name)
    return str(run.visible(next((str(n) for n in names if n), run.folder.name)))


def _contrast(run: Run) -> dict[str, Any]:
    section = run.section("contrast")
    return {
        "case": run.visible(section.get("case")),
        "control": run.visible(section.get("control")),
        "cases": run.about.get("cases"),
        "controls": run.about.get("controls"),
        "units": run.units,
    }
