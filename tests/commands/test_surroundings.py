"""A database that is away, or has no tables yet, is one clear line to whoever calls a command."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.config import Settings

COMMANDS = (
    ["create-user", "asha@example.com", "--role", "admin"],
    ["set-gateway", "stripe", "--active"],
    ["load-sample", "--requests", "1"],
    ["verify-audit"],
    ["erase-customer", "asha@example.com", "--yes"],
    ["worker"],
)


def call(app: Flask, command: list[str]) -> Any:
    result = app.test_cli_runner().invoke(args=command)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    return result.output


@pytest.mark.sqlite
@pytest.mark.parametrize("command", COMMANDS[:-1], ids=lambda command: command[0])
def test_without_tables_a_command_says_how_to_get_them(
    make_app: Callable[[Settings], Flask], settings: Settings, tmp_path: Path, command: list[str]
) -> None:
    app = make_app(replace(settings, database_url=f"sqlite:///{tmp_path}/new.db"))
    assert call(app, command).splitlines()[-1] == (
        "Error: the database does not have the tables of this release yet: `make run` brings it up to date"
    )


@pytest.mark.sqlite
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_without_a_database_a_command_says_so_and_tells_no_password(
    make_app: Callable[[Settings], Flask], settings: Settings, command: list[str]
) -> None:
    app = make_app(replace(settings, database_url="postgresql+psycopg://shop:a-secret@127.0.0.1:1/shop"))
    said = call(app, command)
    assert "Error: cannot use the database: " in said
    assert "a-secret" not in said
