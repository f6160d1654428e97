"""`gardu-sim demo`."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from simulator.demo.errors import DemoError
from simulator.demo.opening import Opening, open_campus
from simulator.demo.report import as_object, as_sentences, as_table
from simulator.demo.scenario import Story, play
from simulator.demo.view import View, choose_view

_DEFAULT_S = 180.0
_LEAST_S = 20.0
_ENDING_S = 4.0
"""What the comparison and the end of the processes take."""
_LEAST_SHARE = 0.5
"""The story gets so much of the time, however long the processes took to start."""
_WORLD_S = 24_000.0
"""How much of the cars' world passes in one story: about seven hours."""
_INTERRUPTED = 130
_TERMINATED = 143


@dataclass(frozen=True, slots=True)
class _Options:
    for_s: float
    seed: int
    as_json: bool
    keep_running: bool


@click.command()
@click.option(
    "--for", "for_s", type=click.FloatRange(min=_LEAST_S), default=_DEFAULT_S, show_default=True, help="Seconds."
)
@click.option("--seed", default=1, show_default=True, help="Same seed: same cars, needs and id tags.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on the last line; progress goes to stderr.")
@click.option("--keep-running", is_flag=True, help="Let everything run on after the table, until Ctrl-C.")
@click.option("--keep", is_flag=True, help="Keep the folder with data and logs.")
def demo(for_s: float, seed: int, *, as_json: bool, keep_running: bool, keep: bool) -> None:
    """Run a campus of two buildings, cut a line, heal it, and prove that nothing is lost.

    Exit status 0 only when charge points, edges and cloud agree on every record and every command was answered.
    """
    folder = Path(tempfile.mkdtemp(prefix="gardu-demo-"))
    logging.basicConfig(filename=folder / "charge-points.log", level=logging.WARNING)
    view = choose_view(as_json=as_json)
    options = _Options(for_s, seed, as_json, keep_running)
    status = 1
    try:
        status = asyncio.run(_main(folder, view, options))
    except DemoError as error:
        click.echo(f"The demo could not go on: {error}", err=True)
    except KeyboardInterrupt:
        status = _INTERRUPTED
    except _Terminated:
        status = _TERMINATED
    finally:
        if status == 1 or keep:
            click.echo(f"Data and logs: {folder}", err=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(status)


class _Terminated(Exception):  # noqa: N818  # not an error: somebody asked politely
    """SIGTERM arrived."""


async def _main(folder: Path, view: View, options: _Options) -> int:
    running = asyncio.current_task()
    terminated = False

    def terminate() -> None:
        nonlocal terminated
        terminated = True
        if running:
            running.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
    try:
        return await _run(folder, view, options)
    except asyncio.CancelledError:
        if terminated:
            raise _Terminated from None
        raise


async def _run(folder: Path, view: View, options: _Options) -> int:
    began_s = time.monotonic()

    def story_s() -> float:
        left_s = options.for_s - (time.monotonic() - began_s) - _ENDING_S
        return max(left_s, options.for_s * _LEAST_SHARE)

    opening = Opening(folder, seed=options.seed, speed=lambda: _WORLD_S / story_s(), progress=view.say)
    async with open_campus(opening) as campus:
        for address in campus.addresses():
            view.say(address)

        async def keep_running(story: Story) -> None:
            _conclude(story, folder, options)
            view.say("everything runs on until Ctrl-C")
            for building in campus.buildings.values():
                building.fleet.reopen()
            await asyncio.Event().wait()

        afterwards = keep_running if options.keep_running else None
        story = await play(campus, view, story_s(), afterwards)
    return _conclude(story, folder, options)


def _conclude(story: Story, folder: Path, options: _Options) -> int:
    complaints = story.complaints()
    console = Console(stderr=options.as_json)
    console.print(as_table(story))
    for sentence in as_sentences(story):
        console.print(sentence, highlight=False)
    if complaints:
        click.echo(f"The demo failed; the logs are in {folder}. What disagrees:", err=True)
    for complaint in complaints:
        click.echo(f"- {complaint}", err=True)
    if not complaints:
        console.print("Nothing is lost, nothing is doubled, all books agree.", style="bold green")
    if options.as_json:
        click.echo(json.dumps(as_object(story)))
    return 1 if complaints else 0
