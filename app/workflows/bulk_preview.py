"""What a bulk change would do as things stand: said before anything is done.

The rows were written down with how each request stood, and the rules look at nothing else: so they are asked once for
each way of standing, not once for each of a hundred thousand rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.db import db
from app.errors import DomainError
from app.models import (
    OPEN_STATUSES,
    BulkChange,
    BulkChangeRow,
    ProviderProfile,
    RequestStatus,
    ServiceRequest,
)
from app.workflows import bulk_steps
from app.workflows.bulk_steps import NO_ROOM, Assign, Mails, Route
from app.workflows.rosters import Roster

_MOST_EXAMPLES = 3
_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Group:
    """Requests that stand alike."""

    status: RequestStatus
    assigned_provider_id: UUID | None
    count: int

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES


@dataclass(slots=True)
class Reason:
    """Why some are refused, with the first of them."""

    words: str
    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Load:
    """What a provider has, and would have."""

    name: str
    capacity: int
    before: int
    after: int


@dataclass(slots=True)
class Forecast:
    """`by_status` counts what changes by where it stands now; `is_certain` is False where others take part."""

    changed: int = 0
    by_status: dict[RequestStatus, int] = field(default_factory=dict)
    reasons: list[Reason] = field(default_factory=list)
    to_customers: int = 0
    to_providers: int = 0
    load: Load | None = None
    is_certain: bool = True

    @property
    def refused(self) -> int:
        return sum(reason.count for reason in self.reasons)

    @property
    def mails(self) -> int:
        return self.to_customers + self.to_providers

    def add(self, group: Group, mails: Mails) -> None:
        self.changed += group.count
        self.by_status[group.status] = self.by_status.get(group.status, 0) + group.count
        self.to_customers += mails.to_customer * group.count
        self.to_providers += mails.to_provider * group.count


def forecast(change: BulkChange) -> Forecast:
    """Raises DomainError when the step itself cannot be done any more."""
    step = bulk_steps.load(change.action, change.parameters)
    found, reasons = Forecast(), _Reasons(change)
    for group in _groups(change):
        try:
            step.ensure(group)
        except DomainError as error:
            reasons.add(error.message, group)
        else:
            found.add(group, step.mails(group))
    found.reasons = reasons.sorted
    if isinstance(step, Route):
        _place(change, found)
    elif isinstance(step, Assign):
        found.load = _load(step, found)
    return found


class _Reasons:
    def __init__(self, change: BulkChange) -> None:
        self._change = change
        self._by_words: dict[str, Reason] = {}

    @property
    def sorted(self) -> list[Reason]:
        return sorted(self._by_words.values(), key=lambda reason: -reason.count)

    def add(self, words: str, group: Group) -> None:
        reason = self._by_words.setdefault(words, Reason(words))
        if not reason.examples:
            reason.examples = self._examples(group)
        reason.count += group.count

    def _examples(self, group: Group) -> list[str]:
        query = select(BulkChangeRow.reference).where(
            BulkChangeRow.change_id == self._change.id,
            BulkChangeRow.status_before == group.status,
            BulkChangeRow.provider_before == group.assigned_provider_id,
        )
        return list(db.session.scalars(query.order_by(BulkChangeRow.position).limit(_MOST_EXAMPLES)))


def _groups(change: BulkChange) -> Iterator[Group]:
    columns = (BulkChangeRow.status_before, BulkChangeRow.provider_before)
    query = select(*columns, func.count()).where(BulkChangeRow.change_id == change.id).group_by(*columns)
    for status, provider_id, count in db.session.execute(query).all():
        yield Group(status, provider_id, count)


def _load(step: Assign, found: Forecast) -> Load | None:
    query = select(ProviderProfile).where(ProviderProfile.user_id == step.provider.id)
    profile = db.session.scalar(query)
    if profile is None:
        return None
    return Load(step.provider.name, profile.capacity, profile.open_work, profile.open_work + found.changed)


def _place(change: BulkChange, found: Forecast) -> None:
    """Who would be left over when everybody's room is taken: the rule is tried on the rows in their order."""
    roster, placed, without = Roster(), 0, Reason(NO_ROOM)
    for row in _routable(change):
        if roster.take(row) is not None:
            placed += 1
        elif len(without.examples) < _MOST_EXAMPLES:
            without.examples.append(row.reference)
        elif not roster.has_room:
            break
    without.count = found.changed - placed
    if without.count:
        found.reasons.insert(0, without)
    found.changed = found.to_providers = placed
    found.by_status, found.is_certain = {}, False


def _routable(change: BulkChange) -> Iterator[Any]:
    columns = (ServiceRequest.id, ServiceRequest.service_id, ServiceRequest.service_category)
    query = (
        select(BulkChangeRow.reference, ServiceRequest.service_name, *columns)
        .join(ServiceRequest, ServiceRequest.id == BulkChangeRow.request_id)
        .where(
            BulkChangeRow.change_id == change.id,
            BulkChangeRow.status_before.in_(OPEN_STATUSES),
            BulkChangeRow.provider_before.is_(None),
        )
        .order_by(BulkChangeRow.position)
        .execution_options(yield_per=_CHUNK)
    )
    with db.session.execute(query) as rows:
        yield from rows
