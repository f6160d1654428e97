"""The frame journal's file and the thread that writes it, on a real disk."""

from __future__ import annotations

import sqlite3
import time
from datetime import timedelta
from pathlib import Path

import pytest

from edge.domain.redaction import FrameRedactor
from edge.store import journal, journal_writer
from edge.store.journal import Direction, RecordedFrame, Search
from edge.store.journal_writer import JournalWriter
from tests.integration.edge.played_site import NOON, SetClock

CALL = b'[2,"m1","Heartbeat",{}]'
ANSWER = b'[3,"m1",{"currentTime":"2026-03-01T12:00:00.000Z"}]'
SOON_S = 30.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


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
    writer.record("CP1", Direction.RECEIVED, CALL)
    clock.at += timedelta(milliseconds=7)
    writer.record("CP1", Direction.SENT, ANSWER)
    writer.close()
    sent, received = found(path)
    assert (received.at, received.charge_point, received.direction, received.frame) == (
        NOON, "CP1", Direction.RECEIVED, CALL,
    )  # fmt: skip
    assert (sent.at, sent.direction, sent.frame) == (NOON + timedelta(milliseconds=7), Direction.SENT, ANSWER)


def test_an_answer_is_found_by_the_action_of_its_call(path: Path) -> None:
    writer = opened(path, SetClock())
    writer.record("CP1", Direction.RECEIVED, CALL)
    writer.record("CP2", Direction.SENT, ANSWER)  # of no call of this charge point
    writer.record("CP1", Direction.SENT, b'[2,"m1","Reset",{"type":"Soft"}]')  # calls of both sides may cross
    writer.record("CP1", Direction.RECEIVED, b'[4,"m1","NotSupported","",{}]')
    writer.record("CP1", Direction.SENT, ANSWER)
    writer.close()
    assert [(row.charge_point, row.action) for row in reversed(found(path))] == [
        ("CP1", "Heartbeat"), ("CP2", None), ("CP1", "Reset"), ("CP1", "Reset"), ("CP1", "Heartbeat"),
    ]  # fmt: skip


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
        writer.record(f"CP{number % 2 + 1}", Direction.RECEIVED, frame)
        clock.at += timedelta(seconds=1)
    writer.close()
    rows = found(path, wanted)
    assert [int((row.message_id or "")[1:]) for row in rows] == numbers
    if len(rows) > 2:
        assert found(path, wanted, before=rows[0].id, limit=2) == rows[1:3]


def test_no_secret_reaches_the_disk(path: Path) -> None:
    writer = opened(path, SetClock())
    writer.record("CP1", Direction.SENT, b'[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"hunter2"}]')
    writer.record("CP1", Direction.SENT, b'[2,"2","GetDiagnostics",{"location":"ftp://user:hunter2@10.0.0.1/"}]')
    writer.close()
    assert len(found(path)) == 2
    for file in path.parent.iterdir():
        assert b"hunter2" not in file.read_bytes(), file


def test_what_the_disk_cannot_follow_is_told_as_a_gap(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_writer, "FLUSH_S", 3600)
    monkeypatch.setattr(journal_writer, "MAX_WAITING", 10 * (len(CALL) + journal_writer.OVERHEAD))
    writer = opened(path, SetClock())
    for _ in range(13):
        writer.record("CP1", Direction.RECEIVED, CALL)
    writer.close()
    rows = found(path)
    assert [row.frame for row in rows if row.direction is Direction.GAP] == [b"3"]
    assert len(rows) == 11


def test_frames_that_a_failing_disk_did_not_take_are_told_as_a_gap(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_writer, "FLUSH_S", 0.01)
    writer = opened(path, SetClock())
    insert = journal.insert

    def failing(connection: sqlite3.Connection, rows: list[journal.Row]) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(journal, "insert", failing)
    writer.record("CP1", Direction.RECEIVED, CALL)
    deadline = time.monotonic() + SOON_S
    while writer._failed < 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    monkeypatch.setattr(journal, "insert", insert)
    writer.record("CP1", Direction.RECEIVED, CALL)
    writer.close()
    assert sorted((row.direction, row.frame) for row in found(path)) == [
        (Direction.RECEIVED, CALL), (Direction.GAP, b"1"),
    ]  # fmt: skip


def test_frames_that_are_too_old_go(path: Path) -> None:
    clock = SetClock()
    writer = opened(path, clock)
    writer.record("CP1", Direction.RECEIVED, CALL)
    writer.close()
    clock.at += timedelta(days=8)
    writer = opened(path, clock)
    writer.record("CP2", Direction.RECEIVED, CALL)
    writer.close()
    assert [row.charge_point for row in found(path)] == ["CP2"]


def test_the_file_stays_within_its_budget_and_the_oldest_go_first(path: Path) -> None:
    clock = SetClock()
    for round_ in range(4):
        writer = opened(path, clock, max_mib=1)
        for number in range(400):
            frame = f'[2,"{round_}-{number}","DataTransfer",{{"vendorId":"{"x" * 2000}"}}]'.encode()
            writer.record("CP1", Direction.RECEIVED, frame)
        writer.close()
    rows = found(path)
    assert path.stat().st_size < 1.5 * 1024 * 1024
    assert rows[0].message_id == "3-399"
    assert 100 < len(rows) < 600


def test_a_broken_file_is_set_aside(path: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)
    writer = opened(path, SetClock())
    writer.record("CP1", Direction.RECEIVED, CALL)
    writer.close()
    assert len(found(path)) == 1
    assert path.with_name("journal.db.broken").is_file()


@pytest.mark.parametrize(
    "frame",
    [b"", b"\xff\xfe", b"[2", b"[3,7,{}]", b'[2,"a\\u0041","X",{}]', b"[2,1e9999999999999,", b"null", b"\0" * 9],
)
def test_any_frame_can_be_recorded(path: Path, frame: bytes) -> None:
    writer = opened(path, SetClock())
    writer.record("CP1", Direction.RECEIVED, frame)
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
    writer.record("CP1", Direction.RECEIVED, b"poison")
    writer.record("CP1", Direction.RECEIVED, CALL)
    writer.close()
    assert [row.frame for row in reversed(found(path))] == [b"(redacted)", CALL]
