"""Synthetic requests at speed, for trying things at scale."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

import click
from sqlalchemy import select

from app.commands import figures
from app.commands.mistakes import command
from app.commands.surroundings import with_application
from app.db import db, transaction
from app.extensions import settings
from app.jobs import upkeep
from app.kit import clock
from app.models import AffiliateProfile, ProviderProfile, Service
from app.samples import catalog, indexes, requests, staff


@command()
@click.option("--requests", "count", type=click.IntRange(min=1), required=True, help="How many to add.")
@click.option("--days", type=click.IntRange(min=1), default=365, show_default=True, help="Over how many past days.")
@click.option(
    "--detailed-days",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    help="For how many of them mails, visits and the Sandbox company's own ledger are added too.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed draws the same customers.")
@with_application
def load_sample(count: int, days: int, detailed_days: int, seed: int) -> None:
    """Add synthetic requests with payments and history; services, providers and an affiliate where there are none.

    Many at once go into PostgreSQL without its indexes, which are built afterwards: meanwhile the service waits.
    """
    if settings().is_production:
        raise click.ClickException("synthetic requests do not belong into a production database")
    _ensure_shop()
    now = clock.utc_now()
    period = requests.Period(now - timedelta(days=days), now)
    wish = requests.Wish(count, period, detailed_days)
    with _Bars() as bars:
        # It draws names; it guards no secret.
        requests.load(wish, random=Random(seed), progress=bars.show)  # noqa: S311
    click.echo(f"Added {count:,} requests.")
    click.echo(f"Counted the figures of {_settle(count):,} days anew.")


def _settle(count: int) -> int:
    """Count the figures, while the database learns how large its tables are now; of how many days."""
    upkeep.learn_sizes()
    with ThreadPoolExecutor(1) as aside:
        learning = aside.submit(indexes.learn_sizes, db.engine) if count >= requests.BULK else None
        days = figures.count_anew()
        if learning is not None:
            learning.result()
    return days


class _Bars(ExitStack):
    """One bar after the other, each under what it counts."""

    def __init__(self) -> None:
        super().__init__()
        self._bars: dict[str, Any] = {}

    def show(self, label: str, length: int, added: int) -> None:
        if label not in self._bars:
            self.close()
            self._bars[label] = self.enter_context(click.progressbar(length=length, label=label, show_pos=True))
        self._bars[label].update(added)


def _ensure_shop() -> None:
    additions: tuple[tuple[Any, Callable[[], object]], ...] = (
        (Service.id, catalog.add_services),
        (ProviderProfile.id, partial(staff.add_providers, password=None)),
        (AffiliateProfile.id, partial(staff.add_affiliate, password=None)),
    )
    missing = [add for key, add in additions if db.session.scalar(select(key).limit(1)) is None]
    with transaction():
        for add in missing:
            add()
