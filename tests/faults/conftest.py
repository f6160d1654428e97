from __future__ import annotations

import os

import pytest


@pytest.fixture
def rounds() -> int:
    """How often a process is killed: `make test` 10 times, `make faults` 50."""
    return int(os.environ.get("GARDU_FAULT_ROUNDS", "10"))
