from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.operations import OPERATIONS
from contract.problems import PROBLEM_MEDIA_TYPE
from edge.store.database import connect
from edge.store.readers import Readers
from edge.store.writer import Writer
from tests.integration.edge_api.site import PlayedChargePoints, Site, StillClock

WORDS = [
    "connectorId", "type", "key", "value", "idTag", "transactionId", "vendorId", "data", "status", "expires_at", "note",
    "parent_id_tag", "registration_status", "new_key", "Soft", "Operative", "Accepted", "9999-12-31T23:59:59-14:00",
]  # fmt: skip
TEXTS = st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=()), max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(2**70), 2**70) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=12,
)
WRITES = [
    *(("POST", f"/api/v1/central-system/clients/123/{path}") for path in OPERATIONS),
    ("PUT", "/api/v1/id-tags/{}"),
    ("PUT", "/api/v1/charge-points/{}"),
]
NAMES = st.sampled_from(["a", "x" * 21]) | st.text(min_size=1, max_size=25)


async def _send_all(store_path: Path, requests: list[tuple[str, str, bytes]]) -> list[httpx.Response]:
    connection = connect(store_path, synchronous="OFF")
    writer, readers = Writer(connection, StillClock()), Readers(store_path)
    working = asyncio.create_task(writer.work())
    try:
        async with Site(readers, writer, PlayedChargePoints()).client() as client:
            headers = {"Content-Type": "application/json"}
            return [
                await client.request(method, path, content=body, headers=headers) for method, path, body in requests
            ]
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        readers.close()
        connection.close()


def _checked(answers: list[httpx.Response]) -> None:
    for answer in answers:
        assert answer.status_code in {200, 201, 400, 404, 422}, answer.text
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == PROBLEM_MEDIA_TYPE
            assert answer.json()["status"] == answer.status_code


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=VALUES, name=NAMES)
def test_no_json_body_ever_breaks_the_api(store_path: Path, body: Any, name: str) -> None:
    text = json.dumps(body).encode()
    requests = [(method, path.format(quote(name, safe="")), text) for method, path in WRITES if name not in {".", ".."}]
    _checked(asyncio.run(_send_all(store_path, requests)))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(min_size=1, max_size=60))
def test_no_bytes_ever_break_the_api(store_path: Path, body: bytes) -> None:
    _checked(asyncio.run(_send_all(store_path, [(method, path.format("a"), body) for method, path in WRITES])))


@pytest.mark.parametrize("word", ["\ud800", "\x00"])
def test_a_field_name_that_utf_8_cannot_write_is_still_answered(store_path: Path, word: str) -> None:
    text = json.dumps({word: 1, "status": "Accepted", "note": word}).encode()
    requests = [(method, path.format("a"), text) for method, path in WRITES]
    _checked(asyncio.run(_send_all(store_path, requests)))
