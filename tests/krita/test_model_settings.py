"""Settings are kept as texts by Krita and come back in their types, or as their defaults."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from s2i_krita.host.results import Placement
from s2i_krita.model.document_model import ApplyAs
from s2i_krita.model.settings import CHOICES, MOST, Settings, Values


def kept(**texts: str) -> tuple[Settings, dict[str, str]]:
    """Settings, and what Krita's file has of them."""
    return Settings(texts.get, texts.__setitem__), texts


def test_everything_has_its_default_at_first(qapp: object) -> None:
    assert kept()[0].values == Values()


def test_what_was_set_is_there_at_the_next_start(qapp: object) -> None:
    settings, texts = kept()
    others = {
        "system": "painter",
        "apply_as": "by_color",
        "placement": "top",
        "only_selection": True,
        "preview": False,
        "context": 0.5,
        "live_grace": 0,
        "variant": "cuda",
        "folded": "a,b",
    }
    for name, value in others.items():
        settings.set(name, value)
    assert all(isinstance(text, str) for text in texts.values())
    assert asdict(kept(**texts)[0].values) == {**asdict(Values()), **others}


def test_a_change_is_told_once_by_name(qapp: object) -> None:
    settings, texts = kept()
    told: list[str] = []
    settings.changed.connect(told.append)
    settings.set("live_grace", 80)
    settings.set("live_grace", 80)
    assert told == ["live_grace"] and texts == {"live_grace": "80"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("live_grace", 1.0), ("live_grace", True), ("preview", 1), ("system", None), ("context", 1)],
)
def test_another_type_is_refused(qapp: object, name: str, value: object) -> None:
    settings, texts = kept()
    with pytest.raises(TypeError, match=name):
        settings.set(name, value)
    assert settings.values == Values() and not texts


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("apply_as", "everything"),
        ("placement", "somewhere"),
        ("variant", "rocm"),
        ("preview", "perhaps"),
        ("live_grace", "soon"),
        ("live_grace", "1.5"),
        ("history_megabytes", "9" * 5000),
        ("context", "nan"),
        ("context", "inf"),
        ("context", "a lot"),
        ("device", "nonsense"),
        ("device", "cuda:"),
        ("device", "cuda:0 --remote"),
        ("device", "CPU\n"),
    ],
)
def test_nonsense_is_the_default(qapp: object, name: str, text: str) -> None:
    assert kept(**{name: text})[0].values == Values()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("live_grace", "-5", 0),
        ("live_grace", "99999", 2000),
        ("context", "-1", 0),
        ("memory_gigabytes", "-8", 0),
        ("history_megabytes", "999999", 4096),
    ],
)
def test_numbers_stay_in_their_range(qapp: object, name: str, text: str, value: float) -> None:
    assert getattr(kept(**{name: text})[0].values, name) == value


@pytest.mark.parametrize("device", ["auto", "cpu", "mps", "cuda", "cuda:0", "cuda:11"])
def test_devices_are_named_as_pytorch_does(qapp: object, device: str) -> None:
    assert kept(device=device)[0].values.device == device


def test_choices_are_those_that_the_model_has() -> None:
    assert CHOICES["apply_as"] == tuple(each.value for each in ApplyAs)
    assert CHOICES["placement"] == tuple(each.name for each in Placement)
    numbers = {n for n, value in asdict(Values()).items() if type(value) in (int, float)}
    assert set(MOST) == numbers
