"""The keys at the bell that more than one module rings."""

from __future__ import annotations

_SITE = "commands of "


def site_key(site: str) -> str:
    """Rung when there may be something for the site's edge to pull: commands, or a changed directory."""
    return f"{_SITE}{site}"


def site_of(key: str) -> str | None:
    """The site whose `site_key` this is; `None`: it is another key."""
    return key.removeprefix(_SITE) if key.startswith(_SITE) else None
