"""What operators type: `flask --app wsgi COMMAND`."""

from flask import Flask

from app.commands.serve import serve

_COMMANDS = (serve,)


def init_app(app: Flask) -> None:
    for command in _COMMANDS:
        app.cli.add_command(command)
