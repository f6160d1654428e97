"""The link over MQTT 5: each exchange is one request and one answer through the broker (contract.mqtt).

A PUBACK is the broker's word and means nothing here: only an answer of the cloud counts, and without one the edge asks
again. The library runs its network in a thread of its own; what it hears comes to the event loop from there.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from contract.directory import DirectoryAnswer, DirectoryRequest
from contract.enrolment import PUBLISH
from contract.link import CommandsAnswer, Greeting, GreetingAnswer, PushAnswer
from contract.live import LiveAnswer, LiveNews
from contract.mqtt import (
    CONTENT_ENCODING,
    REQUEST_LIFE_S,
    RETRY_AFTER,
    STATUS,
    TOKEN,
    CommandsRequest,
    Exchange,
    down,
    up,
)
from edge.sync.answers import Answer, accepted, problem_of, refusal
from edge.sync.carrier import (
    Conflict,
    DirectoryOutcome,
    EventRefused,
    GreetOutcome,
    LiveOutcome,
    PullOutcome,
    PushOutcome,
    Refused,
    TooLarge,
    Unavailable,
)
from edge.sync.packing import Packed
from edge.sync.proof import BrokerAlone, Proof

KEEPALIVE_S = 30
LONGEST_RECONNECT_S = 60
CONNECTED_WITHIN_S = 5.0
_NOT_BELIEVED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
REFUSED_REASONS = frozenset({"Bad user name or password", "Not authorized", "Banned"})

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and who we are to it."""

    host: str
    port: int
    username: str
    password: str
    """Appears in no message."""
    tls: ssl.SSLContext | None
    """`None`: in clear; only where the settings allow it."""


@dataclass(frozen=True, slots=True)
class _Answered:
    status: int
    content: bytes
    retry_after_s: float | None
    shown: str | None = None
    """What the request showed."""


class MqttCarrier:
    """Speaks to one cloud for one edge, through one broker.

    Args:
        broker: which.
        edge: our name; the broker's access list lets us use our own topics alone.
        proof: of who asks, beside the broker's word; `None`: that word alone.
        timeout_s: for one exchange.
    """

    def __init__(self, broker: Broker, *, edge: str, proof: Proof | None = None, timeout_s: float = 30.0) -> None:
        self._broker = broker
        self._edge = edge
        self._proof = proof or BrokerAlone()
        self._timeout_s = timeout_s
        self._waiting: dict[bytes, asyncio.Future[_Answered]] = {}
        self._bell = asyncio.Event()
        self._subscribed = asyncio.Event()
        self._trouble = f"The broker {broker.host}:{broker.port} was not reached yet."
        self._refused = False
        self._loop = asyncio.get_running_loop()
        self._client = self._connecting()

    async def greet(self, greeting: Greeting) -> GreetOutcome:
        """See `Carrier.greet`."""
        outcome = await self._exchange(Exchange.GREETING, greeting.model_dump_json().encode(), GreetingAnswer)
        return Unavailable(outcome.why, lost=False) if isinstance(outcome, TooLarge | EventRefused) else outcome

    async def push(self, batch: Packed) -> PushOutcome:
        """See `Carrier.push`."""
        if batch.encoding is None:
            return await self._exchange(Exchange.EVENTS, batch.content, PushAnswer)
        return await self._exchange(Exchange.EVENTS, batch.content, PushAnswer, (CONTENT_ENCODING, batch.encoding))

    async def pull_commands(
        self,
        after: int,
        *,
        wait_s: float,
        directory: int | None = None,
        epoch: int | None = None,
        last: UUID | None = None,
    ) -> PullOutcome:
        """See `Carrier.pull_commands`. The waiting happens here: a ring of the bell ends it."""
        self._bell.clear()
        outcome = await self._pull(after, epoch, last)
        if isinstance(outcome, CommandsAnswer) and not outcome.items and not _has_news(outcome, directory):
            try:
                async with asyncio.timeout(wait_s):
                    await self._bell.wait()
            except TimeoutError:
                return outcome
            return await self._pull(after, epoch, last)
        return outcome

    async def pull_directory(self, request: DirectoryRequest) -> DirectoryOutcome:
        """See `Carrier.pull_directory`."""
        body = request.model_dump_json(exclude_none=True).encode()
        outcome = await self._exchange(Exchange.DIRECTORY, body, DirectoryAnswer)
        return Unavailable(outcome.why, lost=False) if isinstance(outcome, TooLarge | EventRefused) else outcome

    async def tell_live(self, news: LiveNews) -> LiveOutcome:
        """See `Carrier.tell_live`."""
        outcome = await self._exchange(Exchange.LIVE, news.model_dump_json().encode(), LiveAnswer)
        return Unavailable(outcome.why, lost=False) if isinstance(outcome, TooLarge | EventRefused) else outcome

    async def close(self) -> None:
        """See `Carrier.close`."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    async def _pull(self, after: int, epoch: int | None, last: UUID | None) -> PullOutcome:
        body = CommandsRequest(after=after, epoch=epoch, last=last).model_dump_json().encode()
        outcome = await self._exchange(Exchange.COMMANDS, body, CommandsAnswer)
        return Unavailable(outcome.why, lost=False) if isinstance(outcome, TooLarge | EventRefused) else outcome

    async def _exchange(
        self, exchange: Exchange, body: bytes, answer: type[Answer], *user_properties: tuple[str, str]
    ) -> Answer | Conflict | TooLarge | EventRefused | Refused | Unavailable:
        answered = await self._ask(exchange, body, user_properties)
        if isinstance(answered, _Answered) and answered.status in _NOT_BELIEVED:
            problem = problem_of(answered.content)
            if problem is not None and self._proof.learn(problem, answered.shown):
                answered = await self._ask(exchange, body, user_properties)
        if not isinstance(answered, _Answered):
            return answered
        if answered.status == HTTPStatus.OK:
            outcome = await accepted(answer, answered.content)
            if isinstance(outcome, GreetingAnswer | CommandsAnswer):
                self._proof.heard(outcome.server_time)
            return outcome
        phrase = HTTPStatus(answered.status).phrase if answered.status in set(HTTPStatus) else ""
        return refusal(answered.status, answered.content, phrase=phrase, retry_after_s=answered.retry_after_s)

    async def _ask(
        self, exchange: Exchange, body: bytes, user_properties: tuple[tuple[str, str], ...]
    ) -> _Answered | Refused | Unavailable:
        if not await self._connected():
            return Refused(self._trouble) if self._refused else Unavailable(self._trouble)
        topic = up(self._edge, exchange)
        if (token := self._proof.authorization(PUBLISH, topic, body)) is not None:
            user_properties = (*user_properties, (TOKEN, token))
        correlation = uuid4().bytes
        waiting: asyncio.Future[_Answered] = self._loop.create_future()
        self._waiting[correlation] = waiting
        try:
            async with asyncio.timeout(self._timeout_s):
                self._client.publish(
                    topic,
                    body,
                    qos=1,
                    properties=_request(down(self._edge, exchange), correlation, user_properties),
                )
                return replace(await waiting, shown=token)
        except TimeoutError:
            return Unavailable("The cloud did not answer in time.", heavy=True)
        except ConnectionError as error:
            return Unavailable(str(error))
        finally:
            del self._waiting[correlation]

    async def _connected(self) -> bool:
        try:
            async with asyncio.timeout(min(CONNECTED_WITHIN_S, self._timeout_s)):
                await self._subscribed.wait()
        except TimeoutError:
            return False
        return True

    def _connecting(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"gardu-edge-{self._edge}", protocol=MQTTv5)
        client.username_pw_set(self._broker.username, self._broker.password)
        if self._broker.tls is not None:
            client.tls_set_context(self._broker.tls)
        client.reconnect_delay_set(1, LONGEST_RECONNECT_S)
        client.on_connect = self._on_connect
        client.on_connect_fail = lambda *_: self._here(self._lost, self._unreached(), False)
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.connect_async(self._broker.host, self._broker.port, keepalive=KEEPALIVE_S)
        client.loop_start()
        return client

    def _unreached(self) -> str:
        return f"The broker {self._broker.host}:{self._broker.port} cannot be reached."

    # Called in the library's thread; each does no more than pass on to the event loop.

    def _on_connect(self, client: Client, _: Any, __: ConnectFlags, reason: ReasonCode, ___: Properties | None) -> None:  # noqa: ANN401 - the library's
        if reason.is_failure:
            self._here(self._lost, f"The broker refused us: {reason}.", str(reason) in REFUSED_REASONS)
        else:
            client.subscribe(f"{down(self._edge, Exchange.BELL).rpartition('/')[0]}/+", qos=1)

    def _on_subscribe(self, _: Client, __: Any, ___: int, reasons: list[ReasonCode], ____: Properties | None) -> None:  # noqa: ANN401 - the library's
        if any(reason.is_failure for reason in reasons):
            self._here(self._lost, f"The broker does not let us hear answers: {reasons[0]}.", True)
        else:
            self._here(self._subscribed.set)
            self._here(self._bell.set)

    def _on_disconnect(
        self,
        _: Client,
        __: Any,  # noqa: ANN401 - the library's
        ___: DisconnectFlags,
        reason: ReasonCode,
        ____: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._here(self._broke, f"The connection to the broker broke: {reason}.", str(reason) in REFUSED_REASONS)

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:  # noqa: ANN401 - the library's
        if message.topic == down(self._edge, Exchange.BELL):
            self._here(self._bell.set)
            return
        told = dict(getattr(message.properties, "UserProperty", []))
        correlation = getattr(message.properties, "CorrelationData", b"")
        status, retry_after = told.get(STATUS, ""), told.get(RETRY_AFTER, "")
        answered = _Answered(
            int(status) if status.isdecimal() else HTTPStatus.BAD_GATEWAY,
            bytes(message.payload),
            float(retry_after) if retry_after.isdecimal() else None,
        )
        self._here(self._answered, correlation, answered)

    def _here(self, do: Callable[..., Any], *arguments: Any) -> None:  # noqa: ANN401 - whatever `do` takes
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(do, *arguments)

    # Called on the event loop.

    def _answered(self, correlation: bytes, answered: _Answered) -> None:
        waiting = self._waiting.get(correlation)
        if waiting is not None and not waiting.done():
            waiting.set_result(answered)

    def _broke(self, why: str, refused: bool) -> None:  # noqa: FBT001 - passed by position through the loop
        """A broker that has just refused us also ends the connection; what it said first is the reason."""
        if self._subscribed.is_set() or refused:
            self._lost(why, refused)

    def _lost(self, why: str, refused: bool) -> None:  # noqa: FBT001 - passed by position through the loop
        if why != self._trouble:
            _log.warning("broker_lost", why=why)
        self._trouble, self._refused = why, refused
        self._subscribed.clear()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError(why))


def _has_news(answer: CommandsAnswer, directory: int | None) -> bool:
    """Whether the directory has other versions than the edge was told last."""
    return directory is not None and answer.directory is not None and sum(answer.directory.values()) != directory


def _request(answer_to: str, correlation: bytes, user_properties: tuple[tuple[str, str], ...]) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ResponseTopic = answer_to
    properties.CorrelationData = correlation
    properties.MessageExpiryInterval = REQUEST_LIFE_S
    if user_properties:
        properties.UserProperty = list(user_properties)
    return properties
