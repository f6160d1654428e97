"""What a person sees while the demo runs: a live picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Protocol, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from simulator.charge_point import ChargePoint
from simulator.connector import Status
from simulator.demo.campus import Building, Campus

_REFRESH_S = 0.25
_PLAIN_EVERY_S = 5.0
_COLOURS = {
    Status.AVAILABLE: "green",
    Status.PREPARING: "yellow",
    Status.CHARGING: "bold cyan",
    Status.SUSPENDED_EV: "blue",
    Status.SUSPENDED_EVSE: "magenta",
    Status.FINISHING: "yellow",
    Status.UNAVAILABLE: "red",
    Status.FAULTED: "bold red",
}


class View(Protocol):
    """Takes sentences, and shows the campus until it is cancelled."""

    def say(self, sentence: str) -> None:
        """Tell one step of the story."""

    async def show(self, campus: Campus) -> None:
        """Show what happens until cancelled."""


class PlainView:
    """One line per step, and one line of figures every few seconds; for logs and pipes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began_s = time.monotonic()

    def say(self, sentence: str) -> None:
        """Print one step of the story."""
        print(f"[{time.monotonic() - self._began_s:5.1f} s] {sentence}", file=self._stream, flush=True)

    async def show(self, campus: Campus) -> None:
        """Print figures until cancelled."""
        while True:
            await asyncio.sleep(_PLAIN_EVERY_S)
            self.say(" | ".join(_figures(building) for building in campus.buildings.values()))


def _figures(building: Building) -> str:
    waiting = "/".join(str(depth) for depth in building.outbox.depth.values())
    return (
        f"{building.name}: {building.running} charging, {building.power_w / 1000:.1f} kW, "
        f"outbox {waiting or '-'}, {building.outbox.link}"
    )


class LiveView:
    """A picture of the campus that is drawn again four times a second."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began_s = time.monotonic()
        self._story: list[str] = []
        self._live: Live | None = None

    def say(self, sentence: str) -> None:
        """Add one step to the story."""
        self._story.append(f"{time.monotonic() - self._began_s:5.0f} s  {sentence}")
        if self._live is None:
            self._console.print(Text(self._story[-1]))

    async def show(self, campus: Campus) -> None:
        """Draw until cancelled; what was last drawn stays on the terminal."""
        with Live(console=self._console, auto_refresh=False, redirect_stderr=False) as live:
            self._live = live
            try:
                while True:
                    live.update(self._picture(campus), refresh=True)
                    await asyncio.sleep(_REFRESH_S)
            finally:
                self._live = None

    def _picture(self, campus: Campus) -> Group:
        buildings = Table.grid(expand=True, padding=(0, 1))
        for _ in campus.buildings:
            buildings.add_column(ratio=1)
        buildings.add_row(*(_building(building) for building in campus.buildings.values()))
        story = Text("\n".join(self._story[-6:]))
        happened = Text("\n".join(list(campus.events)[:6]), style="dim")
        addresses = Text("\n".join(campus.addresses()), style="dim")
        return Group(
            buildings,
            Panel(story, title="The story", title_align="left"),
            Panel(happened, title="At the charge points", title_align="left"),
            addresses,
        )


def _building(building: Building) -> Panel:
    table = Table.grid(expand=True, padding=(0, 1))
    for justify in ("left", "left", "right"):
        table.add_column(justify="right" if justify == "right" else "left")
    for charge_point in building.fleet.charge_points:
        table.add_row(charge_point.identity, _connectors(charge_point), f"{charge_point.power_w / 1000:5.1f} kW")
    depth = "  ".join(f"{stream} {count}" for stream, count in building.outbox.depth.items())
    cut = building.line is not None and building.line.is_cut
    link = Text(f"cloud: {'LINE CUT' if cut else building.outbox.link}", style="bold red" if cut else "green")
    total = Text(f"{building.running} charging, {building.power_w / 1000:.1f} kW", style="bold")
    return Panel(Group(table, total, Text(f"outbox: {depth}"), link), title=building.name, title_align="left")


def _connectors(charge_point: ChargePoint) -> Text:
    text = Text(no_wrap=True)
    if not charge_point.uplink.online.is_set():
        text.append("offline ", style="red")
    for bay in charge_point.bays:
        status = bay.connector.status
        text.append(f"{status.value:<13}", style=_COLOURS.get(status, ""))
    return text


def choose_view(*, as_json: bool) -> View:
    """The live picture on a terminal; plain lines otherwise, on standard error when JSON owns standard output."""
    if as_json:
        return PlainView(sys.stderr)
    console = Console()
    return LiveView(console) if console.is_terminal else PlainView(sys.stdout)
