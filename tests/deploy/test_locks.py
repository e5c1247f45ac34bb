"""What is installed is what was locked (依存の固定): each package with its hash, whoever else offers the same name."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from municipalities.site import CHECKOUT

LOCKS = ("requirements.txt", "requirements-issuance.txt", "deploy/requirements-airflow.txt")
INSTALLERS = ("utsushi", *(f"deploy/Dockerfile.{name}" for name in ("issuance", "simulators", "sync")))
OPTION = re.compile(r"^\s*(-|.*(://| @ ))")
BOOTSTRAP = re.compile(r"\buv==[0-9$]")  # the installer itself, which then looks at the hashes of all others
UV = Path(sys.executable).with_name("uv")


def entries(lock: str) -> list[str]:
    """Each pinned package with its hashes; lines that are comments are left out."""
    lines = [line for line in (CHECKOUT / lock).read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
    return re.split(r"\n(?=\S)", "\n".join(lines))


@pytest.mark.fault(156)
@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_by_version_and_hash_and_no_other_place_is_named(lock: str) -> None:
    for entry in entries(lock):
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,_-]+\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry
        assert not [line for line in entry.splitlines() if OPTION.match(line) and "--hash=sha256:" not in line]


@pytest.mark.fault(156)
@pytest.mark.parametrize("name", INSTALLERS)
def test_nothing_is_installed_without_looking_at_the_hash(name: str) -> None:
    text = (CHECKOUT / name).read_text("utf-8").replace("\\\n", " ")
    installs = [line for line in text.splitlines() if re.search(r"\bpip\"?\s+install\b", line)]
    assert installs
    for line in installs:
        assert "--require-hashes" in line or BOOTSTRAP.search(line), line
        assert "index" not in line


@pytest.mark.fault(156)
@pytest.mark.parametrize("version", ["", "99.0"])
def test_a_package_of_the_same_name_from_somebody_else_is_not_installed(tmp_path: Path, version: str) -> None:
    (entry,) = [one for one in entries("requirements-issuance.txt") if one.startswith("jpholiday==")]
    pinned = entry.split("==")[1].split()[0]
    forged(tmp_path / "offered", "jpholiday", version or pinned)
    (tmp_path / "lock.txt").write_text(entry.split(" ;")[0] if " ;" in entry else entry, "utf-8")
    command = [UV, "pip", "install", "--no-index", "--no-cache", "--find-links", tmp_path / "offered"]
    command += ["--require-hashes", "--target", tmp_path / "target", "-r", tmp_path / "lock.txt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "jpholiday" in done.stderr
    assert not (tmp_path / "target" / "jpholiday").exists()


@pytest.mark.fault(156)
def test_the_forged_package_would_be_installed_without_its_hash(tmp_path: Path) -> None:
    """So the test above refuses it for its hash."""
    forged(tmp_path / "offered", "jpholiday", "1.0.3")
    command = [UV, "pip", "install", "--no-index", "--no-cache", "--find-links", tmp_path / "offered"]
    subprocess.run([*command, "--target", tmp_path / "target", "jpholiday"], capture_output=True, check=True)
    assert (tmp_path / "target" / "jpholiday" / "__init__.py").exists()


def forged(folder: Path, name: str, version: str) -> None:
    """A wheel of this name and version with other content."""
    folder.mkdir()
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", "raise SystemExit('forged')\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
