"""Terms that a result is told in, and what they mean: a line beneath a result that uses one."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["TERMS", "explained"]

TERMS: dict[str, str] = {
    "AUC": "how often a case has a higher score than a control, of all such pairs; 0.5 is guessing, 1 is always",
    "held-out R²": "share of the variance of samples not trained on that the model gives back; 1 is all of it",
    "q": "the share of false ones to expect among all that have this q or less (false discovery rate)",
    "lfsr": "the chance that a change goes the other way than is said (local false sign rate)",
    "I²": "share of the differences between cohorts that chance alone does not make",
    "joint": "genes chosen by a layer of the model and by their own differences together",
    "knee": "where sorted values stop falling steeply; the genes before it stand out",
    "digest": "a fingerprint of the content: it is another one if a single bit is",
    "calibrated": "its p values are spread evenly where there is nothing to find",
}
"""Each stands on the screen with this line wherever a result names it and does not say it itself."""

_FOUND = {term: re.compile(rf"(?<![\w-]){re.escape(term)}s?(?![\w²])") for term in TERMS}


def explained(text: str) -> Iterator[str]:
    """A line for each term of a text, in their order above; none for those that the text explains: ``q: ...``.

    Examples
    --------
    >>> list(explained("12 genes, 3 with q <= 0.05"))
    ['  q: the share of false ones to expect among all that have this q or less (false discovery rate)']
    """
    for term, meaning in TERMS.items():
        if _FOUND[term].search(text) and f"{term}: " not in text:
            yield f"  {term}: {meaning}"
