"""What is put to the test: signed gene profiles and the genes chosen from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._core.threads import pieces, thread_map
from ..errors import GeneMismatchError, InputError, first_three
from ..nouns import Genes, Module, NodeGenes

LEAST_GENES = 10
MOST_GENES = 500
KNEE = "knee"
NAMES_GENES = ("symbol", "entrez", "ensembl", "ensp")  # kinds of id that networks and gene sets have
# Other kinds of id that are of genes too, which a table's are mapped from: no feature that stands beside genes.
OTHER_NAMES = ("enst", "refseq", "symbol|entrez", "gpl570", "hgu133a", "affymetrix", "illumina", "agilent")


@dataclass(frozen=True)
class Items:
    """Nodes and modules over one list of measured genes.

    Attributes
    ----------
    names
        One per item: the node's name, or a module's ``"name [method]"``.
    family_k
        Layer or module each item belongs to, as text: p values are adjusted within one, shape ``(k,)``.
    genes
        Measured genes, the universe.
    value_kg
        Signed profiles, shape ``(k, g)``.
    chosen
        For sign 0 (both directions), 1 (up) and -1 (down): each item's genes as positions in `genes`.
    modules
        Which items are modules, as positions.
    """

    names: tuple[str, ...]
    family_k: np.ndarray
    genes: Genes
    value_kg: np.ndarray
    chosen: dict[int, list[np.ndarray]]
    modules: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def families(self) -> list[np.ndarray]:
        """Positions of the items of each family."""
        return [np.flatnonzero(self.family_k == family) for family in dict.fromkeys(self.family_k)]

    @classmethod
    def of(cls, tested: NodeGenes | Module | Sequence[NodeGenes | Module], *, n_top: int | str) -> Items:
        """Collect layers and modules; a node's genes are its `n_top` strongest, a module's its selected.

        With ``n_top="knee"`` each node has as many as its profile says, see :func:`knees`.

        Raises
        ------
        InputError
            If there is nothing to test, two items share a name, their genes differ, or `n_top` is out of range.
        """
        items = [tested] if isinstance(tested, NodeGenes | Module) else list(tested)
        if not items:
            msg = "nothing to assess; pass NodeGenes from light_up, or a Module, or a list of them"
            raise InputError(msg)
        genes = items[0].genes
        _check_size(n_top, genes)
        parts = [
            _of_nodes(item, genes, n_top) if isinstance(item, NodeGenes) else _of_module(item, genes) for item in items
        ]
        names = tuple(name for part in parts for name in part.names)
        repeated = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        if repeated:
            msg = f"{len(repeated)} items share a name ({first_three(repeated)}); assess them apart"
            raise InputError(msg)
        chosen = {sign: [c for part in parts for c in part.chosen[sign]] for sign in (0, 1, -1)}
        family_k = np.concatenate([part.family_k for part in parts])
        value_kg = parts[0].value_kg if len(parts) == 1 else np.concatenate([part.value_kg for part in parts])
        modules = tuple(k for k, name in enumerate(names) if name == family_k[k])
        return cls(names, family_k, genes, value_kg, chosen, modules)


def knees(value_kg: np.ndarray) -> np.ndarray:
    """How many genes stand out in each profile: those before the knee of its absolute values, from 10 to 500.

    Values are sorted from the largest down; the knee is where they lie farthest below the straight line from the first
    to the last (Satopää et al. 2011, doi 10.1109/ICDCSW.2011.20). A profile without a sharp knee, such as noise, has
    it late and gets 500.

    Examples
    --------
    >>> import numpy as np
    >>> knees(np.array([[9.0] * 30 + [1.0] * 970]))
    array([30])
    """

    def one(piece: slice) -> np.ndarray:
        falling_kg = -np.sort(-np.abs(value_kg[piece]), axis=1)
        first_k, last_k = falling_kg[:, :1], falling_kg[:, -1:]
        line_kg = first_k + (last_k - first_k) * np.linspace(0, 1, falling_kg.shape[1])
        return np.asarray((line_kg - falling_kg).argmax(1))

    found_k = np.concatenate([one(piece) for piece in pieces(len(value_kg))])
    return np.clip(found_k, LEAST_GENES, min(MOST_GENES, value_kg.shape[1] - 1))


def _check_size(n_top: int | str, genes: Genes) -> None:
    if isinstance(n_top, str) and n_top != KNEE:
        msg = f"n_top = {n_top!r} is no size; pass a number of genes, or {KNEE!r} for each profile's own"
        raise InputError(msg)
    if not isinstance(n_top, str) and not LEAST_GENES <= n_top < len(genes):
        msg = f"n_top = {n_top} is not between {LEAST_GENES} and the {len(genes)} measured genes"
        raise InputError(msg)


def _columns(item: NodeGenes | Module, genes: Genes) -> np.ndarray:
    found = genes.align(item.genes)
    if found.missing or found.extra:
        msg = f"items measured on different genes ({found}); assess them apart"
        raise InputError(msg)
    return found.index


def _of_nodes(item: NodeGenes, genes: Genes, n_top: int | str) -> Items:
    value_kg = np.asarray(item.values_kg)
    bad = ~np.isfinite(value_kg).all(1)
    if bad.any():
        nodes = first_three(np.asarray(item.nodes, dtype=object)[bad])
        msg = f"{int(bad.sum())} nodes of {item.layer} have NaN or infinite values ({nodes})"
        raise InputError(msg)
    columns = _columns(item, genes)
    place = np.argsort(columns)
    chosen = {}
    size_k = knees(value_kg) if isinstance(n_top, str) else np.full(len(value_kg), n_top)
    most = int(size_k.max(initial=LEAST_GENES))
    for sign, top_kn in _strongest(value_kg, most).items():
        value_kn = np.take_along_axis(value_kg, top_kn, 1)
        # Zero says nothing of a gene: a dead node has no top genes.
        keep_kn = value_kn * sign > 0 if sign else value_kn != 0
        keep_kn &= np.arange(most) < size_k[:, None]
        chosen[sign] = [place[top[keep]] for top, keep in zip(top_kn, keep_kn, strict=True)]
    family_k = np.full(len(item.nodes), f"{item.layer} of {item.source}", dtype=object)
    if not np.array_equal(columns, np.arange(len(columns))):
        value_kg = value_kg[:, columns]
    return Items(item.nodes, family_k, genes, value_kg, chosen)


def _strongest(value_kg: np.ndarray, n: int) -> dict[int, np.ndarray]:
    """Positions of each node's `n` genes of largest absolute value (0), highest (1) and lowest (-1), best first.

    The first are among the other two, so one partition of every profile serves all.
    """
    ends = sorted({n - 1, max(value_kg.shape[1] - n, 0)})

    def one(piece: slice) -> dict[int, np.ndarray]:
        part_kg = np.argpartition(value_kg[piece], ends, axis=1)
        found = {1: part_kg[:, -n:], -1: part_kg[:, :n]}
        both_km = part_kg if 2 * n >= part_kg.shape[1] else np.concatenate([found[1], found[-1]], axis=1)
        return {sign: _best(value_kg[piece], at_km, n=n, sign=sign) for sign, at_km in ((0, both_km), *found.items())}

    parts = thread_map(one, pieces(len(value_kg)))
    return {sign: np.concatenate([part[sign] for part in parts]) for sign in (0, 1, -1)}


def _best(value_kg: np.ndarray, at_km: np.ndarray, *, n: int, sign: int) -> np.ndarray:
    """Of some positions in each profile the `n` strongest in a direction, best first."""
    value_km = np.take_along_axis(value_kg, at_km, 1)
    key_km = -np.abs(value_km) if sign == 0 else -sign * value_km
    return np.take_along_axis(at_km, np.argsort(key_km, axis=1, kind="stable")[:, :n], 1)


def _of_module(item: Module, genes: Genes) -> Items:
    name = f"{item.name} [{item.method}]"
    selected = np.array([genes.position[g] for g in item.selected if g in genes.position], dtype=np.int64)
    score_g = item.score_g()[_columns(item, genes)]
    score = score_g[selected]
    chosen = {0: [selected], 1: [selected[score > 0]], -1: [selected[score < 0]]}
    return Items((name,), np.array([name], dtype=object), genes, score_g[None], chosen)


def check_shared(genes: Genes, other: Genes, *, reference: str) -> np.ndarray:
    """Position of each measured gene in a reference, -1 where it is not there.

    Raises
    ------
    GeneMismatchError
        If the ids are of two kinds, or fewer than ten are shared; shows both sides.
    """
    if genes.namespace in OTHER_NAMES and other.namespace in NAMES_GENES:
        msg = (
            f"measured are genes as {genes.namespace} ({first_three(genes.ids)}), and {reference} has them as "
            f"{other.namespace} ({first_three(other.ids)}): map the table's ids and start from what comes of it: "
            "gl.map_ids(adata), genelight map-ids TABLE --out mapped.h5ad"
        )
        raise GeneMismatchError(msg)
    if genes.namespace not in NAMES_GENES and other.namespace in NAMES_GENES:
        msg = (
            f"measured are features of kind {genes.namespace} ({first_three(genes.ids)}), and {reference} has genes "
            f"({first_three(other.ids)}): carry them to genes first by a table of both, gl.pp.to_genes(nodes, TABLE), "
            "--feature-genes TABLE"
        )
        raise GeneMismatchError(msg)
    found = genes.align(other)
    if found.found < LEAST_GENES:
        read_as = "" if genes.namespace == other.namespace else f" or read the file with ids={genes.namespace!r}"
        msg = (
            f"{found.found} of {len(genes)} measured genes are in {reference}, at least {LEAST_GENES} are needed; "
            f"measured are {first_three(genes.ids)}, {reference} has {first_three(other.ids)}: "
            f"map the data, gl.map_ids(adata),{read_as} so that both use one kind of id"
        )
        raise GeneMismatchError(msg)
    return found.index
