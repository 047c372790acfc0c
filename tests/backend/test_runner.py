"""A worker answers every task once, whatever its pipeline does."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from s2i_backend import link
from s2i_backend.runner import Documents, Runner, Task, out_of_memory
from s2i_client import framing, messages
from s2i_client.declaration import InvalidRequest, Output
from s2i_client.pixels import PictureInfo
from s2i_models.echo.declaration import DECLARATION
from s2i_models.pipeline import Cancelled, Layer, Pipeline


class Scripted(Pipeline):
    """Does what a test says."""

    declaration = DECLARATION

    def __init__(self, behave):
        super().__init__()
        self.behave = behave
        self.requests = []
        self.batches = []

    def run(self, request):
        self.requests.append(request)
        self.behave(request)
        return [Layer("image", request.images["sketch"])]

    def run_batch(self, requests):
        self.batches.append(len(requests))
        return super().run_batch(requests)


class Models:
    def __init__(self, pipeline):
        self.pipeline = pipeline

    def get(self, pipeline_name):
        return self.pipeline


def task(job="j", document=None, frugal=False):
    info = PictureInfo(name="sketch", width=2, height=2)
    submit = messages.Submit(job=job, pipeline="echo", document=document, pictures=(info,))
    plain = {
        "key": ["s", job],
        "parameters": {"seconds": 0.0},
        "outputs": ["image"],
        "frugal": frugal,
    }
    return Task.read(plain, [memoryview(f) for f in framing.encode(submit, [bytes(16)])])


def run(behave, *tasks):
    """What the runner said of jobs, in order, and the pipeline."""
    sent = []
    pipeline = Scripted(behave)
    Runner(Models(pipeline), sent.append).run(list(tasks))
    said = []
    for frames in sent:
        note = link.read_note(frames[0])
        if note["kind"] == "job":
            said.append(framing.decode(frames[1:], messages.FROM_DAEMON).message)
        elif note["kind"] == "memory":
            said.append(note)
    return said, pipeline


def raising(error):
    def behave(request):
        raise error

    return behave


def nothing(request):
    pass


def test_a_job_is_started_and_has_its_layers_with_kind():
    said, _ = run(nothing, task())
    assert [m.type for m in said] == ["started", "result"]
    assert said[1].pictures[0].kind == "image"


def test_an_exception_is_a_failure_without_its_traceback():
    said, _ = run(raising(ZeroDivisionError("secret detail")), task())
    assert said[-1].code == "pipeline_error"
    assert "ZeroDivisionError" in said[-1].message
    assert "secret" not in said[-1].message + said[-1].fix
    assert "Traceback" not in said[-1].message


class Several(Scripted):
    """Returns one layer for each title of a test, all of the same name."""

    titles: tuple[str, ...] = ()

    def run(self, request):
        self.behave(request)
        return [Layer("image", request.images["sketch"], title=title) for title in self.titles]


class SeveralDeclared(Several):
    declaration = replace(DECLARATION, outputs=(Output("image", "", "", "image", many=True),))


def run_several(titles, *, many, behave=nothing, tasks=1):
    sent = []
    pipeline = (SeveralDeclared if many else Several)(behave)
    pipeline.titles = titles
    Runner(Models(pipeline), sent.append).run([task(str(number)) for number in range(tasks)])
    said = [f for f in sent if link.read_note(f[0])["kind"] == "job"]
    return [framing.decode(f[1:], messages.FROM_DAEMON).message for f in said]


def test_several_layers_of_one_name_keep_their_order_and_titles():
    finished = run_several(("a", "b"), many=True)[-1]
    assert [(p.name, p.title) for p in finished.pictures] == [("image", "a"), ("image", "b")]


@pytest.mark.parametrize(
    ("titles", "many"), [(("a", "b"), False), (("a",) * 65, True), (("x" * 65,), True)]
)
def test_layers_that_were_not_declared_so_are_a_failure(titles, many):
    assert run_several(titles, many=many)[-1].code == "pipeline_error"


@pytest.mark.parametrize("count", [1, 2])
def test_a_result_tells_the_pipelines_own_times(count):
    def behave(request):
        request.timing["network"] = 0.25

    *_, finished = run_several(("a",), many=False, behave=behave, tasks=count)
    assert finished.timing["network"] == 0.25
    assert finished.timing.keys() == {"network", "run"}


@pytest.mark.parametrize("count", [1, 2])
def test_a_result_tells_what_the_pipeline_noted_within_what_a_message_may_hold(count):
    def behave(request):
        request.notes.extend(["", "1 picture could not be read.", "x" * 1000, *"abcdefgh"])

    *_, finished = run_several(("a",), many=False, behave=behave, tasks=count)
    assert finished.notes == ("1 picture could not be read.", "x" * 512, *"abcdef")


def test_a_request_that_the_pipeline_finds_unfit_is_told_by_its_field():
    said, _ = run(raising(InvalidRequest("palette", "no colors", "a strip of colors")), task())
    assert said[-1].code == "invalid_request"
    told = said[-1].field, said[-1].given, said[-1].allowed
    assert told == ("palette", "'no colors'", "a strip of colors")


def test_missing_weights_say_so():
    said, _ = run(raising(FileNotFoundError("w.safetensors does not exist")), task())
    assert said[-1].code == "weights_missing"


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (cv2.error("alloc.cpp:73: error: (-4:Insufficient memory) in function 'x'"), True),
        (cv2.error("alloc.cpp:73: error: Failed to allocate 99 bytes in function 'x'"), True),
        (cv2.error("resize.cpp:1: error: (-215:Assertion failed) in function 'x'"), False),
        (RuntimeError("shapes differ"), False),
    ],
)
def test_running_out_of_memory_is_told_from_other_failures(error, is_memory):
    assert out_of_memory(error) == is_memory
    said, _ = run(raising(error), task())
    assert isinstance(said[-1], dict) == is_memory


def test_a_job_cancelled_before_its_start_is_not_run():
    unwanted = task()
    unwanted.cancelled.set()
    said, pipeline = run(nothing, unwanted)
    assert [m.type for m in said] == ["started", "cancelled"]
    assert not pipeline.requests


def test_a_job_cancelled_while_it_runs_stops_at_its_next_step():
    running = task()

    def behave(request):
        request.progress.step(0.1, "one")
        running.cancelled.set()
        request.progress.step(0.2, "two")
        raise AssertionError("the step did not stop the job")

    said, _ = run(behave, running)
    assert [m.type for m in said] == ["started", "progress", "cancelled"]


def test_progress_is_not_sent_more_than_twenty_times_a_second():
    def behave(request):
        for number in range(1000):
            request.progress.step(number / 1000, f"step {number}")

    said, _ = run(behave, task())
    assert 1 <= len([m for m in said if m.type == "progress"]) < 1000 / 2


def test_fractions_out_of_range_and_previews_are_sent_sensibly():
    def behave(request):
        request.progress.step(7.0, "x" * 999, np.zeros((3, 4, 3), np.uint8))

    said, _ = run(behave, task())
    progress = said[1]
    assert (progress.fraction, len(progress.step)) == (1.0, 256)
    assert (progress.pictures[0].width, progress.pictures[0].height) == (4, 3)


def test_a_group_is_run_as_one_batch():
    said, pipeline = run(nothing, task("a"), task("b"), task("c"))
    assert pipeline.batches == [3]
    assert [m.job for m in said if m.type == "result"] == ["a", "b", "c"]


def test_a_group_with_a_cancelled_job_still_answers_the_others():
    unwanted = task("b")

    def behave(request):
        if unwanted.cancelled.is_set():
            return
        unwanted.cancelled.set()
        raise Cancelled

    said, _ = run(behave, task("a"), unwanted, task("c"))
    ends = {m.job: m.type for m in said if m.type != "started"}
    assert ends == {"a": "result", "b": "cancelled", "c": "result"}


def test_the_second_try_is_told_to_be_frugal():
    _, pipeline = run(nothing, task(frugal=True))
    assert pipeline.requests[0].frugal


def test_a_document_has_its_memory_and_the_oldest_is_forgotten():
    def behave(request):
        request.memory["count"] = request.memory.get("count", 0) + 1

    _, pipeline = run(behave, task("a", "d"), task("b", "d"), task("c"), task("e"))
    # The group ran as a batch, in order.
    assert [r.memory["count"] for r in pipeline.requests] == [2, 2, 1, 1]
    documents = Documents(limit=2)
    first = documents.memory("s", "one")
    documents.memory("s", "two")
    assert documents.memory("s", "one") is first
    documents.memory("s", "three")
    assert documents.memory("s", "one") is first
    two_again = documents.memory("s", "two")
    two_again["new"] = True
    assert documents.memory("other", "two") == {}
