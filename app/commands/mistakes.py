"""How a command tells that it was called wrongly: in one line, without the usage around it."""

from functools import partial

import click


class _Command(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _Mistake(f"{_one_line(error)} See `{ctx.command_path} --help`.") from error


class _Mistake(click.ClickException):
    exit_code = click.UsageError.exit_code


command = partial(click.command, cls=_Command)
"""`click.command`, for commands of ours."""


def _one_line(error: click.UsageError) -> str:
    words = " ".join(error.format_message().split())
    return words if words.endswith((".", "?")) else f"{words}."
