"""A small study with planted programmes: its file, its people, its network and gene sets."""

from __future__ import annotations

from pathlib import Path

from anndata import AnnData

import genelight as gl

DISEASED = gl.simulate.Programmes(number=5, size=30, diseased=2, effect=2.0)
GROUPS = """case = 'condition == "case"'
control = 'condition == "control"'
"""
# Read through a reference; the table and what describes its samples come before.
REFERENCE = f"""
[contrast]
{GROUPS}
[model]
reference = "reference"

[network]
file = "network.csv"

[[sets]]
file = "sets.gmt"

[module]
size = 40
bootstraps = 10
permutations = 19

[tests]
n_top = 30
draws = 99
"""


def everyone() -> AnnData:
    """Eighty people, half of them ill, with two programmes of the disease among five."""
    return gl.simulate.cohort(80, visits=1, n_genes=300, programmes=DISEASED, seed=1)


def by_group(adata: AnnData) -> list[list[str]]:
    """Names of the ill, and of the well."""
    return [list(adata.obs_names[adata.obs["condition"] == side]) for side in ("case", "control")]


def write_priors(folder: Path, adata: AnnData, *, n_random: int = 30) -> None:
    """The network and the gene sets that fit a simulated table, as ``network.csv`` and ``sets.gmt``."""
    gl.simulate.network(adata).table.to_csv(folder / "network.csv", index=False)
    sets = gl.simulate.sets(adata, n_random=n_random).table.groupby("source")["target"]
    lines = ["\t".join([name, "-", *members]) for name, members in sets]
    (folder / "sets.gmt").write_text("\n".join(lines) + "\n")
