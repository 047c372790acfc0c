"""The last lines that an installation or a start said."""

from __future__ import annotations

from ..model.workspace import Workspace
from ..qt import QtCore, QtGui, QtWidgets
from ..texts import _
from .compact import column, identify
from .section import Section

LINES = 8


class InstallLog(Section):
    """Lines to read and copy, and a link to the whole file; hidden when nothing was said."""

    def __init__(self, workspace: Workspace):
        super().__init__("log", _("Log"), workspace.settings, folded=True)
        self._lines: tuple[str, ...] = ()
        self._text = identify(QtWidgets.QPlainTextEdit(), "log_lines", _("Log"))
        self._text.setReadOnly(True)
        self._text.setLineWrapMode(QtWidgets.QPlainTextEdit.LineWrapMode.NoWrap)
        fixed = QtGui.QFontDatabase.systemFont(QtGui.QFontDatabase.SystemFont.FixedFont)
        fixed.setPointSizeF(0.85 * self.font().pointSizeF())
        self._text.setFont(fixed)
        self._text.setFixedHeight(LINES * self.fontMetrics().height())
        self._text.setMinimumWidth(0)
        log = workspace.daemon.install_log
        url = QtCore.QUrl.fromLocalFile(str(log)).toString()
        link = identify(QtWidgets.QLabel(), "log_file", _("Open the log file"), str(log))
        link.setText(f'<a href="{url}">{_("Open the log file")}</a>')
        link.setOpenExternalLinks(True)
        flags = QtCore.Qt.TextInteractionFlag
        link.setTextInteractionFlags(flags.LinksAccessibleByMouse | flags.LinksAccessibleByKeyboard)
        layout = column(self.body)
        layout.addWidget(self._text)
        layout.addWidget(link)

    def show_lines(self, lines: tuple[str, ...]) -> None:
        self.setVisible(bool(lines))
        if lines == self._lines:
            return
        self._lines = lines
        self._text.setPlainText("\n".join(lines))
        bar = self._text.verticalScrollBar()
        if bar is not None:
            bar.setValue(bar.maximum())
