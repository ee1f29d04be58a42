"""What is kept for how long, and what is due to go."""

import click

from app.ages import day
from app.commands.mistakes import command
from app.commands.surroundings import with_application
from app.jobs import retention as job
from app.workflows import retention as rules


@command()
@click.option("--dry-run", is_flag=True, help="Say what is due to go, and change nothing.")
@with_application
def retention(*, dry_run: bool) -> None:
    """Let go of personal data whose time is over, by the KEEP_..._DAYS settings; the scheduler does so every day."""
    for rule, before in job.periods():
        count = rules.count_due(rule, before)
        click.echo(f"{count:>9,}  {rule.what}, from before {day(before)}")
    if dry_run:
        return
    job.forget()
    click.echo("They are gone." if not _left() else "Some are left for the next run: run it again.")


def _left() -> int:
    return sum(rules.count_due(rule, before) for rule, before in job.periods())
