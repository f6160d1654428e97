"""The frame journal's file and the thread that writes it, on a real disk."""

from __future__ import annotations

import base64
import contextlib
import random
import sqlite3
import time
from datetime import timedelta
from pathlib import Path

import pytest

from edge.domain.redaction import FrameRedactor
from edge.store import journal, journal_writer
from edge.store.frame_blocks import MOST_FRAMES, Block, Direction, RecordedFrame
from edge.store.journal import Search
from edge.store.journal_writer import JournalWriter
from tests.integration.edge.played_site import NOON, SetClock

CALL = b'[2,"m1","Heartbeat",{}]'
ANSWER = b'[3,"m1",{"currentTime":"2026-03-01T12:00:00.000Z"}]'
SOON_S = 30.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture(autouse=True)
def few_to_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a dozen frames be several blocks."""
    monkeypatch.setattr(journal_writer, "CHUNK", 3)
    monkeypatch.setattr(journal_writer, "FULL", 4)


def record(
    writer: JournalWriter, charge_point: str, direction: Direction, frame: bytes, action: str | None = None
) -> None:
    """Record a frame of this moment by the writer's clock."""
    writer.record(writer._now(), charge_point, direction, frame, action)


def opened(path: Path, clock: SetClock, *, days: int = 7, max_mib: int = 64) -> JournalWriter:
    return JournalWriter(path, clock, days=days, max_mib=max_mib)


def found(path: Path, wanted: Search | None = None, *, before: int | None = None, limit: int = 1000) -> list[RecordedFrame]:  # fmt: skip  # noqa: E501
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    try:
        return journal.search(connection, wanted or Search(), before=before, limit=limit)[0]
    finally:
        connection.close()


def test_a_frame_is_found_again_with_its_time_and_its_direction(path: Path) -> None:
    clock = SetClock()
    writer = opened(path, clock)
    record(writer, "CP1", Direction.RECEIVED, CALL)
    clock.at += timedelta(milliseconds=7)
    record(writer, "CP1", Direction.SENT, ANSWER)
    writer.close()
    sent, received = found(path)
    assert (received.at, received.charge_point, received.direction, received.frame) == (
        NOON, "CP1", Direction.RECEIVED, CALL,
    )  # fmt: skip
    assert (sent.at, sent.direction, sent.frame) == (NOON + timedelta(milliseconds=7), Direction.SENT, ANSWER)


def test_a_call_says_its_action_itself_and_an_answer_is_found_by_that_of_its_call(path: Path) -> None:
    writer = opened(path, SetClock())
    record(writer, "CP1", Direction.RECEIVED, CALL)
    record(writer, "CP1", Direction.SENT, ANSWER, "Heartbeat")
    record(writer, "CP1", Direction.RECEIVED, ANSWER)  # of no call that is known
    writer.close()
    assert [row.action for row in found(path)] == [None, "Heartbeat", "Heartbeat"]
    assert len(found(path, Search(action="Heartbeat"))) == 2


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Search(), [5, 4, 3, 2, 1, 0]),
        (Search(charge_point="CP1"), [4, 2, 0]),
        (Search(since=NOON + timedelta(seconds=2)), [5, 4, 3, 2]),
        (Search(until=NOON + timedelta(seconds=2)), [2, 1, 0]),
        (Search(charge_point="CP1", since=NOON + timedelta(seconds=1), until=NOON + timedelta(seconds=3)), [2]),
        (Search(action="Authorize"), [5, 4, 3, 2, 1, 0]),
        (Search(action="Reset"), []),
        (Search(message_id="m3"), [3]),
        (Search(text='"TAG4"'), [4]),
        (Search(since=NOON + timedelta(days=1)), []),
        (Search(until=NOON - timedelta(days=1)), []),
    ],
)
def test_frames_are_searched(path: Path, wanted: Search, numbers: list[int]) -> None:
    clock = SetClock()
    writer = opened(path, clock)
    for number in range(6):
        frame = f'[2,"m{number}","Authorize",{{"idTag":"TAG{number}"}}]'.encode()
        record(writer, f"CP{number % 2 + 1}", Direction.RECEIVED, frame)
        clock.at += timedelta(seconds=1)
    writer.close()
    rows = found(path, wanted)
    assert [int((row.message_id or "")[1:]) for row in rows] == numbers
    if len(rows) > 2:
        assert found(path, wanted, before=rows[0].id, limit=2) == rows[1:3]


def test_a_page_ends_early_when_much_was_looked_through(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MOST_BYTES_READ", 1)
    writer = opened(path, SetClock())
    for number in range(20):
        record(writer, "CP1", Direction.RECEIVED, f'[2,"m{number}","Heartbeat",{{}}]'.encode())
    writer.close()
    seen: list[str | None] = []
    pages, before = 0, None
    with contextlib.closing(sqlite3.connect(path)) as connection:
        while pages == 0 or before is not None:
            rows, before = journal.search(connection, Search(text='"m1'), before=before, limit=4)
            seen += [row.message_id for row in rows]
            pages += 1
    assert seen == ["m19", "m18", "m17", "m16", "m15", "m14", "m13", "m12", "m11", "m10", "m1"]
    assert pages > 4


def test_few_frames_are_gathered_in_one_block(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_writer, "FLUSH_S", 0.01)
    writer = opened(path, SetClock())
    for number in range(3):
        record(writer, "CP1", Direction.RECEIVED, CALL)
        deadline = time.monotonic() + SOON_S
        while len(found(path)) <= number and time.monotonic() < deadline:
            time.sleep(0.01)
    writer.close()
    assert [row.id for row in found(path)] == [MOST_FRAMES + 2, MOST_FRAMES + 1, MOST_FRAMES]


def test_calls_are_read_in_the_order_of_their_time_when_the_clock_was_set_back(path: Path) -> None:
    clock = SetClock()
    writer = opened(path, clock)
    for number in range(12):
        if number == 6:
            clock.at -= timedelta(seconds=3.5)
        record(writer, "CP1", Direction.RECEIVED, f'[2,"m{number}","Heartbeat",{{}}]'.encode())
        record(writer, "CP1", Direction.SENT, ANSWER, "Heartbeat")
        clock.at += timedelta(seconds=1)
    writer.close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        calls = [*journal.calls_between(connection, NOON + timedelta(seconds=1), NOON + timedelta(seconds=6))]
    assert [call.message_id for call in calls] == ["m1", "m2", "m6", "m3", "m7", "m4", "m8", "m5", "m9"]


def test_the_first_journal_is_replaced(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE frame (id INTEGER PRIMARY KEY)")
    writer = opened(path, SetClock())
    record(writer, "CP1", Direction.RECEIVED, CALL)
    writer.close()
    assert len(found(path)) == 1


def test_no_secret_reaches_the_disk(path: Path) -> None:
    writer = opened(path, SetClock())
    record(writer, "CP1", Direction.SENT, b'[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"hunter2"}]')
    record(writer, "CP1", Direction.SENT, b'[2,"2","GetDiagnostics",{"location":"ftp://user:hunter2@10.0.0.1/"}]')
    writer.close()
    assert len(found(path)) == 2
    assert found(path, Search(text="hunter2")) == []  # the file itself is compressed
    for file in path.parent.iterdir():
        assert b"hunter2" not in file.read_bytes(), file


def test_what_the_disk_cannot_follow_is_told_as_a_gap(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_writer, "FLUSH_S", 3600)
    monkeypatch.setattr(journal_writer, "MAX_WAITING", 10 * (len(CALL) + journal_writer.OVERHEAD))
    writer = opened(path, SetClock())
    for _ in range(13):
        record(writer, "CP1", Direction.RECEIVED, CALL)
    writer.close()
    rows = found(path)
    assert [row.frame for row in rows if row.direction is Direction.GAP] == [b"3"]
    assert len(rows) == 11


def test_frames_that_a_failing_disk_did_not_take_are_told_as_a_gap(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_writer, "FLUSH_S", 0.01)
    writer = opened(path, SetClock())
    put = journal.put

    def failing(connection: sqlite3.Connection, number: int, block: Block) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(journal, "put", failing)
    record(writer, "CP1", Direction.RECEIVED, CALL)
    deadline = time.monotonic() + SOON_S
    while writer._failed < 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    monkeypatch.setattr(journal, "put", put)
    record(writer, "CP1", Direction.RECEIVED, CALL)
    writer.close()
    assert sorted((row.direction, row.frame) for row in found(path)) == [
        (Direction.RECEIVED, CALL), (Direction.GAP, b"1"),
    ]  # fmt: skip


def test_frames_that_are_too_old_go(path: Path) -> None:
    clock = SetClock()
    writer = opened(path, clock)
    record(writer, "CP1", Direction.RECEIVED, CALL)
    writer.close()
    clock.at += timedelta(days=8)
    writer = opened(path, clock)
    record(writer, "CP2", Direction.RECEIVED, CALL)
    writer.close()
    assert [row.charge_point for row in found(path)] == ["CP2"]


def test_the_file_stays_within_its_budget_and_the_oldest_go_first(path: Path) -> None:
    clock = SetClock()
    for round_ in range(4):
        writer = opened(path, clock, max_mib=1)
        for number in range(400):
            noise = base64.b64encode(random.Random(number).randbytes(1800)).decode()  # which cannot be packed
            frame = f'[2,"{round_}-{number}","DataTransfer",{{"vendorId":"{noise}"}}]'.encode()
            record(writer, "CP1", Direction.RECEIVED, frame)
        writer.close()
    rows = found(path)
    assert path.stat().st_size < 1.5 * 1024 * 1024
    assert rows[0].message_id == "3-399"
    assert 100 < len(rows) < 600


def test_a_broken_file_is_set_aside(path: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)
    writer = opened(path, SetClock())
    record(writer, "CP1", Direction.RECEIVED, CALL)
    writer.close()
    assert len(found(path)) == 1
    assert path.with_name("journal.db.broken").is_file()


@pytest.mark.parametrize(
    "frame",
    [b"", b"\xff\xfe", b"[2", b"[3,7,{}]", b'[2,"a\\u0041","X",{}]', b"[2,1e9999999999999,", b"null", b"\0" * 9],
)
def test_any_frame_can_be_recorded(path: Path, frame: bytes) -> None:
    writer = opened(path, SetClock())
    record(writer, "CP1", Direction.RECEIVED, frame)
    writer.close()
    assert len(found(path)) == 1


def test_a_frame_that_cannot_be_read_does_not_end_the_journal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    redact = FrameRedactor.redact

    def fails_once(redactor: FrameRedactor, raw: bytes) -> bytes:
        if b"poison" in raw:
            raise RecursionError
        return redact(redactor, raw)

    monkeypatch.setattr(FrameRedactor, "redact", fails_once)
    writer = opened(path, SetClock())
    record(writer, "CP1", Direction.RECEIVED, b"poison")
    record(writer, "CP1", Direction.RECEIVED, CALL)
    writer.close()
    assert [row.frame for row in reversed(found(path))] == [b"(redacted)", CALL]
