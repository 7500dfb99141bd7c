"""What `import genelight` costs and gives."""

import importlib
import subprocess
import sys
import time

import pytest

import genelight

HEAVY = ("torch", "matplotlib", "anndata", "pandas", "scipy", "sklearn", "numba", "pyarrow", "pydantic", "typer")
ROOMS = (
    "demo",
    "evidence",
    "io",
    "models",
    "modules",
    "nodes",
    "nouns",
    "patients",
    "pl",
    "pp",
    "report",
    "simulate",
    "study",
)


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def test_importing_takes_under_a_third_of_a_second():
    def once() -> float:
        start = time.perf_counter()
        run("import genelight")
        return time.perf_counter() - start

    assert min(once() for _ in range(5)) < 0.3


def test_importing_loads_no_heavy_library():
    loaded = set(run("import genelight, sys; print(*sys.modules)").split())
    assert loaded.isdisjoint(HEAVY)
    assert not {f"genelight.{room}" for room in ROOMS} & loaded


def test_every_name_of_the_face_is_there():
    assert set(genelight.__all__) <= set(dir(genelight))
    assert set(ROOMS) <= set(genelight.__all__)
    for name in genelight.__all__:
        assert getattr(genelight, name) is not None


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="demmo"):
        genelight.demmo  # noqa: B018


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_of_a_room_is_there(room):
    module = importlib.import_module(f"genelight.{room}")
    assert sorted(set(module.__all__)) == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("room", ["io", "demo", "pp", "evidence", "simulate"])
def test_rooms_without_models_or_pictures_load_neither(room):
    loaded = set(run(f"import genelight.{room}, sys; print(*sys.modules)").split())
    assert loaded.isdisjoint({"torch", "matplotlib"})


def test_the_command_line_loads_what_every_command_needs_and_no_more():
    """Each would cost every command a tenth of a second to two seconds, and 15 to 200 MB."""
    loaded = set(run("import genelight.cli, sys; print(*sys.modules)").split())
    dear = {
        "torch",
        "matplotlib",
        "sklearn",
        "numba",
        "scipy.stats",
        "scipy.optimize",
        "networkx",
        "jinja2",
        "pydantic",
    }
    if "dask" in loaded:
        dear -= {"jinja2"}  # the extra `cluster`: anndata loads Dask where it is installed, and Dask jinja2
    assert loaded.isdisjoint(dear), loaded & dear
