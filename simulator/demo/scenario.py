"""The story of the demo, act by act."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from simulator.authorisation import ACCEPTED
from simulator.book import add_up
from simulator.demo.apis import shown_by_cloud, shown_by_edge
from simulator.demo.campus import CONNECTED, CUT_OFF, Building, Campus
from simulator.demo.commands import SCHEDULE, Commander, CommandLog
from simulator.demo.errors import DemoError
from simulator.demo.reconciliation import Reconciliation, SiteResult, reconcile
from simulator.demo.view import View

CUT_AT, HEAL_AT, LAST_CARS_AT = 0.28, 0.55, 0.85
"""The turning points, as shares of the story."""
_DRAIN_S = 30.0
_OUTBOX_S = 150.0
_POLL_S = 0.05
_CHECK_EVERY_S = 0.5
_WAITING_COMMAND_AT = 0.42


@dataclass(slots=True)
class Story:
    """What the demo found out.

    Attributes:
        outage_s: How long the line was cut.
        drained_in_s: From healing until the cloud had committed everything that waited at that moment; `None`: never.
        started_during_outage: Transactions that began at the cut-off site in the meantime.
        refusals: Drivers whose id tag was refused, by the status that their charge point was told.
        commands: What was sent from the cloud.
        reconciliation: The table.
        troubles: What went wrong besides, in plain sentences.
    """

    outage_s: float = 0.0
    drained_in_s: float | None = None
    started_during_outage: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    commands: CommandLog = field(default_factory=CommandLog)
    reconciliation: Reconciliation = field(default_factory=lambda: Reconciliation([]))
    troubles: list[str] = field(default_factory=list)

    def complaints(self) -> list[str]:
        """Everything that keeps the demo from succeeding; empty: it succeeded."""
        return [*self.reconciliation.complaints(), *self.commands.complaints(), *self.troubles]


async def play(
    campus: Campus, view: View, story_s: float, afterwards: Callable[[Story], Awaitable[None]] | None = None
) -> Story:
    """Play the story once.

    Args:
        campus: Everything that runs, its charge points not yet.
        view: Where it is told.
        story_s: How long it takes.
        afterwards: Awaited with the outcome while everything still runs.

    Raises:
        DemoError: A process died, or an API failed.
    """
    story = Story()
    background = [asyncio.create_task(_guard(campus)), asyncio.create_task(view.show(campus))]
    for building in campus.buildings.values():
        background.append(asyncio.create_task(building.fleet.run()))
        background.append(asyncio.create_task(building.outbox.watch(building.edge)))
    acts = asyncio.create_task(_acts(campus, view, story_s, story, afterwards))
    try:
        await asyncio.wait({acts, *background}, return_when=asyncio.FIRST_COMPLETED)
        if not acts.done():
            # Only a failure ends one of the others.
            await asyncio.gather(*(task for task in background if task.done()))
        return await acts
    except DemoError:
        campus.check()  # a process that died is the better explanation
        raise
    finally:
        for task in (acts, *background):
            task.cancel()
        for task in (acts, *background):
            with contextlib.suppress(asyncio.CancelledError, DemoError):
                await task


async def _acts(
    campus: Campus,
    view: View,
    story_s: float,
    story: Story,
    afterwards: Callable[[Story], Awaitable[None]] | None,
) -> Story:
    began_s = time.monotonic()

    async def until(share: float) -> None:
        await asyncio.sleep(max(0.0, began_s + share * story_s - time.monotonic()))

    view.say("twelve charge points boot; cars arrive, drivers present their id tags, charging begins")
    commands = [asyncio.create_task(_send_commands(campus, view, story, until))]
    library = campus.cut_off
    await until(CUT_AT)
    outage = await _cut(library, view)
    commands.append(asyncio.create_task(_send_into_the_outage(campus, view, story, until)))
    await until(HEAL_AT)
    await _heal(library, view, story, outage)
    await until(LAST_CARS_AT)
    await asyncio.gather(*commands)
    view.say("the last drivers leave; the charge points empty their queues")
    for building, settled in zip(
        campus.buildings.values(),
        await asyncio.gather(*(building.fleet.drain(_DRAIN_S) for building in campus.buildings.values())),
        strict=True,
    ):
        if not settled:
            story.troubles.append(f"the charge points of {building.name} could not deliver all that they had queued")
    for building in campus.buildings.values():
        if await _drained(building, dict(await _heads(building))) is None:
            story.troubles.append(f"the outbox of {building.name} did not drain within {_OUTBOX_S:.0f} s")
    view.say("the books are compared: charge points, edges, cloud")
    story.reconciliation = Reconciliation(
        [await _compare(campus, building, story) for building in campus.buildings.values()]
    )
    if afterwards:
        await afterwards(story)
    return story


async def _compare(campus: Campus, building: Building, story: Story) -> SiteResult:
    book = add_up(building.ledger.records)
    story.refusals += +Counter({status: count for status, count in book.authorisations.items() if status != ACCEPTED})
    for what, count in (
        ("messages were dropped after their last attempt", len(book.dropped)),
        ("records belong to no transaction", len(book.orphans)),
        ("transaction ids were given twice", len(book.repeated_ids)),
    ):
        if count:
            story.troubles.append(f"{building.site}: {count} {what}")
    edge = await shown_by_edge(building.edge)
    cloud = await shown_by_cloud(campus.cloud, building.site)
    return reconcile(building.site, book, edge, cloud)


@dataclass(frozen=True, slots=True)
class _Outage:
    """When the line went down, on two clocks."""

    began_at: datetime
    began_s: float


async def _cut(building: Building, view: View) -> _Outage:
    if building.line is None:
        raise RuntimeError("only a building with a line of the demo's own can be cut off")
    building.line.cut()
    view.say(f"the line between {building.name} and the cloud is CUT; its charge points do not notice")
    return _Outage(datetime.now(UTC), time.monotonic())


async def _heal(building: Building, view: View, story: Story, outage: _Outage) -> None:
    """Heal the line and see how long the outbox takes; the cars do not wait for it."""
    heads = await _heads(building)
    healed_at, healed_s = datetime.now(UTC), time.monotonic()
    story.outage_s = healed_s - outage.began_s
    book = add_up(building.ledger.records)
    story.started_during_outage = sum(
        outage.began_at <= transaction.started_at <= healed_at for transaction in book.transactions.values()
    )
    waiting = sum(building.outbox.depth.values())
    if building.line:
        building.line.heal()
    view.say(
        f"the line is HEALED after {story.outage_s:.1f} s; {story.started_during_outage} transactions began meanwhile, "
        f"{waiting} events wait in the outbox"
    )
    story.drained_in_s = await _drained(building, heads)
    if story.drained_in_s is None:
        story.troubles.append(f"what had waited at {building.name} did not reach the cloud in {_OUTBOX_S:.0f} s")
    else:
        view.say(f"everything that had waited is in the cloud, {story.drained_in_s:.1f} s after the line healed")


async def _heads(building: Building) -> dict[str, int]:
    await building.outbox.refresh(building.edge)
    return dict(building.outbox.head)


async def _drained(building: Building, heads: dict[str, int]) -> float | None:
    """Seconds until the cloud has committed everything up to `heads`; `None`: it took too long."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < _OUTBOX_S:
        await building.outbox.refresh(building.edge)
        if building.outbox.reached(heads):
            return time.monotonic() - began_s
        await asyncio.sleep(_POLL_S)
    return None


async def _send_commands(campus: Campus, view: View, story: Story, until: Callable[[float], Awaitable[None]]) -> None:
    commander = Commander(campus.cloud, CONNECTED, story.commands, view.say)
    charge_point = campus.connected.identities[-1]
    if not await commander.meet(charge_point):
        story.troubles.append(f"the cloud never heard that {charge_point} is connected")
    for share, step in SCHEDULE:
        await until(share)
        await step(commander, charge_point)


async def _send_into_the_outage(
    campus: Campus, view: View, story: Story, until: Callable[[float], Awaitable[None]]
) -> None:
    """A command for the site that is cut off waits in the cloud and is done when the line has healed."""
    await until(_WAITING_COMMAND_AT)
    view.say(f"a command for {campus.cut_off.name} waits in the cloud until the line heals")
    commander = Commander(campus.cloud, CUT_OFF, story.commands, view.say)
    await commander.send(campus.cut_off.identities[0], "get-configuration", {"key": ["MeterValueSampleInterval"]})


async def _guard(campus: Campus) -> None:
    """See that no process dies."""
    while True:
        campus.check()
        await asyncio.sleep(_CHECK_EVERY_S)
