"""`gardu-cloud`: run the cloud, and what an operator does at its machine."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from cloud.auth.service import create_admin
from cloud.clock import now
from cloud.config import PREFIX, Settings, load
from cloud.db.database import Database
from cloud.db.schema import head, migrate
from cloud.errors import GarduCloudError
from cloud.ingest.schemas import DeadLetterFilter
from cloud.ingest.service.redriving import redrive
from cloud.observability.logs import set_up_logs
from cloud.observability.redaction import hide
from cloud.sites.service import add_site
from contract.streams import Stream

P = ParamSpec("P")
R = TypeVar("R")


def _told(command: Callable[P, R]) -> Callable[P, R]:
    """Tell an error of ours in words, with its hint, and exit with 1."""

    @functools.wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except GarduCloudError as error:
            click.echo(f"Error: {error}", err=True)
            if error.hint:
                click.echo(f"Hint: {error.hint}", err=True)
            sys.exit(1)

    return told


_as_json = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gardu")
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    envvar=f"{PREFIX}CONFIG",
    help=f"A TOML file with settings. The environment ({PREFIX}…) wins over it.",
)
@click.pass_context
def main(context: click.Context, file: Path | None) -> None:
    """Gardu's cloud: it gathers what the sites recorded, and sends commands to them."""
    context.obj = functools.partial(_settings, file)


def _settings(file: Path | None) -> Settings:
    settings = load(file)
    set_up_logs(settings.log_level, settings.log_format)
    return settings


@main.command()
@click.pass_obj
@_told
def run(settings: Callable[[], Settings]) -> None:
    """Run the cloud until it is told to stop (SIGTERM, Ctrl-C)."""
    from cloud import app  # noqa: PLC0415 - the other commands start without the server's libraries

    app.serve(settings(), click.echo)


@main.command()
@click.pass_obj
@_told
def check_config(settings: Callable[[], Settings]) -> None:
    """Check the settings, and show them without secrets."""
    checked = settings()
    for name in Settings.model_fields:
        click.echo(f"{name} = {hide(_plain(getattr(checked, name)), name)}")
    click.echo("The settings are good.")


def _plain(value: object) -> object:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@main.command("migrate")
@click.pass_obj
@_told
def migrate_command(settings: Callable[[], Settings]) -> None:
    """Bring the database's schema up to date. Harmless when repeated."""
    before = migrate(Database(settings().database_url))
    click.echo(f"The schema is at {head()}" + (" already." if before == head() else f"; it was at {before or 'none'}."))


@main.command("create-admin")
@click.argument("name")
@_as_json
@click.pass_obj
@_told
def create_admin_command(settings: Callable[[], Settings], name: str, *, as_json: bool) -> None:
    """Make an API key called NAME and show it, this once."""
    key = create_admin(_open(settings()), name, now())
    if as_json:
        click.echo(json.dumps({"name": name, "api_key": key}))
        return
    click.echo(f"The API key of {name}. It is shown this once; keep it safe:\n\n  {key}\n")
    click.echo("Send it as: Authorization: Bearer <key>")


@main.command("add-site")
@click.argument("slug")
@click.option("--name", help="What people call it. Without: the slug.")
@_as_json
@click.pass_obj
@_told
def add_site_command(settings: Callable[[], Settings], slug: str, name: str | None, *, as_json: bool) -> None:
    """Add the site SLUG and show its edge's secret, this once. The edge's id is the slug."""
    site = add_site(_open(settings()), slug, name or slug, now())
    if as_json:
        click.echo(json.dumps({"site": site.site, "name": site.name, "secret": site.secret}))
        return
    click.echo(f"Site {site.site} ({site.name}) is there. Its edge signs in as {site.site} with this secret,")
    click.echo(f"which is shown this once:\n\n  {site.secret}\n")


@main.command("redrive")
@click.option("--site", help="Only what came from this site.")
@click.option("--stream", type=click.Choice([stream.value for stream in Stream]), help="Only this stream.")
@click.option("--type", "kind", help="Only events of this type, for example TransactionStarted.v1.")
@_as_json
@click.pass_obj
@_told
def redrive_command(
    settings: Callable[[], Settings], site: str | None, stream: str | None, kind: str | None, *, as_json: bool
) -> None:
    """Apply dead letters again, after what was wrong with them was mended. Exits with 1 when some are still refused.

    May run beside the cloud, and be interrupted at any time.
    """
    from cloud.app import LATE_APPLIERS  # noqa: PLC0415 - the other commands start without the server's libraries

    database = _open(settings())
    wanted = DeadLetterFilter(site, None if stream is None else Stream(stream), kind)
    applied = refused = 0
    with closing(database):
        for outcome in redrive(database, wanted, LATE_APPLIERS, now()):
            applied, refused = applied + (outcome.reason is None), refused + (outcome.reason is not None)
            if outcome.reason is not None and not as_json:
                click.echo(f"  {' '.join(map(str, outcome.key))}: {outcome.reason}")
    if as_json:
        click.echo(json.dumps({"applied": applied, "refused": refused}))
    else:
        click.echo(f"{applied} applied, {refused} still refused.")
    sys.exit(1 if refused else 0)


def _open(settings: Settings) -> Database:
    database = Database(settings.database_url)
    migrate(database)
    return database


if __name__ == "__main__":
    main()
