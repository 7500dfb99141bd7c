"""The wheel as a user gets it: small, whole, and working from an environment of its own."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    # Neither the checkout nor a setting of this session may lend a hand.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PIP_", "COV_"))}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """An environment with the wheel, and with the libraries it needs lent by this one."""
    home = tmp_path_factory.mktemp("home") / "env"
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home.parent)
    bin_folder = home / ("Scripts" if os.name == "nt" else "bin")
    pip = (sys.executable, "-m", "pip", "--python", bin_folder / "python", "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", wheel, cwd=home)
    site = run(bin_folder / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home)
    # A path in a .pth file adds what is in the folder, but not the editable installs that it lists.
    (Path(site) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return bin_folder


def test_it_is_small_and_holds_data_types_and_licence(wheel):
    assert wheel.stat().st_size < 10e6
    names = zipfile.ZipFile(wheel).namelist()
    ours = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*") if path.is_file()}
    missing = {name for name in ours if "__pycache__" not in name} - set(names)
    assert not missing
    assert "genelight/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    strangers = {name.split("/")[0] for name in names} - {"genelight"}
    assert all(name.endswith(".dist-info") for name in strangers)


def test_it_runs_where_it_is_installed(installed, tmp_path):
    code = (
        "import genelight, sys; print(genelight.__file__); print(genelight.demo.cohort().shape, "
        "len(genelight.demo.network()), len(genelight.demo.sets()))"
    )
    file, data = run(installed / "python", "-c", code, cwd=tmp_path).splitlines()
    assert Path(file).is_relative_to(installed.parent)
    assert data == "(252, 4147) 36710 89476"
    assert list(tmp_path.iterdir()) == []


def test_its_command_is_there(installed, tmp_path):
    import genelight

    assert genelight.__version__ in run(installed / "genelight", "--version", cwd=tmp_path)
