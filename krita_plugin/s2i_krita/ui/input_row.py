"""One line for each declared input: where its pixels come from, and whether they are sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from s2i_client.declaration import Input

from ..model.document_model import DocumentModel
from ..model.message import Message
from ..model.roles import HINTS, PALETTE, SKETCH, is_painted, takes_pictures
from ..model.sources import Source, SourceKind, from_layer
from ..model.thumbnails import thumbnail
from ..qt import QtCore, QtGui, QtWidgets, pyqtSlot
from ..texts import _
from .compact import (
    CompactCombo,
    ElidedCheckBox,
    ElidedLabel,
    Icon,
    beside_checks,
    identify,
    row,
    tool_button,
)
from .picture_tip import picture_tip

INDENT = "    "


class InputRow(QtWidgets.QWidget):
    """A check box (for inputs that can be left out), the choice, and what belongs to the role."""

    def __init__(self, model: DocumentModel, declared: Input, icon: Icon):
        super().__init__()
        self.model, self.declared = model, declared
        self.title, self.help = _(declared.title), _(declared.help)
        self._icon = icon
        self.setObjectName(f"input_{declared.name}")
        self.check: ElidedCheckBox | None = None
        label: QtWidgets.QWidget = beside_checks(ElidedLabel(self.title, self.help))
        if not declared.required:
            label = self.check = identify(
                ElidedCheckBox(self.title), f"use_{declared.name}", self.title, self.help
            )
            self.check.clicked.connect(lambda on: model.set_enabled(declared.name, on))
        field, buttons = self._palette_field() if declared.name == PALETTE else self._layers()
        self.setLayout(row(label, field, *buttons))
        model.sources_changed.connect(self.refresh)
        model.palette.changed.connect(self.refresh)
        self.refresh()

    @property
    def source(self) -> Source:
        return self.model.sources.get(self.declared.name, Source())

    @pyqtSlot()
    def refresh(self) -> None:
        source = self.source
        if self.check is not None:
            self.check.setEnabled(source.kind is not SourceKind.nothing)
            self.check.setChecked(source.is_sent)
        self._show()

    # Layers and pictures.

    def _layers(self) -> tuple[QtWidgets.QWidget, list[QtWidgets.QToolButton]]:
        name = self.declared.name
        combo = SourceCombo(self.model, self.declared, self._choose)
        self._show: Callable[[], None] = combo.refresh
        buttons: list[QtWidgets.QToolButton] = []
        if is_painted(self.declared):
            brush = tool_button(
                f"add_{name.removesuffix('s')}_layer",
                _("Paint: {input}", input=self.title),
                self._icon("krita_tool_freehand"),
                _("Make a layer for color hints above the lines, or go to the one there is")
                if name == HINTS
                else _("Make a layer to paint this on above the lines, or go to the one there is"),
            )
            brush.clicked.connect(self._paint)
            buttons.append(brush)
        if takes_pictures(self.declared):
            self.setAcceptDrops(True)
            opener = tool_button(f"file_{name}", _("File…"), self._icon("document-open"))
            opener.clicked.connect(self._open)
            paste = tool_button(
                f"paste_{name}",
                _("Paste"),
                self._icon("edit-paste"),
                _("Use the picture in the clipboard"),
            )
            paste.clicked.connect(self._paste)
            buttons += [opener, paste]
        return combo, buttons

    def _paint(self) -> None:
        if self.declared.name == HINTS:
            self.model.add_hint_layer()
        else:
            self.model.add_paint_layer(self.declared.name, self.title)

    def _choose(self, source: Source) -> None:
        self.model.set_source(self.declared.name, source)

    def _open(self) -> None:
        dialog = QtWidgets.QFileDialog(self, _("Choose a picture"))
        dialog.setObjectName(f"choose_{self.declared.name}")
        dialog.setFileMode(QtWidgets.QFileDialog.FileMode.ExistingFile)
        formats = " ".join(
            f"*.{bytes(name.data()).decode()}"
            for name in QtGui.QImageReader.supportedImageFormats()
        )
        dialog.setNameFilter(_("Pictures") + f" ({formats})")
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.model.take_file(self.declared.name, path))
        dialog.open()

    def _paste(self) -> None:
        clipboard = QtWidgets.QApplication.clipboard()
        assert clipboard is not None
        self._take_mime(clipboard.mimeData(), _("Pasted picture"))

    def _take_mime(self, mime: QtCore.QMimeData | None, label: str) -> None:
        path = _file_of(mime)
        image = mime.imageData() if mime is not None and mime.hasImage() else None
        if path is not None:
            self.model.take_file(self.declared.name, str(path))
        elif image is None:
            self.model.tell(Message(_("The clipboard has no picture. Copy one first.")))
        else:
            self.model.take_image(self.declared.name, QtGui.QImage(image), label)

    def dragEnterEvent(self, a0: QtGui.QDragEnterEvent | None) -> None:  # noqa: N802
        mime = a0.mimeData() if a0 is not None else None
        if a0 is not None and mime is not None and (mime.hasImage() or _file_of(mime)):
            a0.acceptProposedAction()

    def dropEvent(self, a0: QtGui.QDropEvent | None) -> None:  # noqa: N802 - Qt's name
        if a0 is not None:
            a0.acceptProposedAction()
            self._take_mime(a0.mimeData(), _("Dropped picture"))

    # The palette.

    def _palette_field(self) -> tuple[QtWidgets.QWidget, list[QtWidgets.QToolButton]]:
        model, palette = self.model, self.model.palette
        label = identify(ElidedLabel("", self.help), "palette_count", self.title)
        lock = tool_button("lock_palette_input", _("Lock the palette"), self._icon("unlocked"))
        lock.setCheckable(True)
        lock.clicked.connect(palette.lock)
        lock.clicked.connect(lambda on: on and model.set_enabled(self.declared.name, True))

        def show() -> None:
            label.setText(_("{count} colors", count=len(palette.colors)))
            lock.setChecked(palette.locked)
            lock.setIcon(self._icon("locked" if palette.locked else "unlocked"))

        self._show = show
        return label, [lock]


class SourceCombo(CompactCombo):
    """The document's layers as its layer docker shows them, and the file or picture in use.

    They are read when the list opens or gets the focus: Krita does not tell when layers change.
    """

    def __init__(self, model: DocumentModel, declared: Input, choose: Callable[[Source], None]):
        super().__init__()
        self._model, self._name, self._choose = model, declared.name, choose
        self._help = _(declared.help)
        identify(self, f"source_{declared.name}", _(declared.title), self._help)
        side = self.fontMetrics().height()
        self.setIconSize(QtCore.QSize(side, side))
        self.setPlaceholderText(_("Choose…"))
        self.activated.connect(self._activated)
        self._fill()

    def refresh(self) -> None:
        """Show what the model has; read the layers again only when it is not in the list."""
        source = self._source
        if source.kind in (SourceKind.file, SourceKind.picture) or (
            self.findData(_data(source)) < 0
        ):
            self._fill()
        else:
            self.show_data(_data(source))

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        self._fill()
        super().showPopup()

    def focusInEvent(self, e: QtGui.QFocusEvent | None) -> None:  # noqa: N802 - Qt's name
        self._fill()
        super().focusInEvent(e)

    @property
    def _source(self) -> Source:
        return self._model.sources.get(self._name, Source())

    def _fill(self) -> None:
        source = self._source
        self.clear()
        self.setToolTip(self._help)
        if self._name == SKETCH:
            self.add(_("Everything visible"), SourceKind.canvas.value)
        if source.kind in (SourceKind.file, SourceKind.picture):
            self.add(_in_words(source), _data(source))
            self.setToolTip(source.path or source.label)
            if source.picture is not None:
                small = thumbnail(source.picture)
                self.setItemIcon(self.count() - 1, QtGui.QIcon(QtGui.QPixmap.fromImage(small)))
                self.setToolTip(picture_tip(small, source.label))
        for layer in self._model.document.layers():
            self.add(INDENT * layer.depth_in_tree + layer.name, layer.id)
        if source.kind is SourceKind.layer and self.findData(source.layer) < 0:
            self.add(_("{name} (gone)", name=source.label), source.layer)
        self.setCurrentIndex(-1)
        self.show_data(_data(source))

    def _activated(self, index: int) -> None:
        data = self.itemData(index)
        layer = self._model.document.layer(data)
        if data == SourceKind.canvas.value:
            self._choose(Source(SourceKind.canvas))
        elif layer is not None:
            self._choose(from_layer(layer))


def _data(source: Source) -> str | None:
    """What tells an item of the list from others."""
    if source.kind is SourceKind.nothing:
        return None
    return source.layer if source.kind is SourceKind.layer else source.kind.value


def _in_words(picture: Source) -> str:
    if picture.loading:
        return _("Reading {name}…", name=picture.label)
    return picture.label if picture.picture else _("{name} (gone)", name=picture.label)


def _file_of(mime: QtCore.QMimeData | None) -> Path | None:
    """The first file of this computer that was dropped or copied."""
    urls = mime.urls() if mime is not None else []
    return next((Path(url.toLocalFile()) for url in urls if url.isLocalFile()), None)
