from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import genelight as gl
from genelight import models
from genelight.errors import GeneMismatchError, InputError, ResourceError
from genelight.modules.atlas import modules_of_scores
from genelight.study.atlas import write_atlas


@pytest.fixture
def scores():
    """Nine diseases: twenty genes up in the first five, twenty down in all, the rest noise; some are missing."""
    rng = np.random.default_rng(0)
    z = pd.DataFrame(rng.normal(size=(1000, 9)), columns=list("abcdefghi"), index=[f"G{i}" for i in range(1000)])
    z.iloc[:20, :5] += 6
    z.iloc[20:40] -= 6
    return z.mask(rng.random(z.shape) < 0.1)


def test_shared_genes_and_programmes_are_found(scores):
    found = gl.modules.atlas(modules_of_scores(scores, size=50))
    genes = found.genes.set_index("gene")
    planted = [f"G{i}" for i in range(40)]
    assert (genes.loc[planted, "kind"] == "shared").mean() > 0.9
    assert (genes.drop(planted)["kind"] == "shared").mean() < 0.02
    assert len(found.programmes) == 2
    by_side = found.programmes.set_index("programme")
    everywhere = by_side[by_side["down"] == ", ".join("abcdefghi")]
    assert len(everywhere) == 1
    assert (by_side.drop(everywhere.index)["up"] == "a, b, c, d, e").all()
    first = {found.order.index(d) for d in "abcde"}
    assert max(first) - min(first) == 4


def test_pairs_agree_with_scipy(scores):
    modules = modules_of_scores(scores, size=50)
    row = gl.modules.atlas({"a": modules["a"], "b": modules["b"]}).pairs.iloc[0]
    both = scores[["a", "b"]].dropna()
    assert row["measured"] == len(both)
    assert row["rank"] == pytest.approx(stats.spearmanr(both["a"], both["b"]).statistic)
    shared = set(modules["a"].selected) & set(modules["b"].selected)
    assert row["shared"] == len(shared)
    assert row["opposed"] == sum(scores.loc[g, "a"] * scores.loc[g, "b"] < 0 for g in shared)


def test_independent_modules_share_nothing():
    z = pd.DataFrame(np.random.default_rng(1).normal(size=(2000, 8)), index=[f"G{i}" for i in range(2000)])
    found = gl.modules.atlas(modules_of_scores(z.rename(columns=str), size=100))
    assert (found.genes["kind"] != "shared").all()
    assert (found.pairs["q"] > 0.05).all()
    assert len(found.programmes) == 0


def test_a_table_of_scores_becomes_a_folder(scores, tmp_path):
    scores.rename_axis("symbol").to_csv(tmp_path / "z.csv.gz")
    pd.DataFrame({"id": ["a"], "name": ["asthma"]}).to_csv(tmp_path / "names.csv", index=False)
    found = write_atlas(tmp_path / "z.csv.gz", tmp_path / "atlas", size=50, names=tmp_path / "names.csv")
    assert "asthma" in found.order
    assert {p.name for p in (tmp_path / "atlas").iterdir()} == {"pairs.tsv", "genes.tsv", "programmes.tsv", "map.svg"}
    assert len(pd.read_csv(tmp_path / "atlas" / "pairs.tsv", sep="\t")) == 36
    with pytest.raises(ResourceError, match="exists already"):
        write_atlas(tmp_path / "z.csv.gz", tmp_path / "atlas")


def test_a_table_of_cohorts_becomes_modules(cohort_of, tmp_path, monkeypatch):
    monkeypatch.setattr("genelight.models.autoencoder", partial(models.fit, widths=(4,), epochs=1))
    for i in range(3):
        cohort = cohort_of(seed=i, visits=1)
        cohort.adata.write_h5ad(tmp_path / f"c{i}.h5ad")
    rows = {"name": ["x", "y", "z"], "file": [f"c{i}.h5ad" for i in range(3)], "case": 'group == "case"'}
    table = pd.DataFrame({**rows, "control": 'group == "control"', "subject": "subject"})
    table.to_csv(tmp_path / "cohorts.tsv", sep="\t", index=False)
    found = write_atlas(tmp_path / "cohorts.tsv", tmp_path / "out", size=20)
    assert (found.pairs["shared"] > 2 * found.pairs["expected"]).all()
    assert (tmp_path / "out" / "module_x.tsv").exists()


def test_bad_input(scores, tmp_path):
    with pytest.raises(InputError, match="1 module to compare"):
        gl.modules.atlas(modules_of_scores(scores[["a"]], size=50))
    with pytest.raises(InputError, match="column 'text' has values that are no finite numbers"):
        modules_of_scores(scores.assign(text="x"))
    with pytest.raises(InputError, match="at least 5000 are needed"):
        modules_of_scores(scores, size=5000)
    other = scores[["c"]].rename(index=lambda g: f"X{g}")
    with pytest.raises(GeneMismatchError, match="share 0 measured genes"):
        gl.modules.atlas(modules_of_scores(scores[["a"]]) | modules_of_scores(other))
    with pytest.raises(ResourceError, match="is not there"):
        write_atlas(tmp_path / "absent.csv", tmp_path / "out")
    scores.rename_axis("thing").to_csv(tmp_path / "z.csv")
    with pytest.raises(InputError, match="neither the columns name, file, case, control"):
        write_atlas(tmp_path / "z.csv", tmp_path / "out")
