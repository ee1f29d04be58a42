"""Handing a customer what we keep about them, and erasing it."""

import json
import sys
from pathlib import Path

import click

from app.commands.mistakes import command
from app.commands.surroundings import with_application
from app.db import transaction
from app.errors import DomainError
from app.workflows import customers, privacy
from app.workflows.audit import COMMAND


@command()
@click.argument("email")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@with_application
def export_customer(email: str, output: Path | None) -> None:
    """Print all that is kept about the customer with the address EMAIL, as JSON."""
    try:
        with transaction():
            picture = privacy.export(email, actor=COMMAND)
    except DomainError as error:
        raise click.ClickException(error.message) from error
    text = json.dumps(picture, ensure_ascii=False, indent=2)
    if output is None:
        click.echo(text)
        return
    try:
        # Nobody else on this machine is to read it.
        output.touch(mode=0o600)
        output.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write to {output}: {error.strerror}") from error
    click.echo(f"Wrote {len(picture['requests'])} requests to {output}.")


@command()
@click.argument("email")
@click.option("--force", is_flag=True, help="Also while work, a refund or a dispute is under way.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_application
def erase_customer(email: str, *, force: bool, yes: bool) -> None:
    """Erase the personal data of the customer with the address EMAIL; amounts, dates and references stay.

    It cannot be undone. Done twice it does nothing the second time.
    """
    found = customers.requests_of(email)
    if not found:
        click.echo(f"Nothing is kept about {email}.")
        return
    click.echo(f"Of {len(found)} requests: name, address, phone, requirements, notes, mail and gateway messages go.")
    # A program has nobody to ask.
    if not yes and sys.stdin.isatty():
        click.confirm("Erase them for good?", abort=True)
    try:
        with transaction():
            erased = privacy.erase(email, actor=COMMAND, although_needed=force)
    except DomainError as error:
        raise click.ClickException(f"{error.message} Use --force to erase all the same.") from error
    click.echo(f"Erased the customer of {', '.join(erased)}.")
