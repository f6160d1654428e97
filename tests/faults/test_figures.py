"""What becomes of a run's lines: no figure stands as if it held, unless its test passed."""

from __future__ import annotations

from typing import Any

import pytest

from docs.guarantees_page import _measured
from tests.faults.__main__ import NO_END, merged
from tests.faults.figures import Figures, at_least, at_most

OLDER = {
    "herd": {"": {"figures": {"lost": 0}, "failed": None, "full": True, "at": "then", "commit": "a", "machine": "m"}}
}


def line(what: str, *, full: bool = True, **more: Any) -> dict[str, Any]:
    about = {"full": full, "test": "t", "at": "now", "commit": "b", "machine": "m"}
    return {"row": "herd", "part": "", "what": what} | more | about


def outcome(*lines: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = merged(OLDER, list(lines))["herd"][""]
    return found


def test_a_run_that_passed_takes_the_place_of_the_older_one() -> None:
    now = outcome(line("begun"), line("measured", figures={"lost": 0, "edges": 500}), line("passed"))
    assert (now["failed"], now["figures"], now["at"], now["commit"]) == (None, {"lost": 0, "edges": 500}, "now", "b")


@pytest.mark.parametrize("full", [True, False])
def test_a_run_that_failed_says_so_whatever_was_there(full: bool) -> None:  # noqa: FBT001 - a parameter of the test
    measured = line("measured", full=full, figures={"lost": 3})
    now = outcome(line("begun", full=full), measured, line("failed", full=full, reason="lost | 3"), line("passed"))
    assert (now["failed"], now["figures"]) == ("lost | 3", {"lost": 3})
    (shown,) = _measured({"": now}, ["m"])
    assert shown.startswith("**FAILED**: lost \\| 3; measured before: lost 3 (")


def test_a_run_that_never_ended_has_failed() -> None:
    assert outcome(line("begun"))["failed"] == NO_END
    assert outcome(line("begun"), line("measured", figures={"lost": 0}))["failed"] == NO_END


def test_a_short_form_that_passed_and_a_skipped_test_leave_the_full_run_as_it_was() -> None:
    assert outcome(line("begun", full=False), line("passed", full=False))["at"] == "then"
    assert outcome(line("begun"), line("skipped"))["at"] == "then"


def test_a_goal_is_shown_and_never_asserted() -> None:
    now = outcome(
        line("begun"),
        line("measured", figures={"rate": at_least(4_000.0, 5_000).shown(), "p95 s": at_most(0.5, 2.0).shown()}),
        line("passed"),
    )
    (shown,) = _measured({"": now}, ["m"])
    assert "**held**" in shown
    assert "rate 4,000.0 (goal MISSED: at least 5,000)" in shown
    assert "p95 s 0.5 (goal reached: at most 2)" in shown


def test_a_row_is_one_of_the_page() -> None:
    with pytest.raises(AssertionError, match="no-such-row"):
        Figures("no-such-row", "", "t", full=False)
