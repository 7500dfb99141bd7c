"""The verb ``map_ids``: one column per gene, named as asked, with an account of all that became of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
import scipy.sparse as sp

from .._core.provenance import read_json, write_json
from ..errors import FormatError, GeneMismatchError, InputError, UnknownNameError, first_three
from ..io.id_kinds import ID_KINDS, detect_ids
from ..io.id_table import IdTable
from ..io.scales import detect_scale
from ..nouns import Genes
from ._pairs import choose, find, labels
from .collapse import COLLAPSES
from .features import kinds_named_by
from .scale import TOTAL
from .user_table import UserTable, read_id_table

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["IdMap", "map_ids"]

TARGETS = ("symbol", "entrez", "ensembl")
SEVERAL = ("drop", "copy")
KEY = "map_ids"
# What the account says of columns that became no gene as they were.
_LINES = {
    "unmapped": "no gene found, dropped",
    "not_asked": "of other genes, not used",
    "mended": "dates that Excel made of symbols, mended",
    "renamed": "renamed by HGNC because of Excel",
    "loc": "found by the Entrez id behind LOC",
    "alias": "found by alias or withdrawn symbol",
    "case": "found in other case",
    "yielded": "dropped since another column leads to the same gene more directly",
}
# Below this share of ids with a gene they are not what they are taken for.
LEAST_MAPPED = 0.1


@dataclass(frozen=True)
class IdMap:
    """Which columns of a table make which gene: learned from one table, fit for any with the same ids.

    Rules that look at the samples (``highest_mean``) choose columns once. Kept with a model, the choice is the same
    for every later sample of that platform, alone or in company.

    Attributes
    ----------
    pairs
        Columns ``source`` (id in the file), ``target`` (gene), ``weight``, in the order of the genes.
    account
        What was read, mapped, collapsed and dropped, in counts with first examples.

    Examples
    --------
    >>> import genelight as gl
    >>> from genelight.pp.map_ids import IdMap
    >>> ids = IdMap.of(gl.demo.cohort(), to="entrez")
    >>> print(ids)  # doctest: +ELLIPSIS
    ids: 4,147 of kind symbol (gene symbol; ...), to entrez
    ...
    """

    pairs: pd.DataFrame
    account: Mapping[str, Any]

    FORMAT: ClassVar[int] = 1

    @classmethod
    def of(
        cls,
        adata: AnnData,
        *,
        to: str | Genes = "symbol",
        ids: str = "auto",
        collapse: str = "highest_mean",
        several: str = "drop",
        table: UserTable | str | Path | None = None,
    ) -> IdMap:
        """Learn how the columns of `adata` become genes; parameters and errors are those of :func:`map_ids`."""
        _check_choices(to, several)
        rule = COLLAPSES[collapse]
        own = table if isinstance(table, UserTable) or table is None else read_id_table(table)
        shipped = IdTable.shipped()
        kind = _kind(adata, ids, own)
        kept, counted = choose(
            find(adata.var_names, kind, to=to, shipped=shipped, own=own), adata.var_names, several=several
        )
        _check_mapped(
            {**counted, "kind": kind, "ids": first_three(adata.var_names)}, f"in {own}" if own else ID_KINDS[kind]
        )
        gene_s, targets = pd.factorize(kept["target"])
        weight_s = rule(adata.X[:, kept["column"].to_numpy()], gene_s)
        shared = np.bincount(gene_s, minlength=len(targets))[gene_s] > 1
        pairs = pd.DataFrame(
            {"source": labels(adata.var_names)[kept["column"]], "target": kept["target"], "weight": weight_s}
        )
        pairs = pairs[pairs["weight"] != 0].reset_index(drop=True)
        account = {
            "ids": kind,
            "first": ", ".join(map(str, adata.var_names[:3])),
            "to": f"{len(to)} given genes ({to.namespace})" if isinstance(to, Genes) else to,
            "table": f"{own} and {shipped}" if own else str(shipped),
            "collapse": collapse,
            "several_rule": several,
            "samples": adata.n_obs,
            **counted,
            "collapsed": int(shared.sum()),
            "collapsed_genes": len(np.unique(gene_s[shared])),
            "genes": len(targets),
        }
        return cls(pairs, account)._asked(to)

    def _asked(self, to: str | Genes) -> IdMap:
        if not isinstance(to, Genes):
            return self
        missing = to.align(self.pairs["target"].unique()).missing_ids
        more = {"asked": len(to), "missing": len(missing), "missing_first": first_three(missing)}
        order = self.pairs["target"].map(to.position).sort_values(kind="stable").index
        return IdMap(self.pairs.loc[order].reset_index(drop=True), {**self.account, **more})

    def __str__(self) -> str:
        return _described(self.account)

    def transform(self, adata: AnnData) -> AnnData:
        """A table with one column per gene; ``var["source"]`` says from which, ``uns["map_ids"]`` has the account.

        Genes that lack a column of theirs in `adata` are left out and counted. Layers become genes like ``X``;
        what stands on the old columns (``varm``, ``varp``, ``raw``) is dropped. Of counts, the sample's total over
        all columns is kept in ``obs["map_ids_total"]``, since counts per million are parts of that.
        """
        from anndata import AnnData

        position = pd.Series(np.arange(adata.n_vars), index=labels(adata.var_names))
        column_s = self.pairs["source"].map(position)
        absent = self.pairs.loc[column_s.isna(), "target"].unique()
        there = ~self.pairs["target"].isin(absent)
        pairs = self.pairs[there].assign(column=column_s[there].astype(np.int64))
        gene_s, targets = pd.factorize(pairs["target"])
        source = pairs.groupby(gene_s)["source"].agg(", ".join).to_numpy()
        account = {**self.account, "absent": len(absent), "absent_first": first_three(absent)}
        return AnnData(
            _combined(adata.X, pairs, gene_s),
            obs=adata.obs.assign(**_totals(adata)),
            var=pd.DataFrame({"source": source}, index=pd.Index(targets, dtype=object)),
            layers={name: _combined(values, pairs, gene_s) for name, values in adata.layers.items()},
            obsm=dict(adata.obsm),
            uns={**adata.uns, KEY: account, **_told(adata, account)},
        )

    def save(self, path: Path) -> None:
        """Write as JSON."""
        write_json(path, self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Everything, as plain values."""
        columns = {str(name): column.tolist() for name, column in self.pairs.items()}
        return {"format": self.FORMAT, "account": dict(self.account), **columns}

    @classmethod
    def load(cls, path: Path) -> IdMap:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FormatError
            If the file is absent, damaged, or from a newer genelight.
        """
        return cls.from_dict(read_json(path), where=str(path))

    @classmethod
    def from_dict(cls, content: Any, *, where: str) -> IdMap:
        """The map that :meth:`to_dict` gave; `where` it stood, for messages.

        Raises
        ------
        FormatError
            If anything is missing or does not fit, or it is from a newer genelight.
        """
        try:
            newer = content["format"] > cls.FORMAT
            pairs = pd.DataFrame({key: content[key] for key in ("source", "target", "weight")})
            read = cls(pairs.astype({"source": str, "target": str, "weight": float}), dict(content["account"]))
        except (KeyError, TypeError, ValueError) as error:
            msg = f"{where} is no map of ids that genelight wrote: {error!r}"
            raise FormatError(msg) from error
        if newer:
            found = content["format"]
            msg = f"{where} has format {found}, newer than {cls.FORMAT}; upgrade with pip install -U genelight"
            raise FormatError(msg)
        return read


def map_ids(
    adata: AnnData,
    *,
    to: str | Genes = "symbol",
    ids: str = "auto",
    collapse: str = "highest_mean",
    several: str = "drop",
    table: str | Path | None = None,
) -> AnnData:
    """Turn columns named by any kind of id into one column per gene.

    Parameters
    ----------
    adata
        Samples x columns; names may repeat.
    to
        ``"symbol"`` (current HGNC symbols), ``"entrez"`` or ``"ensembl"``; or a list of genes, such as a model's
        ``genes``, whose names are kept whether they are current or not.
    ids
        Kind of the ids there are, told from how they look by default: ``"symbol"`` (aliases and withdrawn ones too,
        and those that Excel took for dates), ``"entrez"``, ``"ensembl"``, ``"ensp"`` (``9606.`` before it or not),
        ``"enst"``, ``"uniprot"``, ``"refseq"``, ``"symbol|entrez"``, ``"ensembl|symbol"``. Versions and isoforms are
        taken off.
    collapse
        What becomes of several columns of one gene, a name in ``COLLAPSES``: ``"highest_mean"``, ``"max_variance"``,
        ``"mean"``, ``"sum"`` (for counts), ``"first"``.
    several
        What becomes of one column of several genes: ``"drop"``, or ``"copy"`` it to each.
    table
        A table of ids and genes for what the shipped one does not hold, such as probes: a file with a column of each,
        as GEO, Affymetrix, Illumina and Bioconductor write them, or the name of a GEO platform, ``"GPL570"``. It goes
        before the shipped table.

    Returns
    -------
    A new AnnData, genes sorted by name or in the order asked for. ``uns["map_ids"]`` is the account: every column
    is counted as mapped, collapsed or dropped for a reason, with the first examples and the version of the table.

    Raises
    ------
    InputError
        If the kind of id cannot be told, has no table, or most symbols fit only in other case (as those of mouse do).
    GeneMismatchError
        If fewer than 10% of the ids have a gene.
    UnknownNameError
        If `to`, `ids`, `collapse` or `several` is no known name.

    Notes
    -----
    ``highest_mean`` and ``max_variance`` choose by the samples at hand, as Miller et al. 2011 compare; keep the
    :class:`IdMap` to make the same choice again. A column found by an alias yields to one found by the symbol, so
    no synonym displaces a measured gene. Cost: a look-up of each id, and a copy of the matrix.

    Examples
    --------
    >>> import genelight as gl
    >>> adata = gl.demo.cohort()[:, ["MX1", "TP53"]].copy()
    >>> adata.var_names = ["ENSG00000157601.14", "ENSG00000141510.5"]
    >>> list(gl.pp.map_ids(adata).var_names)
    ['MX1', 'TP53']
    """
    return IdMap.of(adata, to=to, ids=ids, collapse=collapse, several=several, table=table).transform(adata)


def _check_choices(to: str | Genes, several: str) -> None:
    if not isinstance(to, Genes) and to not in TARGETS:
        raise UnknownNameError("kind of gene id to map to", to, TARGETS)
    if several not in SEVERAL:
        raise UnknownNameError("way with a column of several genes", several, SEVERAL)


def _kind(adata: AnnData, ids: str, own: UserTable | None) -> str:
    if not adata.n_vars:
        msg = "the table has no columns, so there are no ids to map"
        raise InputError(msg)
    known = [each for each in ID_KINDS if each != "unknown"]
    if ids != "auto":
        if ids not in known:
            raise UnknownNameError("kind of gene id", ids, known, where="ids")
        return ids
    found = detect_ids(adata.var_names)
    if found.kind == "unknown" and own is None:
        msg = (
            f"cannot tell which kind of gene id {first_three(adata.var_names)} are; say so with ids=..., one of "
            f"{', '.join(known)}, or give a table of them and their genes"
        )
        raise InputError(msg)
    return found.kind


def _check_mapped(counted: Mapping[str, Any], known: str) -> None:
    columns, mapped = counted["columns"], counted["columns"] - counted["unmapped"]
    if mapped < LEAST_MAPPED * columns:
        kinds = kinds_named_by(counted["kind"])
        own = f"; if they are to stay what they are: features='{kinds[0]}' (--features {kinds[0]})" if kinds else ""
        msg = (
            f"only {mapped} of {columns} ids ({counted['ids']}) lead to a human gene as {known}; say which kind they "
            f"are with ids=..., or give a table of them and their genes with table=... (--table FILE){own}"
        )
        raise GeneMismatchError(msg)
    if counted["case"] > 0.5 * mapped:
        msg = (
            f"{counted['case']} of {mapped} symbols fit only in other case ({counted['case_first']}), as those of "
            "mouse or rat do; the table is of human genes: give one of orthologs, or upper-case names if they are human"
        )
        raise InputError(msg)


def _told(adata: AnnData, account: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """What reading found out, as far as it holds for the mapped table; the array it was made of is in a note."""
    told = dict(adata.uns.get("read", {}))
    if not told:
        return {}
    platform = told.pop("platform", "")
    made = f"genes made of {account['columns']:,} ids of kind {account['ids']}" + f" ({platform})" * bool(platform)
    notes = "; ".join(filter(None, [str(told.get("notes", "")), made]))
    return {"read": {**told, "notes": notes}}


def _totals(adata: AnnData) -> dict[str, np.ndarray]:
    if TOTAL in adata.obs or detect_scale(adata.X).name != "counts":
        return {}
    return {TOTAL: np.asarray(adata.X.sum(1), dtype=np.float64).ravel()}


def _combined(x_ns: Any, pairs: pd.DataFrame, gene_s: np.ndarray) -> Any:
    """Weighted sums of columns by gene; of one column each, those columns untouched."""
    column_s, weight_s = pairs["column"].to_numpy(), pairs["weight"].to_numpy()
    if len(gene_s) == len(np.unique(gene_s)) and (weight_s == 1).all():
        return x_ns[:, column_s]
    size = (x_ns.shape[1], int(gene_s.max()) + 1)
    weight_sg = sp.csr_matrix((weight_s, (column_s, gene_s)), shape=size)
    values = x_ns @ weight_sg if sp.issparse(x_ns) else np.asarray((weight_sg.T @ np.asarray(x_ns).T).T, order="C")
    return values.astype(x_ns.dtype) if np.issubdtype(x_ns.dtype, np.floating) else values


def _described(account: Mapping[str, Any]) -> str:
    """Lines of text; what did not occur is left out."""
    kind = ID_KINDS.get(account["ids"], account["ids"])
    lines = [
        f"ids: {account['columns']:,} of kind {account['ids']} ({kind}; {account['first']}), to {account['to']}",
        f"by {account['table']}",
    ]
    for key, words in _LINES.items():
        if account.get(key):
            lines.append(f"  {account[key]:,} {words} ({account[f'{key}_first']})")
    if account["several"]:
        what = "dropped" if account["several_rule"] == "drop" else "copied to each"
        lines.append(f"  {account['several']:,} of several genes, {what} ({account['several_first']})")
    if account["collapsed"]:
        lines.append(
            f"  {account['collapsed']:,} columns of {account['collapsed_genes']:,} genes that have several, one each "
            f"by {account['collapse']} over {account['samples']} samples"
        )
    lines.append(f"{account['genes']:,} genes")
    if "asked" in account:
        lines[-1] = (
            f"of {account['asked']:,} genes asked for {account['genes']:,} found, {account['missing']:,} missing"
            + (f" ({account['missing_first']})" if account["missing"] else "")
        )
    if account.get("absent"):
        lines.append(f"  {account['absent']:,} genes lack their column in this file ({account['absent_first']})")
    return "\n".join(lines)
