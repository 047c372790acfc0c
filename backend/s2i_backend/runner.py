"""What a worker does with a job: arrays in, pipeline, layers out, every failure named."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from s2i_backend import link, pixels_numpy
from s2i_backend.requests import failure, invalid
from s2i_client import framing
from s2i_client import messages as m
from s2i_client.declaration import MAX_NOTE, MAX_NOTES, InvalidRequest
from s2i_client.pixels import PictureInfo
from s2i_models.pipeline import Cancelled, Layer, Pipeline, Progress, Request

log = logging.getLogger(__name__)
PROGRESS_SECONDS = 0.05  # at most 20 a second
MAX_DOCUMENTS = 16
_OUT_OF_MEMORY_TEXTS = (
    "can't allocate memory",  # torch's CPU allocator on Linux and macOS
    "not enough memory: you tried to allocate",  # the same on Windows
    "MPS backend out of memory",
    "Insufficient memory",  # OpenCV's StsNoMem
    "Failed to allocate",  # OpenCV's allocator
)


@dataclass
class Task:
    """A job as the broker hands it over. `cancelled` is set from the socket's thread."""

    key: tuple[str, str]
    request: m.Submit
    pieces: tuple[list[memoryview], ...]
    parameters: dict[str, Any]
    outputs: tuple[str, ...]
    frugal: bool
    cancelled: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def read(cls, plain: dict[str, Any], frames: list[memoryview]) -> Task:
        decoded = framing.decode(frames, m.FROM_HOST)
        return cls(
            key=tuple(plain["key"]),
            request=decoded.message,
            pieces=tuple([frames[i] for i in group] for group in decoded.groups),
            parameters=plain["parameters"],
            outputs=tuple(plain["outputs"]),
            frugal=plain["frugal"],
        )


class Reporter(Progress):
    """Sends steps to the host, not too many, and stops a job that nobody wants any more."""

    def __init__(self, task: Task, send: Callable[..., None]):
        self._task = task
        self._send = send
        self._sent_at = float("-inf")
        self._sent_name = ""

    def step(self, fraction: float, name: str, preview: np.ndarray | None = None) -> None:
        if self._task.cancelled.is_set():
            raise Cancelled
        now = time.monotonic()
        if now - self._sent_at < PROGRESS_SECONDS:
            return
        self._sent_at = now
        pictures, data = (), ()
        if preview is not None:
            like = next(iter(self._task.request.pictures), None)
            info, buffer = pixels_numpy.to_picture(Layer("preview", preview), like)
            pictures, data = (info,), (buffer,)
        self._send(
            self._task,
            m.Progressed(
                job=self._task.key[1],
                fraction=min(max(float(fraction), 0.0), 1.0),
                step=name[:256],
                pictures=pictures,
            ),
            data,
        )


class Documents:
    """What pipelines remember of each document, the least recently used forgotten first."""

    def __init__(self, limit: int = MAX_DOCUMENTS):
        self._limit = limit
        self._memories: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()

    def memory(self, session: str, document: str | None) -> dict[str, Any]:
        if document is None:
            return {}
        memory = self._memories.setdefault((session, document), {})
        self._memories.move_to_end((session, document))
        while len(self._memories) > self._limit:
            self._memories.popitem(last=False)
        return memory


class Models(Protocol):
    """Loaded pipelines by name, such as a `ModelCache`."""

    def get(self, pipeline_name: str) -> Pipeline: ...


class Runner:
    """Runs tasks one after another, or together where a pipeline can."""

    def __init__(self, models: Models, send: Callable[[list[Any]], None]):
        self._models = models
        self._send_frames = send
        self._documents = Documents()
        self._announced: set[str] = set()

    def run(self, tasks: list[Task]) -> None:
        """Bring every task to its one answer; raises nothing."""
        for task in tasks:
            self._tell(task, m.Started(job=task.key[1], device="-"))
        if len(tasks) > 1 and self._run_together(tasks):
            return
        for task in tasks:
            self._guarded(task, lambda task=task: self._run_alone(task))

    def _run_alone(self, task: Task) -> None:
        pipeline = self._load(task)
        begin = time.monotonic()
        request = self._request(task)
        layers = pipeline.run(request)
        self._answer(task, pipeline, layers, request, time.monotonic() - begin)

    def _run_together(self, tasks: list[Task]) -> bool:
        """Run a group as one batch; False, and nothing was answered, when that did not work."""
        try:
            pipeline = self._load(tasks[0])
            begin = time.monotonic()
            requests = [self._request(task) for task in tasks]
            results = pipeline.run_batch(requests)
        except Exception as error:
            # One job of the group was cancelled or failed; each on its own finds out which.
            log.info("a group of %d is run one by one: %s", len(tasks), type(error).__name__)
            return False
        seconds = (time.monotonic() - begin) / len(tasks)
        for task, request, layers in zip(tasks, requests, results, strict=True):
            self._guarded(
                task,
                lambda t=task, made=layers, r=request: self._answer(t, pipeline, made, r, seconds),
            )
        return True

    def _guarded(self, task: Task, work: Callable[[], None]) -> None:
        """The one place where what a pipeline raises becomes an answer."""
        job = task.key[1]
        try:
            if task.cancelled.is_set():
                raise Cancelled
            work()
        except Cancelled:
            self._tell(task, m.Cancelled(job=job))
        except InvalidRequest as error:
            # What only a look at the pixels tells, such as a palette without colors.
            self._tell(task, invalid(error, job))
        except FileNotFoundError as error:
            log.exception("job %s: %s", job, task.request.pipeline)
            self._tell(task, failure("weights_missing", str(error), job=job))
        except Exception as error:
            log.exception("job %s: %s", job, task.request.pipeline)
            if out_of_memory(error):
                message = f"{task.request.pipeline} ran out of memory."
                self._send_frames(
                    [link.note("memory", session=task.key[0], job=job, message=message)]
                )
            else:
                message = f"{task.request.pipeline} ended with {type(error).__name__}."
                self._tell(task, failure("pipeline_error", message, job=job))

    def _load(self, task: Task) -> Pipeline:
        name = task.request.pipeline
        pipeline = self._models.get(name)
        if name not in self._announced:
            self._announced.add(name)
            self._send_frames([link.note("loaded", pipeline=name, max_batch=pipeline.max_batch)])
        return pipeline

    def _request(self, task: Task) -> Request:
        infos: tuple[PictureInfo, ...] = task.request.pictures
        return Request(
            images={
                info.name: pixels_numpy.to_array(info, pieces)
                for info, pieces in zip(infos, task.pieces, strict=True)
            },
            parameters=task.parameters,
            outputs=task.outputs,
            origins={info.name: (info.origin.x, info.origin.y) for info in infos},
            progress=Reporter(task, self._tell),
            memory=self._documents.memory(task.key[0], task.request.document),
            frugal=task.frugal,
        )

    def _answer(
        self,
        task: Task,
        pipeline: Pipeline,
        layers: list[Layer],
        request: Request,
        run_seconds: float,
    ) -> None:
        pipeline.declaration.check_layers([layer.name for layer in layers])
        like = _sketch_of(task.request.pictures)
        infos, data = [], []
        for layer in layers:
            declared = pipeline.declaration.output(layer.name)
            info, buffer = pixels_numpy.to_picture(
                layer, like, kind=declared.kind, blend=declared.blend
            )
            infos.append(info)
            data.append(buffer)
        finished = m.Finished(
            job=task.key[1],
            timing=request.timing | {"run": run_seconds},
            pictures=tuple(infos),
            notes=tuple(note[:MAX_NOTE] for note in request.notes if note)[:MAX_NOTES],
        )
        self._tell(task, finished, tuple(data))

    def _tell(self, task: Task, message: m.Message, data: tuple[Any, ...] = ()) -> None:
        header = link.note("job", session=task.key[0])
        self._send_frames([header, *framing.encode(message, data)])


def _sketch_of(pictures: tuple[PictureInfo, ...]) -> PictureInfo | None:
    """The picture whose byte order results follow: the sketch, else the first."""
    for picture in pictures:
        if picture.name == "sketch":
            return picture
    return pictures[0] if pictures else None


def out_of_memory(error: BaseException) -> bool:
    """Whether memory, of the machine or of the device, was the cause.

    Told by name and text, because this must import neither torch nor OpenCV. CUDA raises
    `OutOfMemoryError`; the others say it only in the text of a RuntimeError or a `cv2.error`.
    """
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or any(text in str(error) for text in _OUT_OF_MEMORY_TEXTS)
    )
