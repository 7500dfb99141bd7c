"""Members of an ensemble: their own draws, one space, one folder."""

import json

import numpy as np
import pytest

from genelight import demo, models, simulate
from genelight._core.provenance import sealed
from genelight.errors import FormatError, InputError, UnknownNameError
from genelight.models.ensemble import Ensemble
from genelight.stats.subjects import redrawn, rows_of_subjects


@pytest.fixture(scope="module")
def adata():
    return simulate.cohort(30, visits=2, n_genes=200, programmes=simulate.Programmes(number=4, size=20))


@pytest.fixture(scope="module")
def model(adata):
    return models.fit(adata, widths=(16, 8), subject="subject", epochs=10)


@pytest.fixture(scope="module")
def ensemble(adata, model):
    return models.Ensemble.fit(adata, model, seeds=3, subject="subject")


def test_members_differ_and_reconstruct(adata, model, ensemble):
    x_ng = model.prepare(adata)
    assert len({member.digest for member in ensemble}) == 3
    assert all(models.r2(member, x_ng) > 0.5 * models.r2(model, x_ng) for member in ensemble)


def test_without_resampling_members_differ_by_seed_alone(adata, model):
    a, b = models.Ensemble.fit(adata, model, seeds=2, subject="subject", resample=False)
    x_ng = model.prepare(adata)
    assert a.digest != b.digest
    assert models.r2(a, x_ng) == pytest.approx(models.r2(model, x_ng), abs=0.02)
    for layer in a.widths:
        np.testing.assert_allclose(a.code_range(layer).maximum, a.encode(x_ng, layer).max(0), rtol=1e-4)


def test_the_same_seed_gives_the_same_members(adata, model, ensemble):
    again = models.Ensemble.fit(adata, model, seeds=3, subject="subject")
    assert [a.digest for a in again] == [b.digest for b in ensemble]


def test_members_share_one_subspace_in_memory(ensemble):
    assert all(member.subspace is ensemble.members[0].subspace for member in ensemble)


@pytest.mark.parametrize("kind", [models.PCA, models.ICA])
def test_linear_models_are_drawn_too(adata, kind):
    members = models.Ensemble.fit(adata, kind(6).fit(adata), seeds=2, subject="subject").members
    np.testing.assert_allclose(members[0].basis_gk.T @ members[0].basis_gk, np.eye(6), atol=1e-4)
    assert members[0].digest != members[1].digest


def test_pca_of_a_draw_is_pca_of_those_samples(adata):
    pca = models.PCA(4).fit(adata)
    member = models.Ensemble.fit(adata, pca, seeds=2, subject="subject", seed=7).members[0]
    subject_n = np.unique(adata.obs["subject"].astype(str), return_inverse=True)[1]
    x_ng = pca.prepare(adata)[redrawn(rows_of_subjects(subject_n), np.random.default_rng((7, 0)))].astype(np.float64)
    _, _, vt = np.linalg.svd(x_ng - x_ng.mean(0), full_matrices=False)
    np.testing.assert_allclose(np.abs(np.sum(vt[:4].T * member.basis_gk, axis=0)), 1, atol=1e-3)


def test_a_draw_keeps_subjects_whole():
    subject_n = np.repeat(np.arange(20), 3)
    rows = redrawn(rows_of_subjects(subject_n), np.random.default_rng(0))
    counts = np.bincount(rows, minlength=60).reshape(20, 3)
    assert len(rows) == 60
    assert (counts == counts[:, :1]).all()
    assert 0 in counts


def test_save_and_load(ensemble, tmp_path):
    ensemble.save(tmp_path / "e")
    again = models.Ensemble.load(tmp_path / "e")
    assert [a.digest for a in again] == [b.digest for b in ensemble]


def test_a_member_that_was_exchanged(ensemble, tmp_path):
    ensemble.save(tmp_path / "e")
    ensemble.members[0].save(tmp_path / "e" / "01")
    with pytest.raises(FormatError, match="01 is not the model that was saved with this ensemble"):
        models.Ensemble.load(tmp_path / "e")


def test_a_newer_format(tmp_path):
    (tmp_path / "ensemble.json").write_text(json.dumps(sealed({"format": 99, "members": {}})))
    with pytest.raises(FormatError, match="has format 99, newer than 1"):
        models.Ensemble.load(tmp_path)


def test_an_ensemble_of_one(adata, model):
    with pytest.raises(InputError, match="an ensemble of 1 has nothing to compare; use seeds=2 or more"):
        models.Ensemble.fit(adata, model, seeds=1)
    with pytest.raises(InputError, match="an ensemble of 1 has nothing to compare"):
        Ensemble((model,))


def test_members_of_other_genes(model):
    other = models.PCA(8).fit(demo.cohort())
    with pytest.raises(InputError, match="member 1 has 4147 genes"):
        Ensemble((model, other))


def test_a_column_that_is_not_there(adata, model):
    with pytest.raises(UnknownNameError, match="unknown subject column 'patient'"):
        models.Ensemble.fit(adata, model, subject="patient")


def test_members_of_other_widths_on_the_models_own_space(adata, model):
    members = models.Ensemble.fit(adata, model, seeds=2, widths=(12, 6, 3), subject="subject").members
    assert [dict(member.widths) for member in members] == [{"L1": 12, "L2": 6, "L3": 3}] * 2
    assert all(member.settings["widths"] == [12, 6, 3] for member in members)
    assert members[0].subspace is model.subspace
    ica = models.Ensemble.fit(adata, models.ICA(6).fit(adata), seeds=2, widths=(4,)).members
    assert dict(ica[0].widths) == {"IC": 4}


def test_widths_that_do_not_go(adata, model):
    with pytest.raises(InputError, match="60 training samples"):
        models.Ensemble.fit(adata, model, widths=(64,), subject="subject")
    with pytest.raises(InputError, match="a model of kind pca has one layer"):
        models.Ensemble.fit(adata, models.PCA(4).fit(adata), widths=(4, 2))
