"""What tests of recipes share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_set import build_tiny_set


@pytest.fixture(scope="session")
def tiny_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built set of forty drawn circles; not to be changed."""
    return build_tiny_set(tmp_path_factory.mktemp("set"))
