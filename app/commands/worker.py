"""`flask --app wsgi worker`."""

import click
from flask import current_app

from app.commands.mistakes import command
from app.commands.surroundings import with_application
from app.extensions import settings
from app.jobs import worker as jobs_worker
from app.jobs.queue import QUEUES


def _read_names(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in QUEUES]
    if unknown or not names:
        wrong = f"there is no queue {', '.join(unknown)}" if unknown else "name one queue at least"
        raise click.BadParameter(f"{wrong}; there are {', '.join(QUEUES)}")
    return names


@command()
@click.option(
    "--queues",
    default=",".join(QUEUES),
    show_default=True,
    callback=_read_names,
    help="Those to serve, separated by commas: served in turn, the first one first.",
)
@with_application
def worker(queues: tuple[str, ...]) -> None:
    """Do queued jobs (mail, changes of many requests, questions to gateways) until stopped.

    Run as many of these as you like, on as many machines.
    """
    jobs_worker.run(current_app._get_current_object(), settings().redis_url, queues)  # type: ignore[attr-defined]
