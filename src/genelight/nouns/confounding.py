"""Groups that were measured apart: whatever differs between them may be the laboratory's doing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError, first_three

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BATCH", "check_batches"]

BATCH = r"\b(batch|plate|lane|run|chip|array|site|cent(er|re)|platform|study|series|dataset|cohort|library)\b"
"""What a column of batches is called, underscores read as spaces."""


def check_batches(
    obs: pd.DataFrame, *, case_n: np.ndarray, control_n: np.ndarray, subject_n: np.ndarray, asked: str
) -> None:
    """Stop when cases and controls come from different batches altogether.

    Columns are told by their name. One that the groups are made of (it stands in `asked`) is no batch; levels of a
    single subject say nothing, since a subject is in one group anyway.

    Raises
    ------
    InputError
        If half of either group's subjects and more are in levels of several subjects, and no level has both groups.
    """
    for name in map(str, obs.columns):
        named = re.search(BATCH, name.replace("_", " "), re.IGNORECASE)
        if not named or re.search(rf"\b{re.escape(name)}\b", asked):
            continue
        level_n = obs[name].astype(object).where(obs[name].notna(), "").astype(str).to_numpy(object)
        levels = [_shared_levels(level_n[group_n], subject_n[group_n]) for group_n in (case_n, control_n)]
        if all(levels) and not set(level_n[case_n]) & set(level_n[control_n]):
            cases, controls = map(first_three, levels)
            msg = (
                f"all cases are of {name} {cases}, all controls of {controls}: what differs between the groups may be "
                "the disease or the way they were measured, and no adjustment can tell the two apart. Compare cases "
                f"and controls of one {name}, or add controls that were measured with the cases; if {name!r} is no "
                f"batch, give it another name or drop it: del adata.obs[{name!r}]"
            )
            raise InputError(msg)


def _shared_levels(level_n: np.ndarray, subject_n: np.ndarray) -> list[str]:
    """Levels of two subjects and more, if they hold at least half of the subjects; else none."""
    pairs = sorted({(level, s) for level, s in zip(level_n, subject_n, strict=True) if level})
    names, count = np.unique([level for level, _ in pairs], return_counts=True)
    held = count[count > 1].sum()
    return [str(name) for name in names[count > 1]] if held >= len(set(subject_n)) / 2 else []
