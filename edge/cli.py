"""`gardu-edge`: the on-site process and what an electrician needs beside it."""

from __future__ import annotations

import json
import secrets
import sqlite3
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from importlib.metadata import version
from typing import IO, Any

import click
import uvloop

from edge import config
from edge.clock import RELEASED, Clock
from edge.config import Settings
from edge.domain.registration import is_assignable
from edge.errors import GarduEdgeError, StoreError
from edge.observability import logs
from edge.store import clocks, enrolment, identity, migrations, outbox, overview
from edge.store.database import connect, make_folder


def _plainly(command: Callable[..., Any]) -> Callable[..., Any]:
    """Show our errors as a sentence and a hint, and exit with 1."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever click passes
        try:
            return command(*args, **kwargs)
        except GarduEdgeError as error:
            _tell(error)
        except BaseExceptionGroup as group:  # raised beside the tasks of the running edge
            ours = group.subgroup(GarduEdgeError)
            if ours is None:
                raise
            for leaf in _leaves(ours):
                _tell(leaf)
        sys.exit(1)

    return wrapped


def _tell(error: BaseException) -> None:
    click.echo(f"gardu-edge: {error}", err=True)
    if isinstance(error, GarduEdgeError) and error.hint:
        click.echo(f"  {error.hint}", err=True)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("gardu"), prog_name="gardu-edge")
def main() -> None:
    """Run the OCPP 1.6 central system of one building.

    Settings come from the environment (GARDU_EDGE_...) and from the TOML file that GARDU_EDGE_CONFIG names.
    """


@main.command()
@_plainly
def run() -> None:
    """Listen for charge points, serve the local API, and keep the cloud up to date."""
    from edge import app  # noqa: PLC0415 - the other commands start without the servers' libraries

    settings = config.load()
    logs.configure(level=settings.log.level, as_json=settings.log.format == "json")
    uvloop.run(app.run(settings, announce=click.echo))


@main.command("check-config")
@_plainly
def check_config() -> None:
    """Check the settings and show them; secrets stay hidden."""
    settings = config.load()
    click.echo(json.dumps(settings.model_dump(mode="json"), indent=2))


@main.command()
@_plainly
def migrate() -> None:
    """Bring the database to this release's schema. `run` does it too."""
    settings = config.load()
    make_folder(settings.data_dir)
    steps = migrations.migrate(settings.database)
    click.echo(f"{settings.database}: " + (f"applied {', '.join(steps)}" if steps else "up to date"))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@_plainly
def status(*, as_json: bool) -> None:
    """Show what the database holds: charge points, running transactions, the outbox."""
    settings = config.load()
    _require_database(settings)
    connection = connect(settings.database, read_only=True)
    try:
        seen = overview.read(connection)
        streams = {stream.value: head.model_dump(mode="json") for stream, head in outbox.heads(connection).items()}
    finally:
        connection.close()
    if as_json:
        click.echo(json.dumps({"site": settings.site, **seen, "streams": streams}))
        return
    click.echo(f"site                  {settings.site}")
    for name, value in seen.items():
        click.echo(f"{name.replace('_', ' '):<22}{value}")
    for name, head in streams.items():
        waiting = head["head"] - head["acknowledged"]
        click.echo(f"{'outbox ' + name:<22}{head['head']} events, {waiting} not yet acknowledged by the cloud")


@main.command("add-charge-point")
@click.argument("identity")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@_plainly
def add_charge_point(identity: str, *, as_json: bool) -> None:
    """Make a charge point known and show its new key, once. A known one gets a new key, and its old one ends."""
    settings = config.load()
    _require_database(settings)
    if not is_assignable(identity):
        raise StoreError(
            f"{identity!r} cannot be the identity of a charge point.",
            hint="Use 1 to 48 printable characters without ':' and '/'.",
        )
    connection = connect(settings.database)
    try:
        key = _enrol(connection, identity)
    except sqlite3.Error as error:
        raise StoreError(f"The charge point was not added: {error}", hint="Nothing was changed; try again.") from error
    finally:
        connection.close()
    if as_json:
        click.echo(json.dumps({"charge_point": identity, "password": key}))
        return
    click.echo(f"Charge point  {identity}\nPassword      {key}\n")
    click.echo("Enter both at the charge point (user name = charge point). The password is not shown again.")


@main.command()
@click.option("--since", help="Begin of the window, ISO 8601. Default: seven days before its end.")
@click.option("--until", help="End of the window, ISO 8601. Default: now.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@_plainly
def replay(*, since: str | None, until: str | None, as_json: bool) -> None:
    """Rebuild the transactions of a window from their frames and compare them with the database.

    Reads only, and may run beside the edge. Exits with 1 when something differs.
    """
    from edge.operations import replaying  # noqa: PLC0415 - the other commands start without the handlers

    settings = config.load()
    _require_database(settings)
    outcome = replaying.run(settings.database, settings.journal_file, *replaying.window(since, until, Clock().now()))
    click.echo(replaying.as_json(outcome) if as_json else replaying.as_text(outcome))
    sys.exit(0 if outcome.same else 1)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@_plainly
def redrive(*, as_json: bool) -> None:
    """Send the events again that the cloud could not take, for example after its upgrade. The edge must be running."""
    from edge.local_api.asking import ask  # noqa: PLC0415 - its library loads slowly

    settings = config.load().api
    sent = unreadable = 0
    while True:
        answer = ask(settings, "POST", "outbox/set-aside/redrive")
        sent, unreadable = sent + answer["sent"], answer["unreadable"]
        if not answer["left"] or not answer["sent"]:
            break
    if as_json:
        click.echo(json.dumps({"sent": sent, "unreadable": unreadable}))
        return
    click.echo(f"{sent} sent again. What the cloud still cannot take is set aside again: GET /api/v1/outbox/set-aside.")
    if unreadable:
        click.echo(f"{unreadable} stay: their bytes are no event, or they stand for a range that was thinned.")


@main.command("trust-clock")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_plainly
def trust_clock(*, yes: bool) -> None:
    """Say that this machine's clock is right, although the edge has noted a later time.

    For a machine whose clock once stood in the future (a broken battery) and that no time server sets. Set the clock
    first. The edge goes by it within some seconds, or from its next start.
    """
    settings = config.load()
    _require_database(settings)
    machine = Clock().machine()
    connection = connect(settings.database)
    try:
        known = clocks.read_edge(connection)
        if known is None:
            raise StoreError("The edge has noted no time yet.", hint="There is nothing to correct.")
        click.echo(f"This machine's clock   {machine:%Y-%m-%d %H:%M:%S} UTC")
        click.echo(f"Noted by the edge      {known.seen_at:%Y-%m-%d %H:%M:%S} UTC")
        if machine < RELEASED:
            raise StoreError(
                f"This machine's clock cannot be right: this software is younger than {machine:%Y-%m-%d}.",
                hint="Set it first, for example: timedatectl set-ntp true.",
            )
        if not yes:
            click.confirm("Is this machine's clock right, by a watch?", abort=True)
        connection.execute("BEGIN IMMEDIATE")
        clocks.trust_edge(connection, machine)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise StoreError(f"It could not be noted: {error}", hint="Nothing was changed; try again.") from error
    finally:
        connection.close()
    click.echo("Noted. The edge goes by this clock within some seconds, or from its next start.")


@main.command()
@click.option("--cloud", help="Address of the cloud, https. Without: as in the settings.")
@click.option("--token", help="The one-time token. Others on this machine can see it here: better by --token-file.")
@click.option("--token-file", type=click.File("r"), help="A file with the token; - reads it from standard input.")
@_plainly
def enrol(*, cloud: str | None, token: str | None, token_file: IO[str] | None) -> None:
    """Make this edge known to the cloud with a one-time token (gardu-cloud enrolment-token). It makes its own key.

    Without --token and --token-file the token comes from the setting cloud.token, or is asked for. Harmless when it was
    cut off: run it again with the same token. An edge that runs notices it within five minutes.
    """
    from edge.app import link  # noqa: PLC0415 - its libraries load slowly

    settings = config.load()
    make_folder(settings.data_dir)
    migrations.migrate(settings.database)
    registrar = link.make_registrar(settings, cloud, Clock())
    if token_file is not None:
        token = token_file.read()
    elif token is None and settings.cloud.token is not None:
        token = settings.cloud.token.get_secret_value()
    elif token is None:
        token = click.prompt("Token", hide_input=True)
    connection = connect(settings.database, read_only=True)
    try:
        store_id = identity.read(connection).store_id
    finally:
        connection.close()
    known = uvloop.run(registrar.enrol(token.strip(), store_id))
    click.echo(f"{known.edge} is enrolled at {known.cloud}. Its key is in {settings.link_credentials}; keep it there.")


@main.command("rotate-key")
@_plainly
def rotate_key() -> None:
    """Change the key that this edge signs with; the old one ends. Harmless when it was cut off: run it again."""
    from edge.app import link  # noqa: PLC0415 - its libraries load slowly

    settings = config.load()
    known = uvloop.run(link.make_registrar(settings, None, Clock()).rotate())
    click.echo(f"{known.edge} signs with a new key: {known.key.key_id if known.key else ''}")


@main.command()
@click.option("--for", "length", default="10m", show_default=True, help="How long: 90s, 10m, 2h.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")
@_plainly
def drill(*, length: str, as_json: bool) -> None:
    """Cut the link to the cloud on purpose, and tell what came of it. The edge must be running.

    Exits with 0 once the cloud has everything, else with 1. Nothing is lost by it; an interrupt makes the link whole.
    """
    from edge.local_api import drilling  # noqa: PLC0415 - its library loads slowly

    report = drilling.drill(config.load().api, drilling.seconds(length), lambda line: click.echo(line, err=as_json))
    click.echo(json.dumps(report) if as_json else drilling.as_text(report))
    sys.exit(0 if report["drained_at"] is not None else 1)


@main.command("show-ca")
@_plainly
def show_ca() -> None:
    """Show the root certificate of this edge in PEM, for installers to put into charge points. First use makes it."""
    from edge.store.authority import Authority  # noqa: PLC0415 - its library loads slowly

    settings = config.load()
    _require_database(settings)
    authority = Authority(settings.authority_dir, settings.site)
    connection = connect(settings.database)
    try:
        connection.execute("BEGIN IMMEDIATE")
        root = authority.ensure_root(connection, Clock().now())
        connection.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"The root cannot be read or made: {error}", hint="Check the data folder.") from error
    finally:
        connection.close()
    click.echo(root.pem, nl=False)


def _require_database(settings: Settings) -> None:
    """Refuse to go on without a database of this release."""
    if not settings.database.is_file() or migrations.pending(settings.database):
        raise StoreError(
            f"{settings.database} is not there yet, or of an older release.",
            hint="Run `gardu-edge migrate` first, with the same settings.",
        )


def _enrol(connection: sqlite3.Connection, identity: str) -> str:
    connection.execute("BEGIN IMMEDIATE")
    key = enrolment.enrol(connection, identity, secrets.token_bytes, Clock().now())
    connection.execute("COMMIT")
    return key


if __name__ == "__main__":
    main()
