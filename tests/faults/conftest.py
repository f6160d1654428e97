from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TypeVar

import pytest

from tests.faults.figures import Figures

Amount = TypeVar("Amount")


@dataclass(frozen=True)
class Scale:
    """How much of a fault a run makes: the short form of `make test`, or all of it (`make faults`)."""

    full: bool

    def pick(self, short: Amount, full: Amount) -> Amount:
        return full if self.full else short


@pytest.fixture
def scale() -> Scale:
    return Scale(full=os.environ.get("GARDU_FAULTS") == "full")


@pytest.fixture
def figures(request: pytest.FixtureRequest, scale: Scale) -> Figures:
    return Figures(request.node.nodeid.partition("[")[0], full=scale.full)


@pytest.fixture
def rounds(scale: Scale) -> int:
    """How often a process is killed."""
    return int(os.environ.get("GARDU_FAULT_ROUNDS", scale.pick(10, 1_000)))
