"""Writes `docs/reference` from the programs themselves, and draws the diagrams of the link. Run by `make docs`.

Whatever it writes depends on the code alone (and docs/measured.json), so that a test can tell when it is stale.
"""

# ruff: noqa: INP001 - a folder of the tree that is never installed

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import click

import cloud.app
import cloud.cli
import edge.cli
import simulator.cli
from cloud.db.database import Database
from docs.alarm_page import alarms
from docs.contract_pages import commands, events
from docs.guarantees_page import guarantees
from docs.link_diagrams import EXPLANATION, PAGES, drawn
from docs.markdown import page, table
from docs.quirks_page import quirks
from docs.settings_pages import settings_of_the_cloud, settings_of_the_edge
from edge.api.app import create_api
from edge.api.doors import Doors

REFERENCE = Path(__file__).parent / "reference"


def pages() -> dict[str, str]:
    """Make the whole reference: file name to text."""
    return {
        "settings-edge.md": settings_of_the_edge(),
        "settings-cloud.md": settings_of_the_cloud(),
        "cli.md": command_lines(),
        "events.md": events(),
        "commands.md": commands(),
        "alarms.md": alarms(),
        "quirks.md": quirks(),
        "guarantees.md": guarantees(),
        "edge-openapi.json": _json(_edge_api()),
        "cloud-openapi.json": _json(cloud.app.create_app(Database("sqlite:///gardu-cloud.db")).openapi()),
    }


def main() -> None:
    """Write every page, and remove what is no page any more."""
    REFERENCE.mkdir(exist_ok=True)
    written = pages()
    for stale in set(REFERENCE.iterdir()) - {REFERENCE / name for name in written}:
        stale.unlink()
    for name, text in written.items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
        click.echo(f"docs/reference/{name}")
    for name in PAGES:
        explained = EXPLANATION / name
        explained.write_text(drawn(explained.read_text(encoding="utf-8")), encoding="utf-8")
        click.echo(f"docs/explanation/{name} (its diagrams)")


def command_lines() -> str:
    """Write every command with its arguments and options."""
    programs = (("gardu-edge", edge.cli.main), ("gardu-cloud", cloud.cli.main), ("gardu-sim", simulator.cli.main))
    return page(
        "Command lines",
        """
        Every command explains itself with `--help`. A command that fails because of a setting, a name or the database
        says so in a sentence with a hint, and exits with 1; a command line that cannot be read exits with 2.
        """,
        *(part for name, program in programs for part in _command(program, click.Context(program, info_name=name), 2)),
    )


def _command(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    usage = " ".join((context.command_path, *command.collect_usage_pieces(context)))
    yield f"{'#' * level} {context.command_path}\n\n{inspect.cleandoc(command.help or '')}\n\n```text\n{usage}\n```"
    options = [record for option in command.get_params(context) if (record := _option(option, context))]
    if options:
        yield table(("Option", "Meaning"), options)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.commands[name]
            yield from _command(inner, click.Context(inner, info_name=name, parent=context), level + 1)


def _option(option: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    record = option.get_help_record(context)
    if record is None or "--help" in option.opts or not record[1]:
        return None
    variable = f" Variable: `{option.envvar}`." if option.envvar else ""
    return f"`{record[0]}`", " ".join(record[1].split()) + variable


def _edge_api() -> dict[str, Any]:
    """Describe the edge's API as it is off loopback: with keys. Nothing is called, so nobody has to be there."""
    nobody = cast("Any", None)
    api = create_api(
        site="library",
        readers=nobody,
        writer=nobody,
        clock=nobody,
        caller=nobody,
        perform=nobody,
        link_status=nobody,
        ready=nobody,
        doors=Doors(api_keys=()),
        authority=nobody,
        on_root_change=nobody,
    )
    return api.openapi()


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
