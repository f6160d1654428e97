"""How an edge becomes known, proves itself, changes its key and is shut out. On SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from cloud.auth.edges import admit_message
from cloud.enrolment.service.broker import password_lines
from cloud.errors import EdgeRevokedError, ForbiddenError, UnauthenticatedError
from cloud.models.sites import EdgeRow
from contract.enrolment import ENROLMENTS_PATH
from contract.problems import Problem
from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.signing_edge import P256, Ed25519, SigningEdge

TOPIC = "gardu/v1/tower/up/events"


def problem(answer: httpx.Response, status: int, kind: str) -> Problem:
    assert answer.status_code == status, answer.text
    found = Problem.model_validate_json(answer.content)
    assert found.type == f"urn:gardu:problem:{kind}", answer.text
    assert found.hint
    return found


async def token_for(campus: Campus, site: str = "tower") -> str:
    answer = await campus.post(f"sites/{site}/enrolment-tokens")
    assert answer.status_code == 201, answer.text
    secret: str = answer.json()["secret"]
    return secret


async def enrolled(campus: Campus) -> SigningEdge:
    edge = SigningEdge(campus.client, "tower", campus.clock)
    answer = await edge.enrol(await token_for(campus))
    assert answer.status_code == 200, answer.text
    return edge


async def log(campus: Campus) -> list[str]:
    return [event["kind"] for event in await campus.items("sites/tower/access-log")]


@pytest.mark.parametrize("kind", [Ed25519, P256])
async def test_an_enrolled_edge_speaks_by_its_signature(campus: Campus, kind: type[Ed25519 | P256]) -> None:
    edge = SigningEdge(campus.client, "tower", campus.clock, kind())
    answer = (await edge.enrol(await token_for(campus))).json()
    assert (answer["edge"], answer["key_id"]) == ("tower", edge.key.public.key_id)
    assert (await edge.pull()).status_code == 200
    greeting = campus.edge.greeting().model_dump(mode="json")
    assert (await edge.send("POST", "/api/v1/edges/tower/greeting", greeting)).status_code == 200
    body = {"reset": "nothing that can be read"}
    assert (await edge.send("POST", "/api/v1/edges/tower/events", body)).status_code == 400
    assert await log(campus) == ["key-replaced", "enrolled", "token-issued"]
    (key,) = (await campus.get("edges/tower/keys")).json()
    assert key["last_used_at"]
    assert key["revoked_at"] is None


async def test_the_secret_ends_when_the_key_is_used(campus: Campus) -> None:
    edge = await enrolled(campus)
    assert (await campus.edge.greet()).status_code == 200
    assert (await edge.pull()).status_code == 200
    problem(await campus.edge.greet(), 401, "unauthenticated")


async def test_a_key_may_come_as_pem(campus: Campus) -> None:
    edge = SigningEdge(campus.client, "tower", campus.clock)
    pem = edge.key._key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    answer = await edge.enrol(await token_for(campus), key=pem.decode())
    assert answer.json()["key_id"] == edge.key.public.key_id


async def test_keys_of_other_kinds_are_refused(campus: Campus) -> None:
    token, edge = await token_for(campus), SigningEdge(campus.client, "tower", campus.clock)
    key: Any = rsa.generate_private_key(65537, 2048).public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    off_curve = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}
    private = edge.key.public.model_dump(exclude_none=True) | {"d": "A" * 43}
    for bad in (
        pem,
        off_curve,
        private,
        "nonsense",
        {"kty": "oct", "k": "AA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
    ):
        answer = await edge.enrol(token, key=bad)
        problem(answer, 422, "invalid-request")
        assert "A" * 43 not in answer.text
    assert (await edge.enrol(token)).status_code == 200


async def test_a_token_works_once_and_a_lost_answer_does_no_harm(campus: Campus) -> None:
    token, edge = await token_for(campus), SigningEdge(campus.client, "tower", campus.clock)
    first, again = await edge.enrol(token), await edge.enrol(token)
    assert first.json() == again.json()
    campus.clock.forward(days=3)
    late = await edge.enrol(token)
    assert late.json()["key_id"] == first.json()["key_id"]
    problem(await SigningEdge(campus.client, "tower", campus.clock).enrol(token), 403, "enrolment-token-used")
    assert (await log(campus)).count("enrolled") == 1


async def test_a_copied_enrolment_without_the_private_key_is_refused(campus: Campus) -> None:
    token, edge = await token_for(campus), SigningEdge(campus.client, "tower", campus.clock)
    thief = SigningEdge(campus.client, "tower", campus.clock)
    answer = await thief.enrol(token, key=edge.key.public.model_dump(exclude_none=True))
    problem(answer, 401, "unauthenticated")
    body = {"token": token, "edge": "tower", "public_key": edge.key.public.model_dump(exclude_none=True)}
    answer = await campus.client.post(ENROLMENTS_PATH, json={**body, "store_id": str(edge.store_id)})
    problem(answer, 401, "unauthenticated")
    assert (await edge.enrol(token)).status_code == 200


async def test_expired_revoked_unknown_and_misplaced_tokens_say_what_they_are(campus: Campus) -> None:
    expired, edge = await token_for(campus), SigningEdge(campus.client, "tower", campus.clock)
    campus.clock.forward(hours=24)
    problem(await edge.enrol(expired), 403, "enrolment-token-expired")
    revoked = await token_for(campus)
    name = (await campus.get("sites/tower/enrolment-tokens")).json()[0]["token"]
    for _ in range(2):
        path = f"/api/v1/sites/tower/enrolment-tokens/{name}"
        assert (await campus.client.delete(path, headers=campus.headers)).status_code == 204
    problem(await edge.enrol(revoked), 403, "enrolment-token-revoked")
    good = await token_for(campus)
    problem(await edge.enrol(good[:-1] + ("A" if good[-1] != "A" else "B")), 403, "enrolment-token-unknown")
    problem(await edge.enrol("gardu_enrol_"), 403, "enrolment-token-unknown")
    campus.another_edge("annex")
    annex = SigningEdge(campus.client, "annex", campus.clock)
    problem(await annex.enrol(good), 403, "enrolment-token-of-another-site")
    assert (await edge.enrol(good)).status_code == 200
    shown = (await campus.get("sites/tower/enrolment-tokens")).text
    assert all(token not in shown for token in (expired, revoked, good))


async def test_operators_alone_make_tokens_and_only_for_known_sites(campus: Campus) -> None:
    for headers in ({}, campus.edge.headers):
        answer = await campus.client.post("/api/v1/sites/tower/enrolment-tokens", headers=headers)
        assert answer.status_code in {401, 403}
    problem(await campus.post("sites/nowhere/enrolment-tokens"), 404, "unknown-site")


async def test_a_clock_that_is_ten_years_off_is_told_the_time(campus: Campus) -> None:
    edge = await enrolled(campus)
    for days in (-3650, 3650):
        path = "/api/v1/edges/tower/commands?wait=0"
        answer = await edge.pull(token=edge.token("GET", path, at=campus.clock() + timedelta(days=days)))
        told = problem(answer, 401, "clock-skew").model_extra or {}
        assert told["server_time"] == campus.clock().isoformat()
    for seconds in (-85, 25):
        token = edge.token("GET", "/api/v1/edges/tower/commands?wait=0", at=campus.clock() + timedelta(seconds=seconds))
        assert (await edge.pull(token=token)).status_code == 200


async def test_a_stolen_token_opens_nothing_else(campus: Campus) -> None:
    edge = await enrolled(campus)
    campus.another_edge("annex")
    annex = SigningEdge(campus.client, "annex", campus.clock)
    await annex.enrol(await token_for(campus, "annex"))
    commands = "/api/v1/edges/tower/commands?wait=0"
    stolen = edge.token("GET", commands)
    other_question = "/api/v1/edges/tower/commands?after=7&wait=0"
    assert (await edge.send("GET", other_question, token=stolen)).status_code == 403
    greeting = campus.edge.greeting().model_dump(mode="json")
    assert (await edge.send("POST", "/api/v1/edges/tower/greeting", greeting, token=stolen)).status_code == 403
    assert (await annex.pull(token=stolen)).status_code == 401
    key = Ed25519()
    signed = edge.token("POST", "/api/v1/edges/tower/keys", b'{"public_key": "another"}')
    body = {"public_key": key.public.model_dump(exclude_none=True)}
    assert (await edge.send("POST", "/api/v1/edges/tower/keys", body, token=signed)).status_code == 403
    assert (
        await edge.send(
            "POST", "/api/v1/edges/tower/events", {"x": 1}, token=edge.token("POST", "/api/v1/edges/tower/events", b"y")
        )
    ).status_code == 403
    others: list[dict[str, Any]] = [{"iss": "annex"}, {"sub": "annex"}, {"aud": "another-cloud"}, {"htm": "POST"}]
    for changed in others:
        assert (await edge.pull(token=edge.token("GET", commands, **changed))).status_code == 403, changed
    assert (await edge.pull(token=edge.token("GET", commands, exp=2**40))).status_code == 401
    assert (await campus.client.get("/api/v1/sites", headers={"Authorization": f"Bearer {stolen}"})).status_code == 403
    campus.clock.forward(seconds=91)
    problem(await edge.pull(token=stolen), 401, "clock-skew")


async def test_a_token_that_was_tampered_with_is_nobodys(campus: Campus) -> None:
    edge = await enrolled(campus)
    token = edge.token("GET", "/api/v1/edges/tower/commands?wait=0")
    header, claims, signature = token.split(".")
    for bad in (
        f"{header}.{claims}.",
        f"{header}.{signature}.{claims}",
        token[:-2],
        "eyJ.e.e",
        "eyJhbGciOiJub25lIn0." + claims + ".",
    ):
        assert (await edge.pull(token=bad)).status_code == 401, bad
    edge.key = Ed25519()
    assert (await edge.pull()).status_code == 401


async def test_a_new_key_takes_over_when_it_is_used_and_not_before(campus: Campus) -> None:
    edge = await enrolled(campus)
    old, new = edge.key, Ed25519()
    await edge.pull()
    for _ in range(2):  # the answer may be lost
        assert (await edge.register(new)).json()["key_id"] == new.public.key_id
    assert (await edge.pull()).status_code == 200
    edge.key = new
    assert (await edge.pull()).status_code == 200
    edge.key = old
    problem(await edge.pull(), 401, "key-revoked")
    problem(await edge.register(new), 401, "key-revoked")
    edge.key = new
    problem(await edge.register(old), 409, "already-exists")
    assert (await log(campus))[:2] == ["key-replaced", "key-registered"]


async def test_a_copy_takes_no_key_away_while_two_edges_speak(campus: Campus) -> None:
    rightful = await enrolled(campus)
    assert (await rightful.pull()).status_code == 200
    before = SigningEdge(campus.client, "tower", campus.clock)
    path = "/api/v1/edges/tower/keys"
    assert (await rightful.send("POST", path, {"public_key": before.key.public.model_dump()})).status_code == 200
    lock(campus, at=campus.clock())
    late = SigningEdge(campus.client, "tower", campus.clock)
    problem(await rightful.send("POST", path, {"public_key": late.key.public.model_dump()}), 403, "edge-locked")
    for edge in (before, rightful):
        problem(await edge.pull(), 403, "edge-locked")
    assert "key-replaced" not in (await log(campus))[:-3]
    lock(campus, at=None)
    assert (await rightful.pull()).status_code == 200
    assert (await before.pull()).status_code == 200
    problem(await rightful.pull(), 401, "key-revoked")


def lock(campus: Campus, *, at: datetime | None) -> None:
    with campus.database.write() as unit:
        unit.get_one(EdgeRow, "tower").locked_at = at


async def test_a_revoked_edge_is_shut_out_at_once_until_it_enrols_again(campus: Campus) -> None:
    edge = await enrolled(campus)
    unused = await token_for(campus)
    answer = await campus.post("edges/tower/revocation", {"reason": "the machine was stolen"})
    assert answer.status_code == 200, answer.text
    assert "the machine was stolen" in problem(await edge.pull(), 403, "edge-revoked").detail
    problem(await campus.edge.greet(), 401, "unauthenticated")
    problem(await edge.enrol(unused), 403, "enrolment-token-revoked")
    with pytest.raises(EdgeRevokedError):
        admit_message(campus.database, "tower", TOPIC, edge.token("PUBLISH", TOPIC), b"", campus.clock())
    another = await enrolled(campus)
    assert (await another.pull()).status_code == 200
    problem(await edge.pull(), 401, "key-revoked")
    assert "edge-revoked" in await log(campus)
    problem(await campus.post("edges/nowhere/revocation", {"reason": "x"}), 404, "unknown-site")


async def test_messages_through_the_broker_are_signed_once_the_edge_is_enrolled(campus: Campus) -> None:
    database, now = campus.database, campus.clock()
    admit_message(database, "tower", TOPIC, None, b"body", now)
    edge = await enrolled(campus)
    with pytest.raises(UnauthenticatedError):
        admit_message(database, "tower", TOPIC, None, b"body", now)
    admit_message(database, "tower", TOPIC, edge.token("PUBLISH", TOPIC, b"body"), b"body", now)
    with pytest.raises(ForbiddenError):
        admit_message(database, "tower", TOPIC, edge.token("PUBLISH", TOPIC, b"body"), b"another", now)
    with pytest.raises(ForbiddenError):
        admit_message(database, "tower", TOPIC, edge.token("PUBLISH", "gardu/v1/tower/up/commands"), b"", now)
    assert password_lines(database) == []


async def test_guessing_tokens_is_slowed_down_and_large_bodies_are_not_read(campus: Campus) -> None:
    good, edge = await token_for(campus), SigningEdge(campus.client, "tower", campus.clock)
    answer = await campus.client.post(
        ENROLMENTS_PATH, content=b"x" * 20_000, headers={"Content-Type": "application/json"}
    )
    problem(answer, 413, "body-too-large")
    answers = [await edge.enrol("gardu_enrol_0_guess") for _ in range(12)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert int(refused[0].headers["retry-after"]) > 0
    problem(refused[0], 429, "too-many-requests")
    assert (await edge.enrol(good)).status_code == 429


async def test_good_enrolments_are_not_slowed_down(campus: Campus) -> None:
    token, edge = await token_for(campus), SigningEdge(campus.client, "tower", campus.clock)
    assert {(await edge.enrol(token)).status_code for _ in range(25)} == {200}
    assert isinstance(edge.key, Ed25519)
    assert isinstance(edge.key._key, ed25519.Ed25519PrivateKey)
