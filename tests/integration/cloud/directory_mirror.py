"""A set of the directory as an edge holds it, and the campus that it is of."""

from __future__ import annotations

from typing import Any

import httpx

from contract.directory import EMPTY, canonical, digest, moved
from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.edge_double import EdgeDouble


class Mirror:
    """One set as an edge holds it, with the contract's own words."""

    def __init__(self, campus: Campus, edge: EdgeDouble, name: str) -> None:
        self.campus, self.edge, self.name = campus, edge, name
        self.entries: dict[str, dict[str, Any]] = {}
        self.version: int | None = None
        self.incarnation: str | None = None
        self.slices: list[dict[str, Any]] = []

    async def ask(self, **params: Any) -> httpx.Response:
        path = f"/api/v1/edges/{self.edge.site}/directory/{self.name}"
        return await self.campus.client.get(path, params=params, headers=self.edge.headers)

    async def pull(self) -> Mirror:
        params = {} if self.version is None else {"since": self.version, "incarnation": self.incarnation}
        self.slices = []
        while True:
            answer = await self.ask(**params, **({"after": self.slices[-1]["next"]} if self.slices else {}))
            assert answer.status_code == 200, answer.text
            self.slices.append(answer.json())
            for entry in self.slices[-1]["changed"]:
                self.entries[entry["key"]] = entry["content"]
            for entry in self.slices[-1]["removed"]:
                self.entries.pop(entry["key"], None)
            if self.slices[-1]["next"] is None:
                break
        self.version, self.incarnation = self.slices[0]["version"], self.slices[0]["incarnation"]
        assert self.slices[-1]["hash"] == self.hash()
        return self

    def hash(self) -> str:
        return moved(EMPTY, added=sum(digest(key, canonical(content)) for key, content in self.entries.items()))

    def statuses(self) -> dict[str, str]:
        return {key: content["status"] for key, content in self.entries.items()}


async def put(campus: Campus, path: str, **body: Any) -> dict[str, Any]:
    answer = await campus.client.put(f"/api/v1/{path}", json=body, headers=campus.headers)
    assert answer.status_code in {200, 201}, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def delete(campus: Campus, path: str) -> int:
    return (await campus.client.delete(f"/api/v1/{path}", headers=campus.headers)).status_code


async def staff(campus: Campus) -> None:
    """Ann and Bob of the staff, who may charge at the tower."""
    await put(campus, "tariffs/day", name="Day", currency="EUR", price_per_kwh="0.42")
    await put(campus, "groups/staff", name="Staff", tariff="day", sites=["tower"])
    for person in ("p-ann", "p-bob"):
        await put(campus, f"people/{person}", display_name=person.title(), groups=["staff"])
        await put(campus, f"id-tags/{person}", status="Accepted", person=person)
