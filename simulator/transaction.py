"""A transaction as its charge point knows it, and the messages about it that must not get lost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from ocpp.v16 import call

from simulator.clock import to_wire
from simulator.meter import SampledValue

NO_TRANSACTION_ID = -1
"""What a StopTransaction carries when no answer ever named the transaction (errata 3.18)."""


@dataclass(slots=True)
class Transaction:
    """One transaction.

    Attributes:
        connector_id: Where it runs.
        id_tag: Who started it.
        meter_start_wh: The register when it began.
        started_at: When it began, by the charge point's clock.
        begun_offline: Whether there was no line to the central system when it began.
        transaction_id: The central system's number; `None` until a StartTransaction was answered.
        reservation_id: The reservation that it used.
        on_refused: Called when the central system does not accept the id tag (§4.8).
    """

    connector_id: int
    id_tag: str
    meter_start_wh: int
    started_at: datetime
    begun_offline: bool = False
    transaction_id: int | None = None
    reservation_id: int | None = None
    on_refused: Callable[[], None] = field(default=lambda: None)


@dataclass(slots=True)
class MeterValue:
    """The samples of one instant."""

    sampled_at: datetime
    samples: list[SampledValue]

    def to_payload(self) -> dict[str, object]:
        """As the `ocpp` package wants it."""
        return {"timestamp": to_wire(self.sampled_at), "sampled_value": self.samples}


@dataclass(slots=True)
class TransactionMessage(ABC):
    """A transaction-related message (OCPP 1.6 ed. 2 §3.7), kept until it is answered or given up.

    Attributes:
        transaction: What it is about. Its number is read only when the message is sent, so messages that were queued
            behind an unanswered StartTransaction carry the number that the answer brought.
        attempts: Transmissions that failed.
    """

    transaction: Transaction
    attempts: int = field(default=0, kw_only=True)

    @property
    @abstractmethod
    def action(self) -> str:
        """OCPP's name of the message."""

    @abstractmethod
    def to_call(self) -> object:
        """The `ocpp` package's payload."""


@dataclass(slots=True)
class StartMessage(TransactionMessage):
    """A StartTransaction (§4.8)."""

    @property
    def action(self) -> str:
        """OCPP's name of the message."""
        return "StartTransaction"

    def to_call(self) -> object:
        """The `ocpp` package's payload."""
        transaction = self.transaction
        return call.StartTransaction(
            connector_id=transaction.connector_id,
            id_tag=transaction.id_tag,
            meter_start=transaction.meter_start_wh,
            timestamp=to_wire(transaction.started_at),
            reservation_id=transaction.reservation_id,
        )


@dataclass(slots=True)
class MeterMessage(TransactionMessage):
    """Periodic MeterValues of a transaction (§4.7)."""

    values: list[MeterValue]

    @property
    def action(self) -> str:
        """OCPP's name of the message."""
        return "MeterValues"

    def to_call(self) -> object:
        """The `ocpp` package's payload."""
        return call.MeterValues(
            connector_id=self.transaction.connector_id,
            transaction_id=self.transaction.transaction_id,
            meter_value=[value.to_payload() for value in self.values],
        )


@dataclass(slots=True)
class StopMessage(TransactionMessage):
    """A StopTransaction (§4.10).

    Attributes:
        meter_stop_wh: The register at the end.
        stopped_at: When it ended, by the charge point's clock.
        reason: §7.36 "Reason".
        id_tag: Who stopped it; `None` when nobody presented an id tag.
        values: `transactionData`, oldest first; may be empty.
    """

    meter_stop_wh: int
    stopped_at: datetime
    reason: str
    id_tag: str | None
    values: list[MeterValue]

    @property
    def action(self) -> str:
        """OCPP's name of the message."""
        return "StopTransaction"

    def to_call(self) -> object:
        """The `ocpp` package's payload."""
        number = self.transaction.transaction_id
        return call.StopTransaction(
            transaction_id=NO_TRANSACTION_ID if number is None else number,
            meter_stop=self.meter_stop_wh,
            timestamp=to_wire(self.stopped_at),
            reason=self.reason,
            id_tag=self.id_tag,
            transaction_data=[value.to_payload() for value in self.values] or None,
        )
