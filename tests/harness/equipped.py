"""A charge point with a configuration and a local list of its own, which outlive its connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from ocpp.exceptions import InternalError
from ocpp.v16 import call_result
from websockets.asyncio.client import ClientConnection

from tests.harness.station import Station, connected

SOON_S = 40.0


@dataclass
class Equipment:
    """What the charge point keeps while it is away."""

    configuration: dict[str, str] = field(default_factory=dict)
    readonly: set[str] = field(default_factory=set)
    refuses: Callable[[str, str], str | None] = lambda _key, _value: None
    """Given a key and a value: the answer of ChangeConfiguration where it is not Accepted."""
    forgets: set[str] = field(default_factory=set)
    """Keys that it accepts, and does not keep."""
    whole_refused: bool = False
    """Whether a GetConfiguration without keys fails."""
    most_keys: int | None = None
    """Keys that one GetConfiguration may name; more fail."""
    list_version: int = 0
    local_list: dict[str, Any] = field(default_factory=dict)
    list_answers: list[str] = field(default_factory=list)
    """What the next SendLocalList are answered, before the list is taken as it should."""
    most_entries: int = 1000
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Over all connections."""

    def set_keys(self) -> list[tuple[str, str]]:
        """Each ChangeConfiguration that came, in order."""
        return [(one["key"], one["value"]) for action, one in self.asked if action == "ChangeConfiguration"]

    def count(self, action: str) -> int:
        return sum(one[0] == action for one in self.asked)

    async def wait_for(self, action: str, count: int = 1) -> dict[str, Any]:
        """Wait until an operation has come so many times; returns the last request."""
        async with asyncio.timeout(SOON_S):
            while self.count(action) < count:
                await asyncio.sleep(0.02)
        return [request for name, request in self.asked if name == action][count - 1]


class Equipped(Station):
    """Answers from its equipment; everything else as `Station` does."""

    def __init__(self, identity: str, connection: ClientConnection, equipment: Equipment) -> None:
        super().__init__(identity, connection)
        self.equipment = equipment

    def _answer(self, action: str, request: dict[str, Any], **standard: Any) -> Any:
        self.equipment.asked.append((action, request))
        own = getattr(self, f"_{action}", None)
        if own is None or action in self.answers or self.refusal is not None:
            return super()._answer(action, request, **standard)
        self.asked.append((action, request))
        return getattr(call_result, action)(**own(**request))

    def _GetConfiguration(self, key: list[str] | None = None) -> dict[str, Any]:  # noqa: N802 - an action's name
        mine = self.equipment
        if (key is None and mine.whole_refused) or (mine.most_keys and key and len(key) > mine.most_keys):
            raise InternalError
        held = {name.lower(): name for name in mine.configuration}
        wanted = list(mine.configuration) if key is None else [held[one.lower()] for one in key if one.lower() in held]
        return {
            "configuration_key": [
                {"key": one, "readonly": one in mine.readonly, "value": mine.configuration[one]} for one in wanted
            ],
            "unknown_key": [one for one in key or [] if one.lower() not in held],
        }

    def _ChangeConfiguration(self, key: str, value: str) -> dict[str, Any]:  # noqa: N802 - an action's name
        mine = self.equipment
        status = mine.refuses(key, value)
        if status is None and key not in mine.configuration:
            status = "NotSupported"
        if status in (None, "RebootRequired") and key not in mine.forgets:
            mine.configuration[key] = value
        return {"status": status or "Accepted"}

    def _GetLocalListVersion(self) -> dict[str, Any]:  # noqa: N802 - an action's name
        return {"list_version": self.equipment.list_version}

    def _SendLocalList(  # noqa: N802 - an action's name
        self, list_version: int, update_type: str, local_authorization_list: list[dict[str, Any]] | None = None
    ) -> dict[str, Any]:
        mine, entries = self.equipment, local_authorization_list or []
        if mine.list_answers:
            return {"status": mine.list_answers.pop(0)}
        if len(entries) > mine.most_entries:
            return {"status": "Failed"}
        if update_type == "Full":
            mine.local_list = {}
        elif list_version <= mine.list_version:
            return {"status": "VersionMismatch"}
        for entry in entries:
            info = entry.get("id_tag_info")
            if info is None:
                mine.local_list.pop(entry["id_tag"], None)
            else:
                mine.local_list[entry["id_tag"]] = info
        mine.list_version = list_version
        return {"status": "Accepted"}


def equipped(url: str, identity: str, password: str, equipment: Equipment) -> AbstractAsyncContextManager[Station]:
    """Connect a charge point that has this equipment."""
    joined: AbstractAsyncContextManager[Station] = connected(
        url, identity, password, make=lambda name, websocket: Equipped(name, websocket, equipment)
    )
    return joined
