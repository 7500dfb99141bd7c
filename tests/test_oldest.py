"""The lower bounds of `pyproject.toml`, as the job that installs them reads them."""

import importlib.util
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "scripts" / "oldest.py"
if not SCRIPT.is_file():
    pytest.skip("a source distribution has no scripts", allow_module_level=True)
spec = importlib.util.spec_from_file_location("oldest", SCRIPT)
oldest = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oldest)


def test_every_dependency_has_a_lower_bound():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    assert all("==" in line for line in oldest.oldest(asked))


def test_bounds_are_read_and_replaced():
    asked = ["numpy>=1.26", "pandas>=2.2,<3", 'zarr>=3.1 ; python_version < "3.12"']
    assert oldest.oldest(asked, keep=["numpy==2.0"]) == [
        "numpy==2.0",
        "pandas==2.2",
        'zarr==3.1; python_version < "3.12"',
    ]
    with pytest.raises(ValueError, match="no lower bound"):
        oldest.oldest(["numpy"])
    with pytest.raises(ValueError, match="there is no scipy"):
        oldest.oldest(asked, keep=["scipy==1"])
