"""Requests in bulk: what the live service would have written for them, as their tables take it."""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from random import Random
from uuid import UUID

from sqlalchemy import Connection, func, select, update

from app.db import db, transaction
from app.extensions import settings
from app.kit import clock
from app.models import ProviderProfile, Service, ServiceRequest, User
from app.samples.fields import micros
from app.samples.indexes import taken_down
from app.samples.makers import Maker, Part, Setting, making
from app.samples.scene import Scene, make_scene
from app.samples.tables import fields_for, make_fast
from app.samples.tale import DAY
from app.workflows import commission_months, figure_keeping

BATCH = 2_000
BULK = 50_000
"""From here on, a load into a table with fewer rows takes its indexes down meanwhile."""

Progress = Callable[[str, int, int], None]
"""Told what is being made, how much of it there will be, and how much was added just now."""


@dataclass(frozen=True, slots=True)
class Period:
    """Purchases are spread evenly between the two."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Wish:
    """How many, from when. Mails, visits and the Sandbox's own ledger are kept for the last `detailed_days` only."""

    count: int
    period: Period
    detailed_days: int = 30


def load(wish: Wish, *, random: Random, progress: Progress) -> None:
    """Insert the requests with all that belongs to them, and count them in with their providers.

    In batches, each of them whole; where that is much faster, in one transaction that everybody else waits for.
    """
    setting = _setting(wish, random)
    tables = Maker(setting, random=random).tables
    is_bulk = _is_bulk(wish.count)
    ranges = [range(start, min(start + BATCH, wish.count)) for start in range(0, wish.count, BATCH)]
    # What is read so far needs no connection, and no other process may have this one's.
    db.session.rollback()
    with making(setting, ranges, random=random) as parts:
        for size in [len(ranges)] if is_bulk else [1] * len(ranges):
            with transaction() as session:
                connection = session.connection()
                make_fast(connection)
                with taken_down(connection, tables, progress=progress) if is_bulk else nullcontext():
                    _hold(setting.scene)
                    open_work = _write(connection, islice(parts, size), tell=partial(progress, "Requests", wish.count))
                _count_in(open_work)


def _setting(wish: Wish, random: Random) -> Setting:
    fields = fields_for(db.engine.dialect)
    now, start = micros(clock.utc_now()), micros(wish.period.start)
    return Setting(
        scene=make_scene(fields, random=random),
        fields=fields,
        start=start,
        step=(micros(wish.period.end) - start) / wish.count,
        now=now,
        detailed_from=now - wish.detailed_days * DAY,
    )


def _is_bulk(count: int) -> bool:
    if count < BULK or db.engine.dialect.name != "postgresql":
        return False
    some = select(ServiceRequest.id).limit(count).subquery()
    return (db.session.scalar(select(func.count()).select_from(some)) or 0) < count


def _write(connection: Connection, parts: Iterable[Part], *, tell: Callable[[int], None]) -> Counter[UUID]:
    """What each provider got in hand by them."""
    open_work: Counter[UUID] = Counter()
    for part in parts:
        for bundle in part.bundles:
            bundle.write(connection)
        open_work += part.open_work
        tell(part.count)
    return open_work


def _hold(scene: Scene) -> None:
    """Whom and what the rows refer to stays there until they are committed."""
    services = {offer.service_id for offer in scene.offers}
    for model, keys in ((Service, services), (User, scene.users)):
        query = select(model.id).where(model.id.in_(keys)).with_for_update(read=True, key_share=True)
        if len(db.session.scalars(query).all()) < len(keys):
            raise RuntimeError("a service or a person was deleted while requests for them were loaded")


def _count_in(open_work: Counter[UUID]) -> None:
    """Raise the counters by what was added, and let the dashboard count the past anew."""
    for user_id, added in sorted(open_work.items()):
        profile = update(ProviderProfile).where(ProviderProfile.user_id == user_id)
        raised = profile.values(open_work=ProviderProfile.open_work + added)
        db.session.execute(raised.execution_options(synchronize_session=False))
    figure_keeping.mark_all(settings().time_zone)
    commission_months.forget()
