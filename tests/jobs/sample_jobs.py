"""Jobs that only tests queue; the worker program finds them by name."""

import time
from pathlib import Path

from flask import current_app, has_app_context
from sqlalchemy import func, select

from app.db import db, glance, transaction
from app.extensions import settings
from app.jobs import queue
from app.kept_statements import carry_out

_LONG = select(func.pg_sleep(60).label("slept"))


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


def wait_in_the_database(way: str) -> None:
    if way == "alone":
        glance(_LONG, {})
    with transaction() as session:
        if way == "kept":
            carry_out(session.connection(), _LONG, {})
        session.execute(_LONG)


def break_with(text: str) -> None:
    raise RuntimeError(text)


def ring_again(path: str) -> None:
    """Queues itself anew until the file is there."""
    if not Path(path).exists():
        with transaction():
            queue.enqueue("tests.jobs.sample_jobs.ring_again", path, on=queue.DELIVERIES)
