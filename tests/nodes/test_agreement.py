import numpy as np
import pytest
from scipy import stats

from genelight import models, nodes
from genelight.errors import InputError, UnknownNameError
from genelight.nodes._registry import Attributed, attributions_of

METHODS = ("light_up", "weights")


@pytest.fixture(scope="module")
def model(cohort):
    return models.PCA(12).fit(cohort.adata)


@pytest.fixture
def other(monkeypatch):
    """Register a method for one test: given light-up's values, its own."""

    def register(change):
        def method(model, layer, *, rest_k, level_k):
            found = nodes.ATTRIBUTIONS["light_up"](model, layer, rest_k=rest_k, level_k=level_k)
            return Attributed(change(found.values_kg.copy()).astype(np.float32))

        monkeypatch.setattr(nodes.ATTRIBUTIONS, "_entries", dict(nodes.ATTRIBUTIONS._entries))
        nodes.ATTRIBUTIONS.register("other")(method)
        return ("light_up", "other")

    return register


def test_methods_that_say_the_same_agree(model):
    table = nodes.agreement(model, "PC", methods=METHODS)
    assert table["node"].tolist() == [f"PC.{i}" for i in range(12)]
    np.testing.assert_allclose(table[["correlation", "overlap"]], 1, atol=0.02)
    assert not table["depends"].any()


def test_all_methods_by_default(model):
    table = nodes.agreement(model, "PC")
    methods = len(attributions_of(model, "PC"))
    pairs = methods * (methods - 1) // 2
    assert 5 <= methods < len(nodes.ATTRIBUTIONS)
    assert len(table) == 12 * pairs
    assert table["node"].iloc[:pairs].nunique() == 1


def test_figures_are_those_of_scipy_and_of_sets(model, other):
    rng = np.random.default_rng(0)
    noisy = []

    def change(values_kg):
        noisy.append(values_kg + rng.normal(size=values_kg.shape) * values_kg.std(1, keepdims=True))
        return noisy[0]

    methods = other(change)
    table = nodes.agreement(model, "PC", methods=methods, n_top=30)
    lit = nodes.light_up(model, "PC").values_kg
    for i, row in table.iterrows():
        a, b = lit[i], noisy[0][i].astype(np.float32)
        assert row["correlation"] == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-4)
        tops = [{(g, np.sign(v[g])) for g in np.argsort(-np.abs(v))[:30]} for v in (a, b)]
        assert row["overlap"] == pytest.approx(len(tops[0] & tops[1]) / 30, abs=1e-5)


def test_a_node_that_is_read_differently_is_flagged(model, other):
    def change(values_kg):
        values_kg[3] = np.random.default_rng(0).permutation(values_kg[3])
        values_kg[5] *= -1
        return values_kg

    table = nodes.agreement(model, "PC", methods=other(change)).set_index("node")
    assert table.index[table["depends"]].tolist() == ["PC.3", "PC.5"]
    assert table.loc["PC.5", "correlation"] == pytest.approx(-1)
    assert table.loc["PC.5", "overlap"] == 0


def test_p_is_uniform_when_methods_have_nothing_to_do_with_each_other(model, other):
    rng = np.random.default_rng(1)
    p = []
    methods = other(lambda values_kg: rng.normal(size=values_kg.shape))
    for _ in range(20):
        p += nodes.agreement(model, "PC", methods=methods)["correlation_p"].tolist()
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_dead_nodes(model, other):
    def change(values_kg):
        values_kg[2] = 0
        return values_kg

    methods = other(change)
    table = nodes.agreement(model, "PC", methods=methods).set_index("node")
    assert np.isnan(table.loc["PC.2", "correlation"])
    assert table["depends"].sum() == 1
    both = nodes.agreement(model, "PC", methods=methods, level="min")
    assert both["correlation"].isna().all()
    assert not both["depends"].any()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"methods": ("light_up",)}, InputError, "pass two methods"),
        ({"methods": ("light_up", "wieghts")}, UnknownNameError, "did you mean 'weights'"),
        ({"n_top": 0}, InputError, "n_top = 0"),
        ({"layer": "PCA"}, UnknownNameError, "unknown layer 'PCA'"),
    ],
)
def test_bad_input(model, settings, error, message):
    with pytest.raises(error, match=message):
        nodes.agreement(model, **({"layer": "PC"} | settings))


def test_a_single_node_has_nobody_to_compare_with(cohort):
    with pytest.raises(InputError, match="1 node"):
        nodes.agreement(models.PCA(1).fit(cohort.adata), "PC", methods=METHODS)
