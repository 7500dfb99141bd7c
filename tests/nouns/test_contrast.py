import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genelight.errors import InputError, UnknownNameError
from genelight.nouns import Contrast
from genelight.nouns.contrast_checks import check_people


def cohort(subjects: int = 10, visits: int = 2) -> pd.DataFrame:
    """Every subject at every visit; the first half are ill."""
    rows = [(f"p{s}", "ill" if s < subjects / 2 else "well", v) for s in range(subjects) for v in range(visits)]
    obs = pd.DataFrame(rows, columns=["subject", "condition", "visit"])
    return obs.set_index(pd.Index([f"s{i}" for i in range(len(obs))]))


def test_a_contrast_says_who_is_what():
    obs = cohort()
    contrast = Contrast.of(obs, case='condition == "ill" and visit == 1', control="visit == 0", subject="subject")
    np.testing.assert_array_equal(contrast.case_n, (obs["condition"] == "ill") & (obs["visit"] == 1))
    np.testing.assert_array_equal(contrast.used_n, (obs["visit"] == 0) | contrast.case_n)
    assert contrast.name == 'condition == "ill" and visit == 1 against visit == 0'
    taken = contrast.take(contrast.used_n)
    assert taken.used_n.all()
    assert len(taken.subject_n) == contrast.used_n.sum()


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from("cdx")), min_size=1, max_size=60))
def test_each_group_sums_to_one_with_an_equal_say_for_every_subject(rows):
    subject, group = np.array([f"p{s}" for s, _ in rows], object), np.array([g for _, g in rows])
    weight = Contrast(group == "c", group == "d", subject, "").weight_n()
    assert not weight[group == "x"].any()
    for role in "cd":
        shares = pd.Series(weight[group == role]).groupby(subject[group == role]).sum()
        if len(shares):
            np.testing.assert_allclose(shares, 1 / len(shares))


@pytest.mark.parametrize(
    ("case", "control", "subject", "error", "said"),
    [
        ("visit == 1", 'condition == "ill"', "subject", InputError, "5 of 20 samples are case"),
        ('condition == "ill" and subject not in ["p0", "p1", "p2"]', 'condition == "well"', "subject", InputError,
         "the case group has 4 samples of 2 subjects, at least 3"),
        ('condition == "ill"', 'subject == "p9"', "subject", InputError, "the control group has 2 samples of 1 subj"),
        ('condition == "ill"', 'condition == "well"', "subjct", UnknownNameError, "did you mean 'subject'"),
        ('condition == "ill"', 'condition == "wel"', "subject", InputError, "control = "),
        ('conditon == "ill"', 'condition == "well"', "subject", UnknownNameError, "did you mean 'condition'"),
    ],
)  # fmt: skip
def test_a_contrast_that_cannot_stand_says_why(case, control, subject, error, said):
    with pytest.raises(error) as caught:
        Contrast.of(cohort(), case=case, control=control, subject=subject)
    assert said in str(caught.value)


def test_a_sample_without_a_subject_is_named():
    obs = cohort()
    obs.loc["s3", "subject"] = None
    with pytest.raises(InputError, match=r"subject column 'subject' is missing for 1 of 20 samples, the first 's3'"):
        Contrast.of(obs, case='condition == "ill"', control='condition == "well"', subject="subject")


def test_without_a_subject_column_every_sample_counts_for_itself():
    contrast = Contrast.of(cohort(), case='condition == "ill"', control='condition == "well"', subject=None)
    np.testing.assert_allclose(contrast.weight_n(), 0.1)


def test_a_pattern_names_the_person_in_a_title():
    titles = [f"C2P{i // 2}V{i % 2 + 1}" for i in range(24)]
    obs = pd.DataFrame({"title": titles, "ill": np.arange(24) < 12}, index=[f"n{i}" for i in range(24)])
    kind = {"case": "ill == True", "control": "ill == False", "subject": "title"}
    assert len(set(Contrast.of(obs, **kind).subject_n)) == 24
    assert set(Contrast.of(obs, **kind, subject_pattern="(.+)V[0-9]+$").subject_n) == {f"C2P{i}" for i in range(12)}
    with pytest.raises(InputError, match=r"does not fit 12 of 24 values of 'title' \(C2P0V1"):
        Contrast.of(obs, **kind, subject_pattern="(.+)V2$")
    with pytest.raises(InputError, match="no group in brackets"):
        Contrast.of(obs, **kind, subject_pattern="V[0-9]+$")
    with pytest.raises(InputError, match="cannot be read"):
        Contrast.of(obs, **kind, subject_pattern="(V")


def grouped(n: int = 24) -> pd.DataFrame:
    ill = np.arange(n) < n // 2
    columns = {
        "ill": ill,
        "age": np.random.default_rng(0).normal(40, 9, n),
        "sex": np.where(np.arange(n) % 2, "f", "m"),
        "tray": np.where(ill, "A", "B"),
        "slide": np.where(ill, np.where(np.arange(n) % 2, "1", "2"), np.where(np.arange(n) % 3, "3", "4")),
        "tag": [f"t{i}" for i in range(n)],
    }
    return pd.DataFrame(columns, index=[f"n{i}" for i in range(n)])


QUESTION = {"case": "ill == True", "control": "ill == False", "subject": None}


def test_covariates_become_columns_and_redundant_ones_go():
    obs = grouped()
    found = Contrast.of(obs, **QUESTION, covariates=["age", "sex"])
    assert found.covariate_nc.shape == (24, 2)
    assert found.covariate_nc[:, 0] == pytest.approx((obs["age"] - obs["age"].mean()) / obs["age"].std(ddof=0))
    assert set(found.covariate_nc[:, 1]) == {0.0, 1.0}
    assert found.name.endswith("adjusted for age, sex")
    assert found.take(np.arange(5)).covariate_nc.shape == (5, 2)
    twice = obs.assign(gender=obs["sex"])
    assert Contrast.of(twice, **QUESTION, covariates=["sex", "gender"]).covariate_nc.shape == (24, 1)
    assert Contrast.of(obs, **QUESTION).covariate_nc is None


@pytest.mark.parametrize("batch", ["tray", "slide"])
def test_groups_from_different_batches_stop(batch):
    with pytest.raises(InputError, match=f"{batch} tells all cases from all controls.*may be either"):
        Contrast.of(grouped(), **QUESTION, covariates=["age", batch])


def test_covariates_that_do_not_fit():
    with pytest.raises(InputError, match="'tag' has 24 classes in 24 samples"):
        Contrast.of(grouped(), **QUESTION, covariates=["tag"])
    with pytest.raises(UnknownNameError, match="did you mean 'age'"):
        Contrast.of(grouped(), **QUESTION, covariates=["agee"])
    gaps = grouped()
    gaps.loc["n3", "age"] = np.nan
    with pytest.raises(InputError, match="'age' is missing for 1 of 24 samples"):
        Contrast.of(gaps, **QUESTION, covariates=["age"])


def test_a_column_of_three_levels_is_not_guessed_from_and_the_third_stays_out():
    obs = pd.DataFrame({"group": ["ill", "well", "mild"] * 8}, index=[f"s{i}" for i in range(24)])
    with pytest.raises(
        InputError, match=r"case = .group. is not a yes-or-no question; group has .ill., .*write for example: group == "
    ):
        Contrast.of(obs, case="group", control='group == "well"', subject=None)
    with pytest.raises(InputError, match="8 of 24 samples are case"):
        Contrast.of(obs, case='group != "well"', control='group != "ill"', subject=None)
    found = Contrast.of(obs, case='group == "ill"', control='group == "well"', subject=None)
    assert not found.used_n[obs["group"] == "mild"].any()
    assert (found.case_n.sum(), found.control_n.sum()) == (8, 8)


def measured(cases, controls, **columns):
    obs = pd.DataFrame({"disease": ["ill"] * cases + ["well"] * controls, **columns})
    obs.index = [f"n{i}" for i in range(len(obs))]
    return obs


APART = {"case": 'disease == "ill"', "control": 'disease == "well"', "subject": None}


@pytest.mark.parametrize("name", ["batch", "plate_id", "Site", "study"])
def test_groups_measured_apart_are_no_contrast(name):
    obs = measured(6, 8, **{name: ["one"] * 6 + ["two"] * 4 + ["three"] * 4})
    with pytest.raises(InputError, match=rf"all cases are of {name} one, all controls of three, two: what differs"):
        Contrast.of(obs, **APART)
    assert Contrast.of(obs.drop(columns=name), **APART).used_n.all()


@pytest.mark.parametrize(
    "columns",
    [
        {"batch": ["one"] * 7 + ["two"] * 7},
        {"batch": ["one"] * 14},
        {"plate": [f"p{i}" for i in range(14)]},
        {"tint": ["one"] * 6 + ["two"] * 8},
        {"batch": [1.0] * 6 + [1.0] + [np.nan] * 7},
    ],
    ids=["overlap", "one batch", "a plate each", "no batch by name", "missing"],
)
def test_batches_that_overlap_or_say_nothing_are_let_through(columns):
    assert Contrast.of(measured(6, 8, **columns), **APART).used_n.all()


def test_a_column_that_the_groups_are_made_of_is_no_batch():
    obs = measured(6, 8, site=["lesion"] * 6 + ["skin"] * 8)
    assert Contrast.of(obs, case='site == "lesion"', control='site == "skin"', subject=None).used_n.all()


@pytest.mark.parametrize(
    ("column", "values", "asked"),
    [
        ("patient", [0, 0, 1, 1, 2, 2, 3, 3], True),
        ("Donor.ID", list("aabbccdd"), True),
        ("patient", range(8), False),
        ("patient_status", list("iiiiwwww"), False),
        ("Volunteer group", list("aabbccdd"), False),
        ("batch", [0, 0, 1, 1, 2, 2, 3, 3], False),
    ],
)
def test_people_who_come_back_are_asked_about(column, values, asked):
    obs = pd.DataFrame({"ill": [1, 0] * 4, column: values}, index=[f"S{i}" for i in range(8)])
    contrast = Contrast.of(obs, case="ill == 1", control="ill == 0", subject=None)
    if not asked:
        check_people(obs, contrast)
        return
    with pytest.raises(InputError, match=rf"8 samples are taken for as many people, but the column '{column}' names 4"):
        check_people(obs, contrast)
    if column != "patient":
        return
    check_people(obs, Contrast.of(obs, case="ill == 1", control="ill == 0", subject="patient"))
