from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

import pytest

from tests.faults.figures import Figures

Amount = TypeVar("Amount")
LONGEST_REASON = 200
"""Characters of what a failing test says, for the page."""


@dataclass(frozen=True)
class Scale:
    """How much of a fault a run makes: the short form of `make test`, or all of it (`make faults`)."""

    full: bool

    def pick(self, short: Amount, full: Amount) -> Amount:
        return full if self.full else short


@pytest.fixture
def scale() -> Scale:
    return Scale(full=_is_full())


def _figures_of(item: pytest.Item) -> Figures | None:
    """Of a test that is marked with the row, and perhaps the part of it, that it measures."""
    mark = item.get_closest_marker("measures")
    if mark is None:
        return None
    row, part = (*mark.args, "")[:2]
    return Figures(row, part, item.nodeid.partition("[")[0], full=_is_full())


def _is_full() -> bool:
    return os.environ.get("GARDU_FAULTS") == "full"


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    found = _figures_of(request.node)
    assert found is not None, "the test has no mark `measures`"
    return found


def pytest_runtest_setup(item: pytest.Item) -> None:
    if (figures := _figures_of(item)) is not None:
        figures.tell("begun")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take down how the test ended: no older figure stands as if it held."""
    report = yield
    figures = _figures_of(item)
    if figures is not None and call.excinfo is not None and report.failed:
        figures.tell("failed", reason=call.excinfo.exconly().partition("\n")[0][:LONGEST_REASON])
    elif figures is not None and report.skipped:
        figures.tell("skipped")
    elif figures is not None and report.when == "teardown":
        figures.tell("passed")
    return report


@pytest.fixture
def rounds(scale: Scale) -> int:
    """How often a process is killed."""
    return int(os.environ.get("GARDU_FAULT_ROUNDS", scale.pick(10, 1_000)))
