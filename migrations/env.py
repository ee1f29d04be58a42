"""Runs migrations on the connection it is handed (`app/migrate.py`), or on DATABASE_URL from the shell."""

import os
from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.types import TypeDecorator

import app.models  # noqa: F401 - so that the metadata knows every table
from app.db import Model


def render_item(kind: str, item: Any, autogen_context: AutogenContext) -> str | bool:
    """Write our column types as what they are in the database: a migration imports nothing of the application."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Model.metadata,
        render_item=render_item,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        # An index is built beside the running service in no transaction at all, which ends the one before.
        transaction_per_migration=connection.dialect.name == "postgresql",
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    connection: Connection | None = context.config.attributes.get("connection")
    if connection is not None:
        run(connection)
        return
    with create_engine(os.environ["DATABASE_URL"]).connect() as own:
        run(own)


main()
