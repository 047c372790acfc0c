"""Which worker has the memory of a document."""

from __future__ import annotations

from collections import OrderedDict

from s2i_backend.scheduler import Entry

# Some more than the workers of a machine remember, 16 documents each.
_MAX_DOCUMENTS = 1024


class DocumentWorkers:
    """The worker that last served each document: it may hold what a pipeline remembered of it."""

    def __init__(self) -> None:
        self._workers: OrderedDict[tuple[str, str], str] = OrderedDict()

    def of(self, entry: Entry) -> str | None:
        """The worker's name; None for a job without a document, or with a new one."""
        if entry.document is None:
            return None
        return self._workers.get((entry.key[0], entry.document))

    def served(self, entry: Entry, worker: str) -> None:
        if entry.document is None:
            return
        document = (entry.key[0], entry.document)
        self._workers[document] = worker
        self._workers.move_to_end(document)
        if len(self._workers) > _MAX_DOCUMENTS:
            self._workers.popitem(last=False)

    def forget_session(self, session: str) -> None:
        for document in [document for document in self._workers if document[0] == session]:
            del self._workers[document]
