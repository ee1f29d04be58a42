"""`flask --app wsgi serve`: the whole service on the settings of the environment."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click
import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from app import migrate
from app.commands.mistakes import command
from app.commands.programs import (
    ROOT,
    Address,
    ensure_free,
    held,
    make_folder,
    queue_program,
    readiness,
    service_programs,
    shared_counters,
    web_processes,
)
from app.commands.surroundings import before_the_database, ensure_keys, first_line
from app.config import Settings
from app.db import db
from app.extensions import settings
from app.hosting import embedded_queue
from app.hosting.orphans import end_with_make
from app.hosting.supervisor import Program, Supervisor
from app.models import GatewayConfig


@command()
@before_the_database
def serve() -> None:
    """Bring the database up to date, then run web, worker and scheduler until stopped."""
    end_with_make()
    current = settings()
    address = Address.of(os.environ, current.port)
    ensure_free(address)
    _migrate()
    ensure_keys()
    _ensure_no_play_money(current)
    with _queue(current) as (found, foundation), shared_counters(found) as environment:
        processes = web_processes(environment, current.database_url)
        programs = [*foundation, *service_programs(environment, address, web_processes=processes)]
        raise SystemExit(Supervisor(programs, readiness(address), lambda: _say_ready(current)).run())


def _say_ready(current: Settings) -> None:
    click.echo(f"Ready: {current.base_url}")


def _migrate() -> None:
    if db.engine.dialect.name == "sqlite" and db.engine.url.database:
        make_folder(Path(db.engine.url.database).parent)
    try:
        migrate.upgrade(db.engine)
    except DBAPIError as error:
        raise click.ClickException(f"cannot use the database: {first_line(error.orig or error)}") from error
    finally:
        db.engine.dispose()


def _ensure_no_play_money(current: Settings) -> None:
    """What only the database can tell."""
    active = select(GatewayConfig.id).where(GatewayConfig.gateway == "sandbox", GatewayConfig.is_active)
    is_open = current.is_production and db.session.scalar(active) is not None
    db.session.remove()
    db.engine.dispose()
    if is_open:
        raise click.ClickException(
            "the Sandbox gateway is active, and in production nobody may pay with it: switch it off with "
            "APP_ENV=development flask --app wsgi set-gateway sandbox --inactive"
        )


@contextmanager
def _queue(current: Settings) -> Iterator[tuple[dict[str, str], list[Program]]]:
    """The environment of the programs, and the queue's own program where none was named."""
    environment = dict(os.environ)
    if current.is_production or os.environ.get("REDIS_URL", "").strip():
        _ensure_answers(current.redis_url)
        yield environment, []
        return
    directory = ROOT / "var" / "queue"
    with held(directory) as lock:
        queue = embed(directory)
        yield environment | {"REDIS_URL": queue.url}, [queue_program(queue, keep_open=(lock,))]


def embed(directory: Path) -> embedded_queue.EmbeddedQueue:
    try:
        return embedded_queue.prepare(directory)
    except (embedded_queue.QueueServerMissing, OSError) as error:
        raise click.ClickException(str(error)) from error


def _ensure_answers(url: str) -> None:
    try:
        retry = Retry(ExponentialBackoff(cap=1, base=0.2), 3)
        with closing(redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2, retry=retry)) as connection:
            connection.ping()
    except (redis.RedisError, ValueError) as error:
        raise click.ClickException(f"cannot use the queue of REDIS_URL: {first_line(error)}") from error
