"""Follow every link of the documentation that stays inside it, and list those that leave it.

A link to a file, or to a heading of one, that is not there stops the check. Links to the web are printed with where
they stand; nothing is asked of a network.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("*.md", "docs/*.md", "docs/*/*.md", "examples/*.md", "packaging/*.md")
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*$", re.MULTILINE)


def prose(path: Path) -> str:
    """The page without its code, in which brackets mean other things."""
    text = re.sub(r"^(```+|~~~+).*?^\1", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(path: Path) -> set[str]:
    """What a link to a heading of the page may say after its ``#``."""
    found = set()
    for heading in HEADING.findall(path.read_text("utf-8")):
        words = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower())
        found.add(words.strip().replace(" ", "-"))
    return found


def followed() -> tuple[list[str], list[str]]:
    """Links that lead nowhere, and links to the web, each with its page."""
    broken, outside = [], []
    for page in sorted({p for pattern in PAGES for p in ROOT.glob(pattern)}):
        for target in LINK.findall(prose(page)):
            where = f"{page.relative_to(ROOT)}: {target}"
            if re.match(r"[a-z][a-z+.-]*:", target):
                outside.append(where)
                continue
            name, _, heading = target.partition("#")
            file = (page.parent / name).resolve() if name else page
            if not file.exists() or (heading and file.suffix == ".md" and heading not in anchors(file)):
                broken.append(where)
    return broken, outside


def main() -> int:
    """Say what leads nowhere, or list what leaves."""
    broken, outside = followed()
    print("\n".join(broken or outside))
    print(f"{len(broken)} links lead nowhere" if broken else f"{len(outside)} links to the web, not asked")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
