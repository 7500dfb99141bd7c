"""Check that everything genelight depends on, and what that depends on, has a licence that lets it be used freely.

Reads what the installed packages say of themselves; one whose terms are not known here stops the check, to be read.
NVIDIA's libraries, which torch brings along where it is built for their processors, have terms of their own; genelight
neither ships nor needs them.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

OPEN = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Unlicense|Zlib|MPL|Mozilla Public|HPND|0BSD|CC0|Python-2|"
    r"Boost|BSL-1|Historical Permission|LLVM-exception)",
    re.IGNORECASE,
)
READ = {
    "lifelines": "MIT, in its file LICENSE",
    "matplotlib": "its own, of the form of the PSF's",
}
"""Packages whose metadata do not name their terms; read by hand."""


def needed(root: str, extras: tuple[str, ...] = ()) -> dict[str, metadata.Distribution]:
    """Everything installed that a package needs, by name."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [(root, extras)]
    while waiting:
        name, asked = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            found[key] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        for text in found[key].requires or ():
            requirement = Requirement(text)
            environments = [{"extra": extra} for extra in ("", *asked)]
            if requirement.marker is None or any(requirement.marker.evaluate(e) for e in environments):
                waiting.append((requirement.name, tuple(requirement.extras)))
    return found


def terms(distribution: metadata.Distribution) -> str:
    """What a package says of its licence."""
    about = distribution.metadata
    classifiers = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or () if "License ::" in line]
    first = (about.get("License") or "").strip().partition("\n")[0]
    texts = [about.get("License-Expression") or "", *classifiers, first]
    return "; ".join(text for text in texts if text)


def main() -> None:
    """Print what is not known, and end with 1 if there is any."""
    packages = needed("genelight", ("attribution", "cloud", "cluster", "survival", "sweep"))
    unknown = {
        name: terms(package)
        for name, package in packages.items()
        if name not in READ and not name.startswith("nvidia-") and not OPEN.search(terms(package))
    }
    for name, said in unknown.items():
        sys.stdout.write(f"{name}: {said or 'says nothing of its licence'}\n")
    sys.stdout.write(f"licences of {len(packages)} packages read, {len(unknown)} not known to be open\n")
    if unknown:
        sys.stdout.write(f"read them, and add them to {Path(__file__).name} if they are\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
