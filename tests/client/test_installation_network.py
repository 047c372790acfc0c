"""Installing by the user's own pip settings, with uv for torch's build; no network is used."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from fake_wheels import make_offer, make_torch, make_uv
from test_installation import finish

from s2i_client.installation import Installation, InstallOutcome
from s2i_client.pip_settings import uv_variables

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="uv is not used on macOS")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What pip, by the user's settings, takes packages from."""
    folder = tmp_path / "index"
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\nno-index = true\nfind-links = {folder}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("S2I_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("S2I_PYTHON", sys.executable)
    make_torch(folder)
    return folder


def test_uv_installs_the_build_that_fits_by_pips_settings(index: Path, tmp_path: Path):
    note = tmp_path / "asked.json"
    make_uv(index, note, fails=False)
    installation = Installation(tmp_path / "backend")
    installation.install(make_offer(tmp_path / "carried", "0.1.0"), variant="cpu")
    end, _ = finish(installation)

    assert end.outcome is InstallOutcome.done, end
    asked = json.loads(note.read_text())
    backend = asked["arguments"].index("--torch-backend")
    assert asked["arguments"][backend + 1] == "cpu"
    assert asked["arguments"][-1] == "torch"
    assert asked["variables"]["UV_FIND_LINKS"] == str(index)
    assert installation.executable is not None
    left = installation.executable.parents[1].rglob("uv")
    assert not list(left), "uv is only for the installation"
    assert not (installation.folder / "cache").exists()


def test_without_torchs_index_pip_takes_its_own_build_and_says_so(index: Path, tmp_path: Path):
    make_uv(index, tmp_path / "asked.json", fails=True)
    installation = Installation(tmp_path / "backend")
    installation.install(make_offer(tmp_path / "carried", "0.1.0"), variant="cpu")
    end, _ = finish(installation)

    assert end.outcome is InstallOutcome.done, end
    log = installation.log.read_text()
    assert "Failed to fetch torch" in log
    assert "Taking the build that pip finds instead." in log


def test_a_folder_of_wheels_is_the_only_source(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    installation = Installation(tmp_path / "backend")
    wheels = tmp_path / "without torch"
    installation.install(make_offer(wheels, "0.1.0"), wheels)
    end, _ = finish(installation)

    assert end.outcome is InstallOutcome.failed, end
    assert "torch" in end.message


def test_pips_settings_become_uvs():
    listed = "\n".join(
        (
            ":env:.index-url='https://mirror.example/simple'",
            ":env:.default-timeout='60'",
            "global.index-url='https://other.example/simple'",
            "global.extra-index-url='\\nhttps://one.example\\nhttps://two.example'",
            "global.find-links='/a /b'",
            "install.trusted-host='mirror.example'",
            "global.cert='/etc/own.pem'",
            "global.progress-bar='off'",
        )
    )
    assert uv_variables(listed) == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_HTTP_TIMEOUT": "60",
        "UV_INDEX": "https://one.example https://two.example",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/a,/b",
        "UV_INSECURE_HOST": "mirror.example",
        "SSL_CERT_FILE": "/etc/own.pem",
    }
    assert uv_variables("") == {}
