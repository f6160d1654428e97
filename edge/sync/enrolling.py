"""Makes this edge known to the cloud with a one-time token, and changes its key. Each step may be cut off."""

from __future__ import annotations

import ssl
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urlsplit
from uuid import UUID

import httpx
from pydantic import ValidationError

from contract.enrolment import (
    ENROLMENTS_PATH,
    KEYS_PATH,
    EnrolmentAnswer,
    EnrolmentRequest,
    NewKeyAnswer,
    NewKeyRequest,
)
from contract.model import Record
from contract.problems import Problem
from edge.clock import Clock
from edge.errors import EnrolmentError
from edge.store.link_credentials import CredentialFile, Credentials, fingerprint
from edge.sync.proof import ServerClock
from edge.sync.signing import SigningKey, make_key

TIMEOUT_S = 30.0
_ANOTHER_TOKEN = "Ask for a new token: gardu-cloud enrolment-token SITE"  # noqa: S105 - a hint
_ENDED = "urn:gardu:problem:already-exists"

Answer = TypeVar("Answer", bound=Record)


class Registrar:
    """Speaks to the cloud about keys.

    Args:
        file: of the credentials; each change is on the disk before it is told to anybody.
        cloud: its address, https.
        edge: our name; it is the site's.
        clock: the machine's clocks.
        tls: a context of one's own, for example with a private authority; `None`: the public ones.
        transport: only tests choose another one.
    """

    def __init__(
        self,
        file: CredentialFile,
        *,
        cloud: str,
        edge: str,
        clock: Clock,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._file = file
        self._cloud = cloud.rstrip("/")
        self._edge = edge
        self._clock = clock
        self._server = ServerClock(clock)
        self._tls = tls
        self._transport = transport

    async def enrol(self, token: str, store_id: UUID) -> Credentials:
        """Become known. A second try after a lost answer uses the same key, and gets the same answer.

        Raises:
            EnrolmentError: it did not work; says why and what to do.
            StoreError: the credentials cannot be read, or another process changes them.
        """
        with self._file.locked():
            prepared = self._prepared(self._file.read())
            try:
                answer, key = await self._enrol_with(prepared, token, store_id)
            except _KeyEndedError:
                prepared = self._prepared(prepared.model_copy(update={"next_key": None}))
                answer, key = await self._enrol_with(prepared, token, store_id)
            enrolled = prepared.model_copy(
                update={
                    "cloud": self._cloud,
                    "key": key,
                    "next_key": None,
                    "broker": answer.broker,
                    "tokens": [*prepared.tokens, fingerprint(token)],
                }
            )
            self._file.write(enrolled)
            return enrolled

    async def rotate(self) -> Credentials:
        """Change the key. The old one signs until the cloud has accepted the new one, and ends when that is used.

        Raises:
            EnrolmentError: it did not work; the key in use is good as before.
            StoreError: the credentials cannot be read, or another process changes them.
        """
        with self._file.locked():
            known = self._file.read()
            if known is None or known.key is None:
                raise EnrolmentError("This edge is not enrolled.", hint="Enrol it first: gardu-edge enrol")
            prepared = self._prepared(known)
            try:
                await self._register(prepared, signed_with=SigningKey(known.key))
            except _KeyEndedError:
                prepared = self._prepared(prepared.model_copy(update={"next_key": None}))
                await self._register(prepared, signed_with=SigningKey(known.key))
            rotated = prepared.model_copy(update={"key": prepared.next_key, "next_key": None})
            self._file.write(rotated)
            assert rotated.key is not None  # noqa: S101 - it was prepared
            # Whoever uses the new key first ends the old one; when this is cut off, the running edge does it.
            await self._register(rotated.model_copy(update={"next_key": rotated.key}), SigningKey(rotated.key))
            return rotated

    def _prepared(self, known: Credentials | None) -> Credentials:
        """Have a new key on the disk before anybody hears of it."""
        known = known if known is not None and known.edge == self._edge else Credentials(edge=self._edge)
        if known.next_key is not None:
            return known
        prepared = known.model_copy(update={"next_key": make_key()})
        self._file.write(prepared)
        return prepared

    async def _enrol_with(self, prepared: Credentials, token: str, store_id: UUID) -> tuple[EnrolmentAnswer, object]:
        assert prepared.next_key is not None  # noqa: S101 - see `_prepared`
        key = SigningKey(prepared.next_key)
        request = EnrolmentRequest(token=token, edge=self._edge, public_key=key.public, store_id=store_id)
        answer = await self._ask(ENROLMENTS_PATH, request, key, EnrolmentAnswer)
        return answer, prepared.next_key

    async def _register(self, prepared: Credentials, signed_with: SigningKey) -> None:
        assert prepared.next_key is not None  # noqa: S101 - see `_prepared`
        request = NewKeyRequest(public_key=SigningKey(prepared.next_key).public)
        await self._ask(KEYS_PATH.format(edge=quote(self._edge, safe="")), request, signed_with, NewKeyAnswer)

    async def _ask(self, path: str, request: Record, key: SigningKey, answer: type[Answer]) -> Answer:
        body = request.model_dump_json(exclude_none=True).encode()
        response = await self._send(path, body, key)
        if response.status_code == HTTPStatus.UNAUTHORIZED and self._server.learn(_problem(response)):
            response = await self._send(path, body, key)  # signed at the cloud's time
        if not response.is_success:
            raise self._refused(response)
        try:
            return answer.model_validate_json(response.content)
        except ValidationError:
            raise EnrolmentError(
                f"{self._cloud} answered what this edge does not understand.",
                hint="Is it the address of a gardu-cloud?",
                may_pass=True,
            ) from None

    async def _send(self, path: str, body: bytes, key: SigningKey) -> httpx.Response:
        token = key.token(self._edge, "POST", path, body, self._server.now())
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        verify = True if self._tls is None else self._tls
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S, verify=verify, transport=self._transport) as client:
                return await client.post(self._cloud + path, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise EnrolmentError(
                f"The cloud {self._cloud} cannot be reached: {str(error) or type(error).__name__}.",
                hint=_explain(str(error), urlsplit(self._cloud).hostname or "", self._clock.now()),
                may_pass=True,
            ) from None

    def _refused(self, response: httpx.Response) -> EnrolmentError:
        problem = _problem(response)
        if response.status_code == HTTPStatus.CONFLICT and problem.type == _ENDED:
            return _KeyEndedError(problem.detail)
        final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.NOT_FOUND}
        return EnrolmentError(
            f"The cloud answered {response.status_code}: {problem.detail}",
            hint=problem.hint or _ANOTHER_TOKEN,
            may_pass=response.status_code not in final,
        )


class _KeyEndedError(EnrolmentError):
    """The key that was prepared has ended at the cloud: another one is needed."""


def _problem(response: httpx.Response) -> Problem:
    try:
        return Problem.model_validate_json(response.content)
    except ValidationError:
        phrase = response.reason_phrase or "no explanation"
        return Problem(title=phrase, status=response.status_code, detail=f"{phrase}.")


def _explain(error: str, host: str, now: datetime) -> str:
    """What an operator can do about a connection that did not come about."""
    if "not yet valid" in error or "has expired" in error:
        return (
            f"This machine's clock says {now:%F %T} UTC: set it, when that is wrong. Else {host} needs a certificate."
        )
    if "CERTIFICATE_VERIFY_FAILED" in error:
        return f"Name the authority of {host}'s certificate in cloud.ca (GARDU_EDGE_CLOUD__CA), a PEM file."
    return "Check the address, and this machine's network. Nothing is lost; try again."
