"""Drafts for listings and packers say what the package itself says."""

import re
import tomllib
from pathlib import Path

import pytest

import genelight

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
yaml = pytest.importorskip("yaml", reason="no PyYAML here; optuna brings it along")


def draft(name):
    return yaml.safe_load((ROOT / "packaging" / name).read_text("utf-8"))


def test_the_recipe_asks_for_what_the_package_asks_for():
    recipe = draft("conda.yaml")
    asked = [re.fullmatch(r"([\w-]+)(.*)", each).groups() for each in PROJECT["dependencies"]]
    assert recipe["requirements"]["run"][1:] == [f"{CONDA.get(name, name)} {bound}".strip() for name, bound in asked]
    assert recipe["requirements"]["run"][0] == f"python {PROJECT['requires-python']}"
    assert recipe["package"]["version"] == genelight.__version__
    assert recipe["build"]["entry_points"] == [f"{k} = {v}" for k, v in PROJECT["scripts"].items()]


def test_the_listing_has_what_is_asked_of_it():
    listing = draft("scverse.yaml")
    asked = [
        "name",
        "description",
        "project_home",
        "documentation_home",
        "install",
        "license",
        "tags",
        "version",
        "authors",
    ]
    assert set(asked) <= set(listing)
    assert (listing["license"], listing["version"]) == (PROJECT["license"], f"v{genelight.__version__}")
    for name in ("LICENSE", "CHANGELOG.md", "CODE_OF_CONDUCT.md", "CITATION.cff"):
        assert (ROOT / name).is_file()
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["version"] == genelight.__version__


def test_hosts_run_the_tests_on_every_python_and_three_systems():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text("utf-8"))["jobs"]
    matrix = jobs["test"]["strategy"]["matrix"]
    named = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", c)]
    assert matrix["python"] == named
    systems = {*matrix["os"], *(each["os"] for each in matrix["include"])}
    assert {name.partition("-")[0] for name in systems} == {"ubuntu", "macos", "windows"}
    assert any("make test" in step.get("run", "") for step in jobs["test"]["steps"])
