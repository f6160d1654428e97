"""Who greets, what becomes of it, and where two pasts part: the decisions behind epochs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.ingest.service.partings import Judged, part
from cloud.ingest.service.speakers import VERDICTS, Facts, Speaker, Store, Told, recognise, was_restored

PRESENT = Facts(Store.PRESENT, told_epoch=2, present_epoch=2)
EARLIER = replace(PRESENT, told_epoch=1, heard_under=1)


def test_every_speaker_has_a_verdict() -> None:
    assert set(VERDICTS) == set(Speaker)


@pytest.mark.parametrize(
    ("facts", "speaker"),
    [
        (PRESENT, Speaker.PRESENT),
        (replace(PRESENT, past_fits=False), Speaker.PARTED),
        (replace(PRESENT, asks=True), Speaker.PARTED),
        (replace(PRESENT, told_epoch=3), Speaker.AHEAD),
        (EARLIER, Speaker.SUPERSEDED),
        (replace(EARLIER, has_granted_claim=True), Speaker.GRANTED),
        (replace(EARLIER, never_spoke_earlier=True), Speaker.GRANTED),
        (replace(EARLIER, has_granted_claim=True, asks=True), Speaker.PARTED),
        (replace(EARLIER, never_spoke_earlier=True, asks=True), Speaker.PARTED),
        (replace(EARLIER, is_granted_boot=True), Speaker.LATE),
        (replace(EARLIER, is_granted_boot=True, asks=True), Speaker.PARTED),
        (replace(EARLIER, heard_under=None), Speaker.LATE),
        (replace(EARLIER, heard_under=None, asks=True), Speaker.PARTED),
        (replace(EARLIER, heard_under=2), Speaker.LATE),
        (replace(EARLIER, heard_under=2, asks=True), Speaker.PARTED),
        (replace(EARLIER, heard_under=None, store=Store.SUPERSEDED), Speaker.SUPERSEDED),
        (replace(EARLIER, heard_under=None, refused=True), Speaker.OUTCAST),
        (replace(PRESENT, store=Store.FIRST), Speaker.NEWCOMER),
        (replace(PRESENT, store=Store.NEW), Speaker.REIMAGED),
        (replace(PRESENT, store=Store.SUPERSEDED), Speaker.SUPERSEDED),
        (replace(PRESENT, chosen=True, store=Store.SUPERSEDED), Speaker.CHOSEN),
        (replace(PRESENT, refused=True), Speaker.OUTCAST),
        (replace(EARLIER, refused=True, is_granted_boot=True), Speaker.LATE),
        (replace(EARLIER, refused=True, is_granted_boot=True, asks=True), Speaker.PARTED),
        (replace(EARLIER, refused=True, is_granted_boot=True, store=Store.SUPERSEDED), Speaker.OUTCAST),
        (replace(PRESENT, chosen=True, locked=True), Speaker.LOCKED_OUT),
    ],
)
def test_a_speaker_is_recognised(facts: Facts, speaker: Speaker) -> None:
    assert recognise(facts) is speaker


@pytest.mark.parametrize(
    ("told", "commands", "restored"),
    [
        ([Told(5, 5), Told(0, 9)], 3, False),
        ([Told(5, 5), Told(6, 5)], 3, True),
        ([Told(5, 5)], 4, True),
        ([Told(5, 5)], None, False),
    ],
)
def test_who_remembers_more_than_the_cloud_tells_of_a_restore(
    told: list[Told], commands: int | None, *, restored: bool
) -> None:
    assert was_restored(told, commands_told=commands, commands_given=3) is restored


def test_a_number_that_another_command_was_given_tells_of_a_restore() -> None:
    assert was_restored([Told(5, 5)], commands_told=3, commands_given=3, another_command=True)


@given(st.integers(0, 3_000), st.integers(0, 3_000), st.integers(0, 3_000), st.integers(2, 60))
def test_the_place_is_always_found_and_is_the_right_one(common: int, lost: int, own: int, places: int) -> None:
    """The edge shows some places, then places between the two that it was told."""
    cursor, head = common + lost, common + own
    low, high = 0, head
    for _ in range(20):
        seqs = range(max(low, 1), high + 1)
        shown = sorted({*seqs[:: max(1, len(seqs) // places)], *seqs[-1:]})
        parting = part(
            [Judged(seq, is_same=seq <= common) for seq in shown],
            cursor=cursor,
            acknowledged=0,
            complete=len(shown) == len(seqs),
            remembers_between=lambda low, high: high - low > 1,
        )
        if parting.found:
            assert parting.same == min(common, head)
            return
        assert parting.other is not None
        low, high = parting.same, parting.other
    raise AssertionError("never found")


def test_behind_the_cloud_s_memory_what_the_edge_had_acknowledged_counts() -> None:
    judged = [Judged(10, is_same=None), Judged(20, is_same=None), Judged(30, is_same=False)]
    parting = part(judged, cursor=25, acknowledged=20, complete=False, remembers_between=lambda _, __: False)
    assert (parting.same, parting.found) == (20, True)
    doubtful = part(judged, cursor=15, acknowledged=20, complete=False, remembers_between=lambda _, __: False)
    assert doubtful.same == 0
