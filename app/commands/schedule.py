"""`flask --app wsgi schedule`."""

from app.commands.mistakes import command
from app.commands.surroundings import with_application
from app.jobs.schedule import Scheduler


@command()
@with_application
def schedule() -> None:
    """Ring for the jobs that are done again and again, until stopped; a second one does no harm."""
    Scheduler().run()
