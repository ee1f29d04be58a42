"""Storing a gateway's credentials from the shell."""

import os
from pathlib import Path

import click

from app.commands.mistakes import command
from app.commands.surroundings import with_application
from app.db import transaction
from app.errors import DomainError
from app.workflows import gateway_setup
from app.workflows.audit import COMMAND
from app.workflows.gateway_setup import GatewayChanges


@command()
@click.argument("name")
@click.option("--api-key", help="Publishable key, key id or client id.")
@click.option("--api-secret", help="Secret key, key secret or client secret.")
@click.option("--webhook-secret", help="What its webhooks are signed with; the one before stays valid too.")
@click.option("--api-base", help="Another address than the gateway's own, such as a stand-in's.")
@click.option("--mode", type=click.Choice(["test", "live"]), help="Which of the gateway's two worlds.")
@click.option("--active/--inactive", default=None, help="Whether customers may pay with it.")
@click.option("--default", "is_default", is_flag=True, default=None, help="Offer it first.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Further settings; @FILE reads a file.")
@with_application
def set_gateway(
    name: str,
    api_key: str | None,
    api_secret: str | None,
    webhook_secret: str | None,
    api_base: str | None,
    mode: str | None,
    active: bool | None,
    is_default: bool | None,
    options: tuple[str, ...],
) -> None:
    """Store the credentials and mode of gateway NAME; what is left out stays as it is."""
    further = dict(_parse_option(option) for option in options)
    changes = GatewayChanges(api_key, api_secret, webhook_secret, api_base, mode, active, is_default, further)
    try:
        with transaction():
            config = gateway_setup.set_up(name, changes, actor=COMMAND)
    except DomainError as error:
        raise click.ClickException(error.message) from error
    state = "active" if config.is_active else "inactive"
    warning = "" if config.webhook_secret else " Its webhooks are refused until it has a webhook secret."
    click.echo(f"{config.gateway}: {config.mode} mode, {state}{', default' if config.is_default else ''}.{warning}")


def _parse_option(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name.isidentifier():
        raise click.ClickException(f"--option takes NAME=VALUE, not {text!r}")
    if not value.startswith("@"):
        return name, value
    try:
        return name, Path(value[1:]).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"cannot read {value[1:]}: {type(error).__name__}") from error


@command()
@with_application
def import_gateways() -> None:
    """Take over gateway credentials from the environment (STRIPE_API_SECRET ...), for gateways not set up yet."""
    try:
        with transaction():
            imported = gateway_setup.import_credentials(os.environ, actor=COMMAND)
    except DomainError as error:
        raise click.ClickException(error.message) from error
    names = ", ".join(f"{config.gateway} ({config.mode})" for config in imported)
    click.echo(f"Imported {names}." if names else "Nothing to import.")
