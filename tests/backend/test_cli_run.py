"""`s2i-backend run` on files and folders, with a real daemon."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from safetensors.numpy import save_file

from s2i_backend import daemon_process, run_work
from s2i_backend.cli import main
from s2i_backend.commands.run import Report
from s2i_backend.model_store import ModelStore
from s2i_backend.picture_files import read_record
from s2i_client.connection_file import read_connection
from s2i_client.declaration import Declaration, Input, Output
from s2i_client.jobs import Result as JobResult
from s2i_client.pixels import LayerInfo, Picture, ResultLayer
from s2i_models import catalog

INFO = LayerInfo.__dataclass_fields__
RNG = np.random.default_rng(3)


@pytest.fixture(scope="module", autouse=True)
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One for all tests here, which a `run` starts; every run finds the same."""
    with pytest.MonkeyPatch.context() as patch:
        base = tmp_path_factory.mktemp("daemon")
        patch.setenv("S2I_RUNTIME_DIR", str(base / "run"))
        patch.setenv("S2I_MODELS_DIR", str(base / "models"))
        yield
        CliRunner().invoke(main, ["stop"])


def call(*arguments: object, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["run", *map(str, arguments)])
    assert result.exit_code == exit_code, result.output
    return result


def drawing(path: Path, dtype: type = np.uint8) -> np.ndarray:
    """Write noise as a PNG; returns it, BGR."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, np.iinfo(dtype).max, (40, 60, 3), dtype)
    cv2.imwrite(str(path), pixels)
    return pixels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_one_file_goes_through_the_daemon_and_comes_back_exactly(
    dtype: type, tmp_path: Path
) -> None:
    pixels = drawing(tmp_path / "a.png", dtype)
    result = call("echo", "--sketch", tmp_path / "a.png", "-o", tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["image.png"]
    returned = cv2.imread(str(tmp_path / "out" / "image.png"), cv2.IMREAD_UNCHANGED)
    assert returned is not None
    assert returned.dtype == dtype
    np.testing.assert_array_equal(returned, pixels)
    assert "image.png" in result.stdout


def test_a_folder_with_a_broken_file_is_done_but_for_that_file(tmp_path: Path) -> None:
    pages, out = tmp_path / "pages", tmp_path / "out"
    for name in "abcde":
        drawing(pages / f"{name}.png")
    (pages / "c.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    result = call("echo", "--sketch", pages, "-o", out, exit_code=1)
    assert sorted(p.parent.name for p in out.glob("*/image.png")) == ["a", "b", "d", "e"]
    assert str(pages / "c.png") in result.stderr
    assert "Save it" in result.stderr
    assert "4 done" in result.stdout
    assert "1 failed" in result.stdout


def test_a_second_run_only_makes_what_is_missing_or_changed(tmp_path: Path) -> None:
    pages, out = tmp_path / "pages", tmp_path / "out"
    for name in "abcd":
        drawing(pages / f"{name}.png")

    def statuses(*more: object) -> str:
        result = call("echo", "--sketch", pages, "-o", out, "--json", *more)
        found = {f["name"][0]: f["status"] for f in json.loads(result.stdout)["files"]}
        return "".join("x" if found[n] == "done" else "-" for n in sorted(found))

    assert statuses() == "xxxx"
    assert statuses() == "----"
    (out / "b" / "image.png").unlink()
    drawing(pages / "c.png")
    os.utime(pages / "d.png", (1, 1))
    assert statuses() == "-xx-", "the same content is the same file, whatever its time"
    assert statuses("--seconds", 0.01) == "xxxx", "other settings make other layers"
    assert statuses("--seconds", 0.01, "--force") == "xxxx"
    assert statuses("--seconds", 0.01) == "----"
    save_file({"w": np.zeros(1)}, tmp_path / "mine.safetensors", {"s2i.pipeline": "echo"})
    store = ModelStore()
    store.use(store.import_file(tmp_path / "mine.safetensors").name)
    assert statuses("--seconds", 0.01) == "xxxx", "other weights make other layers"
    save_file({"w": np.ones(1)}, store.find("mine").path, {"s2i.pipeline": "echo"})
    assert statuses("--seconds", 0.01) == "xxxx", "also under the same name"
    assert statuses("--seconds", 0.01) == "----"
    store.remove("mine")


def test_a_run_never_replaces_its_own_input(tmp_path: Path) -> None:
    mine = drawing(tmp_path / "image.png")
    for more in ([], ["--force"]):
        result = call(
            "echo", "--sketch", tmp_path / "image.png", "-o", tmp_path, *more, exit_code=2
        )
        assert "image.png" in result.stderr
        assert "another folder" in " ".join(result.stderr.split())
    pages = tmp_path / "pages"
    drawing(pages / "a.png")
    (pages / "out" / "a").mkdir(parents=True)
    (pages / "out" / "a" / "image.png").hardlink_to(pages / "a.png")
    call("echo", "--sketch", pages, "-o", pages / "out", exit_code=2)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "image.png")), mine)


@pytest.mark.parametrize("whole_folder", [False, True])
def test_what_the_user_painted_is_kept_unless_forced(whole_folder: bool, tmp_path: Path) -> None:
    pages, out = tmp_path / "pages", tmp_path / "out"
    drawing(pages / "a.png")
    sketch = pages if whole_folder else pages / "a.png"
    layer = out / "a" / "image.png" if whole_folder else out / "image.png"
    call("echo", "--sketch", sketch, "-o", out)
    call("echo", "--sketch", sketch, "-o", out, "--seconds", 0.01)  # our own may be replaced
    painted = drawing(layer)
    drawing(pages / "b.png")
    result = call("echo", "--sketch", sketch, "-o", out, exit_code=1)
    assert f"{layer}: not made by s2i" in result.stderr
    assert "--force" in result.stderr
    np.testing.assert_array_equal(cv2.imread(str(layer)), painted)
    assert (out / "b" / "image.png").exists() == whole_folder, "the rest is done"
    call("echo", "--sketch", sketch, "-o", out, "--force")
    assert read_record(layer) is not None


def test_what_is_saved_while_the_job_runs_is_kept_and_not_taken_for_its_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, out = tmp_path / "pages", tmp_path / "out"
    for name in "ab":
        drawing(pages / f"{name}.png")
    content = hashlib.sha256((pages / "a.png").read_bytes()).hexdigest()
    collect = run_work.Work._collect

    def save_then_collect(work: run_work.Work) -> None:
        if not (out / "b").exists():
            drawing(pages / "a.png")
            drawing(out / "b" / "image.png")
        collect(work)

    monkeypatch.setattr(run_work.Work, "_collect", save_then_collect)
    result = call("echo", "--sketch", pages, "-o", out, "--seconds", 0.3, exit_code=1)
    assert f"{out / 'b' / 'image.png'}: not made by s2i" in result.stderr
    assert read_record(out / "b" / "image.png") is None
    record = read_record(out / "a" / "image.png")
    assert record is not None
    assert record["inputs"]["sketch"]["sha256"] == content


def test_json_tells_what_was_made_and_nothing_else_is_printed(tmp_path: Path) -> None:
    drawing(tmp_path / "a.png")
    out = tmp_path / "out"
    result = call("echo", "--sketch", tmp_path / "a.png", "-o", out, "--json")
    plain = json.loads(result.stdout)
    assert plain["pipeline"] == "echo"
    (made,) = plain["files"]
    assert (made["name"], made["status"], made["error"]) == ("a.png", "done", "")
    assert made["layers"] == {"image": str(out / "image.png")}
    record = read_record(out / "image.png")
    assert record is not None
    assert record["parameters"] == {"seconds": 0.0}
    content = hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    assert record["inputs"] == {"sketch": {"file": "a.png", "sha256": content}}
    assert record["version"] == version("s2i")
    assert record["weights"] is None


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--seconds", "900"], ["--seconds", "'900'", "a number from 0 to 600"]),
        (["--layers", "image,shade"], ["--layers", "'shade'", "image"]),
        (["--layers", ""], ["--layers", "image"]),
        (["--sketch", "absent.png"], ["--sketch", "'absent.png'", "a picture file"]),
        (["--hints", "a.png"], ["--hints"]),
        (["b.png", "c.png"], ["b.png c.png", "folder"]),
        (["--device", "gpu"], ["--device", "'gpu'", "cuda:0"]),
    ],
)
def test_a_wrong_request_is_refused_by_name_before_any_work(
    arguments: list[str], named: list[str], tmp_path: Path
) -> None:
    drawing(tmp_path / "a.png")
    out = tmp_path / "out"
    result = call("echo", "--sketch", tmp_path / "a.png", "-o", out, *arguments, exit_code=2)
    for text in named:
        assert text in result.stderr
    assert not out.exists()


def test_an_unknown_pipeline_and_an_empty_folder_are_named(tmp_path: Path) -> None:
    unknown = call("painter", exit_code=2)
    assert "'painter'" in unknown.stderr
    assert "auto_painter" in unknown.stderr
    (tmp_path / "empty").mkdir()
    empty = call("echo", "--sketch", tmp_path / "empty", "-o", tmp_path / "out", exit_code=2)
    assert "--sketch" in empty.stderr
    assert "holds no pictures" in empty.stderr


def test_a_folder_that_can_not_be_written_is_a_failure_with_a_way_out(tmp_path: Path) -> None:
    drawing(tmp_path / "pages" / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("in the way")
    pages, out = tmp_path / "pages", tmp_path / "out"
    result = call("echo", "--sketch", pages, "-o", out, exit_code=1)
    assert str(out / "a") in result.stderr
    assert "-o" in result.stderr


def test_a_device_that_the_running_daemon_does_not_have_is_named(tmp_path: Path) -> None:
    drawing(tmp_path / "a.png")
    arguments = ("echo", "--sketch", tmp_path / "a.png", "-o", tmp_path / "out")
    call(*arguments)  # the daemon knows its device once it has done a job
    call(*arguments, "--device", "cpu")
    result = call(*arguments, "--device", "cuda:7", exit_code=1)
    assert "cuda:7" in result.stderr
    assert "s2i-backend stop" in result.stderr


def test_a_folder_with_one_reference_for_all_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, out, sheet = tmp_path / "pages", tmp_path / "out", tmp_path / "sheet.png"
    for name in "abcde":
        drawing(pages / f"{name}.png")
    stripes(sheet, 4)

    def run(exit_code: int = 0) -> str:
        given = ("flats", "--folder", pages, "--hints", sheet, "-o", out, "--json")
        files = json.loads(call(*given, exit_code=exit_code).stdout)["files"]
        signs = {"done": "x", "finished before": "-", "cancelled": "."}
        return "".join(signs[f["status"]] for f in sorted(files, key=lambda f: f["name"]))

    end = run_work.Work._end

    def interrupted_after_c(work: run_work.Work, piece: run_work.Piece, *rest, **more) -> None:
        end(work, piece, *rest, **more)
        if piece.name == "c.png" and rest[0] == "done":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_work.Work, "_end", interrupted_after_c)
        first = run(exit_code=130)
    assert first[:3] == "xxx" and "." in first
    assert run() == first.replace("x", "-").replace(".", "x"), "only what was left is done"
    assert run() == "-----"
    for name in "abcde":
        record = read_record(next((out / name).glob("*.png")))
        assert record is not None
        assert record["inputs"]["hints"] == {
            "file": "sheet.png", "sha256": hashlib.sha256(sheet.read_bytes()).hexdigest()
        }  # fmt: skip
    stripes(sheet, 5)
    assert run() == "xxxxx", "another reference makes other layers"


def test_what_lies_in_a_folder_that_is_searched_counts(tmp_path: Path) -> None:
    drawing(tmp_path / "a.png")
    drawing(tmp_path / "deep" / "b.png")

    def contents(subfolders: bool = True) -> str:
        return run_work.contents_of(tmp_path, subfolders)

    before, upper = contents(), contents(subfolders=False)
    assert contents() == before != upper
    (tmp_path / ".index").write_text("hidden")
    (tmp_path / "notes.txt").write_text("no picture")
    assert contents() == before
    drawing(tmp_path / "deep" / "c.png")
    added = contents()
    assert added != before
    assert contents(subfolders=False) == upper, "nobody searches there"
    (tmp_path / "deep" / "c.png").unlink()
    assert contents() == before
    os.utime(tmp_path / "a.png", (1, 1))
    assert contents() != before
    assert contents(subfolders=False) != upper
    wish = run_work.Wish("echo", {}, ("image",), None, folders={"folder": before})
    other = run_work.Wish("echo", {}, ("image",), None, folders={"folder": added})
    assert run_work.record_of(wish, {}) != run_work.record_of(other, {})


def test_what_lies_behind_a_link_counts_as_it_is_searched(tmp_path: Path) -> None:
    searched = tmp_path / "searched"
    drawing(searched / "a.png")
    drawing(tmp_path / "elsewhere" / "b.png")
    (searched / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    before = run_work.contents_of(searched, True)
    drawing(tmp_path / "elsewhere" / "c.png")
    assert run_work.contents_of(searched, True) != before
    assert run_work.contents_of(tmp_path / "absent", True) == ""


@pytest.mark.parametrize("out", ["pictures", "pictures/new/found", "link/found", "a/../pictures"])
def test_layers_are_not_written_into_a_folder_that_is_searched(out: str, tmp_path: Path) -> None:
    drawing(tmp_path / "a.png")
    drawing(tmp_path / "pictures" / "b.png")
    (tmp_path / "link").symlink_to(tmp_path / "pictures", target_is_directory=True)
    given = ("--picture", tmp_path / "a.png", "--folder", tmp_path / "pictures")
    result = call("find_reference", *given, "-o", tmp_path / out, exit_code=2)
    assert "--out" in result.stderr
    assert "outside" in result.stderr
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["b.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is a console event there")
def test_control_c_cancels_the_jobs_and_keeps_what_is_done(tmp_path: Path) -> None:
    pages, out = tmp_path / "pages", tmp_path / "out"
    for name in "abcde":
        drawing(pages / f"{name}.png")
    call("echo", "--sketch", pages / "a.png", "-o", out / "single")  # the daemon is there
    arguments = ["echo", "--sketch", str(pages), "-o", str(out), "--seconds", "30", "--json"]
    running = subprocess.Popen(
        [sys.executable, "-m", "s2i_backend", "run", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background may have had Ctrl-C ignored for all of them.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )

    def queue() -> dict[str, int]:
        with daemon_process.connect() as client:
            return client.status().queue

    end = time.monotonic() + 20
    while queue()["running"] == 0:
        assert time.monotonic() < end
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGINT)
    output, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert "Traceback" not in errors
    assert [f["status"] for f in json.loads(output)["files"]] == ["cancelled"] * 5
    assert queue() == {**queue(), "running": 0, "batch": 0, "live": 0}
    assert [p.name for p in out.iterdir()] == ["single"]


def test_control_c_while_a_file_is_read_forgets_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, out = tmp_path / "pages", tmp_path / "out"
    for name in "abc":
        drawing(pages / f"{name}.png")
    decode = run_work.decode_picture

    def interrupted_at_b(data: bytes, path: Path, name: str) -> Picture:
        if path.name == "b.png":
            raise KeyboardInterrupt
        return decode(data, path, name)

    monkeypatch.setattr(run_work, "decode_picture", interrupted_at_b)
    result = call("echo", "--sketch", pages, "-o", out, "--seconds", 30, "--json", exit_code=130)
    files = json.loads(result.stdout)["files"]
    assert [(f["name"][0], f["status"]) for f in files] == [(n, "cancelled") for n in "abc"]


def test_palettes_gray_and_alpha_go_through(tmp_path: Path) -> None:
    original = Image.new("LA", (8, 6), (90, 128))
    original.save(tmp_path / "a.png")
    call("echo", "--sketch", tmp_path / "a.png", "-o", tmp_path / "out")
    returned = Image.open(tmp_path / "out" / "image.png").convert("RGBA")
    assert returned.getpixel((3, 3)) == (90, 90, 90, 128)


def test_a_daemon_that_is_killed_and_stays_away_ends_the_run_with_a_way_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S2I_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(run_work, "GONE_SECONDS", 0.5)
    pages, out = tmp_path / "pages", tmp_path / "out"
    for name in "ab":
        drawing(pages / f"{name}.png")
    daemon_process.start(["cpu"])
    connection = read_connection(tmp_path / "run")
    assert connection is not None
    kill = threading.Timer(1.0, os.kill, (connection.pid, signal.SIGTERM))
    kill.start()
    result = call("echo", "--sketch", pages, "-o", out, "--seconds", 60, "--json", exit_code=1)
    kill.join()
    assert "The daemon is gone. Run the same command again" in result.stderr
    assert [f["status"] for f in json.loads(result.stdout)["files"]] == ["cancelled"] * 2


def test_large_pages_are_handed_over_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, out = tmp_path / "pages", tmp_path / "out"
    for name in "abc":
        drawing(pages / f"{name}.png")
    flying: list[int] = []
    room = run_work.Work._has_room
    monkeypatch.setattr(
        run_work.Work, "_has_room", lambda work: flying.append(len(work._flying)) or room(work)
    )
    monkeypatch.setattr(run_work, "AHEAD_BYTES", 1)
    call("echo", "--sketch", pages, "-o", out)
    assert len(list(out.glob("*/image.png"))) == 3
    assert max(flying) == 1


def test_a_busy_daemon_is_asked_again_until_it_takes_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S2I_RUNTIME_DIR", str(tmp_path / "run"))
    command = [sys.executable, "-m", "s2i_backend", "serve", "--device", "cpu", "--max-jobs", "1"]
    serving = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 30
        while read_connection(tmp_path / "run") is None and time.monotonic() < end:
            time.sleep(0.02)
        pages, out = tmp_path / "pages", tmp_path / "out"
        for name in "abcde":
            drawing(pages / f"{name}.png")
        refused: list[str] = []
        finish = run_work.BlockingJob.finish

        def watched(job, state, *, result=None, error=None):
            refused.append(getattr(error, "code", ""))
            finish(job, state, result=result, error=error)

        monkeypatch.setattr(run_work.BlockingJob, "finish", watched)
        call("echo", "--sketch", pages, "-o", out, "--seconds", 0.1)
        assert len(list(out.glob("*/image.png"))) == 5
        assert "busy" in refused, "or this test does not test what it says"
        CliRunner().invoke(main, ["stop"])
        serving.communicate(timeout=20)
    finally:
        if serving.poll() is None:
            serving.kill()
            serving.wait()


def stripes(path: Path, count: int) -> None:
    """A picture with as many colors, the first one largest."""
    pixels = np.zeros((40, 100, 3), np.uint8)
    for number in range(count):
        pixels[:, 10 * number :] = (20 * number, 255 - 20 * number, 99)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels[:, ::-1])


def test_layers_that_come_several_times_are_numbered_and_known_as_finished(tmp_path: Path) -> None:
    sketch, out = tmp_path / "pages", tmp_path / "out"
    stripes(sketch / "a.png", 5)
    call("split_colors", "--sketch", sketch, "-o", out)
    names = [f"layer-{number:02}.png" for number in range(1, 6)]
    assert sorted(path.name for path in (out / "a").iterdir()) == names
    result = call("split_colors", "--sketch", sketch, "-o", out, "--json")
    (again,) = json.loads(result.stdout)["files"]
    assert again["status"] == "finished before"
    assert [Path(path).name for path in again["layers"].values()] == names
    (out / "a" / names[3]).unlink()  # as if the run had been stopped before
    result = call("split_colors", "--sketch", sketch, "-o", out, "--json")
    assert json.loads(result.stdout)["files"][0]["status"] == "done"
    assert (out / "a" / names[3]).exists()


def test_an_output_that_may_come_and_did_not_is_finished_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = (Output("color", "", "", "color"), Output("look", "", "", "image", many=True))
    declared = Declaration("two", "", "", (Input("sketch", "", ""),), (), outputs)
    monkeypatch.setattr(run_work.catalog, "declaration", lambda _name: declared)
    drawing(tmp_path / "a.png")
    wish = run_work.Wish("two", {}, ("color", "look"), None)
    piece = run_work.Piece("a.png", {"sketch": tmp_path / "a.png"}, tmp_path / "out")
    record = run_work.record_of(wish, run_work._read(piece))
    color = ResultLayer(name="color", width=1, height=1, data=bytes(4), kind="color")
    look = replace(color, name="look", kind="image")
    for made in ([color], [color, look, look]):
        work = run_work.Work.__new__(run_work.Work)
        work._wish = wish
        flight = run_work.Flight(piece, SimpleNamespace(), record)  # type: ignore[arg-type]
        infos = [LayerInfo(**{f: getattr(each, f) for f in INFO}) for each in made]
        result = JobResult(infos, [[each.data] for each in made], {})
        written = work._write(flight, result)
        assert run_work.is_finished(piece, wish)
        assert run_work.layer_files(piece, wish) == written
    (tmp_path / "out" / "look-02.png").unlink()
    assert not run_work.is_finished(piece, wish)


def test_what_was_found_is_told_by_its_titles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stripes(tmp_path / "a.png", 2)
    result = call("split_colors", "--sketch", tmp_path / "a.png", "-o", tmp_path / "b", "--json")
    (made,) = json.loads(result.stdout)["files"]
    assert made["titles"] == {"layer-01": "#63eb14", "layer-02": "#63ff00"}
    layers = {"result-01": tmp_path / "result-01.png"}
    outcome = run_work.Outcome("a.png", "done", tmp_path, layers, {"result-01": "0.83 cat.png"})
    report = Report(tmp_path, as_json=False, count=1)
    report.add(outcome)
    report.end(catalog.declaration("find_reference"))
    assert "result-01.png  0.83 cat.png" in capsys.readouterr().out


def test_numbered_layers_of_an_earlier_run_do_not_stay_behind(tmp_path: Path) -> None:
    sketch, out = tmp_path / "a.png", tmp_path / "out"
    stripes(sketch, 5)
    call("split_colors", "--sketch", sketch, "-o", out)
    stripes(sketch, 3)
    call("split_colors", "--sketch", sketch, "-o", out)
    assert sorted(path.name for path in out.iterdir()) == [f"layer-0{n}.png" for n in (1, 2, 3)]
    painted = drawing(out / "layer-05.png")
    result = call("split_colors", "--sketch", sketch, "-o", out, exit_code=1)
    assert "layer-05.png: not made by s2i" in result.stderr
    call("split_colors", "--sketch", sketch, "-o", out, "--force")
    np.testing.assert_array_equal(cv2.imread(str(out / "layer-05.png")), painted)


def test_each_drawing_with_each_color_layer_goes_on_and_has_a_sheet(tmp_path: Path) -> None:
    pages, blobs, out, sheet = (tmp_path / n for n in ("pages", "blobs", "out", "sheet.png"))
    for name in "ab":
        stripes(pages / f"{name}.png", 3)
    for name in ("cold", "warm", "wet"):
        stripes(blobs / f"{name}.png", 4)
    given = ("flats", "--sketch", pages, "--hints", blobs, "-o", out, "--sheet", sheet, "--json")

    def statuses() -> list[str]:
        plain = json.loads(call(*given, "--combine").stdout)
        assert plain["sheet"] == str(sheet)
        return [f["status"] for f in plain["files"]]

    assert statuses() == 6 * ["done"]
    made = sorted(str(path.parent.relative_to(out)) for path in out.glob("*/*/flats.png"))
    assert made == [f"{page}/{blob}" for page in "ab" for blob in ("cold", "warm", "wet")]
    drawn = cv2.imread(str(sheet))
    assert drawn is not None
    height, width, _ = drawn.shape
    assert width > 4 * 256 and height > 3 * 100, "two rows and three columns, and what they are of"
    first = sheet.read_bytes()
    (out / "a" / "warm" / "flats.png").unlink()
    assert sorted(statuses()) == ["done", *5 * ["finished before"]]
    assert sheet.read_bytes() == first


def test_titles_are_on_the_sheet_of_what_was_finished_before_too(tmp_path: Path) -> None:
    sketch, out = tmp_path / "pages", tmp_path / "out"
    stripes(sketch / "a.png", 3)
    given = ("split_colors", "--sketch", sketch, "-o", out, "--sheet", tmp_path / "sheet.png")
    assert "Sheet: " in call(*given).stdout
    first = (tmp_path / "sheet.png").read_bytes()
    (tmp_path / "sheet.png").unlink()
    result = json.loads(call(*given, "--json").stdout)
    assert result["files"][0]["status"] == "finished before"
    assert result["files"][0]["titles"].keys() == {"layer-01", "layer-02", "layer-03"}
    assert (tmp_path / "sheet.png").read_bytes() == first


@pytest.mark.parametrize(
    ("sheet", "why"),
    [
        ("sheet.jpg", "PNG"),
        ("pages/sheet.png", "one of them in the next run"),
        ("hint.png", "not a sheet"),
        ("out/a/flats.png", "a layer has this name"),
        ("mine.png", "not a sheet"),
    ],
)
def test_a_sheet_replaces_nobodys_work(sheet: str, why: str, tmp_path: Path) -> None:
    stripes(tmp_path / "pages" / "a.png", 3)
    stripes(tmp_path / "hint.png", 3)
    drawing(tmp_path / "mine.png")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.png")}
    given = ("--sketch", tmp_path / "pages", "--hints", tmp_path / "hint.png")
    result = call("flats", *given, "-o", tmp_path / "out", "--sheet", tmp_path / sheet, exit_code=2)
    assert "--sheet" in result.stderr
    assert why in " ".join(result.stderr.replace("│", " ").split())
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.png")} == before


def test_an_input_is_no_sheet_even_if_forced_and_all_that_failed_has_none(tmp_path: Path) -> None:
    page, sheet = tmp_path / "a.png", tmp_path / "sheet.png"
    drawing(page)
    given = ("echo", "--sketch", page, "-o", tmp_path / "out")
    result = call(*given, "--sheet", page, "--force", exit_code=2)
    assert "input of this run" in " ".join(result.stderr.split())
    page.write_bytes(b"broken")
    call(*given, "--sheet", sheet, exit_code=1)
    assert not sheet.exists()


def test_what_a_pipeline_noted_is_told_with_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = "1 picture could not be read: [b.png]."
    outcome = run_work.Outcome("a.png", "done", tmp_path, notes=(note,))
    for as_json in (False, True):
        report = Report(tmp_path, as_json=as_json, count=1)
        report.add(outcome)
        report.end(catalog.declaration("find_reference"))
        said = capsys.readouterr()
        assert f"a.png: {note}" in said.err
    assert json.loads(said.out)["files"][0]["notes"] == [note]
