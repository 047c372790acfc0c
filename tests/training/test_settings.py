"""`--set NAME=VALUE`: changes of a recipe's config."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from s2i_training.settings import scaled, with_settings


@dataclass(frozen=True)
class Config:
    weight: float = 1.0
    steps: int = 10
    mirror: bool = True
    negative: str = "spatial"
    phases: tuple[int, ...] = (1, 2)


def test_values_take_the_kind_of_their_field():
    settings = ["weight=0", "steps=3", "mirror=false", "negative=batch"]
    changed = with_settings(Config(), settings)
    assert changed == Config(0.0, 3, False, "batch")
    assert isinstance(changed.weight, float)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("wieght=1", "one of weight, steps, mirror, negative"),
        ("weight", "NAME=VALUE"),
        ("phases=3", "NAME=VALUE"),
        ("steps=2.5", "a whole number; it is 10"),
        ("mirror=1", "true or false; it is true"),
        ("weight=much", "a number; it is 1.0"),
    ],
)
def test_what_can_not_be_set_says_what_can(setting: str, said: str):
    with pytest.raises(ValueError, match=said.replace(".", r"\.")):
        with_settings(Config(), [setting])


@dataclass(frozen=True)
class Phase:
    steps: int
    size: int = 32


def test_a_share_shortens_every_phase_and_leaves_a_step():
    config = Config(phases=(Phase(1000), Phase(300, 64), Phase(3)))  # type: ignore[arg-type]
    assert scaled(config, 0.01).phases == (Phase(10), Phase(3, 64), Phase(1))
