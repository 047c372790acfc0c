"""Files of every kind and depth become the same square, and no file takes more than it may."""

from __future__ import annotations

import os
import struct
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from picture_folders import shape_picture, write
from PIL import Image, ImageCms

from s2i_models.find_reference import picture_files
from s2i_models.find_reference.folder import Stamp, pictures_in
from s2i_models.find_reference.picture_files import MAX_PIXELS, UnreadablePicture, read_small
from s2i_models.find_reference.squares import Blank, picture_square, sketch_square

DEPTHS = [np.uint8, np.uint16, np.float16, np.float32]
BAR = shape_picture(3, side=96)


def in_depth(picture: np.ndarray, depth: type) -> np.ndarray:
    full = np.iinfo(depth).max if np.dtype(depth).kind == "u" else 1
    return (
        np.rint(picture / 255 * full).astype(depth) if full != 1 else (picture / 255).astype(depth)
    )


def with_alpha(picture: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return np.dstack([picture, alpha])


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"])
def test_every_kind_of_file_shows_its_picture(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"a{suffix}", BAR)
    shown = read_small(path, 200)
    assert (shown.dtype, shown.shape) == (np.uint8, BAR.shape)
    exact = suffix not in (".jpg", ".jpeg", ".webp")
    assert np.abs(shown.astype(int) - BAR).mean() <= (0 if exact else 3)


def test_large_pictures_are_shrunk_and_keep_their_proportion(tmp_path: Path) -> None:
    wide = np.zeros((300, 1200, 3), np.uint8)
    wide[:, 600:] = (200, 100, 0)
    for suffix in (".png", ".jpg"):
        shown = read_small(write(tmp_path / f"a{suffix}", wide), 400)
        assert shown.shape == (100, 400, 3)
        assert np.abs(shown[50, 350].astype(int) - (200, 100, 0)).max() < 4
    assert read_small(write(tmp_path / "line.png", wide[:1]), 64).shape == (1, 64, 3)


def test_of_an_animation_the_first_frame_is_shown(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (20, 10), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_small(tmp_path / "a.gif", 100)[5, 5].tolist() == [255, 0, 0]


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    for name, mode in (("a.jpg", "RGB"), ("b.png", "RGBA"), ("c.png", "L")):
        picture = Image.new("RGB", (40, 20), "white")
        picture.paste("black", (0, 0, 20, 20))
        picture.convert(mode).save(tmp_path / name, exif=exif)
        shown = read_small(tmp_path / name, 400)
        assert shown.shape[:2] == (40, 20)
        assert shown[5, 10, 0] < 20
        assert shown[35, 10, 0] > 235


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_shows_gray_as_gray(mode: str, tmp_path: Path) -> None:
    if mode == "I;16":
        picture = Image.fromarray(np.full((8, 8), 180 * 257, np.uint16))
    else:
        picture = Image.new("L", (8, 8), 255 if mode == "1" else 180).convert(mode)
    picture.save(tmp_path / "a.png")
    shown = read_small(tmp_path / "a.png", 100)
    assert shown.shape == (8, 8, 3)
    assert np.unique(shown).tolist() == [255 if mode == "1" else 180]


def test_deep_and_unusual_tiffs_and_jpegs_are_shown(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(tmp_path / "float.tif")
    assert abs(int(read_small(tmp_path / "float.tif", 100)[0, 0, 0]) - 127) <= 1
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg")
    red, green, blue = read_small(tmp_path / "cmyk.jpg", 100)[0, 0]
    assert red > 240 and green < 20 and blue < 20


def test_transparent_parts_stay_transparent_and_useless_alpha_goes(tmp_path: Path) -> None:
    alpha = np.full(BAR.shape[:2], 255, np.uint8)
    assert read_small(write(tmp_path / "a.png", with_alpha(BAR, alpha)), 100).shape[2] == 3
    alpha[:20] = 0
    shown = read_small(write(tmp_path / "b.png", with_alpha(BAR, alpha)), 100)
    np.testing.assert_array_equal(shown[..., 3], alpha)


def test_colors_of_a_profile_become_srgb(tmp_path: Path) -> None:
    # LAB's own profile is no use for RGB: such a file is shown as it is, not refused.
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.fromarray(BAR).save(tmp_path / "odd.png", icc_profile=lab)
    np.testing.assert_array_equal(read_small(tmp_path / "odd.png", 100), BAR)
    swapped = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for red, blue in ((b"rXYZ", b"bXYZ"), (b"rTRC", b"bTRC")):
        one, other = swapped.find(red), swapped.find(blue)
        swapped[one : one + 4], swapped[other : other + 4] = blue, red
    at = swapped.find("sRGB".encode("utf-16-be"))
    assert at > 0
    swapped[at : at + 8] = "mine".encode("utf-16-be")
    Image.new("RGB", (8, 8), (250, 10, 10)).save(tmp_path / "mine.png", icc_profile=bytes(swapped))
    red, _, blue = read_small(tmp_path / "mine.png", 100)[0, 0]
    assert blue > 200
    assert red < 100


def png_of(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def test_files_that_would_fill_the_memory_are_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bomb.png").write_bytes(png_of(60_000, 60_000))
    with pytest.raises(UnreadablePicture, match="too many pixels"):
        read_small(tmp_path / "bomb.png", 64)
    # Also where another library has taken Pillow's own limit away.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(UnreadablePicture, match="too many pixels"):
        read_small(tmp_path / "bomb.png", 64)
    assert MAX_PIXELS < 60_000 * 60_000
    monkeypatch.setattr(picture_files, "MAX_FILE_BYTES", 100)
    with pytest.raises(UnreadablePicture, match="larger than"):
        read_small(write(tmp_path / "a.png", BAR), 64)


@pytest.mark.parametrize(
    "content",
    [b"", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", png_of(50, 50), b"GIF89a"],
)
def test_broken_files_and_other_kinds_are_named_unreadable(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UnreadablePicture) as caught:
        read_small(tmp_path / "a.png", 64)
    assert not caught.value.passing


def test_a_missing_file_may_be_there_the_next_time(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePicture, match="No such file") as caught:
        read_small(tmp_path / "a.png", 64)
    assert caught.value.passing


@pytest.mark.filterwarnings("ignore")
def test_files_cut_anywhere_raise_nothing_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for suffix in (".png", ".jpg", ".webp", ".tif", ".bmp"):
        data = write(tmp_path / f"whole{suffix}", BAR).read_bytes()
        for _ in range(60):
            broken = bytearray(data[: rng.integers(1, len(data))])
            for at in rng.integers(0, len(broken), rng.integers(0, 6)):
                broken[at] = rng.integers(256)
            path = tmp_path / f"a{suffix}"
            path.write_bytes(broken)
            try:
                read_small(path, 64)
            except UnreadablePicture:
                continue


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pictures_of_every_depth_and_channels_are_one_square(depth: type, channels: int) -> None:
    gray = channels <= 2
    picture = BAR[..., :1] if gray else BAR
    expected = picture_square(np.repeat(picture, 3, axis=2) if gray else picture, 32)
    assert (expected.dtype, expected.shape) == (np.float32, (32, 32, 3))
    if channels in (2, 4):
        picture = with_alpha(picture, np.full(BAR.shape[:2], 255, np.uint8))
    made = picture_square(in_depth(picture, depth), 32)
    np.testing.assert_allclose(made, expected, atol=0.02)


def test_transparent_pictures_lie_on_white_whatever_color_is_hidden() -> None:
    ink = np.asarray(BAR < 250).any(axis=2)
    hidden = BAR * ink.reshape(*ink.shape, 1)
    cut_out = with_alpha(hidden.astype(np.uint8), np.where(ink, 255, 0).astype(np.uint8))
    np.testing.assert_allclose(picture_square(cut_out, 32), picture_square(BAR, 32), atol=0.02)
    with pytest.raises(Blank):
        picture_square(np.zeros((9, 9, 4), np.uint8), 32)


def strokes(width: int = 300, height: int = 200) -> np.ndarray:
    sketch = np.full((height, width, 3), 255, np.uint8)
    cv2.ellipse(sketch, (120, 90), (60, 40), 20, 0, 300, (0, 0, 0), 4)
    cv2.line(sketch, (70, 60), (190, 140), (0, 0, 0), 4)
    return sketch


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_sketch_is_the_same_on_white_on_nothing_and_at_every_depth(depth: type) -> None:
    sketch = strokes()
    expected = sketch_square(sketch, 64)
    assert expected.shape == (64, 64, 3)
    assert expected.min() < 0.3 and expected.max() == 1
    on_nothing = with_alpha(np.zeros_like(sketch), 255 - sketch[..., 0])
    gray = sketch[..., :1]
    for same in (sketch, on_nothing, gray, np.dstack([gray, np.full_like(gray, 255)])):
        np.testing.assert_allclose(sketch_square(in_depth(same, depth), 64), expected, atol=0.05)


def test_place_and_canvas_of_a_sketch_do_not_matter() -> None:
    sketch = strokes()
    expected = sketch_square(sketch, 64)
    moved = np.full((900, 500, 3), 255, np.uint8)
    moved[600:800, 150:450] = sketch
    assert np.abs(sketch_square(moved, 64) - expected).mean() < 0.02
    assert np.abs(sketch_square(strokes()[:, ::-1], 64) - expected).mean() > 0.05


def test_a_blank_sheet_is_no_sketch() -> None:
    for sheet in (np.full((50, 60, 3), 255, np.uint8), np.zeros((50, 60, 4), np.uint8)):
        with pytest.raises(Blank):
            sketch_square(sheet, 64)


@pytest.mark.parametrize("shape", [(0, 9, 3), (9, 0, 4), (0, 0, 3), (0, 0), (0, 9, 1)])
def test_without_a_pixel_there_is_no_sketch_and_no_picture(shape: tuple[int, ...]) -> None:
    for square in (sketch_square, picture_square):
        with pytest.raises(Blank):
            square(np.zeros(shape, np.uint8), 64)


def test_a_folder_s_pictures_are_found_by_their_ending(tmp_path: Path) -> None:
    for name in ("a.PNG", "b.jpeg", "in/c.webp", "in/deep/d.tif", "notes.txt", ".hidden.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"12345")
    (tmp_path / ".thumbnails").mkdir()
    (tmp_path / ".thumbnails" / "e.png").touch()
    (tmp_path / "folder.png").mkdir()
    every = pictures_in(tmp_path, True).found
    assert sorted(every) == ["a.PNG", "b.jpeg", "in/c.webp", "in/deep/d.tif"]
    assert every["a.PNG"] == Stamp(5, (tmp_path / "a.PNG").stat().st_mtime_ns)
    assert sorted(pictures_in(tmp_path, False).found) == ["a.PNG", "b.jpeg"]


def test_links_in_circles_end_and_links_to_nothing_are_left_out(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "a.png").touch()
    (inner / "up").symlink_to(tmp_path, target_is_directory=True)
    (inner / "self").symlink_to(inner, target_is_directory=True)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nothing.png")
    (tmp_path / "linked.png").symlink_to(inner / "a.png")
    listing = pictures_in(tmp_path, True)
    assert sorted(listing.found) == ["inner/a.png", "linked.png"]
    assert not listing.unlisted


@pytest.mark.skipif(sys.platform != "linux", reason="names are texts elsewhere")
def test_names_that_are_no_text_are_found(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    (tmp_path / name).touch()
    assert list(pictures_in(tmp_path, True).found) == [name]
