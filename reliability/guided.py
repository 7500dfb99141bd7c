"""Fuzzing that follows which lines are reached (atheris), parser by parser, from a corpus that is kept and grows."""

from __future__ import annotations

import base64
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

from ._bench import Row
from .fuzz import CORPUS, SEEDS

KEPT = CORPUS / "guided.json"
LARGEST = 4096


def trial(folder: Path, *, seconds: float, seed: int) -> list[Row]:
    """Each parser for its share of the time, in a process of its own."""
    if importlib.util.find_spec("atheris") is None:
        return [Row("bytes that reach further", 0, 0, "not tried: pip install atheris")]
    kept = json.loads(KEPT.read_text("ascii")) if KEPT.is_file() else {}
    rows = []
    for name, (content, _) in SEEDS.items():
        corpus = folder / name
        corpus.mkdir()
        for i, data in enumerate([content, *map(base64.b64decode, kept.get(name, []))]):
            (corpus / f"seed{i}").write_bytes(data)
        told = [f"-max_total_time={max(1, round(seconds / len(SEEDS)))}", f"-max_len={LARGEST}", f"-seed={seed + 1}"]
        place = f"-artifact_prefix={folder}/"
        ask = [sys.executable, "-m", "reliability._guided", name, *told, place, str(corpus)]
        ended = subprocess.run(ask, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
        tried = re.search(r"Done (\d+) runs", ended.stderr)
        reached = re.findall(r"cov: (\d+)", ended.stderr)
        broken = [*folder.glob("crash-*"), *folder.glob("timeout-*"), *folder.glob("oom-*")]
        said = f"{reached[-1] if reached else 'no'} places reached; read, or refused in words"
        for path in broken:
            (CORPUS / f"{name}.{path.name[:12]}").write_bytes(path.read_bytes())
            path.unlink()
        if broken or not tried:
            said = f"{ended.stdout[-200:]} {ended.stderr[-300:]}".strip()
        rows.append(Row(f"guided bytes in {name}", int(tried[1]) if tried else 1, int(not tried or bool(broken)), said))
        found = sorted({path.read_bytes() for path in corpus.iterdir()} - {content}, key=lambda data: (len(data), data))
        kept[name] = [base64.b64encode(data).decode("ascii") for data in found if len(data) <= LARGEST][:60]
    CORPUS.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(kept, indent=0, sort_keys=True) + "\n", encoding="ascii")
    return rows
