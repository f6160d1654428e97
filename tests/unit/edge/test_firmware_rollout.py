from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from edge.domain.firmware_rollout import Facts, Next, Patience, Step, StepState, decide, turn

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
READY = Facts(connected=True, idle=True, firmware="1", booted_at=NOW - 2 * HOUR)
WAITING = Step(0, "CP1", StepState.WAITING)
ASKED = Step(0, "CP1", StepState.ASKED, asked_at=NOW - HOUR)


def do(step: Step, facts: Facts) -> Next:
    return decide(step, facts, "2", NOW, Patience(update=2 * HOUR, turn=24 * HOUR)).do


def test_it_is_asked_when_it_is_connected_and_no_transaction_runs() -> None:
    assert do(WAITING, READY) is Next.ASK
    assert do(WAITING, replace(READY, connected=False)) is Next.WAIT
    assert do(WAITING, replace(READY, idle=False)) is Next.WAIT
    assert do(WAITING, replace(READY, firmware="2")) is Next.VERIFIED


@pytest.mark.parametrize(
    ("status", "booted", "firmware", "expected"),
    [
        (None, False, "1", Next.WAIT),
        ("Installed", False, "1", Next.WAIT),
        ("Installed", True, "2", Next.VERIFIED),
        (None, True, "2", Next.VERIFIED),
        ("Downloaded", True, "1", Next.WAIT),
        ("Installed", True, "1", Next.FAIL),
        ("DownloadFailed", False, "1", Next.FAIL),
        ("InstallationFailed", True, "1", Next.FAIL),
    ],
)
def test_only_a_boot_with_the_new_version_proves_an_update(
    status: str | None,
    booted: bool,  # noqa: FBT001
    firmware: str,
    expected: Next,
) -> None:
    booted_at = NOW - HOUR / 2 if booted else NOW - 2 * HOUR
    assert do(replace(ASKED, status=status), replace(READY, firmware=firmware, booted_at=booted_at)) is expected


def test_one_that_takes_too_long_has_failed() -> None:
    assert do(replace(ASKED, asked_at=NOW - 3 * HOUR), READY) is Next.FAIL


def test_one_that_failed_stays_failed_and_nobody_overtakes_it() -> None:
    failed = replace(WAITING, state=StepState.FAILED)
    assert do(failed, READY) is Next.FAIL
    assert turn([replace(WAITING, state=StepState.VERIFIED), failed, WAITING]) is failed
    assert turn([replace(WAITING, state=StepState.VERIFIED)]) is None


def test_one_that_a_crash_left_while_it_was_asked_is_asked_again_only_without_any_sign() -> None:
    asking = replace(ASKED, state=StepState.ASKING)
    assert do(asking, READY) is Next.ASK
    assert do(replace(asking, asked_at=NOW - HOUR / 6), READY) is Next.WAIT
    assert do(replace(asking, status="Fetched"), READY) is Next.WAIT
    assert do(asking, replace(READY, booted_at=NOW - HOUR / 2)) is Next.WAIT
    assert do(asking, replace(READY, firmware="2")) is Next.VERIFIED
    assert do(replace(asking, status="Fetched", asked_at=NOW - 3 * HOUR), READY) is Next.FAIL


@pytest.mark.parametrize(
    ("lacking", "why"),
    [({"connected": False}, "it is not connected"), ({"idle": False}, "a transaction runs there")],
)
def test_the_others_do_not_wait_for_ever_behind_one(lacking: dict[str, Any], why: str) -> None:
    away, patience = replace(READY, **lacking), Patience(turn=24 * HOUR)
    assert do(replace(WAITING, turn_at=NOW - 23 * HOUR), away) is Next.WAIT
    decision = decide(replace(WAITING, turn_at=NOW - 25 * HOUR), away, "2", NOW, patience)
    assert (decision.do, decision.why) == (Next.FAIL, f"it could not be asked for 24 hours; at the end {why}")
    assert do(replace(WAITING, turn_at=NOW - 25 * HOUR), READY) is Next.ASK
