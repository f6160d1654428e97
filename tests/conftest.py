"""Fixtures that every tier may use."""

from __future__ import annotations

import os

import pytest


def need(available: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Leave a test out where a service is missing on a user's machine; in CI that is a failure."""
    if available:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is needed in CI")
    pytest.skip(f"left out: {what} is not installed")
