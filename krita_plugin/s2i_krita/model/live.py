"""Live: the result follows the strokes.

One loop, read top to bottom: wait for a change, look at the layers, send them if they are others
than before, show what comes back. So there is never more than one request under way, and none
while nothing changed.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING

from s2i_client.errors import JobCancelled, JobSuperseded, S2IError
from s2i_client.jobs import Job
from s2i_client.pixels import ResultLayer

from ..host.canvas import StrokeWatch
from ..host.selection import Selection
from ..qt import QtCore, pyqtSignal
from ..texts import _
from .layering import live_output
from .message import Message, message_of
from .request import MissingInput, gather
from .sources import Source, SourceKind
from .task import Task, Work

if TYPE_CHECKING:
    from .document_model import DocumentModel

TICK_SECONDS = 0.004
ANSWER_SECONDS = 0.002  # while a job is under way
# Undo, filters and scripts give no sign, so the layers are looked at now and then too, but never
# for more than a tenth of the time.
LEAST_LOOK_SECONDS = 0.15
LOOK_SHARE = 10
# A stroke may end over another widget, such as a pop-up palette, and its end is then not seen. In
# one that is really so long, looking waits for it anyway.
LONGEST_STROKE_SECONDS = 2.0


class Live(QtCore.QObject):
    """Live for one document. `changed` when it began or ended, `shown` at each new preview.

    `latencies`: for the last previews, seconds from the end of the stroke (or from when the change
    was seen) to the preview, and the seconds of those that the network took.
    """

    changed = pyqtSignal()
    shown = pyqtSignal()

    def __init__(self, model: DocumentModel):
        super().__init__(model)
        self.active = False
        self.latencies: deque[tuple[float, float]] = deque(maxlen=64)
        self._model = model
        self._watch: StrokeWatch | None = None
        self._stroke_ended_at: float | None = None
        self._job: Job | None = None
        self._last: tuple[ResultLayer, Selection | None] | None = None
        self._again = False
        self._look_seconds = 0.0
        self._task: Task | None = None

    def toggle(self) -> None:
        if self.active:
            self.stop()
        else:
            self.start()

    def start(self) -> None:
        """Follow the strokes from now on; nothing happens when it does so already."""
        if self.active or self._model.is_busy:
            return
        self._model.tell(None)
        if self._model.pipeline is not None and self._model.pipeline.off_canvas:
            text = _("{system} brings nothing that could follow the strokes.",
                     system=_(self._model.pipeline.title))  # fmt: skip
            self._model.tell(Message(text, _("Press Generate instead.")))
            return
        if self._sees_itself:
            self._model.tell(Message(_needs_layer(), _("Choose a layer for the sketch.")))
            return
        window = self._model.document.window
        if window is None:
            return
        self.active = True
        self._stroke_ended_at = None
        self._last, self._again = None, False
        self._model.sync_preview()  # one that was about to come does not come any more
        self._model.preview.remove()
        self._watch = StrokeWatch(window)
        self._watch.stroke_ended.connect(self._stroke_ended)
        self._watch.escape_pressed.connect(self.stop)
        self._task = Task(self._follow(), self)
        self._task.finished.connect(self._failed)
        self.changed.emit()

    def show_again(self) -> None:
        """Show the last preview again, which was taken away meanwhile."""
        self._again = True

    def stop(self) -> None:
        """End it: cancel what runs, and take the preview away."""
        if self.active:
            self._end()
            self._model.sync_preview()

    def close(self) -> None:
        """The document closes: end it, touching nothing."""
        if self.active:
            self._end()

    def _end(self) -> None:
        self.active = False
        if self._watch is not None:
            # Krita deletes it with the window that it watches.
            with contextlib.suppress(RuntimeError):
                self._watch.deleteLater()
            self._watch = None
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self.changed.emit()

    def _failed(self, task: Task) -> None:
        self._task = None
        self.stop()
        if task.error is not None:
            self._model.tell(message_of(task.error))

    @property
    def _sees_itself(self) -> bool:
        return self._model.sources.get("sketch", Source()).kind is SourceKind.canvas

    def _stroke_ended(self) -> None:
        self._stroke_ended_at = time.monotonic()

    def _follow(self) -> Work:
        model = self._model
        sent: tuple[object, ...] = ()
        while True:
            changed_at = yield from self._wait_for_change()
            if self._again:
                self._again = False
                if self._last is not None:
                    yield from self._show(*self._last)
                continue
            if self._sees_itself:
                raise MissingInput(_needs_layer())
            declaration = model.pipeline
            if declaration is None or not model.connection.is_ready:
                yield LEAST_LOOK_SECONDS
                continue
            began = time.monotonic()
            parameters = model.live_parameters
            request = yield from gather(
                model.document,
                declaration,
                model.sources,
                model.palette,
                model.settings.values.context,
            )
            self._look_seconds = time.monotonic() - began
            now = (declaration.name, parameters, request.within, request.pictures)
            if now == sent:
                continue
            self._job = model.connection.submit(
                declaration.name,
                request.pictures,
                parameters,
                outputs=[live_output(declaration)],
                live=True,
                document=model.session_name,
            )
            sent = now
            try:
                while not self._job.ended:
                    yield ANSWER_SECONDS
                result = self._job.outcome()
            except (JobCancelled, JobSuperseded):
                continue
            except S2IError as error:
                # The next stroke tries again; the message stays until one succeeds.
                model.tell(message_of(error))
                continue
            finally:
                self._job.cancel()
            if not result.infos:
                title = _(declaration.title)
                model.tell(Message(_("{system} found nothing to show.", system=title)))
                continue
            self._last = result.layer(0), request.within
            yield from self._show(*self._last)
            network = result.timing.get("network", result.timing.get("run", 0.0))
            self.latencies.append((time.monotonic() - (changed_at or began), network))
            if model.message is not None:
                model.tell(None)
            self.shown.emit()

    def _wait_for_change(self) -> Work:
        """Returns when a stroke ended, that and the grace ago, or None when it is time to look."""
        began = time.monotonic()
        look_at = began + max(LEAST_LOOK_SECONDS, LOOK_SHARE * self._look_seconds)
        grace = self._model.settings.values.live_grace / 1000
        while True:
            ended = self._stroke_ended_at
            now = time.monotonic()
            painting = self._watch is not None and self._watch.painting
            if painting and now < began + LONGEST_STROKE_SECONDS:
                look_at = max(look_at, now + LEAST_LOOK_SECONDS)
            elif ended is not None and now >= ended + grace:
                self._stroke_ended_at = None
                return ended
            elif self._again or (ended is None and now >= look_at):
                return None
            yield TICK_SECONDS

    def _show(self, picture: ResultLayer, within: Selection | None) -> Work:
        model = self._model
        while model.is_saving:
            yield TICK_SECONDS
        layer = model.sketch_layer
        if layer is None:
            gone = _("The sketch's layer is gone. Choose another one.")
            raise MissingInput(_needs_layer() if self._sees_itself else gone)
        below = not layer.is_opaque_paper(model.document.bounds)
        yield from model.preview.show(model.document, picture, layer, below, within)


def _needs_layer() -> str:
    return _("Live needs a sketch layer: all that is visible has the preview in it.")
