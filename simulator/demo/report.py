"""The end of the demo: the table for people, the object for programs."""

from __future__ import annotations

from collections import Counter

from rich.table import Table

from simulator.demo.scenario import Story


def as_object(story: Story) -> dict[str, object]:
    """The result as one JSON object."""
    sites = []
    for site in story.reconciliation.sites:
        row: dict[str, object] = {"site": site.site}
        for name, figures in (("transactions", site.transactions), ("energy_wh", site.energy_wh)):
            row |= {f"{name}_{side}": figure for side, figure in zip(_SIDES, figures, strict=True)}
        sites.append(row)
    return {
        "sites": sites,
        "started_during_outage": story.started_during_outage,
        "lost": story.reconciliation.lost,
        "doubled": story.reconciliation.doubled,
        "outage_s": round(story.outage_s, 1),
        "drained_in_s": None if story.drained_in_s is None else round(story.drained_in_s, 2),
        "commands": {"sent": story.commands.sent, "succeeded": story.commands.succeeded},
    }


_SIDES = ("charge_points", "edge", "cloud")


def as_table(story: Story) -> Table:
    """The result as a table."""
    table = Table(title="Reconciliation", title_justify="left")
    for heading in ("site", "", "charge points", "edge", "cloud"):
        table.add_column(heading, justify="left" if heading in {"site", ""} else "right")
    for site in story.reconciliation.sites:
        table.add_row(site.site, "transactions", *(str(figure) for figure in site.transactions))
        table.add_row("", "energy, Wh", *(str(figure) for figure in site.energy_wh), end_section=True)
    return table


def as_sentences(story: Story) -> list[str]:
    """What the table does not say."""
    drained = "never" if story.drained_in_s is None else f"{story.drained_in_s:.1f} s"
    return [
        f"lost {story.reconciliation.lost}, doubled {story.reconciliation.doubled}",
        f"outage {story.outage_s:.1f} s, {story.started_during_outage} transactions began in it; drained in {drained}",
        f"drivers refused: {_counted(story.refusals)}",
        f"commands: {story.commands.sent} sent from the cloud, {story.commands.succeeded} done by charge points",
    ]


def _counted(refusals: Counter[str]) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(refusals.items())) or "none"
