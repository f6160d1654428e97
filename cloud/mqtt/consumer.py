"""One replica's seat at the broker: shares the requests of all edges with the other replicas, and rings their bells.

A request is acknowledged to the broker (PUBACK) after what it says is committed and answered. Should this process die
before, the edge asks again; should the broker forget everything, too.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloud.mqtt.exchanges import MOST_BYTES_OF_MANY, Answer, Handlers, Request, answer
from contract.mqtt import (
    CONTENT_ENCODING,
    REQUEST_LIFE_S,
    RETRY_AFTER,
    SHARED_SUBSCRIPTION,
    STATUS,
    TOKEN,
    Exchange,
    down,
    parse_up,
)

KEEPALIVE_S = 30
LONGEST_RECONNECT_S = 30
MOST_UNDER_WAY = 32
"""Requests that the broker may hand us before we acknowledge one."""
LARGEST_PACKET = 2 * MOST_BYTES_OF_MANY
"""The broker keeps larger ones away from us. Twice what we take, so that who sends somewhat too much hears why."""

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and who we are to it."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: ssl.SSLContext | None


class Consumer:
    """Hears and answers until cancelled.

    Args:
        broker: which.
        handlers: what each exchange does.
    """

    def __init__(self, broker: Broker, handlers: Handlers) -> None:
        self._broker = broker
        self._handlers = handlers
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Client | None = None
        self._connection = 0
        """Counts connections: the broker numbers its messages anew in each."""

    async def run(self) -> None:
        """Work until cancelled; what is under way is finished first."""
        self._loop = asyncio.get_running_loop()
        self._client = client = self._connecting()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            client.unsubscribe(SHARED_SUBSCRIPTION)
            await asyncio.gather(*self._tasks, return_exceptions=True)
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)

    def ring(self, edge: str) -> None:
        """Tell an edge that there is something to pull. From any thread; a lost ring costs some seconds."""
        if self._client is not None:
            self._client.publish(down(edge, Exchange.BELL), b"", qos=0)

    def _connecting(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"gardu-cloud-{uuid4()}", protocol=MQTTv5, manual_ack=True
        )
        client.username_pw_set(self._broker.username, self._broker.password)
        if self._broker.tls is not None:
            client.tls_set_context(self._broker.tls)
        client.reconnect_delay_set(1, LONGEST_RECONNECT_S)
        client.on_connect = _on_connect
        client.on_subscribe = _on_subscribe
        client.on_connect_fail = lambda *_: _log.warning("broker_not_reached", host=self._broker.host)
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.ReceiveMaximum = MOST_UNDER_WAY
        properties.MaximumPacketSize = LARGEST_PACKET
        client.connect_async(self._broker.host, self._broker.port, keepalive=KEEPALIVE_S, properties=properties)
        client.loop_start()
        return client

    def _on_message(self, client: Client, _: Any, message: MQTTMessage) -> None:  # noqa: ANN401 - the library's
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._begin, client, message, self._connection)

    def _begin(self, client: Client, message: MQTTMessage, connection: int) -> None:
        task = asyncio.ensure_future(self._serve(client, message, connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: Client, message: MQTTMessage, connection: int) -> None:
        asked = parse_up(message.topic)
        if asked is not None:
            edge, exchange = asked
            told = dict(getattr(message.properties, "UserProperty", []))
            request = Request(edge, bytes(message.payload), told.get(CONTENT_ENCODING), told.get(TOKEN))
            given = await answer(self._handlers, exchange, request)
            correlation = getattr(message.properties, "CorrelationData", b"")
            # The topic that the request names for its answer is not believed: an edge is answered at its own alone.
            client.publish(down(edge, exchange), given.body, qos=1, properties=_properties(given, correlation))
        if connection == self._connection:  # otherwise the number may be that of another message by now
            client.ack(message.mid, message.qos)

    def _on_disconnect(self, *told: Any) -> None:  # noqa: ANN401 - the library's
        self._connection += 1
        _log_disconnect(*told)


def _properties(given: Answer, correlation: bytes) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.CorrelationData = correlation
    properties.MessageExpiryInterval = REQUEST_LIFE_S
    told = [(STATUS, str(given.status))]
    if given.retry_after_s is not None:
        told.append((RETRY_AFTER, str(given.retry_after_s)))
    properties.UserProperty = told
    return properties


def _on_connect(client: Client, _: Any, __: ConnectFlags, reason: ReasonCode, ___: Properties | None) -> None:  # noqa: ANN401 - the library's
    if reason.is_failure:
        _log.error("broker_refused", reason=str(reason))
        return
    client.subscribe(SHARED_SUBSCRIPTION, qos=1)


def _on_subscribe(_: Client, __: Any, ___: int, reasons: list[ReasonCode], ____: Properties | None) -> None:  # noqa: ANN401 - the library's
    refused = [str(reason) for reason in reasons if reason.is_failure]
    if refused:
        hint = "Let the cloud's user read gardu/v1/+/up/+, and turn shared subscriptions on at the broker."
        _log.error("broker_refused_subscription", reason=", ".join(refused), hint=hint)
        return
    _log.info("broker_connected")


def _log_disconnect(_: Client, __: Any, ___: DisconnectFlags, reason: ReasonCode, ____: Properties | None) -> None:  # noqa: ANN401 - the library's
    if reason.is_failure:
        _log.warning("broker_lost", reason=str(reason))
