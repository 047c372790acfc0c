"""A drawing that is held out is held out in every set, tone and gender."""

from __future__ import annotations

import pytest

from s2i_training.data.manifest import TEST_SHARE, VALIDATION_SHARE, split_of
from s2i_training.data.subjects import Subjects, without_tone

CHART = {"1f9da": "fairy", "1f9da-2642": "man-fairy", "2615": "hot-beverage", "1f680": "rocket"}


@pytest.fixture
def subjects() -> Subjects:
    return Subjects([CHART], aliases=[("coffee", "hot-beverage")])


def test_skin_tone_and_gender_do_not_change_the_subject(subjects: Subjects):
    same = {
        subjects.of_name("fairy"),
        subjects.of_name("man-fairy-medium-dark-skin-tone"),
        subjects.of_name("woman-fairy-light"),
        subjects.of_code("1F9DA"),
        subjects.of_code("1F9DA-1F3FD-200D-2640-FE0F"),
    }
    assert len(same) == 1


def test_code_old_name_new_name_and_alias_are_one_subject(subjects: Subjects):
    # HOT BEVERAGE is the Unicode name of 2615; the squashed spelling is one set's file name.
    names = ("hot-beverage", "hotbeverage", "coffee")
    assert {subjects.of_name(name) for name in names} == {subjects.of_code("2615-FE0F")}


def test_different_things_stay_apart(subjects: Subjects):
    assert subjects.of_name("rocket") != subjects.of_name("fairy")
    assert subjects.of_name("unknown-thing") != subjects.of_name("other-thing")


def test_a_name_without_tone_keeps_the_rest():
    assert without_tone("man-artist-medium-light-skin-tone") == "man-artist"
    assert without_tone("1F468-1F3FB-200D-1F3A8") == "1f468-200d-1f3a8"
    assert without_tone("dark-chocolate") == "dark-chocolate"


def test_splits_have_their_shares_and_never_change():
    splits = [split_of(f"subject {number}") for number in range(4000)]
    assert splits.count("test") / 4000 == pytest.approx(TEST_SHARE, abs=0.015)
    assert splits.count("validation") / 4000 == pytest.approx(VALIDATION_SHARE, abs=0.008)
    # Fixed: a change would let networks be measured on what they were trained on.
    assert {name: split_of(name) for name in KNOWN_SPLITS} == KNOWN_SPLITS


KNOWN_SPLITS = {"code:1f680": "train", "code:1f98a": "test", "code:1f435": "validation"}
