"""Synthetic requests at speed, for trying things at scale."""

from datetime import timedelta
from random import Random

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from app.db import db, transaction
from app.extensions import settings
from app.kit import clock
from app.models import ProviderProfile, Service
from app.samples import catalog, requests, staff


@click.command()
@click.option("--requests", "count", type=click.IntRange(min=1), required=True, help="How many to add.")
@click.option("--days", type=click.IntRange(min=1), default=365, show_default=True, help="Over how many past days.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed draws the same customers.")
@with_appcontext
def load_sample(count: int, days: int, seed: int) -> None:
    """Add synthetic requests with payments and history; services and providers too where there are none."""
    if settings().is_production:
        raise click.ClickException("synthetic requests do not belong into a production database")
    _ensure_shop()
    now = clock.utc_now()
    period = requests.Period(now - timedelta(days=days), now)
    with click.progressbar(length=count, label="Requests", show_pos=True) as bar:
        # It draws names; it guards no secret.
        requests.load(count, period, random=Random(seed), progress=bar.update)  # noqa: S311
    click.echo(f"Added {count:,} requests.")


def _ensure_shop() -> None:
    has_services = db.session.scalar(select(Service.id).limit(1)) is not None
    has_providers = db.session.scalar(select(ProviderProfile.id).limit(1)) is not None
    with transaction():
        if not has_services:
            catalog.add_services()
        if not has_providers:
            staff.add_providers(password=None)
