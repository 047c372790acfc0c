"""A set of faces: from ready pictures and from a generator; resumable, recorded, readable."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import ExifTags, Image

from s2i_training.data import face_generator
from s2i_training.data.commands import data_commands
from s2i_training.data.face_generator import RANDOM_FACE, Latents, generated_faces
from s2i_training.data.face_pictures import faces_in
from s2i_training.data.face_sheet import face_sheet
from s2i_training.data.faces import FaceSource, build_faces
from s2i_training.data.manifest import Item, read_manifest, split_of
from s2i_training.data.packages import file_hash, find_package
from s2i_training.data.packed import INDEX, PACKED, PackedPictures, write_packed

SIDE = 64
PACKAGES = Path(__file__).parents[2] / "data/packages"

# Means of sixteenths of the first face of seed 1 (RGB), with openvino 2026.4.1 and 2024.4.0 alike.
KNOWN_FACE = [
    [[120, 93, 95], [97, 75, 73], [127, 95, 94], [167, 115, 117]],
    [[111, 83, 79], [163, 120, 115], [189, 146, 140], [145, 115, 112]],
    [[134, 121, 117], [174, 125, 121], [199, 151, 146], [170, 169, 163]],
    [[191, 202, 214], [171, 151, 155], [205, 190, 195], [186, 187, 183]],
]


def picture(number: int, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    """Smooth colors of their own, (H, W, 3) uint8."""
    rng = np.random.default_rng(number)
    coarse = rng.integers(0, 256, (4, 4, 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def write_pictures(folder: Path, count: int = 6) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        cv2.imwrite(str(folder / f"{number}.jpg"), picture(number))
    (folder / "README.md").write_text("no picture")
    return folder


def ready(folder: Path, terms: str = "non-commercial") -> FaceSource:
    return FaceSource("ready", "1", terms, "nobody", faces_in(folder, SIDE))


class Painter:
    """Stands in for the generator: a picture of flat color that follows from the latent."""

    def __init__(self) -> None:
        self.made = 0
        self.loaded = 0
        self.stop_at: int | None = None

    def __call__(self, latent: np.ndarray, truncation: float) -> np.ndarray:
        assert latent.shape == (512,)
        assert latent.dtype == np.float32
        if self.made == self.stop_at:
            raise KeyboardInterrupt
        self.made += 1
        color = (128 + 40 * truncation * latent[:3]).clip(0, 255)
        return np.broadcast_to(color.astype(np.uint8), (SIDE, SIDE, 3)).copy()


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> Painter:
    painter = Painter()

    def load(_packages: Path) -> Painter:
        painter.loaded += 1
        return painter

    monkeypatch.setattr(face_generator, "load_generator", load)
    return painter


def generate(folder: Path, count: int, seed: int = 3, truncation: float = 0.7) -> list[Item]:
    return build_faces([generated_faces(count, seed, truncation, SIDE)], folder, SIDE)


def test_ready_pictures_are_kept_to_the_byte_and_read_with_full_coverage(tmp_path: Path):
    folder = write_pictures(tmp_path / "ready")
    items = build_faces([ready(folder)], tmp_path / "set", SIDE)
    assert [item.id for item in items] == list("012345")
    packed = PackedPictures(tmp_path / "set")
    assert packed.side == SIDE
    for item in items:
        source = folder / f"{item.id}.jpg"
        assert (tmp_path / "set" / item.color).read_bytes() == source.read_bytes()
        color, lines = packed.read(item)
        assert lines is None
        np.testing.assert_array_equal(color[:, :, :3], cv2.imread(str(source)))
        assert color.shape == (SIDE, SIDE, 4)
        assert color[:, :, 3].min() == 255
    sizes = [(folder / f"{item.id}.jpg").stat().st_size for item in items]
    assert (tmp_path / "set" / PACKED).stat().st_size == sum(sizes)  # not encoded anew


def test_the_manifest_says_where_a_face_comes_from_and_its_split(tmp_path: Path):
    folder = write_pictures(tmp_path / "ready")
    items = build_faces([ready(folder)], tmp_path / "set", SIDE)
    assert items == read_manifest(tmp_path / "set")
    for item in items:
        assert (item.source, item.version, item.author) == ("ready", "1", "nobody")
        assert (item.license, item.side, item.lines) == ("non-commercial", SIDE, None)
        assert item.subject == f"face:{item.id}"
        assert item.split == split_of(item.subject)
        assert item.color_sha256 == file_hash(tmp_path / "set" / item.color)
        assert item.source_sha256 == file_hash(folder / f"{item.id}.jpg")


def test_other_pictures_become_their_middle_square_without_transparency(tmp_path: Path):
    folder = tmp_path / "ready"
    folder.mkdir()
    wide = picture(1, 2 * SIDE, 3 * SIDE)
    cv2.imwrite(str(folder / "wide.png"), wide)
    cv2.imwrite(str(folder / "clear.png"), cv2.cvtColor(picture(2), cv2.COLOR_BGR2BGRA))
    cv2.imwrite(str(folder / "gray.png"), picture(3)[:, :, 0])
    build_faces([ready(folder)], tmp_path / "set", SIDE)
    packed = PackedPictures(tmp_path / "set")
    read = {item.id: packed.read(item)[0][:, :, :3] for item in read_manifest(tmp_path / "set")}
    middle = wide[:, SIDE // 2 : SIDE // 2 + 2 * SIDE]
    expected = cv2.resize(middle, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(read["wide"], expected)
    np.testing.assert_array_equal(read["clear"], picture(2))
    np.testing.assert_array_equal(read["gray"], np.repeat(picture(3)[:, :, :1], 3, axis=2))


def test_a_photo_that_is_stored_turned_is_upright_in_the_set(tmp_path: Path):
    folder = tmp_path / "ready"
    folder.mkdir()
    upside_down = Image.Exif()
    upside_down[ExifTags.Base.Orientation] = 3
    Image.fromarray(picture(1)).save(folder / "0.jpg", exif=upside_down, quality=100)
    (item,) = build_faces([ready(folder)], tmp_path / "set", SIDE)
    color = PackedPictures(tmp_path / "set").read(item)[0][:, :, 2::-1]
    assert np.abs(color.astype(int) - picture(1)[::-1, ::-1]).mean() < 5


def test_folders_within_give_names_of_their_own_and_equal_names_are_refused(tmp_path: Path):
    folder = write_pictures(tmp_path / "ready", 1)
    write_pictures(folder / "more", 1)
    assert [face.id for face in faces_in(folder, SIDE)] == ["0", "more-0"]
    cv2.imwrite(str(folder / "0.png"), picture(0))
    with pytest.raises(ValueError, match="named 0"):
        faces_in(folder, SIDE)


def test_a_second_build_copies_only_what_is_missing_or_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder, root = write_pictures(tmp_path / "ready"), tmp_path / "set"
    first = build_faces([ready(folder)], root, SIDE)
    (root / first[0].color).unlink()
    (root / first[1].color).write_bytes(b"damaged")
    cv2.imwrite(str(folder / "2.jpg"), picture(20))
    written: list[str] = []
    write = Path.write_bytes

    def noting(path: Path, content: bytes) -> int:
        written.append(path.name)
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", noting)
    second = build_faces([ready(folder, "other terms")], root, SIDE)
    assert written == ["0.jpg", "1.jpg", "2.jpg"]
    assert {item.license for item in second} == {"other terms"}
    changed = PackedPictures(root).read(second[2])[0]
    np.testing.assert_array_equal(changed[:, :, :3], cv2.imread(str(folder / "2.jpg")))


def test_another_side_makes_and_packs_all_anew(tmp_path: Path):
    folder, root = write_pictures(tmp_path / "ready"), tmp_path / "set"
    build_faces([ready(folder)], root, SIDE)
    half = FaceSource("ready", "1", "", "", faces_in(folder, SIDE // 2))
    items = build_faces([half], root, SIDE // 2)
    packed = PackedPictures(root)
    assert packed.side == SIDE // 2
    assert {packed.read(item)[0].shape for item in items} == {(SIDE // 2, SIDE // 2, 4)}
    assert {item.side for item in items} == {SIDE // 2}


def test_drawings_packed_with_another_side_are_packed_anew_over_white(
    tiny_set: Path, tmp_path: Path
):
    root = tmp_path / "set"
    shutil.copytree(tiny_set, root)
    items = read_manifest(root)[:3]
    # Their files have 64 pixels, as the second packing has.
    for side in (48, 64):
        write_packed(root, items, side=side)
        color, lines = PackedPictures(root).read(items[0])
        assert lines is not None
        assert (color.shape, lines.shape) == ((side, side, 4), (side, side))
        assert color[0, 0].tolist() == [255, 255, 255, 0]


def test_a_set_packed_before_sides_were_recorded_is_read(tiny_set: Path, tmp_path: Path):
    for path in tiny_set.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with np.load(tmp_path / INDEX) as index:
        old = {name: index[name] for name in index.files if name != "side"}
    np.savez(tmp_path / INDEX, **old)
    packed = PackedPictures(tmp_path)
    assert packed.side == 384
    assert packed.read(read_manifest(tmp_path)[0])[0].shape == (384, 384, 4)


def test_a_seed_gives_the_same_faces_however_many_are_made(tmp_path: Path, painter: Painter):
    few = generate(tmp_path / "few", 3)
    many = generate(tmp_path / "many", 5)
    assert [item.id for item in many] == [f"3_{number:05d}" for number in range(5)]
    assert many[:3] == few
    assert len({item.color_sha256 for item in many}) == 5
    other = generate(tmp_path / "other", 3, seed=4)
    assert not {item.color_sha256 for item in other} & {item.color_sha256 for item in many}


def test_what_is_there_is_not_generated_again(tmp_path: Path, painter: Painter):
    first = generate(tmp_path, 4)
    assert (painter.made, painter.loaded) == (4, 1)
    assert generate(tmp_path, 4) == first
    assert (painter.made, painter.loaded) == (4, 1)  # the networks are not even loaded
    (tmp_path / first[1].color).unlink()
    assert generate(tmp_path, 6)[:4] == first
    assert painter.made == 7


def test_an_interrupted_run_goes_on(tmp_path: Path, painter: Painter):
    painter.stop_at = 3
    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "set", 5)
    # A crash may leave half a record, and a picture that is not recorded.
    journal = tmp_path / "set" / "random-face" / "journal.jsonl"
    journal.write_text(journal.read_text()[:-20])
    painter.stop_at = None
    resumed = generate(tmp_path / "set", 5)
    assert painter.made == 3 + 3
    assert resumed == generate(tmp_path / "whole", 5)
    generate(tmp_path / "set", 5)
    assert painter.made == 3 + 3 + 5


def test_another_truncation_makes_other_pictures_of_the_same_subjects(
    tmp_path: Path, painter: Painter
):
    first = generate(tmp_path, 3)
    second = generate(tmp_path, 3, truncation=0.3)
    assert painter.made == 6
    assert [item.subject for item in second] == [item.subject for item in first]
    assert not {item.color_sha256 for item in first} & {item.color_sha256 for item in second}


def test_latents_are_those_of_their_number_in_any_order():
    drawn = np.random.default_rng(9).standard_normal((6, 512)).astype(np.float32)
    latents = Latents(9)
    for number in (0, 1, 4, 2, 5):
        np.testing.assert_array_equal(latents.at(number), drawn[number])


def test_more_than_the_generator_gives_is_refused():
    with pytest.raises(ValueError, match="1024"):
        generated_faces(1, side=2048)


def test_missing_openvino_is_named_before_anything_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(face_generator, "import_module", missing)
    monkeypatch.setattr(face_generator, "fetch", lambda *_: pytest.fail("a package was fetched"))
    arguments = ["build", "faces", "--count", "1", "--out", str(tmp_path / "set")]
    result = CliRunner().invoke(data_commands, arguments)
    assert result.exit_code == 1
    assert "pip install openvino" in result.output
    assert "s2i[faces]" in result.output


def test_the_commands_build_both_kinds_and_show_them(tmp_path: Path, painter: Painter):
    folder, root = write_pictures(tmp_path / "pictures", 40), tmp_path / "set"
    build = ["build", "faces", "--out", str(root), "--side", str(SIDE)]
    more = ["--pictures", str(folder), "--license", "CC0-1.0", "--count", "3", "--seed", "1"]
    result = CliRunner().invoke(data_commands, [*build, *more])
    assert result.exit_code == 0, result.output
    assert "43 faces" in result.output
    terms = {item.source: item.license for item in read_manifest(root)}
    assert terms["pictures"] == "CC0-1.0"
    assert terms["random-face"].startswith("non-commercial")
    sheet = tmp_path / "sheet.png"
    show = ["show", "faces", "--data", str(root), "-o", str(sheet), "--size", "32"]
    result = CliRunner().invoke(data_commands, show)
    assert result.exit_code == 0, result.output
    shown = cv2.imread(str(sheet))
    assert shown is not None
    assert shown.shape[1] == 8 * 32


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "0.jpg cannot be read"), (b"no picture", "0.jpg cannot be read"), (None, "--side 32")],
)
def test_pictures_that_can_not_be_used_are_named(tmp_path: Path, content: bytes | None, said: str):
    folder = tmp_path / "ready"
    folder.mkdir()
    small = cv2.imencode(".jpg", picture(0, 32, 48))[1].tobytes()
    (folder / "0.jpg").write_bytes(small if content is None else content)
    arguments = ["build", "faces", "--pictures", str(folder), "--out", str(tmp_path / "set")]
    result = CliRunner().invoke(data_commands, arguments)
    assert result.exit_code == 1
    assert said in result.output.replace("\n", " ")


def test_nothing_to_build_from_is_an_error_that_says_what_to_give(tmp_path: Path):
    build = ["build", "faces", "--out", str(tmp_path / "set")]
    result = CliRunner().invoke(data_commands, build)
    assert result.exit_code == 2
    assert "--pictures" in result.output
    empty = tmp_path / "empty"
    empty.mkdir()
    result = CliRunner().invoke(data_commands, [*build, "--pictures", str(empty)])
    assert result.exit_code == 1
    assert "no picture" in result.output
    show = ["show", "faces", "--data", str(empty), "-o", str(tmp_path / "sheet.png")]
    result = CliRunner().invoke(data_commands, show)
    assert result.exit_code == 1
    assert "s2i-train data build" in result.output


def test_the_sheet_begins_with_the_mean_and_shows_each_face_once(tmp_path: Path):
    folder = tmp_path / "ready"
    folder.mkdir()
    levels = [20 * number for number in range(12)]
    for level in levels:
        cv2.imwrite(str(folder / f"{level:03d}.png"), np.full((SIDE, SIDE, 3), level, np.uint8))
    items = build_faces([ready(folder)], tmp_path / "set", SIDE)
    trained = [int(item.id) for item in items if item.split == "train"]
    sheet = face_sheet(tmp_path / "set", "train", rows=9, columns=4, size=SIDE)
    shown = [int(v) for v in sheet[SIDE // 2 :: SIDE, SIDE // 2 :: SIDE, 0].ravel()]
    assert shown[0] == round(sum(trained) / len(trained))
    assert shown[1 : len(trained) + 1] == trained
    assert set(shown[len(trained) + 1 :]) <= {255}
    assert len(shown) < len(trained) + 1 + 4  # no empty rows
    few = face_sheet(tmp_path / "set", "train", rows=2, columns=3, size=32)
    assert few.shape == (2 * 32, 3 * 32, 3)


@pytest.mark.slow
@pytest.mark.skipif(
    find_package(RANDOM_FACE.sha256, RANDOM_FACE.name, PACKAGES) is None,
    reason=f"needs: {RANDOM_FACE.command} --dest data/packages",
)
def test_the_published_generator_makes_a_known_face(tmp_path: Path):
    pytest.importorskip("openvino", reason="needs: python -m pip install openvino")
    faces = generated_faces(1, seed=1, side=256, packages=PACKAGES)
    (item,) = build_faces([faces], tmp_path, 256)
    face = cv2.cvtColor(PackedPictures(tmp_path).read(item)[0], cv2.COLOR_BGRA2RGB)
    found = cv2.resize(face, (4, 4), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(found.astype(float), KNOWN_FACE, atol=2)
