"""Tables on disk that say what they are: Parquet with a stamp in its schema, TSV with a comment header."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import FormatError
from .provenance import writing

__all__ = ["read_parquet", "read_tsv", "records", "write_parquet", "write_plain", "write_tsv"]

_KEY = b"genelight"


def write_parquet(path: Path, table: pd.DataFrame, *, kind: str, version: int, about: dict[str, Any]) -> None:
    """Write `table` with a stamp: its kind, its format version and what it is about."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table)
    stamp = json.dumps({"kind": kind, "version": version, "about": about})
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), _KEY: stamp.encode()})
    with writing(Path(path)) as draft:
        pq.write_table(arrow, draft, compression="zstd")


def read_parquet(path: Path, *, kind: str, newest: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a stamped Parquet table and what it is about.

    Raises
    ------
    FormatError
        If the file is absent, damaged, of another kind, or from a newer genelight.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        arrow = pq.read_table(path)
    except FileNotFoundError as error:
        msg = f"{path} is missing"
        raise FormatError(msg) from error
    except (pa.ArrowException, OSError) as error:
        msg = f"{path} is not readable as Parquet: {error}"
        raise FormatError(msg) from error
    stamp = json.loads((arrow.schema.metadata or {}).get(_KEY, b"{}"))
    _check_stamp(path, stamp, kind=kind, newest=newest)
    return arrow.to_pandas(), stamp["about"]


def write_tsv(path: Path, table: pd.DataFrame, *, kind: str, version: int, about: dict[str, Any]) -> None:
    """Write `table` as TSV under one comment line that holds the stamp."""
    stamp = json.dumps({"kind": kind, "version": version, "about": about})
    with writing(Path(path)) as draft, draft.open("w") as handle:
        handle.write(f"# genelight {stamp}\n")
        table.to_csv(handle, sep="\t", index=False)


def write_plain(path: Path, table: pd.DataFrame) -> None:
    """Write a table that any program reads: TSV with a header, no stamp, whole or not at all."""
    with writing(Path(path)) as draft:
        table.to_csv(draft, sep="\t", index=False)


def read_tsv(path: Path, *, kind: str, newest: int, text: Sequence[str] = ()) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a stamped TSV and what it is about; the columns in `text` stay text, whatever they look like.

    Raises
    ------
    FormatError
        If the file is absent, damaged, of another kind, or from a newer genelight.
    """
    try:
        with Path(path).open() as handle:
            first = handle.readline()
            stamp = json.loads(first.removeprefix("# genelight ")) if first.startswith("# genelight {") else {}
            _check_stamp(path, stamp, kind=kind, newest=newest)
            table = pd.read_csv(
                handle,
                sep="\t",
                dtype=dict.fromkeys(text, str),
                keep_default_na=False,
                na_values=[""],
                float_precision="round_trip",
            )
            return table, stamp["about"]
    except FileNotFoundError as error:
        msg = f"{path} is missing"
        raise FormatError(msg) from error
    except FormatError:
        raise
    except (ValueError, UnicodeDecodeError) as error:
        msg = f"{path} is not a readable TSV: {error}"
        raise FormatError(msg) from error


def _check_stamp(path: Path, stamp: dict[str, Any], *, kind: str, newest: int) -> None:
    if stamp.get("kind") != kind:
        found = stamp.get("kind", "not written by genelight")
        msg = f"{path} is no {kind} ({found}); pass a {kind} that genelight wrote"
        raise FormatError(msg)
    if not isinstance(stamp.get("version"), int) or not isinstance(stamp.get("about"), dict):
        msg = f"{path}: genelight's stamp in it was changed; write the file again"
        raise FormatError(msg)
    if stamp["version"] > newest:
        msg = f"{path} has {kind} format {stamp['version']}, newer than {newest}; upgrade with pip install -U genelight"
        raise FormatError(msg)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One mapping per row, gaps as None, as JSON has them.

    Examples
    --------
    >>> import pandas as pd
    >>> records(pd.DataFrame({"gene": ["TP53", None], "score": [1.5, float("nan")]}))
    [{'gene': 'TP53', 'score': 1.5}, {'gene': None, 'score': None}]
    """
    rows = table.astype(object).to_dict("records")
    return [{str(name): None if pd.isna(value) else value for name, value in row.items()} for row in rows]
