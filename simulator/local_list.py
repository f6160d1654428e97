"""The local authorisation list: id tags that hold while there is nobody to ask (OCPP 1.6 ed. 2 §3.5.2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from simulator.authorisation import ACCEPTED
from simulator.clock import from_wire
from simulator.configuration import Configuration

NO_LIST = -1


class LocalList:
    """One charge point's list. Id tags are compared without regard to case."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._version = 0
        self._entries: dict[str, dict[str, Any]] = {}

    @property
    def version(self) -> int:
        """0: empty; -1: there is no list (§5.10)."""
        return self._version if self._configuration.boolean("LocalAuthListEnabled") else NO_LIST

    def update(self, version: int, kind: str, entries: Iterable[dict[str, Any]]) -> str:
        """Answer a SendLocalList (§5.15); after anything but Accepted the list is as it was."""
        if self.version == NO_LIST:
            return "NotSupported"
        changes = list(entries)
        if kind == "Differential" and version <= self._version:
            return "VersionMismatch"
        after = {} if kind == "Full" else dict(self._entries)
        for change in changes:
            name = str(change["id_tag"]).casefold()
            info = change.get("id_tag_info")
            if info is None:
                after.pop(name, None)
            else:
                after[name] = info
        too_many = len(changes) > self._configuration.integer("SendLocalListMaxLength")
        if version < 1 or too_many or len(after) > self._configuration.integer("LocalAuthListMaxLength"):
            return "Failed"
        self._entries, self._version = after, version
        return ACCEPTED

    def accepts(self, id_tag: str, now: datetime) -> bool | None:
        """Whether the list lets an id tag charge; `None`: it does not know it, or there is no list."""
        info = self._entries.get(id_tag.casefold())
        if info is None or self.version == NO_LIST:
            return None
        expires = info.get("expiry_date")
        return info["status"] == ACCEPTED and (not expires or from_wire(expires) > now)
