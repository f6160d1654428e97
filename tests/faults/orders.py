"""A judge of commands: gives them through the cloud's API, each one recognisable, and counts what charge points saw."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.faults.campus import Campus
from tests.faults.judge import Book
from tests.harness.plain_http import PLAIN

FINAL = {"SUCCEEDED", "REJECTED", "FAILED", "INTERRUPTED", "EXPIRED", "CANCELED"}
REMOTE_START_LIVES_S = 60.0
ON_THE_WAY_S = 2.0
"""From the edge's last look at its clock to the moment at which a charge point of a busy machine has read the call."""
DATA_TRANSFER_LIVES_S = 3_600.0


@dataclass
class Order:
    """One command that was accepted by the cloud."""

    command: str
    mark: str
    """By which its call is recognised at the charge point."""
    lives_s: float
    given_at: float
    """When the cloud had taken it: its life began before that."""


@dataclass
class Orders:
    """What was ordered; DataTransfer and RemoteStartTransaction in turn, neither of which is safe to repeat."""

    site: Campus
    seed: int
    remote_starts_live_s: float = REMOTE_START_LIVES_S
    given: list[Order] = field(default_factory=list)
    asked: int = 0
    """Also those whose acceptance nobody heard."""

    async def give(self, count: int, *, per_s: float) -> None:
        """Order at random charge points until the cloud has accepted so many; while it is away it is asked for more."""
        chance = random.Random(self.seed)
        headers = {"Authorization": f"Bearer {self.site.cloud.api_key}"}
        async with httpx.AsyncClient(
            base_url=self.site.cloud.url, headers=headers, verify=PLAIN, trust_env=False, timeout=10
        ) as client:
            while len(self.given) < count:
                self.asked += 1
                await self._give(client, self.asked, f"CP-{chance.randrange(len(self.site.passwords))}")
                await asyncio.sleep(chance.uniform(0, 2 / per_s))

    async def _give(self, client: httpx.AsyncClient, number: int, charge_point: str) -> None:
        mark = f"order-{self.seed}-{number}"
        path, lives_s = "data-transfer", DATA_TRANSFER_LIVES_S
        body: dict[str, Any] = {"vendorId": "judge", "data": mark}
        if number % 2:
            path, body, lives_s = "start-transaction", {"connectorId": 1, "idTag": mark}, self.remote_starts_live_s
        url = f"/api/v1/sites/north/central-system/clients/{charge_point}/{path}"
        try:
            answer = await client.post(url, params={"wait": 0}, json=body)
        except httpx.TransportError:
            return  # nobody was told that it was accepted; whether it runs is open, twice it must not
        if answer.status_code == httpx.codes.ACCEPTED:
            self.given.append(Order(answer.json()["command"], mark, lives_s, time.monotonic()))
        else:
            assert answer.status_code >= 500 or answer.is_success, answer.text

    async def all_final(self, within_s: float) -> Counter[str]:
        """Wait until each is in a final state; returns how many are in which."""
        async with asyncio.timeout(within_s):
            while True:
                states = {
                    one["command"]: one["state"]
                    for one in await asyncio.to_thread(self.site.cloud.items, "/api/v1/commands")
                }
                assert not (missing := {one.command for one in self.given} - set(states)), missing
                counted = Counter(states.values())
                if set(counted) <= FINAL:
                    return counted
                await asyncio.sleep(0.5)

    def held_against(self, book: Book) -> tuple[list[str], list[str]]:
        """What ran twice, and what ran late."""
        seen: dict[str, list[float]] = {}
        for _, _, payload, at in book.calls:
            seen.setdefault(_mark(payload), []).append(at)
        twice = [mark for mark, times in seen.items() if len(times) > 1 and mark.startswith("order-")]
        late = [
            order.mark
            for order in self.given
            for at in seen.get(order.mark, ())
            if at - order.given_at > order.lives_s + ON_THE_WAY_S
        ]
        return twice, late


def _mark(payload: dict[str, Any]) -> str:
    return str(payload.get("data") or payload.get("idTag") or "")
