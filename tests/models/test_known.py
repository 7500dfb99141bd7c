"""What a model knows of its training samples: written, read back, and refused where it is damaged."""

import numpy as np
import pytest
from anndata import AnnData

from genelight.models.reference.known import Known
from genelight.nouns import Genes

X = np.random.default_rng(0).normal(size=(90, 200))
GENES = Genes(tuple(f"G{i}" for i in range(200)))
NAMES = [f"GSM{100_000 + i}" for i in range(90)]


@pytest.fixture(scope="module")
def weights():
    return Known.of(X, [X], names=NAMES, studies=["a", "b", "c"] * 30).to_weights()


def test_what_is_known_comes_back(weights):
    known = Known.from_weights(weights, genes=200)
    adata = AnnData(np.exp(X[:7]))
    adata.var_names = GENES.ids
    assert list(known.find(adata, GENES)) == ["a", "b", "c", "a", "b", "c", "a"]
    assert Known.from_weights({}, genes=200) is None


@pytest.mark.parametrize("genes", [20, 60, 200])
def test_strangers_are_not_taken_for_training_samples_by_few_genes(genes):
    x, of = X[:, :genes], Genes(GENES.ids[:genes])
    known = Known.of(x, [x], names=NAMES, studies=["a", "b", "c"] * 30)
    either_way = np.sort(known.pairs, axis=1)
    assert len(np.unique(either_way, axis=0)) == len(known.pairs) == 128
    assert (either_way[:, 0] < either_way[:, 1]).all()
    strangers = AnnData(np.random.default_rng(1).normal(size=(200, genes)))
    strangers.var_names = of.ids
    assert known.find(strangers, of).empty


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("pairs", lambda x: x + 150),
        ("pairs", lambda x: x - 150),
        ("pairs", lambda x: x[:, :1]),
        ("pairs", lambda x: x.astype(float)),
        ("pairs", lambda x: x[:0]),
        ("marks", lambda x: x[:-1]),
        ("marks", lambda x: x[:, :2]),
        ("marks", lambda x: x.astype(np.uint16)),
        ("names", lambda x: x[:-1]),
        ("study", lambda x: x + 1),
        ("study", lambda x: x - 1),
        ("study", lambda x: x[:0]),
        ("studies", lambda x: x[:1]),
        ("studies", lambda x: np.full_like(x, 255)),
    ],
)
def test_damage_is_told(weights, part, change):
    with pytest.raises(ValueError, match=r"training samples|invalid start byte"):
        Known.from_weights(weights | {f"known.{part}": change(weights[f"known.{part}"])}, genes=200)
    with pytest.raises(ValueError, match="training samples"):
        Known.from_weights({key: value for key, value in weights.items() if key != f"known.{part}"} | {
            "known.pairs": weights["known.pairs"][:0] if part == "pairs" else weights["known.pairs"]
        }, genes=200)  # fmt: skip
