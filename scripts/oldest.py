"""Print the oldest releases that `pyproject.toml` declares, one `name==version` a line, as pip takes them.

`make oldest` installs these and runs the tests with them, so that every lower bound is one that works. Extras are
named on the command line; `--keep torch==2.13.0` takes another release of one of them, where the oldest cannot be had.

    python scripts/oldest.py patients survival --keep torch==2.13.0 > oldest.txt
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*(\[[a-z0-9,]+\])?)\s*>=\s*(?P<version>[0-9][0-9A-Za-z.]*)(?P<rest>.*)"
)


def oldest(requirements: Iterable[str], *, keep: Iterable[str] = ()) -> list[str]:
    """`name==version` of the lower bound of each requirement; those in `keep` as they are given.

    Raises
    ------
    ValueError
        If a requirement has no lower bound, or `keep` names none of them.
    """
    found: dict[str, str] = {}
    for requirement in requirements:
        bounds = REQUIREMENT.fullmatch(requirement.partition(";")[0].strip())
        if bounds is None:
            msg = f"{requirement!r} in pyproject.toml has no lower bound; write name>=version"
            raise ValueError(msg)
        marker = requirement.partition(";")[2].strip()
        found[f"{bounds['name']}{marker}"] = f"{bounds['name']}=={bounds['version']}" + (f"; {marker}" * bool(marker))
    for given in keep:
        name = given.partition("==")[0]
        if name not in found:
            msg = f"--keep {given}: there is no {name} among {', '.join(found)}"
            raise ValueError(msg)
        found[name] = given
    return list(found.values())


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extras", nargs="*", help="optional dependencies to add, such as patients")
    parser.add_argument("--keep", action="append", default=[], metavar="NAME==VERSION", help="in place of the oldest")
    asked = parser.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [*project["dependencies"]]
    for extra in asked.extras:
        requirements += project["optional-dependencies"][extra]
    sys.stdout.write("\n".join(oldest(requirements, keep=asked.keep)) + "\n")


if __name__ == "__main__":
    main()
