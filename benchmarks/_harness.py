"""Find, run and print benchmarks and studies: what ``python -m benchmarks`` and ``python -m studies`` share.

To add one, write ``benchmarks/NAME.py`` or ``studies/NAME.py``; nothing else has to know of it::

    \"\"\"All-pairs distances of a network, against igraph.

    What goes in, what is timed and what is not, what the number means; what was tried and did not work.
    \"\"\"

    from benchmarks._harness import Result
    from benchmarks._measure import paired, require


    def run(*, quick: bool) -> Result:
        version = require("igraph")
        pairs = paired(ours, peer, runs=3)
        return Result(
            "ratio", pairs.ratio, data="STRING v10 at 700, 12,697 proteins",
            rows=pairs.rows("genelight", f"igraph {version}"), peer="igraph", peer_version=version,
        )

Rules: the docstring's first line names the comparison and stands in the list; the rest stands in the log, so that
a figure and its meaning never part. A ratio comes from the same run on the same input, both sides interleaved; a
study's value comes with its null or baseline among the rows, and a negative result stays. Check that both sides
computed the same thing before timing them. ``quick`` makes the same comparison on less data, for CI. Heavy imports
and peers go inside ``run`` or below the genelight imports; listing imports nothing.
"""

from __future__ import annotations

import argparse
import ast
import datetime as dt
import importlib
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from genelight._core.disk import writing
from genelight._core.provenance import versions
from genelight._core.workers import workers

from ._measure import Figure, PeerMissingError, machine

__all__ = ["Collection", "Result", "main"]


@dataclass(frozen=True)
class Result:
    """What one benchmark or study found.

    Attributes
    ----------
    kind
        ``"ratio"`` (peer's time over ours unless the docstring says otherwise) or ``"value"``.
    figure
        The one number, with interval, runs and spread.
    data
        What it was measured on, in words, with sizes.
    rows
        Every figure of the table, one mapping per row; columns may differ between rows.
    peer, peer_version
        What it was measured against, if anything.
    """

    kind: Literal["ratio", "value"]
    figure: Figure
    data: str
    rows: Sequence[Mapping[str, object]]
    peer: str | None = None
    peer_version: str | None = None

    def record(self, name: str) -> dict[str, Any]:
        """The result as plain JSON types; a number that is not finite becomes null."""
        return _plain(
            {
                "name": name,
                self.kind: self.figure.value,
                "interval": self.figure.interval,
                "peer": self.peer,
                "peer_version": self.peer_version,
                "runs": self.figure.runs,
                "spread": self.figure.spread,
                "machine": machine(),
                "data": self.data,
                "rows": list(self.rows),
            }
        )


@dataclass(frozen=True)
class Collection:
    """A folder of benchmarks or studies.

    Attributes
    ----------
    name
        Package name, ``"benchmarks"``.
    folder
        Where it lies.
    log
        File in the folder that ``--log`` and ``all`` write, made from every kept record.
    """

    name: str
    folder: Path
    log: str

    def docs(self) -> dict[str, str]:
        """Docstrings by name, read without importing anything.

        Raises
        ------
        TypeError
            If a file has no docstring or no function ``run``.
        """
        found = {}
        for path in sorted(self.folder.glob("[!_]*.py")):
            tree = ast.parse(path.read_text())
            doc = ast.get_docstring(tree)
            if doc is None or not any(isinstance(n, ast.FunctionDef) and n.name == "run" for n in tree.body):
                msg = f"{path} needs a docstring and a function run(*, quick: bool) -> Result"
                raise TypeError(msg)
            found[path.stem] = doc
        return found

    def run(self, name: str, *, quick: bool) -> dict[str, Any]:
        """Run one in this process and return its record."""
        module = importlib.import_module(f"{self.name}.{name}")
        return module.run(quick=quick).record(name)

    def keep(self, record: Mapping[str, Any]) -> None:
        """Put a record in the place of the last one of its name, and write the log anew."""
        stamped = {**record, "date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}", "versions": versions()}
        path = self.folder / "records" / f"{record['name']}.json"
        path.parent.mkdir(exist_ok=True)
        with writing(path) as draft:
            draft.write_text(json.dumps(stamped, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        with writing(self.folder / self.log) as draft:
            draft.write_text(self.to_markdown())
        shutil.rmtree(path.with_suffix(".unfinished"), ignore_errors=True)

    def to_markdown(self) -> str:
        """Every kept record with its docstring, the summary first; what was never kept is named."""
        docs = self.docs()
        paths = {name: self.folder / "records" / f"{name}.json" for name in docs}
        records = [json.loads(path.read_text()) for path in paths.values() if path.is_file()]
        absent = [name for name, path in paths.items() if not path.is_file()]
        lines = [
            f"# {self.name.capitalize()}",
            "",
            f"Each is one command, `python -m {self.name} NAME --log`, which writes it here anew. "
            "Both sides of a ratio are of the same run, interleaved; seconds are of a machine with other work.",
            "",
            *_markdown([{"name": r["name"], "figure": _headline(r), "data": r["data"]} for r in records]),
        ]
        if absent:
            lines += ["", f"Never run in full: {', '.join(absent)}."]
        for record in records:
            name, here = record["name"], record["machine"]
            stack = ", ".join(f"{library} {version}" for library, version in record["versions"].items())
            lines += ["", f"## {name}", "", docs[name], "", *_markdown(record["rows"])]
            lines += ["", f"{_headline(record)}; {record['data']}."]
            lines += ["", f"{record['date']}; {here['cpu']}, {here['cores']} cores, {here['memory_gib']} GiB; {stack}."]
        return "\n".join(lines) + "\n"


def main(collection: Collection, argv: Sequence[str] | None = None) -> int:
    """Command line of a collection; returns the exit code: 1 if one of several failed, 2 for bad usage."""
    parser = argparse.ArgumentParser(prog=f"python -m {collection.name}", description="Without a name: list them.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"what to run; 'all' runs all, writes {collection.log}"
    )
    parser.add_argument("--log", action="store_true", help=f"keep the figures and write {collection.log} anew")
    parser.add_argument("--quick", action="store_true", help="the same on less data; writes no file")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON per name")
    parser.add_argument("--workers", help="who does long loops, as for the commands of genelight")
    options = parser.parse_args(argv)
    docs = collection.docs()
    unknown = [n for n in options.names if n not in docs and n != "all"]
    if unknown:
        parser.error(f"unknown name {unknown[0]!r}; there are: {', '.join(docs)}")
    if options.quick and options.log:
        parser.error("--quick is for trying out; --log keeps full runs only")
    if not options.names:
        _show_list(docs)
        return 0
    if options.names == ["all"] or len(options.names) > 1:
        names = list(docs) if "all" in options.names else options.names
        log = options.log or ("all" in options.names and not options.quick)
        return _run_several(collection, names, quick=options.quick, as_json=options.json, log=log)
    with workers(options.workers) as helpers:
        code = _run_one(collection, options.names[0], quick=options.quick, as_json=options.json, log=options.log)
    if helpers:
        print(helpers.account, file=sys.stderr)
    return code


def _run_one(collection: Collection, name: str, *, quick: bool, as_json: bool, log: bool) -> int:
    try:
        record = collection.run(name, quick=quick)
    except PeerMissingError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    _show(record, collection.docs()[name])
    if log:
        collection.keep(record)
    if as_json:
        print(json.dumps(record, ensure_ascii=False, allow_nan=False))
    return 0


def _run_several(collection: Collection, names: Sequence[str], *, quick: bool, as_json: bool, log: bool) -> int:
    """Run each in a process of its own, so that none inherits memory, caches or threads of another."""
    records, failed = [], []
    for name in names:
        further = [option for option, on in (("--quick", quick), ("--log", log)) if on]
        command = [sys.executable, "-m", collection.name, name, "--json", *further]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        table, _, line = done.stdout.strip().rpartition("\n")
        if done.returncode:
            failed.append(name)
            continue
        print(table, flush=True)
        records.append(json.loads(line))
    if as_json:
        for record in records:
            print(json.dumps(record, ensure_ascii=False, allow_nan=False))
    if failed:
        print(f"{len(failed)} of {len(names)} did not finish: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _show_list(docs: Mapping[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "what", box=None)
    for name, doc in docs.items():
        table.add_row(name, doc.splitlines()[0])
    Console().print(table)


def _show(record: Mapping[str, Any], doc: str) -> None:
    """Print a record for people."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    columns, cells = _grid(record["rows"])
    table = Table(*columns)
    for row in cells:
        table.add_row(*map(escape, row))
    # A pipe has no width of its own: numbers are never cut short there.
    whole = sum(max(map(len, column)) + 3 for column in zip(columns, *cells, strict=True)) + 1
    console = Console() if sys.stdout.isatty() else Console(width=max(160, whole))
    console.print(f"{record['name']}: {doc.splitlines()[0]}", highlight=False, markup=False, soft_wrap=True)
    console.print(table)
    console.print(f"{_headline(record)}; {record['data']}", highlight=False, markup=False, soft_wrap=True)


def _headline(record: Mapping[str, Any]) -> str:
    kind = "ratio" if "ratio" in record else "value"
    text = f"{kind} {_text(record[kind])}"
    if record["interval"]:
        low, high = record["interval"]
        text += f" [{_text(low)}, {_text(high)}]"
    runs = record["runs"]
    return f"{text}, {runs} run{'' if runs == 1 else 's'}" + (f", against {_peer(record)}" if record["peer"] else "")


def _peer(record: Mapping[str, Any]) -> str:
    return f"{record['peer']} {record['peer_version']}" if record["peer"] else ""


def _markdown(rows: Sequence[Mapping[str, object]]) -> list[str]:
    columns, cells = _grid(rows)
    body = [f"| {' | '.join(row)} |" for row in cells]
    return [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}", *body]


def _grid(rows: Sequence[Mapping[str, object]]) -> tuple[list[str], list[list[str]]]:
    """Columns in order of appearance, and every cell as text."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return columns, [[_text(row.get(column)) for column in columns] for row in rows]


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    """Containers and numpy numbers as plain JSON types."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
