"""`flask --app wsgi worker`."""

import click
from flask import current_app
from flask.cli import with_appcontext

from app.commands.keys import ensure_keys
from app.extensions import settings
from app.jobs import worker as jobs_worker


@click.command()
@with_appcontext
def worker() -> None:
    """Do queued jobs (mail, webhooks, deadlines) until stopped; run as many of these as you like."""
    ensure_keys()
    jobs_worker.run(current_app._get_current_object(), settings().redis_url)  # type: ignore[attr-defined]
