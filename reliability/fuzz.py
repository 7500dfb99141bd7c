"""Files with random bytes changed, cut and doubled, given to every parser: only errors of ours come out, and soon."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import genelight as gl
from genelight._core.provenance import read_json, read_steps, read_toml
from genelight.errors import GenelightError
from genelight.io._sheet_cells import read_frames
from genelight.study._template import template

from ._bench import Row

CORPUS = Path(__file__).parent / "corpus"
SLOW = 20.0

SEEDS: dict[str, tuple[bytes, Callable[[Path], object]]] = {
    "study.toml": (template().encode(), gl.study.Study.load),
    "plain.toml": (b'[mirrors]\n"https://a" = "https://b"\n', read_toml),
    "record.json": (b'{"a": [1, 2.5e3, null, "x\\u00e9"], "seal": "0"}', read_json),
    "steps.json": (b'{"fit": {"inputs": "0", "outputs": {"a.tsv": "1"}}}', lambda p: read_steps(p.parent)),
    "table.csv": (b"gene,s1,s2,s3\nTP53,1.5,2,3\nMX1,4,5,6\nISG15,7,8,9\n", gl.read),
    "table.tsv.gz": (gzip.compress(b"gene\ts1\ts2\nTP53\t1.5\t2\nMX1\t4\t5\n", mtime=0), gl.read),
    "table.gct": (b"#1.2\n2\t2\nName\tDescription\ts1\ts2\nTP53\tna\t1\t2\nMX1\tna\t3\t4\n", gl.read),
    "series_matrix.txt": (
        b'!Series_title\t"t"\n!Sample_title\t"a"\t"b"\n!series_matrix_table_begin\n"ID_REF"\t"GSM1"\t"GSM2"\n'
        b'"TP53"\t1.5\t2\n"MX1"\t3\t4\n!series_matrix_table_end\n',
        gl.read,
    ),
    "sheet.csv": (b'title\nsample,disease,note\ns1,lupus,"a, b"\ns2,healthy,\ns3,lupus,5" x\n', read_frames),
    "network.tsv": (b"source\ttarget\tweight\nMX1\tISG15\t900\nTP53\tMX1\t800\n", gl.io.read_network),
    "sets.gmt": (b"ANTIVIRAL\t-\tMX1\tISG15\nOTHER\t-\tTP53\tMX1\n", gl.io.read_sets),
    "genes.tsv": (b"disease\tsymbol\nlupus\tIRF5\nasthma\tORMDL3\n", gl.io.read_gene_lists),
    "magma.txt": (b"GENE  CHR  START  STOP  ZSTAT  P\nIRF5  7  100  900  4.1  2e-05\n", gl.io.read_gene_pvalues),
}


def _changed(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0 and data:
            data[place % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[place:place] = rng.randbytes(rng.randint(1, 8))
        elif kind == 2:
            del data[place : place + rng.randint(1, 20)]
        elif kind == 3:
            data[place:place] = data[place : place + 40] * rng.randint(1, 30)
        elif kind == 4:
            data[place:place] = rng.choice(
                [b"[" * 3000, b"9" * 5000, b"\0", b"\xff\xfe", b"\t\n\r", b'"', b"1e999", b"nan"]
            )
        else:
            data = data[:place]
    return bytes(data)


def trial(folder: Path, *, seconds: float, seed: int) -> list[Row]:
    """Each parser for its share of the time; what breaks one is kept in ``corpus``, and tried first ever after."""
    rng, rows = random.Random(seed), []
    for name, (content, parse) in SEEDS.items():
        path = folder / name
        kept = sorted(CORPUS.glob(f"{name}.*")) if CORPUS.is_dir() else []
        waiting = [file.read_bytes() for file in kept]
        end, tried, wrong, first = time.monotonic() + seconds / len(SEEDS), 0, 0, ""
        while waiting or time.monotonic() < end:
            data = waiting.pop() if waiting else _changed(content, rng)
            path.write_bytes(data)
            began = time.monotonic()
            tried += 1
            try:
                parse(path)
            except GenelightError:
                pass
            except BaseException as error:
                wrong += 1
                first = first or f"{type(error).__name__}: {str(error)[:80]}"
                CORPUS.mkdir(exist_ok=True)
                (CORPUS / f"{name}.{type(error).__name__}").write_bytes(data)
            if time.monotonic() - began > SLOW:
                wrong, first = wrong + 1, first or f"{time.monotonic() - began:.0f} s for {len(data)} bytes"
        rows.append(
            Row(f"changed bytes in {name}", tried, wrong, json.dumps(first) if first else "read, or refused in words")
        )
    return rows
