"""What every command runs in: the application, and plain words for a database that is away or not set up."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

import click
from flask.cli import with_appcontext
from sqlalchemy import exc

from app import migrate
from app.db import db, is_passing, transaction
from app.errors import DomainError
from app.kit.crypto import CannotOpen
from app.workflows import keys

P = ParamSpec("P")
R = TypeVar("R")

_NOT_SET_UP = "the database does not have the tables of this release yet: `make run` brings it up to date"


def with_application(command: Callable[P, R]) -> Callable[P, R]:
    """In the application's context, and with all keys of the database: with another one nobody would be found, and
    what is written could not be read by the service. Trouble with either is one line instead of a traceback."""

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        ensure_keys()
        return command(*args, **kwargs)

    return before_the_database(wraps(command)(run))


def before_the_database(command: Callable[P, R]) -> Callable[P, R]:
    """The same for who makes the database first."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except CannotOpen as error:
            raise click.ClickException(str(error)) from error
        except exc.DBAPIError as error:
            words = _explain(error)
            if words is None:
                raise
            raise click.ClickException(words) from error

    return cast(Callable[P, R], with_appcontext(run))


def ensure_keys() -> None:
    """Refuses to go on with a database that we have not all keys of. Before its migration there is nothing to know."""
    with db.engine.connect() as connection:
        if not migrate.is_current(connection):
            return
    try:
        with transaction():
            keys.ensure_known()
    except (DomainError, CannotOpen) as error:
        raise click.ClickException(str(error)) from error


def first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _explain(error: exc.DBAPIError) -> str | None:
    """None for a mistake of ours."""
    try:
        with db.engine.connect() as connection:
            if not migrate.is_current(connection):
                return _NOT_SET_UP
    except exc.DBAPIError as second:
        error = second
    return f"cannot use the database: {first_line(error.orig or error)}" if is_passing(error) else None
