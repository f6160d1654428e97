"""What cannot be understood is kept, and never fills the disk."""

from __future__ import annotations

import pytest

from edge.store import quarantine
from edge.store.quarantine import ALIKE_PER_HOUR, ROWS_PER_HOUR, QuarantinedFrame
from tests.integration.edge.played_site import CP1, CP2, PlayedSite


def keep(site: PlayedSite, reason: str = "odd", raw: bytes = b"raw", charge_point: str = CP1, repeats: int = 0) -> None:
    site.write(
        lambda tx: quarantine.insert(tx.connection, charge_point, raw, reason, site.clock.now(), repeats=repeats)
    )


def kept(site: PlayedSite, charge_point: str | None = None) -> list[QuarantinedFrame]:
    return quarantine.page(site.connection, charge_point=charge_point, limit=10_000)


def test_alike_frames_of_an_hour_are_counted_on_the_last_one_that_was_kept(site: PlayedSite) -> None:
    for _ in range(ALIKE_PER_HOUR + 5):
        site.later(seconds=1)
        keep(site)
    keep(site, repeats=4)
    frames = kept(site)
    assert len(frames) == ALIKE_PER_HOUR
    assert [frame.repeats for frame in frames[:2]] == [10, 0]
    assert frames[0].repeated_at is not None
    keep(site, "another reason")
    keep(site, charge_point=CP2)
    assert len(kept(site)) == ALIKE_PER_HOUR + 2
    assert [frame.charge_point for frame in kept(site, CP2)] == [CP2]
    site.later(hours=1, seconds=1)
    keep(site)
    assert len(kept(site, CP1)) == ALIKE_PER_HOUR + 2


def test_a_flood_of_many_reasons_ends_in_one_row(site: PlayedSite) -> None:
    for number in range(ROWS_PER_HOUR + 50):
        keep(site, f"reason {number}")
    frames = kept(site)
    assert len(frames) == ROWS_PER_HOUR + 1
    assert frames[0].repeats == 49
    assert "many reasons" in frames[0].reason


def test_a_flood_of_large_frames_ends_at_the_bytes_of_an_hour(
    site: PlayedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "BYTES_PER_HOUR", 1000)
    for number in range(20):
        keep(site, f"reason {number}", raw=b"x" * 300)
    assert len(kept(site)) == 5  # four fill the hour, one stands for the rest
    assert kept(site)[0].repeats == 15


def test_the_oldest_go_when_a_charge_point_has_more_than_its_share(
    site: PlayedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "ROWS_PER_CHARGE_POINT", 10)
    monkeypatch.setattr(quarantine, "BYTES_PER_CHARGE_POINT", 250)
    keep(site, "of another", charge_point=CP2)
    for number in range(12):
        keep(site, f"small {number}", raw=b"x")
    assert [frame.reason for frame in kept(site, CP1)][::9] == ["small 11", "small 2"]
    keep(site, "large", raw=b"x" * 245)
    assert [frame.reason for frame in kept(site, CP1)][-1] == "small 7"
    keep(site, "larger than all", raw=b"x" * 1000)
    assert [frame.reason for frame in kept(site, CP1)] == ["larger than all"]
    assert len(kept(site, CP2)) == 1


def test_repeats_that_were_counted_before_are_kept_with_the_frame(site: PlayedSite) -> None:
    keep(site, repeats=7)
    assert [(frame.repeats, frame.raw) for frame in kept(site)] == [(7, "raw")]
