"""`gardu-edge replay`: opens the files, replays, and tells what came out."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from edge.domain.timestamps import iso
from edge.errors import ConfigurationError
from edge.operations.replay import Outcome, replay
from edge.store import scratch
from edge.store.database import connect

DEFAULT_WINDOW = timedelta(days=7)
CATCH_UP_S = 2.0
"""The journal follows the transactions by less than this."""


def window(since: str | None, until: str | None, now: datetime) -> tuple[datetime, datetime]:
    """Read the ends of a window; a time without a zone is UTC.

    Raises:
        ConfigurationError: one is no time, or they are the wrong way round.
    """
    end = now if until is None else _instant("--until", until)
    begin = end - DEFAULT_WINDOW if since is None else _instant("--since", since)
    if begin >= end:
        raise ConfigurationError("The window is empty.", hint="--since must lie before --until.")
    return begin, end


def run(database: Path, journal_file: Path, since: datetime, until: datetime) -> Outcome:
    """Replay a window; nothing is written but a scratch database, which is removed again."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gardu-replay-")))
        live = stack.enter_context(closing(connect(database, read_only=True)))
        live.execute("BEGIN")  # one snapshot from here on
        rebuilt = stack.enter_context(closing(scratch.prepare(live, folder / "scratch.db", since)))
        time.sleep(CATCH_UP_S)
        frames = None
        if journal_file.is_file():
            frames = stack.enter_context(closing(connect(journal_file, read_only=True)))
        outcome = Outcome(since, until)
        replay(live, frames, rebuilt, outcome)
        return outcome


def as_json(outcome: Outcome) -> str:
    """Write an outcome for machines."""
    return orjson.dumps({"same": outcome.same, **asdict(outcome)}, option=orjson.OPT_INDENT_2).decode()


def as_text(outcome: Outcome) -> str:
    """Write an outcome for people."""
    lines = [
        f"Window        {iso(outcome.since)} to {iso(outcome.until)}",
        f"Replayed      {outcome.frames} frames",
        f"Transactions  {outcome.transactions} in the database, {outcome.equal} of them equal",
    ]
    lines += [
        f"DIFFERENT     transaction {one.transaction_id}: {one.field} is {_shown(one.store)} in the database, "
        f"{_shown(one.replay)} from the frames"
        for one in outcome.differences
    ]
    lines += [f"DIFFERENT     transaction {number} is in the database alone" for number in outcome.only_in_store]
    lines += [f"DIFFERENT     transaction {number} comes from the frames alone" for number in outcome.only_in_replay]
    lines += [f"Not replayed  {sentence}" for sentence in outcome.not_replayed]
    lines.append("Equal." if outcome.same else "Not equal.")
    return "\n".join(lines)


def _instant(option: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(
            f"{option} is {text!r}, which is no time.", hint="Write it like 2026-11-23T05:00:00Z."
        ) from error


def _shown(value: Any) -> str:  # noqa: ANN401 - any field
    return iso(value) if isinstance(value, datetime) else str(value)
