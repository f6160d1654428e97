"""The words of the link: its states, what moves it between them, and what it may ask its driver to do. No I/O.

```
            greeting: pasts agree
MUST_GREET ───────────────────────▶ READY      pushes; one batch under way per stream
    ▲  ◀─── 409, other hash, lost ────┘
    │       greeting: cloud ahead of us, other hash
    ├──────────────────────────────▶ COMPARING shows its past, until the cloud finds where it parts and grants an epoch
    │                                   │ the cloud cannot
    │                                   ▼
    │                                FORKED    sends nothing, compares again slowly
    │       401, 403
    └──────────────────────────────▶ REFUSED   sends nothing, greets again slowly
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from contract.streams import Stream


class LinkState(StrEnum):
    """Where the link stands. A greeting or batches may be under way besides."""

    MUST_GREET = "must_greet"
    READY = "ready"
    REFUSED = "refused"
    """The cloud does not accept our credentials. The edge goes on recording."""
    COMPARING = "comparing"
    """The cloud knows another past of this edge than we do. The place where they part is being looked for."""
    FORKED = "forked"
    """The cloud knows another past, and does not find the place. The edge goes on recording."""


class Happened(StrEnum):
    """What moves the link from state to state."""

    AGREED = "agreed"
    """A greeting was answered, and our hashes at the cloud's cursors are the cloud's."""
    DIVERGED = "diverged"
    """A greeting was answered, and they are not."""
    NARROWED = "narrowed"
    """Our past was compared; the place where it parts lies between two numbers that were told."""
    REFUSED = "refused"
    CONTRADICTED = "contradicted"
    """The cloud did not take a batch as the continuation of its past, or its answer does not fit ours."""
    LOST = "lost"
    """Nobody who could answer was reached."""


_AFTER_A_GREETING = {
    Happened.AGREED: LinkState.READY,
    Happened.DIVERGED: LinkState.COMPARING,
    Happened.REFUSED: LinkState.REFUSED,
}

_AFTER_A_COMPARISON = {
    Happened.AGREED: LinkState.READY,
    Happened.NARROWED: LinkState.COMPARING,
    Happened.DIVERGED: LinkState.FORKED,
    Happened.REFUSED: LinkState.REFUSED,
}

TRANSITIONS: dict[LinkState, dict[Happened, LinkState]] = {
    LinkState.MUST_GREET: {
        **_AFTER_A_GREETING,
        Happened.CONTRADICTED: LinkState.MUST_GREET,
        Happened.LOST: LinkState.MUST_GREET,
    },
    LinkState.READY: {  # no greeting is under way here
        Happened.REFUSED: LinkState.REFUSED,
        Happened.CONTRADICTED: LinkState.MUST_GREET,
        Happened.LOST: LinkState.MUST_GREET,
    },
    LinkState.REFUSED: {  # only another greeting helps
        **_AFTER_A_GREETING,
        Happened.CONTRADICTED: LinkState.REFUSED,
        Happened.LOST: LinkState.REFUSED,
    },
    LinkState.COMPARING: {
        **_AFTER_A_COMPARISON,
        Happened.CONTRADICTED: LinkState.COMPARING,
        Happened.LOST: LinkState.COMPARING,
    },
    LinkState.FORKED: {
        **_AFTER_A_COMPARISON,
        Happened.CONTRADICTED: LinkState.FORKED,
        Happened.LOST: LinkState.FORKED,
    },
}


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a stream in which the pasts part: both ends are to be shown."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Greet:
    """Send a greeting, then call `greeted` or `greeting_failed` with its ticket."""

    ticket: int
    compare: Mapping[Stream, Span] | None = None
    """Show these parts of our past; `None`: an ordinary greeting."""


@dataclass(frozen=True, slots=True)
class Push:
    """Send the events after `after`, then call `pushed` or `push_failed` with its ticket."""

    ticket: int
    stream: Stream
    after: int
    limit: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Prepare:
    """Put a batch together ahead of its `Push`: it follows when all that is under way is taken.

    Nothing needs to be told of it. The `Push` that comes may be another one; then this was for nothing.
    """

    stream: Stream
    after: int
    limit: int
    max_bytes: int

    def is_for(self, push: Push) -> bool:
        """Whether it is this batch."""
        return (self.after, self.limit, self.max_bytes) == (push.after, push.limit, push.max_bytes)


@dataclass(frozen=True, slots=True)
class SetAside:
    """Let a `Skipped` take the place of event `seq` and keep the event itself; then call `was_set_aside`."""

    ticket: int
    stream: Stream
    seq: int
    why: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until` (`None`: before something happens)."""

    until: float | None


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The cloud has committed `stream` up to `cursor`, and our hash there is its hash: remember it."""

    stream: Stream
    cursor: int
    hash: bytes
