import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genelight.errors import GeneMismatchError, InputError
from genelight.nouns import Genes

IDS = st.lists(st.from_regex(r"[A-Z][A-Z0-9]{0,5}", fullmatch=True), unique=True, min_size=1, max_size=20)


@pytest.mark.parametrize("ids", ["ABA", "AABB", ("MX1", "ISG15", "TP53", "MX1")])
def test_repeated_ids_are_refused_also_when_not_adjacent(ids):
    with pytest.raises(InputError, match="occur more than once") as caught:
        Genes(tuple(ids))
    assert "adata.var_names.duplicated()" in str(caught.value)


@pytest.mark.parametrize("empty", ["", "nan"])
def test_empty_ids_are_refused(empty):
    with pytest.raises(InputError, match="1 of 2 gene ids are empty"):
        Genes(("A", empty))


@given(IDS)
def test_the_digest_depends_on_ids_order_and_namespace_alone(ids):
    genes = Genes(tuple(ids))
    assert genes.digest == Genes(tuple(ids)).digest
    assert genes.digest != Genes(tuple(ids), "entrez").digest
    if len(ids) > 1:
        assert genes.digest != Genes(tuple(reversed(ids))).digest
        assert genes.digest != Genes(tuple(ids[1:])).digest


def test_the_digest_tells_where_one_id_ends():
    assert Genes(("AB", "C")).digest != Genes(("A", "BC")).digest


@given(IDS, st.randoms(use_true_random=False))
def test_align_undoes_a_permutation(ids, random):
    shuffled = random.sample(ids, len(ids))
    alignment = Genes(tuple(ids)).align(Genes(tuple(shuffled)))
    assert [shuffled[i] for i in alignment.index] == ids
    assert (alignment.found, alignment.missing, alignment.extra) == (len(ids), 0, 0)


def test_align_counts_found_missing_and_extra():
    alignment = Genes(("A", "B", "C", "D")).align(["D", "X", "B", "Y", "Z"])
    np.testing.assert_array_equal(alignment.index, [-1, 2, -1, 0])
    assert (alignment.found, alignment.missing, alignment.extra) == (2, 2, 3)
    assert alignment.missing_ids == ("A", "C")
    assert alignment.fraction == 0.5
    assert str(alignment) == "2 genes found, 2 missing, 3 not used (missing: A, C)"


def test_align_refuses_another_namespace():
    with pytest.raises(GeneMismatchError, match="ids of two kinds"):
        Genes(("MX1",)).align(Genes(("4599",), "entrez"))
