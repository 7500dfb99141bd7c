"""A forest: one row a cohort, the mean, what is not measured, names as they are."""

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from genelight import errors, pl
from genelight.nouns import Genes, Module


def meta(names=("a$b", "c"), *, scores=(2.0, 1.0)):
    genes = Genes(("A", "B"))
    about = {"cohorts": [{"name": name, "cases": 4, "controls": 5} for name in names], "effect": "logfc"}
    module = Module.from_scores(np.array(scores), genes, size=1, name="m", method="meta", about=about)
    columns = {"effect": 0.5, "low": 0.1, "high": 0.9, "next_low": -0.5, "next_high": 1.5, "p": 0.01, "q": 0.04}
    columns |= {"tau2": 0.1, "i2": 0.4, "heterogeneity_p": 0.2}
    for i, name in enumerate(names):
        columns |= {f"effect {name}": [np.nan if i else 0.7, -0.3], f"se {name}": [np.nan if i else 0.2, 0.1 + i]}
    table = module.table.assign(**{c: np.broadcast_to(v, 2) for c, v in columns.items()})
    return Module(table, "m", "meta", genes, about)


def test_cohorts_stand_in_their_order_and_a_gene_that_one_lacks_is_said():
    ax = pl.forest(meta(), "A", Figure().subplots())
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a$b\n4 against 5", "c\n4 against 5", "all"]
    assert [t.get_text() for t in ax.texts] == ["not measured"]
    assert ax.get_title(loc="left").startswith("A    p 0.01, q 0.04\nI² 40%")
    assert ax.get_xlabel() == "log2 fold change (right of zero: up in cases)"
    (squares,) = (c for c in ax.collections if isinstance(c, PathCollection))
    np.testing.assert_allclose(squares.get_offsets(), [[0.7, 0]])


def test_squares_grow_with_their_cohorts_say_and_without_a_next_cohort_none_is_drawn():
    module = meta()
    (squares,) = (c for c in pl.forest(module, "B", Figure().subplots()).collections if isinstance(c, PathCollection))
    sizes = squares.get_sizes()
    assert sizes[0] > 2 * sizes[1]
    without = Module(module.table.assign(next_low=np.nan, next_high=np.nan), "m", "meta", module.genes, module.about)
    bars = [len(pl.forest(m, "B", Figure().subplots()).lines) for m in (module, without)]
    assert bars[0] == bars[1] + 1


def test_what_has_no_forest_is_refused():
    with pytest.raises(errors.UnknownNameError, match="gene"):
        pl.forest(meta(), "C")
    alone = Module.from_scores(np.array([2.0, 1.0]), Genes(("A", "B")), size=1, name="m", method="de")
    with pytest.raises(errors.InputError, match="of one cohort"):
        pl.forest(alone, "A")
