"""Requests in bulk: what the live service would have written for them, as their tables take it."""

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from random import Random
from uuid import UUID

from sqlalchemy import Connection, func, select, update

from app.db import db, transaction
from app.extensions import settings
from app.kit import clock
from app.models import ProviderProfile, Service, ServiceRequest, User
from app.samples.fields import micros
from app.samples.indexes import taken_down
from app.samples.letters_book import LettersBook
from app.samples.money_book import MoneyBook
from app.samples.requests_book import RequestsBook
from app.samples.scene import make_scene
from app.samples.tables import fields_for, make_fast
from app.samples.tale import DAY, Plot, Telling
from app.samples.traces_book import TracesBook
from app.workflows import figure_keeping

BATCH = 5_000
BULK = 50_000
"""From here on, a load into a table with fewer rows takes its indexes down meanwhile."""


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


def load(wish: Wish, *, random: Random, progress: Callable[[int], None]) -> None:
    """Insert the requests with all that belongs to them, and count them in with their providers.

    In batches, each of them whole; where that is much faster, in one transaction that everybody else waits for.
    """
    loader = _Loader(wish, random=random)
    is_bulk = _is_bulk(wish.count)
    parts = [range(start, min(start + BATCH, wish.count)) for start in range(0, wish.count, BATCH)]
    rounds = [parts] if is_bulk else [[part] for part in parts]
    for chosen in rounds:
        with transaction() as session:
            connection = session.connection()
            make_fast(connection)
            with taken_down(connection, loader.tables) if is_bulk else nullcontext():
                for part in chosen:
                    loader.write(connection, part)
                    progress(len(part))
            loader.count_in()


def _is_bulk(count: int) -> bool:
    if count < BULK or db.engine.dialect.name != "postgresql":
        return False
    some = select(ServiceRequest.id).limit(count).subquery()
    return (db.session.scalar(select(func.count()).select_from(some)) or 0) < count


class _Loader:
    def __init__(self, wish: Wish, *, random: Random) -> None:
        fields = fields_for(db.engine.dialect)
        # Keys are never drawn twice, whatever the seed.
        bits = Random().getrandbits  # noqa: S311 - they guard nothing
        now = micros(clock.utc_now())
        self._wish = wish
        self._start, self._end = micros(wish.period.start), micros(wish.period.end)
        self._detailed_from = now - wish.detailed_days * DAY
        self._scene = make_scene(fields, random=random)
        self._random = random
        self._plot = Plot(self._scene, random=random, bits=bits, now=now)
        self._books = (RequestsBook(fields, bits), MoneyBook(fields))
        self._details = (TracesBook(fields, bits), LettersBook(fields, self._scene))
        self._open_work: Counter[UUID] = Counter()

    @property
    def tables(self) -> list[str]:
        return [sheet.table for book in (*self._books, *self._details) for sheet in book.sheets]

    def write(self, connection: Connection, numbers: range) -> None:
        self._hold()
        step = (self._end - self._start) / self._wish.count
        for number in numbers:
            self._note(self._plot.tell(self._start + int((number + self._random.random()) * step)))
        for book in (*self._books, *self._details):
            for sheet in book.sheets:
                sheet.write(connection)

    def _note(self, telling: Telling) -> None:
        for book in self._books:
            book.write(telling)
        if telling.at >= self._detailed_from:
            for detail in self._details:
                detail.write(telling)
        tale = telling.tale
        if tale.provider is not None and tale.is_open:
            self._open_work[tale.provider.user_id] += 1

    def _hold(self) -> None:
        """Whom and what the rows refer to stays there until they are committed."""
        services = {offer.service_id for offer in self._scene.offers}
        for model, keys in ((Service, services), (User, self._scene.users)):
            query = select(model.id).where(model.id.in_(keys)).with_for_update(read=True, key_share=True)
            if len(db.session.scalars(query).all()) < len(keys):
                raise RuntimeError("a service or a person was deleted while requests for them were loaded")

    def count_in(self) -> None:
        """Raise the counters by what was added, and let the dashboard count the past anew."""
        for user_id, added in sorted(self._open_work.items()):
            profile = update(ProviderProfile).where(ProviderProfile.user_id == user_id)
            raised = profile.values(open_work=ProviderProfile.open_work + added)
            db.session.execute(raised.execution_options(synchronize_session=False))
        self._open_work.clear()
        figure_keeping.mark_all(settings().time_zone)
