"""Jobs that only tests queue; the worker program finds them by name."""

import time
from pathlib import Path

from flask import current_app, has_app_context

from app.db import db, transaction
from app.extensions import settings
from app.jobs import queue


def note_surroundings(path: str) -> None:
    """Writes down what a job can rely on; leaves a session behind that somebody else has to tidy."""
    db.session.execute(db.text("SELECT 1"))
    facts = f"{has_app_context()} {settings().base_url} {id(db.session())} {current_app.name}\n"
    with Path(path).open("a") as file:
        file.write(facts)


def fail() -> None:
    raise ValueError("this job cannot be done")


def take_time(path: str) -> None:
    """Says when it has begun, waits to be told to end, and says so."""
    Path(path).write_text("begun")
    while not Path(path).with_suffix(".go").exists():
        time.sleep(0.02)
    Path(path).write_text("done")


def break_with(text: str) -> None:
    raise RuntimeError(text)


def ring_again(path: str) -> None:
    """Queues itself anew until the file is there."""
    if not Path(path).exists():
        with transaction():
            queue.enqueue("tests.jobs.sample_jobs.ring_again", path, on=queue.DELIVERIES)
