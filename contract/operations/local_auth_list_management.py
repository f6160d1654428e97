"""Profile LocalAuthListManagement: the id tags that a charge point knows while its line is down."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import model_validator

from contract.model import OcppPayload
from contract.operations.fields import IdToken, Instant, PositiveNumber


class AuthorizationStatus(StrEnum):
    """§7.2 "AuthorizationStatus"."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"


class UpdateType(StrEnum):
    """§7.48 "UpdateType"."""

    DIFFERENTIAL = "Differential"
    FULL = "Full"


class IdTagInfo(OcppPayload):
    """§7.27 "IdTagInfo"."""

    status: AuthorizationStatus
    expiry_date: Instant | None = None
    parent_id_tag: IdToken | None = None


class AuthorizationData(OcppPayload):
    """§7.1. In a Differential update an id tag without `idTagInfo` is removed."""

    id_tag: IdToken
    id_tag_info: IdTagInfo | None = None


class GetLocalListVersion(OcppPayload):
    """§5.10."""


class GetLocalListVersionAnswer(OcppPayload):
    """§5.10. 0: the list is empty; -1: the charge point has none."""

    list_version: int


class SendLocalList(OcppPayload):
    """§5.15. A version is never 0 or less: those mean an empty list and no list (errata 3.52)."""

    list_version: PositiveNumber
    update_type: UpdateType
    local_authorization_list: list[AuthorizationData] | None = None

    @model_validator(mode="after")
    def _a_full_list_says_all(self) -> Self:
        entries = self.local_authorization_list or []
        if self.update_type is UpdateType.FULL and any(entry.id_tag_info is None for entry in entries):
            raise ValueError("in a Full list every id tag needs its idTagInfo")
        return self
