"""Counting the dashboard's figures ahead, and comparing those that are kept with the rows."""

from datetime import timedelta

import click

from app.commands.surroundings import with_application
from app.db import transaction
from app.extensions import settings
from app.jobs import figures as job
from app.workflows import figure_keeping

_AS_LONG_AS_IT_TAKES = timedelta(days=1)


@click.command()
@click.option("--check", is_flag=True, help="Compare kept figures with the rows, and change nothing.")
@click.option("--recount", is_flag=True, help="Trust none of the kept figures: count every day anew.")
@with_application
def figures(*, check: bool, recount: bool) -> None:
    """Keep the figures of every day that is over; the scheduler does so too, as days go by."""
    if check:
        _check()
        return
    days = count_anew() if recount else count_missing()
    click.echo(f"Counted {days:,} days.")


def count_anew() -> int:
    """Every day, whatever was kept: how many there are."""
    with transaction():
        figure_keeping.mark_all(settings().time_zone)
    return count_missing()


def count_missing() -> int:
    """How many days had to be counted."""
    counted: list[int] = []
    job.keep_missing(settings().time_zone, limit=_AS_LONG_AS_IT_TAKES, progress=counted.append)
    job.keep()
    return sum(counted)


def _check() -> None:
    found = 0
    for each in figure_keeping.differences(settings().time_zone):
        found += 1
        click.echo(f"{each.span} {each.start}  {each.measure} {each.key}: kept {each.kept}, counted {each.counted}")
    if found:
        raise click.ClickException(f"{found} kept figures are not what the rows say: run with --recount")
    click.echo("All kept figures are what the rows say.")
