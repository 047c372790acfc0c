"""What went wrong or is worth knowing, with the button that repairs it."""

from __future__ import annotations

from ..model.document_model import DocumentModel
from ..model.message import Message, Repair
from ..model.notice import DaemonNotice
from ..qt import QtCore, QtGui, QtWidgets, pyqtSlot
from ..texts import _
from .compact import (
    SPACING,
    Icon,
    column,
    identify,
    push_button,
    reserve,
    tool_button,
    wrapped_label,
)


class MessageBar(QtWidgets.QFrame):
    """The document's message, or else what there is to say of the daemon; hidden without."""

    def __init__(self, model: DocumentModel, notice: DaemonNotice, icon: Icon):
        super().__init__()
        identify(self, "message_bar", _("Message"))
        self._model, self._notice, self._icon = model, notice, icon
        self.setFrameShape(QtWidgets.QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QtGui.QPalette.ColorRole.AlternateBase)
        self._sign = identify(QtWidgets.QLabel(), "message_sign", "")
        self._text = wrapped_label("message", _("Message"))
        self._fix = wrapped_label("message_fix", _("What to do"))
        for label in (self._text, self._fix):
            label.setTextInteractionFlags(
                QtCore.Qt.TextInteractionFlag.TextSelectableByMouse
                | QtCore.Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
        self._repair = push_button("repair", _("Repair"))
        self._hide = tool_button("dismiss", _("Dismiss"), icon("docker_close"))
        reserve(self._hide)
        texts = column(words := QtWidgets.QWidget())
        texts.setSpacing(SPACING // 2)
        texts.addWidget(self._text)
        texts.addWidget(self._fix)
        texts.addWidget(self._repair, 0, QtCore.Qt.AlignmentFlag.AlignLeft)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(SPACING, SPACING, SPACING, SPACING)
        layout.setSpacing(SPACING)
        top = QtCore.Qt.AlignmentFlag.AlignTop
        layout.addWidget(self._sign, 0, top)
        layout.addWidget(words, 1)
        layout.addWidget(self._hide, 0, top)
        self._repair.clicked.connect(self._repair_clicked)
        self._hide.clicked.connect(self._dismiss)
        model.message_changed.connect(self.refresh)
        notice.changed.connect(self.refresh)
        self.refresh()

    @property
    def _message(self) -> Message | None:
        return self._model.message or self._notice.message

    @pyqtSlot()
    def refresh(self) -> None:
        message = self._message
        self.setVisible(message is not None)
        if message is None:
            return
        sign = self._icon("warning" if message.is_error else "selection-info")
        side = self.fontMetrics().height()
        self._sign.setPixmap(sign.pixmap(side, side))
        self._sign.setAccessibleName(_("Error") if message.is_error else _("Hint"))
        # While the daemon is away, its message is the way to bring it back.
        self._hide.setVisible(self._model.message is not None or not message.is_error)
        font = self._text.font()
        font.setBold(message.is_error)
        self._text.setFont(font)
        self._text.setText(message.text)
        self._fix.setText(message.fix)
        for label in (self._text, self._fix):
            label.setToolTip(label.text())  # a long path may be wider than the docker
        self._fix.setVisible(bool(message.fix))
        repair = self._notice.offered(message)
        self._repair.setVisible(repair is not None)
        if repair is not None:
            self._repair.setText(repair_title(repair))
            self._repair.setAccessibleName(self._repair.text())

    def _repair_clicked(self) -> None:
        message = self._message
        repair = self._notice.offered(message) if message is not None else None
        if repair is not None:
            self._model.tell(None)
            self._notice.repair(repair)

    def _dismiss(self) -> None:
        if self._model.message is not None:
            self._model.tell(None)
        else:
            self._notice.dismiss()


def repair_title(repair: Repair) -> str:
    return {
        Repair.start: _("Start"),
        Repair.install: _("Install"),
        Repair.update: _("Update"),
        Repair.cancel: _("Cancel"),
        Repair.restart: _("Restart"),
        Repair.settings: _("Settings"),
        Repair.autostart: _("Start it with Krita"),
    }[repair]
