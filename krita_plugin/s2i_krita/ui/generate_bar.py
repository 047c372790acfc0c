"""Generate, Cancel, Live, and how far the work is."""

from __future__ import annotations

from ..model.document_model import DocumentModel
from ..qt import QtCore, QtGui, QtWidgets, pyqtSlot
from ..texts import _
from .compact import (
    SPACING,
    ElidedLabel,
    Icon,
    Shortcut,
    capitalized,
    column,
    identify,
    push_button,
    reserve,
)

PREVIEW_LINES = 2.2  # the preview's side, in lines of text


class GenerateBar(QtWidgets.QWidget):
    """One button that generates or cancels, the switch for live, and below them the progress.

    All places are kept while nothing runs.
    """

    def __init__(self, model: DocumentModel, icon: Icon, shortcut: Shortcut):
        super().__init__()
        self._model, self._icon, self._shortcut = model, icon, shortcut
        self._run = push_button("generate", _("Generate"))
        font = self._run.font()
        font.setBold(True)
        self._run.setFont(font)
        self._run.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Fixed
        )
        # As high as it is with the icon that it has while something runs.
        self._run.setIcon(icon("process-stop"))
        self._run.setFixedHeight(self._run.sizeHint().height())
        self._run.clicked.connect(self._clicked)
        self._live = identify(QtWidgets.QPushButton(_("Live")), "live", _("Live"))
        self._live.setCheckable(True)
        self._live.setIcon(icon("infinity"))
        self._live.clicked.connect(self._toggle_live)
        buttons = QtWidgets.QHBoxLayout()
        buttons.setSpacing(SPACING)
        buttons.addWidget(self._run, 1)
        buttons.addWidget(self._live)

        self._step = identify(ElidedLabel(), "step", _("Progress"))
        self._bar = identify(QtWidgets.QProgressBar(), "progress", _("Progress"))
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 1000)
        self._bar.setFixedHeight(max(4, self.fontMetrics().height() // 3))
        reserve(self._bar)
        self._preview = identify(QtWidgets.QLabel(), "job_preview", _("Preview"))
        self._side = round(PREVIEW_LINES * self.fontMetrics().height())
        self._preview.setFixedSize(self._side, self._side)
        self._preview.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
        texts = column(lines := QtWidgets.QWidget())
        texts.setSpacing(SPACING // 2)
        texts.addStretch()
        texts.addWidget(self._step)
        texts.addWidget(self._bar)
        texts.addStretch()
        progress = QtWidgets.QHBoxLayout()
        progress.setSpacing(SPACING)
        progress.addWidget(lines, 1)
        progress.addWidget(self._preview)
        reserve(self._preview)
        layout = column(self)
        layout.addLayout(buttons)
        layout.addLayout(progress)

        model.progress_changed.connect(self.refresh)
        model.live.changed.connect(self.refresh)
        model.chosen_changed.connect(self.refresh)
        model.connection.state_changed.connect(self.refresh)
        self.refresh()

    @pyqtSlot()
    def refresh(self) -> None:
        model, progress = self._model, self._model.progress
        busy = model.is_busy
        self._run.setText(_("Cancel") if busy else _("Generate"))
        self._run.setIcon(self._icon("process-stop") if busy else QtGui.QIcon())
        self._run.setAccessibleName(self._run.text())
        self._run.setEnabled(busy or model.pipeline is not None)
        follows = model.pipeline is not None and not model.pipeline.off_canvas
        self._live.setEnabled(not busy and follows)
        self._live.setChecked(model.live.active)
        self._bar.setVisible(busy)
        if progress is None:
            self._step.setText(self._idle_text())
            self._preview.setVisible(False)
        else:
            self._step.setText(_step_text(progress.step, progress.place))
            self._bar.setValue(round(1000 * progress.fraction))
            self._preview.setVisible(progress.preview is not None)
            if progress.preview is not None:
                self._preview.setPixmap(self._small(progress.preview))

    def event(self, a0: QtCore.QEvent | None) -> bool:
        # The user may have changed the shortcuts since.
        if a0 is not None and a0.type() == QtCore.QEvent.Type.Enter:
            self._show_shortcuts()
        return super().event(a0)

    def _show_shortcuts(self) -> None:
        busy = self._model.is_busy
        name, tip = (
            ("s2i_cancel", _("Stop what runs"))
            if busy
            else ("s2i_generate", _("Let the chosen system work on the sketch"))
        )
        self._run.setToolTip(_with_shortcut(tip, self._shortcut(name)))
        tip = _("Let the result follow the strokes")
        self._live.setToolTip(_with_shortcut(tip, self._shortcut("s2i_live")))

    def _clicked(self) -> None:
        if self._model.is_busy:
            self._model.cancel()
        else:
            self._model.generate()

    def _toggle_live(self) -> None:
        self._model.live.toggle()
        self.refresh()  # it may not have begun

    def _idle_text(self) -> str:
        if self._model.live.active:
            return _("Live: draw, and the result follows")
        # Devices are called cpu and cuda:0, which are initials.
        devices = [name.upper() for name in self._model.connection.devices]
        if not self._model.connection.is_ready:
            return _("Not connected")
        return _("Ready") + (f" ({', '.join(devices)})" if devices else "")

    def _small(self, image: QtGui.QImage) -> QtGui.QPixmap:
        ratio = self.devicePixelRatioF()
        side = round(self._side * ratio)
        pixmap = QtGui.QPixmap.fromImage(image).scaled(
            side,
            side,
            QtCore.Qt.AspectRatioMode.KeepAspectRatio,
            QtCore.Qt.TransformationMode.SmoothTransformation,
        )
        pixmap.setDevicePixelRatio(ratio)
        return pixmap


def _step_text(step: str, place: int) -> str:
    step = capitalized(step)
    return _("{step}, {count} before it", step=step, count=place) if place else step


def _with_shortcut(text: str, keys: str) -> str:
    return f"{text} ({keys})" if keys else text
