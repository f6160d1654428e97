from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.timestamps import (
    ABSURDLY_OLD,
    FUTURE_TOLERANCE,
    UNBELIEVED,
    Timestamp,
    canonical,
    iso,
    read,
    read_text,
)

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
NOON = NOW


@pytest.mark.parametrize(
    "raw",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00z",
        "2026-03-01t12:00:00z",
        "2026-03-01 12:00:00Z",
        "  2026-03-01T12:00:00Z ",
        "2026-03-01T12:00:00.000Z",
        "2026-03-01T12:00:00,000Z",
        "2026-03-01T12:00:00.000000000Z",
        "2026-03-01T12:00:00+00:00",
        "2026-03-01T15:00:00+03",
        "2026-03-01T14:00:00+0200",
        "2026-03-01T14:00:00+02:00",
        "2026-03-01T06:30:00-05:30",
        "20260301T120000Z",
    ],
)
def test_every_spelling_that_charge_points_use_is_read(raw: str) -> None:
    assert read(raw, NOW) == Timestamp(NOON, None)
    assert read(raw, NOW).at.tzinfo is UTC
    assert canonical(raw) == canonical("2026-03-01T12:00:00Z")


@pytest.mark.parametrize("raw", ["2026-03-01T12:00:00.123456789Z", "2026-03-01T12:00:00,123456789+00:00"])
def test_nine_fractional_digits_are_cut_to_microseconds(raw: str) -> None:
    assert read(raw, NOW) == Timestamp(NOON.replace(microsecond=123456), None)


@pytest.mark.parametrize("raw", ["2026-03-01T12:00:00", "2026-03-01 12:00:00.0"])
def test_a_time_without_zone_is_taken_as_utc_and_flagged(raw: str) -> None:
    assert read(raw, NOW) == Timestamp(NOON, "no_zone")
    assert canonical(raw) == canonical("2026-03-01T12:00:00Z")


@pytest.mark.parametrize("raw", [None, ""])
def test_a_missing_time_is_that_of_receipt(raw: str | None) -> None:
    assert read(raw, NOW) == Timestamp(NOW, "no_time_stamp")


@pytest.mark.parametrize("raw", ["yesterday", " ", "12:00", "2026-02-30T12:00:00Z", 1772366400, [], {}, True, "\ud800"])
def test_what_cannot_be_read_is_the_time_of_receipt(raw: object) -> None:
    assert read(raw, NOW) == Timestamp(NOW, "unreadable_time_stamp")


@pytest.mark.parametrize(
    "raw",
    [
        "1970-01-01T00:00:00Z",
        "2000-01-01T00:00:00Z",
        "2036-02-07T06:28:16Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1970-01-01T00:00:00",
    ],
)
def test_a_clock_that_was_never_set_is_not_believed(raw: str) -> None:
    assert read(raw, NOW) == Timestamp(NOW, "absurd")


def test_local_time_that_is_labelled_as_utc_lies_in_the_future() -> None:
    assert read("2026-03-01T19:00:00Z", NOW) == Timestamp(NOON + timedelta(hours=7), "future")


def test_the_future_begins_after_five_minutes() -> None:
    assert read((NOW + FUTURE_TOLERANCE).isoformat(), NOW).flag is None
    assert read((NOW + FUTURE_TOLERANCE + timedelta(seconds=1)).isoformat(), NOW).flag == "future"


def test_a_record_of_a_long_outage_is_believed() -> None:
    assert read((NOW - timedelta(hours=4)).isoformat(), NOW).flag is None
    assert read((NOW - ABSURDLY_OLD).isoformat(), NOW).flag is None
    assert read((NOW - ABSURDLY_OLD - timedelta(seconds=1)).isoformat(), NOW).flag == "absurd"


@given(raw=st.text() | st.datetimes().map(datetime.isoformat) | st.integers() | st.none(), received_at=st.just(NOW))
def test_every_time_is_read_as_an_aware_one_near_the_receipt(raw: object, received_at: datetime) -> None:
    stamp = read(raw, received_at)
    assert stamp.at.utcoffset() == timedelta(0)
    assert abs(stamp.at - received_at) <= ABSURDLY_OLD
    assert (stamp.flag in UNBELIEVED) <= (stamp.at == received_at)
    assert isinstance(canonical(raw), str)


@given(at=st.datetimes(datetime(1000, 1, 2), datetime(9998, 12, 30), timezones=st.timezones()))  # noqa: DTZ001 - hypothesis adds the zone
def test_one_instant_has_one_canonical_form(at: datetime) -> None:
    assert canonical(at.astimezone(UTC).isoformat()) == canonical(at.isoformat().replace("T", " "))


@pytest.mark.parametrize(("raw", "text"), [(None, ""), ("", ""), ("soon", "SOON"), ("0001-01-01T00:00:00+14:00",) * 2])
def test_what_is_no_time_stays_as_it_is(raw: str | None, text: str) -> None:
    assert canonical(raw) == text


@pytest.mark.parametrize(
    "raw",
    [
        "2026-03-01T12:00:00.000Z",
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00.123456Z",
        "2026-03-01T14:00:00.000+02:00",
        "2026-W09-7T12:00:00.000Z",
        "1970-01-01T00:00:00.000Z",
        "2026-03-01T12:00:00.000",
        None,
        7,
    ],
)
def test_the_text_of_a_time_has_one_form(raw: object) -> None:
    assert read_text(raw, NOW) == iso(read(raw, NOW).at)


@given(raw=st.from_regex(r"[0-9TWZ.,:+-]{24}", fullmatch=True) | st.text(max_size=30))
def test_no_time_is_passed_on_in_another_form(raw: str) -> None:
    assert read_text(raw, NOW) == iso(read(raw, NOW).at)
