"""Making accounts, and the tokens of programs that act for them."""

import secrets
from typing import NoReturn

import click

from app.commands.mistakes import command
from app.commands.surroundings import with_application
from app.db import transaction
from app.errors import DomainError
from app.kit import clock
from app.models import Role
from app.workflows import accounts, api_tokens
from app.workflows.api_tokens import Scope
from app.workflows.audit import COMMAND


@command()
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True, help="What they may do.")
@click.option("--name", default="", help="How they are shown; the address if left out.")
@click.option("--password", envvar="NEW_USER_PASSWORD", help="Made at random and printed if left out.")
@with_application
def create_user(email: str, role: str, name: str, password: str | None) -> None:
    """Make an account for EMAIL that can sign in at /login."""
    chosen = password or secrets.token_urlsafe(12)
    try:
        accounts.ensure_strong(chosen)
        with transaction():
            user = accounts.create_user(email, name, role=Role(role), actor=COMMAND, password=chosen)
    except DomainError as error:
        _refuse(error)
    click.echo(f"Created {user.email} ({user.role.label})." + ("" if password else f" Password: {chosen}"))


@command()
@click.argument("email")
@click.option("--name", help="What it is for, as the console lists it; the time of making it if left out.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it may do; may be given several times. Everything its owner's role may do if left out.",
)
@with_application
def create_token(email: str, name: str | None, scopes: tuple[str, ...]) -> None:
    """Print a new bearer token that acts for EMAIL; it is shown this once only."""
    user = accounts.find_user(email)
    if user is None:
        raise click.ClickException(f"there is no account for {email}")
    named = name or f"made by command, {clock.isoformat(clock.utc_now())}"
    try:
        with transaction():
            token = api_tokens.create(user, named, [Scope(scope) for scope in scopes] or list(Scope), actor=COMMAND)
    except DomainError as error:
        _refuse(error)
    click.echo(token.secret)


def _refuse(error: DomainError) -> NoReturn:
    raise click.ClickException(error.message)
