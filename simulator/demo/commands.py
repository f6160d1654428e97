"""The commands that the demo sends from the cloud: each Core kind, and at least one of every other profile."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from simulator.commands import VENDOR_ID
from simulator.demo.apis import Api
from simulator.demo.errors import DemoError
from simulator.demo.provisioning import REMOTE_ID_TAG

KINDS = (
    "change-availability",
    "change-configuration",
    "clear-cache",
    "data-transfer",
    "get-configuration",
    "start-transaction",
    "stop-transaction",
    "reset",
    "unlock-connector",
    "get-diagnostics",
    "get-local-list-version",
    "reserve-now",
    "cancel-reservation",
    "set-charging-profile",
    "get-composite-schedule",
    "clear-charging-profile",
    "trigger-message",
    "get-installed-certificate-ids",
)
"""The nine Core operations from the central system and some of each other profile, as the cloud's paths name them."""
_FINAL = {"SUCCEEDED", "REJECTED", "FAILED", "INTERRUPTED", "EXPIRED", "CANCELED"}
_REFUSALS = {
    "Rejected",
    "Failed",
    "NotSupported",
    "UnlockFailed",
    "Occupied",
    "Faulted",
    "Unavailable",
    "UnknownVendorId",
}
"""Statuses with which a charge point does not do what it was asked for."""
_WAIT_S = 10
_POLL_S = 0.3
_PATIENCE_S = 30.0


@dataclass(slots=True)
class Outcome:
    """What became of one command.

    Attributes:
        operation: Its path's last segment.
        charge_point: Where it went.
        answer: The OCPP answer; `None` when the charge point gave none.
        problem: Why there is none.
    """

    operation: str
    charge_point: str
    answer: dict[str, Any] | None = None
    problem: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the charge point agreed to do it."""
        return self.answer is not None and self.answer.get("status") not in _REFUSALS

    def sentence(self) -> str:
        """In words."""
        if self.answer is None:
            return f"{self.operation} to {self.charge_point} was not answered: {self.problem}"
        return f"{self.operation} to {self.charge_point} from the cloud: {self._said(self.answer)}"

    @staticmethod
    def _said(answer: dict[str, Any]) -> str:
        if "configurationKey" in answer:
            return f"{len(answer['configurationKey'])} keys"
        return str(answer.get("status") or ", ".join(f"{name} {value}" for name, value in answer.items()) or "done")


@dataclass(slots=True)
class CommandLog:
    """All commands of a run."""

    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """How many were sent."""
        return len(self.outcomes)

    @property
    def succeeded(self) -> int:
        """How many a charge point agreed to."""
        return sum(outcome.succeeded for outcome in self.outcomes)

    def complaints(self) -> list[str]:
        """Commands that were not answered or not agreed to, and kinds that were never answered, in plain sentences."""
        answered = Counter(outcome.operation for outcome in self.outcomes if outcome.answer is not None)
        failed = [outcome.sentence() for outcome in self.outcomes if not outcome.succeeded]
        return failed + [f"no charge point ever answered {kind}" for kind in KINDS if not answered[kind]]


class Commander:
    """Sends commands through the cloud to one site.

    Args:
        cloud: The cloud's API.
        site: The site's slug.
        log: Where outcomes are kept.
        tell: Takes a sentence about each outcome.
    """

    def __init__(self, cloud: Api, site: str, log: CommandLog, tell: Callable[[str], None]) -> None:
        self._cloud = cloud
        self._site = site
        self._log = log
        self._tell = tell

    async def send(self, charge_point: str, operation: str, body: dict[str, object]) -> None:
        """Send one command and wait for its end, however long that takes."""
        outcome = Outcome(operation, charge_point)
        self._log.outcomes.append(outcome)
        path = f"/api/v1/sites/{self._site}/central-system/clients/{charge_point}/{operation}"
        try:
            response = await self._cloud.ask("POST", path, json=body, params={"wait": _WAIT_S})
            if response.status_code == httpx.codes.ACCEPTED:
                await self._await_end(response.headers["Location"], outcome)
            else:
                outcome.answer = response.json()
        except DemoError as error:
            outcome.problem = str(error)
        self._tell(outcome.sentence())

    def give_up(self, charge_point: str, operation: str, problem: str) -> None:
        """Note a command that could not be sent."""
        self._log.outcomes.append(outcome := Outcome(operation, charge_point, problem=problem))
        self._tell(outcome.sentence())

    async def meet(self, charge_point: str) -> bool:
        """Wait until the cloud has heard that a charge point is connected. `False`: not in time."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not await self._is_connected(charge_point):  # noqa: ASYNC110  # the cloud must be asked
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            return False
        return True

    async def _is_connected(self, charge_point: str) -> bool:
        found = [item async for item in self._cloud.items("/api/v1/charge-points", site=self._site)]
        return any(item["charge_point"] == charge_point and item["connected"] for item in found)

    async def running_transaction(self, charge_point: str) -> int | None:
        """The number of the transaction that runs at a charge point, as the cloud knows it; `None`: none in time."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while True:
                    async for item in self._cloud.items("/api/v1/transactions", site=self._site):
                        if item["charge_point"] == charge_point and item["stopped_at"] is None:
                            number: int = item["transaction_id"]
                            return number
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            return None

    async def _await_end(self, location: str, outcome: Outcome) -> None:
        while True:
            command = await self._cloud.get(location)
            if command["state"] in _FINAL:
                outcome.answer = command.get("answer")
                outcome.problem = None if outcome.answer is not None else f"{command['state']} {command.get('error')}"
                return
            await asyncio.sleep(_POLL_S)


Step = Callable[[Commander, str], Awaitable[None]]


async def _stop(commander: Commander, charge_point: str) -> None:
    number = await commander.running_transaction(charge_point)
    if number is None:
        commander.give_up(charge_point, "stop-transaction", "no transaction began there in time")
    else:
        await commander.send(charge_point, "stop-transaction", {"transactionId": number})


def _plain(operation: str, body: dict[str, object]) -> Step:
    async def step(commander: Commander, charge_point: str) -> None:
        await commander.send(charge_point, operation, body)

    return step


async def _reserve(commander: Commander, charge_point: str) -> None:
    expires_at = (datetime.now(UTC) + timedelta(minutes=5)).isoformat(timespec="seconds")
    reservation = {"connectorId": 2, "expiryDate": expires_at, "idTag": REMOTE_ID_TAG, "reservationId": 1}
    await commander.send(charge_point, "reserve-now", reservation)
    await commander.send(charge_point, "cancel-reservation", {"reservationId": 1})


_PROFILE: dict[str, object] = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}]},
}

SCHEDULE: tuple[tuple[float, Step], ...] = (
    (0.06, _plain("get-configuration", {})),
    (0.10, _plain("start-transaction", {"idTag": REMOTE_ID_TAG, "connectorId": 1})),
    (0.15, _plain("change-configuration", {"key": "HeartbeatInterval", "value": "30"})),
    (0.20, _plain("clear-cache", {})),
    (0.25, _plain("data-transfer", {"vendorId": VENDOR_ID, "messageId": "Echo", "data": "hello, campus"})),
    (0.28, _plain("set-charging-profile", {"connectorId": 1, "csChargingProfiles": _PROFILE})),
    (0.30, _plain("get-composite-schedule", {"connectorId": 1, "duration": 3600})),
    (0.33, _stop),
    (0.36, _plain("clear-charging-profile", {"id": 1})),
    (0.40, _plain("change-availability", {"connectorId": 2, "type": "Inoperative"})),
    (0.48, _plain("change-availability", {"connectorId": 2, "type": "Operative"})),
    (0.50, _plain("trigger-message", {"requestedMessage": "Heartbeat"})),
    (0.52, _plain("get-local-list-version", {})),
    (0.54, _plain("unlock-connector", {"connectorId": 2})),
    (0.56, _reserve),
    (0.58, _plain("get-installed-certificate-ids", {"certificateType": "CentralSystemRootCertificate"})),
    (0.60, _plain("get-diagnostics", {"location": "ftp://files.example/diagnostics/"})),
    (0.62, _plain("reset", {"type": "Soft"})),
)
"""When in the story (0 to 1) which command leaves for the charge point that waits for commands."""
