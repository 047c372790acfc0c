"""The palette: exact for flats, coarse for photographs, and locked it stays as it is."""

from __future__ import annotations

import json
import threading
import time

import numpy as np
import pytest

from s2i_client.pixels import Picture
from s2i_krita.model.palette import MOST_COLORS, Color, Palette, main_colors


def picture(pixels: np.ndarray) -> Picture:
    height, width = pixels.shape[:2]
    data = pixels.astype(np.uint8).tobytes()
    return Picture(name="x", width=width, height=height, data=data)


def flats(*areas: tuple[Color, int]) -> Picture:
    """Opaque rows of colors; the second is how many rows."""
    rows = [np.full((count, 40, 4), (*color, 255)) for color, count in areas]
    return picture(np.concatenate(rows))


def take(palette: Palette, source: Picture) -> None:
    """Let it take a picture's colors, to the end."""
    for pause in palette.take_from(source):
        time.sleep(pause or 0)


def kept(**settings: str) -> tuple[Palette, dict[str, str]]:
    """A palette and the settings that it writes to."""
    return Palette(settings.get, settings.__setitem__), settings


def test_flats_give_their_colors_exactly_the_largest_first() -> None:
    skin, hair, sky = (244, 194, 161), (20, 10, 200), (0, 200, 100)
    assert main_colors(flats((hair, 10), (skin, 30), (sky, 20))) == [skin, sky, hair]


def test_what_is_clear_does_not_count() -> None:
    pixels = np.full((8, 8, 4), (255, 0, 0, 0))
    pixels[:2] = (0, 0, 255, 255)
    pixels[2] = (0, 255, 0, 100)
    assert main_colors(picture(pixels)) == [(0, 0, 255)]
    assert main_colors(picture(np.zeros((8, 8, 4)))) == []


def test_a_photograph_gives_few_colors_that_are_apart() -> None:
    rng = np.random.default_rng(3)
    pixels = np.full((120, 120, 4), 255)
    pixels[..., :3] = rng.integers(0, 256, (120, 120, 3))
    colors = main_colors(picture(pixels))
    assert len(colors) == MOST_COLORS
    there = {tuple(map(int, color)) for color in pixels[..., :3].reshape(-1, 3)}
    assert set(colors) <= there
    for place, color in enumerate(colors):
        for other in colors[:place]:
            assert sum(abs(a - b) for a, b in zip(color, other, strict=True)) > 36


def test_noise_around_two_colors_gives_two() -> None:
    rng = np.random.default_rng(4)
    pixels = np.full((100, 100, 4), (200, 60, 60, 255))
    pixels[40:] = (30, 30, 180, 255)
    pixels[..., :3] += rng.integers(-5, 6, (100, 100, 3))
    colors = sorted(main_colors(picture(pixels)))
    assert len(colors) == 2
    assert np.abs(np.subtract(colors, [(30, 30, 180), (200, 60, 60)])).max() <= 8


def test_a_locked_palette_takes_nothing_by_itself(qapp: object) -> None:
    palette, _ = kept()
    palette.add((1, 2, 3))
    palette.lock(True)
    take(palette, flats(((9, 9, 9), 3)))
    assert palette.colors == [(1, 2, 3)]
    palette.lock(False)
    take(palette, flats(((9, 9, 9), 3)))
    assert palette.colors == [(1, 2, 3), (9, 9, 9)]


def test_colors_are_counted_on_another_thread(
    qapp: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def counted(_picture: Picture) -> list[Color]:
        threads.append(threading.get_ident())
        return [(1, 2, 3)]

    monkeypatch.setattr("s2i_krita.model.palette.main_colors", counted)
    palette, _ = kept()
    take(palette, flats(((9, 9, 9), 3)))
    assert palette.colors == [(1, 2, 3)]
    assert threads != [threading.get_ident()]


def test_every_change_is_told_and_kept_for_the_next_start(qapp: object) -> None:
    palette, settings = kept()
    told: list[None] = []
    palette.changed.connect(lambda: told.append(None))
    palette.add((1, 2, 3))
    palette.add((4, 5, 6))
    palette.remove((1, 2, 3))
    palette.lock(True)
    assert len(told) == 4
    again, _ = kept(**settings)
    assert again.colors == [(4, 5, 6)] and again.locked
    palette.clear()
    assert json.loads(settings["palette"]) == []


def test_doubles_and_what_is_beyond_256_fall_away(qapp: object) -> None:
    palette, settings = kept()
    palette.set([(n // 256, n % 256, 0) for n in range(400)] * 2)
    assert palette.colors == [(n // 256, n % 256, 0) for n in range(256)]
    assert len(json.loads(settings["palette"])) == 256
    strip = palette.picture("palette")
    assert strip is not None and (strip.width, strip.height) == (256, 1)
    assert strip.data[:8] == bytes((0, 0, 0, 255, 0, 1, 0, 255))


def test_an_empty_palette_is_no_picture(qapp: object) -> None:
    assert kept()[0].picture("palette") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "5",
        "null",
        "{}",
        '{"abc": 1}',
        '["abc"]',
        "[[1, 2]]",
        "[[1, 2, 3, 4]]",
        "[[1, 2, 300]]",
        "[[-1, 2, 3]]",
        "[[0.5, 2, 3]]",
        "[[NaN, 0, 0]]",
        "[[Infinity, 0, 0]]",
        "[[1, 2, null]]",
        "[" * 100_000,
    ],
)
def test_nonsense_in_the_settings_is_an_empty_palette(qapp: object, text: str) -> None:
    assert kept(palette=text)[0].colors == []


def test_more_colors_in_the_settings_than_there_may_be(qapp: object) -> None:
    many = json.dumps([(n // 256, n % 256, 0) for n in range(300)])
    assert len(kept(palette=many)[0].colors) == 256
