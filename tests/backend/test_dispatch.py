"""Jobs that run out of memory, and groups, through the dispatch with workers played by the test."""

from types import SimpleNamespace

import msgpack
import pytest

from s2i_backend import link
from s2i_backend.dispatch import Dispatch
from s2i_backend.options import ServeOptions
from s2i_client import framing, messages
from s2i_client.pixels import PictureInfo


class Frame:
    """What dispatch uses of a zmq.Frame."""

    def __init__(self, data):
        self.bytes = bytes(data)
        self.buffer = memoryview(self.bytes)


class Answers:
    def __init__(self):
        self.told = []
        self.ended = []

    def tell(self, session, message, data=()):
        self.told.append(message)

    def end(self, key, message, data=()):
        self.ended.append((key, message))

    def forget(self, session):
        pass


class Supervisor:
    """Workers that are up and never die."""

    def __init__(self, names):
        self.workers = {
            name: SimpleNamespace(name=name, device="cpu", state="idle") for name in names
        }

    @property
    def idle(self):
        return [worker for worker in self.workers.values() if worker.state == "idle"]


class Stage:
    """A dispatch with workers that do what the test says."""

    def __init__(self, workers="w"):
        self.supervisor = Supervisor(workers)
        self.sent = []
        self.answers = Answers()
        socket = SimpleNamespace(send_multipart=lambda frames, copy: self.sent.append(frames))
        self.dispatch = Dispatch(ServeOptions(), socket, self.supervisor, self.answers)  # type: ignore[arg-type]

    def submit(self, job, **options):
        info = PictureInfo(name="sketch", width=2, height=2)
        submit = messages.Submit(job=job, pipeline="echo", pictures=(info,), **options)
        self.dispatch.submit("s", submit, framing.encode(submit, [bytes(16)]))  # type: ignore[arg-type]

    def say(self, *frames, worker=b"w"):
        self.dispatch.from_worker([Frame(worker), *(Frame(f) for f in frames)])  # type: ignore[misc]

    def runs(self):
        """The jobs of each `run` that the worker was sent, as (name, frugal)."""
        notes = [msgpack.unpackb(frames[1]) for frames in self.sent]
        return [
            [(job["key"][1], job["frugal"]) for job in note["jobs"]]
            for note in notes
            if note["kind"] == "run"
        ]

    def workers_told(self):
        """Who was sent a `run`, in order."""
        return [
            frames[0].decode()
            for frames in self.sent
            if msgpack.unpackb(frames[1])["kind"] == "run"
        ]


@pytest.fixture
def stage():
    return Stage()


def out_of_memory(stage, job):
    stage.say(link.note("memory", session="s", job=job, message="echo ran out of memory."))
    stage.say(link.note("idle"))


def test_a_job_out_of_memory_is_tried_once_more_frugally_and_then_fails(stage):
    stage.submit("j")
    out_of_memory(stage, "j")
    assert stage.runs() == [[("j", False)], [("j", True)]]
    assert not stage.answers.ended
    out_of_memory(stage, "j")
    ((key, message),) = stage.answers.ended
    assert (key, message.code) == (("s", "j"), "memory")
    assert message.fix
    assert not stage.dispatch.has_work


def test_waiting_jobs_alike_are_given_together_once_a_worker_says_its_pipeline_can(stage):
    for job in "abcdef":
        stage.submit(job)
    stage.say(link.note("loaded", pipeline="echo", max_batch=4))
    stage.say(link.note("idle"))
    assert stage.runs() == [[("a", False)], [(job, False) for job in "bcde"]]


def test_a_pipeline_that_can_not_gets_one_job_at_a_time(stage):
    for job in "abc":
        stage.submit(job)
    stage.say(link.note("loaded", pipeline="echo", max_batch=1))
    stage.say(link.note("idle"))
    assert stage.runs() == [[("a", False)], [("b", False)]]


def test_a_result_that_comes_after_a_cancel_is_not_delivered(stage):
    stage.submit("j")
    assert stage.dispatch.cancel(("s", "j"))
    info = messages.LayerInfo(name="image", width=1, height=1)
    result = messages.Finished(job="j", pictures=(info,))
    stage.say(link.note("job", session="s"), *framing.encode(result, [bytes(4)]))
    ((_, message),) = stage.answers.ended
    assert isinstance(message, messages.Cancelled)


def test_what_a_worker_says_of_a_job_that_has_ended_changes_nothing(stage):
    stage.submit("j")
    for _ in range(2):
        said = framing.encode(messages.Failed(code="pipeline_error", message="m", job="j"))
        stage.say(link.note("job", session="s"), *said)
    assert len(stage.answers.ended) == 1
    assert "daemon.log" in stage.answers.ended[0][1].fix


def test_a_document_goes_to_the_worker_that_served_it_last():
    stage = Stage(workers="ab")

    def done(job, worker):
        said = framing.encode(messages.Cancelled(job=job))
        stage.say(link.note("job", session="s"), *said, worker=worker)
        stage.say(link.note("idle"), worker=worker)

    stage.submit("1", document="first")
    stage.submit("2", document="second")
    done("1", b"a")
    done("2", b"b")
    stage.submit("3", document="second")
    stage.submit("4", document="second")  # its worker is busy: it does not wait
    done("3", b"b")
    done("4", b"a")
    stage.submit("5", document="second")
    stage.submit("6")
    assert stage.workers_told() == ["a", "b", "b", "a", "a", "b"]
