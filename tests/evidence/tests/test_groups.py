"""What layers know of the samples: foreign references, planted labels, planted batches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest
from sklearn.metrics import silhouette_score

from genelight.errors import InputError, UnknownNameError
from genelight.evidence import Samples
from genelight.evidence._measures import MEASURES, silhouette
from genelight.evidence._samples import target_of
from genelight.evidence.tests.groups import groups


def table(codes: np.ndarray, obs: pd.DataFrame, **more: object) -> pd.DataFrame:
    labels = more.pop("labels", ["label"])
    samples = Samples(obs, labels=labels, batch=more.pop("batch", []), subject=more.pop("subject", None))
    return groups({"toy L1": codes}, samples, **more).table.set_index(["test", "reference"])


@pytest.mark.parametrize("seed", range(3))
def test_silhouette_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    h = rng.normal(size=(60, 5))
    label_rn = np.stack([rng.permutation(np.arange(60) % c) for c in (4, 4, 4)])
    distance = np.sqrt(((h[:, None] - h) ** 2).sum(2))
    found = silhouette(distance, np.eye(4)[label_rn])
    np.testing.assert_allclose(found, [silhouette_score(h, label) for label in label_rn], rtol=1e-12)
    found = table(h, pd.DataFrame({"label": label_rn[0].astype(str)}), draws=5)
    assert found.loc[("silhouette", "obs: label"), "statistic"] == pytest.approx(
        silhouette_score(h, label_rn[0]), abs=1e-6
    )


def test_a_class_of_one_has_silhouette_zero() -> None:
    h = np.array([[0.0], [1.0], [5.0]])
    label = np.array([0, 0, 1])
    found = silhouette(np.abs(h - h.T), np.eye(2)[label[None]])
    assert found[0] == pytest.approx(silhouette_score(h, label))


def test_variance_explained_is_r_squared() -> None:
    rng = np.random.default_rng(0)
    h = rng.normal(size=(50, 3))
    obs = pd.DataFrame({"label": np.repeat(list("ab"), 25), "age": rng.normal(size=50)})
    found = table(h, obs, labels=["label", "age"], draws=5)
    total = ((h - h.mean(0)) ** 2).sum()
    between = sum(25 * ((h[obs["label"] == c].mean(0) - h.mean(0)) ** 2).sum() for c in "ab")
    assert found.loc[("variance", "obs: label"), "statistic"] == pytest.approx(between / total, rel=1e-5)
    design = np.column_stack([np.ones(50), obs["age"]])
    rest = h - design @ np.linalg.lstsq(design, h, rcond=None)[0]
    assert found.loc[("variance", "obs: age"), "statistic"] == pytest.approx(1 - (rest**2).sum() / total, rel=1e-5)


def test_planted_label_is_found_by_every_measure_and_a_random_one_by_none() -> None:
    rng = np.random.default_rng(1)
    label = np.repeat(["x", "y", "z"], 20)
    h = rng.normal(size=(60, 8))
    h[label == "x", 0] += 4
    h[label == "y", 1] += 4
    obs = pd.DataFrame({"label": label, "noise": rng.permutation(label)})
    found = table(h, obs, labels=["label", "noise"], draws=199)
    for measure in MEASURES:
        assert found.loc[(measure, "obs: label"), "p"] == 1 / 200
        assert found.loc[(measure, "obs: noise"), "p"] > 0.01
    assert found.loc[("probe", "obs: label"), "statistic"] > 0.8


def test_a_rare_class_is_not_outvoted() -> None:
    rng = np.random.default_rng(2)
    label = np.array(["ill"] * 110 + ["well"] * 10)
    h = rng.normal(size=(120, 4)) + 5 * (label == "well")[:, None]
    assert table(h, pd.DataFrame({"label": label}), draws=9).loc[("probe", "obs: label"), "statistic"] > 0.95


def test_an_amount_is_predicted() -> None:
    rng = np.random.default_rng(3)
    h = rng.normal(size=(80, 4))
    obs = pd.DataFrame({"label": h[:, 0] + 0.1 * rng.normal(size=80)})
    found = table(h, obs, draws=99)
    assert found.loc[("probe", "obs: label"), "statistic"] > 0.8
    assert ("silhouette", "obs: label") not in found.index


def test_codes_that_only_know_the_subject_say_nothing_of_a_label() -> None:
    """Twenty samples of each subject lie together; without subjects a random label would look real."""
    rng = np.random.default_rng(4)
    p, naive = [], []
    for _ in range(20):
        subject = np.repeat(np.arange(12), 20)
        h = 3 * rng.normal(size=(12, 4))[subject] + rng.normal(size=(240, 4))
        label = rng.permutation(["a"] * 6 + ["b"] * 6)[subject]
        obs = pd.DataFrame({"label": label, "subject": subject.astype(str)})
        p.append(table(h, obs, subject="subject", draws=99).loc[("variance", "obs: label"), "p"])
        naive.append(table(h, obs, draws=99).loc[("variance", "obs: label"), "p"])
    assert kstest(p, "uniform").pvalue > 0.01
    assert np.mean(np.array(naive) <= 0.02) > 0.8


def test_codes_that_only_know_the_batch_say_nothing_of_a_label_confounded_with_it() -> None:
    rng = np.random.default_rng(5)
    batch = np.repeat(["one", "two"], 50)
    label = np.where(rng.random(100) < np.where(batch == "one", 0.8, 0.2), "ill", "well")
    h = rng.normal(size=(100, 4)) + 4 * (batch == "two")[:, None]
    obs = pd.DataFrame({"label": label, "batch": batch})
    found = table(h, obs, batch=["batch"], draws=199)
    for measure in MEASURES:
        assert found.loc[(measure, "obs: label"), "p"] > 0.01
        assert found.loc[(measure, "obs: batch"), "p"] == 1 / 200
    assert table(h, obs, draws=199).loc[("variance", "obs: label"), "p"] == 1 / 200


def test_shuffles_stay_where_they_belong() -> None:
    rng = np.random.default_rng(6)
    obs = pd.DataFrame(
        {
            "subject": np.repeat(np.arange(20), 3).astype(str),
            "batch": np.repeat(["one", "two"], 30),
            "fixed": np.repeat(rng.permutation(["a", "b"] * 10), 3),
            "visit": np.tile(["first", "second", "third"], 20),
        }
    )
    samples = Samples(obs, labels=["fixed", "visit"], batch=["batch"], subject="subject")
    fixed = target_of(samples, "fixed", draws=50, seed=0)
    assert fixed.shuffled == "subjects"
    by_subject = fixed.value_rn.reshape(51, 20, 3)
    assert (by_subject == by_subject[:, :, :1]).all()
    counts = by_subject[:, :, 0].reshape(51, 2, 10).sum(2)
    assert (counts == counts[0]).all()
    assert len(np.unique(fixed.value_rn, axis=0)) > 40
    visit = target_of(samples, "visit", draws=50, seed=0)
    assert visit.shuffled == "samples within subjects"
    assert (np.sort(visit.value_rn.reshape(51, 20, 3), axis=2) == np.arange(3)).all()


def test_neighbours_are_of_other_subjects() -> None:
    """Two samples a subject, at one place: purity of a random label stays at chance."""
    rng = np.random.default_rng(7)
    place = rng.normal(size=(60, 3))
    subject = np.repeat(np.arange(60), 2)
    obs = pd.DataFrame({"label": np.repeat(rng.permutation(["a", "b"] * 30), 2), "subject": subject.astype(str)})
    found = table(place[subject], obs, subject="subject", draws=19)
    assert abs(found.loc[("neighbours", "obs: label"), "statistic"] - 0.5) < 0.1


def test_every_column_is_described_and_labels_without_members_are_not() -> None:
    rng = np.random.default_rng(8)
    obs = pd.DataFrame(
        {
            "label": np.repeat(["a", "b"], 20),
            "age": rng.normal(size=40),
            "site": np.tile(["n", "s"], 20),
            "name": [f"s{i}" for i in range(40)],
            "one": "same",
        }
    )
    found = groups({"toy L1": rng.normal(size=(40, 3))}, Samples(obs, labels=["label"]), draws=9, every_column=True)
    explained = found.table[found.table["test"] == "variance"]["reference"]
    assert sorted(explained) == ["obs: age", "obs: label", "obs: site"]


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (["a"] * 39 + ["b"], "1 of them with 3 subjects"),
        ([1.0] * 40, "no two different numbers"),
        ([f"c{i}" for i in range(40)], "0 of them"),
    ],
)
def test_labels_that_cannot_be_measured(column: list[object], says: str) -> None:
    obs = pd.DataFrame({"label": column})
    with pytest.raises(InputError, match=says):
        groups({"toy L1": np.zeros((40, 2))}, Samples(obs, labels=["label"]))


def test_bad_input_is_named() -> None:
    obs = pd.DataFrame({"disease": ["a", "b"] * 10})
    with pytest.raises(UnknownNameError, match="did you mean 'disease'"):
        Samples(obs, labels=["diseases"])
    samples = Samples(obs, labels=["disease"])
    with pytest.raises(InputError, match="20 samples"):
        groups({"toy L1": np.zeros((19, 2))}, samples)
    with pytest.raises(InputError, match="1 of 2 nodes of toy L1"):
        groups({"toy L1": np.full((20, 2), [0.0, np.nan])}, samples)
