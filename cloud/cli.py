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
from cloud.enrolment.service import governing
from cloud.enrolment.service.broker import password_lines
from cloud.errors import GarduCloudError
from cloud.ingest.lives import Continues
from cloud.ingest.schemas import DeadLetterFilter
from cloud.ingest.service.incarnation import become_another
from cloud.ingest.service.redriving import redrive
from cloud.ingest.service.settling import unlock
from cloud.ingest.service.upgrading import apply_unknown, how_many_unknown
from cloud.observability.logs import set_up_logs
from cloud.observability.redaction import hide
from cloud.sites.schemas import NewSite
from cloud.sites.service import add_site, add_site_to_enrol
from contract.streams import Stream

P = ParamSpec("P")
R = TypeVar("R")

_HERE = "gardu-cloud on the cloud's machine"
"""Who did it, where nobody signed in."""


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
@click.option(
    "--secret", is_flag=True, help="Show a secret that lasts instead of a token: for tests, or without HTTPS."
)
@_as_json
@click.pass_obj
@_told
def add_site_command(
    settings: Callable[[], Settings], slug: str, name: str | None, *, secret: bool, as_json: bool
) -> None:
    """Add the site SLUG and show the token with which its edge enrols, once and within a day."""
    if secret:
        _show_site_with_secret(add_site(_open(settings()), slug, name or slug, now()), as_json=as_json)
        return
    site = add_site_to_enrol(_open(settings()), slug, name or slug, _HERE, now())
    if as_json:
        click.echo(site.model_dump_json())
        return
    click.echo(f"Site {site.site} ({site.name}) is there. Its edge, whose name is {site.site} too, enrols with this")
    click.echo(f"token. It is shown this once, works once, and ends in 24 hours:\n\n  {site.token}\n")
    click.echo("At the edge: gardu-edge enrol --cloud https://this-cloud")


def _show_site_with_secret(site: NewSite, *, as_json: bool) -> None:
    if as_json:
        click.echo(site.model_dump_json())
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


@main.command("apply-unknown")
@click.pass_obj
@_told
def apply_unknown_command(settings: Callable[[], Settings]) -> None:
    """Apply the events that an earlier release did not know. `run` does it too, at its start and each hour.

    May run beside the cloud, and be interrupted at any time.
    """
    from cloud.app import LATE_APPLIERS  # noqa: PLC0415 - the other commands start without the server's libraries

    database = _open(settings())
    with closing(database):
        applied = sum(apply_unknown(database, LATE_APPLIERS, now()))
        left = how_many_unknown(database)
    click.echo(f"{applied} are taken up; {left} are of types that this release does not know either.")


@main.command("enrolment-token")
@click.argument("site")
@_as_json
@click.pass_obj
@_told
def enrolment_token_command(settings: Callable[[], Settings], site: str, *, as_json: bool) -> None:
    """Show a token with which the edge of SITE enrols, once and within a day: a new one, or one whose keys are lost."""
    token = governing.issue_token(_open(settings()), site, _HERE, now())
    if as_json:
        click.echo(token.model_dump_json())
        return
    click.echo(f"The edge of {site} enrols with this token, once, until {token.expires_at:%F %H:%M} UTC:\n")
    click.echo(f"  {token.secret}\n")


@main.command("enrolment-tokens")
@click.argument("site")
@click.pass_obj
@_told
def enrolment_tokens_command(settings: Callable[[], Settings], site: str) -> None:
    """List the tokens of SITE, newest first, without what is secret about them. One JSON object a line."""
    for token in governing.tokens(_open(settings()), site):
        click.echo(token.model_dump_json())


@main.command("revoke-token")
@click.argument("site")
@click.argument("token")
@click.pass_obj
@_told
def revoke_token_command(settings: Callable[[], Settings], site: str, token: str) -> None:
    """End the TOKEN of SITE that `enrolment-tokens` lists under this name. Harmless when repeated."""
    governing.revoke_token(_open(settings()), site, token, _HERE, now())
    click.echo(f"Token {token} has ended.")


@main.command("edge-keys")
@click.argument("edge")
@click.pass_obj
@_told
def edge_keys_command(settings: Callable[[], Settings], edge: str) -> None:
    """List the public keys that EDGE ever had, newest first. One JSON object a line."""
    for key in governing.keys(_open(settings()), edge):
        click.echo(key.model_dump_json())


@main.command("revoke-edge")
@click.argument("edge")
@click.option("--reason", default="revoked by an operator", show_default=True, help="Kept, and told to the edge.")
@click.pass_obj
@_told
def revoke_edge_command(settings: Callable[[], Settings], edge: str, reason: str) -> None:
    """Shut EDGE out at once. It goes on charging; an enrolment with a new token lets it in again."""
    governing.revoke_edge(_open(settings()), edge, reason, _HERE, now())
    click.echo(f"Edge {edge} is shut out. To let it in again: gardu-cloud enrolment-token {edge}")


@main.command("broker-passwords")
@click.pass_obj
@_told
def broker_passwords_command(settings: Callable[[], Settings]) -> None:
    """Show a line for each enrolled edge, for Mosquitto's password file; mqtt_password_file has them written there."""
    for line in password_lines(_open(settings())):
        click.echo(line)


@main.command("unlock-edge")
@click.argument("site")
@click.option(
    "--continues",
    type=click.Choice([one.value for one in Continues]),
    required=True,
    help="Which one goes on: the one that holds the present epoch, or the other one that spoke.",
)
@_as_json
@click.pass_obj
@_told
def unlock_edge_command(settings: Callable[[], Settings], site: str, continues: str, *, as_json: bool) -> None:
    """Let one of two edges of SITE go on. The other one is turned away."""
    lives = unlock(_open(settings()), site, Continues(continues), "gardu-cloud unlock-edge", now())
    if as_json:
        click.echo(lives.model_dump_json())
        return
    click.echo(f"The {continues} edge of {site} goes on at its next greeting; the other one is turned away.")


@main.command("restored")
@_as_json
@click.pass_obj
@_told
def restored_command(settings: Callable[[], Settings], *, as_json: bool) -> None:
    """Say that the database was restored from a backup: edges then forget its command numbers and greet anew."""
    incarnation = become_another(_open(settings()))
    if as_json:
        click.echo(json.dumps({"incarnation": str(incarnation)}))
        return
    click.echo(f"This database is incarnation {incarnation} now. Edges send again what it lacks.")


def _open(settings: Settings) -> Database:
    database = Database(settings.database_url)
    migrate(database)
    return database


if __name__ == "__main__":
    main()
