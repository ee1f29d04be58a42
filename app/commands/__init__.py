"""What can be done from the shell with `flask --app wsgi ...`; each command says its mistakes in one line."""

from importlib import import_module
from typing import cast

import click
from flask import Flask
from flask.cli import AppGroup

_MODULES = {
    "create-token": "accounts",
    "create-user": "accounts",
    "erase-customer": "privacy",
    "export-customer": "privacy",
    "figures": "figures",
    "import-gateways": "gateways",
    "load-sample": "sample",
    "reconcile": "reconcile",
    "retention": "retention",
    "rotate-keys": "keys",
    "schedule": "schedule",
    "serve": "serve",
    "set-gateway": "gateways",
    "verify-audit": "audit",
    "worker": "worker",
}
"""Where each command is: the function of its name."""


class _Commands(AppGroup):
    """Loads a command when it is called: web processes call none, and samples and supervisor are much to load."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_MODULES, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return super().get_command(ctx, cmd_name)
        module = import_module(f"{__name__}.{_MODULES[cmd_name]}")
        return cast(click.Command, getattr(module, cmd_name.replace("-", "_")))


def init_app(app: Flask) -> None:
    app.cli = _Commands(app.name)
