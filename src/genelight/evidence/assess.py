"""The verb: every test that a node, a layer or a module can be put to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..nouns import Edges, Evidence, Module, NodeGenes
from ._registry import Against, Compared, run_tests
from ._tested import Items
from .distances import Interactome
from .nulls import expression_bins, matched_null
from .tests.enrichment import collect_all, read_expression
from .tests.network import as_interactome

__all__ = ["assess"]


def assess(
    tested: NodeGenes | Module | Sequence[NodeGenes | Module],
    *,
    network: Edges | Interactome | None = None,
    sets: Sequence[Edges] = (),
    n_top: int | str = 150,
    draws: int = 1000,
    x_ng: np.ndarray | Compared | None = None,
    tests: Sequence[str] | None = None,
    seed: int = 0,
) -> Evidence:
    """Put nodes and modules to every calibrated test, each against its null.

    Parameters
    ----------
    tested
        A layer's node profiles, a module, or a list of them over the same measured genes. Nodes keep their
        names; a module is called ``"name [method]"``.
    network
        Network to test closeness in, see :func:`.localise`. Pass the result of :func:`distances` to search it
        only once.
    sets
        Collections of gene sets, or of disease genes, see :func:`.over_representation`.
    n_top
        Genes of a node that are tested, or ``"knee"``: as many as stand out in its profile.
    draws
        Matched draws for each item in network tests, and of labels for modules.
    x_ng
        Expression, shape ``(n, g)``, columns in the order of the first item's genes, on a scale on which means
        and variances of genes can be compared, so before z-scoring: random genes are then matched on both as
        well as on degree. The calibrated tests of gene sets need it, for co-expression. With the contrast
        that modules were derived from, ``Compared(x_ng, contrast)``, their overlap with gene sets is held against
        labels without meaning too (``overlap_relabelled``).
    tests
        Names of the tests to run, by default all that are calibrated. ``genelight methods`` marks the others, which
        count genes as independent.
    seed
        Seed of the draws.

    Returns
    -------
    Evidence over all items. q is adjusted within one test, one layer (or module) and one reference;
    ``about`` holds, under each test's name, the universe, coverage of the references and family sizes.

    Raises
    ------
    GeneMismatchError
        If data and a reference share fewer than ten genes; shows ids of both sides.
    InputError
        If there is no reference, items do not go together, a setting is out of range, `x_ng` does not fit, or
        there are sets, no `x_ng` and no test is named.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from genelight.nouns import Genes
    >>> from genelight.nouns import Edges, NodeGenes
    >>> from genelight.evidence import assess
    >>> names = tuple(f"G{i}" for i in range(200))
    >>> ring = Edges("ring", pd.DataFrame({"source": names, "target": names[1:] + names[:1], "weight": 1.0}))
    >>> arc = Edges("arcs", pd.DataFrame({"source": "north", "target": names[20:30], "weight": 1.0}))
    >>> values = np.zeros((1, 200))
    >>> values[0, 20:40] = 1.0
    >>> node = NodeGenes(values, ("L1.1",), Genes(names), "L1", "toy", "toy")
    >>> x_ng = np.random.default_rng(0).normal(size=(30, 200))
    >>> found = assess(node, network=ring, sets=[arc], n_top=20, draws=99, x_ng=x_ng)
    >>> rows = found.of("L1.1")
    >>> sorted(rows.loc[rows["q"] <= 0.05, "test"])
    ['camera', 'component', 'density', 'distance', 'efficiency']
    """
    if network is None and not len(sets):
        msg = "nothing to assess against; pass network= or sets="
        raise InputError(msg)
    x_ng, contrast = read_expression(sets, x_ng, tests=tests)
    items = Items.of(tested, n_top=n_top)
    null = None
    if network is not None:
        null = matched_null(items, as_interactome(network), draws=draws, x_ng=x_ng, seed=seed)
    bin_g = expression_bins(x_ng, items.genes)
    against = Against(null, collect_all(sets, items), bin_g=bin_g, seed=seed, x_ng=x_ng, contrast=contrast, draws=draws)
    return run_tests(items, against, tests=tests)
