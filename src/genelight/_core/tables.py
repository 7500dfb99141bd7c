r"""Tables on disk that say what they are: Parquet with a stamp in its schema, TSV with a comment header, AnnData.

A stamp ends in a seal, the digest of it and of every value, so that no altered number is read. Text from data breaks
neither a line nor a cell: tabs, line breaks and other control characters are written as ``\t``, ``\n``, ``\x1b``, and
read back as what they were.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..errors import FormatError
from .disk import writing
from .provenance import digest

if TYPE_CHECKING:
    import pyarrow as pa
    from anndata import AnnData

__all__ = [
    "plain_text",
    "read_parquet",
    "read_tsv",
    "records",
    "write_h5ad",
    "write_parquet",
    "write_plain",
    "write_tsv",
]

_KEY = b"genelight"
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
ESCAPED = re.compile(r"\\(?:\\|[tnr]|x[0-9a-f]{2}|u[0-9a-f]{4})")


def plain_text(text: str) -> str:
    r"""Text in which nothing moves a terminal's cursor, breaks a line or turns the direction of writing.

    Examples
    --------
    >>> print(plain_text("TP53\tor \x1b[31mred"))
    TP53\tor \x1b[31mred
    """
    return CONTROL.sub(lambda sign: sign[0].encode("unicode_escape").decode(), text)


def _escape(cell: object) -> object:
    """A cell of one line without tabs; a backslash is doubled only where it could be taken for one of ours."""
    if not isinstance(cell, str) or not (CONTROL.search(cell) or ESCAPED.search(cell)):
        return cell
    return plain_text(cell.replace("\\", "\\\\"))


def _unescape(cell: object) -> object:
    if not isinstance(cell, str) or "\\" not in cell:
        return cell
    return ESCAPED.sub(lambda sign: sign[0].encode().decode("unicode_escape"), cell)


def write_parquet(path: Path, table: pd.DataFrame, *, kind: str, version: int, about: dict[str, Any]) -> None:
    """Write `table` with a stamp: its kind, its format version, what it is about, and a seal."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, nthreads=1)
    stamp = json.loads(json.dumps({"kind": kind, "version": version, "about": about}))
    stamp["seal"] = _arrow_seal(arrow, stamp)
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), _KEY: json.dumps(stamp).encode()})
    with writing(Path(path)) as draft:
        pq.write_table(arrow, draft, compression="zstd")


def read_parquet(path: Path, *, kind: str, newest: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a stamped Parquet table and what it is about.

    Raises
    ------
    FormatError
        If the file is absent, damaged, altered, of another kind, or from a newer genelight.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        arrow = pq.read_table(path, use_threads=False)
        stamp = json.loads((arrow.schema.metadata or {}).get(_KEY, b"{}"))
        _check_stamp(path, stamp, kind=kind, newest=newest)
        if stamp["seal"] != _arrow_seal(arrow, stamp):
            raise FormatError(_altered(path))
        return arrow.to_pandas(use_threads=False), stamp["about"]
    except FileNotFoundError as error:
        msg = f"{path} is missing"
        raise FormatError(msg) from error
    except FormatError:
        raise
    # A flipped bit comes back as any of these: from the file, from the schema, from pandas' notes in it.
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        msg = f"{path} is not readable as Parquet, or damaged: {str(error).partition(chr(10))[0]}"
        raise FormatError(msg) from error


def _arrow_seal(arrow: pa.Table, stamp: dict[str, Any]) -> str:
    """Digest of a stamp and of every value, whatever way pyarrow lays them out."""
    import pyarrow as pa

    hasher = hashlib.sha256((arrow.schema.metadata or {}).get(b"pandas", b""))
    for name, column in zip(arrow.column_names, arrow.columns, strict=True):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        known_n = column.is_valid().to_numpy()
        hasher.update(f"\0{name}\0{len(column)}\0".encode())
        hasher.update(np.packbits(known_n).tobytes())
        if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
            # A gap in whole numbers would make them floats; what fills it does not matter, it is in the mask.
            values_n = column.drop_null().to_numpy()
            hasher.update(values_n.dtype.str.encode() + np.ascontiguousarray(values_n).tobytes())
        else:
            hasher.update(json.dumps([str(value) for value in column.to_pylist()]).encode())
    return digest(hasher.digest(), {key: value for key, value in stamp.items() if key != "seal"})


def write_tsv(path: Path, table: pd.DataFrame, *, kind: str, version: int, about: dict[str, Any]) -> None:
    """Write `table` as TSV under one comment line that holds the stamp."""
    stamp = json.loads(json.dumps({"kind": kind, "version": version, "about": about}))
    body = _tsv(table)
    stamp["seal"] = digest(body.encode(), stamp)
    with writing(Path(path)) as draft:
        draft.write_text(f"# genelight {json.dumps(stamp)}\n{body}", encoding="utf-8", newline="")


def write_plain(path: Path, table: pd.DataFrame) -> None:
    """Write a table that any program reads: TSV with a header, no stamp, whole or not at all.

    A cell stands there as it is, also where a spreadsheet would run it as a formula (``=HYPERLINK(...)`` as a sample's
    name): programs that read it back get the name and nothing else. ``docs/reliability.md`` says how to open it safely.
    """
    with writing(Path(path)) as draft:
        draft.write_text(_tsv(table), encoding="utf-8", newline="")


def _tsv(table: pd.DataFrame) -> str:
    shown = table.set_axis([_escape(str(name)) for name in table.columns], axis=1)
    for place, dtype in enumerate(table.dtypes):
        if dtype.kind == "O":  # text, plain or by category; pandas' own kinds of text say so too
            shown.isetitem(place, [_escape(cell) for cell in table.iloc[:, place].astype(object)])
    return str(shown.to_csv(sep="\t", index=False, lineterminator="\n"))


def read_tsv(path: Path, *, kind: str, newest: int, text: Sequence[str] = ()) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a stamped TSV and what it is about; the columns in `text` stay text, whatever they look like.

    Raises
    ------
    FormatError
        If the file is absent, damaged, altered, of another kind, or from a newer genelight.
    """
    try:
        first, _, body = Path(path).read_bytes().decode("utf-8").partition("\n")
        stamp = json.loads(first.removeprefix("# genelight ")) if first.startswith("# genelight {") else {}
        _check_stamp(path, stamp, kind=kind, newest=newest)
        if stamp["seal"] != digest(body.encode(), {key: value for key, value in stamp.items() if key != "seal"}):
            raise FormatError(_altered(path))
        table = pd.read_csv(
            io.StringIO(body),
            sep="\t",
            dtype=dict.fromkeys(text, str),
            keep_default_na=False,
            na_values=[""],
            float_precision="round_trip",
        )
        for name, dtype in table.dtypes.items():
            if dtype.kind == "O":
                table[name] = table[name].map(_unescape)
        return table.rename(columns=_unescape), stamp["about"]
    except FileNotFoundError as error:
        msg = f"{path} is missing"
        raise FormatError(msg) from error
    except FormatError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{path} is not a readable TSV: {error}"
        raise FormatError(msg) from error


def _altered(path: Path) -> str:
    return f"{path} was altered since genelight wrote it (its seal does not fit what is in it); copy or make it again"


def write_h5ad(path: Path, adata: AnnData) -> None:
    """Write an AnnData file, whole or not at all.

    Raises
    ------
    ResourceError
        If it cannot be written, for example on a full disk.
    """
    with writing(path) as draft:
        adata.write_h5ad(draft)


def _check_stamp(path: Path, stamp: dict[str, Any], *, kind: str, newest: int) -> None:
    if not isinstance(stamp, dict) or stamp.get("kind") != kind:
        found = stamp.get("kind", "not written by genelight") if isinstance(stamp, dict) else "not written by genelight"
        msg = f"{path} is no {kind} ({found}); pass a {kind} that genelight wrote"
        raise FormatError(msg)
    if not isinstance(stamp.get("version"), int) or not isinstance(stamp.get("about"), dict) or "seal" not in stamp:
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
