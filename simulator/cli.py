"""`gardu-sim`: virtual charge points against any OCPP 1.6J central system, and the demo."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from datetime import timedelta
from pathlib import Path

import click

from simulator.book import add_up
from simulator.demo.command import demo
from simulator.fleet import DEFAULT_ID_TAGS, Fleet, FleetSettings
from simulator.ledger import Ledger

_DRAIN_S = 30.0
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells expect it."""


@click.group()
@click.version_option(package_name="gardu")
def main() -> None:
    """Virtual charge points and the demo."""


@main.command()
@click.option("--url", required=True, help="Endpoint without the identity, e.g. ws://127.0.0.1:9000/ocpp.")
@click.option("--count", default=1, show_default=True, type=click.IntRange(1), help="How many charge points.")
@click.option("--connectors", default=1, show_default=True, type=click.IntRange(1), help="Connectors of each.")
@click.option("--prefix", default="CP", show_default=True, help="Identities are PREFIX001, PREFIX002, …")
@click.option("--password", help="Basic password of every charge point.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON object: identity to Basic password.",
)
@click.option("--id-tags", default=",".join(DEFAULT_ID_TAGS), help="Comma-separated id tags that drivers present.")
@click.option("--seed", default=1, show_default=True, help="Same seed: same cars, needs and id tags.")
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Cars stay, arrive and are sampled so many times faster, with batteries so many times smaller; "
    "timestamps, heartbeats and retries stay real.",
)
@click.option("--ledger", type=click.Path(dir_okay=False, path_type=Path), help="Append what was acknowledged here.")
@click.option(
    "--for",
    "for_s",
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds to run; then cars stop coming, what runs is stopped and the queues drain. Default: for ever.",
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A configuration key's first value.")
@click.option("--clock-offset", default=0.0, help="Seconds that every clock is ahead; negative: behind.")
@click.option("--lean", is_flag=True, help="Skip schema checks of own calls; for many charge points.")
@click.option("--verbose", is_flag=True, help="Tell every event on standard error.")
def run(  # noqa: PLR0917  # one parameter per option
    url: str,
    count: int,
    connectors: int,
    prefix: str,
    password: str | None,
    password_file: Path | None,
    id_tags: str,
    seed: int,
    speed: float,
    ledger: Path | None,
    for_s: float | None,
    settings: tuple[str, ...],
    clock_offset: float,
    *,
    lean: bool,
    verbose: bool,
) -> None:
    """Run charge points; the last line on standard output is a JSON summary of the ledger."""
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(message)s", stream=sys.stderr)
    identities = [f"{prefix}{number:03d}" for number in range(1, count + 1)]
    passwords = dict.fromkeys(identities, password) if password else {}
    if password_file:
        passwords |= json.loads(password_file.read_text(encoding="utf-8"))
    with Ledger(ledger) as book_keeper:
        try:
            fleet_settings = FleetSettings(
                url=url,
                identities=identities,
                seed=seed,
                passwords={name: secret for name, secret in passwords.items() if secret},
                id_tags=[id_tag.strip() for id_tag in id_tags.split(",") if id_tag.strip()],
                speed=speed,
                connectors=connectors,
                clock_offset=timedelta(seconds=clock_offset),
                lean=lean,
                configuration=dict(setting.split("=", 1) for setting in settings),
            )
        except ValueError as error:
            raise click.UsageError(f"--set takes KEY=VALUE: {error}") from error
        try:
            drained = asyncio.run(_run(fleet_settings, book_keeper, for_s, verbose=verbose))
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        finally:
            click.echo(_summary(book_keeper))
    sys.exit(0 if drained else 1)


async def _run(settings: FleetSettings, ledger: Ledger, for_s: float | None, *, verbose: bool) -> bool:
    def tell(identity: str, sentence: str) -> None:
        if verbose:
            click.echo(f"{identity}: {sentence}", err=True)

    fleet = Fleet(settings, ledger, tell)
    life = asyncio.create_task(fleet.run())
    try:
        await asyncio.wait({life}, timeout=for_s)
        if life.done():
            life.result()
        drained = await fleet.drain(_DRAIN_S)
        if not any(charge_point.uplink.has_been_online for charge_point in fleet.charge_points):
            click.echo("No charge point ever came online: is the URL right, is each identity known there?", err=True)
            return False
        return drained
    finally:
        life.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await life


def _summary(ledger: Ledger) -> str:
    book = add_up(ledger.records)
    return json.dumps(
        {
            "transactions": len(book.transactions),
            "stopped": sum(transaction.stopped_at is not None for transaction in book.transactions.values()),
            "energy_wh": book.energy_wh,
            "meter_value_instants": sum(len(transaction.sampled_at) for transaction in book.transactions.values()),
            "dropped": len(book.dropped),
            "authorisations": dict(book.authorisations),
            "commands": dict(book.commands),
            "others": dict(book.others),
        }
    )


main.add_command(demo)

if __name__ == "__main__":
    main()
