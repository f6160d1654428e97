"""Whether a driver may charge: the authorisation cache and what holds while offline (OCPP 1.6 ed. 2 §3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from simulator.clock import from_wire
from simulator.configuration import Configuration

ACCEPTED = "Accepted"


@dataclass(frozen=True, slots=True)
class _Entry:
    status: str
    expires_at: datetime | None


class AuthorisationCache:
    """What the central system last said about each id tag (§3.5.1). Id tags are compared without regard to case."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._entries: dict[str, _Entry] = {}

    def remember(self, id_tag: str, status: str, expiry_date: str | None) -> None:
        """Keep an idTagInfo. ConcurrentTx says nothing about the id tag itself and is not kept."""
        if not self._configuration.boolean("AuthorizationCacheEnabled") or status == "ConcurrentTx":
            return
        expires_at = from_wire(expiry_date) if expiry_date else None
        self._entries[id_tag.casefold()] = _Entry(status, expires_at)

    def accepts(self, id_tag: str, now: datetime) -> bool:
        """Whether the cache knows this id tag as Accepted and not expired."""
        entry = self._entries.get(id_tag.casefold())
        return (
            entry is not None
            and entry.status == ACCEPTED
            and (entry.expires_at is None or entry.expires_at > now)
            and self._configuration.boolean("AuthorizationCacheEnabled")
        )

    def accepts_offline(self, id_tag: str, now: datetime) -> bool:
        """Whether a driver may charge while there is nobody to ask (§3.5.4)."""
        if not self._configuration.boolean("LocalAuthorizeOffline"):
            return False
        if id_tag.casefold() in self._entries:
            return self.accepts(id_tag, now)
        return self._configuration.boolean("AllowOfflineTxForUnknownId")

    def clear(self) -> bool:
        """Forget all. `False`: there is no cache to clear (errata 3.23)."""
        if not self._configuration.boolean("AuthorizationCacheEnabled"):
            return False
        self._entries.clear()
        return True
