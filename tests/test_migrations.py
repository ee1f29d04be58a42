"""The numbered migrations build what the models say, in both directions, also when many start at once."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

from app import migrate
from app.db import Model

ROOT = Path(__file__).resolve().parent.parent
UPGRADE = "import sys, sqlalchemy, app.db, app.migrate; app.migrate.upgrade(sqlalchemy.create_engine(sys.argv[1]))"


@pytest.fixture
def empty_url(database_url, tmp_path):
    """A database with nothing in it at all."""
    yield from _empty_database(database_url, tmp_path, "empty")


@pytest.fixture
def second_url(database_url, tmp_path):
    yield from _empty_database(database_url, tmp_path, "second")


def _empty_database(database_url, folder, name):
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{folder / name}.db"
        return
    url = make_url(database_url)
    own = url.set(database=f"{url.database}_{name}")
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{own.database}" TEMPLATE template1'))
        yield own.render_as_string(hide_password=False)
        connection.execute(text(f'DROP DATABASE "{own.database}" WITH (FORCE)'))
    server.dispose()


@pytest.fixture
def engine(empty_url):
    engine = create_engine(empty_url)
    yield engine
    engine.dispose()


@pytest.fixture
def second_engine(second_url):
    engine = create_engine(second_url)
    yield engine
    engine.dispose()


def downgrade(engine):
    config = migrate._config()
    with migrate._alone(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")


def tables(engine):
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_up_down_and_up_again(engine):
    for _ in range(2):
        migrate.upgrade(engine)
        assert tables(engine) == {table.name for table in Model.metadata.sorted_tables}
        with engine.connect() as connection:
            assert migrate.is_current(connection)
        downgrade(engine)
        assert tables(engine) == set()
        with engine.connect() as connection:
            assert not migrate.is_current(connection)


def test_upgrading_what_is_current_changes_nothing(engine):
    migrate.upgrade(engine)
    before = schema(engine)
    migrate.upgrade(engine)
    assert schema(engine) == before


def test_the_models_ask_for_nothing_more(engine):
    migrate.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Model.metadata) == []


def test_migrations_build_exactly_the_tables_of_the_models(engine, second_engine):
    """Also what Alembic does not compare: checks, partial indexes, what follows a deletion."""
    migrate.upgrade(engine)
    Model.metadata.create_all(second_engine)
    migrated, modelled = schema(engine), schema(second_engine)
    assert migrated - modelled == set()
    assert modelled - migrated == set()


def schema(engine) -> set[tuple[str, ...]]:
    """Each column, index and constraint as the database itself tells it."""
    with engine.connect() as connection:
        read = _schema_of_postgres if engine.dialect.name == "postgresql" else _schema_of_sqlite
        return {row for row in read(connection) if "alembic_version" not in row}


def _schema_of_postgres(connection):
    columns = """
        SELECT table_name, column_name, data_type, character_maximum_length::text, is_nullable, collation_name
        FROM information_schema.columns WHERE table_schema = 'public'
    """
    indexes = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    constraints = """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 't'
    """
    for query in (columns, indexes, constraints):
        yield from (tuple(row) for row in connection.execute(text(query)))


def _schema_of_sqlite(connection):
    inspector = inspect(connection)
    for table in inspector.get_table_names():
        for column in inspector.get_columns(table):
            yield table, column["name"], str(column["type"]), str(column["nullable"])
        for key in inspector.get_foreign_keys(table):
            yield table, str(key["constrained_columns"]), key["referred_table"], str(key["options"])
        for check in inspector.get_check_constraints(table):
            yield table, check["name"], check["sqltext"]
        for unique in inspector.get_unique_constraints(table):
            yield table, str(unique["column_names"]), "unique"
    indexes = "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    yield from ((table, name, " ".join(sql.split())) for table, name, sql in connection.execute(text(indexes)))


def test_several_processes_may_upgrade_at_the_same_time(engine, empty_url):
    many = 3 if engine.dialect.name == "postgresql" else 2
    started = [
        subprocess.Popen(
            [sys.executable, "-c", UPGRADE, empty_url], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        for _ in range(many)
    ]
    errors = [process.communicate(timeout=100)[1].decode() for process in started]
    assert [process.returncode for process in started] == [0] * many, errors
    with engine.connect() as connection:
        assert migrate.is_current(connection)


def test_the_numbers_follow_each_other_without_gap():
    files = sorted((ROOT / "migrations" / "versions").glob("*.py"))
    assert [path.name[:4] for path in files] == [f"{number:04}" for number in range(1, len(files) + 1)]


def test_the_newest_migration_is_told_by_the_files_names():
    assert migrate.newest() == ScriptDirectory.from_config(migrate._config()).get_current_head()


def test_no_migration_imports_the_application():
    for path in (ROOT / "migrations" / "versions").glob("*.py"):
        assert "app." not in path.read_text().replace("app_", ""), path.name
