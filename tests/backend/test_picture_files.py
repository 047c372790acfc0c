"""Picture files are read as they are meant and layers written exactly."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

from s2i_backend.picture_files import (
    MAX_PIXELS,
    PictureFileError,
    decode_picture,
    encode_png,
    read_file,
    read_record,
    write_file,
)
from s2i_client.pixels import Picture, ResultLayer

RNG = np.random.default_rng(7)


def read_picture(path: Path, name: str) -> Picture:
    return decode_picture(read_file(path), path, name)


def pixels_of(picture: Picture) -> np.ndarray:
    dtype = {"u8": np.uint8, "u16": np.uint16, "f32": np.float32}[picture.depth]
    flat = np.frombuffer(picture.data, dtype)
    return flat.reshape(picture.height, picture.width, picture.channels)


def layer_of(pixels: np.ndarray, order: str) -> ResultLayer:
    depth = {"uint8": "u8", "uint16": "u16", "float16": "f16", "float32": "f32"}[pixels.dtype.name]
    return ResultLayer(
        name="color",
        width=pixels.shape[1],
        height=pixels.shape[0],
        channels=pixels.shape[2],
        depth=depth,  # type: ignore[arg-type]
        order=order,  # type: ignore[arg-type]
        data=pixels.tobytes(),
    )


def noise(channels: int, dtype: type) -> np.ndarray:
    return RNG.integers(0, np.iinfo(dtype).max, (5, 7, channels), dtype, endpoint=True)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("order", ["gray", "rgb", "rgba"])
def test_a_layer_written_and_read_again_is_the_same_to_the_last_bit(
    order: str, dtype: type, tmp_path: Path
) -> None:
    pixels = noise({"gray": 1, "rgb": 3, "rgba": 4}[order], dtype)
    write_file(tmp_path / "color.png", encode_png(layer_of(pixels, order), {}))
    read = read_picture(tmp_path / "color.png", "sketch")
    assert read.order == order
    np.testing.assert_array_equal(pixels_of(read), pixels)


def test_layers_in_other_orders_and_depths_keep_their_colors(tmp_path: Path) -> None:
    pixels = noise(4, np.uint16)
    path = tmp_path / "color.png"
    write_file(path, encode_png(layer_of(pixels, "bgra"), {}))
    np.testing.assert_array_equal(pixels_of(read_picture(path, "a")), pixels[:, :, [2, 1, 0, 3]])
    pair = noise(2, np.uint8)
    write_file(path, encode_png(layer_of(pair, "graya"), {}))
    np.testing.assert_array_equal(pixels_of(read_picture(path, "a")), pair[:, :, [0, 0, 0, 1]])
    for kind in (np.float16, np.float32):
        floats = np.array([[[0.0, 0.5, 1.0], [1.5, -1.0, 0.25]]], kind)
        write_file(path, encode_png(layer_of(floats, "rgb"), {}))
        expected = [[[0, 32768, 65535], [65535, 0, 16384]]]
        np.testing.assert_array_equal(pixels_of(read_picture(path, "a")), expected)


def test_a_written_png_tells_how_it_was_made(tmp_path: Path) -> None:
    record = {"pipeline": "echo", "parameters": {"text": "grün"}, "outputs": ["image"]}
    write_file(tmp_path / "color.png", encode_png(layer_of(noise(3, np.uint16), "rgb"), record))
    assert read_record(tmp_path / "color.png") == record
    Image.new("L", (2, 2)).save(tmp_path / "other.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    for name in ("other.png", "broken.png", "absent.png"):
        assert read_record(tmp_path / name) is None


def test_a_png_that_was_changed_no_longer_has_its_record(tmp_path: Path) -> None:
    path = tmp_path / "color.png"
    whole = encode_png(layer_of(noise(3, np.uint8), "rgb"), {"pipeline": "echo"})
    for changed in (
        whole[:-30] + bytes([whole[-30] ^ 1]) + whole[-29:],
        whole + b"more",
        whole[:-1],
        whole.replace(b"iTXts2i", b"iTXtsxi"),
    ):
        write_file(path, changed)
        assert read_record(path) is None
    write_file(path, whole)
    assert read_record(path) == {"pipeline": "echo"}
    with Image.open(path) as picture:  # other programs drop the record or leave it as it is
        text = picture.info["s2i"]
        info = PngInfo()
        info.add_itxt("s2i", text)
        painted = picture.copy()
    painted.putpixel((0, 0), (1, 2, 3))
    painted.save(path, pnginfo=info)
    assert read_record(path) is None


@pytest.mark.parametrize(
    ("mode", "order"),
    [("1", "gray"), ("L", "gray"), ("LA", "graya"), ("P", "rgb"), ("RGB", "rgb"), ("RGBA", "rgba")],
)
def test_every_kind_of_png_keeps_its_channels(mode: str, order: str, tmp_path: Path) -> None:
    original = Image.fromarray(noise(3 if mode == "P" else 4, np.uint8)).convert(mode)
    original.save(tmp_path / "a.png")
    read = read_picture(tmp_path / "a.png", "sketch")
    assert read.order == order
    plain = {"gray": "L", "graya": "LA", "rgb": "RGB", "rgba": "RGBA"}[order]
    expected = np.asarray(original.convert(plain)).reshape(read.height, read.width, -1)
    np.testing.assert_array_equal(pixels_of(read), expected)


def test_a_transparent_palette_entry_becomes_alpha(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "a.png", transparency=0)
    read = pixels_of(read_picture(tmp_path / "a.png", "sketch"))
    np.testing.assert_array_equal(read[0], [[255, 0, 0, 0], [0, 0, 255, 255]])


@pytest.mark.filterwarnings("error")
def test_a_palette_with_soft_alpha_is_read_without_a_warning(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "a.png", transparency=bytes([90, 200]))
    read = pixels_of(read_picture(tmp_path / "a.png", "sketch"))
    np.testing.assert_array_equal(read[0], [[255, 0, 0, 90], [0, 0, 255, 200]])


@pytest.mark.parametrize(("name", "tolerance"), [("a.jpg", 3), ("a.webp", 4), ("a.tif", 0)])
def test_other_formats_are_read(name: str, tolerance: int, tmp_path: Path) -> None:
    Image.new("RGB", (32, 16), (200, 60, 40)).save(tmp_path / name, quality=95)
    pixels = pixels_of(read_picture(tmp_path / name, "sketch"))
    assert pixels.shape == (16, 32, 3)
    assert np.abs(pixels.astype(int) - (200, 60, 40)).max() <= tolerance


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_tiff_files_keep_their_depth(dtype: type, tmp_path: Path) -> None:
    pixels = RNG.random((4, 6, 3)).astype(np.float32)
    pixels = pixels if dtype is np.float32 else (pixels * 65535).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.tiff"), pixels[:, :, ::-1])
    np.testing.assert_array_equal(pixels_of(read_picture(tmp_path / "a.tiff", "a")), pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("deep", [False, True])
def test_pictures_are_turned_upright(orientation: int, deep: bool, tmp_path: Path) -> None:
    pixels = noise(3, np.uint8)
    original = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = orientation
    original.save(tmp_path / "a.png", exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "a.png")))
    if deep:
        # The same chunk in a 16-bit file, whose pixels Pillow can not write.
        eight = (tmp_path / "a.png").read_bytes()
        at = eight.index(b"eXIf") - 4
        length = int.from_bytes(eight[at : at + 4], "big") + 12
        sixteen = cv2.imencode(".png", pixels[:, :, ::-1].astype(np.uint16) * 257)[1].tobytes()
        (tmp_path / "a.png").write_bytes(sixteen[:33] + eight[at : at + length] + sixteen[33:])
        upright = upright.astype(np.uint16) * 257
    np.testing.assert_array_equal(pixels_of(read_picture(tmp_path / "a.png", "a")), upright)


def swapped_profile(tmp_path: Path) -> bytes:
    """sRGB with the red and green primaries exchanged, so that a conversion is plain to see."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = bytearray(srgb)
    table = {bytes(srgb[a : a + 4]): a for a in range(132, 132 + 12 * srgb[131], 12)}
    red, green = table[b"rXYZ"], table[b"gXYZ"]
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    # The description says sRGB too, in UTF-16; a profile that says so is not converted.
    return bytes(swapped).replace("sRGB".encode("utf-16-be"), "else".encode("utf-16-be"))


@pytest.mark.parametrize("deep", [False, True])
def test_colors_of_an_embedded_profile_become_srgb(deep: bool, tmp_path: Path) -> None:
    profile = swapped_profile(tmp_path)
    pixels = np.array([[[200, 60, 40], [10, 250, 130]]], np.uint8)
    path = tmp_path / "a.tiff"
    if deep:
        tagged = io.BytesIO()
        Image.fromarray(pixels).save(tagged, "PNG", icc_profile=profile)
        eight = tagged.getvalue()
        at = eight.index(b"iCCP") - 4
        length = int.from_bytes(eight[at : at + 4], "big") + 12
        sixteen = cv2.imencode(".png", pixels[:, :, ::-1].astype(np.uint16) * 257)[1].tobytes()
        path = tmp_path / "a.png"
        path.write_bytes(sixteen[:33] + eight[at : at + length] + sixteen[33:])
    else:
        Image.fromarray(pixels).save(path, icc_profile=profile)
    read = pixels_of(read_picture(path, "a"))
    assert read.dtype == (np.uint16 if deep else np.uint8)
    scaled = read.astype(float) / (257 if deep else 1)
    np.testing.assert_allclose(scaled, pixels[:, :, [1, 0, 2]], atol=2)


def test_an_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = noise(3, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_array_equal(pixels_of(read_picture(tmp_path / "a.png", "a")), pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_damaged_file_is_named_with_what_to_do(dtype: type, tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    whole = cv2.imencode(".png", RNG.integers(0, 200, (64, 64, 3)).astype(dtype))[1].tobytes()
    for content, cure in (
        (b"", "Save it as"),
        (b"no picture at all", "Save it as"),
        (whole[:33], "Save it as"),
        (whole[:3000], "again"),
    ):
        path.write_bytes(content)
        with pytest.raises(PictureFileError, match=rf"page\.png.*{cure}"):
            read_picture(path, "sketch")
    with pytest.raises(PictureFileError, match=r"absent\.png: No such file"):
        read_picture(tmp_path / "absent.png", "sketch")


def test_a_deep_file_that_opencv_refuses_is_named_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "page.tif"
    Image.new("I;16", ((1 << 20) + 1, 1)).save(path)  # OpenCV raises its own error past 1 << 20
    with pytest.raises(PictureFileError, match=r"page\.tif.*can not be decoded.*again"):
        read_picture(path, "sketch")


def test_the_largest_canvas_is_read_and_too_many_pixels_are_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    Image.new("1", (8192, 8192)).save(path)
    read = read_picture(path, "sketch")
    assert (read.width, read.height) == (8192, 8192)
    side = (13500).to_bytes(4, "big")
    header = b"IHDR" + side + side + bytes([1, 0, 0, 0, 0])
    length, crc = len(header) - 4, zlib.crc32(header)
    chunk = length.to_bytes(4, "big") + header + crc.to_bytes(4, "big")
    path.write_bytes(path.read_bytes()[:8] + chunk + path.read_bytes()[33:])
    assert MAX_PIXELS < 13500 * 13500
    with pytest.raises(PictureFileError, match=r"page\.png: more than 179 megapixels"):
        read_picture(path, "sketch")


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PictureFileError, match=r"color\.png.*-o"):
        write_file(tmp_path / "file" / "color.png", b"")
