"""Counting the dashboard's figures ahead, and comparing those that are kept with the rows."""

from datetime import timedelta

import click

from app.commands.mistakes import command
from app.commands.surroundings import with_application
from app.db import transaction
from app.extensions import settings
from app.jobs import figures as job
from app.workflows import commission_months, figure_keeping, kept_sums, workload

_AS_LONG_AS_IT_TAKES = timedelta(days=1)


@command()
@click.option("--check", is_flag=True, help="Compare kept figures with the rows, and change nothing.")
@click.option("--recount", is_flag=True, help="Trust none of the kept figures: count every day and all open work anew.")
@with_application
def figures(*, check: bool, recount: bool) -> None:
    """Keep the figures of every day that is over; the scheduler does so too, as days go by.

    --check also compares open work, refunds, payouts and paid commissions with the rows that they sum up.
    """
    if check:
        _check()
        return
    if recount:
        with transaction():
            workload.recount()
    days = count_anew() if recount else count_missing()
    click.echo(f"Counted {days:,} days.")


def count_anew() -> int:
    """Every day, whatever was kept: how many there are."""
    with transaction():
        figure_keeping.mark_all(settings().time_zone)
        commission_months.forget()
    return count_missing()


def count_missing() -> int:
    """How many days had to be counted."""
    counted: list[int] = []
    job.keep_missing(settings().time_zone, limit=_AS_LONG_AS_IT_TAKES, progress=counted.append)
    job.keep()
    return sum(counted)


def _check() -> None:
    """The dashboard's figures, then the sums that rows keep of others: open work, refunds, payouts, commissions."""
    figures = sums = 0
    for each in figure_keeping.differences(settings().time_zone):
        figures += 1
        click.echo(f"{each.span} {each.start}  {each.measure} {each.key}: kept {each.kept}, counted {each.counted}")
    for mistake in kept_sums.mistakes():
        sums += 1
        click.echo(f"{mistake.what} {mistake.of}: kept {mistake.kept}, counted {mistake.counted}")
    if figures or sums:
        raise click.ClickException(_advice(figures, sums))
    click.echo("All kept figures are what the rows say.")


def _advice(figures: int, sums: int) -> str:
    words = f"{figures + sums} kept figures are not what the rows say: run with --recount"
    # Money is never set right in silence.
    return (
        f"{words}, which counts figures and open work anew; sums of money are for a person to look at"
        if sums
        else words
    )
