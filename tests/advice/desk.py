"""A desk to work at: what is typed there, and whether a message came."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import genelight as gl
from genelight import cli
from genelight.errors import GenelightError

CASES: dict[str, Callable[[Desk], None]] = {}
Work = str | Callable[[], Any]


def case(phrase: str) -> Callable[[Callable[[Desk], None]], Callable[[Desk], None]]:
    """What follows brings about the message with this phrase, and does what it says."""

    def keep(work: Callable[[Desk], None]) -> Callable[[Desk], None]:
        assert phrase not in CASES, phrase
        CASES[phrase] = work
        return work

    return keep


def simple(phrase: str, bad: Callable[[], Any], advice: str, good: Callable[[str], Any]) -> None:
    """A message of Python whose advice is one piece of its text, handed to what is called again."""

    def work(desk: Desk) -> None:
        piece = take(desk.stopped(bad), advice)
        desk.works(lambda: good(piece))

    CASES[phrase] = work


def take(said: str, pattern: str) -> str:
    """The part of a message that is pasted: the pattern's first group, or all of it."""
    found = re.search(pattern, said)
    assert found, f"{pattern} is not in: {said}"
    return found[found.re.groups and 1]


class Desk:
    """Types commands and calls, and looks for messages of one kind."""

    def __init__(self, folder: Path, monkeypatch: Any, capsys: Any, kind: list[str]) -> None:
        self.folder, self.monkeypatch, self.capsys = folder, monkeypatch, capsys
        self.kind, self.seen, self.mended = kind, False, False

    def use(self, *names: str) -> None:
        """Copy files or folders that all cases share to where this one works."""
        for name in names:
            source = self.folder / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, name)

    def stopped(self, work: Work) -> str:
        """What is said where this ends in the message."""
        failed, said = self._do(work)
        assert failed, f"went through: {said}"
        assert self._is_it(said), f"another message: {said}"
        self.seen = True
        return said

    def works(self, work: Work) -> Any:
        """This goes through, with what it gives or says."""
        failed, said = self._do(work)
        assert not failed, f"stopped: {str(said).splitlines()}"
        self.mended = True
        return said

    def goes_on(self, work: Work, further: str) -> None:
        """The message is gone, and the next thing is said: what comes further on would take too long here."""
        failed, said = self._do(work)
        assert failed
        assert not self._is_it(said), f"the same again: {said}"
        assert re.search(further, said), said
        self.mended = True

    def _is_it(self, said: str) -> bool:
        return any(re.search(text, said, re.DOTALL) for text in self.kind)

    def _do(self, work: Work) -> tuple[bool, Any]:
        if not isinstance(work, str):
            try:
                return False, work()
            except GenelightError as error:
                return True, str(error)
        words = shlex.split(work)
        words = words[1:] if words[0] == "genelight" else words
        self.monkeypatch.setattr(sys, "argv", ["genelight", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = self.capsys.readouterr()
        return ended.value.code not in (0, None), said.out + said.err


def cohort() -> Any:
    """30 samples of 15 people x 400 genes in log2, ill and well."""
    adata = gl.demo.cohort()[:30, :400].copy()
    adata.obs_names = [f"S{i:02}" for i in range(30)]
    adata.obs = pd.DataFrame(
        {
            "group": ["ill", "well"] * 15,
            "age": np.arange(30.0) % 7 + 30,
            "sex": ["f", "f", "m"] * 10,
            "patient": [f"p{i // 2}" for i in range(30)],
            "site": np.repeat(["a", "b", "c"], 10),
        },
        index=adata.obs_names,
    )
    adata.X = np.round(np.asarray(adata.X, dtype=np.float32), 3)
    return adata


def shared_files(folder: Path) -> Path:
    """Tables, a sheet, a model and nodes that cases copy."""
    adata = cohort()
    adata.to_df().T.to_csv(folder / "x.csv", index_label="gene")
    adata.write_h5ad(folder / "x.h5ad")
    sheet = adata.obs.rename_axis("sample").reset_index()
    sheet.to_csv(folder / "sheet.csv", index=False)
    gaps = sheet.assign(age=sheet["age"].mask(sheet.index == 3), sex=sheet["sex"].mask(sheet.index == 7))
    gaps.to_csv(folder / "gaps.csv", index=False)
    model = gl.models.PCA(3).fit(adata)
    model.save(folder / "model")
    gl.light_up(model, "PC").save(folder / "nodes.parquet")
    return folder
