"""What a child gets of a host's environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from s2i_client.environment import clean_environment


def test_what_the_host_set_for_itself_is_left_out():
    clean = clean_environment(
        {
            "PYTHONHOME": "/opt/krita",
            "PYTHONPATH": "/opt/krita/lib",
            "VIRTUAL_ENV": "/home/a/env",
            "QT_PLUGIN_PATH": "/opt/krita/plugins",
            "QT_QPA_PLATFORM": "xcb",
            "QML2_IMPORT_PATH": "/opt",
            "HOME": "/home/a",
            "LANG": "de_DE.UTF-8",
            "LD_LIBRARY_PATH": "/opt/cuda/lib64",
            "EMPTY": "",
        }
    )
    assert clean == {
        "HOME": "/home/a",
        "LANG": "de_DE.UTF-8",
        "LD_LIBRARY_PATH": "/opt/cuda/lib64",
        "EMPTY": "",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="AppImages and snaps are Linux's")
@pytest.mark.parametrize("name", ["APPDIR", "SNAP"])
def test_paths_into_the_hosts_bundle_are_left_out(name: str):
    clean = clean_environment(
        {
            name: "/tmp/.mount_krita",
            "PATH": "/tmp/.mount_krita/usr/bin:/usr/bin:/tmp/.mount_kritas/bin",
            "LD_LIBRARY_PATH": "/tmp/.mount_krita/usr/lib:/tmp/.mount_krita/lib",
            "SSL_CERT_FILE": "/tmp/.mount_krita/cert.pem",
        }
    )
    assert clean == {"PATH": "/usr/bin:/tmp/.mount_kritas/bin"}


def test_the_users_values_come_back():
    clean = clean_environment(
        {
            "APPDIR": "/app",
            "LD_LIBRARY_PATH": "/app/lib",
            "APPIMAGE_ORIGINAL_LD_LIBRARY_PATH": "/home/a/lib",
            "APPIMAGE_STARTUP_LD_LIBRARY_PATH": "/app/lib",
            "LD_PRELOAD": "/elsewhere/hook.so",
            "LD_PRELOAD_ORIG": "",
            "PYTHONPATH": "/app/python",
            "APPRUN_ORIGINAL_PYTHONPATH": "/home/a/python",
        }
    )
    clean.pop("LD_PRELOAD_ORIG", None)
    assert clean == {"LD_LIBRARY_PATH": "/home/a/lib"}


def test_folders_of_ours_become_full_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    clean = clean_environment({"S2I_MODELS_DIR": "weights", "S2I_LOG_LEVEL": "debug"})
    assert clean == {"S2I_MODELS_DIR": str(tmp_path / "weights"), "S2I_LOG_LEVEL": "debug"}


def test_without_an_argument_it_is_this_processs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", "/x")
    monkeypatch.setenv("MINE", "1")
    clean = clean_environment()
    assert clean["MINE"] == "1"
    assert "PYTHONPATH" not in clean
    assert os.environ["PYTHONPATH"] == "/x"
