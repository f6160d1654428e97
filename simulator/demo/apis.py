"""What the demo asks of the edges and of the cloud, over the same REST APIs that anybody uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Self

import httpx

from simulator.clock import from_wire
from simulator.demo.errors import DemoError
from simulator.demo.reconciliation import Shown, ShownTransaction
from simulator.ledger import TransactionKey

_PAGE = 200
_TIMEOUT_S = 20.0
Item = dict[str, Any]


class Api:
    """One REST API.

    Args:
        name: What a person calls the process behind it.
        url: Its root.
        headers: Sent with every request.
    """

    def __init__(self, name: str, url: str, headers: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.url = url
        self.client = httpx.AsyncClient(base_url=url, headers=headers, timeout=_TIMEOUT_S, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def get(self, path: str, **query: str | int) -> Any:  # noqa: ANN401  # whatever JSON it answers
        """Read a resource.

        Raises:
            DemoError: It does not answer 200.
        """
        return (await self.ask("GET", path, params=query)).json()

    async def put(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401  # whatever JSON it answers
        """Write a resource.

        Raises:
            DemoError: It does not answer 2xx.
        """
        return (await self.ask("PUT", path, json=body)).json()

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401  # httpx's own
        """Send a request.

        Raises:
            DemoError: It is not answered, or not with 2xx.
        """
        try:
            response = await self.client.request(method, path, **more)
        except httpx.HTTPError as error:
            raise DemoError(f"{self.name} does not answer {method} {path}: {error!r}") from error
        if not response.is_success:
            raise DemoError(f"{self.name} answered {method} {path} with {response.status_code}: {_why(response)}")
        return response

    async def items(self, path: str, **query: str | int) -> AsyncIterator[Item]:
        """All items of a paged list."""
        cursor: str | None = None
        while True:
            page = await self.get(path, **query, limit=_PAGE, **({"cursor": cursor} if cursor else {}))
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return


def _why(response: httpx.Response) -> str:
    """The detail of a problem document, or the bare body."""
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.text


async def shown_by_edge(edge: Api) -> Shown:
    """All transactions of an edge, each with its meter values."""
    shown = Shown()
    async for item in edge.items("/api/v1/transactions"):
        transaction = _transaction(item)
        shown.transactions.append(transaction)
        values = edge.items(f"/api/v1/transactions/{item['transaction']}/meter-values")
        shown.samples.update([(transaction.key, _instant(value["sampled_at"])) async for value in values])
    return shown


async def shown_by_cloud(cloud: Api, site: str) -> Shown:
    """All transactions and meter values of one site, as the cloud shows them."""
    shown = Shown()
    keys: dict[str, TransactionKey] = {}
    async for item in cloud.items("/api/v1/transactions", site=site):
        transaction = _transaction(item)
        keys[item["transaction"]] = transaction.key
        shown.transactions.append(transaction)
    samples: Counter[tuple[TransactionKey, datetime]] = Counter()
    async for value in cloud.items("/api/v1/meter-values", site=site):
        if value["transaction"] in keys:
            samples[keys[value["transaction"]], _instant(value["sampled_at"])] += 1
    shown.samples = samples
    return shown


def _transaction(item: Item) -> ShownTransaction:
    return ShownTransaction(
        key=TransactionKey(item["charge_point"], item["transaction_id"]),
        connector_id=item["connector_id"],
        id_tag=item["id_tag"],
        started_at=_maybe_instant(item["started_at"]),
        meter_start_wh=item["meter_start_wh"],
        stopped_at=_maybe_instant(item["stopped_at"]),
        meter_stop_wh=item["meter_stop_wh"],
        energy_wh=item["energy_wh"],
    )


def _instant(text: str) -> datetime:
    return from_wire(text)


def _maybe_instant(text: str | None) -> datetime | None:
    return from_wire(text) if text else None
