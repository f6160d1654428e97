"""Any order of messages from charge points, restarts and retries between: what must hold holds."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from contract.events import TransactionStarted, TransactionStopped
from edge.store.database import connect
from edge.store.migrations import migrate
from tests.integration.edge.played_site import CP1, CP2, PlayedSite

CHARGE_POINTS = st.sampled_from([CP1, CP2])
CONNECTORS = st.integers(1, 2)
TAGS = st.sampled_from(["TAG", "OTHER", "MOTHER", "FATHER", "BLOCKED", "NOBODY"])
ODD_NUMBERS = st.sampled_from([0, -1, None, 4711, 2**64 - 1, "x"])
ODD_FIELDS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "timestamp": st.sampled_from(["soon", "1970-01-01T00:00:00Z", None, ..., "2026-03-01T12:00:00"]),
        "meterStart": st.sampled_from([-1, None, "7", 2**63, 10**6]),
        "meterStop": st.sampled_from([-1, None, "7", 2**63, 10**6]),
        "connectorId": st.sampled_from([0, -1, None, "1"]),
        "idTag": st.sampled_from([None, 7, "", "x" * 30]),
        "vendorExtra": st.just({"a": 1}),
    },
)
FROM_SAMPLES = {"energy_from_samples", "register_reset"}
_BLANK = Path(tempfile.mkdtemp(prefix="gardu-blank-")) / "edge.db"


@pytest.fixture(scope="module", autouse=True)
def _blank() -> None:
    migrate(_BLANK)
    connection = connect(_BLANK)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


class Sequences(RuleBasedStateMachine):
    """The model: which numbers were given, and which of them were started and stopped in good order."""

    starts: Bundle[tuple[str, dict[str, Any], int]] = Bundle("starts")

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.site = PlayedSite.create(_BLANK, Path(self.folder.name) / "edge.db")
        self.given: dict[int, str] = {}
        self.running: set[int] = set()
        self.register = 1000

    def teardown(self) -> None:
        self.site.close()
        self.folder.cleanup()

    def _tick(self) -> None:
        self.site.later(seconds=61)
        self.register += 10

    @rule(target=starts, charge_point=CHARGE_POINTS, connector=CONNECTORS, id_tag=TAGS)
    def start(self, charge_point: str, connector: int, id_tag: str) -> Any:
        self._tick()
        fields = {"connectorId": connector, "idTag": id_tag, "meterStart": self.register, "timestamp": self.site.time}
        number = self.site.start(charge_point=charge_point, **fields)
        assert number not in self.given
        assert number > max(self.given, default=0)
        self._supersede(charge_point, connector)
        self.given[number] = charge_point
        self.running.add(number)
        return charge_point, fields, number

    def _supersede(self, charge_point: str, connector: int) -> None:
        for number in list(self.running):
            stored = self.site.transaction(number)
            if (stored.charge_point, stored.connector_id) == (charge_point, connector) and stored.estimated:
                self.running.discard(number)

    @rule(start=starts)
    def start_again(self, start: tuple[str, dict[str, Any], int]) -> None:
        self._tick()
        charge_point, fields, number = start
        assert self.site.start(charge_point=charge_point, **fields) == number

    @rule(target=starts, charge_point=CHARGE_POINTS, fields=ODD_FIELDS)
    def start_oddly(self, charge_point: str, fields: dict[str, Any]) -> Any:
        self._tick()
        whole = {"meterStart": self.register} | fields
        number = self.site.start(charge_point=charge_point, **whole)
        assert 0 < number < 2**31
        self._observe()
        return multiple()

    @rule(start=starts, id_tag=st.none() | TAGS, twice=st.booleans())
    def stop(self, start: tuple[str, dict[str, Any], int], id_tag: str | None, *, twice: bool) -> None:
        self._tick()
        charge_point, _, number = start
        fields = {"meterStop": self.register, "timestamp": self.site.time, "idTag": id_tag}
        answer = self.site.stop(number, charge_point=charge_point, **fields)
        assert ("idTagInfo" in answer) == (id_tag is not None)
        if twice:
            assert self.site.stop(number, charge_point=charge_point, **fields) == answer
        self.running.discard(number)

    @rule(charge_point=CHARGE_POINTS, number=ODD_NUMBERS, fields=ODD_FIELDS)
    def stop_oddly(self, charge_point: str, number: object, fields: dict[str, Any]) -> None:
        self._tick()
        self.site.stop(number, charge_point=charge_point, **({"meterStop": self.register} | fields))
        self._observe()

    @rule(
        start=starts, value=st.sampled_from(["0", "12.5", "NaN", "1e300", 7, None]), unit=st.sampled_from(["Wh", "kWh"])
    )
    def meter(self, start: tuple[str, dict[str, Any], int], value: object, unit: str) -> None:
        self._tick()
        charge_point, _, number = start
        sampled = [{"timestamp": self.site.time, "sampledValue": [{"value": value, "unit": unit}]}]
        assert self.site.meter("", charge_point=charge_point, meterValue=sampled, transactionId=number) == {}

    @rule(charge_point=CHARGE_POINTS, status=st.sampled_from(["Available", "Faulted"]), connector=st.integers(0, 2))
    def status(self, charge_point: str, status: str, connector: int) -> None:
        payload = {"connectorId": connector, "errorCode": "NoError", "status": status}
        assert self.site.ask("StatusNotification", payload, charge_point=charge_point) == {}

    @rule(id_tag=TAGS)
    def authorize(self, id_tag: str) -> None:
        assert self.site.ask("Authorize", {"idTag": id_tag})["idTagInfo"]["status"] != "ConcurrentTx"

    @rule(data_transfer=st.sampled_from(["VendorA", "VendorB"]))
    def transfer(self, data_transfer: str) -> None:
        self.site.ask("DataTransfer", {"vendorId": data_transfer})

    @rule()
    def salvage(self) -> None:
        number = self.site.salvage("StartTransaction", {}, "the handler failed")["transactionId"]
        assert number not in self.given
        self._observe()

    @rule()
    def restart(self) -> None:
        self.site.restart()

    def _observe(self) -> None:
        """After a message of which the model cannot tell the effect: only no number may vanish or come back."""
        now = {stored.transaction_id: stored for stored in self.site.transactions()}
        assert set(self.given) <= set(now)
        self.given = {number: stored.charge_point for number, stored in now.items()}
        self.running = {number for number, stored in now.items() if stored.open}

    @invariant()
    def running_transactions_are_those_of_the_model(self) -> None:
        assert {stored.transaction_id for stored in self.site.transactions() if stored.open} == self.running

    @invariant()
    def energy_is_what_the_two_registers_say_or_else_it_says_so(self) -> None:
        for stored in self.site.transactions():
            if stored.energy_wh is None:
                continue
            if FROM_SAMPLES & set(stored.flags):  # a sample far above the end: the register was reset since
                assert 0 <= stored.energy_wh < 12_500
                continue
            assert stored.meter_start_wh is not None
            assert stored.meter_stop_wh is not None
            assert stored.energy_wh == stored.meter_stop_wh - stored.meter_start_wh >= 0

    @invariant()
    def the_outbox_tells_the_same_as_the_table(self) -> None:
        started = self.site.events(TransactionStarted)
        assert len({event.transaction for event in started}) == len({event.transaction_id for event in started})
        last = {event.transaction_id: event for event in self.site.events(TransactionStopped)}
        table = {stored.transaction_id: stored for stored in self.site.transactions() if not stored.open}
        assert set(last) == set(table)
        for number, event in last.items():
            assert (event.energy_wh, event.estimated) == (table[number].energy_wh, table[number].estimated)
            assert event.stopped_at == table[number].stopped_at


Sequences.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestSequences = Sequences.TestCase
