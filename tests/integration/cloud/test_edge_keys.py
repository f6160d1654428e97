"""The edge's own enrolment and rotation against the cloud's own answers, cut off at each step. On both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from contract.problems import Problem
from edge.clock import Clock
from edge.errors import EnrolmentError, StoreError
from edge.store.link_credentials import CredentialFile, Credentials
from edge.sync.enrolling import Registrar
from edge.sync.signing import SignedRequests
from tests.integration.cloud.conftest import Campus, Hands

STORE = uuid4()
COMMANDS = "/api/v1/edges/tower/commands"
ASKED = f"{COMMANDS}?wait=0"


class PowerCutError(Exception):
    """The process ends here."""


class CloudsClock(Clock):
    """A machine's clock that is `off` by some days from the cloud's."""

    def __init__(self, cloud: Hands, off: timedelta) -> None:
        super().__init__()
        self._cloud = cloud
        self._off = off

    def now(self) -> datetime:
        return self._cloud() + self._off


class DyingFile(CredentialFile):
    """The machine dies before the write of this number is on the disk."""

    def __init__(self, path: Path, dies_at: int) -> None:
        super().__init__(path)
        self._left = dies_at

    def write(self, credentials: Credentials) -> None:
        self._left -= 1
        if self._left == 0:
            raise PowerCutError
        super().write(credentials)


class DyingLine(httpx.AsyncBaseTransport):
    """The machine dies at the request of this number: before it leaves, or before its answer arrives."""

    def __init__(self, inner: httpx.AsyncBaseTransport, dies_at: int, *, after: bool) -> None:
        self._inner = inner
        self._left = dies_at
        self._after = after
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._left -= 1
        self.asked.append(request.url.path)
        if self._left == 0 and not self._after:
            raise PowerCutError
        answer = await self._inner.handle_async_request(request)
        if self._left == 0:
            raise PowerCutError
        return answer


class Machine:
    """An edge's machine: what is on its disk, and its clock."""

    def __init__(self, campus: Campus, folder: Path, *, off: timedelta = timedelta(0), site: str = "tower") -> None:
        self.campus = campus
        self.path = folder / "link-credentials.json"
        self.clock = CloudsClock(campus.clock, off)
        self.site = site

    def registrar(self, file: CredentialFile | None = None, line: httpx.AsyncBaseTransport | None = None) -> Registrar:
        return Registrar(
            file or CredentialFile(self.path),
            cloud="http://localhost",
            edge=self.site,
            clock=self.clock,
            transport=line or self.campus.client._transport,
        )

    def line(self, dies_at: int, *, after: bool) -> DyingLine:
        return DyingLine(self.campus.client._transport, dies_at, after=after)

    @property
    def credentials(self) -> Credentials:
        found = CredentialFile(self.path).read()
        assert found is not None
        return found

    async def speaks(self) -> bool:
        """Whether a fresh process of this edge is believed, after one correction of its clock at most."""
        proof = SignedRequests(CredentialFile(self.path), self.clock)
        for _ in range(2):
            shown = proof.authorization("GET", ASKED, b"")
            headers = {} if shown is None else {"Authorization": f"Bearer {shown}"}
            answer = await self.campus.client.get(COMMANDS, params={"wait": 0}, headers=headers)
            if answer.is_success or not proof.learn(Problem.model_validate_json(answer.content), shown):
                break
        return answer.is_success

    @property
    def key_id(self) -> str:
        key = self.credentials.key
        assert key is not None
        return key.key_id

    async def good_keys(self) -> list[str]:
        """All with which the cloud would let somebody in."""
        rows = (await self.campus.get("edges/tower/keys")).json()
        return [row["key_id"] for row in rows if row["revoked_at"] is None]


async def token(campus: Campus) -> str:
    secret: str = (await campus.post("sites/tower/enrolment-tokens")).json()["secret"]
    return secret


async def test_an_edge_enrols_and_speaks_whatever_its_clock_says(campus: Campus, tmp_path: Path) -> None:
    for days in (0, -3650, 3650):
        machine = Machine(campus, tmp_path / str(days), off=timedelta(days=days))
        await machine.registrar().enrol(await token(campus), STORE)
        assert await machine.speaks()
        await machine.registrar().rotate()
        assert await machine.speaks()
        assert await machine.good_keys() == [machine.key_id]
        assert machine.path.stat().st_mode & 0o777 == 0o600


def dying(machine: Machine, step: str) -> Registrar:
    """A registrar whose machine dies at a step."""
    kind, number = step.split()
    if kind == "write":
        return machine.registrar(DyingFile(machine.path, int(number)))
    return machine.registrar(line=machine.line(int(number), after=kind == "after"))


async def test_an_enrolment_that_was_cut_off_is_finished_with_the_same_token(campus: Campus, tmp_path: Path) -> None:
    for step in ("write 1", "before 1", "after 1", "write 2"):
        machine, secret = Machine(campus, tmp_path / step), await token(campus)
        with pytest.raises(PowerCutError):
            await dying(machine, step).enrol(secret, STORE)
        assert not await machine.speaks(), step
        await machine.registrar().enrol(secret, STORE)
        assert await machine.speaks(), step
        assert await machine.good_keys() == [machine.key_id], step


async def test_a_rotation_that_was_cut_off_leaves_an_edge_that_speaks_and_is_finished_later(
    campus: Campus, tmp_path: Path
) -> None:
    for step in ("write 1", "before 1", "after 1", "write 2", "before 2", "after 2"):
        machine = Machine(campus, tmp_path / step)
        await machine.registrar().enrol(await token(campus), STORE)
        assert await machine.speaks(), step
        first = machine.key_id
        with pytest.raises(PowerCutError):
            await dying(machine, step).rotate()
        assert await machine.speaks(), step
        await machine.registrar().rotate()
        assert await machine.speaks(), step
        assert await machine.good_keys() == [machine.key_id], step
        assert machine.key_id != first


async def test_a_running_edge_follows_a_key_that_was_changed_beside_it(campus: Campus, tmp_path: Path) -> None:
    machine = Machine(campus, tmp_path)
    await machine.registrar().enrol(await token(campus), STORE)
    proof = SignedRequests(CredentialFile(machine.path), machine.clock)
    before = proof.authorization("GET", ASKED, b"")
    await machine.registrar().rotate()
    answer = await campus.client.get(COMMANDS, params={"wait": 0}, headers={"Authorization": f"Bearer {before}"})
    assert answer.status_code == 401
    assert proof.learn(Problem.model_validate_json(answer.content), before)
    headers = {"Authorization": f"Bearer {proof.authorization('GET', ASKED, b'')}"}
    assert (await campus.client.get(COMMANDS, params={"wait": 0}, headers=headers)).is_success


async def test_tokens_that_are_not_good_are_explained(campus: Campus, tmp_path: Path) -> None:
    machine, used = Machine(campus, tmp_path / "one"), await token(campus)
    await machine.registrar().enrol(used, STORE)
    another = Machine(campus, tmp_path / "two")
    with pytest.raises(EnrolmentError, match="used already") as caught:
        await another.registrar().enrol(used, STORE)
    assert "enrolment-token" in str(caught.value.hint)
    assert not caught.value.may_pass
    expired = await token(campus)
    campus.clock.forward(hours=25)
    with pytest.raises(EnrolmentError, match="expired at 2026-03-05"):
        await another.registrar().enrol(expired, STORE)
    with pytest.raises(EnrolmentError, match="not known"):
        await another.registrar().enrol("gardu_enrol_00_guess", STORE)
    with pytest.raises(EnrolmentError, match="for another site than annex"):
        await Machine(campus, tmp_path / "three", site="annex").registrar().enrol(await token(campus), STORE)
    for secret in (used, expired):
        assert secret not in str(caught.value)


async def test_an_edge_that_was_shut_out_enrols_again_although_its_keys_have_ended(
    campus: Campus, tmp_path: Path
) -> None:
    machine = Machine(campus, tmp_path)
    await machine.registrar().enrol(await token(campus), STORE)
    with pytest.raises(PowerCutError):  # a key is registered, and the edge does not know
        await machine.registrar(line=machine.line(1, after=True)).rotate()
    await campus.post("edges/tower/revocation", {"reason": "stolen"})
    assert not await machine.speaks()
    with pytest.raises(EnrolmentError, match="stolen"):
        await machine.registrar().rotate()
    await machine.registrar().enrol(await token(campus), STORE)
    assert await machine.speaks()


async def test_a_cloud_that_is_away_is_said_to_be_away(campus: Campus, tmp_path: Path) -> None:
    class Away(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            assert request.method == "POST"
            raise httpx.ConnectError("certificate verify failed: certificate is not yet valid")

    machine = Machine(campus, tmp_path)
    with pytest.raises(EnrolmentError, match="cannot be reached") as caught:
        await machine.registrar(line=Away()).enrol("gardu_enrol_00_x", STORE)
    assert "clock" in str(caught.value.hint)
    assert caught.value.may_pass


async def test_two_changes_at_once_and_a_damaged_file_are_refused(campus: Campus, tmp_path: Path) -> None:
    machine = Machine(campus, tmp_path)
    with CredentialFile(machine.path).locked(), pytest.raises(StoreError, match="another process"):
        await machine.registrar().enrol(await token(campus), STORE)
    with pytest.raises(EnrolmentError, match="not enrolled"):
        await machine.registrar().rotate()
    machine.path.write_text('{"edge": 7, "key": {"seed": "deadly-secret"}}')
    with pytest.raises(StoreError, match="damaged") as caught:
        await machine.registrar().rotate()
    assert "deadly-secret" not in f"{caught.value!r} {caught.value.__cause__!r}"
