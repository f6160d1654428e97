"""K2-K6: sub-protocols and Basic authentication (OCPP-J 1.6 §3.2 and §6.2.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.processes import Edge
from tests.harness.wire import basic, refused, wired

SPEC_HEADER = {"Authorization": "Basic QUwxMDAwOgABAgMEBQYH////////////////"}
SPEC_KEY = "0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF"


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    edge = Edge.create(tmp_path_factory.mktemp("edge"))
    with edge.start():
        yield edge


@pytest.fixture(scope="module")
def key(edge: Edge) -> str:
    return edge.add_charge_point("CP1")


def set_password(edge: Edge, charge_point: str, password: str) -> None:
    with edge.client() as client:
        answer = client.put(f"/api/v1/charge-points/{charge_point}", json={"password": password})
    assert answer.is_success, answer.text
    assert answer.json()["password"] is None
    assert password not in answer.text


async def lets_in(edge: Edge, charge_point: str, key: str | bytes, **options: Any) -> bool:
    async with wired(f"{edge.ws_url}/{charge_point}", basic(charge_point, key), **options) as wire:
        return bool((await wire.boot())["status"] == "Accepted")


async def test_k02_an_unknown_subprotocol_alone_is_refused(edge: Edge, key: str) -> None:
    for offered in (["ocpp0.1"], ["ocpp2.0.1"], ["ocpp2.1", "ocpp2.0.1"]):
        response = await refused(f"{edge.ws_url}/CP1", basic("CP1", key), offered)
        assert response.status_code == 400


@pytest.mark.parametrize("offered", [["ocpp0.1", "ocpp1.6"], ["ocpp1.6", "ocpp2.0.1"], ["ocpp2.0.1", "ocpp1.6"]])
async def test_k02_ocpp_1_6_is_chosen_wherever_it_is_offered(edge: Edge, key: str, offered: list[str]) -> None:
    async with wired(f"{edge.ws_url}/CP1", basic("CP1", key), offered) as wire:
        assert wire.websocket.subprotocol == "ocpp1.6"
        assert (await wire.boot())["status"] == "Accepted"


async def test_k03_no_subprotocol_is_taken_as_1_6_and_answered_without_the_header(edge: Edge, key: str) -> None:
    async with wired(f"{edge.ws_url}/CP1", basic("CP1", key), []) as wire:
        assert wire.websocket.response is not None
        assert "Sec-WebSocket-Protocol" not in wire.websocket.response.headers
        assert (await wire.boot())["status"] == "Accepted"


async def test_k03_a_site_may_refuse_charge_points_that_name_no_subprotocol(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    strict = Edge.create(tmp_path_factory.mktemp("strict"), CENTRAL_SYSTEM__ALLOW_MISSING_SUBPROTOCOL="false")
    with await asyncio.to_thread(strict.start):
        key = await asyncio.to_thread(strict.add_charge_point, "CP1")
        assert (await refused(f"{strict.ws_url}/CP1", basic("CP1", key), [])).status_code == 400
        assert await lets_in(strict, "CP1", key)


async def test_k04_the_header_of_the_specification_authenticates(edge: Edge) -> None:
    await asyncio.to_thread(set_password, edge, "AL1000", SPEC_KEY)
    async with wired(f"{edge.ws_url}/AL1000", SPEC_HEADER) as wire:
        assert (await wire.boot())["status"] == "Accepted"


async def test_k05_a_key_authenticates_as_digits_of_either_case_and_as_bytes(edge: Edge, key: str) -> None:
    for form in (key.lower(), key.upper(), bytes.fromhex(key)):
        assert await lets_in(edge, "CP1", form)


@pytest.mark.parametrize("password", ["garage:north:7", "Käse und Brot", "x" * 20])
async def test_k05_a_plain_password_authenticates_even_with_a_colon(edge: Edge, password: str) -> None:
    await asyncio.to_thread(set_password, edge, "TYPED", password)
    assert await lets_in(edge, "TYPED", password)
    for wrong in (password.upper(), password[:-1], password.partition(":")[2] or "other"):
        assert (await refused(f"{edge.ws_url}/TYPED", basic("TYPED", wrong))).status_code == 401
    assert await lets_in(edge, "TYPED", password)


@pytest.mark.parametrize("typed", [False, True])
async def test_k06_guessing_is_throttled_for_that_identity_and_address_alone(
    edge: Edge, key: str, *, typed: bool
) -> None:
    victim = f"GUESSED-{typed}"
    right = await asyncio.to_thread(edge.add_charge_point, victim)
    if typed:
        right = "a right password"
        await asyncio.to_thread(set_password, edge, victim, right)
    url = f"{edge.ws_url}/{victim}"
    first = [(await refused(url, basic(victim, f"wrong {number}"))).status_code for number in range(10)]
    assert first == [401] * 10
    flood = [asyncio.create_task(refused(url, basic(victim, f"more {number}"))) for number in range(30)]
    assert await lets_in(edge, "CP1", key)  # beside the flood, from the same address
    assert await lets_in(edge, victim, right, local_addr=("127.0.0.2", 0))
    answers = await asyncio.gather(*flood)
    assert {answer.status_code for answer in answers} == {429}
    assert all(0 < int(answer.headers["Retry-After"]) <= 60 for answer in answers)
    if typed:  # right or wrong is not even looked at: it may have been guessed
        assert (await refused(url, basic(victim, right))).status_code == 429
    else:  # nobody guesses 20 random bytes
        assert await lets_in(edge, victim, right)
