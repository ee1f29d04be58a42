"""`flask --app wsgi schedule`."""

import click
from flask.cli import with_appcontext

from app.commands.keys import ensure_keys
from app.jobs.schedule import Scheduler


@click.command()
@with_appcontext
def schedule() -> None:
    """Ring for the jobs that are done again and again, until stopped; a second one does no harm."""
    ensure_keys()
    Scheduler().run()
