"""Making accounts, and the tokens of programs that act for them."""

import hashlib
import secrets
from typing import NoReturn

import click
from flask.cli import with_appcontext

from app.db import db, transaction
from app.errors import DomainError
from app.models import ApiToken, Role
from app.workflows import accounts, audit
from app.workflows.audit import COMMAND


@click.command()
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True, help="What they may do.")
@click.option("--name", default="", help="How they are shown; the address if left out.")
@click.option("--password", envvar="NEW_USER_PASSWORD", help="Made at random and printed if left out.")
@with_appcontext
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


@click.command()
@click.argument("email")
@click.option("--name", default="made by command", help="What it is for, as the console lists it.")
@with_appcontext
def create_token(email: str, name: str) -> None:
    """Print a new bearer token that acts for EMAIL; it is shown this once only."""
    user = accounts.find_user(email)
    if user is None or not user.is_enabled:
        raise click.ClickException(f"there is no active account for {email}")
    token = f"cf_{secrets.token_urlsafe(32)}"
    with transaction():
        row = ApiToken(user_id=user.id, name=name, token_hash=hashlib.sha256(token.encode()).digest())
        db.session.add(row)
        db.session.flush()
        audit.record("token.created", row, actor=COMMAND, after={"user": user.id, "name": name})
    click.echo(token)


def _refuse(error: DomainError) -> NoReturn:
    raise click.ClickException(error.message)
