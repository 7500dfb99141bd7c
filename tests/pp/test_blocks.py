"""Several kinds of feature in one table: joined, prepared block by block, learned from with blocks missing."""

import anndata as ad
import h5py
import numpy as np
import pytest

from genelight import io, load, models, nodes, prepare, simulate
from genelight.errors import InputError, UnknownNameError
from genelight.models.reconstruct import block_r2
from genelight.pp.preparation import Preparation

SIZE = {"cpg": 300, "protein": 120, "taxon": 80}
PARTS = {kind: simulate.features(kind, 60, n_features=size, seed=2) for kind, size in SIZE.items()}
BLOCKS = {"cpg": PARTS["cpg"], "protein": PARTS["protein"][10:], "taxon": PARTS["taxon"][:50]}
ASKED = {"features": "protein=protein", "scale": "protein=linear"}
JOINED = io.join_blocks(BLOCKS)
PREPARED = prepare(JOINED, **ASKED)


def test_joined_values_are_those_of_the_blocks_and_what_is_not_there_is_missing():
    assert JOINED.shape == (60, 500)
    of_protein = JOINED[:, JOINED.var["block"] == "protein"]
    assert np.isnan(of_protein.X[:10]).all()
    np.testing.assert_array_equal(of_protein[PARTS["protein"].obs_names[10:]].X, PARTS["protein"][10:].X)
    assert JOINED.uns["blocks"]["all"] == "60 samples, 40 of them in every block"
    assert JOINED.obs["subject"].notna().all()


def test_the_same_seed_gives_blocks_the_same_people_and_activities():
    one, other = PARTS["cpg"], PARTS["protein"]
    np.testing.assert_array_equal(one.obsm["programmes"], other.obsm["programmes"])
    assert list(one.obs_names) == list(other.obs_names)


def test_each_block_is_prepared_as_by_itself_and_has_the_same_say(tmp_path):
    alone = prepare(PARTS["cpg"], scale="auto")
    z_ng = PREPARED.transform(JOINED)
    columns = PREPARED.columns()
    ratio = z_ng[:, columns["cpg"]] / alone.transform(PARTS["cpg"])
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-3)
    share = {name: float(np.nanvar(z_ng[:, at], axis=0).sum()) for name, at in columns.items()}
    assert max(share.values()) < 1.4 * min(share.values())
    assert np.isnan(z_ng[:10, columns["protein"]]).all()
    restored = PREPARED.restore(z_ng)[:, columns["cpg"]]
    np.testing.assert_allclose(restored, alone.restore(alone.transform(PARTS["cpg"])), atol=1e-4)
    PREPARED.save(tmp_path / "p.json")
    back = Preparation.load(tmp_path / "p.json")
    assert (back.digest, back.settings) == (PREPARED.digest, PREPARED.settings)
    np.testing.assert_array_equal(back.transform(JOINED), z_ng)
    again = prepare(JOINED[:40].copy(), features=PREPARED.settings.features, scale=PREPARED.settings.scale)
    assert again.settings == PREPARED.settings


def test_one_model_of_all_blocks_lights_up_into_each_and_foretells_a_missing_one(tmp_path):
    model = models.PCA(8).fit(JOINED[:45].copy(), preparation=prepare(JOINED[:45].copy(), **ASKED))
    lit = nodes.light_up(model, "PC", units="natural")
    assert lit.blocks == ("cpg", "protein", "taxon")
    of_cpg = lit.block("cpg")
    assert of_cpg.genes.namespace == "cpg"
    assert set(of_cpg.genes.ids) <= set(PARTS["cpg"].var_names)
    assert lit.block("protein").genes.namespace == "uniprot"
    with pytest.raises(UnknownNameError, match="did you mean 'cpg'"):
        lit.block("cpgs")
    left = JOINED[45:50].copy()
    whole = block_r2(model, left)
    assert set(whole) == set(SIZE)
    assert min(whole.values()) > 0
    # Proteins that were not measured are told from CpGs and taxa better than by their means.
    columns = model.preparation.columns()["protein"]
    blind = left.copy()
    blind.X[:, (JOINED.var["block"] == "protein").to_numpy()] = np.nan
    told, truth = model.prepare(blind)[:, columns], model.prepare(left)[:, columns]
    assert 1 - ((told - truth) ** 2).sum() / (truth**2).sum() > 0.05
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").prepare(blind), model.prepare(blind))


def test_a_table_of_one_small_block_alone_is_read_by_a_model_of_several():
    many = io.join_blocks({"cpg": simulate.features("cpg", 30, n_features=2000, seed=2), "protein": PARTS["protein"]})
    model = models.PCA(4).fit(many, preparation=prepare(many, **ASKED))
    few = io.join_blocks({"protein": PARTS["protein"]})
    assert model.preparation.align(few.var_names).weighted == pytest.approx(0.5, abs=0.01)
    assert np.isfinite(model.prepare(few)).all()


def test_mudata_of_several_modalities_is_read_as_one_table(tmp_path):
    path = tmp_path / "x.h5mu"
    with h5py.File(path, "w") as file:
        file.attrs["encoding-type"] = "MuData"
        for name, part in BLOCKS.items():
            ad.io.write_elem(
                file.require_group("mod"), name, ad.AnnData(part.X, obs=part.obs[["subject"]], var=part.var)
            )
        ad.io.write_elem(file, "obs", JOINED.obs[["condition"]])
    with pytest.raises(InputError, match=r"holds 3 modalities .* several with commas, or 'all'"):
        io.read(path)
    both = io.read(path, modality="cpg,taxon")
    assert list(dict.fromkeys(both.var["block"])) == ["cpg", "taxon"]
    everything = io.read(path, modality="all")
    np.testing.assert_array_equal(everything.X, JOINED.X)
    assert everything.obs["condition"].astype(str).tolist() == JOINED.obs["condition"].astype(str).tolist()
    assert io.read(path, modality="taxon").shape == (50, 80)
    with pytest.raises(UnknownNameError, match="did you mean 'taxon'"):
        io.read(path, modality="cpg,taxa_n")


def strangers():
    other = PARTS["protein"].copy()
    other.obs_names = [f"other{i}" for i in range(other.n_obs)]
    return other


def test_what_blocks_tell_of_a_sample_is_joined_and_never_chosen_between():
    one, other = (part.copy() for part in list(PARTS.values())[:2])
    shared = one.obs_names.intersection(other.obs_names)
    one.obs["plate"], other.obs["plate"] = "a", "b"
    one.obs["age"] = other.obs["age"] = 40.0
    one.obs.loc[shared[0], "age"] = np.nan
    joined = io.join_blocks({"one": one, "other": other})
    assert "plate" not in joined.obs
    assert set(joined.obs["one:plate"].dropna()) == {"a"}
    assert set(joined.obs["other:plate"].dropna()) == {"b"}
    assert (joined.obs["age"] == 40).all()
    assert "disagree on plate" in joined.uns["blocks"]["told apart"]


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ({}, "no block to join"),
        ({"a:b": PARTS["cpg"]}, "called 'a:b'; call it by a word without colons"),
        (
            {"cpg": PARTS["cpg"], "protein": strangers()},
            r"'protein' shares no sample with 'cpg': its 60 .*S001_V1",
        ),
        ({"cpg": PARTS["cpg"][[0, 0, 1]]}, r"block 'cpg': 1 samples repeat"),
    ],
)
def test_blocks_that_do_not_go_together_are_told(blocks, said):
    with pytest.raises(InputError, match=said):
        io.join_blocks(blocks)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"features": "proteins=protein"}, r"unknown block 'proteins' in --features .*did you mean 'protein'"),
        (
            {"features": "protein=protein", "scale": "protein=log2"},
            r"block 'protein': the values go from .*",
        ),
        ({"scale": "cpg=counts"}, r"block 'cpg': unknown scale of features of kind cpg 'counts'"),
        ({"features": "protein=protein,cpg"}, "'cpg' says nothing of a block"),
        ({"features": "cell"}, r"block 'cpg': cells need counts of molecules"),
    ],
)
def test_what_is_said_of_blocks_is_checked(asked, said):
    with pytest.raises(InputError, match=said):
        prepare(JOINED, **asked)
