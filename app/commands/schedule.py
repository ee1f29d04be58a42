"""`flask --app wsgi schedule`."""

import click

from app.commands.surroundings import with_application
from app.jobs.schedule import Scheduler


@click.command()
@with_application
def schedule() -> None:
    """Ring for the jobs that are done again and again, until stopped; a second one does no harm."""
    Scheduler().run()
