"""How commands go to PostgreSQL's server, and its answers are waited for: as many as can be in one round trip.

The driver's own cursors and pipelines do so too, and keep accounts that take longer than the server does for a small
statement. Loaded only where PostgreSQL is the database.
"""

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any

from psycopg import Connection, generators
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

Send = Callable[[], None]
"""Hands a command to the connection, which sends it when it is waited for."""


def answer(connection: Connection[Any], send: Send) -> PGresult:
    """Raises the driver's errors."""
    send()
    return _checked(_wait(connection, generators.execute(connection.pgconn)))


def answer_after(connection: Connection[Any], commands: Sequence[bytes], send: Send) -> PGresult:
    """The answer to the last, for whoever need not know those to the commands before it. Raises the driver's errors."""
    if not commands:
        return answer(connection, send)
    before = [partial(connection.pgconn.send_query_params, command, None) for command in commands]
    return _checked(_wait(connection, _piped(connection.pgconn, [*before, send])))


def _piped(connection: PGconn, steps: Sequence[Send]) -> Generator[Any, Any, list[PGresult]]:
    """Each one's answer. After one that failed the rest is not carried out."""
    connection.enter_pipeline_mode()
    for send in steps:
        send()
    connection.pipeline_sync()
    yield from generators.send(connection)
    answers = []
    for _ in steps:
        answers += yield from generators.fetch_many(connection)
    yield from generators.fetch_many(connection)
    connection.exit_pipeline_mode()
    return answers


def _wait(connection: Connection[Any], steps: Generator[Any, Any, list[PGresult]]) -> list[PGresult]:
    try:
        return connection.wait(steps)
    except BaseException:
        # Whoever asked next would be given the answer to this.
        connection.close()
        raise


def _checked(answers: Sequence[PGresult]) -> PGresult:
    """The last of them."""
    for found in answers:
        if found.status == ExecStatus.FATAL_ERROR:
            raise error_from_result(found)
    return answers[-1]
