"""A deep autoencoder around PCA: better where data are curved, PCA where they are not, and never below it."""

import json
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from anndata import AnnData
from sklearn import decomposition

import genelight as gl
from genelight.errors import InputError, UnknownNameError
from genelight.models import PCA, Deep, DeepRecipe, Ensemble, Folds, r2
from genelight.models.fit import named_for, settings_for, spec_of
from genelight.models.fitted_deep import deep_is_better
from genelight.models.reconstruct import squared_errors
from genelight.models.reference.missing import completed
from genelight.models.subspace.rotation import varimax
from genelight.models.training.deep_net import DeepNet, train_deep
from genelight.nouns.model import CodeRange

GENES, NARROW = 150, 2
RECIPE = DeepRecipe(epochs=60, batch=32)
SPEC = Deep((64, NARROW, 64), subject="subject", recipe=RECIPE)


def table(*, curved: bool, seed: int = 0, n: int = 240) -> AnnData:
    """Samples on a curved sheet of two dimensions, or a flat one, among 150 genes; 40 subjects."""
    rng = np.random.default_rng(seed)
    z = rng.uniform(-1, 1, size=(n, 2))
    flat = np.stack([z[:, 0], 0.8 * z[:, 1]], 1)
    bent = np.stack([z[:, 0] ** 2, z[:, 0] * z[:, 1], np.sin(3 * z[:, 0]), np.cos(3 * z[:, 1])], 1)
    features = np.hstack([flat, bent]) if curved else flat
    x = features @ np.random.default_rng(1).normal(size=(features.shape[1], GENES)) + 0.3 * rng.normal(size=(n, GENES))
    obs = pd.DataFrame({"subject": [f"s{i % 40:02d}" for i in range(n)]}, index=[f"n{i}" for i in range(n)])
    return AnnData(x + 8, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(GENES)]))


@pytest.fixture(scope="module")
def curved() -> AnnData:
    return table(curved=True)


@pytest.fixture(scope="module")
def flat() -> AnnData:
    return table(curved=False)


@pytest.fixture(scope="module")
def model(curved):
    return SPEC.fit(curved)


@pytest.fixture(scope="module")
def straight(flat):
    return SPEC.fit(flat)


def test_on_a_curved_sheet_unseen_samples_are_given_back_far_better_than_by_pca(model, curved):
    unseen = table(curved=True, seed=9)
    pca = PCA(NARROW).fit(curved)
    assert model.deep
    assert r2(model, model.prepare(unseen)) > r2(pca, pca.prepare(unseen)) + 0.05
    held_out = model.about["held_out"]
    assert held_out["r2"] > held_out["pca_r2"] + 0.05
    assert held_out["gain_interval"][0] > 0
    assert "better than PCA" in model.verdict


def test_on_a_flat_sheet_the_model_is_pca_and_says_so(straight, flat):
    pca = PCA(NARROW).fit(flat)
    x_ng = straight.prepare(flat)
    assert not straight.deep
    np.testing.assert_allclose(straight.reconstruct(x_ng), pca.decode(pca.encode(x_ng)), atol=1e-4)
    np.testing.assert_allclose(
        straight.decode(straight.encode(x_ng, "L2"), "L2"), straight.reconstruct(x_ng), atol=1e-4
    )
    assert r2(straight, x_ng) == pytest.approx(r2(pca, x_ng), abs=1e-6)
    assert f"the model is PCA of width {NARROW}" in " ".join(repr(straight).split())
    assert f"{straight.about['held_out']['pca_r2']:.4f}" in repr(straight)
    assert straight.applicability(flat).share == 0
    assert straight.widths == {"L2": NARROW}
    assert not straight.encode(x_ng, "L1").any()
    assert straight.encode(x_ng, "L3").shape == (240, 64)
    lit, axes_kg = gl.light_up(straight, "L2").values_kg, gl.light_up(pca, "PC").values_kg
    # Its nodes are PCA's axes, rotated.
    _, left, *_ = np.linalg.lstsq(axes_kg.T, lit.T, rcond=None)
    assert (left < 1e-3 * (lit**2).sum(1)).all()
    steps = straight.steps
    code = steps.encoder("L2")(torch.from_numpy((x_ng @ steps.entry_gc).astype(np.float32))).numpy()
    np.testing.assert_allclose(code, straight.encode(x_ng, "L2"), atol=1e-4)
    np.testing.assert_allclose(code @ steps.exit_wg + straight.space.centre_g, straight.reconstruct(x_ng), atol=1e-4)


def test_no_sample_is_given_back_worse_than_by_the_straight_line(model):
    far = table(curved=True, seed=3)
    far.X = far.X + np.random.default_rng(0).normal(scale=4.0, size=far.shape) * (np.arange(240) % 2)[:, None]
    found = model.applicability(far)
    assert 0 < found.share < 1
    assert (np.where(found.deep_n, found.deep_error_n, found.line_error_n) <= found.line_error_n).all()
    pca_n = squared_errors(replace_by_line(model), model.prepare(far))[0]
    own_n = squared_errors(model, model.prepare(far))[0]
    assert (own_n <= pca_n * (1 + 1e-5)).all()
    np.testing.assert_allclose(found.line_error_n * GENES, pca_n, rtol=1e-3)
    assert "of 240 samples" in repr(found)


def replace_by_line(model):
    """The same model, its deep branch shut."""
    return type(model)(
        model.preparation, model.space, model.net, spec=model.spec, ranges={},
        settings=model.settings | {"deep": False}, history=[],
    )  # fmt: skip


def test_a_cohort_takes_one_branch_and_each_sample_is_decided_by_itself(model, curved):
    curved = curved.copy()
    curved.obs["cohort"] = ["a", "b"] * 120
    found = model.applicability(curved, cohort="cohort").deep_n
    assert len(set(found[::2])) == len(set(found[1::2])) == 1
    x_ng = model.prepare(curved)
    together = model.encode(x_ng, "L2", cohort=curved.obs["cohort"])
    assert together.shape == (240, NARROW)
    for layer in model.widths:
        alone = np.concatenate([model.encode(x_ng[i : i + 1], layer) for i in range(6)])
        np.testing.assert_allclose(alone, model.encode(x_ng, layer)[:6], atol=1e-3)
    with pytest.raises(InputError, match="cohort has shape"):
        model.encode(x_ng, "L2", cohort=["a"])
    with pytest.raises(UnknownNameError, match="cohrt"):
        model.applicability(curved, cohort="cohrt")


def test_in_a_cohort_the_deep_branch_has_to_be_better_about_the_mean_as_well():
    line = np.array([[1.0, 1.0], [1.0, -1.0]])
    # Less of the mean is left, but more of what sets the samples apart.
    deep = np.array([[0.0, 1.1], [0.0, -1.1]])
    assert deep_is_better(line, deep, None).tolist() == [True, True]
    assert deep_is_better(line, deep, np.array(["a", "a"])).tolist() == [False, False]
    assert deep_is_better(line, deep, np.array(["a", "b"])).tolist() == [True, True]


def test_it_comes_back_from_disk_and_from_its_spec(model, curved, tmp_path):
    model.save(tmp_path / "model")
    back = gl.load(tmp_path / "model")
    x_ng = model.prepare(curved)
    assert (back.digest, back.spec, repr(back)) == (model.digest, model.spec, repr(model))
    for layer in model.widths:
        np.testing.assert_array_equal(back.encode(x_ng, layer), model.encode(x_ng, layer))
        h_nk = model.encode(x_ng, layer)
        np.testing.assert_array_equal(back.decode(h_nk, layer), model.decode(h_nk, layer))
    assert back.spec.fit(curved).digest == model.digest
    assert "Its deep branch reconstructs groups left out better" in (tmp_path / "model" / "CARD.md").read_text()
    assert json.loads((tmp_path / "model" / "config.json").read_text())["settings"]["deep"] is True


def test_its_inside_is_what_it_decodes_and_codes_by(model, curved):
    steps, x_ng = model.steps, model.prepare(curved)
    c = torch.from_numpy(x_ng @ steps.entry_gc)
    coordinates = torch.from_numpy(model.space.coordinates(x_ng)) / model.net.unit
    np.testing.assert_allclose(steps.encoder("L1")(c), model.net.first(coordinates), atol=1e-4)
    np.testing.assert_allclose(steps.encoder("L2")(c), model.net.code(coordinates), atol=1e-4)
    np.testing.assert_allclose(steps.encoder("L3")(c), model.net.last(model.net.code(coordinates)), atol=1e-4)
    for layer in model.widths:
        h_nk = model.encode(x_ng, layer)
        genes = steps.decoder(layer)(torch.from_numpy(h_nk)).numpy() @ steps.exit_wg
        change = model.decode(h_nk, layer) - model.decode(np.zeros_like(h_nk[:1]), layer)
        none = steps.decoder(layer)(torch.zeros(1, h_nk.shape[1])).numpy() @ steps.exit_wg
        np.testing.assert_allclose(genes - none, change, atol=1e-3)


def test_every_layer_is_lit_mapped_and_read(model, curved):
    for layer in model.widths:
        lit = gl.light_up(model, layer)
        assert lit.values_kg.shape == (model.widths[layer], GENES)
        assert np.isfinite(lit.values_kg).all()
        assert lit.values_kg.any()
    connected = gl.nodes.layer_map(curved, model)
    assert set(zip(connected["source_layer"], connected["target_layer"], strict=True)) == {
        ("L1", "L2"), ("L2", "L3"), ("L1", "L3"),
    }  # fmt: skip
    plan = gl.patients.Protocol(folds=3, draws=0)
    curved = curved.copy()
    curved.obs["measure"] = np.asarray(curved.X)[:, 0]
    severity = gl.patients.severity(curved, model, measure="measure", subject="subject", protocol=plan)
    scored = gl.score(curved[:4].copy(), model, severity=severity)
    assert len(scored.table) == 4


@pytest.mark.parametrize("method", [method for method in gl.nodes.ATTRIBUTIONS if method != "traversal"])
@pytest.mark.parametrize("layer", ["L1", "L2", "L3"])
def test_every_attribution_reads_every_layer(model, layer, method):
    found = gl.light_up(model, layer, method=method)
    assert found.values_kg.shape == (model.widths[layer], GENES)
    assert np.isfinite(found.values_kg).all()
    assert found.values_kg.any()


def test_nodes_of_the_bottleneck_are_rotated_and_what_is_given_back_is_not(model, curved):
    x_ng = model.prepare(curved)
    turned = deepcopy(model)
    angle = 0.7
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], dtype=np.float32)
    turned.net.rotate(rotation)
    np.testing.assert_allclose(turned.reconstruct(x_ng), model.reconstruct(x_ng), atol=1e-3)
    np.testing.assert_allclose(turned.encode(x_ng, "L2"), model.encode(x_ng, "L2") @ rotation.T, atol=2e-3)
    np.testing.assert_allclose(turned.encode(x_ng, "L1"), model.encode(x_ng, "L1"), atol=1e-4)
    assert model.deep
    assert not np.allclose(model.net.rotation.numpy(), np.eye(NARROW), atol=1e-2)
    axes_gk = model.space.subspace.basis_gk[:, :NARROW] * model.net.sd[:NARROW].numpy()
    np.testing.assert_allclose(np.abs(varimax(axes_gk)), np.abs(model.net.rotation.numpy()), atol=1e-5)


def test_folds_and_ensembles_fit_it_again(curved):
    quick = replace(SPEC, recipe=DeepRecipe(epochs=3))
    folds = Folds.by_subject(curved, quick, k=2)
    assert [fitted.net.widths for fitted in folds] == [(64, NARROW, 64)] * 2
    model = quick.fit(curved)
    members = Ensemble.fit(curved, model, seeds=2).members
    assert [member.widths for member in members] == [model.widths] * 2
    assert len({member.digest for member in members}) == 2
    assert Deep(subject="subject").sized([curved.obs["subject"].to_numpy()], genes=GENES).widths == (512, 32, 2048)


def test_a_group_is_left_out_whole_and_too_few_are_refused(curved):
    curved = curved.copy()
    curved.obs["study"] = [f"study {i % 3}" for i in range(240)]
    with pytest.raises(InputError, match=r"240 samples of 3 groups \(column 'study'\) are too few, at least 5"):
        replace(SPEC, group="study").fit(curved)
    curved.obs["study"] = [f"study {i % 10}" for i in range(240)]
    found = replace(SPEC, group="study", recipe=DeepRecipe(epochs=2)).fit(curved)
    assert (found.about["held_out"]["subjects"], found.about["held_out"]["samples"]) == (2, 48)
    with pytest.raises(InputError, match="three layers"):
        Deep((16, 8))
    with pytest.raises(InputError, match="allow a bottleneck of 1 to"):
        Deep((8, 200, 8)).fit(curved)
    assert isinstance(spec_of("deep", (8, 4, 8), epochs=3).recipe, DeepRecipe)


def test_missing_values_are_completed_and_count_for_nothing(curved):
    holes = np.zeros(curved.shape, dtype=bool)
    holes[np.ix_(np.arange(240) % 40 < 12, np.arange(GENES) % 7 == 0)] = True
    gone = curved.copy()
    gone.X = np.where(holes, np.nan, curved.X)
    asked = gl.pp.PreparationSettings(missing=True)
    with pytest.raises(InputError, match="missing"):
        SPEC.fit(gone)
    model = replace(SPEC, preparation=asked).fit(gone)
    assert model.deep
    x_ng, seen_ng = model.prepare(gone), ~np.isnan(model.preparation.transform(gone))
    np.testing.assert_array_equal(~seen_ng, holes)
    whole_ng = model.preparation.transform(curved)
    np.testing.assert_array_equal(x_ng[seen_ng], whole_ng[seen_ng])
    left = ((x_ng - whole_ng)[holes] ** 2).sum() / (whole_ng[holes] ** 2).sum()
    assert left < 0.6
    sse_n, sst_n = squared_errors(model, x_ng, seen_ng=seen_ng)
    by_hand = (((x_ng - model.reconstruct(x_ng)) * seen_ng) ** 2).sum(1)
    np.testing.assert_allclose(sse_n, by_hand, rtol=1e-4)
    assert (sst_n[holes.any(1)] < squared_errors(model, x_ng)[1][holes.any(1)]).all()
    pca = PCA(NARROW, preparation=asked).fit(gone)
    assert r2(model, x_ng) > r2(pca, pca.prepare(gone)) + 0.05


def test_completion_of_a_low_rank_table_finds_what_was_hidden():
    rng = np.random.default_rng(0)
    whole = (rng.normal(size=(80, 3)) @ rng.normal(size=(3, 60)) + 0.01 * rng.normal(size=(80, 60))).astype(np.float32)
    holes = np.zeros((80, 60), dtype=bool)
    holes[:20, :15] = holes[20:40, 15:30] = True
    found = completed(np.where(holes, np.nan, whole).astype(np.float32))
    np.testing.assert_array_equal(found[~holes].round(4), whole[~holes].round(4))
    assert ((found - whole)[holes] ** 2).mean() < 0.6 * (whole[holes] ** 2).mean()


def test_training_is_that_of_torchs_adamw_and_one_cycle():
    c_nk = (np.random.default_rng(0).normal(size=(300, 40)) * np.linspace(2, 0.1, 40)).astype(np.float32)
    recipe = DeepRecipe(epochs=6)

    def fresh() -> DeepNet:
        return DeepNet((c_nk**2).mean(0), (32, 4, 32), dropout=0.2, seed=0)

    ours, theirs = fresh(), fresh().train()
    train_deep(ours, c_nk, recipe, seed=0, says="")
    x, draw = torch.from_numpy(c_nk) / theirs.unit, torch.Generator().manual_seed(0)
    adam = torch.optim.AdamW(theirs.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    cycle = torch.optim.lr_scheduler.OneCycleLR(adam, recipe.rate, total_steps=19, pct_start=recipe.rise)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        for _ in range(6):
            for rows in torch.randperm(300, generator=draw).split(128):
                adam.zero_grad()
                (theirs(x[rows]) - x[rows]).square().mean().backward()
                torch.nn.utils.clip_grad_norm_(theirs.parameters(), recipe.clip)
                adam.step()
                cycle.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other.detach(), atol=2e-6, rtol=1e-4)


def test_before_training_it_is_pca():
    rng = np.random.default_rng(0)
    x_ng = rng.normal(size=(80, 12)) @ rng.normal(size=(12, 30)) + rng.normal(size=(80, 30))
    pca, narrow = decomposition.PCA(24).fit(x_ng), decomposition.PCA(3).fit(x_ng)
    net = DeepNet(pca.explained_variance_, (16, 3, 40), dropout=0.2, seed=0, decoders=4).eval()
    x = torch.from_numpy(pca.transform(x_ng).astype(np.float32)) / net.unit
    with torch.no_grad():
        back_ng = pca.inverse_transform(net(x).numpy() * net.unit)
    np.testing.assert_allclose(back_ng, narrow.inverse_transform(narrow.transform(x_ng)), atol=1e-5)


def test_each_decoder_learns_by_itself_and_their_mean_is_read():
    variance_k = np.linspace(2, 0.1, 12) ** 2
    net = DeepNet(variance_k, (16, 3, 20), dropout=0.0, seed=0, decoders=3)
    torch.nn.init.normal_(net.write.weight)
    code, x = torch.randn(5, 3), torch.randn(5, 12)
    outs = net.each(code)
    assert len(outs) == 3
    torch.testing.assert_close(torch.stack(outs).mean(0), net.decode(code))
    (outs[0] - x).square().mean().backward()
    parts = net.write.weight.grad.tensor_split(3, 1)
    assert parts[0].abs().max() > 0
    assert max(float(part.abs().max()) for part in parts[1:]) == 0


def test_the_default_is_deep_from_a_thousand_samples_on_or_where_a_group_is_named():
    assert named_for("default", None, samples=999) == "default"
    assert named_for("default", None, samples=1000) == "deep"
    assert named_for("default", (8, 4), samples=5000) == "default"
    assert named_for("default", (8, 4, 8), samples=60, group="study") == "deep"
    assert named_for("paper", None, samples=5000) == "paper"


def test_a_table_of_studies_that_lack_genes_keeps_them(curved):
    holes = curved.copy()
    holes.X = holes.X.copy()
    holes.X[:60, :20] = np.nan
    found = settings_for("deep", holes)
    assert (found.missing, found.standardise) == (True, "centre")
    assert not settings_for("deep", curved).missing
    assert not settings_for("default", holes).missing
    model = gl.fit(holes, preset="deep", widths=(16, 2, 16), subject="subject", epochs=1)
    assert len(model.genes) == GENES
    assert np.isfinite(model.prepare(holes)).all()


def test_a_bottleneck_wider_than_the_recipes_rank_has_the_axes_that_it_needs(curved):
    model = Deep((16, 12, 16), recipe=DeepRecipe(rank=8, epochs=1)).fit(curved)
    assert model.settings["rank"] == 24
    assert model.encode(model.prepare(curved[:5]), "L2").shape == (5, 12)


def test_ranges_are_those_of_the_codes_however_many_nodes(curved):
    model = Deep((130, NARROW, 200), subject="subject", recipe=replace(RECIPE, epochs=20)).fit(curved)
    assert model.deep
    x_ng = model.prepare(curved)
    for layer, width in (("L1", 130), ("L2", NARROW), ("L3", 200)):
        want, got = CodeRange.of(model.encode(x_ng, layer)), model.code_range(layer)
        assert len(got.mean) == width
        for name, values in vars(want).items():
            np.testing.assert_allclose(getattr(got, name), values, atol=1e-4, err_msg=f"{layer} {name}")
