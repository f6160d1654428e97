"""The three numbered streams that an edge sends up, and why there are three."""

from __future__ import annotations

from enum import StrEnum


class Stream(StrEnum):
    """A sequence of events that is numbered 1, 2, 3 … without holes per (edge, epoch, stream).

    The order of the members is the order in which a backlog is drained: money first.
    """

    LEDGER = "ledger"
    """Transactions, authorisation decisions, command transitions, security events, audit. Never dropped."""

    STATE = "state"
    """Charge point and connector state, boots, edge health. The newest per subject matters."""

    METER = "meter"
    """Periodic meter values. The bulk of the traffic, and the first to be thinned on a full disk."""
