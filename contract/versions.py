"""Which versions of the contract a side speaks, and which one two sides agree on. No I/O.

Within a version changes are additive: a reader ignores the fields that it does not know and does without those that are
missing. A new version is for what an older reader would get wrong.
"""

from __future__ import annotations

from collections.abc import Collection

SPOKEN: tuple[int, ...] = (1,)
"""Those of this release, ascending."""


def agree(theirs: Collection[int], ours: Collection[int] = SPOKEN) -> int | None:
    """The newest version that both speak; `None`: there is none."""
    return max(set(theirs) & set(ours), default=None)


def who_is_behind(theirs: Collection[int], ours: Collection[int] = SPOKEN) -> str:
    """Which side has to be upgraded when they do not agree: `edge` (theirs) or `cloud` (ours)."""
    return "edge" if max(theirs, default=0) < max(ours) else "cloud"
