"""What every command runs in: the application, and plain words for a database that is away or not set up."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

import click
from flask.cli import with_appcontext
from sqlalchemy import exc

from app import migrate
from app.db import db, is_passing
from app.kit.crypto import CannotOpen

P = ParamSpec("P")
R = TypeVar("R")

_NOT_SET_UP = "the database does not have the tables of this release yet: `make run` brings it up to date"


def with_application(command: Callable[P, R]) -> Callable[P, R]:
    """In the application's context; trouble with database or keys is one line instead of a traceback."""

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
