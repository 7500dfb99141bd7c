"""The report beside the run it shows."""

from __future__ import annotations

from pathlib import Path

from .._core.disk import writing
from .._core.provenance import STEPS, Ledger
from ._read import MADE
from ._render import render
from ._summary import summarise

__all__ = ["report"]


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
