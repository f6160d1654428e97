"""ChangeConfiguration (OCPP 1.6 ed. 2 §5.3), and with it a new key for a charge point.

"Improved security for OCPP 1.6-J" A01 "Update Charge Point Password": a new key is stored before it is sent, and both
are let in until the first login with the new one. So whatever breaks in between, and on whichever side, the charge
point can log in.
"""

from __future__ import annotations

import asyncio
import secrets
from functools import partial
from typing import Any, cast

from contract.operations import ChangeConfiguration
from edge.errors import NotConnectedError, TooLateError, TooLongValueError, TooManyKeysError
from edge.operations.to_charge_point.errand import Errand
from edge.store import keys
from edge.store.enrolment import hashed_password
from edge.store.keys import KeyHash
from edge.store.writer import WriteTx

AUTHORIZATION_KEY = "AuthorizationKey"
MAX_WAITING = 5
"""Keys of one charge point that may wait for their first login: each is one more that opens the door."""
REFUSED = frozenset({"Rejected", "NotSupported"})


async def perform(errand: Errand) -> dict[str, Any]:
    """RebootRequired is success: it takes effect with the charge point's next start."""
    request = cast("ChangeConfiguration", errand.request)
    _check_length(errand, request.value)
    if request.key.strip().lower() != AUTHORIZATION_KEY.lower():
        return await errand.send()
    if errand.charge_point not in errand.caller.connected():  # a key that is not sent must not take a place
        raise NotConnectedError(
            f"The charge point {errand.charge_point} is not connected now; no new key was made for it.",
            hint="Check its power and its network; it dials in by itself.",
        )
    hashes = await asyncio.to_thread(hashed_password, request.value, secrets.token_bytes)
    generation = await errand.writer.run(partial(_add, errand.charge_point, hashes))
    try:
        answer = await errand.send()
    except TooLateError:  # nothing was sent
        await errand.writer.run(partial(_forget, errand.charge_point, generation))
        raise
    if answer.get("status") in REFUSED:
        await errand.writer.run(partial(_forget, errand.charge_point, generation))
    return answer


def _check_length(errand: Errand, value: str) -> None:
    """Let nobody send more than OCPP allows, unless the charge point is of a kind that takes it."""
    most = errand.quirks.config_value_max
    if most is not None and len(value) > most:
        raise TooLongValueError(f"value: at most {most} characters; this one has {len(value)}.")


def _add(charge_point: str, hashes: list[KeyHash], tx: WriteTx) -> int:
    waiting = keys.generations(tx.connection, charge_point)
    if len(waiting) > MAX_WAITING:
        raise TooManyKeysError(
            f"{charge_point} was sent {MAX_WAITING} new keys and has logged in with none of them.",
            hint="Let it connect anew; its login with any key ends those before it. Or set its key by hand: "
            "PUT /api/v1/charge-points/{identity}.",
        )
    return keys.add_generation(tx.connection, charge_point, hashes)


def _forget(charge_point: str, generation: int, tx: WriteTx) -> None:
    keys.forget(tx.connection, charge_point, generation)
