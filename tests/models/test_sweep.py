"""A sweep is the held-out comparison it says it is, and goes on where it was."""

import os
import uuid

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold

from genelight import models
from genelight.errors import FormatError, InputError, UnknownNameError
from genelight.models import Grid
from genelight.models.reconstruct import squared_errors

sweep_file = pytest.importorskip("optuna", reason="the extra sweep") and __import__(
    "genelight.models.sweep", fromlist=["_compared"]
)
pytestmark = [
    # Optuna's own storage and its drivers.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
GRID = Grid((4, 6), (1,), ("relu",), preset="plain")


@pytest.fixture(scope="module", autouse=True)
def short():
    """A plain preset of few epochs."""
    entry = models.PRESETS.entry("plain")
    from dataclasses import replace

    quick = replace(entry.what, recipe=replace(entry.what.recipe, epochs=3))
    models.PRESETS._entries["plain"] = replace(entry, what=quick)
    yield
    models.PRESETS._entries["plain"] = entry


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('sweep')}/sweep.db"


@pytest.fixture(scope="module")
def table(cohort, database):
    return GRID.sweep(cohort, subject="subject", storage=database)


def test_every_combination_is_there_the_best_first(table):
    assert sorted(table["width"]) == [4, 6]
    assert set(table["activation"]) == {"relu"}
    assert table["r2"].is_monotonic_decreasing
    assert (table["low"] <= table["r2"]).all()
    assert (table["r2"] <= table["high"]).all()
    np.testing.assert_allclose(table["gain"], table["r2"] - table["pca_r2"])


def test_a_row_is_what_a_plain_cross_validation_finds(table, cohort):
    subject_n = cohort.obs["subject"].astype(str).to_numpy()
    lost = total = pca = 0.0
    for train, test in GroupKFold(3, shuffle=True, random_state=0).split(subject_n, groups=subject_n):
        learners = cohort[train].copy()
        model = models.fit(learners, preset="plain", widths=(6,), subject="subject")
        x_ng = model.prepare(cohort[test])
        total += (x_ng.astype(float) ** 2).sum()
        lost += squared_errors(model, x_ng)[0].sum()
        pca += squared_errors(models.PCA(6).fit(learners), x_ng)[0].sum()
    row = table.set_index("width").loc[6]
    assert row["r2"] == pytest.approx(1 - lost / total, abs=1e-6)
    assert row["pca_r2"] == pytest.approx(1 - pca / total, abs=1e-6)


def test_it_goes_on_where_it_was(table, cohort, database, monkeypatch):
    seen, trial = [], sweep_file._compared

    def count(*args, **settings):
        value = trial(*args, **settings)
        seen.append(args[0])
        return value

    monkeypatch.setattr(sweep_file, "_compared", count)
    again = GRID.sweep(cohort, subject="subject", storage=database)
    assert seen == []
    assert again.equals(table)
    more = Grid((4, 6), (1, 2), ("relu",), preset="plain").sweep(cohort, subject="subject", storage=database)
    assert [params["depth"] for params in seen] == [2, 2]
    assert len(more) == 4


@pytest.mark.skipif("GENELIGHT_POSTGRES" not in os.environ, reason="needs GENELIGHT_POSTGRES=postgresql://user@host/db")
def test_a_server_keeps_a_sweep_as_a_file_does(table, cohort, monkeypatch):
    server, name = os.environ["GENELIGHT_POSTGRES"], f"test-{uuid.uuid4()}"
    first = Grid((4,), (1,), ("relu",), preset="plain").sweep(cohort, subject="subject", storage=server, name=name)
    assert len(first) == 1
    seen, trial = [], sweep_file._compared
    monkeypatch.setattr(sweep_file, "_compared", lambda *a, **s: seen.append(a[0]) or trial(*a, **s))
    whole = GRID.sweep(cohort, subject="subject", storage=server, name=name)
    assert [each["width"] for each in seen] == [6]
    assert list(whole) == list(table)
    assert whole.round(9).equals(table.round(9))


def test_two_at_once_share_the_work(cohort, tmp_path, monkeypatch):
    storage, fitted, trial = f"sqlite:///{tmp_path}/sweep.db", [], sweep_file._compared

    def meanwhile(*args, **settings):
        value = trial(*args, **settings)
        fitted.append(args[0]["width"])
        if len(fitted) == 1:
            GRID.sweep(cohort, subject="subject", storage=storage)
        return value

    monkeypatch.setattr(sweep_file, "_compared", meanwhile)
    table = Grid((4, 6, 8), (1,), ("relu",), preset="plain").sweep(cohort, subject="subject", storage=storage)
    assert len(table) == 3
    # The other began while the first was still at work, so that one alone may be done twice.
    assert len(fitted) <= 4


def test_a_storage_of_other_data_is_refused(table, cohort, database):
    with pytest.raises(InputError, match="holds a sweep 'sweep' of other data or settings; name another storage"):
        GRID.sweep(cohort[:40].copy(), subject="subject", storage=database)


@pytest.mark.parametrize("storage", ["sqlite:////nowhere/at/all.db", "sweep.db"])
def test_a_storage_that_cannot_be_opened(cohort, storage):
    with pytest.raises(FormatError, match=r"(?s)cannot be opened .*write for example sqlite:///sweep\.db"):
        GRID.sweep(cohort, subject="subject", storage=storage)


def test_what_does_not_fit(cohort, monkeypatch):
    with pytest.raises(InputError, match="24 subjects do not make 30 folds"):
        GRID.sweep(cohort, subject="subject", folds=30)
    with pytest.raises(InputError, match="widths is empty"):
        Grid(())
    with pytest.raises(UnknownNameError, match="unknown activation 'rleu'; did you mean"):
        Grid(activations=("rleu",))
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(InputError, match=r"pip install 'genelight\[sweep\]'"):
        GRID.sweep(cohort)
