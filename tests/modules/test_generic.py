"""How often genes change in any contrast, and what is left of a module without it."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from sklearn.metrics import roc_auc_score

import genelight as gl
from genelight import Contrast
from genelight.errors import InputError
from genelight.models.reference.panel import Panel
from genelight.modules.generic import Generic, generic_of, learn_generic
from genelight.nouns import Genes

GENES = 300
NAMES = [f"GENE{i}" for i in range(GENES)]
OFTEN = slice(0, 30)  # genes that change in every disease


def cohort(own, *, seed, n=8):
    """Cases that differ in the genes of any disease and in some of their own."""
    rng = np.random.default_rng(seed)
    x_ng = 8 + rng.normal(size=(2 * n, GENES))
    case_n = np.arange(2 * n) < n
    x_ng[np.ix_(case_n, np.r_[OFTEN])] += 2
    x_ng[np.ix_(case_n, np.r_[own])] += 2
    adata = AnnData(x_ng.astype(np.float32), var=pd.DataFrame(index=NAMES))
    return adata, Contrast(case_n, ~case_n, np.arange(2 * n), f"disease {seed}")


@pytest.fixture(scope="module")
def told():
    model = gl.models.PCA(4).fit(cohort(slice(290, 300), seed=99, n=30)[0])
    owns = {f"disease {i}": slice(100 + 20 * i, 120 + 20 * i) for i in range(5)}
    asked = [(*cohort(own, seed=i), name) for i, (name, own) in enumerate(owns.items())]
    return model, learn_generic(model, asked)


def test_genes_that_change_in_every_disease_stand_on_top(told):
    _, found = told
    assert (found.contrasts, found.diseases) == (5, 5)
    assert found.share_g[OFTEN].mean() > 0.85
    assert 0.3 < found.share_g[30:100].mean() < 0.5
    selected_g = np.arange(GENES) < 30
    assert found.auroc(selected_g) == pytest.approx(roc_auc_score(selected_g, found.share_g))


def test_it_is_saved_with_the_model(told, tmp_path):
    model, found = told
    model.save(tmp_path / "model")
    again = generic_of(gl.load(tmp_path / "model"))
    np.testing.assert_allclose(again.share_g, found.share_g, atol=1 / 255)
    part = Panel(gl.load(tmp_path / "model"), Genes(tuple(NAMES[:50][::-1])))
    np.testing.assert_array_equal(generic_of(part).share_g, again.share_g[:50][::-1])


def test_a_module_says_how_much_of_it_is_generic_and_what_stays(told):
    model, _ = told
    own = slice(220, 250)
    adata, contrast = cohort(own, seed=50)
    module = gl.disease_module(adata, model, contrast=contrast, method="de", size=60, bootstraps=0)
    table = module.table.set_index("gene").loc[NAMES]
    assert table["generic"].between(0, 1).all()
    assert sorted(table["rank_specific"]) == list(range(1, GENES + 1))
    assert module.about["generic"]["auroc"] > 0.6
    of_all, of_this = table["rank_specific"].to_numpy()[OFTEN], table["rank_specific"].to_numpy()[own]
    assert of_this.mean() < of_all.mean()
    assert table["rank"].to_numpy()[own].mean() > 0.7 * table["rank"].to_numpy()[OFTEN].mean()


def test_what_is_left_goes_with_nothing_generic():
    rng = np.random.default_rng(0)
    generic = Generic(Genes(tuple(NAMES)), rng.uniform(size=GENES), 9, 5)
    score_g = rng.normal(size=GENES) * (1 + 3 * generic.share_g)
    left_g = generic.taken_out(score_g)
    ranks = pd.DataFrame({"left": left_g, "generic": generic.share_g, "score": np.abs(score_g)}).rank()
    assert abs(ranks["left"].corr(ranks["generic"])) < 0.05
    assert ranks["score"].corr(ranks["generic"]) > 0.3


def test_contrasts_of_one_disease_count_as_one(told):
    model, _ = told
    asked = [(*cohort(slice(100, 120), seed=i), "one") for i in range(3)]
    with pytest.raises(InputError, match="contrasts of 1 diseases, at least 3"):
        learn_generic(gl.models.PCA(2).fit(cohort(slice(0, 1), seed=1, n=10)[0]), asked)
    assert "generic" in model.about


def test_a_store_of_any_size_gives_the_same(told, tmp_path):
    tables = [(*cohort(slice(100 + 20 * i, 120 + 20 * i), seed=i), f"disease {i}") for i in range(3)]
    joined = AnnData(
        np.concatenate([adata.X for adata, _, _ in tables]),
        obs=pd.DataFrame(index=[f"s{i}" for i in range(sum(adata.n_obs for adata, _, _ in tables))]),
        var=pd.DataFrame(index=NAMES),
    )
    joined.write_h5ad(tmp_path / "all.h5ad")
    store = gl.io.pack([tmp_path / "all.h5ad"], tmp_path / "all.zarr")
    asked, start = [], 0
    for adata, contrast, name in tables:
        case_n, control_n = (np.zeros(joined.n_obs, dtype=bool) for _ in range(2))
        case_n[start : start + adata.n_obs] = contrast.case_n
        control_n[start : start + adata.n_obs] = contrast.control_n
        start += adata.n_obs
        asked.append((store, Contrast(case_n, control_n, np.arange(joined.n_obs), name), name))
    model = gl.models.PCA(2).fit(joined)
    from_store = learn_generic(model, asked).share_g
    np.testing.assert_allclose(from_store, learn_generic(model, tables).share_g, atol=1e-6)


def test_the_model_that_ships_knows_its_contrasts():
    model = gl.load("human")
    found = generic_of(model)
    assert found.contrasts > 25
    assert found.diseases > 10
    assert len(found.share_g) == len(model.genes)
    assert 0.45 < found.share_g.mean() < 0.55
